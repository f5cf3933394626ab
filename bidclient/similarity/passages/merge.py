"""Pieces that two texts share, put together to the passages that somebody took over and changed."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

_MERGE = 120
"""Characters between two pieces that are one passage even if nothing in between is the same."""
_APART, _SHUFFLED = 200, 400
"""The same where parts were moved, in the query and in the source: own words are hardly ever drawn in."""
_DENSE = 0.3
"""Share of such a passage that its pieces must cover on both sides."""
_PER, _BASE = 6, 8
"""A piece of n characters may stand 6 × (n - 8) apart from its passage: eight in common are chance."""
_STRONG = 16
"""Characters of a piece that tells by itself where a passage goes on."""


@dataclass(frozen=True)
class Aligned:
    """From and to in the normalised query and in the text of the source; characters that grams cover."""

    source: int
    start: int
    end: int
    there_start: int
    there_end: int
    covered: int
    covered_there: int

    def gap(self, other: "Aligned") -> tuple[int, int]:
        """How far both lie apart in the query and in the source; less than 0 when they overlap."""
        return (
            max(self.start, other.start) - min(self.end, other.end),
            max(self.there_start, other.there_start) - min(self.there_end, other.there_end),
        )

    def far(self, other: "Aligned") -> bool:
        """Whether the source has them too far apart; said of most pairs, so it is asked first."""
        return (
            other.there_start - self.there_end > _SHUFFLED or self.there_start - other.there_end > _SHUFFLED
        )

    def together(self, other: "Aligned") -> bool:
        """Whether both may come from one place, whatever happened to it."""
        return not self.far(other) and self.gap(other)[0] <= _APART

    def near(self, other: "Aligned") -> bool:
        """Whether both are parts of one passage: the less one says, the nearer it must be."""
        if self.far(other):
            return False
        gap, gap_there = self.gap(other)
        smaller = min(self.covered, other.covered, self.covered_there, other.covered_there)
        if max(gap, gap_there) > _PER * (smaller - _BASE):
            return False
        return max(gap, gap_there) <= _MERGE or (gap <= _APART and self.joined(other).dense())

    def holds(self, other: "Aligned") -> bool:
        """Whether the other lies within this one in both texts."""
        return (
            self.start <= other.start
            and other.end <= self.end
            and self.there_start <= other.there_start
            and other.there_end <= self.there_end
        )

    def dense(self) -> bool:
        """Whether so much of both sides is the same that one was made from the other."""
        return self.covered >= _DENSE * (self.end - self.start) and self.covered_there >= _DENSE * (
            self.there_end - self.there_start
        )

    def joined(self, other: "Aligned") -> "Aligned":
        """The rectangle around both."""
        return Aligned(
            self.source,
            min(self.start, other.start),
            max(self.end, other.end),
            min(self.there_start, other.there_start),
            max(self.there_end, other.there_end),
            self.covered + other.covered,
            self.covered_there + other.covered_there,
        )


def merged(pieces: Iterable[Aligned]) -> list[Aligned]:
    """Pieces of one source, those joined that stand near each other in both texts.

    What the source merely says twice pairs no new text of the query, and is dropped.
    """
    kept: list[Aligned] = []
    pieces = sorted(_joined(list(pieces)), key=lambda one: (-one.covered, one.start, one.there_start))
    taken = bytearray(max((one.end for one in pieces), default=0))
    for one in pieces:
        length = one.end - one.start
        if 2 * taken.count(1, one.start, one.end) <= length:
            kept.append(one)
            taken[one.start : one.end] = b"\1" * length
    return kept


def _joined(pieces: list[Aligned]) -> list[Aligned]:
    """First what lies together and is dense as a whole, however it was shuffled; then piece by piece."""
    strong = [one for one in pieces if min(one.covered, one.covered_there) >= _STRONG]
    wholes = [whole for whole in _swept(strong, Aligned.together) if whole.dense()]
    rest = _outside(pieces, wholes)
    return _swept([*wholes, *rest], Aligned.near)


def _outside(pieces: list[Aligned], wholes: list[Aligned]) -> list[Aligned]:
    """The pieces that lie in none of the wholes; both are gone through in the order of the query."""
    left: list[Aligned] = []
    around: list[Aligned] = []
    ahead = sorted(wholes, key=lambda one: one.start, reverse=True)
    for piece in sorted(pieces, key=lambda one: one.start):
        while ahead and ahead[-1].start <= piece.start:
            around.append(ahead.pop())
        around = [whole for whole in around if whole.end > piece.start]
        if not any(whole.holds(piece) for whole in around):
            left.append(piece)
    return left


def _swept(pieces: list[Aligned], belong: Callable[[Aligned, Aligned], bool]) -> list[Aligned]:
    """Joined until none belongs to another; one pass goes through the pieces in the order of the query."""
    before: list[Aligned] = []
    while len(pieces) != len(before):
        before, pieces = pieces, []
        growing: list[Aligned] = []
        for piece in sorted(before, key=lambda one: one.start):
            pieces += [one for one in growing if piece.start - one.end > _SHUFFLED]
            growing = [one for one in growing if piece.start - one.end <= _SHUFFLED]
            for one in [one for one in growing if belong(one, piece)]:
                piece = piece.joined(one)
                growing.remove(one)
            growing.append(piece)
        pieces += growing
    return pieces
