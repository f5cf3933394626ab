"""The stub: what it must agree with, who may have signed it, to which seal it belongs."""

import base64
from pathlib import Path

import msgspec
import pytest

from bidclient.crypto import cms
from bidclient.crypto.private_key import PrivateKey
from bidclient.errors import (
    BadFormat,
    BadSignature,
    Mismatch,
    NotCanonical,
)
from bidclient.formats import canonical
from bidclient.formats.bseal import read_frame
from bidclient.formats.wraps import unwrap_secret, unwrap_with_code
from bidclient.stages.sealed import Sealed
from bidclient.stages.sealing import seal
from bidclient.stages.signed import SignedBid
from bidclient.stages.stub import check_stub, make_stub, read_stub
from bidclient.stages.tender import Tender
from tests.support.pki import NOW, Authority
from tests.support.sealing import CHUNK, CODE, Keys


def test_the_stub_carries_what_opens_the_bid_later(sealed: Sealed, signed: SignedBid, keys: Keys) -> None:
    data = make_stub(sealed, signed, keys.signing, NOW)
    stub = read_stub(data)
    assert check_stub(stub, sealed) is stub
    assert check_stub(stub, read_frame(sealed.path)) is stub
    assert stub.frame == read_frame(sealed.path)
    assert stub.signed_by.signer == keys.signing.certificate
    assert unwrap_secret(stub.frame, keys.encryption) == unwrap_with_code(stub.frame, CODE)
    assert stub.stub.sealed_sha256 == sealed.sha256


def resigned(data: bytes, key: PrivateKey, **changes: object) -> bytes:
    """A stub with other content under a good signature."""
    stub = msgspec.structs.replace(read_stub(data).stub, **changes)
    return cms.sign_attached(canonical.dumps(stub), key, NOW)


def test_a_stub_that_contradicts_its_frame_is_refused(sealed: Sealed, signed: SignedBid, keys: Keys) -> None:
    data = make_stub(sealed, signed, keys.signing, NOW)
    for field, value in {
        "network": "other",
        "lot": "lot-2",
        "tender_sha256": "00" * 32,
        "tender_version": 9,
        "bidder": "91110000MA00000000",
        "suite": "gm-1",
        "sealed_size": sealed.size + 1,
        "sealed_sm3": "00" * 32,
    }.items():
        with pytest.raises(Mismatch):
            read_stub(resigned(data, keys.signing, **{field: value}))
    for prefix in ("*", base64.b64encode(sealed.prefix).decode().rstrip("=") + "\n"):
        with pytest.raises((BadFormat, Mismatch)):
            read_stub(resigned(data, keys.signing, prefix=prefix))
    for field in ("sealed_sha256", "file_root"):
        stub = read_stub(resigned(data, keys.signing, **{field: "00" * 32}))
        check_stub(stub, read_frame(sealed.path))
        with pytest.raises(Mismatch) as caught:
            check_stub(stub, sealed)
        assert caught.value.field == field


def test_a_stub_of_another_company_or_without_signature(
    sealed: Sealed, signed: SignedBid, keys: Keys, root: Authority
) -> None:
    rival = root.issue("signing", number=1, name="对手公司", uscc="91110000600037342J")
    data = make_stub(sealed, signed, keys.signing, NOW)
    with pytest.raises(Mismatch) as caught:
        read_stub(resigned(data, rival))
    assert caught.value.field == "bidder"
    place = data.index(sealed.sha256.encode())
    spoilt = data[:place] + (b"0" if data[place : place + 1] != b"0" else b"1") + data[place + 1 :]
    with pytest.raises(BadSignature):
        read_stub(spoilt)
    with pytest.raises(NotCanonical):
        read_stub(cms.sign_attached(b'{"a": 1}', keys.signing, NOW))


def test_a_stub_belongs_to_one_seal(
    sealed: Sealed, signed: SignedBid, keys: Keys, tender: Tender, tmp_path: Path
) -> None:
    stub = read_stub(make_stub(sealed, signed, keys.signing, NOW))
    other = seal(signed, tender, keys.bidder, tmp_path / "other.sealed", chunk=CHUNK)
    with pytest.raises(Mismatch):
        check_stub(stub, other)
