"""The invisible salamander: one AES-GCM ciphertext that opens as two bids, and who refuses it."""

import io
import zipfile
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bidclient.crypto import stream
from bidclient.errors import WrongSecret
from bidclient.formats import bseal
from bidclient.formats.bseal import Header, Wrap
from bidclient.formats.wraps import check_secret
from bidclient.stages.sealed import read_range, unseal

HONEST, SECOND = bytes(range(32)), bytes(range(32, 64))
LOW, HIGH = "8800000.00", "9800000.00"
BLOCK = 16


def multiply(one: int, two: int) -> int:
    """The product in GF(2^128) with GCM's order of bits (NIST SP 800-38D §6.3)."""
    product = 0
    for place in range(127, -1, -1):
        if one >> place & 1:
            product ^= two
        two = two >> 1 ^ (0xE1 << 120 if two & 1 else 0)
    return product


def power(base: int, exponent: int) -> int:
    """Square and multiply; 1 is the highest bit."""
    result = 1 << 127
    while exponent:
        if exponent & 1:
            result = multiply(result, base)
        base = multiply(base, base)
        exponent >>= 1
    return result


def encrypt_block(key: bytes, block: bytes) -> bytes:
    """One block of bare AES."""
    encryptor = Cipher(algorithms.AES256(key), modes.ECB()).encryptor()  # noqa: S305 - GCM is built from it
    return encryptor.update(block) + encryptor.finalize()


def keystream(keys: stream.StreamKeys, length: int) -> bytes:
    """What GCM adds to the plaintext of chunk 0."""
    encryptor = Cipher(algorithms.AES256(keys.key), modes.CTR(keys.nonce(0) + b"\0\0\0\2")).encryptor()
    return encryptor.update(bytes(length))


def ghash(key: int, associated: bytes, text: bytes) -> int:
    """GHASH over associated data and ciphertext (SP 800-38D §6.4)."""
    lengths = (8 * len(associated)).to_bytes(8, "big") + (8 * len(text)).to_bytes(8, "big")
    whole = associated + bytes(-len(associated) % BLOCK) + text + bytes(-len(text) % BLOCK) + lengths
    value = 0
    for start in range(0, len(whole), BLOCK):
        value = multiply(value ^ int.from_bytes(whole[start : start + BLOCK], "big"), key)
    return value


def archive(price: str, comment: bytes = b"") -> bytes:
    """A ZIP that says one price."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as written:
        written.writestr(zipfile.ZipInfo("price.txt"), price)
        written.comment = comment
    return file.getvalue()


def price_in(data: bytes) -> str:
    """The price that a ZIP reader finds."""
    with zipfile.ZipFile(io.BytesIO(data)) as read:
        assert read.testzip() is None
        return read.read("price.txt").decode()


def salamander(one: stream.StreamKeys, two: stream.StreamKeys, length: int, associated: bytes) -> bytes:
    """A ciphertext with tag that authenticates under both keys and holds a ZIP with another price under each.

    The first ZIP ends in a comment as long as the rest; the second has the first in front of it, as a
    self-extracting archive has its program. One block between them is free and makes the two tags meet.
    """
    tail = archive(LOW)
    border = len(archive(HIGH))
    head = archive(HIGH, bytes(length - border))[:border]
    free = (border + BLOCK - 1) // BLOCK * BLOCK
    clear = head + bytes(length - border)
    ours, theirs = keystream(one, length), keystream(two, length)
    text = bytearray(a ^ b for a, b in zip(clear, ours, strict=True))
    text[free : free + BLOCK] = bytes(BLOCK)
    start = length - len(tail)
    assert start >= free + BLOCK
    text[start:] = bytes(a ^ b for a, b in zip(tail, theirs[start:], strict=True))

    hashes = [int.from_bytes(encrypt_block(keys.key, bytes(BLOCK)), "big") for keys in (one, two)]
    masks = [
        int.from_bytes(encrypt_block(keys.key, keys.nonce(0) + b"\0\0\0\1"), "big") for keys in (one, two)
    ]
    gap = 0
    for key, mask in zip(hashes, masks, strict=True):
        gap ^= ghash(key, associated, bytes(text)) ^ mask
    behind = (length - free + BLOCK - 1) // BLOCK + 1
    slope = power(hashes[0], behind) ^ power(hashes[1], behind)
    text[free : free + BLOCK] = multiply(gap, power(slope, 2**128 - 2)).to_bytes(BLOCK, "big")
    tag = ghash(hashes[0], associated, bytes(text)) ^ masks[0]
    return bytes(text) + tag.to_bytes(BLOCK, "big")


def test_one_ciphertext_two_prices_and_one_commitment(tmp_path: Path) -> None:
    length = 640
    header = Header(
        v=1,
        suite=1,
        network="net",
        tender="ab" * 32,
        tender_version=1,
        lot="lot-1",
        bidder="91110000MA00000000",
        policy="any",
        salt="cd" * 32,
        chunk=4096,
        chunks=1,
        payload_len=length,
        wraps=(Wrap("bidder", 0, 4, "ef" * 32, 0),),
        shares=(),
    )
    frame, one = bseal.new_frame(header, (b"wrap",), HONEST)
    two = stream.derive(SECOND, header.salt_bytes, 1, frame.head_digest)
    associated = header.shape.associated(0)
    chunk = salamander(one, two, length, associated)

    # Bare AES-GCM is content with both keys, and each shows a whole, valid archive with its own price.
    assert price_in(AESGCM(one.key).decrypt(one.nonce(0), chunk, associated)) == HIGH
    assert price_in(AESGCM(two.key).decrypt(two.nonce(0), chunk, associated)) == LOW
    spoilt = chunk[:100] + bytes([chunk[100] ^ 1]) + chunk[101:]
    for keys in (one, two):
        with pytest.raises(InvalidTag):
            AESGCM(keys.key).decrypt(keys.nonce(0), spoilt, associated)

    # The sealed bid commits to one secret; the other is refused before any chunk is touched.
    path, out = tmp_path / "bid.sealed", tmp_path / "bid.asice"
    path.write_bytes(bseal.head_bytes(frame) + chunk)
    unseal(path, HONEST, out)
    assert price_in(out.read_bytes()) == HIGH
    out.unlink()
    with pytest.raises(WrongSecret):
        check_secret(bseal.read_frame(path), SECOND)
    with pytest.raises(WrongSecret):
        unseal(path, SECOND, out)
    with pytest.raises(WrongSecret):
        read_range(path, SECOND, 0, 10)
    assert sorted(tmp_path.iterdir()) == [path]

    # Nor does it help to put the commitment of the second secret into the file: it is another file then,
    # which no longer has the digest that was submitted, and the first secret is refused.
    other = frame.prefix[:-32] + two.commitment
    path.write_bytes(other.ljust(frame.payload_offset, b"\0") + chunk)
    with pytest.raises(WrongSecret):
        unseal(path, HONEST, out)
