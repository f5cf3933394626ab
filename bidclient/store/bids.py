"""A bid is a folder: the names in it, and the few moves that keep what was made from getting lost.

What is submitted is never changed and nothing is deleted: what no longer follows from the draft moves to
superseded/, what a receipt speaks of moves whole to submitted/NNN/, where it stays in force until it is
replaced.
"""

import filecmp
import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bidclient.errors import ArtefactLocked, BidExists, DiskProblem, FileProblem, Mismatch, NotABidFolder
from bidclient.formats import atomic
from bidclient.store.journal import Journal
from bidclient.store.lock import LOCK_NAME, locked
from bidclient.store.numbered import new_folder, next_number, numbered
from bidclient.store.records import KeptReceipt, Records

TENDER = "tender.tender"
DRAFT = "draft.json"
PARTS = "parts"
_COPY_LIMIT = 16 * 1024 * 1024


@dataclass(frozen=True)
class Artefacts:
    """The files from package to stub that were made from one another, in one folder."""

    folder: Path

    @property
    def package(self) -> Path:
        """bid.zip, the frozen bid."""
        return self.folder / "bid.zip"

    @property
    def signed(self) -> Path:
        """bid.asice."""
        return self.folder / "bid.asice"

    @property
    def sealed(self) -> Path:
        """bid.sealed."""
        return self.folder / "bid.sealed"

    @property
    def leaves(self) -> Path:
        """bid.leaves: the 32-byte SHA-256 of every sealed chunk, one behind the other."""
        return self.folder / "bid.leaves"

    @property
    def stub(self) -> Path:
        """bid.stub."""
        return self.folder / "bid.stub"

    @property
    def rehearsal(self) -> Path:
        """rehearsal.json: proof that the sealed bid was opened with its own key."""
        return self.folder / "rehearsal.json"

    def in_order(self) -> tuple[Path, ...]:
        """All of them, each made from the ones before."""
        return (self.package, self.signed, self.sealed, self.leaves, self.stub, self.rehearsal)

    def stub_sha256(self) -> str | None:
        """Hex digest of bid.stub; None when there is none."""
        return hashlib.sha256(self.stub.read_bytes()).hexdigest() if self.stub.is_file() else None


class BidFolder:
    """One bid on the disk. Changing verbs are called inside `locked()`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.artefacts = Artefacts(path)
        self.journal = Journal(path / "journal.jsonl")
        self.records = Records(path)
        self._submitted = path / "submitted"

    @classmethod
    def open(cls, path: Path) -> "BidFolder":
        """The bid folder at `path`. Raises NotABidFolder."""
        if not (path / TENDER).is_file():
            raise NotABidFolder(str(path))
        return cls(path)

    @classmethod
    def create(cls, path: Path, tender_file: Path) -> "BidFolder":
        """A new bid folder with a copy of the tender. Raises BidExists, FileProblem, DiskProblem.

        A folder that a killed program left behind before there was a draft is taken as new.
        """
        if path.exists() and (not path.is_dir() or not _is_unborn(path, tender_file)):
            raise BidExists(str(path))
        try:
            path.mkdir(parents=True, exist_ok=True)
            atomic.sync_folder(path.parent)
        except OSError as error:
            raise DiskProblem(str(path), str(error)) from error
        folder = cls(path)
        copy_file(tender_file, folder.tender)
        return folder

    @property
    def tender(self) -> Path:
        """The tender that the bid answers."""
        return self.path / TENDER

    @property
    def draft(self) -> Path:
        """draft.json."""
        return self.path / DRAFT

    @property
    def parts(self) -> Path:
        """The folder of the documents, one folder per part."""
        return self.path / PARTS

    @property
    def opening(self) -> Path:
        """The folder of what the opening has brought."""
        return self.path / "opening"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder for changes, and clear up what a kill interrupted. Raises Busy, DiskProblem."""
        with locked(self.path):
            atomic.clear_unfinished(self.path)
            self._finish_moves()
            yield

    def tender_of(self, version: int) -> Path:
        """The tender of a version that this bid has answered; the one in force for a version never kept."""
        kept = self._old_tender(version)
        return kept if kept.exists() else self.tender

    # ------------------------------------------------------------------------------------ setting aside

    def replace_tender(self, tender_file: Path, old_version: int) -> None:
        """Take a newer tender; the old one stays as tender-vN.tender. Raises FileProblem, DiskProblem."""
        kept = self._old_tender(old_version)
        if not kept.exists():
            copy_file(self.tender, kept)
        copy_file(tender_file, self.tender)

    def set_aside(self, files: Iterable[Path]) -> tuple[str, ...]:
        """Move files of this folder to superseded/NNN-name; the new names, relative to the folder."""
        existing = [file for file in files if file.exists()]
        if not existing:
            return ()
        target = self.path / "superseded"
        moved = []
        try:
            target.mkdir(exist_ok=True)
            for file in existing:
                name = "-".join(file.relative_to(self.path).parts)
                new = target / f"{next_number(target)}-{name}"
                file.rename(new)
                moved.append(new.relative_to(self.path).as_posix())
            atomic.sync_folder(target)
            atomic.sync_folder(self.path)
        except OSError as error:
            raise DiskProblem(str(target), str(error)) from error
        return tuple(moved)

    def keep_before(self, file: Path) -> str:
        """Keep what a file of this folder is now as superseded/NNN-name, before it is replaced; that name.

        What a killed program has kept already is not kept twice. Raises DiskProblem.
        """
        target = self.path / "superseded"
        name = "-".join(file.relative_to(self.path).parts)
        try:
            target.mkdir(exist_ok=True)
            new = next((one for one in numbered(target, f"-{name}") if one.samefile(file)), None)
            if new is None:
                new = target / f"{next_number(target)}-{name}"
                os.link(file, new)
            atomic.sync_folder(target)
        except OSError as error:
            raise DiskProblem(str(target), str(error)) from error
        return new.relative_to(self.path).as_posix()

    def keep_submitted(self) -> Path | None:
        """Move the artefacts that a receipt speaks of to submitted/NNN/; None when no receipt does.

        They are linked into the new folder first, so that a kill leaves them here, there or in both places.
        """
        if not self._is_submitted():
            return None
        target = new_folder(self._submitted, self._link_artefacts)
        self._finish_moves()
        return target

    def check_not_submitted(self) -> None:
        """Raises ArtefactLocked when a receipt speaks of the artefacts here; pack moves them first."""
        if self._is_submitted():
            raise ArtefactLocked(self.artefacts.sealed.name)

    def in_force(self) -> tuple[Artefacts, KeptReceipt] | None:
        """The submission that counts, with its receipt; None when there is none or it was withdrawn.

        Raises BadReceipt, Mismatch when the artefacts that the receipt speaks of are gone or changed.
        """
        receipts = self.records.receipts()
        if not receipts or receipts[-1].receipt.receipt.kind == "withdrawal":
            return None
        wanted = receipts[-1].receipt.receipt.stub_sha256
        artefacts = self.artefacts_of(wanted)
        if artefacts is None:
            raise Mismatch("bid.stub", wanted, "no such stub in the bid folder")
        return artefacts, receipts[-1]

    def artefacts_of(self, stub_sha256: str) -> Artefacts | None:
        """The artefacts whose bid.stub has this hex digest, here or in submitted/; None without any."""
        for folder in (self.path, *reversed(numbered(self._submitted))):
            artefacts = Artefacts(folder)
            if artefacts.stub_sha256() == stub_sha256:
                return artefacts
        return None

    def _old_tender(self, version: int) -> Path:
        return self.path / f"tender-v{version}.tender"

    def _link_artefacts(self, folder: Path) -> None:
        for file in self.artefacts.in_order():
            if file.exists():
                os.link(file, folder / file.name)

    def _is_submitted(self) -> bool:
        stub = self.artefacts.stub_sha256()
        return any(kept.receipt.receipt.stub_sha256 == stub for kept in self.records.receipts())

    def _finish_moves(self) -> None:
        """What a kill may leave half done: links already kept in submitted/, copies of the last receipt."""
        kept = numbered(self._submitted)
        for file in self.artefacts.in_order() if kept else ():
            twin = kept[-1] / file.name
            if file.exists() and twin.exists() and file.samefile(twin):
                file.unlink()
        self.records.refresh_copies()


def _is_unborn(path: Path, tender_file: Path) -> bool:
    """Whether there is nothing in a folder but what `create` and a new draft leave behind when killed."""
    atomic.clear_unfinished(path)
    names = {one.name for one in path.iterdir()}
    if not names <= {TENDER, PARTS, LOCK_NAME} or (PARTS in names and any((path / PARTS).iterdir())):
        return False
    return TENDER not in names or filecmp.cmp(path / TENDER, tender_file, shallow=False)


def copy_file(source: Path, target: Path) -> None:
    """Copy so that `target` appears whole. Raises FileProblem for the source, DiskProblem for the target."""
    try:
        file = source.open("rb")
    except OSError as error:
        raise FileProblem(str(source), error.strerror or str(error)) from error
    with file, atomic.replacing(target) as copy:
        shutil.copyfileobj(file, copy, _COPY_LIMIT)
