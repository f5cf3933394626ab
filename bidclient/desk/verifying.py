"""Any artefact, judged: valid, invalid, or cannot tell, each verdict with its reason."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bidclient.ask import Progress, silent
from bidclient.crypto.certificate import Certificate, verify_chain
from bidclient.crypto.cms import Signed
from bidclient.crypto.revocation import Standing
from bidclient.crypto.timestamp import response_token, token_signer, verify_token
from bidclient.desk.connection import Clock, Connections
from bidclient.desk.trust import NO_NETWORK, Trust
from bidclient.errors import (
    BadCertificate,
    BadFormat,
    BadReceipt,
    FileProblem,
    IntegrityProblem,
    StoreProblem,
    TooLarge,
    UnknownIssuer,
)
from bidclient.formats.content import read_limited
from bidclient.formats.instant import parse_instant
from bidclient.network.profile import Profile
from bidclient.stages.evidence import Verdict, lacks_trust
from bidclient.stages.package import read_package, verify_documents
from bidclient.stages.sealed import read_sealed
from bidclient.stages.signed import read_signed, verify_signed
from bidclient.stages.stub import STUB_LIMIT, check_stub, read_stub
from bidclient.stages.submitted import read_receipt
from bidclient.stages.tender import check_network, read_tender, verify_tender
from bidclient.store.bids import Artefacts, BidFolder
from bidclient.store.journal import Journal
from bidclient.store.state import state

_SIGNATURE_LIMIT = 32 * 1024 * 1024
"""Bytes of a receipt or a time-stamp that are read; a stub has a limit of its own."""


@dataclass(frozen=True)
class FileReport:
    """The verdicts on one file; `holds` when all of them are valid."""

    path: str
    kind: str
    holds: bool
    verdicts: tuple[Verdict, ...]


class Verifying:
    """Looks at files; changes nothing and asks for nothing."""

    def __init__(self, connections: Connections, trust: Trust, now: Clock) -> None:
        self._connections = connections
        self._trust = trust
        self._now = now

    def verify(self, path: Path, progress: Progress = silent) -> FileReport:
        """Judge a tender, package, signed or sealed bid, stub, receipt, journal, PDF, or a whole bid folder.

        Raises BadFormat for a file of no known kind, FileProblem.
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
            ".jsonl": ("journal", self._journal),
            ".pdf": ("document", self._pdf),
        }
        if path.suffix not in judges:
            raise BadFormat(path.name, f"none of {' '.join(judges)}")
        kind, judge = judges[path.suffix]
        return _report(path, kind, tuple(judge(path, progress)))

    def _folder(self, path: Path, progress: Progress) -> FileReport:
        folder = BidFolder.open(path)
        verdicts: list[Verdict] = []
        names = [folder.tender, *folder.artefacts.in_order(), path / "receipt.p7s", path / "journal.jsonl"]
        for file in names:
            if file.is_file() and file.suffix not in (".json", ".leaves"):
                verdicts += self.verify(file, progress).verdicts
        for stale in state(folder).stale:
            verdicts.append(Verdict(stale.name, "invalid", stale.reason))
        return _report(path, "bid", tuple(verdicts))

    def _tender(self, path: Path, _progress: Progress) -> Iterator[Verdict]:
        yield from _judged(f"{path.name}: signature and documents", lambda: read_tender(path).sha256)

        item = f"{path.name}: signer"

        def chain(profile: Profile) -> str | Verdict:
            package = read_tender(path)
            claimed = package.signing_time

            def proof(at: datetime) -> str:
                return verify_tender(package, profile.anchors, at).signer.common_name

            if profile.identity is not None:
                # Whoever is known beforehand is believed when it says that it signed.
                check_network(package.signer, profile.identity)
                return proof(claimed)
            found = self._in_time(item, claimed, None, proof)
            return found if isinstance(found, Verdict) else _unknown_network(item, package.signer)

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
            verify_signed(signed, profile.anchors, profile.stamp_anchors, None, progress)
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

        def chain(profile: Profile) -> str | Verdict:
            signed = read_stub(read_limited(path, STUB_LIMIT)).signed_by

            def proof(at: datetime) -> str:
                verify_chain(signed.signer, signed.chain, profile.anchors, at, path.name)
                return signed.signer.common_name

            return self._in_time(item, signed.signing_time, _received(path, profile), proof)

        def standings() -> Iterator[tuple[str, Standing]]:
            signed = read_stub(read_limited(path, STUB_LIMIT)).signed_by
            yield from self._standings(signed, None, b"", path.name)

        item = f"{path.name}: signer"
        yield from self._relied_on(path.name, self._trusting(item, chain), standings)

    def _receipt(self, path: Path, _progress: Progress) -> Iterator[Verdict]:
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

    def _journal(self, path: Path, _progress: Progress) -> Iterator[Verdict]:
        yield from _judged(f"{path.name}: chain", lambda: f"{len(Journal(path).entries())} entries")

    def _pdf(self, path: Path, _progress: Progress) -> Iterator[Verdict]:
        # Slow to import, for the PDF libraries.
        from bidclient.desk.pdf_verdicts import pdf_verdicts

        yield from pdf_verdicts(path, self._connections.known_profile, self._now())

    def _trusting(self, item: str, proof: Callable[[Profile], str | Verdict]) -> Verdict:
        profile = self._connections.known_profile
        if profile is None:
            return Verdict(item, "cannot-tell", NO_NETWORK)
        return next(_judged(item, lambda: proof(profile)))

    def _in_time(
        self, item: str, claimed: datetime, proven: datetime | None, proof: Callable[[datetime], str]
    ) -> str | Verdict:
        """What `proof` says about the proven time, else about now, or that it holds at the claimed time only.

        Who has the key of a certificate that has ended can claim any time for a signature of today.
        """
        try:
            return proof(proven or self._now())
        except UnknownIssuer:
            raise
        except BadCertificate as error:
            if proven is not None:
                raise
            proof(claimed)
            reason = f"valid only at the time that the signer claims, {claimed.isoformat()}: {error.reason}"
            return Verdict(item, "cannot-tell", reason)

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
        item = f"{name}: revocation"
        found = tuple(standings())
        yield _worst(item, found)


def _judged(item: str, proof: Callable[[], str | Verdict]) -> Iterator[Verdict]:
    """A verdict from a proof, which returns what it has proven, or a verdict where nothing can be."""
    try:
        proven = proof()
    except (IntegrityProblem, FileProblem, StoreProblem, TooLarge) as error:
        proven = Verdict(item, "cannot-tell" if lacks_trust(error) else "invalid", str(error))
    yield Verdict(item, "valid", proven) if isinstance(proven, str) else proven


def _worst(item: str, found: Sequence[tuple[str, Standing]]) -> Verdict:
    """One verdict over the standings of several certificates."""
    for who, standing in found:
        if standing.status == "revoked":
            since = "" if standing.since is None else f" {standing.since.isoformat()}"
            return Verdict(item, "invalid", f"revoked: {who}{since}, {standing.reason}")
    for who, standing in found:
        if standing.status == "cannot-tell":
            return Verdict(item, "cannot-tell", f"{standing.cause}: {who}, {standing.reason}")
    return Verdict(item, "valid", "; ".join(f"{who} {standing.reason}" for who, standing in found))


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
    signed = read_receipt(data).signed
    if profile.identity is not None and signed.signer.der != profile.identity.der:
        raise BadReceipt(f"signed by {signed.signer.subject}, not by {profile.identity.subject}")
    token = response_token(read_limited(path.with_suffix(".tsr"), _SIGNATURE_LIMIT), path.name)
    stamped = verify_token(token, data, profile.stamp_anchors, path.name)
    verify_chain(signed.signer, signed.chain, profile.anchors, stamped, path.name)
    return signed, stamped


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


def _report(path: Path, kind: str, verdicts: tuple[Verdict, ...]) -> FileReport:
    return FileReport(str(path), kind, all(one.verdict == "valid" for one in verdicts), verdicts)
