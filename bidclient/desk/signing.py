"""From draft to signed bid: freeze it (固化), then sign it with a timestamp."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bidclient import __version__
from bidclient.ask import Ask, Progress, silent
from bidclient.checks.finding import Finding
from bidclient.crypto.timestamp import Imprint, Stamp
from bidclient.desk.checking import Checking, require_fit
from bidclient.desk.connection import Clock, Connections
from bidclient.desk.device import device_statement
from bidclient.desk.keychain import Keychain
from bidclient.desk.preparing import check_editable
from bidclient.desk.purpose import purpose
from bidclient.desk.trust import Trust
from bidclient.desk.workplace import Workplace
from bidclient.errors import StaleTender, StoreProblem, WrongStage
from bidclient.formats.instant import instant_text
from bidclient.keys.info import KeyInfo
from bidclient.stages.draft import Draft
from bidclient.stages.package import pack, read_package
from bidclient.stages.signed import SignedBid, add_signature, read_signed, sign
from bidclient.stages.tender import Tender, read_tender
from bidclient.store.bids import BidFolder
from bidclient.store.journal import Fact
from bidclient.store.state import Stage, draft_of, state

CLIENT = f"bidclient/{__version__}"


@dataclass(frozen=True)
class Packed:
    """A frozen bid."""

    path: str
    manifest_sha256: str
    documents: int
    size: int
    superseded: tuple[str, ...]


@dataclass(frozen=True)
class SignedResult:
    """A signed bid and who has signed it, in order; `warnings` are about the certificate."""

    path: str
    manifest_sha256: str
    signers: tuple[str, ...]
    signed_at: str
    timestamped: bool
    warnings: tuple[Finding, ...]


class Signing:
    """Packing and signing."""

    def __init__(
        self,
        keychain: Keychain,
        connections: Connections,
        checking: Checking,
        trust: Trust,
        workplace: Workplace,
        now: Clock,
    ) -> None:
        self._keychain = keychain
        self._connections = connections
        self._checking = checking
        self._trust = trust
        self._workplace = workplace
        self._now = now

    def pack(self, path: Path, progress: Progress = silent) -> Packed:
        """Freeze the draft as bid.zip, when the checks let it pass; the same draft gives the same bytes.

        Raises Incomplete, StaleTender, BadManifest when a document was changed behind our back,
        ArtefactLocked, Busy, DiskProblem.
        """
        folder = BidFolder.open(path)
        with folder.locked():
            check_editable(folder)
            require_current(folder)
            self._checking.require_complete(path)
            kept = folder.keep_submitted()
            aside = folder.set_aside(folder.artefacts.in_order())
            tender = read_tender(folder.tender).tender
            out = folder.artefacts.package
            draft = draft_of(folder)
            made = pack(
                draft, tender, folder.parts, out, device_statement(self._workplace.facts), CLIENT, progress
            )
            facts = {"manifest_sha256": made.manifest_sha256, **self._remembered(draft, tender)}
            self._note(folder, "packed", facts)
        if kept is not None:
            aside = (kept.relative_to(folder.path).as_posix(), *aside)
        return Packed(
            str(made.path),
            made.manifest_sha256,
            len(made.manifest.documents),
            made.path.stat().st_size,
            aside,
        )

    def sign(
        self,
        path: Path,
        key_id: str | None,
        ask: Ask,
        progress: Progress = silent,
        *,
        timestamp: bool = True,
    ) -> SignedResult:
        """Sign the package with the company's signing key as bid.asice, with a timestamp of the network.

        Raises WrongStage, NoSuchKey, CertificateUnfit, CertificateRevoked, KeyProblem, Mismatch,
        NetworkProblem, BadTimestamp.
        """
        folder = BidFolder.open(path)
        key = self._keychain.find(key_id, "sign")
        with folder.locked():
            require_stage(folder, Stage.PACKAGE)
            folder.check_not_submitted()
            package = read_package(folder.artefacts.package)
            tender = read_tender(folder.tender).tender
            warnings = require_fit(key.certificate, tender, self._now, package.manifest.bidder.uscc)
            warnings += self._trust.require(key.certificate, key.chain)
            stamp = self._stamp(key) if timestamp else None
            _, *later = folder.artefacts.in_order()
            what_for = purpose("sign", tender, len(package.manifest.documents))
            with self._keychain.unlocked(key, ask, what_for) as private:
                folder.set_aside(later)
                signed = sign(package, private, stamp, self._now(), folder.artefacts.signed, progress)
            self._note_signature(folder, signed, warnings)
        return _signed_result(signed, warnings)

    def co_sign(
        self,
        path: Path,
        key_id: str | None,
        ask: Ask,
        progress: Progress = silent,
        *,
        timestamp: bool = True,
    ) -> SignedResult:
        """Add a signature (法定代表人, a consortium's member) behind the others. Raises as `sign`."""
        folder = BidFolder.open(path)
        key = self._keychain.find(key_id, "sign")
        with folder.locked():
            require_stage(folder, Stage.SIGNED)
            folder.check_not_submitted()
            warnings = self._trust.require(key.certificate, key.chain)
            stamp = self._stamp(key) if timestamp else None
            signed = read_signed(folder.artefacts.signed)
            _, _, *later = folder.artefacts.in_order()
            tender = read_tender(folder.tender).tender
            what_for = purpose("co-sign", tender, len(signed.manifest.documents))
            with self._keychain.unlocked(key, ask, what_for) as private:
                folder.set_aside(later)
                signed = add_signature(signed, private, stamp, self._now(), folder.artefacts.signed, progress)
            self._note_signature(folder, signed, warnings)
        return _signed_result(signed, warnings)

    def _stamp(self, key: KeyInfo) -> Stamp:
        """The timestamp services, asked for SM3 first where the signature is by it, too."""
        imprints: tuple[Imprint, ...] = ("sm3", "sha256")
        return self._connections.stamp(imprints if key.certificate.key_algorithm == "sm2" else imprints[1:])

    def _note_signature(self, folder: BidFolder, signed: SignedBid, warnings: tuple[Finding, ...]) -> None:
        last = signed.signatures[-1]
        facts = {"manifest_sha256": signed.manifest_sha256, "certificate_sha256": last.signer.sha256}
        facts |= warned(warnings)
        self._note(folder, "signed", facts)

    def _remembered(self, draft: Draft, tender: Tender) -> Mapping[str, Fact]:
        """Write into the ledger of this computer; where that fails, the bid's journal says so.

        A deadline must not be lost to a ledger.
        """
        try:
            self._workplace.note("packed", draft.bidder.uscc, tender, creation_code=draft.creation_code)
        except StoreProblem as error:
            return {"device_ledger": error.code}
        return {}

    def _note(self, folder: BidFolder, event: str, facts: Mapping[str, Fact]) -> None:
        folder.journal.append(event, facts, self._now())


def require_stage(folder: BidFolder, needed: Stage) -> None:
    """Raises WrongStage when the bid has not come as far as `needed`, StaleTender when that is the cause."""
    stage = state(folder).stage
    if not stage.reaches(needed):
        require_current(folder)
        raise WrongStage(stage.value, needed.value)


def require_current(folder: BidFolder) -> None:
    """Raises StaleTender when the draft answers an older version than the tender in the folder."""
    answered, tender = draft_of(folder).tender_version, read_tender(folder.tender).tender
    if answered != tender.tender_version:
        raise StaleTender(answered, tender.tender_version)


def warned(warnings: tuple[Finding, ...]) -> dict[str, str]:
    """What the journal keeps of warnings that somebody went on in spite of."""
    return {"warnings": " ".join(finding.rule for finding in warnings)} if warnings else {}


def _signed_result(signed: SignedBid, warnings: tuple[Finding, ...]) -> SignedResult:
    last = signed.signatures[-1]
    return SignedResult(
        str(signed.path),
        signed.manifest_sha256,
        tuple(signature.signer.common_name for signature in signed.signatures),
        instant_text(last.signing_time),
        last.timestamp is not None,
        warnings,
    )
