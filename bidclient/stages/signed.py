"""The signed bid (`bid.asice`): the package byte for byte, then CAdES signatures: ASiC-E (EN 319 162-1)."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from bidclient.ask import Progress, silent
from bidclient.crypto import cms
from bidclient.crypto.certificate import Certificate, verify_chain, verify_claimed
from bidclient.crypto.private_key import PrivateKey
from bidclient.crypto.timestamp import Stamp, verify_token
from bidclient.errors import BadArchive, BadSignature, CertificateUnfit, Mismatch
from bidclient.formats import asic, atomic, stored_zip
from bidclient.stages.package import (
    DIGESTS_NAME,
    HEAD,
    MANIFEST_NAME,
    Manifest,
    Package,
    digest_list,
    read_body,
    verify_documents,
)

MOST_SIGNATURES = 32
_SIGNATURE_LIMIT = 1024 * 1024


@dataclass(frozen=True)
class SignedBid:
    """A `bid.asice` whose signatures fit its manifest; documents, chains, timestamps are for verify_signed.

    `entries` are all of the archive, `signatures` in their order, the bidder's first.
    """

    path: Path
    manifest: Manifest
    manifest_bytes: bytes
    manifest_sha256: str
    entries: tuple[stored_zip.Entry, ...]
    signatures: tuple[cms.Signed, ...]


def sign(
    package: Package,
    key: PrivateKey,
    stamp: Stamp | None,
    signing_time: datetime,
    out: Path,
    progress: Progress = silent,
) -> SignedBid:
    """Copy the package and append the bidder's signature, CAdES-B-T with `stamp`, CAdES-B without.

    The documents are not hashed again: sealing does that. Raises Mismatch when the certificate is not the
    bidder's, CertificateUnfit when it may not sign, KeyProblem, BadTimestamp, NetworkProblem from `stamp`,
    FileProblem, DiskProblem.
    """
    _check_bidder(key.certificate, package.manifest)
    return _append(package, key, stamp, signing_time, out, progress)


def add_signature(
    signed: SignedBid,
    key: PrivateKey,
    stamp: Stamp | None,
    signing_time: datetime,
    out: Path,
    progress: Progress = silent,
) -> SignedBid:
    """One signature more (法定代表人, a consortium's member); those before it stay as they are.

    Raises BadSignature when this certificate has signed already, otherwise as `sign`.
    """
    if any(other.signer.sha256 == key.certificate.sha256 for other in signed.signatures):
        raise BadSignature(signed.path.name, "this certificate has signed already")
    return _append(signed, key, stamp, signing_time, out, progress)


def read_signed(path: Path) -> SignedBid:
    """The signed bid at `path`: our form byte for byte, each manifest XML rebuilt, each signature checked.

    Raises BadArchive, NotCanonical, BadFormat, BadManifest, BadSignature, FileProblem.
    """
    with stored_zip.open_archive(path) as file:
        entries = stored_zip.read_entries(file, path.name)
        manifest, data = read_body(file, entries, path.name)
        tail = entries[len(HEAD) + len(manifest.documents) :]
        if not tail or len(tail) % 2 or len(tail) > 2 * MOST_SIGNATURES:
            raise BadArchive(
                path.name, "signatures are missing, or entries behind the documents that are none"
            )
        signatures = tuple(
            _read_signature(file, tail[2 * number - 2 : 2 * number], number, manifest, data, path.name)
            for number in range(1, len(tail) // 2 + 1)
        )
    return SignedBid(path, manifest, data, hashlib.sha256(data).hexdigest(), entries, signatures)


def verify_signed(
    signed: SignedBid,
    anchors: Sequence[Certificate],
    stamp_anchors: Sequence[Certificate],
    now: datetime,
    progress: Progress = silent,
) -> SignedBid:
    """`signed`, when every document has its digest, and its signers are those of verify_signers.

    Raises BadManifest, BadArchive, FileProblem, and what verify_signers raises.
    """
    verify_signers(signed, anchors, stamp_anchors, now)
    verify_documents(signed.path, signed.manifest, signed.entries, progress)
    return signed


def verify_signers(
    signed: SignedBid,
    anchors: Sequence[Certificate],
    stamp_anchors: Sequence[Certificate],
    now: datetime,
) -> SignedBid:
    """`signed`, when every signer has a chain and the first one is the bidder; documents are not looked at.

    A signature with a timestamp is judged at the timestamp's time (EN 319 102-1 §5.5), one without `now`.
    Raises BadTimestamp, BadCertificate (UnprovenTime for a signature without a timestamp whose certificate
    was good only at the time that it claims), Mismatch.
    """
    for number, signature in enumerate(signed.signatures, 1):
        what, signer, chain = asic.signature_name(number), signature.signer, signature.chain
        if signature.timestamp is None:
            verify_claimed(signer, chain, anchors, signature.signing_time, now, what)
        else:
            stamped = verify_token(signature.timestamp, signature.signature, stamp_anchors, what)
            verify_chain(signer, chain, anchors, stamped, what)
    _check_bidder(signed.signatures[0].signer, signed.manifest)
    return signed


def _check_bidder(certificate: Certificate, manifest: Manifest) -> None:
    if certificate.uscc != manifest.bidder.uscc:
        raise Mismatch("bidder.uscc", manifest.bidder.uscc, certificate.uscc or "")


def _append(
    bid: Package | SignedBid,
    key: PrivateKey,
    stamp: Stamp | None,
    signing_time: datetime,
    out: Path,
    progress: Progress,
) -> SignedBid:
    if not key.certificate.can_sign:
        raise CertificateUnfit(key.certificate.holder, "not a signing certificate")
    path, entries = bid.path, bid.entries
    end = entries[-1].end
    with stored_zip.open_archive(path) as source:
        same = stored_zip.read_entries(source, path.name) == entries
        manifest, data = read_body(source, entries, path.name)
        # Entries carry a CRC-32 only, which anybody can make come out the same.
        if not same or hashlib.sha256(data).hexdigest() != bid.manifest_sha256:
            raise BadArchive(path.name, "changed since it was read")
        number = (len(entries) - len(HEAD) - len(manifest.documents)) // 2 + 1
        if number > MOST_SIGNATURES:
            raise BadSignature(path.name, f"more than {MOST_SIGNATURES} signatures")
        xml = _manifest_xml(manifest, data, number)
        signature = cms.sign_detached(xml, key, signing_time, stamp)
        with atomic.replacing(out) as target:
            stored_zip.copy_prefix(source, target, end, lambda done: progress("sign", done, end))
            writer = stored_zip.Writer.continuing(target, entries)
            writer.add_bytes(asic.manifest_name(number), xml)
            writer.add_bytes(asic.signature_name(number), signature)
            writer.finish()
    return read_signed(out)


def _read_signature(
    file: BinaryIO,
    pair: Sequence[stored_zip.Entry],
    number: int,
    manifest: Manifest,
    data: bytes,
    what: str,
) -> cms.Signed:
    if [entry.name for entry in pair] != [asic.manifest_name(number), asic.signature_name(number)]:
        raise BadArchive(what, f"signature {number} is not at its place")
    expected = _manifest_xml(manifest, data, number)
    if stored_zip.read_small(file, pair[0], len(expected)) != expected:
        raise BadSignature(asic.manifest_name(number), "does not list exactly this bid")
    signature = stored_zip.read_small(file, pair[1], _SIGNATURE_LIMIT)
    return cms.verify_detached(signature, expected, asic.signature_name(number))


def _manifest_xml(manifest: Manifest, data: bytes, number: int) -> bytes:
    references = [
        (MANIFEST_NAME, asic.media_type(MANIFEST_NAME), hashlib.sha256(data).digest()),
        (DIGESTS_NAME, asic.media_type(DIGESTS_NAME), hashlib.sha256(digest_list(manifest, data)).digest()),
    ]
    references += [
        (document.path, asic.media_type(document.path), bytes.fromhex(document.sha256))
        for document in manifest.documents
    ]
    return asic.asic_manifest(asic.signature_name(number), references)
