"""Any artefact, judged: valid, invalid, or cannot tell, each verdict with its reason."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from bidclient.ask import Progress, silent
from bidclient.crypto.certificate import Certificate, verify_chain, verify_claimed
from bidclient.crypto.cms import Signed, verify_attached
from bidclient.crypto.revocation import Standing
from bidclient.crypto.timestamp import response_token, token_signer, verify_token
from bidclient.desk.connection import Clock, Connections
from bidclient.desk.trust import NO_NETWORK, Trust, standing_verdict
from bidclient.errors import (
    BadFormat,
    BadReceipt,
    BidError,
    DiskProblem,
    FileProblem,
    IntegrityProblem,
    JournalBroken,
    NotABidFolder,
    Sm2Missing,
    TooLarge,
)
from bidclient.formats.content import read_limited
from bidclient.formats.instant import parse_instant
from bidclient.network.profile import Profile
from bidclient.stages.evidence import Verdict, lacks_trust
from bidclient.stages.package import read_package, verify_documents
from bidclient.stages.sealed import read_sealed
from bidclient.stages.signed import read_signed, verify_signers
from bidclient.stages.stub import STUB_LIMIT, check_stub, read_stub
from bidclient.stages.submitted import read_receipt, stamped_receipt
from bidclient.stages.tender import check_network, read_tender, verify_recipients, verify_tender
from bidclient.store.bids import Artefacts, BidFolder
from bidclient.store.journal import Journal
from bidclient.store.state import state

_SIGNATURE_LIMIT = 32 * 1024 * 1024
"""Bytes of a receipt or a time-stamp that are read; a stub has a limit of its own."""
_RECEIPT = "bidnet/receipt"


@dataclass(frozen=True)
class FileReport:
    """The verdicts on one file; `holds` when all of them are valid."""

    path: str
    kind: str
    holds: bool
    verdicts: tuple[Verdict, ...]


class _Named(msgspec.Struct):
    """What every statement begins with."""

    format: str


class Verifying:
    """Looks at files; changes nothing and asks for nothing."""

    def __init__(self, connections: Connections, trust: Trust, now: Clock) -> None:
        self._connections = connections
        self._trust = trust
        self._now = now

    def verify(self, path: Path, progress: Progress = silent) -> FileReport:
        """Judge a tender, package, signed or sealed bid, stub, receipt, journal, PDF, seal, or a bid folder.

        A file of another kind has the verdict "cannot-tell". Raises FileProblem where there is nothing.
        """
        if path.is_dir():
            return self._folder(path, progress)
        if not path.is_file():
            raise FileProblem(str(path), "not a file")
        judges: dict[str, tuple[str, Callable[[Path, Progress], Iterator[Verdict]]]] = {
            ".tender": ("tender", self._tender),
            ".zip": ("package", self._package),
            ".asice": ("signed", self._signed),
            ".sealed": ("sealed", self._sealed),
            ".stub": ("stub", self._stub),
            ".p7s": ("receipt", self._receipt),
            ".tsr": ("timestamp", self._timestamp),
            ".jsonl": ("journal", self._journal),
            ".pdf": ("document", self._pdf),
            ".esl": ("seal", self._seal),
        }
        if path.name.startswith("receipt"):
            judges[".json"] = ("receipt", self._receipt_text)
            judges[".pdf"] = ("receipt", self._receipt_print)
        suffix = path.suffix.lower()
        if suffix not in judges:
            known = " ".join(judges)
            return _undecided(path, f"a kind of file that is not judged here; known are {known}")
        kind, judge = judges[suffix]
        return _report(path, kind, tuple(judge(path, progress)))

    def _folder(self, path: Path, progress: Progress) -> FileReport:
        try:
            folder = BidFolder.open(path)
        except NotABidFolder as error:
            return _undecided(path, str(error), error)
        verdicts: list[Verdict] = []
        names = [folder.tender, *folder.artefacts.in_order(), path / "receipt.p7s", path / "journal.jsonl"]
        for file in names:
            if file.is_file() and file.suffix not in (".json", ".leaves"):
                verdicts += self.verify(file, progress).verdicts
        try:
            stale = state(folder).stale
        except IntegrityProblem as error:
            verdicts.append(Verdict(path.name, "invalid", str(error), error))
        else:
            verdicts += [Verdict(one.name, "invalid", one.reason, one.error) for one in stale]
        return _report(path, "bid", tuple(verdicts))

    def _tender(self, path: Path, _progress: Progress) -> Iterator[Verdict]:
        yield from _judged(f"{path.name}: signature and documents", lambda: read_tender(path).sha256)

        item = f"{path.name}: signer"

        def chain(profile: Profile) -> str | Verdict:
            package = read_tender(path)
            signer, claimed = package.signer, package.signing_time
            if profile.identity is not None:
                # Whoever is known beforehand is believed when it says that it signed.
                check_network(signer, profile.identity)
                return verify_tender(package, profile.anchors, claimed).signer.common_name
            verify_claimed(signer, package.chain, profile.anchors, claimed, self._now(), path.name)
            verify_recipients(package.tender, package.chain, profile.anchors)
            return _unknown_network(item, signer)

        def standings() -> Iterator[tuple[str, Standing]]:
            package = read_tender(path)
            at = package.signing_time
            standing = self._trust.standing(package.signer, package.chain, at, proven=False)
            yield package.signer.common_name, standing

        yield from self._relied_on(path.name, self._trusting(item, chain), standings)

    def _package(self, path: Path, progress: Progress) -> Iterator[Verdict]:
        def documents() -> str:
            package = read_package(path)
            verify_documents(path, package.manifest, package.entries, progress)
            return f"{len(package.manifest.documents)} documents, manifest {package.manifest_sha256}"

        yield from _judged(f"{path.name}: documents", documents)

    def _signed(self, path: Path, progress: Progress) -> Iterator[Verdict]:
        def signatures() -> str:
            signed = read_signed(path)
            verify_documents(path, signed.manifest, signed.entries, progress)
            return f"{len(signed.signatures)} signatures, manifest {signed.manifest_sha256}"

        yield from _judged(f"{path.name}: documents and signatures", signatures)

        def chains(profile: Profile) -> str:
            signed = read_signed(path)
            verify_signers(signed, profile.anchors, profile.stamp_anchors, self._now())
            return ", ".join(signature.signer.common_name for signature in signed.signatures)

        def standings() -> Iterator[tuple[str, Standing]]:
            for signature in read_signed(path).signatures:
                yield from self._standings(signature, signature.timestamp, signature.signature, path.name)

        item = f"{path.name}: signers and timestamps"
        yield from self._relied_on(path.name, self._trusting(item, chains), standings)

    def _sealed(self, path: Path, progress: Progress) -> Iterator[Verdict]:
        stub_path = Artefacts(path.parent).stub

        item = f"{path.name}: against its stub"

        def whole() -> str | Verdict:
            sealed = read_sealed(path, progress)
            proven = f"{len(sealed.leaves)} chunks, SHA-256 {sealed.sha256}"
            if not stub_path.is_file():
                # The chunks are encrypted: without the stub's digests a change in them cannot be seen.
                return Verdict(item, "cannot-tell", f"there is no stub beside it: {proven}")
            check_stub(read_stub(read_limited(stub_path, STUB_LIMIT)), sealed)
            return proven

        yield from _judged(item, whole)

    def _stub(self, path: Path, _progress: Progress) -> Iterator[Verdict]:
        def signature() -> str:
            return f"sealed bid {read_stub(read_limited(path, STUB_LIMIT)).stub.sealed_sha256}"

        yield from _judged(f"{path.name}: signature and frame", signature)

        def chain(profile: Profile) -> str:
            signed = read_stub(read_limited(path, STUB_LIMIT)).signed_by
            signer, received = signed.signer, _received(path, profile)
            if received is not None:
                verify_chain(signer, signed.chain, profile.anchors, received, path.name)
            else:
                claimed = signed.signing_time
                verify_claimed(signer, signed.chain, profile.anchors, claimed, self._now(), path.name)
            return signer.common_name

        def standings() -> Iterator[tuple[str, Standing]]:
            signed = read_stub(read_limited(path, STUB_LIMIT)).signed_by
            yield from self._standings(signed, None, b"", path.name)

        item = f"{path.name}: signer"
        yield from self._relied_on(path.name, self._trusting(item, chain), standings)

    def _receipt(self, path: Path, _progress: Progress) -> Iterator[Verdict]:
        if _is_other_statement(path):
            # The statements of a bid and of its opening mean something only beside one another.
            yield Verdict(path.name, "cannot-tell", "a statement that is judged in its evidence folder only")
            return

        def signature() -> str:
            receipt = read_receipt(read_limited(path, _SIGNATURE_LIMIT)).receipt
            return f"{receipt.kind} {receipt.receipt_no}, received {receipt.received_at}"

        yield from _judged(f"{path.name}: signature", signature)

        item, stamp = f"{path.name}: signer and timestamp", path.with_suffix(".tsr")

        def chain(profile: Profile) -> str | Verdict:
            if not stamp.is_file():
                return Verdict(item, "cannot-tell", f"{stamp.name} is missing")
            signed, stamped = _stamped_receipt(path, profile)
            if profile.identity is None:
                return _unknown_network(item, signed.signer)
            return f"{signed.signer.common_name}, stamped {stamped.isoformat()}"

        def standings() -> Iterator[tuple[str, Standing]]:
            data = read_limited(path, _SIGNATURE_LIMIT)
            token = response_token(read_limited(stamp, _SIGNATURE_LIMIT), path.name)
            yield from self._standings(read_receipt(data).signed, token, data, path.name)

        yield from self._relied_on(path.name, self._trusting(item, chain), standings)
        stub_path = Artefacts(path.parent).stub
        if stub_path.is_file():
            yield from _judged(f"{path.name}: our own digests", lambda: _same_bid(path, stub_path))

    def _receipt_text(self, path: Path, progress: Progress) -> Iterator[Verdict]:
        signed = path.with_suffix(".p7s")
        if not signed.is_file():
            yield Verdict(path.name, "cannot-tell", f"{signed.name} is missing")
            return

        def same() -> str:
            if read_receipt(read_limited(signed, _SIGNATURE_LIMIT)).signed.content != path.read_bytes():
                raise BadReceipt(f"{path.name} differs from the signed receipt")
            return f"the content of {signed.name}"

        yield from _judged(f"{path.name}: signature", same)
        yield from self._receipt(signed, progress)

    def _receipt_print(self, path: Path, progress: Progress) -> Iterator[Verdict]:
        """The page that comes with a receipt proves nothing; another PDF of such a name may be signed."""
        from bidclient.desk.pdf_verdicts import NO_SIGNATURE

        signed = path.with_suffix(".p7s").name
        for verdict in self._pdf(path, progress):
            if verdict.reason == NO_SIGNATURE:
                reason = f"the page is a print of the receipt; verify {signed}"
                yield Verdict(path.name, "cannot-tell", reason)
            else:
                yield verdict

    def _timestamp(self, path: Path, _progress: Progress) -> Iterator[Verdict]:
        item, stamped = f"{path.name}: timestamp", path.with_suffix(".p7s")

        def token() -> bytes:
            return response_token(read_limited(path, _SIGNATURE_LIMIT), path.name)

        def proof(profile: Profile) -> str | Verdict:
            if not stamped.is_file():
                return Verdict(item, "cannot-tell", f"{stamped.name} is missing")
            data = read_limited(stamped, _SIGNATURE_LIMIT)
            return verify_token(token(), data, profile.stamp_anchors, path.name).isoformat()

        def standings() -> Iterator[tuple[str, Standing]]:
            service, others = token_signer(token(), path.name)
            at = datetime.fromisoformat(verdict.reason)
            yield service.common_name, self._trust.stamp_standing(service, others, at)

        verdict = self._trusting(item, proof)
        yield from self._relied_on(path.name, verdict, standings)

    def _seal(self, path: Path, _progress: Progress) -> Iterator[Verdict]:
        from bidclient.desk.pdf_verdicts import seal_file_verdicts

        yield from seal_file_verdicts(path, self._connections.known_profile, self._trust, self._now())

    def _journal(self, path: Path, _progress: Progress) -> Iterator[Verdict]:
        yield from _judged(f"{path.name}: chain", lambda: f"{len(Journal(path).entries())} entries")

    def _pdf(self, path: Path, _progress: Progress) -> Iterator[Verdict]:
        # Slow to import, for the PDF libraries.
        from bidclient.desk.pdf_verdicts import pdf_verdicts

        yield from pdf_verdicts(path, self._connections.known_profile, self._trust, self._now())

    def _trusting(self, item: str, proof: Callable[[Profile], str | Verdict]) -> Verdict:
        profile = self._connections.known_profile
        if profile is None:
            return Verdict(item, "cannot-tell", NO_NETWORK)
        return next(_judged(item, lambda: proof(profile)))

    def _standings(
        self, signed: Signed, token: bytes | None, stamped: bytes, what: str
    ) -> Iterator[tuple[str, Standing]]:
        """The standing of a signer whose chain holds, and of the service that has stamped `stamped`."""
        profile, at = self._connections.profile, signed.signing_time
        if token is not None:
            at = verify_token(token, stamped, profile.stamp_anchors, what)
            service, others = token_signer(token, what)
            yield service.common_name, self._trust.stamp_standing(service, others, at)
        standing = self._trust.standing(signed.signer, signed.chain, at, proven=token is not None)
        yield signed.signer.common_name, standing

    def _relied_on(
        self, name: str, verdict: Verdict, standings: Callable[[], Iterator[tuple[str, Standing]]]
    ) -> Iterator[Verdict]:
        """A verdict on chains, and where they hold one on what the issuers say about revocation.

        A certificate that was revoked after the time that a timestamp proves has been good for it.
        """
        yield verdict
        if verdict.verdict != "valid":
            return
        yield standing_verdict(f"{name}: revocation", tuple(standings()))


def _judged(item: str, proof: Callable[[], str | Verdict]) -> Iterator[Verdict]:
    """A verdict from a proof, which returns what it has proven, or a verdict where nothing can be."""
    try:
        proven = proof()
    except (FileProblem, DiskProblem, Sm2Missing) as error:
        # It is this computer that does not get to see, or does not understand, what is in the file.
        proven = Verdict(item, "cannot-tell", str(error), error)
    except (IntegrityProblem, JournalBroken, TooLarge) as error:
        proven = Verdict(item, "cannot-tell" if lacks_trust(error) else "invalid", str(error), error)
    yield Verdict(item, "valid", proven) if isinstance(proven, str) else proven


def _unknown_network(item: str, signer: Certificate) -> Verdict:
    """Other certificates lead to the same roots: without a pinned identity the signer is only named."""
    reason = f"the chain holds, but is {signer.subject} the network? No identity is pinned in the settings"
    return Verdict(item, "cannot-tell", reason)


def _stamped_receipt(path: Path, profile: Profile) -> tuple[Signed, datetime]:
    """A receipt by the network with an anchor for it, and the time of its timestamp beside it.

    The signer must be the network's identity where one is pinned. Raises IntegrityProblem, FileProblem,
    TooLarge.
    """
    data = read_limited(path, _SIGNATURE_LIMIT)
    stamp = read_limited(path.with_suffix(".tsr"), _SIGNATURE_LIMIT)
    known = profile.identity or read_receipt(data).signed.signer
    receipt, stamped = stamped_receipt(data, stamp, profile.anchors, profile.stamp_anchors, known)
    return receipt.signed, stamped


def _received(stub: Path, profile: Profile) -> datetime | None:
    """When a stub existed for certain: by the pinned network's receipt for it that lies beside it."""
    receipt = stub.with_name("receipt.p7s")
    if profile.identity is None or not receipt.is_file():
        return None
    try:
        _same_bid(receipt, stub)
        return _stamped_receipt(receipt, profile)[1]
    except (IntegrityProblem, FileProblem, TooLarge):
        # What is wrong with the receipt is said where the receipt is judged; it proves nothing here.
        return None


def _same_bid(receipt_path: Path, stub_path: Path) -> str:
    receipt = read_receipt(read_limited(receipt_path, _SIGNATURE_LIMIT)).receipt
    stub = read_limited(stub_path, STUB_LIMIT)
    if hashlib.sha256(stub).hexdigest() != receipt.stub_sha256:
        raise BadFormat(receipt_path.name, "it is about another stub")
    if parse_instant(receipt.received_at) >= parse_instant(receipt.deadline):
        raise BadFormat(receipt_path.name, "received after the deadline")
    return f"stub {receipt.stub_sha256}, sealed bid {receipt.sealed_sha256}"


def _is_other_statement(path: Path) -> bool:
    """Whether a file is signed and whole, and a statement of another kind than a receipt."""
    try:
        content = verify_attached(read_limited(path, _SIGNATURE_LIMIT), path.name, STUB_LIMIT).content
        return content is not None and msgspec.json.decode(content, type=_Named).format != _RECEIPT
    except (IntegrityProblem, FileProblem, TooLarge, Sm2Missing, msgspec.MsgspecError):
        # What is wrong with it is said where it is judged as a receipt.
        return False


def _undecided(path: Path, reason: str, error: BidError | None = None) -> FileReport:
    return _report(path, "unknown", (Verdict(path.name, "cannot-tell", reason, error),))


def _report(path: Path, kind: str, verdicts: tuple[Verdict, ...]) -> FileReport:
    return FileReport(str(path), kind, all(one.verdict == "valid" for one in verdicts), verdicts)
