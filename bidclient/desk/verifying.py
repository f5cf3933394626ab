"""Any artefact, judged: valid, invalid, or cannot tell, each verdict with its reason."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bidclient.ask import Progress, silent
from bidclient.crypto.certificate import Certificate, verify_chain
from bidclient.crypto.timestamp import response_token, verify_token
from bidclient.desk.connection import Clock, Connections
from bidclient.errors import (
    BadFormat,
    BadReceipt,
    FileProblem,
    IntegrityProblem,
    StoreProblem,
    TooLarge,
)
from bidclient.formats.content import read_limited
from bidclient.formats.instant import parse_instant
from bidclient.network.profile import Profile
from bidclient.stages.evidence import Verdict
from bidclient.stages.package import read_package, verify_documents
from bidclient.stages.sealed import STUB_LIMIT, check_stub, read_sealed, read_stub
from bidclient.stages.signed import read_signed, verify_signed
from bidclient.stages.submitted import read_receipt
from bidclient.stages.tender import check_network, read_tender, verify_tender
from bidclient.store.bids import Artefacts, BidFolder
from bidclient.store.journal import Journal
from bidclient.store.state import state

_NO_TRUST = "no trading network is set, so nobody is trusted"
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

    def __init__(self, connections: Connections, now: Clock) -> None:
        self._connections = connections
        self._now = now

    def verify(self, path: Path, progress: Progress = silent) -> FileReport:
        """Judge a tender, package, signed or sealed bid, stub, receipt, journal, or a whole bid folder.

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
            package = verify_tender(read_tender(path), profile.anchors, self._now())
            if profile.identity is None:
                return _unknown_network(item, package.signer)
            return check_network(package.signer, profile.identity).common_name

        yield self._trusting(item, chain)

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
            verify_signed(signed, profile.anchors, profile.stamp_anchors, self._now(), progress)
            return ", ".join(signature.signer.common_name for signature in signed.signatures)

        yield self._trusting(f"{path.name}: signers and timestamps", chains)

    def _sealed(self, path: Path, progress: Progress) -> Iterator[Verdict]:
        stub_path = Artefacts(path.parent).stub

        def whole() -> str:
            sealed = read_sealed(path, progress)
            if stub_path.is_file():
                check_stub(read_stub(read_limited(stub_path, STUB_LIMIT)), sealed)
            return f"{len(sealed.leaves)} chunks, SHA-256 {sealed.sha256}"

        beside = "against its stub" if stub_path.is_file() else "frame only, there is no stub beside it"
        yield from _judged(f"{path.name}: {beside}", whole)

    def _stub(self, path: Path, _progress: Progress) -> Iterator[Verdict]:
        def signature() -> str:
            return f"sealed bid {read_stub(read_limited(path, STUB_LIMIT)).stub.sealed_sha256}"

        yield from _judged(f"{path.name}: signature and frame", signature)

        def chain(profile: Profile) -> str:
            signed = read_stub(read_limited(path, STUB_LIMIT)).signed_by
            verify_chain(signed.signer, signed.chain, profile.anchors, signed.signing_time, path.name)
            return signed.signer.common_name

        yield self._trusting(f"{path.name}: signer", chain)

    def _receipt(self, path: Path, _progress: Progress) -> Iterator[Verdict]:
        def signature() -> str:
            receipt = read_receipt(read_limited(path, _SIGNATURE_LIMIT)).receipt
            return f"{receipt.kind} {receipt.receipt_no}, received {receipt.received_at}"

        yield from _judged(f"{path.name}: signature", signature)

        item, stamp = f"{path.name}: signer and timestamp", path.with_suffix(".tsr")

        def chain(profile: Profile) -> str | Verdict:
            if not stamp.is_file():
                return Verdict(item, "cannot-tell", f"{stamp.name} is missing")
            data = read_limited(path, _SIGNATURE_LIMIT)
            signed = read_receipt(data).signed
            token = response_token(read_limited(stamp, _SIGNATURE_LIMIT), path.name)
            digest = hashlib.sha256(data).digest()
            stamped = verify_token(token, digest, profile.stamp_anchors, path.name)
            verify_chain(signed.signer, signed.chain, profile.anchors, stamped, path.name)
            if profile.identity is None:
                return _unknown_network(item, signed.signer)
            if signed.signer.der != profile.identity.der:
                raise BadReceipt(f"signed by {signed.signer.subject}, not by {profile.identity.subject}")
            return f"{signed.signer.common_name}, stamped {stamped.isoformat()}"

        yield self._trusting(item, chain)
        stub_path = Artefacts(path.parent).stub
        if stub_path.is_file():
            yield from _judged(f"{path.name}: our own digests", lambda: _same_bid(path, stub_path))

    def _journal(self, path: Path, _progress: Progress) -> Iterator[Verdict]:
        yield from _judged(f"{path.name}: chain", lambda: f"{len(Journal(path).entries())} entries")

    def _trusting(self, item: str, proof: Callable[[Profile], str | Verdict]) -> Verdict:
        profile = self._connections.known_profile
        if profile is None:
            return Verdict(item, "cannot-tell", _NO_TRUST)
        return next(_judged(item, lambda: proof(profile)))


def _judged(item: str, proof: Callable[[], str | Verdict]) -> Iterator[Verdict]:
    """A verdict from a proof, which returns what it has proven, or a verdict where nothing can be."""
    try:
        proven = proof()
    except (IntegrityProblem, FileProblem, StoreProblem, TooLarge) as error:
        proven = Verdict(item, "invalid", str(error))
    yield Verdict(item, "valid", proven) if isinstance(proven, str) else proven


def _unknown_network(item: str, signer: Certificate) -> Verdict:
    """Other certificates lead to the same roots: without a pinned identity the signer is only named."""
    reason = f"the chain holds, but is {signer.subject} the network? No identity is pinned in the settings"
    return Verdict(item, "cannot-tell", reason)


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
