"""The archive of the company's own earlier bids as the self-check uses it: one interface, two databases."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from bidclient.ask import Progress, silent
from bidclient.similarity.passages.fingerprint import PARAMETERS, Fingerprint, Parameters, fingerprint
from bidclient.similarity.passages.normal import Ranges, normalise
from bidclient.similarity.passages.source import Source
from bidclient.similarity.reading.document import Extract, Picture, Trait
from bidclient.store.archive_records import OWN, Kept, KeptBid, KeptDocument, Outdated, PastBid, RefusedFile


@dataclass(frozen=True)
class Content:
    """What was read from a file, ready to be compared. `reader` is the version of the extraction."""

    extract: Extract
    reader: str
    leave_out: Ranges
    fingerprint: Fingerprint
    parameters: Parameters = PARAMETERS


@dataclass(frozen=True)
class Filed:
    """A document to be filed under a bid: its name there, hex SHA-256, and its content.

    Without content it is one that the archive has, or, with reasons, one that could not be read.
    """

    name: str
    sha256: str
    content: Content | None = None
    reason_zh: str = ""
    reason_en: str = ""


@dataclass(frozen=True)
class Description:
    """The pictures in document number `document`, and what it says about its making."""

    document: int
    pictures: tuple[Picture, ...]
    traits: tuple[Trait, ...]


def indexed(extract: Extract, reader: str, leave_out: Ranges = ()) -> Content:
    """The content of a file that was read, with its fingerprint."""
    return Content(extract, reader, leave_out, fingerprint(normalise(extract.text, leave_out)))


class Archive(Protocol):
    """Bids with their texts, pictures and traits. All verbs raise StoreProblem: DiskProblem, Busy,
    ArchiveUnfit, ArchiveUnreachable.

    What changes it is one transaction: whoever reads, and whoever comes after a kill, meets the state before
    or the state after. The pure checks are handed `sources` and `descriptions`, which come one by one.
    """

    def missing(self, digests: Collection[str], reader: str) -> frozenset[str]:
        """Those of the hex digests whose content the archive has not, as read by this version."""

    def add(self, bid: PastBid, documents: Sequence[Filed], reader: str) -> int:
        """File a bid with all its documents, instead of one with its identity; its number.

        Content that is handed in replaces what is there. Raises Busy when a document without content is no
        longer there: somebody has just removed it.
        """

    def remove(self, bid: int) -> KeptBid:
        """Take a bid out, and all content that no other bid has; what it was. Raises NoSuchBid."""

    def bids(self, project: str | None = None) -> list[KeptBid]:
        """All bids in the order in which they were first added, without their prices: these are many.

        With `project`, the bids for its lots, prices and all.
        """

    def documents(self, bid: int, reader: str) -> list[KeptDocument]:
        """The documents of a bid in their order. Raises NoSuchBid."""

    def bid_of(self, document: int) -> KeptBid:
        """The bid that a document belongs to, with its prices. Raises NoSuchBid."""

    def extract(self, document: int) -> Extract:
        """All that was read from a document. Raises NoSuchBid when it is gone, or was never read."""

    def sources(
        self,
        owners: Collection[Kept] = OWN,
        without_lots: Collection[str] = (),
        parameters: Parameters = PARAMETERS,
    ) -> Iterator[Source]:
        """The documents in the order of their numbers, memory bounded by a few of them.

        Bids for `without_lots` (identifiers or codes) are left out: a draft is not compared with itself.
        Fingerprints by other parameters than are kept are made from the text.
        """

    def descriptions(
        self, owners: Collection[Kept] = OWN, without_lots: Collection[str] = ()
    ) -> Iterator[Description]:
        """Pictures and traits of the documents, in the order of their numbers, memory bounded as above."""

    def refuse(self, file: RefusedFile) -> None:
        """Record that a file was refused."""

    def refused(self) -> list[RefusedFile]:
        """Every file that was ever refused, oldest first."""

    def outdated(self, reader: str) -> Outdated:
        """What was fingerprinted or read by another version than this."""

    def reindex(self, progress: Progress = silent) -> int:
        """Fingerprint anew, from the stored texts, what another version did; how many texts that were.

        A kill leaves some done: the next run goes on with the others.
        """

    def reading(self) -> AbstractContextManager[None]:
        """For the length of the block the archive stays as it is for this reader, whoever writes."""

    def close(self) -> None:
        """Close it; nothing can be asked afterwards."""
