"""The rows that the archive's queries give, and what they say."""

import zlib
from dataclasses import dataclass

from bidclient.formats.instant import Instant
from bidclient.similarity.passages.normal import Ranges
from bidclient.similarity.reading.document import Page, PageKind, Picture, Strength, Trait
from bidclient.stages.draft import PricedItem
from bidclient.store.archive_layout import PLACE, damage_told, unpacked
from bidclient.store.archive_records import Kept, KeptBid, KeptDocument, PastBid


@dataclass(frozen=True)
class Numbered:
    """The number of a row."""

    id: int


@dataclass(frozen=True)
class BodyRow:
    """A text as it is stored."""

    letters: bytes
    pages: bytes
    leave_out: bytes

    def text(self) -> str:
        """As extracted."""
        with damage_told(PLACE):
            return zlib.decompress(self.letters).decode("utf-8", "surrogatepass")

    def page_list(self) -> tuple[Page, ...]:
        """Its pages."""
        return tuple(Page(*one) for one in unpacked(self.pages, list[tuple[int, int, int, PageKind]]))

    def ranges(self) -> Ranges:
        """What of it is not compared."""
        return unpacked(self.leave_out, list[tuple[int, int]])


@dataclass(frozen=True)
class KeptFingerprint:
    """A fingerprint as it is stored; Nones where there is none."""

    version: str | None
    hashes: bytes | None
    positions: bytes | None


@dataclass(frozen=True)
class SourceRow:
    """A document with the fingerprint that is kept of it, Nones where none is."""

    id: int
    content: int
    owner: Kept
    project: str
    version: str | None
    hashes: bytes | None
    positions: bytes | None


@dataclass(frozen=True)
class DescriptionRow:
    """A document's pictures and traits."""

    id: int
    pictures: bytes
    traits: bytes


@dataclass(frozen=True)
class Digest:
    """Of a content."""

    sha256: str


@dataclass(frozen=True)
class BidRow:
    """A bid with what there is of it."""

    id: int
    owner: Kept
    name: str
    added_at: Instant
    uscc: str
    project: str
    lot: str
    lot_code: str
    tender_sha256: str
    creation_code: str
    total_fen: int | None
    prices: bytes | None
    documents: int
    pages: int
    unread: int

    def kept(self) -> KeptBid:
        """The bid, with its prices when the query has asked for them."""
        prices = () if self.prices is None else unpacked(self.prices, tuple[PricedItem, ...])
        bid = PastBid(
            self.owner,
            self.name,
            self.added_at,
            self.uscc,
            self.project,
            self.lot,
            self.lot_code,
            self.tender_sha256,
            self.creation_code,
            self.total_fen,
            prices,
        )
        return KeptBid(self.id, bid, self.documents, self.pages, self.unread)


@dataclass(frozen=True)
class DocumentRow:
    """A document, with Nones where nothing of it was read."""

    id: int
    bid: int
    content: int | None
    name: str
    sha256: str
    reason_zh: str
    reason_en: str
    reader: str | None
    kind: str | None
    pages: int | None
    unread: int | None
    skipped: bytes | None

    def kept(self, reader: str) -> KeptDocument:
        """The document; `reader` is the version of the extraction that is current."""
        return KeptDocument(
            self.id,
            self.bid,
            self.name,
            self.sha256,
            self.kind or "",
            self.pages or 0,
            self.unread or 0,
            self.reason_zh,
            self.reason_en,
            read_pairs(self.skipped) if self.skipped else (),
            self.content is None or self.reader == reader,
        )


def read_pictures(blob: bytes) -> tuple[Picture, ...]:
    """The pictures of a description."""
    shape = list[tuple[int, str, int, int, bytes | None, tuple[tuple[str, str], ...]]]
    return tuple(Picture(*one) for one in unpacked(blob, shape))


def read_traits(blob: bytes) -> tuple[Trait, ...]:
    """The traits of a description."""
    return tuple(Trait(*one) for one in unpacked(blob, list[tuple[str, str, Strength]]))


def read_pairs(blob: bytes) -> tuple[tuple[str, str], ...]:
    """What was skipped, in both languages."""
    return unpacked(blob, tuple[tuple[str, str], ...])
