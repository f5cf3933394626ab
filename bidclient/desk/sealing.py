"""From signed to sealed bid: seal it, prove at once that our own key opens it, read it again."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bidclient.ask import Ask, Progress, silent
from bidclient.checks.finding import Finding
from bidclient.crypto.certificate import Certificate
from bidclient.crypto.recovery import new_code
from bidclient.desk.checking import require_fit
from bidclient.desk.connection import Clock
from bidclient.desk.keychain import Keychain
from bidclient.desk.purpose import purpose
from bidclient.desk.signing import require_stage, warned
from bidclient.desk.trust import Trust
from bidclient.errors import BidExists, CertificateUnfit, WrongKey
from bidclient.formats import atomic, canonical
from bidclient.formats.bseal import Frame, read_frame
from bidclient.formats.instant import instant_text
from bidclient.formats.wraps import Recipient, unwrap_secret, unwrap_with_code, wipe
from bidclient.keys.info import KeyInfo
from bidclient.stages.sealed import Sealed, rehearse, unseal
from bidclient.stages.sealing import seal
from bidclient.stages.signed import SignedBid, read_signed
from bidclient.stages.stub import make_stub
from bidclient.stages.tender import Tender, TenderPackage, read_tender
from bidclient.store.bids import BidFolder
from bidclient.store.journal import Fact
from bidclient.store.state import RehearsalRecord, Stage


@dataclass(frozen=True)
class Rehearsed:
    """The sealed bid was opened, byte for byte the signed one, and this key does its part.

    `complete`: every byte was compared. `alone` is False under policy "all", where our key proves its share,
    the tenderer holds the other, and the whole was opened when it was sealed.
    """

    sealed_sha256: str
    key: str
    certificate_sha256: str
    chunks: int
    complete: bool
    alone: bool


@dataclass(frozen=True)
class SealedResult:
    """A sealed bid. `recipients` names who can open it, by role and certificate; `warnings` are about the
    certificates that it depends on."""

    path: str
    stub: str
    size: int
    sha256: str
    file_root: str
    recipients: tuple[str, ...]
    rehearsal: Rehearsed | None
    warnings: tuple[Finding, ...]


class Sealing:
    """Sealing, rehearsing, reading."""

    def __init__(self, keychain: Keychain, trust: Trust, now: Clock) -> None:
        self._keychain = keychain
        self._trust = trust
        self._now = now

    def seal(
        self,
        path: Path,
        key_id: str | None,
        ask: Ask,
        progress: Progress = silent,
        *,
        second_lock: str | None = None,
        recovery_file: Path | None = None,
        rehearse_now: bool = True,
    ) -> SealedResult:
        """Seal the signed bid to the encryption certificate that belongs to the signing key, then rehearse.

        `second_lock` is another encryption key of the company; a recovery code is made and written to
        `recovery_file` (mode 0600) when given, and nowhere else. Raises WrongStage, Refused when the tender
        forbids the means, CertificateUnfit, CertificateRevoked, NoSuchKey, KeyProblem, BadManifest,
        Cancelled, BidExists, DiskProblem.
        """
        folder = BidFolder.open(path)
        signing = self._keychain.find(key_id, "sign")
        with folder.locked():
            require_stage(folder, Stage.SIGNED)
            folder.check_not_submitted()
            package = read_tender(folder.tender)
            tender = package.tender
            signed = read_signed(folder.artefacts.signed)
            _check_means(tender, second_lock, recovery_file)
            uscc = signed.manifest.bidder.uscc
            own, recipients, warnings = self._recipients(signing, second_lock, tender, uscc)
            warnings += self._joint(package)
            code = None if recovery_file is None else _written_code(recovery_file)
            _, _, *later = folder.artefacts.in_order()
            folder.set_aside(later)
            out = folder.artefacts.sealed
            with _discarded_on_failure(recovery_file):
                sealed = seal(
                    signed,
                    tender,
                    recipients,
                    out,
                    recovery_code=code,
                    progress=progress,
                    cancelled=ask.cancelled,
                )
                atomic.write(folder.artefacts.leaves, b"".join(sealed.leaves))
                with self._keychain.unlocked(signing, ask, purpose("seal", tender)) as private:
                    atomic.write(folder.artefacts.stub, make_stub(sealed, signed, private, self._now()))
            facts: dict[str, Fact] = {
                "sealed_sha256": sealed.sha256,
                "sealed_size": sealed.size,
                "opened": sealed.opened,
                **warned(warnings),
            }
            self._note(folder, "sealed", facts)
            done = self._rehearse(folder, own, ask, progress) if rehearse_now else None
        return _result(folder, sealed, done, warnings)

    def rehearse(self, path: Path, key_id: str | None, ask: Ask, progress: Progress = silent) -> Rehearsed:
        """Open the sealed bid as at the opening, to nowhere, and note that it went well.

        Raises WrongStage, NoSuchKey, KeyProblem, WrongKey, WrongSecret, DamagedChunk, Mismatch.
        """
        folder = BidFolder.open(path)
        with folder.locked():
            require_stage(folder, Stage.SEALED)
            frame = read_frame(folder.artefacts.sealed)
            key = self._keychain.opener(certificates_of(frame), key_id)
            return self._rehearse(folder, key, ask, progress)

    def unseal(
        self, sealed: Path, out: Path, key_id: str | None, ask: Ask, progress: Progress = silent
    ) -> Path:
        """The bidder's own reading: write the signed bid inside `sealed` to `out`, which must not exist.

        Raises BidExists, WrongKey, WrongSecret, DamagedChunk, KeyProblem; WrongKey also under policy "all".
        """
        frame = read_frame(sealed)
        key = self._keychain.opener(certificates_of(frame), key_id)
        with (
            self._keychain.unlocked(key, ask, purpose("unseal")) as private,
            wiped(unwrap_secret(frame, private)) as secret,
        ):
            return _unsealed(sealed, frame, secret, out, ask, progress)

    def unseal_with_code(
        self, sealed: Path, out: Path, code: str, ask: Ask, progress: Progress = silent
    ) -> Path:
        """As `unseal`, with the recovery code. Raises BadFormat for a mistyped code, and as `unseal`."""
        frame = read_frame(sealed)
        with wiped(unwrap_with_code(frame, code)) as secret:
            return _unsealed(sealed, frame, secret, out, ask, progress)

    # ------------------------------------------------------------------------------------------ within

    def _recipients(
        self, signing: KeyInfo, second_lock: str | None, tender: Tender, uscc: str
    ) -> tuple[KeyInfo, list[Recipient], tuple[Finding, ...]]:
        second = None if second_lock is None else self._keychain.find(second_lock, "decrypt")
        own = self._keychain.encryption_key(signing, besides=second)
        recipients = [Recipient("bidder", own.certificate)]
        if second is not None:
            recipients.append(Recipient("second-lock", second.certificate))
        warnings: tuple[Finding, ...] = ()
        for key in (own, *(() if second is None else (second,))):
            warnings += require_fit(key.certificate, tender, self._now, uscc)
        for key in {one.certificate.sha256: one for one in (signing, own, second or own)}.values():
            warnings += self._trust.require(key.certificate, key.chain or signing.chain)
        return own, recipients, warnings

    def _joint(self, package: TenderPackage) -> tuple[Finding, ...]:
        """What must be said about the tenderer's certificate, where it takes part in opening the bid."""
        if package.tender.joint_certificate is None:
            return ()
        joint = Certificate.from_pem(package.tender.joint_certificate.encode())
        return self._trust.require(joint, package.chain)

    def _rehearse(self, folder: BidFolder, key: KeyInfo, ask: Ask, progress: Progress) -> Rehearsed:
        signed: SignedBid = read_signed(folder.artefacts.signed)
        tender = read_tender(folder.tender).tender
        with self._keychain.unlocked(key, ask, purpose("rehearse", tender)) as private:
            done = rehearse(folder.artefacts.sealed, private, signed, progress)
        complete = done.decrypted or _opened_when_sealed(folder, done.sha256_sealed)
        record = RehearsalRecord(
            done.sha256_sealed, key.certificate.sha256, complete, instant_text(self._now())
        )
        atomic.write(folder.artefacts.rehearsal, canonical.dumps(record))
        facts = {"sealed_sha256": done.sha256_sealed, "certificate_sha256": key.certificate.sha256}
        self._note(folder, "rehearsed", facts)
        return Rehearsed(
            done.sha256_sealed, key.id, key.certificate.sha256, done.chunks, complete, done.decrypted
        )

    def _note(self, folder: BidFolder, event: str, facts: Mapping[str, Fact]) -> None:
        folder.journal.append(event, facts, self._now())


def _opened_when_sealed(folder: BidFolder, sealed_sha256: str) -> bool:
    """Whether the sealing itself has opened this very file, which under policy "all" nobody else can."""
    last = folder.journal.latest("sealed")
    told = {} if last is None else last.data
    return (told.get("sealed_sha256"), told.get("opened")) == (sealed_sha256, True)


def certificates_of(frame: Frame) -> tuple[str, ...]:
    """Hex SHA-256 of the bidder's certificates that a bid was sealed to, the first lock first."""
    return tuple(
        wrap.certificate_sha256 for wrap in frame.header.wraps if wrap.role in ("bidder", "second-lock")
    )


@contextmanager
def wiped(secret: bytearray) -> Iterator[bytearray]:
    """The secret for the length of a block, overwritten afterwards."""
    try:
        yield secret
    finally:
        wipe(secret)


def _check_means(tender: Tender, second_lock: str | None, recovery_file: Path | None) -> None:
    if second_lock is not None and not tender.remedy.second_lock:
        raise CertificateUnfit(second_lock, "the tender does not allow a second lock")
    if recovery_file is not None and not tender.remedy.recovery_code:
        raise CertificateUnfit("recovery code", "the tender does not allow one")
    if recovery_file is not None and recovery_file.exists():
        raise BidExists(str(recovery_file))


def _written_code(path: Path) -> str:
    """A fresh code that is safe on the disk before anything is sealed with it."""
    code = new_code()
    atomic.write(path, (code + "\n").encode("ascii"))
    return code


@contextmanager
def _discarded_on_failure(path: Path | None) -> Iterator[None]:
    """A code that opens nothing, or no bid that can be submitted, must not lie about."""
    done = False
    try:
        yield
        done = True
    finally:
        if not done and path is not None:
            path.unlink(missing_ok=True)


def _unsealed(sealed: Path, frame: Frame, secret: bytearray, out: Path, ask: Ask, progress: Progress) -> Path:
    if frame.header.policy == "all":
        raise WrongKey("our share and the tenderer's", "our share")
    if out.exists():
        raise BidExists(str(out))
    unseal(sealed, secret, out, progress, ask.cancelled)
    return out


def _result(
    folder: BidFolder, sealed: Sealed, done: Rehearsed | None, warnings: tuple[Finding, ...]
) -> SealedResult:
    return SealedResult(
        path=str(sealed.path),
        stub=str(folder.artefacts.stub),
        size=sealed.size,
        sha256=sealed.sha256,
        file_root=sealed.file_root,
        recipients=tuple(
            f"{wrap.role} {wrap.certificate_sha256[:16]}".strip() for wrap in sealed.header.wraps
        ),
        rehearsal=done,
        warnings=warnings,
    )
