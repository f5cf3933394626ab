"""The draft against everything it may be like: passages with their places, and how much of it they make up.

Nothing is ever left out because it is in order: what is quoted from the tender is a passage too, with the
reason why it does not count.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bidclient.ask import Progress, silent
from bidclient.errors import Cancelled
from bidclient.similarity.passages.align import align
from bidclient.similarity.passages.draft import Draft, joined
from bidclient.similarity.passages.exclude import LABELS, Excluded, mask
from bidclient.similarity.passages.fingerprint import PARAMETERS, Parameters, grams
from bidclient.similarity.passages.likeness import grown, judge
from bidclient.similarity.passages.merge import Aligned
from bidclient.similarity.passages.normal import Ranges, normalise, within
from bidclient.similarity.passages.passage import Excuse, Passage
from bidclient.similarity.passages.ranking import Ranking
from bidclient.similarity.passages.regions import MOST_SOURCES, Lookup, Seeds, regions
from bidclient.similarity.passages.source import Query, Source

BEST = 5
"""Sources shown for each place of the draft."""
SHORTEST = 40
"""Normalised characters of a passage that is worth showing."""
LEAST_COVERED = 0.3
"""Share of either side that common grams must cover."""
_SEEDS_AT_ONCE = 200_000
"""What is grouped together: enough to be worth the calls, and 20 MB of numbers."""


@dataclass(frozen=True)
class Coverage:
    """Of so many compared characters how many stand elsewhere: counted, or quoted from where they may be."""

    document: str
    characters: int
    counted: int
    tender: int
    public: int
    template: int


@dataclass(frozen=True)
class Comparison:
    """Passages in the order of the draft; coverage of each document, and of all (without a name).

    `sources` is how many texts were compared, besides those that may be quoted.
    """

    passages: tuple[Passage, ...]
    documents: tuple[Coverage, ...]
    total: Coverage
    sources: int
    parameters: Parameters


def compare(
    queries: Sequence[Query],
    sources: Iterable[Source],
    quotable: Sequence[Source] = (),
    parameters: Parameters = PARAMETERS,
    progress: Progress = silent,
    cancelled: Callable[[], bool] = lambda: False,
) -> Comparison:
    """The documents of a draft against `sources`, and what of them is quoted from `quotable` ones.

    Raises Cancelled. Progress counts sources; how many there are is not known before.
    """
    draft = joined(queries)
    hashes = grams(draft.chars, parameters.gram)
    everything = Lookup(hashes, _mostly(draft.usable, parameters.gram))
    excluded = mask(draft.chars, draft.usable, everything, quotable, parameters.gram)
    own_words = draft.usable & (excluded.label == 0)
    lookup = Lookup(hashes, _mostly(own_words, parameters.gram)) if excluded.label.any() else everything
    scan = _Scan(lookup, Ranking(len(draft.chars), BEST), parameters.gram)
    for number, source in enumerate(sources, 1):
        if cancelled():
            raise Cancelled
        scan.take(source)
        progress("compare", number, 0)
    scan.settle()
    found = _Passages(draft, excluded, scan)
    for aligned, _ in align(draft.chars, own_words, scan.ranking.regions, scan.texts.of):
        if cancelled():
            raise Cancelled
        found.take(aligned, own_words)
        scan.texts.forget()
    found.take_quoted(quotable)
    return found.comparison(parameters)


def _mostly(usable: NDArray[np.bool_], gram: int) -> NDArray[np.bool_]:
    """Which grams consist of usable characters at least by half."""
    closed = np.concatenate(([0], np.cumsum(~usable)))
    return 2 * (closed[gram:] - closed[:-gram]) <= gram


class _Texts:
    """Texts of sources while they are needed: alignment and judgement read the same ones."""

    def __init__(self) -> None:
        self.sources: list[Source] = []
        self._kept: dict[int, tuple[str, Ranges]] = {}

    def of(self, number: int) -> tuple[str, Ranges]:
        if number not in self._kept:
            source = self.sources[number]
            self._kept[number] = source.text(), sorted(source.leave_out())
        return self._kept[number]

    def forget(self) -> None:
        self._kept.clear()


class _Scan:
    """Goes once through all sources, and keeps of each the regions that are among the best."""

    def __init__(self, lookup: Lookup, ranking: Ranking, gram: int) -> None:
        self.ranking, self.texts = ranking, _Texts()
        self._lookup, self._gram = lookup, gram
        self._projects: dict[str, int] = {}
        self._project_of: list[int] = []
        self._waiting: list[Seeds] = []
        self._seeds = 0

    def take(self, source: Source) -> None:
        seeds = self._lookup.seeds(len(self.texts.sources), source.fingerprint())
        self.texts.sources.append(source)
        counts = source.owner == "own" and source.project
        self._project_of.append(
            self._projects.setdefault(source.project, len(self._projects)) if counts else -1
        )
        self._waiting.append(seeds)
        self._seeds += len(seeds.query)
        if self._seeds > _SEEDS_AT_ONCE or len(self._waiting) == MOST_SOURCES:
            self.settle()

    def settle(self) -> None:
        """Groups the seeds that have come together so far."""
        if self._waiting:
            found = regions(Seeds.together(self._waiting), self._gram)
            self.ranking.add(found, np.array(self._project_of, np.int64)[found.source])
        self._waiting, self._seeds = [], 0


class _Passages:
    """Passages as they are shown, and which characters of the draft they account for."""

    def __init__(self, draft: Draft, excluded: Excluded, scan: _Scan) -> None:
        self._draft, self._excluded, self._scan = draft, excluded, scan
        self._label = excluded.label.copy()
        self._counted = np.zeros(len(draft.chars), bool)
        self._passages: list[tuple[int, Passage]] = []

    def take(self, aligned: Sequence[Aligned], own_words: NDArray[np.bool_]) -> None:
        """Those that are long enough and alike enough."""
        for one in aligned:
            text, left_out = self._scan.texts.of(one.source)
            if one.end - one.start < SHORTEST:
                continue
            one = grown(self._draft, own_words, one, text, left_out)
            excuse: Excuse = "template" if self._scan.ranking.is_template(one.start, one.end) else ""
            source = self._scan.texts.sources[one.source]
            passage = self._passage(one, source, text, left_out, excuse)
            if passage is None:
                continue
            self._passages.append((one.start, passage))
            here = slice(one.start, one.end)
            if excuse:
                self._label[here][self._label[here] == 0] = LABELS.index(excuse)
            else:
                self._counted[here] = True

    def take_quoted(self, quotable: Sequence[Source]) -> None:
        for one in self._excluded.passages:
            source = quotable[one.source]
            excuse = LABELS[1 + ("tender", "public", "template").index(source.owner)]
            passage = self._passage(one, source, source.text(), sorted(source.leave_out()), excuse)
            if passage is not None:
                self._passages.append((one.start, passage))

    def _passage(
        self, one: Aligned, source: Source, text: str, left_out: Ranges, excuse: Excuse
    ) -> Passage | None:
        number = self._draft.document(one.start)
        start, end = self._draft.span(one.start, one.end)
        here = self._draft.figured(number, start, end)
        there = normalise(
            text[one.there_start : one.there_end],
            within(left_out, one.there_start, one.there_end),
            keep_figures=True,
        )
        shares = one.covered / (one.end - one.start), one.covered_there / max(len(there), 1)
        if min(shares) < LEAST_COVERED:
            return None
        judged = judge(here, there, max(shares))
        also = 0 if excuse in ("tender", "public") else self._scan.ranking.sources(one.start, one.end) - 1
        return Passage(
            self._draft.queries[number].document,
            start,
            end,
            source.id,
            one.there_start,
            one.there_end,
            judged.similarity,
            judged.likeness,
            excuse,
            max(also, 0),
        )

    def comparison(self, parameters: Parameters) -> Comparison:
        documents = tuple(
            self._coverage(query.document, begin, begin + len(normal))
            for query, begin, normal in zip(
                self._draft.queries, self._draft.begins, self._draft.normals, strict=True
            )
        )
        total = Coverage(
            "",
            sum(one.characters for one in documents),
            sum(one.counted for one in documents),
            sum(one.tender for one in documents),
            sum(one.public for one in documents),
            sum(one.template for one in documents),
        )
        ordered = sorted(self._passages, key=lambda one: (one[0], -one[1].end, one[1].source))
        return Comparison(
            tuple(passage for _, passage in ordered),
            documents,
            total,
            len(self._scan.texts.sources),
            parameters,
        )

    def _coverage(self, document: str, start: int, end: int) -> Coverage:
        label = self._label[start:end]
        excused = [int(np.count_nonzero(label == number)) for number in range(1, len(LABELS))]
        counted = np.count_nonzero(self._counted[start:end] & (label == 0))
        return Coverage(document, end - start, int(counted), *excused)
