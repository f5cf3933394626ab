"""Errors that only two texts share, found against a background of others; and the draft's own."""

from functools import cache
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bidclient.similarity.findings.slips import Background, SharedSlips, check_typing
from bidclient.similarity.findings.texts import passages_by_bid
from bidclient.similarity.findings.thresholds import Thresholds
from bidclient.similarity.passages.compare import compare
from bidclient.similarity.passages.source import Query, TextSource
from tests.support.clauses import paragraph
from tests.support.examined import counterpart, examined
from tests.support.real_texts import statutes

TYPOS = ("混疑土搅绊", "桩基础浇祝", "模版支撑休系", "钢筋帮扎", "验收台格")


def prose(seed: int, paragraphs: int = 25) -> str:
    random = Random(seed)
    return "".join(paragraph(random) for _ in range(paragraphs))


@cache
def others() -> tuple[str, ...]:
    """What honest bidders have written, enough of it to know what is common."""
    return tuple(prose(1000 + number, 150) for number in range(60))


def with_typos(seed: int, typos: tuple[str, ...] = TYPOS) -> str:
    random = Random(-seed)
    text = prose(seed)
    for typo in typos:
        at = random.randrange(len(text))
        text = f"{text[:at]}，{typo}，{text[at:]}"
    return text


def shown(query: SharedSlips, source: str, count: int = 60) -> SharedSlips:
    query.take(Background("对手", source))
    for number, text in enumerate(others()[:count]):
        query.take(Background(f"背景{number}", text))
    return query


def test_errors_that_two_texts_alone_share_are_told_in_their_context() -> None:
    draft, source = examined(with_typos(1)), with_typos(2)
    slips = shown(SharedSlips([draft], {}), source)
    assert slips.suspects() == ("对手",)
    suspect = counterpart(source, owner="named", bid="对手")
    [finding] = slips.findings([suspect], {})
    assert (finding.rule, finding.severity) == ("ERR-001", "warning")
    text = draft.extract.text
    told = "".join(text[one.here.start : one.here.end] for one in finding.evidence)
    assert all(one in told for one in ("疑", "祝", "休", "帮", "台"))
    first = finding.evidence[0]
    assert first.there is not None
    assert source[first.there.start : first.there.end] == first.fact
    assert f"【{first.fact}】" in first.here.quote


def test_with_a_bid_of_our_own_it_is_a_hint() -> None:
    source = with_typos(2)
    slips = shown(SharedSlips([examined(with_typos(1))], {}), source)
    [finding] = slips.findings([counterpart(source, owner="own", bid="对手")], {})
    assert finding.severity == "info"


def test_what_a_third_text_has_too_is_no_sign() -> None:
    source = with_typos(2)
    slips = shown(SharedSlips([examined(with_typos(1))], {}), source)
    slips.take(Background("模板", "".join(TYPOS)))
    assert slips.suspects() == ()
    assert slips.findings([counterpart(source, bid="对手")], {}) == []


def test_two_documents_of_one_bid_count_as_one() -> None:
    slips = SharedSlips([examined(with_typos(1))], {})
    slips.take(Background("对手", with_typos(2)))
    shown(slips, with_typos(3))
    assert slips.suspects() == ("对手",)


def test_errors_inside_an_aligned_passage_do_not_count() -> None:
    draft, source = examined(with_typos(1)), with_typos(2)
    slips = shown(SharedSlips([draft], {}), source)
    covered = {(draft.where, "对手"): [(0, len(draft.extract.text))]}
    assert slips.findings([counterpart(source, bid="对手")], covered) == []
    assert slips.findings([counterpart(source, bid="对手")], {(draft.where, "别家"): [(0, 99_999)]})


def test_two_errors_are_too_few() -> None:
    draft, source = examined(with_typos(1, TYPOS[:2])), with_typos(2, TYPOS[:2])
    slips = shown(SharedSlips([draft], {}), source)
    assert slips.findings([counterpart(source, bid="对手")], {}) == []
    assert slips.findings([counterpart(source, bid="对手")], {}, Thresholds(shared_errors=2))


def test_words_of_the_subject_are_no_errors() -> None:
    """Each word comes three times in both texts, and in no other."""
    words = tuple(typo for typo in TYPOS for _ in range(3))
    slips = shown(SharedSlips([examined(with_typos(1, words))], {}), with_typos(2, words))
    assert slips.suspects() == ()


def test_statutes_hardly_ever_share_what_looks_like_an_error() -> None:
    """Real texts that share subjects and whole sentences, but no author's errors: 2,388 pairs."""
    laws = ["".join(law) for law in statutes(200)]
    found = 0
    for number in Random(7).sample(range(len(laws)), 12):
        slips = SharedSlips([examined(laws[number])], {})
        for other, law in enumerate(laws):
            if other != number:
                slips.take(Background(str(other), law))
        suspects = {int(bid): counterpart(laws[int(bid)], bid=bid) for bid in slips.suspects()}
        sources = [TextSource(other, "own", laws[other]) for other in suspects]
        comparison = compare([Query("technical/plan", laws[number])], sources, ())
        covered = passages_by_bid(comparison, suspects.__getitem__)
        found += len(slips.findings(suspects.values(), covered))
    assert found <= 3


def test_without_a_background_nobody_can_tell() -> None:
    source = with_typos(2)
    slips = shown(SharedSlips([examined(with_typos(1))], {}), source, 8)
    assert slips.background == 9
    [finding] = slips.findings([counterpart(source, bid="对手")], {})
    assert (finding.rule, finding.severity) == ("ERR-001", "info")
    assert "无法判断" in finding.message_zh
    assert "9" in finding.message_en
    assert SharedSlips([], {}).findings([], {}) == []


def test_unrelated_texts_share_no_errors() -> None:
    """Ten drafts, none of which was written with a look at any other text."""
    for seed in range(10):
        slips = shown(SharedSlips([examined(prose(seed))], {}), prose(700 + seed), 50 + seed)
        assert slips.suspects() == ()


def test_running_heads_are_left_out() -> None:
    head = "".join(TYPOS)
    text = head + prose(1)
    source = with_typos(2)
    assert shown(SharedSlips([examined(text)], {}), source).suspects() == ("对手",)
    left_out = {"technical/plan": [(0, len(head))]}
    assert shown(SharedSlips([examined(text)], left_out), source).suspects() == ()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(max_size=60), max_size=4), st.text(max_size=60))
def test_any_text_can_be_looked_at(texts: list[str], draft: str) -> None:
    thresholds = Thresholds(background_documents=1, shared_errors=1)
    slips = SharedSlips([examined(draft)], {})
    for number, text in enumerate(texts):
        slips.take(Background(str(number), text))
    suspects = [counterpart(texts[int(bid)], bid=bid) for bid in slips.suspects(thresholds)]
    for finding in slips.findings(suspects, {}, thresholds):
        for one in finding.evidence:
            assert (draft[one.here.start : one.here.end] == one.fact) or not texts


# ------------------------------------------------------------------------------------------------- typing


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("本工程的的质量", ["的的"]),
        ("施工方案，，详见附件。。", ["，，", "。。"]),
        ("现场管理，。", ["，。"]),
        ("由项目部项目部负责", ["项目部项目部"]),
    ],
)
def test_doubled_words_and_marks_are_listed(text: str, told: list[str]) -> None:
    [finding] = check_typing([examined(text)])
    assert (finding.rule, finding.severity) == ("ERR-001", "info")
    assert [one.fact for one in finding.evidence] == told


@pytest.mark.parametrize(
    "text", ["", "目的的实现", "一个一个检查", "一层一层夯实", "为了了解情况", "……", "构建和和谐谐的"[:5]]
)
def test_what_is_doubled_on_purpose_is_not(text: str) -> None:
    assert check_typing([examined(text)]) == []
