"""What the passages of a comparison come to: how much of the draft stands in which other bid."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bidclient.checks.finding import Evidence, Finding, Severity
from bidclient.similarity.findings.catalogue import told
from bidclient.similarity.findings.examined import Counterpart, Examined, place_in
from bidclient.similarity.findings.thresholds import THRESHOLDS, Thresholds
from bidclient.similarity.passages.compare import Comparison
from bidclient.similarity.passages.normal import normalise
from bidclient.similarity.passages.passage import Passage

_SHOWN = 10


@dataclass
class _Shared:
    """The passages that the draft has in common with one bid; one of its documents speaks for it."""

    bid: Counterpart
    passages: list[Passage] = field(default_factory=list)
    evidence: dict[Passage, Evidence] = field(default_factory=dict)


def check_reuse(
    comparison: Comparison,
    documents: Sequence[Examined],
    counterpart: Callable[[int], Counterpart],
    project: str,
    thresholds: Thresholds = THRESHOLDS,
) -> list[Finding]:
    """TXT-001 and TXT-003 for each bid and named file; `counterpart` gives the text that a passage names.

    What is quoted from the tender, from public texts and from templates does not count. With bids of the
    company's own it is a hint, with a file that the user named a warning. `project` is the tender project's
    code. Each counterpart is asked for once, in the order of their numbers.
    """
    by_where = {one.where: one for one in documents}
    characters = max(comparison.total.characters, 1)
    findings = []
    for shared in _by_bid(comparison.passages, by_where, counterpart):
        covered = _covered(shared.passages, by_where)
        if covered >= thresholds.same_text * characters:
            findings.append(_nearly_all(shared, covered / characters, project))
            continue
        blocks = [one for one in shared.passages if _length(one, by_where) >= thresholds.block_characters]
        taken = _covered(blocks, by_where)
        if len(blocks) >= thresholds.blocks and taken >= thresholds.blocks_share * characters:
            findings.append(_blocks(shared, blocks, taken, taken / characters))
    return findings


def passages_by_bid(
    comparison: Comparison, counterpart: Callable[[int], Counterpart]
) -> dict[tuple[str, str], list[tuple[int, int]]]:
    """By document and bid, where the passages stand: what slips.py leaves out."""
    found: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for one in sorted(comparison.passages, key=lambda one: one.source):
        if not one.excused:
            key = one.document, counterpart(one.source).bid
            found.setdefault(key, []).append((one.start, one.end))
    return found


def _by_bid(
    passages: Iterable[Passage],
    documents: Mapping[str, Examined],
    counterpart: Callable[[int], Counterpart],
) -> Iterable[_Shared]:
    bids: dict[tuple[str, str], _Shared] = {}
    counting = (one for one in passages if not one.excused and one.document in documents)
    for one in sorted(counting, key=lambda one: (one.source, one.start)):
        other = counterpart(one.source)
        shared = bids.setdefault((other.owner, other.bid), _Shared(other))
        shared.passages.append(one)
        shared.evidence[one] = _evidence(one, documents[one.document], other)
    return bids.values()


def _nearly_all(shared: _Shared, share: float, project: str) -> Finding:
    bid = shared.bid
    if bid.owner == "named":
        source = f"指定文件“{bid.bid}”", f"the named file “{bid.bid}”"
    elif bid.project == project != "":
        source = (
            f"本单位为同一招标项目另一标段（{bid.lot}）制作的“{bid.bid}”",
            f"your own “{bid.bid}” for another lot ({bid.lot}) of the same tender",
        )
    else:
        source = f"本单位以往的“{bid.bid}”", f"your own earlier “{bid.bid}”"
    severity: Severity | None = "warning" if bid.owner == "named" else None
    longest = _longest(shared.passages)
    return told(
        "TXT-001",
        longest[0].document,
        tuple(shared.evidence[one] for one in longest),
        severity,
        share=_percent(share),
        source_zh=source[0],
        source_en=source[1],
    )


def _blocks(shared: _Shared, blocks: Sequence[Passage], characters: int, share: float) -> Finding:
    bid = shared.bid
    own = bid.owner == "own"
    longest = _longest(blocks)
    return told(
        "TXT-003",
        longest[0].document,
        tuple(shared.evidence[one] for one in longest),
        "info" if own else None,
        blocks=len(blocks),
        characters=characters,
        share=_percent(share),
        source_zh=f"本单位以往的“{bid.bid}”" if own else f"指定文件“{bid.bid}”",
        source_en=f"your own earlier “{bid.bid}”" if own else f"the named file “{bid.bid}”",
    )


def _evidence(one: Passage, examined: Examined, other: Counterpart) -> Evidence:
    return Evidence(
        place_in(one.document, examined.extract, one.start, one.end),
        place_in(other.name, other.extract, one.source_start, one.source_end),
        f"{one.likeness} {one.similarity:.2f}",
    )


def _longest(passages: Sequence[Passage]) -> list[Passage]:
    """The longest passages, in the order of the draft."""
    chosen = sorted(passages, key=lambda one: one.start - one.end)[:_SHOWN]
    return sorted(chosen, key=lambda one: (one.document, one.start))


def _covered(passages: Iterable[Passage], documents: Mapping[str, Examined]) -> int:
    """Characters of the draft, as the comparison counts them, that are in at least one of the passages."""
    total = 0
    for document, start, end in _joined(passages):
        total += _letters(documents[document].extract.text, start, end)
    return total


def _joined(passages: Iterable[Passage]) -> Iterator[tuple[str, int, int]]:
    """The ranges that the passages take together, none twice."""
    last: tuple[str, int, int] | None = None
    for one in sorted(passages, key=lambda one: (one.document, one.start)):
        if last is not None and one.document == last[0] and one.start <= last[2]:
            last = last[0], last[1], max(last[2], one.end)
            continue
        if last is not None:
            yield last
        last = one.document, one.start, one.end
    if last is not None:
        yield last


def _length(one: Passage, documents: Mapping[str, Examined]) -> int:
    return _letters(documents[one.document].extract.text, one.start, one.end)


def _letters(text: str, start: int, end: int) -> int:
    """Counted as the comparison counts."""
    return len(normalise(text[start:end]))


def _percent(share: float) -> int:
    return round(100 * min(share, 1.0))
