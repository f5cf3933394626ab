"""What of a draft is quoted, and may be: from the tender, from the law, from the company's own templates."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bidclient.similarity.passages.align import align
from bidclient.similarity.passages.fingerprint import Fingerprint, grams
from bidclient.similarity.passages.merge import Aligned
from bidclient.similarity.passages.normal import Ranges, normalise
from bidclient.similarity.passages.passage import Excuse
from bidclient.similarity.passages.regions import Lookup, Regions, no_regions, regions
from bidclient.similarity.passages.source import Source

_CLOSED = 12
"""Characters between two quoted ones that are quoted too: a name put in, a word replaced."""
_SHORTEST = 30
"""Characters of a quote: shorter than a passage that counts, so that what is quoted never becomes one."""
LABELS: tuple[Excuse, ...] = ("", "tender", "public", "template")
"""By the numbers in Excluded.label; where a text is quoted from several, the first counts."""


@dataclass(frozen=True)
class Excluded:
    """For each character of the query the number of its label, and the passages that say where it is from."""

    label: NDArray[np.uint8]
    passages: tuple[Aligned, ...]


def mask(
    chars: NDArray[np.uint32],
    usable: NDArray[np.bool_],
    lookup: Lookup,
    quotable: Sequence[Source],
    gram: int,
) -> Excluded:
    """What of the query is quoted from the sources, also where the quote was edited.

    A source is named by its place in `quotable`. All of its grams are looked up, not only the winnowed ones:
    what is taken from the tender must be known for it even if it is half a sentence.
    """
    label = np.zeros(len(chars), np.uint8)
    passages: list[Aligned] = []
    for number in (1, 2, 3):
        found = no_regions()
        for place, source in enumerate(quotable):
            if source.owner == LABELS[number]:
                found = found.followed_by(_regions(place, source, lookup, gram))
        quoted = np.zeros(len(chars), bool)
        for aligned, same in align(chars, usable, found, lambda place: _text(quotable[place])):
            here = np.zeros(len(chars), bool)
            here[same] = True
            for one in aligned:
                if one.end - one.start >= _SHORTEST:
                    passages.append(one)
                    quoted[one.start : one.end] |= here[one.start : one.end]
        _close(quoted, _CLOSED)
        label[quoted & (label == 0) & usable] = number
    return Excluded(label, tuple(passages))


def _text(source: Source) -> tuple[str, Ranges]:
    return source.text(), source.leave_out()


def _regions(place: int, source: Source, lookup: Lookup, gram: int) -> Regions:
    normal = normalise(source.text(), source.leave_out())
    hashes = grams(normal.chars, gram)
    dense = Fingerprint(hashes, normal.index[: len(hashes)].astype(np.uint32))
    return regions(lookup.seeds(place, dense), gram)


def _close(marked: NDArray[np.bool_], gap: int) -> None:
    """Marks what lies between two marks that are at most `gap` apart."""
    places = np.flatnonzero(marked)
    narrow = np.flatnonzero((np.diff(places) > 1) & (np.diff(places) <= gap + 1))
    for one in narrow.tolist():
        marked[places[one] : places[one + 1]] = True
