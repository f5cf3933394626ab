"""Every field of a sealed bid and of its stub, changed one by one: each change has its own named error."""

import base64
from collections.abc import Callable

import msgspec
import pytest

from bidclient.crypto import cms
from bidclient.errors import (
    BadEnvelope,
    BadFormat,
    BadSeal,
    BadSignature,
    BidError,
    DamagedChunk,
    Mismatch,
    WrongKey,
    WrongSecret,
)
from bidclient.formats import bseal, canonical
from bidclient.formats.bseal import Header, Wrap, read_frame
from bidclient.formats.wraps import Recipient, unwrap_secret
from bidclient.stages import sealed as stage
from bidclient.stages.package import DeviceStatement
from bidclient.stages.sealing import seal
from bidclient.stages.stub import Stub, check_stub, read_stub
from tests.hostile.conftest import CHUNK, Vault
from tests.support.pki import NOW
from tests.support.tampering import under_the_old_signature

ZEROS = "00" * 32
RIVAL_USCC = "91110000600037342J"
STEP = CHUNK + 16


def with_header(vault: Vault, header: Header) -> None:
    """Put another header before the same wraps, commitment and chunks."""
    data, frame = vault.path.read_bytes(), read_frame(vault.path)
    text, wraps = canonical.dumps(header), b"".join(frame.wraps)
    head = data[:8] + len(text).to_bytes(4, "big") + text + len(wraps).to_bytes(4, "big") + wraps
    head += frame.commitment
    vault.path.write_bytes(head + bytes(-len(head) % 4096) + data[frame.payload_offset :])


def check_refused(vault: Vault, by_key: type[BidError], by_secret: type[BidError]) -> None:
    """Neither the bidder's key nor the true secret opens the file, and nothing is left beside it."""
    out = vault.path.parent / "out.asice"
    with pytest.raises(by_key):
        stage.unseal(vault.path, unwrap_secret(read_frame(vault.path), vault.keys.encryption), out)
    with pytest.raises(by_secret):
        stage.unseal(vault.path, vault.secret, out)
    assert vault.left() == []


OTHER_SUITE = object()
HEADER_LIES: dict[str, tuple[object, type[BidError], type[BidError]]] = {
    "v": (2, BadSeal, BadSeal),
    "suite": (OTHER_SUITE, BadEnvelope, WrongSecret),
    "network": ("other-net", BadEnvelope, WrongSecret),
    "tender": (ZEROS, BadEnvelope, WrongSecret),
    "tender_version": (2, BadEnvelope, WrongSecret),
    "lot": ("lot-2", BadEnvelope, WrongSecret),
    "bidder": (RIVAL_USCC, BadEnvelope, WrongSecret),
    "policy": ("all", BadSeal, BadSeal),
    "salt": (ZEROS, BadEnvelope, WrongSecret),
    "chunk": (2 * CHUNK, BadSeal, BadSeal),
    "chunks": (2**31, BadSeal, BadSeal),
    "payload_len": (2**52, BadSeal, BadSeal),
    "wraps": ((), BadSeal, BadSeal),
    "shares": ((ZEROS, ZEROS), BadSeal, BadSeal),
}


@pytest.mark.parametrize("field", Header.__struct_fields__)
def test_every_field_of_the_header_is_committed_to(vault: Vault, field: str) -> None:
    lie, by_key, by_secret = HEADER_LIES[field]
    header = read_frame(vault.path).header
    lie = 3 - header.suite if lie is OTHER_SUITE else lie
    assert getattr(header, field) != lie
    with_header(vault, msgspec.structs.replace(header, **{field: lie}))
    check_refused(vault, by_key, by_secret)


WRAP_LIES: dict[str, tuple[object, type[BidError], type[BidError]]] = {
    "role": ("recovery", BadSeal, BadSeal),
    "offset": (1, BadSeal, BadSeal),
    "length": (100, BadSeal, BadSeal),
    "certificate_sha256": (ZEROS, WrongKey, WrongSecret),
    "share": (1, BadSeal, BadSeal),
}


@pytest.mark.parametrize("field", Wrap.__struct_fields__)
def test_every_field_of_a_wrap_is_committed_to(vault: Vault, field: str) -> None:
    lie, by_key, by_secret = WRAP_LIES[field]
    header = read_frame(vault.path).header
    first = msgspec.structs.replace(header.wraps[0], **{field: lie})
    with_header(vault, msgspec.structs.replace(header, wraps=(first, *header.wraps[1:])))
    check_refused(vault, by_key, by_secret)


def test_certificates_that_changed_places_open_nothing(vault: Vault) -> None:
    header = read_frame(vault.path).header
    first, second = header.wraps
    swapped = (
        msgspec.structs.replace(first, certificate_sha256=second.certificate_sha256),
        msgspec.structs.replace(second, certificate_sha256=first.certificate_sha256),
    )
    with_header(vault, msgspec.structs.replace(header, wraps=swapped))
    check_refused(vault, WrongKey, WrongSecret)


def test_another_commitment_opens_nothing(vault: Vault) -> None:
    data, frame = bytearray(vault.path.read_bytes()), read_frame(vault.path)
    data[len(frame.prefix) - 1] ^= 1
    vault.path.write_bytes(bytes(data))
    check_refused(vault, WrongSecret, WrongSecret)


def flip(position: int) -> Callable[[list[bytes]], None]:
    def change(chunks: list[bytes]) -> None:
        place = position % len(chunks[1])
        chunks[1] = chunks[1][:place] + bytes([chunks[1][place] ^ 0x80]) + chunks[1][place + 1 :]

    return change


def swap(chunks: list[bytes]) -> None:
    chunks[1], chunks[2] = chunks[2], chunks[1]


def duplicate(chunks: list[bytes]) -> None:
    chunks[2] = chunks[1]


def insert(chunks: list[bytes]) -> None:
    chunks.insert(1, chunks[1])


def drop_first(chunks: list[bytes]) -> None:
    del chunks[0]


def drop_last(chunks: list[bytes]) -> None:
    del chunks[-1]


def cut(chunks: list[bytes]) -> None:
    chunks[-1] = chunks[-1][:-1]


def extend(chunks: list[bytes]) -> None:
    chunks[-1] += b"\0"


def tag_of_another(chunks: list[bytes]) -> None:
    chunks[1] = chunks[1][:-16] + chunks[2][-16:]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (flip(0), DamagedChunk(1, 6)),
        (flip(-1), DamagedChunk(1, 6)),
        (swap, DamagedChunk(1, 6)),
        (duplicate, DamagedChunk(2, 6)),
        (tag_of_another, DamagedChunk(1, 6)),
        (insert, BadSeal("")),
        (drop_first, BadSeal("")),
        (drop_last, BadSeal("")),
        (cut, BadSeal("")),
        (extend, BadSeal("")),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
def test_chunks_that_were_touched_are_named_and_nothing_is_written(
    vault: Vault, change: Callable[[list[bytes]], None], error: DamagedChunk | BadSeal
) -> None:
    data, frame = vault.path.read_bytes(), read_frame(vault.path)
    assert frame.header.chunks == 6
    payload = data[frame.payload_offset :]
    chunks = [payload[start : start + STEP] for start in range(0, len(payload), STEP)]
    change(chunks)
    vault.path.write_bytes(data[: frame.payload_offset] + b"".join(chunks))
    with pytest.raises(type(error)) as caught:
        stage.unseal(vault.path, vault.secret, vault.path.parent / "out.asice")
    if isinstance(error, DamagedChunk):
        assert caught.value.facts == error.facts
    assert vault.left() == []


def test_a_chunk_of_another_seal_of_the_same_bid_does_not_fit(vault: Vault) -> None:
    beside = vault.path.parent / "other.sealed"
    recipients = (*vault.keys.bidder, Recipient("second-lock", vault.keys.second.certificate))
    other = seal(vault.signed, vault.tender, recipients, beside, chunk=CHUNK)
    ours, theirs = read_frame(vault.path), read_frame(other.path)
    data, foreign = bytearray(vault.path.read_bytes()), other.path.read_bytes()
    start = theirs.payload_offset + STEP
    data[ours.payload_offset + STEP : ours.payload_offset + 2 * STEP] = foreign[start : start + STEP]
    vault.path.write_bytes(bytes(data))
    beside.unlink()
    with pytest.raises(DamagedChunk) as caught:
        stage.unseal(vault.path, vault.secret, vault.path.parent / "out.asice")
    assert caught.value.index == 1
    assert vault.left() == []


# ----------------------------------------------------------------------------------------------- stub

STUB_LIES: dict[str, object] = {
    "format": "bidclient/other",
    "version": 2,
    "network": "other-net",
    "lot": "lot-2",
    "lot_code": "A016210022511010001001002",
    "tender_sha256": ZEROS,
    "tender_version": 2,
    "bidder": RIVAL_USCC,
    "bidder_name": "对手公司",
    "suite": "other-1",
    "sealed_size": 4096,
    "sealed_sha256": ZEROS,
    "sealed_sm3": ZEROS,
    "file_root": ZEROS,
    "prefix": base64.b64encode(bseal.MAGIC).decode(),
    "plaintext_commitment": ZEROS,
    "creation_code": "OTHER",
    "device": DeviceStatement("02:00:00:00:00:02", "", "", "", ""),
    "client": "other",
}
CLAIMS = {"lot_code", "bidder_name", "plaintext_commitment", "creation_code", "device", "client"}
"""What the sealed file does not say: the network compares lot_code with the lot and plaintext_commitment with
the opened bid, the others are the bidder's own word."""


def lie_of(vault: Vault, field: str) -> bytes:
    """The stub's content with one lie."""
    stub = read_stub(vault.stub).stub
    assert getattr(stub, field) != STUB_LIES[field]
    return canonical.dumps(msgspec.structs.replace(stub, **{field: STUB_LIES[field]}))


@pytest.mark.parametrize("field", Stub.__struct_fields__)
def test_every_field_of_the_stub_is_signed(vault: Vault, field: str) -> None:
    with pytest.raises(BadSignature):
        read_stub(under_the_old_signature(vault.stub, lie_of(vault, field)))


@pytest.mark.parametrize("field", Stub.__struct_fields__)
def test_a_rival_cannot_sign_a_stub_about_our_bid(vault: Vault, field: str) -> None:
    rival = vault.root.issue("signing", number=1, name="对手公司", uscc=RIVAL_USCC)
    with pytest.raises((Mismatch, BadFormat, BadSeal)):
        read_stub(cms.sign_attached(lie_of(vault, field), rival, NOW))


@pytest.mark.parametrize("field", [name for name in Stub.__struct_fields__ if name not in CLAIMS])
def test_even_the_bidder_cannot_sign_a_stub_that_contradicts_the_sealed_bid(vault: Vault, field: str) -> None:
    data = cms.sign_attached(lie_of(vault, field), vault.keys.signing, NOW)
    with pytest.raises((Mismatch, BadFormat, BadSeal)):
        check_stub(read_stub(data), vault.sealed)


def test_an_encryption_key_signs_no_stub(vault: Vault) -> None:
    """Authorities keep copies of encryption keys: one of those must not be able to bind the company."""
    encryption = vault.root.issue("encryption", number=2)
    content = canonical.dumps(read_stub(vault.stub).stub)
    with pytest.raises(BadSignature) as caught:
        read_stub(cms.sign_attached(content, encryption, NOW))
    assert "not for signatures" in caught.value.reason
