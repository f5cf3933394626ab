"""Sealing: from the signed bid to `bid.sealed` (BSEAL/1), in one pass, every document checked on its way."""

import os
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

from bidclient.ask import Progress, silent
from bidclient.crypto import stream
from bidclient.crypto import suite as suites
from bidclient.crypto.certificate import Certificate
from bidclient.errors import BadManifest, Mismatch, StaleTender, TooLarge
from bidclient.formats import atomic, bseal, stored_zip
from bidclient.formats.bseal import Frame, Header
from bidclient.formats.entry_watch import EntryWatch, Expected
from bidclient.formats.tally import WholeDigest
from bidclient.formats.wraps import SECRET_LENGTH, Recipient, check_secret, wipe, wrap_secret
from bidclient.stages.package import MANIFEST_NAME
from bidclient.stages.sealed import Sealed, agree, compare, open_file
from bidclient.stages.signed import SignedBid
from bidclient.stages.tender import Tender, tender_digest


def seal(
    signed: SignedBid,
    tender: Tender,
    recipients: Sequence[Recipient],
    out: Path,
    *,
    suite: str | None = None,
    recovery_code: str | None = None,
    chunk: int = stream.CHUNK,
    progress: Progress = silent,
    cancelled: Callable[[], bool] = stream.never,
) -> Sealed:
    """Seal a signed bid to its recipients as `out`, with a fresh secret each time.

    `suite` is a name; by default it is the one of the bidder's own kind of key where the tender takes that,
    else the tender's first.

    Every document is hashed again while it is encrypted. `progress` counts bytes of the signed bid. Under
    policy "all" the tenderer's share is wrapped to the certificate in the tender, and, as no key of ours will
    open the file whole, it is opened and compared here, while the secret is still in memory. Raises
    BadManifest when a document is no longer what was signed, StaleTender or Mismatch when the bid answers
    another tender, CertificateUnfit, TooLarge, Cancelled, DiskProblem; `out` then keeps its old state.
    """
    chosen = suites.suite(suite or _usual_suite(tender, recipients))
    _check_tender(signed, tender, chosen.name)
    secret = bytearray(secrets.token_bytes(SECRET_LENGTH))
    try:
        with open_file(signed.path) as source, atomic.replacing(out) as sink:
            length = os.fstat(source.fileno()).st_size
            bare = _bare_header(signed, tender, chosen, length, chunk)
            header, wraps = wrap_secret(bare, recipients, _joint(tender), recovery_code, secret)
            frame, keys = bseal.new_frame(header, wraps, secret)
            if frame.size > tender.size_limit:
                raise TooLarge(out.name, frame.size, tender.size_limit)
            watch = EntryWatch(_expected(signed, source))
            whole = WholeDigest(header.algorithms, bseal.head_bytes(frame))
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
    return Sealed.of(out, frame, whole.result(frame, leaves), opened)


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
    compare(sink, frame, check_secret(frame, secret), signed, progress, cancelled)


def _usual_suite(tender: Tender, recipients: Sequence[Recipient]) -> str:
    national = any(one.role == "bidder" and one.certificate.key_algorithm == "sm2" for one in recipients)
    wanted = suites.GM if national else suites.INTERNATIONAL
    return wanted.name if wanted.name in tender.suites else tender.suites[0]


def _check_tender(signed: SignedBid, tender: Tender, suite: str) -> None:
    """The bid answers exactly this tender, and the tender takes this suite."""
    answered = signed.manifest.tender
    if answered.tender_version != tender.tender_version:
        raise StaleTender(answered.tender_version, tender.tender_version)
    agree("network", tender.network, answered.network)
    agree("lot", tender.lot.id, answered.lot)
    agree("tender", tender_digest(tender), answered.sha256)
    if suite not in tender.suites:
        raise Mismatch("suite", ", ".join(tender.suites), suite)


def _joint(tender: Tender) -> Certificate | None:
    """The tenderer's encryption certificate, under policy "all"."""
    return (
        None if tender.joint_certificate is None else Certificate.from_pem(tender.joint_certificate.encode())
    )


def _bare_header(signed: SignedBid, tender: Tender, suite: suites.Suite, length: int, chunk: int) -> Header:
    """The header without its wraps, which are bound to what it says."""
    return Header(
        v=1,
        suite=suite.number,
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
