"""The stage of a bid, derived from the artefacts that exist and match their predecessor."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from bidclient.errors import BadArchive, BidError, FileProblem, IntegrityProblem
from bidclient.formats import canonical, stored_zip
from bidclient.formats.bseal import read_frame
from bidclient.formats.instant import Instant
from bidclient.stages.draft import Draft, read_draft
from bidclient.stages.package import Manifest, plaintext_commitment
from bidclient.stages.stub import check_stub, read_stub
from bidclient.stages.tender import Hex32, Record
from bidclient.store.bids import Artefacts, BidFolder

_MANIFEST = "manifest.json"
_MANIFEST_LIMIT = 16 * 1024 * 1024
RELEASE_ACKNOWLEDGED = "acknowledgement-release.p7s"


class Stage(StrEnum):
    """How far a bid has come."""

    TENDER = "tender"
    DRAFT = "draft"
    PACKAGE = "package"
    SIGNED = "signed"
    SEALED = "sealed"
    SUBMITTED = "submitted"
    OPENED = "opened"

    def reaches(self, other: "Stage") -> bool:
        """Whether this stage is `other` or a later one."""
        order = list(Stage)
        return order.index(self) >= order.index(other)


class RehearsalRecord(Record):
    """rehearsal.json: this very sealed file was opened with its own key at that time.

    `complete`: every byte was decrypted and compared, under policy "all" when it was sealed.
    """

    sealed_sha256: Hex32
    certificate_sha256: Hex32
    complete: bool
    at: Instant


@dataclass(frozen=True)
class Stale:
    """An artefact that does not follow from the ones before it, and why in one phrase."""

    name: str
    reason: str
    error: BidError | None = field(default=None, compare=False)
    """What `reason` was made from, for explain to put into words."""


@dataclass(frozen=True)
class State:
    """What the folder says about its bid."""

    stage: Stage
    stale: tuple[Stale, ...]
    rehearsed: bool
    """The sealed bid of this folder was opened with its own key."""
    kept: str | None
    """Where the submission in force lies when it is not the bid in the making: "submitted/001"."""


def state(folder: BidFolder) -> State:
    """Derive the stage. Reads manifests, frames and signatures of small files, never a whole bid.

    A damaged artefact does not raise: it is stale, with the fault as the reason. A damaged receipt raises
    BadReceipt, one about a bid that is not here Mismatch: that is an alarm, not a stage.
    """
    artefacts = folder.artefacts
    reached, stale = Stage.TENDER, []
    broken = False
    for stage, files, follows in _steps(folder):
        reason, error = ("made from what has changed since", None) if broken else _fault(follows)
        if all(file.exists() for file in files) and reason is None:
            reached = stage
            continue
        broken = True
        stale += [Stale(file.name, reason or "incomplete", error) for file in files if file.exists()]
    in_force = folder.in_force()
    rehearsed = reached.reaches(Stage.SEALED) and _fault(lambda: _check_rehearsal(artefacts))[0] is None
    if in_force is None:
        return State(reached, tuple(stale), rehearsed, None)
    if in_force[0].folder != folder.path:
        kept = in_force[0].folder.relative_to(folder.path).as_posix()
        return State(reached, tuple(stale), rehearsed, kept)
    if reached is Stage.SEALED:
        released = (folder.opening / RELEASE_ACKNOWLEDGED).exists()
        reached = Stage.OPENED if released else Stage.SUBMITTED
    return State(reached, tuple(stale), rehearsed, None)


def tender_sha256(path: Path) -> str:
    """Hex SHA-256 of the tender.json inside a tender file, documents unread. Raises BadArchive."""
    return hashlib.sha256(_entry(path, "tender.json")).hexdigest()


def manifest_bytes(path: Path) -> bytes:
    """manifest.json of bid.zip or bid.asice, byte for byte. Raises BadArchive."""
    return _entry(path, _MANIFEST)


def draft_of(folder: BidFolder) -> Draft:
    """The draft on the disk. Raises BadFormat, NotCanonical."""
    return read_draft(folder.draft.read_bytes())


class _DoesNotFollow(Exception):
    """Carries the reason within this file."""


def _steps(folder: BidFolder) -> list[tuple[Stage, tuple[Path, ...], Callable[[], None]]]:
    a = folder.artefacts
    return [
        (Stage.DRAFT, (folder.draft,), lambda: _check_draft(folder)),
        (Stage.PACKAGE, (a.package,), lambda: _check_package(folder)),
        (Stage.SIGNED, (a.signed,), lambda: _check_signed(a)),
        (Stage.SEALED, (a.sealed, a.leaves, a.stub), lambda: _check_sealed(a)),
    ]


def _fault(check: Callable[[], None]) -> tuple[str | None, BidError | None]:
    """What is wrong, None when nothing is, and the error that says so."""
    try:
        check()
    except _DoesNotFollow as error:
        return str(error), None
    except (IntegrityProblem, FileProblem) as error:
        return str(error), error
    except OSError as error:
        return error.strerror or str(error), None
    return None, None


def _check_draft(folder: BidFolder) -> None:
    if draft_of(folder).tender_sha256 != tender_sha256(folder.tender):
        raise _DoesNotFollow("answers another version of the tender")


def _check_package(folder: BidFolder) -> None:
    content = manifest_bytes(folder.artefacts.package)
    manifest = canonical.loads(content, Manifest, _MANIFEST)
    if manifest.draft_sha256 != hashlib.sha256(folder.draft.read_bytes()).hexdigest():
        raise _DoesNotFollow("the draft was edited since")


def _check_signed(artefacts: Artefacts) -> None:
    if manifest_bytes(artefacts.signed) != manifest_bytes(artefacts.package):
        raise _DoesNotFollow("signed over another package")


def _check_sealed(artefacts: Artefacts) -> None:
    stub = read_stub(artefacts.stub.read_bytes())
    if stub.stub.plaintext_commitment != plaintext_commitment(manifest_bytes(artefacts.signed)):
        raise _DoesNotFollow("sealed from another signed bid")
    check_stub(stub, read_frame(artefacts.sealed))


def _check_rehearsal(artefacts: Artefacts) -> None:
    record = canonical.loads(artefacts.rehearsal.read_bytes(), RehearsalRecord, "rehearsal.json")
    if record.sealed_sha256 != read_stub(artefacts.stub.read_bytes()).stub.sealed_sha256:
        raise _DoesNotFollow("rehearsed with another sealed bid")
    if not record.complete:
        raise _DoesNotFollow("never opened as a whole")


def _entry(path: Path, name: str) -> bytes:
    with stored_zip.open_archive(path) as file:
        entries = stored_zip.read_entries(file, path.name)
        for entry in entries:
            if entry.name == name:
                return stored_zip.read_small(file, entry, _MANIFEST_LIMIT)
    raise BadArchive(path.name, f"no {name} inside")
