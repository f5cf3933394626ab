"""Bids with copied passages at known places, and the measure of how well they are found."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random

from bidclient.similarity.passages.normal import Ranges
from bidclient.similarity.passages.passage import Passage
from bidclient.similarity.passages.source import Query, TextSource
from tests.support.clauses import paragraph
from tests.support.rewriting import KINDS, rewritten

_PAGE = 650
TENDER = 0


@dataclass(frozen=True)
class Plant:
    """query[start:end] was made from text[there_start:there_end] of a source, by a kind of editing."""

    kind: str
    start: int
    end: int
    source: int
    there_start: int
    there_end: int


@dataclass(frozen=True)
class Case:
    """A draft, what it is compared with, the tender that it quotes, and what was copied into it."""

    query: Query
    sources: tuple[TextSource, ...]
    tender: TextSource
    plants: tuple[Plant, ...]


@dataclass(frozen=True)
class Size:
    """Pages of the draft and of each bid, number of bids, passages copied per kind of editing."""

    pages: int = 60
    bids: int = 10
    bid_pages: int = 40
    plants: int = 6
    answering: int = 5
    """Each so many-th bid answers the tender of the draft, as the draft does."""
    page: int = _PAGE
    """Characters between two running heads."""


@dataclass(frozen=True)
class _Paged:
    """A text with its running heads, and where each character of the text without them has gone."""

    text: str
    heads: Ranges
    page: int
    head: int

    def at(self, offset: int) -> int:
        """The first character of a passage."""
        return offset + (offset // self.page + 1) * self.head

    def upto(self, offset: int) -> int:
        """Behind the last character of a passage."""
        return self.at(offset - 1) + 1


def _paged(text: str, name: str, page: int = _PAGE) -> _Paged:
    pages = [text[start : start + page] for start in range(0, len(text), page)]
    heads = [f"\n{name} 投标文件　第 {number:>4} 页\n" for number in range(1, len(pages) + 1)]
    length = len(heads[0])
    ranges = [(number * (page + length), number * (page + length) + length) for number in range(len(pages))]
    return _Paged("".join(h + p for h, p in zip(heads, pages, strict=True)), ranges, page, length)


SMALL = Size()


def synthetic(seed: int, size: Size = SMALL, edited_quotes: float = 0.0) -> Case:
    """Generated bids, some of them for the tender of the draft; of the quotes from it a share is edited."""
    random, editor = Random(seed), Random(f"{seed} editor")
    tender = [paragraph(random) for _ in range(max(size.pages // 3, 8) * 3)]
    quotes: set[str] = set()

    def quote(text: str) -> str:
        if editor.random() < edited_quotes:
            text = rewritten(text, editor.choice(("numbers", "synonym", "insert-delete")), editor, 0.3)
        quotes.add(text)
        return text

    def bid(pages: int, share_of_quotes: float) -> list[str]:
        parts, length = [], 0
        while length < pages * _PAGE:
            part = paragraph(random)
            quoted = random.random() < share_of_quotes
            part = random.choice(tender) if quoted else part
            parts.append(quote(part) if quoted else part)
            length += len(part)
        return parts

    bids = [
        bid(
            max(3, int(random.lognormvariate(0, 0.5) * size.bid_pages)),
            0.12 if number % size.answering == 0 else 0.0,
        )
        for number in range(size.bids)
    ]
    paged = [
        _paged("".join(parts), f"某某建设公司{number:03}", size.page) for number, parts in enumerate(bids)
    ]
    plants = [_copy(kind, bids, random, quotes) for kind in KINDS for _ in range(size.plants)]
    query, found = _planted(bid(size.pages, 0.12), plants, paged, random, size.page)
    sources = tuple(
        TextSource(number + 1, "own", one.text, f"project {number}", one.heads)
        for number, one in enumerate(paged)
    )
    return Case(
        Query("draft.pdf", query.text, query.heads),
        sources,
        TextSource(TENDER, "tender", "".join(tender)),
        found,
    )


def _copy(
    kind: str, bids: Sequence[Sequence[str]], random: Random, quotes: set[str]
) -> tuple[str, str, int, int, int]:
    while True:
        source = random.randrange(len(bids))
        count = random.randint(1, 4)
        first = random.randrange(max(len(bids[source]) - count, 1))
        parts = bids[source][first : first + count]
        if not quotes.intersection(parts) and len("".join(parts)) >= 80:
            break
    start = sum(map(len, bids[source][:first]))
    text = "".join(parts)
    return kind, rewritten(text, kind, random), source, start, start + len(text.rstrip("\n"))


def _planted(
    parts: list[str],
    plants: Sequence[tuple[str, str, int, int, int]],
    sources: Sequence[_Paged],
    random: Random,
    page: int = _PAGE,
) -> tuple[_Paged, tuple[Plant, ...]]:
    """Lays copies between the paragraphs, each at another place."""
    places = sorted(random.sample(range(1, len(parts)), len(plants)))
    copies = dict(zip(places, random.sample(list(plants), len(plants)), strict=True))
    text, spans = "", []
    for number, part in enumerate(parts):
        if number in copies:
            spans.append((copies[number], len(text), len(text) + len(copies[number][1].rstrip("\n"))))
            text += copies[number][1]
        text += part
    query = _paged(text, "本公司", page)
    return query, tuple(
        Plant(
            kind,
            query.at(start),
            query.upto(end),
            source + 1,
            sources[source].at(low),
            sources[source].upto(high),
        )
        for (kind, _, source, low, high), start, end in spans
    )


def real(seed: int, prose: str, laws: Sequence[Sequence[str]], plants: int) -> Case:
    """Articles of laws, edited, in the middle of prose that has nothing to do with them; hard line ends.

    The laws belong to no project: they repeat each other, and would be taken for templates.
    """
    random = Random(seed)
    paged = [_paged("".join(law), f"法规{number:03}") for number, law in enumerate(laws)]
    copies = [_copy(kind, laws, random, set()) for kind in KINDS for _ in range(plants)]
    step = max(len(prose) // (2 * len(copies)), 200)
    parts = [_wrapped(prose[start : start + step]) for start in range(0, len(prose), step)]
    wrapped = [(kind, _wrapped(text), source, low, high) for kind, text, source, low, high in copies]
    query, found = _planted(parts, wrapped, paged, random)
    sources = tuple(
        TextSource(number + 1, "named", one.text, left_out=one.heads) for number, one in enumerate(paged)
    )
    return Case(Query("draft.pdf", query.text, query.heads), sources, TextSource(TENDER, "tender", ""), found)


def _wrapped(text: str) -> str:
    flat = text.replace("\n", "")
    return "".join(flat[start : start + 40] + "\n" for start in range(0, len(flat), 40))


@dataclass(frozen=True)
class Scores:
    """Potthast et al., An Evaluation Framework for Plagiarism Detection, COLING 2010, §3."""

    precision: float
    recall: float
    granularity: float
    plagdet: float
    kinds: dict[str, float]


def scores(plants: Sequence[Plant], found: Sequence[Passage]) -> Scores:
    """Precision, recall and granularity over the characters of both sides, and plagdet of them.

    A passage finds a plant when it overlaps it on both sides.
    """
    finds = {plant: [one for one in found if _finds(one, plant)] for plant in plants}
    hit = {one: [plant for plant in plants if _finds(one, plant)] for one in found}
    recalls = {
        plant: (
            _union(plant.start, plant.end, ((one.start, one.end) for one in ones))
            + _union(plant.there_start, plant.there_end, ((one.source_start, one.source_end) for one in ones))
        )
        / (plant.end - plant.start + plant.there_end - plant.there_start)
        for plant, ones in finds.items()
    }
    precisions = [
        (
            _union(one.start, one.end, ((plant.start, plant.end) for plant in ones))
            + _union(
                one.source_start, one.source_end, ((plant.there_start, plant.there_end) for plant in ones)
            )
        )
        / (one.end - one.start + one.source_end - one.source_start)
        for one, ones in hit.items()
    ]
    counts = [len(ones) for ones in finds.values() if ones]
    precision = sum(precisions) / len(precisions) if precisions else 0.0
    recall = sum(recalls.values()) / len(recalls)
    granularity = sum(counts) / len(counts) if counts else 1.0
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    by_kind = {
        kind: sum(share for plant, share in recalls.items() if plant.kind == kind)
        / max(1, sum(plant.kind == kind for plant in plants))
        for kind in KINDS
    }
    return Scores(precision, recall, granularity, f1 / math.log2(1 + granularity), by_kind)


def _finds(one: Passage, plant: Plant) -> bool:
    return (
        one.source == plant.source
        and one.start < plant.end
        and plant.start < one.end
        and one.source_start < plant.there_end
        and plant.there_start < one.source_end
    )


def _union(start: int, end: int, ranges: Iterable[tuple[int, int]]) -> int:
    """How many of the characters start..end lie in at least one range."""
    total, done = 0, start
    for low, high in sorted(ranges):
        low, high = max(low, done), min(high, end)
        if high > low:
            total, done = total + high - low, high
    return total


def primary(found: Sequence[Passage]) -> list[Passage]:
    """For each place of the draft only the nearest source: statutes repeat each other."""
    kept: list[Passage] = []
    for one in sorted(found, key=lambda one: -(one.end - one.start) * one.similarity):
        if _union(one.start, one.end, ((other.start, other.end) for other in kept)) * 2 < one.end - one.start:
            kept.append(one)
    return kept


def of_the_draft(plants: Sequence[Plant], found: Sequence[Passage]) -> tuple[float, float]:
    """Precision and recall over the characters of the draft alone, whatever the source."""
    here = [(one.start, one.end) for one in found]
    truth = [(plant.start, plant.end) for plant in plants]
    both = sum(_union(start, end, here) for start, end in truth)
    length = max(end for _, end in [*here, *truth])
    return both / max(_union(0, length, here), 1), both / sum(end - start for start, end in truth)
