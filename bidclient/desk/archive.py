"""The room of the archive: the company's earlier bids go in, are listed, shown, taken out, indexed anew."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bidclient.ask import Progress, silent
from bidclient.desk.connection import Clock
from bidclient.errors import PartMissing, SettingProblem
from bidclient.store import sessions
from bidclient.store.archive_records import Kept, KeptBid, KeptDocument, Outdated, RefusedFile
from bidclient.store.settings import Settings

if TYPE_CHECKING:
    # numpy, a PDF reader and a database: imported where the archive is used, which most verbs never do.
    from bidclient.store.archive import Archive

_POSTGRES = "postgres"


@dataclass(frozen=True)
class Request:
    """What to add, and how it is meant. `project`, `lot` and `name` are for plain files, which do not say.

    `again`: read files that the archive has anew, for example since there is a text recognition.
    """

    paths: tuple[Path, ...]
    owner: Kept = "own"
    project: str = ""
    lot: str = ""
    name: str = ""
    again: bool = False


@dataclass(frozen=True)
class FiledBid:
    """A bid that is in the archive now; `read` of its documents were read, the others known before."""

    bid: KeptBid
    documents: tuple[KeptDocument, ...]
    read: int


@dataclass(frozen=True)
class AddedToArchive:
    """What was added, and what was refused because it is another company's."""

    filed: tuple[FiledBid, ...]
    refused: tuple[RefusedFile, ...]


@dataclass(frozen=True)
class ArchivePage:
    """Everything in the archive at a glance; `place` is a folder or a database."""

    place: str
    bids: tuple[KeptBid, ...]
    refused: tuple[RefusedFile, ...]
    outdated: Outdated


@dataclass(frozen=True)
class ArchivedBid:
    """A bid in the archive with its documents."""

    bid: KeptBid
    documents: tuple[KeptDocument, ...]


@dataclass(frozen=True)
class RemovedFromArchive:
    """A bid that was taken out of the archive; its files are where they were."""

    bid: KeptBid


@dataclass(frozen=True)
class Reindexed:
    """How many texts were fingerprinted anew, and what must be added again to be read anew."""

    texts: int
    outdated: Outdated


class ArchiveDesk:
    """The company's memory of what it wrote. All verbs raise StoreProblem, PartMissing, SettingProblem."""

    def __init__(self, settings: Settings, folder: Path | None, now: Clock) -> None:
        self._settings = settings
        self._folder = folder
        self._now = now

    @property
    def place(self) -> str:
        """Where the archive is: the database without its options, or the folder. Raises SettingProblem."""
        if self._settings.archive_is_shared:
            return self._settings.archive.partition("?")[0]
        return str(self._own_folder())

    def add(self, request: Request, progress: Progress = silent) -> AddedToArchive:
        """Add bid folders, signed bids (bid.asice, bid.zip), or plain files, which together are one bid.

        Another company's bid is refused and recorded by name and digest; the others are added. What was read
        before is not read again. Raises FileProblem, BadCommandLine when project or lot is wanted,
        SettingProblem when it cannot be told whose bids are ours, IntegrityProblem for a damaged package.
        """
        from bidclient.desk.archive_filing import Filing

        with self.opened() as archive:
            return Filing(archive, self._settings.company, self._now).add(request, progress)

    def page(self) -> ArchivePage:
        """All bids, what was refused, what is outdated."""
        from bidclient.desk.archive_filing import READER

        with self.opened() as archive, archive.reading():
            outdated = archive.outdated(READER)
            return ArchivePage(self.place, tuple(archive.bids()), tuple(archive.refused()), outdated)

    def show(self, number: int) -> ArchivedBid:
        """One bid with its documents. Raises NoSuchBid."""
        from bidclient.desk.archive_filing import READER

        with self.opened() as archive, archive.reading():
            documents = tuple(archive.documents(number, READER))
            return ArchivedBid(archive.bid_of(documents[0].id), documents)

    def remove(self, number: int) -> RemovedFromArchive:
        """Take a bid out of the archive; no file of it is touched. Raises NoSuchBid."""
        with self.opened() as archive:
            return RemovedFromArchive(archive.remove(number))

    def reindex(self, progress: Progress = silent) -> Reindexed:
        """Fingerprint anew what another version of the program did, from the stored texts."""
        from bidclient.desk.archive_filing import READER

        with self.opened() as archive:
            return Reindexed(archive.reindex(progress), archive.outdated(READER))

    @contextmanager
    def opened(self) -> Iterator["Archive"]:
        """The archive, closed at the end of the block; for the self-check too."""
        archive = self._open()
        try:
            yield archive
        finally:
            archive.close()

    def _open(self) -> "Archive":
        if not self._settings.archive_is_shared:
            from bidclient.store.archive_sqlite import open_sqlite_archive

            return open_sqlite_archive(self._own_folder())
        try:
            from bidclient.store.archive_postgres import open_postgres_archive
        except ModuleNotFoundError as error:
            raise PartMissing(_POSTGRES, error.name or "") from error
        address = self._settings.archive
        return open_postgres_archive(address, sessions.recall(address))

    def _own_folder(self) -> Path:
        if self._settings.archive:
            return Path(self._settings.archive)
        if self._folder is None:
            raise SettingProblem("archive", "no folder is set")
        return self._folder
