"""What the archive says of an earlier bid and its documents, without what is slow to import."""

from dataclasses import dataclass
from typing import Literal

from bidclient.formats.instant import Instant
from bidclient.stages.draft import PricedItem

Kept = Literal["own", "template", "public"]
"""The company's bids; its templates; statutes, standards and forms that everybody may quote."""

OWN: tuple[Kept, ...] = ("own",)


@dataclass(frozen=True)
class PastBid:
    """An earlier bid of the company, or a collection of its templates or of public texts.

    `lot` is the network's identifier, `lot_code` the 标段编号; both are what the clerk types for plain files.
    `total_fen` is None where no total is known.
    """

    owner: Kept
    name: str
    added_at: Instant
    uscc: str = ""
    project: str = ""
    lot: str = ""
    lot_code: str = ""
    tender_sha256: str = ""
    creation_code: str = ""
    total_fen: int | None = None
    prices: tuple[PricedItem, ...] = ()

    @property
    def identity(self) -> tuple[str, ...]:
        """What tells bids apart: a bid that is added under a known identity replaces the one that is there.

        The creation code alone would not do: copied projects keep it, which is a finding, not the same bid.
        """
        told = (self.lot, self.creation_code) if self.creation_code else (self.project, self.lot, self.name)
        return (self.owner, "code" if self.creation_code else "name", *told)


@dataclass(frozen=True)
class KeptBid:
    """A bid in the archive. `unread` counts pages without text and documents that could not be read."""

    id: int
    bid: PastBid
    documents: int
    pages: int
    unread: int


@dataclass(frozen=True)
class KeptDocument:
    """A document of a bid in the archive; `id` is what passages name as their source.

    `reason_zh` and `reason_en` say why nothing was read; then `pages` is 0. `skipped` says in both languages
    what of it was not read. `current`: read by this version of the program.
    """

    id: int
    bid: int
    name: str
    sha256: str
    kind: str
    pages: int
    unread: int
    reason_zh: str
    reason_en: str
    skipped: tuple[tuple[str, str], ...]
    current: bool


@dataclass(frozen=True)
class RefusedFile:
    """A file of another company that was handed in: its name, its digest, when. Never its content."""

    name: str
    sha256: str
    at: Instant


@dataclass(frozen=True)
class Outdated:
    """What another version of the program has left: texts to fingerprint anew, documents to read anew."""

    fingerprints: int
    documents: int
