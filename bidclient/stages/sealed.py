"""The sealed bid (`bid.sealed`, BSEAL/1) that nobody can read before the opening, and its stub (存证文件)."""

import base64
import binascii
import hashlib
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Literal

from bidclient.ask import Progress, silent
from bidclient.crypto import cms, stream
from bidclient.crypto import suite as suites
from bidclient.crypto.certificate import Certificate
from bidclient.crypto.positioned import Appender
from bidclient.crypto.private_key import PrivateKey
from bidclient.crypto.recovery import new_code as new_recovery_code
from bidclient.errors import (
    BadFormat,
    BadManifest,
    BadSeal,
    FileProblem,
    Mismatch,
    StaleTender,
    TooLarge,
)
from bidclient.formats import atomic, bseal, canonical, stored_zip
from bidclient.formats.bseal import Frame, Header, Tally, Wrap, frame_of_prefix, read_frame
from bidclient.formats.entry_watch import EntryWatch, Expected
from bidclient.formats.wraps import (
    SECRET_LENGTH,
    Recipient,
    check_secret,
    combine,
    unwrap_secret,
    unwrap_with_code,
    wipe,
    wrap_secret,
)
from bidclient.stages.package import MANIFEST_NAME, DeviceStatement, plaintext_commitment
from bidclient.stages.signed import SignedBid
from bidclient.stages.tender import Hex32, Record, Tender, Uscc, tender_digest

STUB_FORMAT = "bidclient/stub"
STUB_VERSION = 1
STUB_LIMIT = 1024 * 1024


class Stub(Record, frozen=True):
    """The content of bid.stub, a CMS SignedData by the bidder.

    It freezes the bid, and lets the key be released without the big file.
    """

    format: Literal["bidclient/stub"]
    version: Literal[1]
    network: str
    lot: str
    lot_code: str
    tender_sha256: Hex32
    tender_version: int
    bidder: Uscc
    bidder_name: str
    suite: str
    sealed_size: int
    sealed_sha256: Hex32
    sealed_sm3: str
    """SM3 of the sealed file in suite gm-1, else empty."""
    file_root: Hex32
    prefix: str
    """Base64 of bid.sealed from the first byte to the end of COM: header, wraps and commitment."""
    plaintext_commitment: Hex32
    creation_code: str
    device: DeviceStatement
    client: str


@dataclass(frozen=True)
class Sealed:
    """A sealed bid on the disk with its digests in hex; `leaves` are the SHA-256 of its chunks."""

    path: Path
    header: Header
    prefix: bytes
    size: int
    sha256: str
    file_root: str
    leaves: tuple[bytes, ...]
    opened: bool = field(default=False, compare=False)
    """Under policy "all": the sealing has opened the whole file again and compared it with the signed bid."""


@dataclass(frozen=True)
class SignedStub:
    """A stub whose signature verifies and whose fields agree with its frame; its chain is not checked."""

    stub: Stub
    frame: Frame
    signed_by: cms.Signed


@dataclass(frozen=True)
class Rehearsal:
    """What a rehearsal found; `decrypted` is False under policy "all", where our share opens nothing."""

    sha256_sealed: str
    file_root: str
    size: int
    chunks: int
    decrypted: bool


def _never() -> bool:
    return False


# ----------------------------------------------------------------------------------------------- seal


def seal(
    signed: SignedBid,
    tender: Tender,
    recipients: Sequence[Recipient],
    out: Path,
    *,
    suite: str = "intl-1",
    recovery_code: str | None = None,
    chunk: int = stream.CHUNK,
    progress: Progress = silent,
    cancelled: Callable[[], bool] = _never,
) -> Sealed:
    """Seal a signed bid to its recipients as `out`, with a fresh secret each time.

    Every document is hashed again while it is encrypted. `progress` counts bytes of the signed bid. Under
    policy "all" the tenderer's share is wrapped to the certificate in the tender, and, as no key of ours will
    open the file whole, it is opened and compared here, while the secret is still in memory. Raises
    BadManifest when a document is no longer what was signed, StaleTender or Mismatch when the bid answers
    another tender, CertificateUnfit, TooLarge, Cancelled, DiskProblem; `out` then keeps its old state.
    """
    suites.suite(suite)
    _check_tender(signed, tender, suite)
    secret = bytearray(secrets.token_bytes(SECRET_LENGTH))
    try:
        with _file(signed.path) as source, atomic.replacing(out) as sink:
            length = os.fstat(source.fileno()).st_size
            bare = _bare_header(signed, tender, suite, length, chunk)
            header, wraps = wrap_secret(bare, recipients, _joint(tender), recovery_code, secret)
            frame, keys = bseal.new_frame(header, wraps, secret)
            if frame.size > tender.size_limit:
                raise TooLarge(out.name, frame.size, tender.size_limit)
            watch = EntryWatch(_expected(signed, source))
            whole = hashlib.sha256(bseal.head_bytes(frame))
            sink.write(bseal.head_bytes(frame))
            sink.flush()
            leaves = stream.seal_stream(
                source.fileno(),
                sink.fileno(),
                frame.payload_offset,
                keys,
                header.shape,
                plain=watch,
                sealed=whole.update,
                progress=progress,
                cancelled=cancelled,
            )
            watch.finish()
            opened = header.policy == "all"
            if opened:
                _prove(sink, frame, secret, signed, progress, cancelled)
    except EOFError as error:
        raise BadManifest(signed.path.name, "became shorter while it was sealed") from error
    finally:
        wipe(secret)
    root = bseal.file_root(frame, leaves)
    return Sealed(out, header, frame.prefix, frame.size, whole.hexdigest(), root, leaves, opened)


def _prove(
    sink: BinaryIO,
    frame: Frame,
    secret: bytearray,
    signed: SignedBid,
    progress: Progress,
    cancelled: Callable[[], bool],
) -> None:
    """Open what was just sealed, as it lies on the disk. Raises Mismatch, WrongSecret, DamagedChunk."""
    head = bseal.head_bytes(frame)
    sink.seek(0)
    if sink.read(len(head)) != head:
        raise Mismatch("prefix", "what was written", "something else")
    _compare(sink, frame, check_secret(frame, secret), signed, progress, cancelled)


def _check_tender(signed: SignedBid, tender: Tender, suite: str) -> None:
    """The bid answers exactly this tender, and the tender takes this suite."""
    answered = signed.manifest.tender
    if answered.tender_version != tender.tender_version:
        raise StaleTender(answered.tender_version, tender.tender_version)
    _agree("network", tender.network, answered.network)
    _agree("lot", tender.lot.id, answered.lot)
    _agree("tender", tender_digest(tender), answered.sha256)
    if suite not in tender.suites:
        raise Mismatch("suite", ", ".join(tender.suites), suite)


def _joint(tender: Tender) -> Certificate | None:
    """The tenderer's encryption certificate, under policy "all"."""
    return (
        None if tender.joint_certificate is None else Certificate.from_pem(tender.joint_certificate.encode())
    )


def _bare_header(signed: SignedBid, tender: Tender, suite: str, length: int, chunk: int) -> Header:
    """The header without its wraps, which are bound to what it says."""
    return Header(
        v=1,
        suite=suites.suite(suite).number,
        network=tender.network,
        tender=signed.manifest.tender.sha256,
        tender_version=tender.tender_version,
        lot=tender.lot.id,
        bidder=signed.manifest.bidder.uscc,
        policy=tender.policy,
        salt=secrets.token_hex(32),
        chunk=chunk,
        chunks=stream.Shape(length, chunk).chunks,
        payload_len=length,
        wraps=(),
        shares=(),
    )


def _expected(signed: SignedBid, source: BinaryIO) -> list[Expected]:
    """What must pass while sealing: the very archive that was signed, document by document.

    Raises BadManifest when the file's entries are not those of the signed bid, or a document has none.
    """
    entries = stored_zip.read_entries(source, signed.path.name)
    if entries != signed.entries:
        raise BadManifest(signed.path.name, "its entries changed since it was signed")
    digests = {document.path: document.sha256 for document in signed.manifest.documents}
    missing = set(digests) - {entry.name for entry in entries}
    if missing:
        raise BadManifest(min(missing), "missing")
    digests[MANIFEST_NAME] = signed.manifest_sha256
    return [
        Expected(entry.name, entry.offset, entry.size, entry.crc32, digests.get(entry.name))
        for entry in entries
    ]


# ----------------------------------------------------------------------------------------------- stub


def make_stub(sealed: Sealed, signed: SignedBid, key: PrivateKey, signing_time: datetime) -> bytes:
    """bid.stub: DER CMS SignedData over the stub of this sealed bid. Raises KeyProblem, TooLarge."""
    manifest, header = signed.manifest, sealed.header
    stub = Stub(
        format="bidclient/stub",
        version=1,
        network=header.network,
        lot=header.lot,
        lot_code=manifest.tender.lot_code,
        tender_sha256=header.tender,
        tender_version=header.tender_version,
        bidder=header.bidder,
        bidder_name=manifest.bidder.name,
        suite=suites.suite_by_number(header.suite).name,
        sealed_size=sealed.size,
        sealed_sha256=sealed.sha256,
        sealed_sm3="",
        file_root=sealed.file_root,
        prefix=base64.b64encode(sealed.prefix).decode(),
        plaintext_commitment=plaintext_commitment(signed.manifest_bytes),
        creation_code=manifest.creation_code,
        device=manifest.device,
        client=manifest.client,
    )
    data = cms.sign_attached(canonical.dumps(stub), key, signing_time)
    if len(data) > STUB_LIMIT:
        raise TooLarge("bid.stub", len(data), STUB_LIMIT)
    return data


def read_stub(data: bytes) -> SignedStub:
    """The stub in `data`: signature verified, signer's USCC and every field compared with the frame inside.

    The signer's chain is not checked: the caller knows the anchors. Raises BadFormat, BadSignature,
    NotCanonical, BadSeal, Mismatch.
    """
    signed_by = cms.verify_attached(data, "bid.stub", STUB_LIMIT)
    stub = canonical.loads(signed_by.content or b"", Stub, "bid.stub", STUB_LIMIT)
    try:
        prefix = base64.b64decode(stub.prefix, validate=True)
    except binascii.Error as error:
        raise BadFormat("bid.stub", "prefix is not base64") from error
    frame = frame_of_prefix(prefix)
    header = frame.header
    _agree("prefix", base64.b64encode(prefix).decode(), stub.prefix)
    _agree("bidder", stub.bidder, signed_by.signer.uscc or "")
    _agree("bidder", header.bidder, stub.bidder)
    _agree("network", header.network, stub.network)
    _agree("lot", header.lot, stub.lot)
    _agree("tender", header.tender, stub.tender_sha256)
    _agree("tender_version", header.tender_version, stub.tender_version)
    _agree("suite", suites.suite_by_number(header.suite).name, stub.suite)
    _agree("sealed_size", frame.size, stub.sealed_size)
    _agree("sealed_sm3", "", stub.sealed_sm3)
    return SignedStub(stub, frame, signed_by)


def check_stub(stub: SignedStub, sealed: Sealed | Frame) -> SignedStub:
    """The stub, which belongs to this sealed bid; against a bare frame the digests stay unchecked.

    Raises Mismatch naming the field.
    """
    _agree("prefix", hashlib.sha256(stub.frame.prefix).hexdigest(), hashlib.sha256(sealed.prefix).hexdigest())
    _agree("sealed_size", stub.stub.sealed_size, sealed.size)
    if isinstance(sealed, Sealed):
        _agree("sealed_sha256", stub.stub.sealed_sha256, sealed.sha256)
        _agree("file_root", stub.stub.file_root, sealed.file_root)
    return stub


def _agree(field: str, expected: str | int, found: str | int) -> None:
    if expected != found:
        raise Mismatch(field, str(expected), str(found))


# ------------------------------------------------------------------------------------------------ open


def unseal(
    path: Path,
    secret: bytes | bytearray,
    out: Path,
    progress: Progress = silent,
    cancelled: Callable[[], bool] = _never,
) -> None:
    """Decrypt a sealed bid to `out`, which appears only after every chunk has authenticated.

    Raises BadSeal, WrongSecret, DamagedChunk, Cancelled, FileProblem, DiskProblem.
    """
    frame = read_frame(path)
    keys = check_secret(frame, secret)
    with _sealed_file(path) as source, atomic.replacing(out) as sink:
        stream.open_stream(
            source.fileno(),
            frame.payload_offset,
            keys,
            frame.header.shape,
            Appender(sink.fileno()),
            progress=progress,
            cancelled=cancelled,
        )


def read_range(path: Path, secret: bytes | bytearray, start: int, length: int) -> bytes:
    """`length` bytes of the signed bid from `start`; only the chunks they lie in are decrypted.

    Raises ValueError for a range outside the bid, and what unseal raises.
    """
    frame = read_frame(path)
    keys = check_secret(frame, secret)
    shape = frame.header.shape
    if start < 0 or length < 1 or start + length > shape.payload_len:
        raise ValueError(f"{length} bytes from {start} of {shape.payload_len}")
    chunks = range(start // shape.chunk, (start + length - 1) // shape.chunk + 1)
    with _sealed_file(path) as source:
        pieces = stream.read_chunks(source.fileno(), frame.payload_offset, keys, shape, chunks)
        data = b"".join(text for _, text in pieces)
    skipped = start - chunks.start * shape.chunk
    return data[skipped : skipped + length]


def read_sealed(path: Path, progress: Progress = silent) -> Sealed:
    """A sealed bid from the disk with its digests taken again. Raises BadSeal, FileProblem."""
    frame = read_frame(path)
    whole = hashlib.sha256(bseal.head_bytes(frame))
    with _sealed_file(path) as source:
        leaves = stream.hash_stream(
            source.fileno(), frame.payload_offset, frame.header.shape, whole.update, progress
        )
    root = bseal.file_root(frame, leaves)
    return Sealed(path, frame.header, frame.prefix, frame.size, whole.hexdigest(), root, leaves)


def rehearse(
    path: Path, opener: PrivateKey | bytes | bytearray, signed: SignedBid, progress: Progress = silent
) -> Rehearsal:
    """Open the sealed bid as at the opening, to nowhere, and compare every byte with the signed bid.

    `opener` is the key, or the secret itself. Under policy "all" a key proves its share and the file is only
    hashed. Raises Mismatch for other content, and what unwrap_secret and unseal raise.
    """
    frame = read_frame(path)
    if isinstance(opener, bytes | bytearray):
        secret, complete = bytearray(opener), True
    else:
        secret, complete = unwrap_secret(frame, opener), frame.header.policy == "any"
    try:
        if complete:
            with _sealed_file(path) as source:
                _compare(source, frame, check_secret(frame, secret), signed, progress)
    finally:
        wipe(secret)
    sealed = read_sealed(path, progress)
    return Rehearsal(sealed.sha256, sealed.file_root, sealed.size, len(sealed.leaves), complete)


def _compare(
    source: BinaryIO,
    frame: Frame,
    keys: stream.StreamKeys,
    signed: SignedBid,
    progress: Progress,
    cancelled: Callable[[], bool] = _never,
) -> None:
    shape = frame.header.shape
    with _file(signed.path) as original:
        length = os.fstat(original.fileno()).st_size
        _agree("payload", length, shape.payload_len)

        def same(text: memoryview) -> None:
            position = original.tell()
            if original.read(len(text)) != text:
                raise Mismatch("payload", signed.path.name, f"other bytes from {position}")

        stream.open_stream(
            source.fileno(),
            frame.payload_offset,
            keys,
            shape,
            same,
            progress=progress,
            cancelled=cancelled,
        )


@contextmanager
def _file(path: Path) -> Iterator[BinaryIO]:
    try:
        file = path.open("rb")
    except OSError as error:
        raise FileProblem(str(path), error.strerror or "cannot be opened") from error
    with file:
        yield file


@contextmanager
def _sealed_file(path: Path) -> Iterator[BinaryIO]:
    """The file, opened; that it ends early is told as BadSeal."""
    try:
        with _file(path) as file:
            yield file
    except EOFError as error:
        raise BadSeal(str(error)) from error


__all__ = [
    "STUB_FORMAT",
    "STUB_LIMIT",
    "STUB_VERSION",
    "Frame",
    "Header",
    "Recipient",
    "Rehearsal",
    "Sealed",
    "SignedStub",
    "Stub",
    "Tally",
    "Wrap",
    "check_secret",
    "check_stub",
    "combine",
    "frame_of_prefix",
    "make_stub",
    "new_recovery_code",
    "read_frame",
    "read_range",
    "read_sealed",
    "read_stub",
    "rehearse",
    "seal",
    "unseal",
    "unwrap_secret",
    "unwrap_with_code",
    "wipe",
]
