"""From a region to the passage in it: where exactly the two texts say the same, and how."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from bidclient.similarity.passages.fingerprint import grams
from bidclient.similarity.passages.merge import Aligned, merged
from bidclient.similarity.passages.normal import Ranges, normalise, within
from bidclient.similarity.passages.regions import Places, Regions, begins_of, numbered

_GRAM = 6
"""Short enough to lie between two replaced words, and only looked for where longer ones were found."""
_MARGIN = 350
"""Characters around a region in which a passage may go on."""
_RAW_MARGIN = 430
"""The same in a text with its punctuation and spaces."""
_GAP = 8
"""Characters that an editor may have changed in one place."""
_MOST_PLACES = 16
"""In one region; a gram that stands there more often pairs nothing."""
_LEAST = 8
"""Covered characters of a piece that may still be part of a passage."""
_MOST_PAIRS = 2_000_000
"""At a time: of texts made of repetitions only the seldom grams are paired."""
_SEPARATOR = "\ue000"
_BATCH = 300_000
"""Characters on both sides that are aligned at a time."""

TextOf = Callable[[int], tuple[str, Ranges]]
"""A source's text, and what of it is left out, by the number that regions name it by."""


@dataclass(frozen=True)
class _Strip:
    """Pieces of text laid end to end: characters, the region each belongs to, where each comes from."""

    chars: NDArray[np.uint32]
    region: Places
    origin: Places
    usable: NDArray[np.bool_]

    def keys(self) -> tuple[NDArray[np.uint64], Places]:
        """The grams that lie in one region, marked with its number, and their places in the strip."""
        hashes = grams(self.chars, _GRAM)
        closed = np.concatenate(([0], np.cumsum(~self.usable)))
        tail = _GRAM - 1
        places = np.flatnonzero(
            (self.region[: len(hashes)] == self.region[tail : tail + len(hashes)])
            & (closed[_GRAM : _GRAM + len(hashes)] == closed[: len(hashes)])
        )
        return (self.region[places].astype(np.uint64) << np.uint64(32)) | hashes[places], places


def align(
    chars: NDArray[np.uint32], usable: NDArray[np.bool_], found: Regions, text_of: TextOf
) -> Iterator[tuple[list[Aligned], Places]]:
    """The passages of the regions, some sources at a time, and the characters of the query that are the same.

    Of the query only `usable` characters take part.
    """
    for batch in _batches(_united(found)):
        here = _query_strip(chars, usable, batch)
        pieces, same = _pieces(batch, here, _source_strip(batch, text_of))
        by_source = groupby(sorted(pieces, key=lambda one: one.source), lambda one: one.source)
        yield [passage for _, group in by_source for passage in merged(group)], same


def _united(found: Regions) -> Regions:
    """By source; regions whose surroundings overlap in both texts become one."""
    found = found.take(np.lexsort((found.start, found.source)))
    rows: list[list[int]] = []
    growing: list[list[int]] = []
    for source, *box in zip(*(getattr(found, field.name).tolist() for field in fields(found)), strict=True):
        row = [source, *box]
        growing = [one for one in growing if one[0] == source and row[1] - one[2] <= 2 * _MARGIN]
        touching = [
            one
            for one in growing
            if row[3] - one[4] <= 2 * _RAW_MARGIN and one[3] - row[4] <= 2 * _RAW_MARGIN
        ]
        for one in touching:
            row = [
                source,
                *map(min, row[1:2], one[1:2]),
                max(row[2], one[2]),
                min(row[3], one[3]),
                max(row[4], one[4]),
                row[5] + one[5],
            ]
            one[0] = -1
        growing = [one for one in growing if one[0] != -1]
        rows.append(row)
        growing.append(row)
    table = np.array([row for row in rows if row[0] >= 0], np.int64).reshape(-1, 6)
    table = table[np.lexsort((table[:, 1], table[:, 0]))]
    return Regions(*table.T)


def _batches(found: Regions) -> Iterator[Regions]:
    """Regions of whole sources, until they hold enough text for one pass."""
    ends = [*np.flatnonzero(np.diff(found.source)) + 1, len(found)] if len(found) else []
    around = 2 * (_MARGIN + _RAW_MARGIN)
    size = np.cumsum(found.end - found.start + found.there_end - found.there_start + around)
    first = 0
    for end in ends:
        if end == len(found) or size[end - 1] - (size[first - 1] if first else 0) > _BATCH:
            yield found.take(np.arange(first, end))
            first = int(end)


def _query_strip(chars: NDArray[np.uint32], usable: NDArray[np.bool_], found: Regions) -> _Strip:
    starts = np.maximum(found.start - _MARGIN, 0)
    lengths = np.minimum(found.end + _MARGIN, len(chars)) - starts
    origin = np.repeat(starts, lengths) + numbered(lengths)
    return _Strip(chars[origin], np.repeat(np.arange(len(found)), lengths), origin, usable[origin])


def _source_strip(found: Regions, text_of: TextOf) -> _Strip:
    pieces: list[str] = []
    left_out: list[tuple[int, int]] = []
    starts, begins, length = [], [], 0
    known, text, ranges = -1, "", list[tuple[int, int]]()
    for source, low, high in zip(
        found.source.tolist(), found.there_start.tolist(), found.there_end.tolist(), strict=True
    ):
        if source != known:
            text, leave_out = text_of(source)
            known, ranges = source, sorted(leave_out)
        start, end = max(low - _RAW_MARGIN, 0), min(high + _RAW_MARGIN, len(text))
        left_out += [(length + one, length + other) for one, other in within(ranges, start, end)]
        pieces.append(text[start:end])
        starts.append(start)
        begins.append(length)
        length += end - start + 1
    normal = normalise(_SEPARATOR.join(pieces), left_out)
    region = np.searchsorted(np.array(begins, np.int64), normal.index, "right") - 1
    origin = normal.index - np.array(begins, np.int64)[region] + np.array(starts, np.int64)[region]
    return _Strip(normal.chars, region, origin, np.ones(len(normal), bool))


def _pairs(here: _Strip, there: _Strip) -> tuple[Places, Places]:
    """The places of grams that are the same, in both strips; what a region repeats too often is left out."""
    key, place = here.keys()
    other_key, other_place = there.keys()
    if not len(key) or not len(other_key):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    order, other_order = np.argsort(key), np.argsort(other_key)
    key, place, other_key, other_place = (
        key[order],
        place[order],
        other_key[other_order],
        other_place[other_order],
    )
    begins = begins_of(other_key)
    found = np.searchsorted(other_key[begins], key)
    found[found == len(begins)] = 0
    first, count = begins[found], np.diff(np.append(begins, len(other_key)))[found]
    count = np.where(other_key[first] == key, count, 0)
    most = _MOST_PLACES
    count[count > most] = 0
    while int(count.sum()) > _MOST_PAIRS and most > 1:
        most //= 2
        count[count > most] = 0
    return np.repeat(place, count), other_place[np.repeat(first, count) + numbered(count)]


def _pieces(found: Regions, here: _Strip, there: _Strip) -> tuple[list[Aligned], Places]:
    """Runs of common grams on either side, paired by the grams that they share."""
    query, source = _pairs(here, there)
    if not len(query):
        return [], query
    same = _spread(query, len(here.chars))
    query, source = _longest(query, source)
    pair = (_runs(query, here)[query] << 32) | _runs(source, there)[source]
    order = np.lexsort((query, pair))
    pair, query, source = pair[order], query[order], source[order]
    begins = begins_of(pair)
    by_source = source[np.lexsort((source, pair))]
    covered, covered_there = _covered(query, begins), _covered(by_source, begins)
    last = np.append(begins[1:], len(query)) - 1
    tail = _GRAM - 1
    kept = np.flatnonzero(covered >= _LEAST)
    columns = (
        found.source[here.region[query[begins]]],
        here.origin[query[begins]],
        here.origin[query[last] + tail] + 1,
        there.origin[by_source[begins]],
        there.origin[by_source[last] + tail] + 1,
        covered,
        covered_there,
    )
    pieces = [Aligned(*row) for row in zip(*(column[kept].tolist() for column in columns), strict=True)]
    return pieces, here.origin[same]


def _longest(query: Places, source: Places) -> tuple[Places, Places]:
    """Of the pairs of each place of either side those in the longest common run: the others are chance."""
    order = np.lexsort((query, source - query))
    query, source = query[order], source[order]
    breaks = (np.diff(query, prepend=query[0]) != 1) | (np.diff(source, prepend=source[0]) != 1)
    run = np.cumsum(breaks)
    length = np.bincount(run)[run]
    for side in (query, source):
        longest = np.zeros(int(side.max()) + 1, np.int64)
        np.maximum.at(longest, side, length)
        length = np.where(length == longest[side], length, 0)
    return query[length > 0], source[length > 0]


def _spread(places: Places, length: int) -> NDArray[np.bool_]:
    """The characters of the grams at `places`."""
    begins = np.zeros(length, bool)
    begins[places] = True
    spread = begins.copy()
    for shift in range(1, _GRAM):
        spread[shift:] |= begins[:-shift]
    return spread


def _runs(places: Places, strip: _Strip) -> Places:
    """For each place of the strip that is among `places` the number of its run."""
    begins = np.zeros(len(strip.chars), bool)
    begins[places] = True
    places = np.flatnonzero(begins)
    region = strip.region[places]
    breaks = (np.diff(places, prepend=places[0]) > _GAP + _GRAM) | (np.diff(region, prepend=region[0]) != 0)
    numbers = np.zeros(len(begins), np.int64)
    numbers[places] = np.cumsum(breaks)
    return numbers


def _covered(places: Places, begins: Places) -> Places:
    """How many characters the grams at `places`, sorted within each group, cover together."""
    step = np.minimum(np.diff(places, append=places[-1] + _GRAM), _GRAM)
    step[np.append(begins[1:], len(places)) - 1] = _GRAM
    return np.add.reduceat(step, begins)
