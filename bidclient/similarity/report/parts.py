"""Findings and passages on their way into the report: with digests, and with words of both sides to read."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from bidclient.checks.finding import Evidence, Finding, Place
from bidclient.formats import canonical
from bidclient.similarity.findings.examined import Counterpart
from bidclient.similarity.passages.compare import Comparison, Coverage
from bidclient.similarity.passages.passage import Passage
from bidclient.similarity.reading.document import Extract
from bidclient.similarity.report.self_check import (
    Acceptance,
    Found,
    Proof,
    SamePassage,
    Share,
    Spot,
    finding_id,
    readable,
    worst_first,
)

MOST_PASSAGES = 1_500
"""Of those that count, and again of those that are quoted from where they may be."""
LONGEST_EXCERPT = 2_000
_LONGEST_QUOTED = 300
"""Code points that are shown of a passage; of one that is in order fewer will do."""
MOST_PROOFS = 200


def found(
    findings: Iterable[Finding], digests: Mapping[str, str], accepted: Mapping[str, Acceptance]
) -> tuple[Found, ...]:
    """The findings as the report holds them, those that wait for somebody first, then the worst.

    `digests` are the hex SHA-256 of files by the names that evidence uses. Equal findings stand once; what
    has evidence stands for the same sentence without.
    """
    once: dict[str, Finding] = {}
    sentences = Counter((one.rule, one.subject, one.message_zh) for one in findings if one.evidence)
    for finding in findings:
        sentence = (finding.rule, finding.subject, finding.message_zh)
        if finding.evidence or not sentences[sentence]:
            once.setdefault(finding_id(finding), finding)
    made = [
        Found(
            number,
            one.rule,
            one.severity,
            readable(one.subject),
            readable(one.message_zh),
            readable(one.message_en),
            readable(one.advice_zh),
            readable(one.advice_en),
            one.basis_zh,
            one.basis_en,
            (*(_proof(evidence, digests) for evidence in one.evidence[:MOST_PROOFS]), *_not_listed(one)),
            accepted.get(number),
        )
        for number, one in once.items()
    ]
    return tuple(sorted(made, key=worst_first))


def _not_listed(finding: Finding) -> tuple[Proof, ...]:
    """How many places more there are, where they are too many to list."""
    more = len(finding.evidence) - MOST_PROOFS
    if more <= 0:
        return ()
    spot = Spot(readable(finding.evidence[MOST_PROOFS].here.document), "", 0, 0, 0, "")
    return (Proof(spot, None, f"另有 {more} 处未列出 / {more} more places are not listed"),)


def _proof(evidence: Evidence, digests: Mapping[str, str]) -> Proof:
    there = None if evidence.there is None else _spot_of(evidence.there, digests)
    return Proof(_spot_of(evidence.here, digests), there, readable(evidence.fact))


def _spot_of(place: Place, digests: Mapping[str, str]) -> Spot:
    digest = digests.get(place.document, "")
    return Spot(readable(place.document), digest, place.page, place.start, place.end, readable(place.quote))


def same_passages(
    comparison: Comparison, documents: Mapping[str, Extract], counterpart: Callable[[int], Counterpart]
) -> tuple[tuple[SamePassage, ...], int]:
    """The passages, those that count first and the longest of them at the top; and how many are left out.

    `counterpart` knows a source by its number.
    """
    ordered = sorted(comparison.passages, key=lambda one: (one.excused != "", -_weight(one)))
    counted = [one for one in ordered if not one.excused]
    quoted = [one for one in ordered if one.excused]
    shown = (*counted[:MOST_PASSAGES], *quoted[:MOST_PASSAGES])
    made = tuple(_same(one, documents[one.document], counterpart(one.source)) for one in shown)
    return made, len(ordered) - len(made)


def _weight(one: Passage) -> float:
    return (one.end - one.start) * one.similarity


def _same(one: Passage, here: Extract, there: Counterpart) -> SamePassage:
    longest = _LONGEST_QUOTED if one.excused else LONGEST_EXCERPT
    return SamePassage(
        spot_in(one.document, here, one.start, one.end, longest),
        spot_in(there.name, there.extract, one.source_start, one.source_end, longest),
        there.owner,
        max(0, min(1000, round(one.similarity * 1000))),
        one.likeness,
        one.excused,
        one.also_in,
    )


def spot_in(name: str, extract: Extract, start: int, end: int, longest: int) -> Spot:
    """Where characters `start` to `end` of a file stand, with at most `longest` of them to read."""
    words = readable(extract.text[start : min(end, start + longest)])
    more = "…" if end - start > longest else ""
    return Spot(readable(name), extract.sha256, extract.page_at(start), start, end, words + more)


def shares(coverages: Iterable[Coverage]) -> tuple[Share, ...]:
    """The coverage of each document as the report holds it, and last of all of them together."""
    each = [
        Share(readable(one.document), one.characters, one.counted, one.tender, one.public, one.template)
        for one in coverages
    ]
    return (*each, Share("", *(sum(getattr(one, name) for one in each) for name in _COUNTS)))


_COUNTS = ("characters", "counted", "tender", "public", "template")


def state_of(told: Sequence[object]) -> str:
    """A hex digest that names a state: plain values that have a canonical form."""
    return hashlib.sha256(canonical.dumps(told)).hexdigest()
