"""What the passages of a real comparison come to, bid by bid."""

from random import Random

from bidclient.similarity.findings.examined import Counterpart, Examined
from bidclient.similarity.findings.texts import check_reuse, passages_by_bid
from bidclient.similarity.findings.thresholds import Thresholds
from bidclient.similarity.passages.compare import Comparison, compare
from bidclient.similarity.passages.source import Query, Source, TextSource
from tests.support.clauses import paragraph
from tests.support.examined import counterpart, examined

PROJECT = "A016210022511010001"


def prose(seed: int, paragraphs: int = 12) -> str:
    random = Random(seed)
    return "".join(paragraph(random) for _ in range(paragraphs))


def compared(
    documents: list[Examined], others: list[Counterpart], quotable: tuple[Source, ...] = ()
) -> Comparison:
    queries = [Query(one.where, one.extract.text) for one in documents]
    sources = [
        TextSource(number, one.owner, one.extract.text, one.project) for number, one in enumerate(others)
    ]
    return compare(queries, sources, quotable)


def found(
    documents: list[Examined], others: list[Counterpart], quotable: tuple[Source, ...] = ()
) -> list[tuple[str, str]]:
    comparison = compared(documents, others, quotable)
    findings = check_reuse(comparison, documents, others.__getitem__, PROJECT)
    return [(one.rule, one.severity) for one in findings]


def spread(blocks: int, seed: int = 1) -> tuple[str, str]:
    """A draft and a bid that share so many blocks, each between words of their own."""
    draft, bid = prose(seed, 12), prose(seed + 100, 12)
    for number in range(blocks):
        block = prose(seed + 200 + number, 4)
        draft += block + prose(seed + 300 + number, 2)
        bid += block + prose(seed + 400 + number, 2)
    return draft, bid


def test_nearly_all_from_another_lot_of_the_same_tender_is_a_hint() -> None:
    text = prose(1)
    draft = [examined(text + prose(2, 1))]
    other = counterpart(text, project=PROJECT, lot="二标段")
    comparison = compared(draft, [other])
    [finding] = check_reuse(comparison, draft, [other].__getitem__, PROJECT)
    assert (finding.rule, finding.severity) == ("TXT-001", "info")
    assert "二标段" in finding.message_zh
    assert "同一招标项目" in finding.message_zh
    evidence = finding.evidence[0]
    assert evidence.there is not None
    assert evidence.there.document == other.name
    assert evidence.here.page == evidence.there.page == 1
    assert evidence.fact.startswith("verbatim")


def test_nearly_all_from_a_named_file_is_a_warning() -> None:
    text = prose(1)
    assert found([examined(text)], [counterpart(text, owner="named")]) == [("TXT-001", "warning")]
    assert found([examined(text)], [counterpart(text, project="另一项目")]) == [("TXT-001", "info")]


def test_a_text_of_our_own_words_has_no_finding() -> None:
    assert found([examined(prose(1))], [counterpart(prose(2))]) == []
    assert found([examined("")], [counterpart(prose(2))]) == []


def test_three_blocks_are_told_and_two_are_not() -> None:
    for blocks, expected in ((3, [("TXT-003", "warning")]), (2, [])):
        draft, bid = spread(blocks)
        assert found([examined(draft)], [counterpart(bid, owner="named")]) == expected
    draft, bid = spread(3)
    assert found([examined(draft)], [counterpart(bid)]) == [("TXT-003", "info")]


def test_blocks_of_one_bid_count_together_though_they_are_in_two_files() -> None:
    draft, bid = spread(4)
    half = len(bid) // 2
    others = [counterpart(bid[:half], owner="named"), counterpart(bid[half:], owner="named")]
    assert found([examined(draft)], others) == [("TXT-003", "warning")]


def test_what_the_tender_has_too_does_not_count() -> None:
    draft, bid = spread(3)
    tender = TextSource(900, "tender", bid)
    assert found([examined(draft)], [counterpart(bid, owner="named")], (tender,)) == []


def test_the_thresholds_decide() -> None:
    draft, bid = spread(3)
    documents, other = [examined(draft)], counterpart(bid, owner="named")
    comparison = compared(documents, [other])
    for thresholds in (
        Thresholds(blocks=4),
        Thresholds(block_characters=5_000),
        Thresholds(blocks_share=0.9),
    ):
        assert check_reuse(comparison, documents, [other].__getitem__, PROJECT, thresholds) == []
    low = Thresholds(same_text=0.2)
    [finding] = check_reuse(comparison, documents, [other].__getitem__, PROJECT, low)
    assert finding.rule == "TXT-001"


def test_the_places_of_passages_are_told_by_document_and_bid() -> None:
    draft, bid = spread(3)
    documents, other = [examined(draft)], counterpart(bid, owner="named")
    comparison = compared(documents, [other])
    [((where, name), places)] = passages_by_bid(comparison, [other].__getitem__).items()
    assert (where, name) == ("technical/plan", "去年的标书")
    assert len(places) == 3
