"""The report says everything to whoever judges it again, in each of its forms, and nothing runs in it."""

import json
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bidclient import resource
from bidclient.checks.finding import Evidence, Place
from bidclient.errors import BadFormat, NotCanonical
from bidclient.explain import Language
from bidclient.formats import canonical
from bidclient.similarity.findings.examined import Counterpart
from bidclient.similarity.passages.compare import Comparison, Coverage
from bidclient.similarity.passages.fingerprint import PARAMETERS
from bidclient.similarity.passages.passage import Passage
from bidclient.similarity.reading.document import Extract, Page
from bidclient.similarity.report.highlight import flowing, side_by_side
from bidclient.similarity.report.html import report_html
from bidclient.similarity.report.parts import (
    LONGEST_EXCERPT,
    MOST_PASSAGES,
    MOST_PROOFS,
    found,
    same_passages,
    shares,
)
from bidclient.similarity.report.pdf import report_pdf
from bidclient.similarity.report.self_check import (
    NOTICE_EN,
    NOTICE_ZH,
    SelfCheck,
    finding_id,
    read_self_check,
    readable,
    self_check_bytes,
)
from tests.support.self_check import DIGEST, OTHER, finding, passage, record

HOSTILE = "</div><script>alert(1)</script>\"'&<img src=x onerror=alert(2)>\u202e"
TEXT = st.text(st.sampled_from("甲乙丙丁 \n1"), max_size=60)


class BrowserPage(HTMLParser):
    """What a browser would make of it: elements with their attributes, and the text between."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(content.decode("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "input", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def everything() -> SelfCheck:
    severe = finding("投标人：另一家有限公司", "blocking", rule="META-001")
    known = found([finding()], {}, {})
    return record(
        finding(),
        severe,
        finding("小事", "info", fact="比例 1/3"),
        accepted=known,
        passages=(
            passage("项目经理每周检查施工现场三次", "项目经理每周巡视施工现场五次"),
            passage("投标有效期为九十日", "投标有效期为九十日", "tender"),
        ),
    )


# ------------------------------------------------------------------------------------------------ record


def test_the_record_is_read_as_it_was_written_and_fits_its_schema() -> None:
    made = everything()
    data = self_check_bytes(made)
    assert read_self_check(data, "report.json") == made
    judge = jsonschema.Draft202012Validator(json.loads(resource.read_bytes("schemas/self-check.json")))
    plain = json.loads(data)
    judge.validate(plain)
    for name in plain:
        assert not judge.is_valid({key: value for key, value in plain.items() if key != name}), name
    wrong = {**plain["findings"][0], "severity": "certain"}
    assert not judge.is_valid({**plain, "findings": [wrong]})
    with pytest.raises(NotCanonical):
        read_self_check(data.replace(b'"version":1', b'"version": 1'), "report.json")
    with pytest.raises(BadFormat):
        read_self_check(data.replace(b'"left_out":0', b'"left_out":"0"'), "report.json")


def test_findings_wait_in_the_order_of_their_weight_and_explained_ones_last() -> None:
    made = everything()
    assert [one.severity for one in made.findings] == ["blocking", "info", "warning"]
    assert [one.accepted is not None for one in made.findings] == [False, False, True]
    assert not made.passed
    assert record(finding()).passed
    # What blocks goes on blocking when it is explained: a reason mends nothing.
    severe = finding(severity="blocking")
    explained = record(severe, accepted=found([severe], {}, {}))
    assert explained.findings[0].accepted is not None
    assert not explained.passed


def test_places_that_are_not_listed_are_counted() -> None:
    many = replace(finding(), evidence=finding().evidence * (MOST_PROOFS + 3))
    (made,) = found([many], {}, {})
    assert len(made.evidence) == MOST_PROOFS + 1
    assert made.evidence[-1].fact == "另有 3 处未列出 / 3 more places are not listed"
    (whole,) = found([replace(many, evidence=many.evidence[:MOST_PROOFS])], {}, {})
    assert len(whole.evidence) == MOST_PROOFS


def test_an_id_holds_while_the_evidence_does() -> None:
    one = finding()
    moved = finding(page=9)
    assert finding_id(one) == finding_id(moved)
    assert finding_id(one) == finding_id(replace(one, severity="info", message_zh="说法变了"))
    others = (
        finding("南大街道路工程"),
        finding(fact="2 处"),
        finding(rule="TXT-003"),
        finding(document="technical/另一份.pdf"),
        replace(one, evidence=(*one.evidence, Evidence(Place("commercial/投标函.pdf", 1, 0, 2, "北大")))),
        replace(one, evidence=()),
    )
    assert len({finding_id(other) for other in (one, *others)}) == len(others) + 1
    places = [replace(one, evidence=(Evidence(Place("a.pdf", page)),)) for page in (1, 2)]
    assert len({finding_id(place) for place in places}) == 2


def test_what_two_checks_say_alike_stands_once_with_its_evidence() -> None:
    one = finding()
    bare = replace(one, evidence=())
    (only,) = found([bare, one, one], {}, {})
    assert only.evidence[0].here.quote == "北大街道路工程"
    assert len(found([bare, replace(bare, message_zh="另一句", message_en="another")], {}, {})) == 2


def test_a_place_has_what_is_needed_to_find_it_again() -> None:
    (only,) = record(finding()).findings
    proof = only.evidence[0]
    assert (proof.here.sha256, proof.here.page, proof.here.start) == (DIGEST, 3, 300)
    assert proof.there is not None
    assert (proof.there.sha256, proof.there.end - proof.there.start) == (OTHER, 7)


@given(st.text())
def test_any_text_becomes_one_that_has_a_canonical_form(text: str) -> None:
    said = readable(text)
    canonical.dumps([said])
    assert readable(said) == said


def test_half_a_surrogate_pair_and_control_characters_are_shown_as_such() -> None:
    assert readable("a\ud800b\x00c\nd") == "a\ufffdb\ufffdc\nd"
    # Nor may a name turn the line around that it stands in.
    assert readable("fdp\u202ecod.exe") == "fdp\ufffdcod.exe"


# ---------------------------------------------------------------------------------------------- passages


def _text(name: str, words: str) -> Extract:
    half = len(words) // 2
    return Extract(name, DIGEST, "pdf", words, (Page(1, 0, half, "text"), Page(2, half, len(words), "text")))


def test_passages_are_told_by_page_and_words_the_longest_that_counts_first() -> None:
    draft, source = _text("d", "甲" * 5000), _text("s", "乙" * 6000)
    passages = (
        Passage("d", 0, 50, 1, 10, 60, 0.9, "reworded"),
        Passage("d", 100, 900, 1, 0, 800, 1.0, "verbatim", "tender"),
        Passage("d", 1000, 4900, 1, 3000, 5999, 0.87654, "numbers", "", 3),
    )
    total = Coverage("", 5000, 3950, 800, 0, 0)
    comparison = Comparison(passages, (replace(total, document="d"),), total, 1, PARAMETERS)
    made, left_out = same_passages(comparison, {"d": draft}, lambda _: Counterpart("own", "s", "b", source))
    assert [(one.here.start, one.excused) for one in made] == [(1000, ""), (0, ""), (100, "tender")]
    longest = made[0]
    assert (longest.here.page, longest.there.page, longest.similarity, longest.also_in) == (1, 2, 877, 3)
    assert len(longest.here.quote) == LONGEST_EXCERPT + 1
    assert left_out == 0
    assert [one.counted for one in shares(comparison.documents)] == [3950, 3950]


def test_beyond_the_most_passages_their_number_is_told() -> None:
    draft = _text("d", "甲" * 5000)
    passages = tuple(Passage("d", n, n + 50, 1, n, n + 50, 1.0, "verbatim") for n in range(MOST_PASSAGES + 7))
    comparison = Comparison(passages, (), Coverage("", 1, 1, 0, 0, 0), 1, PARAMETERS)
    made, left_out = same_passages(comparison, {"d": draft}, lambda _: Counterpart("own", "s", "b", draft))
    assert (len(made), left_out) == (MOST_PASSAGES, 7)


@given(TEXT, TEXT)
def test_pieces_are_the_texts_and_equal_pieces_are_equal(here: str, there: str) -> None:
    ours, theirs = side_by_side(here, there)
    assert "".join(one.text for one in ours) == here
    assert "".join(one.text for one in theirs) == there
    same = ["".join("".join(one.text for one in side if one.same).split()) for side in (ours, theirs)]
    assert same[0] == same[1]


def test_what_differs_is_marked_and_line_breaks_are_not() -> None:
    ours, theirs = side_by_side("每周检查\n三次", "每周巡视五次")
    assert [one.text for one in ours if not one.same] == ["检查\n三"]
    assert [one.text for one in theirs if not one.same] == ["巡视五"]
    assert all(one.same for side in side_by_side("甲\n乙", "甲乙") for one in side)
    assert all(one.same for side in side_by_side("甲乙…", "甲…") for one in side)


def test_lines_that_only_the_page_broke_flow_again() -> None:
    assert (
        flowing("封闭前一\n晚告知。\n次日 \n 通车\nas it is\n甲")
        == "封闭前一晚告知。\n次日通车\nas it is\n甲"
    )


# ----------------------------------------------------------------------------------------------- on paper


@pytest.mark.parametrize(("language", "notice"), [("zh", NOTICE_ZH), ("en", NOTICE_EN)])
def test_the_page_says_everything_in_one_file(language: Language, notice: str) -> None:
    content = report_html(everything(), language)
    page = BrowserPage(content)
    assert page.open == []
    for said in (notice, "TXT-002", "META-001", DIGEST, OTHER, "对手.pdf", "业绩表中的项目名称", "blocks"):
        assert said in page.text
    assert ("未检查" in page.text) is (language == "zh")
    assert ("Not checked" in page.text) is (language == "en")
    assert ("《招标投标法实施条例》第四十条" in page.text) is (language == "zh")
    names = {name for name, _ in page.elements}
    assert not names & {"script", "link", "img", "iframe", "object"}
    assert not [
        value for _, given in page.elements for name, value in given.items() if name in ("src", "href")
    ]
    marks = [name for name, _ in page.elements].count("mark")
    assert marks == 4  # 检查/巡视 and 三/五; nothing in what is quoted from the tender
    quoted = [
        given for name, given in page.elements if name == "article" and "quoted" in (given["class"] or "")
    ]
    assert len(quoted) == 1


def test_nothing_from_a_file_becomes_part_of_the_page() -> None:
    hostile = replace(
        finding(HOSTILE, document=HOSTILE, subject=HOSTILE),
        message_zh=HOSTILE,
        advice_zh=HOSTILE,
        basis_zh=HOSTILE,
    )
    bad = record(hostile, passages=(passage(HOSTILE, HOSTILE + "x"),))
    page = BrowserPage(report_html(bad, "zh"))
    plain = BrowserPage(report_html(record(finding(), passages=(passage("a", "ax"),)), "zh"))
    assert [name for name, _ in page.elements] == [name for name, _ in plain.elements]
    assert "<script>alert(1)</script>" in page.text
    assert not [given for _, given in page.elements if any(name.startswith("on") for name in given)]
    said = subprocess.run(
        ["pdftotext", "-", "-"], input=report_pdf(bad, "zh"), capture_output=True, check=True
    ).stdout.decode()
    assert "<script>alert(1)</script>" in "".join(said.split())


@pytest.mark.parametrize(("language", "notice"), [("zh", NOTICE_ZH), ("en", NOTICE_EN)])
def test_the_paper_says_what_was_found_and_what_was_not_looked_at(
    language: Language, notice: str, tmp_path: Path
) -> None:
    content = report_pdf(everything(), language)
    assert content == report_pdf(everything(), language)
    path = tmp_path / "report.pdf"
    path.write_bytes(content)
    done = subprocess.run(["pdftotext", "-raw", path, "-"], capture_output=True, check=True)
    said = "".join(done.stdout.decode().split())
    for words in (notice, "TXT-002", "META-001", DIGEST, "对手.pdf", "方案.pdf", "业绩表中的项目名称"):
        assert "".join(words.split()) in said
    if shutil.which("qpdf"):
        subprocess.run(["qpdf", "--check", path], capture_output=True, check=True)
        path.write_bytes(content[: len(content) // 2])
        assert subprocess.run(["qpdf", "--check", path], capture_output=True, check=False).returncode


def test_a_report_without_findings_says_so() -> None:
    empty = record()
    assert empty.passed
    assert "没有发现问题" in BrowserPage(report_html(empty, "zh")).text
    assert report_pdf(empty, "en").startswith(b"%PDF-")
