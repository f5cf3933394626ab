"""The draft's texts against the archive and what was named; what is known already is not compared anew."""

import hashlib
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from bidclient.ask import Progress
from bidclient.desk.archive_filing import READER
from bidclient.desk.self_check_inputs import Inputs
from bidclient.similarity.findings.examined import Counterpart, Examined
from bidclient.similarity.findings.traces import Traces
from bidclient.similarity.passages.compare import Comparison, Coverage, compare
from bidclient.similarity.passages.fingerprint import PARAMETERS
from bidclient.similarity.passages.passage import Passage
from bidclient.similarity.passages.source import Query, Source, TextSource
from bidclient.similarity.reading.document import Extract
from bidclient.similarity.reading.running_heads import without_running_heads
from bidclient.similarity.report.parts import state_of
from bidclient.similarity.report.self_check import ArchiveInput
from bidclient.stages.tender import Tender
from bidclient.store.archive import Archive
from bidclient.store.archive_records import OWN, Kept, KeptBid, KeptDocument
from bidclient.store.check_cache import CheckCache, Compared

_AT_HAND = 1 << 40
"""Numbers of texts that are not from the archive, whose documents count from 1."""
_QUOTABLE: tuple[Kept, ...] = ("template", "public")
_MOST_AT_HAND = 64
"""Texts of the archive that are held while passages are put into words."""
_NO_DIGEST = "0" * 64


@dataclass(frozen=True)
class Shelf:
    """The archive as one run sees it: every document by its number, with the bid that it is of."""

    archive: Archive
    documents: dict[int, tuple[KeptBid, KeptDocument]]
    lots: tuple[str, ...]
    """Identifier and code of the lot that is bid for: bids for it are the draft itself."""

    @classmethod
    def of(cls, archive: Archive, tender: Tender) -> "Shelf":
        """All of it, without the texts."""
        documents = {
            document.id: (bid, document)
            for bid in archive.bids()
            for document in archive.documents(bid.id, READER)
        }
        return cls(archive, documents, (tender.lot.id, tender.lot.code))

    def name(self, number: int) -> str:
        """What the report calls a document: [3] 去年的标书/parts/technical/方案.pdf."""
        bid, document = self.documents[number]
        return f"{label(bid)}/{document.name}"

    def counterpart(self, number: int) -> Counterpart:
        """A document of the archive as a text that the draft is compared with.

        Raises NoSuchBid when nothing of it was read.
        """
        return replace(self.without_text(number), extract=self.archive.extract(number))

    def without_text(self, number: int) -> Counterpart:
        """The same, without what it says."""
        bid, document = self.documents[number]
        nothing = Extract(document.name, document.sha256, document.kind, "", ())
        lot = bid.bid.lot_code or bid.bid.lot
        return Counterpart(bid.bid.owner, self.name(number), label(bid), nothing, bid.bid.project, lot)

    def traces(self, owners: Collection[Kept] = OWN) -> Iterator[Traces]:
        """Pictures and traits of the company's bids for other lots, or of templates and public texts."""
        for one in self.archive.descriptions(owners, self.lots if tuple(owners) == OWN else ()):
            if one.document in self.documents:
                bid = self.documents[one.document][0]
                yield Traces(
                    bid.bid.owner,
                    self.name(one.document),
                    label(bid),
                    one.pictures,
                    one.traits,
                    bid.bid.project,
                    bid.bid.lot_code or bid.bid.lot,
                )

    def own_bids(self) -> list[KeptBid]:
        """The company's bids for other lots."""
        bids = {bid.id: bid for bid, _ in self.documents.values() if bid.bid.owner == "own"}
        return [one for one in bids.values() if not {one.bid.lot, one.bid.lot_code} & set(self.lots)]

    def input(self) -> ArchiveInput:
        """What of it was compared with, as the report says it."""
        own = {bid.id for bid in self.own_bids()}
        read = [bid for bid, document in self.documents.values() if not document.reason_en]
        return ArchiveInput(
            used=True,
            bids=len(own),
            texts=sum(bid.id in own for bid in read),
            quotable=sum(bid.bid.owner != "own" for bid in read),
            state=self.state(),
        )

    def unread(self) -> tuple[int, int]:
        """How many of its documents could not be read, and how many pages of the others."""
        documents = [document for _, document in self.documents.values()]
        return sum(bool(one.reason_en) for one in documents), sum(one.unread for one in documents)

    def state(self) -> str:
        """A digest that changes with each document that comes or goes."""
        return state_of(
            [
                (number, bid.bid.owner, bid.bid.project, bid.bid.lot, document.sha256)
                for number, (bid, document) in sorted(self.documents.items())
            ]
        )


def label(bid: KeptBid) -> str:
    """What the report calls a bid of the archive: [3] 去年的标书."""
    return f"[{bid.id}] {bid.bid.name}"


NO_ARCHIVE = ArchiveInput(used=False, bids=0, texts=0, quotable=0, state=_NO_DIGEST)


class Texts:
    """The comparison of one run."""

    def __init__(self, inputs: Inputs, shelf: Shelf | None, cache: CheckCache) -> None:
        self._inputs = inputs
        self._shelf = shelf
        self._cache = cache
        self._at_hand = [*inputs.tender, *inputs.named]
        self.compared_anew = 0
        self.counterpart: Callable[[int], Counterpart] = lru_cache(_MOST_AT_HAND)(self._counterpart)

    def without_text(self, number: int) -> Counterpart:
        """A text by its name and its bid, without what it says: thousands of them cost nothing."""
        if number >= _AT_HAND or self._shelf is None:
            return self._counterpart(number)
        return self._shelf.without_text(number)

    def comparison(self, progress: Progress, cancelled: Callable[[], bool]) -> Comparison:
        """All passages; documents that were compared with the same texts before are taken from the cache.

        Raises Cancelled.
        """
        against = self._against()
        keys = {one.where: (_as_read(one.extract), against) for one in self._inputs.documents}
        kept = {where: self._cache.compared(where, key) for where, key in keys.items()}
        fresh = [one for one in self._inputs.documents if kept[one.where] is None]
        self.compared_anew = len(fresh)
        found = self._compare(fresh, progress, cancelled)
        for one in fresh:
            mine = Compared(
                tuple(passage for passage in found.passages if passage.document == one.where),
                next(part for part in found.documents if part.document == one.where),
            )
            self._cache.keep_compared(keys[one.where], mine)
            kept[one.where] = mine
        passages: list[Passage] = []
        coverages: list[Coverage] = []
        for document in self._inputs.documents:
            known = kept[document.where]
            if known is not None:
                passages += known.passages
                coverages.append(known.coverage)
        return Comparison(tuple(passages), tuple(coverages), _sum(coverages), found.sources, found.parameters)

    def _compare(
        self, documents: Sequence[Examined], progress: Progress, cancelled: Callable[[], bool]
    ) -> Comparison:
        queries = [
            Query(one.where, one.extract.text, without_running_heads(one.extract)) for one in documents
        ]
        quotable = [*self._sources("tender"), *self._archived(_QUOTABLE)] if queries else []
        return compare(queries, self._texts() if queries else (), quotable, PARAMETERS, progress, cancelled)

    def _texts(self) -> Iterator[Source]:
        yield from self._sources("named")
        yield from self._archived(OWN)

    def _sources(self, owner: str) -> Iterator[Source]:
        for number, one in enumerate(self._at_hand):
            if one.owner == owner:
                heads = without_running_heads(one.extract)
                yield TextSource(_AT_HAND + number, one.owner, one.extract.text, one.project, heads)

    def _archived(self, owners: tuple[Kept, ...]) -> Iterator[Source]:
        if self._shelf is not None:
            lots = self._shelf.lots if owners == OWN else ()
            yield from self._shelf.archive.sources(owners, lots)

    def _against(self) -> str:
        """A digest of everything that the documents are compared with, and of how."""
        state = "" if self._shelf is None else self._shelf.state()
        lots = () if self._shelf is None else self._shelf.lots
        others = [(one.owner, one.project, _as_read(one.extract)) for one in self._at_hand]
        return state_of([PARAMETERS.version, READER, state, lots, others])

    def _counterpart(self, number: int) -> Counterpart:
        if number >= _AT_HAND:
            return self._at_hand[number - _AT_HAND]
        if self._shelf is None:
            raise LookupError(number)
        return self._shelf.counterpart(number)


def _as_read(extract: Extract) -> str:
    """A digest of what was read: with text recognition, or more time, the same file says something else."""
    text = hashlib.sha256(extract.text.encode("utf-8", "surrogatepass")).hexdigest()
    return state_of([text, [(page.number, page.start, page.end) for page in extract.pages]])


def _sum(coverages: Sequence[Coverage]) -> Coverage:
    return Coverage(
        "",
        sum(one.characters for one in coverages),
        sum(one.counted for one in coverages),
        sum(one.tender for one in coverages),
        sum(one.public for one in coverages),
        sum(one.template for one in coverages),
    )
