"""The evidence folder: what a third party needs to judge the bid, written out, and judged offline."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bidclient import resource
from bidclient.crypto.certificate import Certificate
from bidclient.desk.connection import Clock, Connections, read_anchors
from bidclient.errors import BidExists, DiskProblem, FileProblem, TooLarge, WrongStage
from bidclient.formats import atomic, stored_zip
from bidclient.formats.content import read_limited
from bidclient.stages.evidence import Verdict, verify_evidence
from bidclient.stages.evidence_folder import (
    CERTIFICATES,
    CHAIN,
    JOURNAL,
    OPENING_STATEMENTS,
    READOUT,
    STUB,
    TENDER,
    TENDER_SIGNATURE,
    Evidence,
)
from bidclient.stages.stub import read_stub
from bidclient.stages.submitted import read_receipt
from bidclient.stages.tender import SIGNATURE_NAME, TENDER_NAME
from bidclient.store.bids import BidFolder
from bidclient.store.records import RECEIPT_NAMES
from bidclient.store.state import Stage, state

IDENTITY_FILE = "identity.pem"
"""In a folder of trusted certificates: the one by which the network signs receipts."""
_FILE_LIMIT = 64 * 1024 * 1024
_FOLDER_LIMIT = 256 * 1024 * 1024
_MOST_FILES = 10_000
_GUIDE = {"README.md": "evidence/README.md", "verify.sh": "evidence/verify.sh", "sm2.sh": "verify/sm2.sh"}
"""How a stranger judges the folder; the name in the folder and that of the resource."""
_SAID = (*OPENING_STATEMENTS, *(f"acknowledgement-{name}" for name in OPENING_STATEMENTS))


@dataclass(frozen=True)
class Exported:
    """An evidence folder."""

    path: str
    files: tuple[str, ...]


@dataclass(frozen=True)
class Judgement:
    """A verdict on every item; `holds` when nothing is invalid and nothing had to be left open."""

    holds: bool
    verdicts: tuple[Verdict, ...]


class EvidenceDesk:
    """Writing and judging evidence."""

    def __init__(self, connections: Connections, now: Clock) -> None:
        self._connections = connections
        self._now = now

    def export(self, path: Path, out: Path) -> Exported:
        """Write the evidence of a bid to the new folder `out`. Needs no network and no key.

        Raises WrongStage before there is a sealed bid, BidExists, DiskProblem.
        """
        folder = BidFolder.open(path)
        if out.exists():
            raise BidExists(str(out))
        with folder.locked():
            stage = state(folder).stage
            in_force = folder.in_force()
            if in_force is None and not stage.reaches(Stage.SEALED):
                raise WrongStage(stage.value, Stage.SEALED.value)
            artefacts = folder.artefacts if in_force is None else in_force[0]
            folder.journal.append("evidence-exported", {"stage": stage.value}, self._now())
            files = {STUB: artefacts.stub.read_bytes(), **_tender_files(folder), **_records(folder)}
            files |= _certificates(files)
        guide = {name: resource.read_bytes(source) for name, source in _GUIDE.items()}
        _write_folder(out, files | guide)
        return Exported(str(out), tuple(sorted(files | guide)))

    def verify(self, path: Path, trust: Path | None = None) -> Judgement:
        """Judge an evidence folder offline by the certificates in `trust`, else by those of the settings.

        Without any, chains cannot be told. Raises FileProblem, also for a symbolic link in the folder,
        TooLarge, SettingProblem, BadCertificate.
        """
        anchors, stamp_anchors, identity = self._trusted(trust)
        evidence = Evidence(_read_folder(path), anchors, stamp_anchors, identity, self._now())
        verdicts = tuple(verify_evidence(evidence))
        return Judgement(all(one.verdict == "valid" for one in verdicts), verdicts)

    def _trusted(
        self, trust: Path | None
    ) -> tuple[tuple[Certificate, ...], tuple[Certificate, ...], Certificate | None]:
        if trust is not None:
            anchors = read_anchors((str(trust),))
            identity = trust / IDENTITY_FILE
            known = read_anchors((str(identity),))[0] if identity.is_file() else None
            return anchors, anchors, known
        profile = self._connections.known_profile
        if profile is None:
            return (), (), None
        return profile.anchors, profile.stamp_anchors, profile.identity


def _tender_files(folder: BidFolder) -> dict[str, bytes]:
    """tender.json and its signature, taken out of the tender package."""
    with stored_zip.open_archive(folder.tender) as file:
        entries = {entry.name: entry for entry in stored_zip.read_entries(file, folder.tender.name)}
        return {
            TENDER: stored_zip.read_small(file, entries[TENDER_NAME], _FILE_LIMIT),
            TENDER_SIGNATURE: stored_zip.read_small(file, entries[SIGNATURE_NAME], _FILE_LIMIT),
        }


def _records(folder: BidFolder) -> dict[str, bytes]:
    """Receipts, statements, what the opening has brought, the journal."""
    files: dict[str, bytes] = {}
    for kept in folder.records.receipts():
        for name in RECEIPT_NAMES:
            stem, _, suffix = name.partition(".")
            files[f"{stem}-{kept.folder.name}.{suffix}"] = (kept.folder / name).read_bytes()
    for kind in ("finalize", "withdraw"):
        for path in folder.records.statements(kind):
            files[f"{kind}-{path.name.partition('-')[0]}.p7s"] = path.read_bytes()
    said = [name for name in _SAID if (folder.opening / name).exists()]
    # Without a statement of ours nothing tells which opening a chain belongs to.
    for name in (*said, CHAIN, READOUT) if said else ():
        if (folder.opening / name).exists():
            files[name] = (folder.opening / name).read_bytes()
    journal = (folder.path / JOURNAL).read_bytes()
    files[JOURNAL] = journal[: journal.rfind(b"\n") + 1]
    return files


def _certificates(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The certificates that the items were signed with, to be looked at; trust comes from elsewhere."""
    stub = read_stub(files[STUB])
    made = {f"{CERTIFICATES}bidder.pem": stub.signed_by.signer.pem}
    receipts = sorted(name for name in files if name.startswith("receipt-") and name.endswith(".p7s"))
    if receipts:
        signed = read_receipt(files[receipts[-1]]).signed
        made[f"{CERTIFICATES}network.pem"] = signed.signer.pem
        if signed.chain:
            made[f"{CERTIFICATES}network-chain.pem"] = b"".join(one.pem for one in signed.chain)
    return made


def _write_folder(out: Path, files: Mapping[str, bytes]) -> None:
    building = out.with_name(atomic.TEMPORARY_PREFIX + out.name)
    try:
        shutil.rmtree(building, ignore_errors=True)
        (building / CERTIFICATES).mkdir(parents=True)
        for name, content in files.items():
            atomic.write(building / name, content)
            (building / name).chmod(0o755 if name.endswith(".sh") else 0o644)
        building.rename(out)
        atomic.sync_folder(out.parent)
    except OSError as error:
        raise DiskProblem(str(out), str(error)) from error


def _read_folder(path: Path) -> dict[str, bytes]:
    if not path.is_dir():
        raise FileProblem(str(path), "not a folder")
    files = _files_below(path)
    return {file.relative_to(path).as_posix(): read_limited(file, _FILE_LIMIT) for file in files}


def _files_below(path: Path) -> list[Path]:
    """The plain files of a folder that somebody else may have made. Raises TooLarge, FileProblem."""
    files, total = [], 0
    try:
        for number, entry in enumerate(path.rglob("*"), 1):
            if number > _MOST_FILES:
                raise TooLarge(path.name, number, _MOST_FILES)
            if entry.is_symlink():
                raise FileProblem(str(entry), "a symbolic link, which evidence does not have")
            if entry.is_file():
                files.append(entry)
                total += entry.stat().st_size
            if total > _FOLDER_LIMIT:
                raise TooLarge(path.name, total, _FOLDER_LIMIT)
    except OSError as error:
        raise FileProblem(str(path), str(error)) from error
    return sorted(files)
