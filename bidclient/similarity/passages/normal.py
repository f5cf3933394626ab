"""A text without what an editor changes without writing: punctuation, spaces, width, case, figures."""

import unicodedata
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NORMAL_VERSION = "1"
"""Changes with every change of what normalise() gives: fingerprints of another version do not compare."""

Ranges = Sequence[tuple[int, int]]
"""Half-open ranges of offsets into a text."""

_DROPPED = "PSZMC"
_POINTS = 0x110000
_KEPT = "Co"
"""Private use: a font's own characters are the same in both copies of a file."""


@dataclass(frozen=True)
class Normal:
    """Code points, and for each the offset of the character in the text that it comes from."""

    chars: NDArray[np.uint32]
    index: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.chars)

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The range of the text that the normalised characters start..end (not empty) come from."""
        return int(self.index[start]), int(self.index[end - 1]) + 1

    def string(self, start: int = 0, end: int | None = None) -> str:
        """The normalised characters start..end as a string."""
        return self.chars[start:end].tobytes().decode("utf-32-le")


class _Folding:
    """What becomes of each character, looked up in Unicode once and then in a table."""

    def __init__(self) -> None:
        self.first = np.zeros(_POINTS, np.uint32)
        self.known = np.zeros(_POINTS, bool)
        self.longer: dict[int, tuple[int, ...]] = {}
        self.count = np.zeros(_POINTS, np.uint8)

    def learn(self, points: NDArray[np.uint32]) -> None:
        """Makes sure that the table has all of these."""
        if self.known[points].all():
            return
        for point in np.unique(points[~self.known[points]]).tolist():
            image = _folded(point)
            self.count[point] = len(image)
            self.first[point] = image[0] if image else 0
            if len(image) > 1:
                self.longer[point] = image
            self.known[point] = True


def _folded(point: int) -> tuple[int, ...]:
    """One character with its compatibility forms taken apart (UAX #15), case folded, without marks."""
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", chr(point)).casefold())
    return tuple(
        ord("0") + unicodedata.decimal(one) if one.isdecimal() else ord(one)
        for one in apart
        if (category := unicodedata.category(one)) == _KEPT or category[0] not in _DROPPED
    )


_FOLDING = _Folding()


def normalise(text: str, leave_out: Ranges = (), *, keep_figures: bool = False) -> Normal:
    """The text in code points that compare; characters in `leave_out` (running heads) are not there at all.

    A run of digits is one `0`, however it is grouped, because two offers differ in figures first; with
    `keep_figures` each digit stays itself.
    """
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    index = np.arange(len(points), dtype=np.int32)
    if leave_out:
        kept = np.ones(len(points), bool)
        for start, end in leave_out:
            kept[start:end] = False
        points, index = points[kept], index[kept]
    _FOLDING.learn(points)
    if _FOLDING.longer and (_FOLDING.count[points] > 1).any():
        chars, index = _expanded(points, index)
    else:
        chars = _FOLDING.first[points]
        kept = chars != 0
        chars, index = chars[kept], index[kept]
    if not keep_figures:
        figure = (chars >= ord("0")) & (chars <= ord("9"))
        kept = np.ones(len(chars), bool)
        kept[1:] = ~(figure[1:] & figure[:-1])
        chars[figure] = ord("0")
        chars, index = chars[kept], index[kept]
    return Normal(chars, index)


def _expanded(
    points: NDArray[np.uint32], index: NDArray[np.int32]
) -> tuple[NDArray[np.uint32], NDArray[np.int32]]:
    """As below where some characters become several, like ㎡ or a ligature."""
    count = _FOLDING.count[points]
    chars, place = np.repeat(_FOLDING.first[points], count), np.repeat(np.arange(len(points)), count)
    begins = np.cumsum(count, dtype=np.int64) - count
    for one in np.flatnonzero(count > 1).tolist():
        image = _FOLDING.longer[int(points[one])]
        chars[begins[one] : begins[one] + len(image)] = image
    return chars, index[place]


def within(ranges: Ranges, start: int, end: int) -> list[tuple[int, int]]:
    """What sorted ranges leave out of text[start:end], counted from its start."""
    found = []
    for low, high in ranges[max(bisect_left(ranges, (start, start)) - 1, 0) :]:
        if low >= end:
            break
        if high > start:
            found.append((max(low, start) - start, min(high, end) - start))
    return found
