from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bidclient.errors import Cancelled
from bidclient.similarity.passages.compare import Comparison, compare
from bidclient.similarity.passages.fingerprint import SENSITIVE
from bidclient.similarity.passages.likeness import judge
from bidclient.similarity.passages.normal import Normal, normalise
from bidclient.similarity.passages.passage import Owner, Passage
from bidclient.similarity.passages.source import Query, TextSource
from tests.support.clauses import paragraph
from tests.support.rewriting import rewritten


def prose(seed: int, paragraphs: int = 12) -> str:
    random = Random(seed)
    return "".join(paragraph(random) for _ in range(paragraphs))


def against(text: str, *sources: TextSource, quotable: tuple[TextSource, ...] = ()) -> Comparison:
    return compare([Query("draft.pdf", text)], sources, quotable)


def own(number: int, text: str, owner: Owner = "own") -> TextSource:
    return TextSource(number, owner, text, f"project {number}")


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(75, 600), st.data())
def test_a_copied_passage_is_always_found_where_it_stands(
    seed: int, length: int, data: st.DataObject
) -> None:
    source, text = prose(seed), prose(seed + 20_000)
    low = data.draw(st.integers(0, len(source) - length))
    place = data.draw(st.integers(0, len(text)))
    copied = source[low : low + length]
    draft = text[:place] + copied + text[place:]
    (found, *_) = sorted(against(draft, own(7, source)).passages, key=lambda one: one.start - one.end)
    assert found.source == 7
    wanted = normalise(copied).string()
    assert wanted in normalise(draft[found.start : found.end]).string()
    assert wanted in normalise(source[found.source_start : found.source_end]).string()
    # Phrases of the trade beside it may be drawn in, but never what is far away.
    assert abs(found.start - place) < 400
    assert abs(found.source_start - low) < 600


def test_a_text_is_like_itself_from_beginning_to_end() -> None:
    text = prose(1, 40)
    found = against(text, own(1, text))
    (passage,) = found.passages
    assert normalise(text[: passage.start]).string() == normalise(text[passage.end :]).string() == ""
    assert (passage.similarity, passage.likeness) == (1.0, "verbatim")
    assert found.total.counted == found.total.characters == len(normalise(text))


def test_a_text_of_a_thousand_pages_is_compared_with_itself_in_no_time() -> None:
    text = prose(1, 1400)
    found = against(text, own(1, text))
    assert found.total.counted > 0.99 * found.total.characters
    assert max(found.passages, key=lambda one: one.end - one.start).likeness == "verbatim"


def test_a_text_that_says_everything_twice_in_another_order_is_found() -> None:
    random = Random(160)
    paragraphs = [paragraph(random, 2, 3) for _ in range(400)] * 2
    random.shuffle(paragraphs)
    text = "".join(paragraphs)
    random.shuffle(paragraphs)
    found = against(text, own(1, "".join(paragraphs)))
    assert found.total.counted > 0.9 * found.total.characters


def test_both_ways_the_same_is_found() -> None:
    shared = prose(2, 5)
    one, other = prose(3) + shared + prose(4), prose(5, 4) + shared + prose(6)
    (forth,), (back,) = against(one, own(1, other)).passages, against(other, own(1, one)).passages
    assert abs(forth.start - back.source_start) < 30
    assert abs(forth.source_end - back.end) < 30


def test_texts_with_nothing_in_common_have_no_passage() -> None:
    found = against(prose(7, 30), own(1, prose(8, 30)))
    assert found.passages == ()
    assert found.total.counted == 0
    assert found.sources == 1


@pytest.mark.parametrize(
    ("kind", "likeness"),
    [("verbatim", "verbatim"), ("numbers", "numbers"), ("reorder", "reordered"), ("synonym", "reworded")],
)
def test_it_says_how_the_passages_are_alike(kind: str, likeness: str) -> None:
    source = "".join(paragraph(Random(seed), 6, 6) for seed in range(20, 23))
    text = rewritten(source, kind, Random(1))
    assert text != source or kind == "verbatim"
    found = against(prose(9) + text + prose(10), own(1, prose(11) + source + prose(12)))
    assert [one.likeness for one in found.passages] == [likeness]


def test_long_passages_are_judged_as_a_whole() -> None:
    text = prose(13, 200)
    assert len(text) > 40_000
    figures = rewritten(text, "numbers", Random(1))
    words = rewritten(text, "synonym", Random(1))
    judged = [judge(kept(text), kept(other), 0.9).likeness for other in (text, figures, words)]
    assert judged == ["verbatim", "numbers", "reworded"]


def kept(text: str) -> Normal:
    return normalise(text, keep_figures=True)


def test_a_running_head_in_the_middle_parts_nothing() -> None:
    shared = paragraph(Random(30), 6, 6)
    head = "\n某建设公司 投标文件 第 12 页\n"
    text = prose(31) + shared[:70] + head + shared[70:] + prose(32)
    start = text.index(head)
    query = Query("draft.pdf", text, [(start, start + len(head))])
    source = shared[:150] + head + shared[150:]
    found = compare([query], [TextSource(1, "own", source, left_out=[(150, 150 + len(head))])])
    (passage,) = found.passages
    assert (passage.likeness, passage.similarity) == ("verbatim", 1.0)
    assert found.total.characters == len(normalise(text)) - len(normalise(head))


def excused(found: Comparison) -> dict[str, list[Passage]]:
    return {
        label: [one for one in found.passages if one.excused == label]
        for label in ("", "tender", "public", "template")
    }


def test_what_is_quoted_is_shown_and_does_not_count() -> None:
    clause, statute, pattern, copied = (paragraph(Random(seed), 6, 6) for seed in range(40, 44))
    text = prose(44) + clause + prose(45) + statute + prose(46) + pattern + prose(47) + copied
    quotable = (
        own(1, prose(48) + clause, "tender"),
        own(2, prose(49) + statute, "public"),
        own(3, prose(50) + pattern, "template"),
    )
    other = own(4, prose(51) + clause + statute + pattern + prose(52) + copied)
    found = against(text, other, quotable=quotable)
    by_label = excused(found)
    assert [[one.source for one in by_label[label]] for label in by_label] == [[4], [1], [2], [3]]
    total = found.total
    for count, part in (
        (total.tender, clause),
        (total.public, statute),
        (total.template, pattern),
        (total.counted, copied),
    ):
        assert count == pytest.approx(len(normalise(part)), abs=25)


def test_an_edited_quote_is_still_a_quote() -> None:
    tender = "".join(paragraph(Random(seed), 6, 6) for seed in range(60, 70))
    edited = rewritten(tender, "synonym", Random(1), 0.5)
    text = prose(70) + edited + prose(71)
    answering = own(2, prose(72) + tender + prose(73))
    with_tender = against(text, answering, quotable=(own(1, tender, "tender"),))
    assert excused(with_tender)[""] == []
    assert excused(with_tender)["tender"] != []
    assert excused(against(text, answering))[""] != []


def test_words_that_a_bidder_adds_to_a_quote_are_its_own() -> None:
    clause, promise = paragraph(Random(80), 8, 8), paragraph(Random(81), 3, 3)
    text = prose(82) + clause[:120] + promise + clause[120:] + prose(83)
    rival = own(2, prose(84) + promise + prose(85))
    found = excused(against(text, rival, quotable=(own(1, clause, "tender"),)))
    (passage,) = found[""]
    assert text[passage.start : passage.end] in promise + clause[120:140]
    assert passage.source == 2


@pytest.mark.parametrize(("projects", "label"), [(2, ""), (3, "template")])
def test_text_in_bids_for_three_projects_is_a_template(projects: int, label: str) -> None:
    shared = paragraph(Random(990), 8, 8)
    sources = [own(number, prose(91 + number) + shared) for number in range(1, projects + 1)]
    again = TextSource(9, "own", prose(99) + shared, "project 1")
    found = against(prose(90) + shared, *sources, again)
    assert {one.excused for one in found.passages} == {label}
    assert len(found.passages) == projects + 1
    counts = (found.total.counted > 0, found.total.template > 0)
    assert counts == ((False, True) if label else (True, False))


def test_files_that_the_user_names_are_no_templates() -> None:
    shared = paragraph(Random(990), 8, 8)
    sources = [own(number, prose(91 + number) + shared, "named") for number in range(4)]
    assert {one.excused for one in against(prose(90) + shared, *sources).passages} == {""}


def test_the_best_five_are_shown_and_the_others_counted() -> None:
    shared = paragraph(Random(991), 8, 8)
    sources = [TextSource(number, "own", prose(101 + number, 3) + shared, "one") for number in range(12)]
    found = against(prose(100) + shared, *sources).passages
    assert len(found) == 5
    assert {one.also_in for one in found} == {11}


def test_documents_of_a_draft_are_told_apart() -> None:
    shared = paragraph(Random(110), 8, 8)
    half = len(shared) // 2
    queries = [
        Query("a.pdf", prose(111) + shared[:half]),
        Query("b.pdf", shared[half:] + prose(112)),
        Query("c.pdf", ""),
    ]
    found = compare(queries, [own(1, prose(113) + shared + prose(114))])
    assert [one.document for one in found.passages] == ["a.pdf", "b.pdf"]
    for one, query in zip(found.passages, queries, strict=False):
        assert normalise(query.text[one.start : one.end]).string() in normalise(shared).string()
    assert [one.document for one in found.documents] == ["a.pdf", "b.pdf", "c.pdf"]
    assert found.total.counted == sum(one.counted for one in found.documents)
    assert found.total.characters == sum(len(normalise(query.text)) for query in queries)


@pytest.mark.parametrize("text", ["", "。\n", "投标", "投标函" * 500])
def test_drafts_with_hardly_any_text_are_no_trouble(text: str) -> None:
    found = against(text, own(1, prose(120)), own(2, text), own(3, ""), quotable=(own(4, text, "tender"),))
    assert found.total.counted == 0
    assert compare([], [own(1, prose(120))]).passages == ()


def test_the_sensitive_setting_compares_fingerprints_of_its_own() -> None:
    shared = paragraph(Random(130), 6, 6)
    source = TextSource(1, "own", prose(131) + shared, parameters=SENSITIVE)
    found = compare([Query("draft.pdf", prose(132) + shared)], [source], parameters=SENSITIVE)
    assert len(found.passages) == 1
    assert found.parameters == SENSITIVE


def test_it_tells_how_far_it_is_and_stops_when_told_to() -> None:
    seen: list[int] = []
    sources = [own(number, prose(140 + number, 3)) for number in range(5)]

    def progress(_step: str, done: int, _total: int) -> None:
        seen.append(done)

    compare([Query("draft.pdf", prose(150))], sources, progress=progress)
    assert seen == [1, 2, 3, 4, 5]
    with pytest.raises(Cancelled):
        compare([Query("draft.pdf", prose(150))], sources, cancelled=lambda: True)
