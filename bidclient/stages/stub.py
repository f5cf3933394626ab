"""The stub (存证文件, `bid.stub`): what the bidder signs about a sealed bid, small enough to send at once."""

import base64
import binascii
import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

import msgspec

from bidclient.crypto import cms
from bidclient.crypto import suite as suites
from bidclient.crypto.private_key import PrivateKey
from bidclient.errors import BadFormat, Mismatch, TooLarge
from bidclient.formats import canonical
from bidclient.formats.bseal import Frame, frame_of_prefix
from bidclient.stages.package import DeviceStatement, plaintext_commitment
from bidclient.stages.sealed import Sealed, agree
from bidclient.stages.signed import SignedBid
from bidclient.stages.tender import Hex32, Record, Uscc

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
    sealed_sm3: Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{64})?$")]
    """SM3 of the sealed file in suite gm-1, else empty."""
    file_root: Hex32
    prefix: str
    """Base64 of bid.sealed from the first byte to the end of COM: header, wraps and commitment."""
    plaintext_commitment: Hex32
    creation_code: str
    device: DeviceStatement
    client: str


@dataclass(frozen=True)
class SignedStub:
    """A stub whose signature verifies and whose fields agree with its frame; its chain is not checked."""

    stub: Stub
    frame: Frame
    signed_by: cms.Signed


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
        sealed_sm3=sealed.sm3,
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
    agree("prefix", base64.b64encode(prefix).decode(), stub.prefix)
    agree("bidder", stub.bidder, signed_by.signer.uscc or "")
    agree("bidder", header.bidder, stub.bidder)
    agree("network", header.network, stub.network)
    agree("lot", header.lot, stub.lot)
    agree("tender", header.tender, stub.tender_sha256)
    agree("tender_version", header.tender_version, stub.tender_version)
    agree("suite", suites.suite_by_number(header.suite).name, stub.suite)
    agree("sealed_size", frame.size, stub.sealed_size)
    if (stub.sealed_sm3 != "") != (header.algorithms is suites.GM):
        raise Mismatch("sealed_sm3", header.algorithms.name, stub.sealed_sm3)
    return SignedStub(stub, frame, signed_by)


def check_stub(stub: SignedStub, sealed: Sealed | Frame) -> SignedStub:
    """The stub, which belongs to this sealed bid; against a bare frame the digests stay unchecked.

    Raises Mismatch naming the field.
    """
    agree("prefix", hashlib.sha256(stub.frame.prefix).hexdigest(), hashlib.sha256(sealed.prefix).hexdigest())
    agree("sealed_size", stub.stub.sealed_size, sealed.size)
    if isinstance(sealed, Sealed):
        agree("sealed_sha256", stub.stub.sealed_sha256, sealed.sha256)
        agree("sealed_sm3", stub.stub.sealed_sm3, sealed.sm3)
        agree("file_root", stub.stub.file_root, sealed.file_root)
    return stub
