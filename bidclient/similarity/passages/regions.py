"""Where two texts may say the same: common grams, and the groups they form in the plane of both texts."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bidclient.similarity.passages.fingerprint import Fingerprint

Places = NDArray[np.int64]

_CELL_BITS = 6
"""Cells of 64 characters: wide enough for what an editor puts in, narrow enough to tell two clauses apart."""
_FIELD = 20
"""Bits for the number of a cell: texts of up to 67 million characters."""
MOST_SOURCES = 1 << (63 - 2 * _FIELD - 2 * _CELL_BITS)
"""In one call of regions()."""
_FIELD_MASK = (1 << _FIELD) - 1
_FEWEST_SEEDS, _FEWEST_COVERED = 2, 26
"""Two texts of the same trade share single grams everywhere; two beside each other seldom by chance."""
_MOST_REPEATS = 16
"""A gram that stands more often in a text is a phrase of its author, a heading, or a table's."""
_MOST_SEEDS = 1_000_000
"""From one source: a text made of repetitions must not take all memory."""
_FILTER_SHIFT = 8
"""A table of 2²⁴ bits tells at once that a hash is not there: nearly all are not."""


@dataclass(frozen=True)
class Seeds:
    """Common grams: number of the source, place in the query, place in the source."""

    source: Places
    query: Places
    there: Places

    @staticmethod
    def together(parts: "Sequence[Seeds]") -> "Seeds":
        """The seeds of several sources; at least one."""
        return Seeds(
            np.concatenate([part.source for part in parts]),
            np.concatenate([part.query for part in parts]),
            np.concatenate([part.there for part in parts]),
        )


@dataclass(frozen=True)
class Regions:
    """Rectangles: source, from and to in the query, from and to in the source, query characters in seeds."""

    source: Places
    start: Places
    end: Places
    there_start: Places
    there_end: Places
    covered: Places

    def __len__(self) -> int:
        return len(self.source)

    def take(self, which: NDArray[np.bool_] | Places) -> "Regions":
        """Those that a mask or a list of numbers names."""
        return Regions(*(getattr(self, field.name)[which] for field in fields(self)))

    def followed_by(self, other: "Regions") -> "Regions":
        """These, then those."""
        pairs = ((getattr(self, field.name), getattr(other, field.name)) for field in fields(self))
        return Regions(*(np.concatenate(pair) for pair in pairs))


def no_regions() -> Regions:
    """None at all."""
    return Regions(*(np.empty(0, np.int64) for _ in fields(Regions)))


class Lookup:
    """All grams of the query, by hash: the source is thinned out by winnowing, the query is not."""

    def __init__(self, hashes: NDArray[np.uint32], usable: NDArray[np.bool_]) -> None:
        places = np.flatnonzero(usable)
        order = np.argsort(hashes[places], kind="stable")
        places, ordered = places[order], hashes[places][order]
        first = begins_of(ordered)
        counts = np.diff(np.append(first, len(ordered)))
        seldom = counts <= _MOST_REPEATS
        self._places, self._first, self._counts = places, first[seldom], counts[seldom]
        self._known = ordered[first[seldom]]
        buckets = np.zeros(1 << (32 - _FILTER_SHIFT), bool)
        buckets[self._known >> np.uint32(_FILTER_SHIFT)] = True
        self._filter = np.packbits(buckets, bitorder="little")

    def seeds(self, number: int, there: Fingerprint) -> Seeds:
        """The grams that the query shares with source `number`, but for what repeats too often in either."""
        empty = np.empty(0, np.int64)
        if not len(self._known):
            return Seeds(empty, empty, empty)
        buckets = there.hashes >> np.uint32(_FILTER_SHIFT)
        likely = np.flatnonzero(self._filter[buckets >> 3] & _bit(buckets))
        hashes = there.hashes[likely]
        found = np.searchsorted(self._known, hashes)
        found[found == len(self._known)] = 0
        same = self._known[found] == hashes
        found, likely = found[same], likely[same]
        if len(found):
            seldom = np.bincount(found)[found] <= _MOST_REPEATS
            found, likely = found[seldom], likely[seldom]
        found, likely = self._bounded(found, likely)
        counts = self._counts[found]
        query = self._places[np.repeat(self._first[found], counts) + numbered(counts)]
        places = np.repeat(there.positions[likely].astype(np.int64), counts)
        return Seeds(np.full(len(query), number, np.int64), query, places)

    def _bounded(self, found: Places, likely: Places) -> tuple[Places, Places]:
        """Only the seldom grams of texts that would pair more places than a large bid has characters."""
        most = _MOST_REPEATS
        while int(self._counts[found].sum()) > _MOST_SEEDS and most > 1:
            most //= 2
            seldom = self._counts[found] <= most
            found, likely = found[seldom], likely[seldom]
        return found, likely


def _bit(buckets: NDArray[np.uint32]) -> NDArray[np.uint8]:
    return np.left_shift(np.uint8(1), (buckets & np.uint32(7)).astype(np.uint8))


def begins_of(values: NDArray[np.integer[Any]]) -> Places:
    """Where in a sorted or grouped array each run of equal values begins."""
    return np.flatnonzero(np.concatenate((np.ones(min(len(values), 1), bool), values[1:] != values[:-1])))


def numbered(counts: Places) -> Places:
    """0, 1, … of each count, one after the other."""
    ends = np.cumsum(counts)
    return np.arange(int(ends[-1]) if len(ends) else 0) - np.repeat(ends - counts, counts)


def regions(seeds: Seeds, gram: int) -> Regions:
    """The groups of seeds whose cells of 64 × 64 characters touch, when they hold enough of the query.

    A seed is one number: source, cell in the source, cell in the query, place in either cell. Sorted, the
    seeds of a cell stand together, and so do the cells of a row.
    """
    low = (1 << _CELL_BITS) - 1
    lowest = int(seeds.source[0]) if len(seeds.source) else 0
    codes = np.sort(
        ((seeds.source - lowest) << (2 * _FIELD + 2 * _CELL_BITS))
        | (((seeds.there >> _CELL_BITS) + 1) << (_FIELD + 2 * _CELL_BITS))
        | (((seeds.query >> _CELL_BITS) + 1) << (2 * _CELL_BITS))
        | ((seeds.there & low) << _CELL_BITS)
        | (seeds.query & low)
    )
    cells = codes >> (2 * _CELL_BITS)
    begins = begins_of(cells)
    counts = np.diff(np.append(begins, len(cells)))
    group_of = _connected(cells[begins])
    enough = np.bincount(group_of, counts, len(counts))[group_of] >= _FEWEST_SEEDS
    kept = np.repeat(enough, counts)
    codes, cells, group = codes[kept], cells[kept], np.repeat(group_of[enough], counts[enough])
    if not len(codes):
        return no_regions()
    query = (((cells & _FIELD_MASK) - 1) << _CELL_BITS) | (codes & low)
    there = ((((cells >> _FIELD) & _FIELD_MASK) - 1) << _CELL_BITS) | ((codes >> _CELL_BITS) & low)
    order = np.argsort((group << (_FIELD + _CELL_BITS)) | query)
    group, query, there, source = (
        group[order],
        query[order],
        there[order],
        lowest + (cells[order] >> (2 * _FIELD)),
    )
    begins = begins_of(group)
    last = np.append(begins[1:], len(query)) - 1
    step = np.minimum(np.diff(query, append=query[-1] + gram), gram)
    step[last] = gram
    found = Regions(
        source[begins],
        query[begins],
        query[last] + gram,
        np.minimum.reduceat(there, begins),
        np.maximum.reduceat(there, begins) + gram,
        np.add.reduceat(step, begins),
    )
    return found.take(found.covered >= _FEWEST_COVERED)


def _connected(cells: Places) -> Places:
    """For each of the sorted cells the number of its group; cells touch at a side or a corner.

    Each round hangs the greater root of an edge below the smaller and shortens all ways to the root, so the
    number of rounds grows with the logarithm of the longest chain.
    """
    left, right = _edges(cells)
    root = np.arange(len(cells))
    while len(left):
        one, other = root[left], root[right]
        apart = one != other
        left, right = left[apart], right[apart]
        root[np.maximum(one, other)[apart]] = np.minimum(one, other)[apart]
        while not np.array_equal(shorter := root[root], root):
            root = shorter
    return root


def _edges(cells: Places) -> tuple[Places, Places]:
    """Pairs of cells that touch: the next one in a row, and up to three in the next row."""
    here = np.arange(len(cells))
    next_row = np.searchsorted(cells, cells + _FIELD_MASK)
    pairs = []
    for there, steps in ((here + 1, 1), *((next_row + shift, 3) for shift in range(3))):
        inside = np.minimum(there, len(cells) - 1)
        first = cells + (1 if steps == 1 else _FIELD_MASK)
        touching = (there < len(cells)) & (cells[inside] >= first) & (cells[inside] < first + steps)
        pairs.append((here[touching], there[touching]))
    return np.concatenate([pair[0] for pair in pairs]), np.concatenate([pair[1] for pair in pairs])
