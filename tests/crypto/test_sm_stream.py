"""SM4-GCM and SM3 for big files: the same bytes by libgcrypt, by cryptography and by GmSSL."""

import ctypes.util
import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import gmssl_pyx
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given, settings
from hypothesis import strategies as st

from bidclient.crypto import sm_stream
from bidclient.crypto.certificate import Certificate, verify_chain
from bidclient.crypto.sm_stream import TAG, Sm4Gcm, new_sm3
from bidclient.errors import BadCertificate
from tests.crypto.conftest import Judge
from tests.support.pki import NOW, Authority, InMemoryKey

KEY = bytes.fromhex("0123456789abcdeffedcba9876543210")
NONCE = bytes.fromhex("00001234567800000000abcd")
ASSOCIATED = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
TEXT = bytes.fromhex("".join(letter * 16 for letter in "abcdefea"))
SEALED = bytes.fromhex(
    "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735"
    "d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d"
    "83de3541e4c2b58177e065a9bf7b62ec"
)
PLAIN = pytest.mark.parametrize("plain", [False, True], ids=["fastest", "cryptography"])


def seal(cipher: Sm4Gcm, data: bytes, associated: bytes | None = ASSOCIATED, nonce: bytes = NONCE) -> bytes:
    out = bytearray(len(data) + TAG)
    assert cipher.encrypt_into(nonce, data, associated, memoryview(out)) == len(out)
    return bytes(out)


def unseal(cipher: Sm4Gcm, data: bytes, associated: bytes | None = ASSOCIATED, nonce: bytes = NONCE) -> bytes:
    out = bytearray(len(data) - TAG)
    assert cipher.decrypt_into(nonce, data, associated, memoryview(out)) == len(out)
    return bytes(out)


def test_libgcrypt_works_where_it_is_installed() -> None:
    installed = ctypes.util.find_library("gcrypt") is not None
    assert sm_stream.library() == ("libgcrypt" if installed else "cryptography")


@PLAIN
def test_sm4_gcm_gives_the_example_of_rfc_8998(plain: bool) -> None:
    cipher = Sm4Gcm(KEY, plain)
    assert seal(cipher, TEXT) == SEALED
    assert unseal(cipher, SEALED) == TEXT


@PLAIN
def test_anything_changed_is_refused_and_leaves_zeros(plain: bool) -> None:
    cipher = Sm4Gcm(KEY, plain)
    for place in (0, 63, 64, 79):
        changed = bytearray(SEALED)
        changed[place] ^= 0x80
        out = bytearray(b"x" * len(TEXT))
        with pytest.raises(InvalidTag):
            cipher.decrypt_into(NONCE, changed, ASSOCIATED, memoryview(out))
        assert out == bytes(len(TEXT))
    with pytest.raises(InvalidTag):
        unseal(cipher, SEALED, b"")
    with pytest.raises(InvalidTag):
        unseal(cipher, SEALED, nonce=bytes(12))
    with pytest.raises(InvalidTag):
        unseal(Sm4Gcm(bytes(16), plain), SEALED)
    with pytest.raises(InvalidTag):
        cipher.decrypt_into(NONCE, SEALED[:15], ASSOCIATED, memoryview(bytearray()))


@PLAIN
def test_wrong_lengths_are_refused(plain: bool) -> None:
    with pytest.raises(ValueError, match="key of 15"):
        Sm4Gcm(bytes(15), plain)
    cipher, out = Sm4Gcm(KEY, plain), memoryview(bytearray(80))
    for nonce in (b"", bytes(11), bytes(16)):
        with pytest.raises(ValueError, match="nonce of"):
            cipher.encrypt_into(nonce, TEXT, ASSOCIATED, out)
    with pytest.raises(ValueError, match="room for 79"):
        cipher.encrypt_into(NONCE, TEXT, ASSOCIATED, out[:79])
    with pytest.raises(ValueError, match="room for 80"):
        cipher.decrypt_into(NONCE, SEALED, ASSOCIATED, out)


@settings(deadline=None)
@given(st.integers(0, 6000), st.binary(max_size=40), st.binary(min_size=12, max_size=12))
def test_all_libraries_make_the_same_bytes(length: int, associated: bytes, nonce: bytes) -> None:
    data = hashlib.shake_128(nonce).digest(length)
    sealed = seal(Sm4Gcm(KEY), data, associated, nonce)
    assert seal(Sm4Gcm(KEY, plain=True), data, associated, nonce) == sealed
    assert unseal(Sm4Gcm(KEY), sealed, associated, nonce) == data
    assert unseal(Sm4Gcm(KEY, plain=True), sealed, associated, nonce) == data
    if data:
        text, tag = gmssl_pyx.sm4_gcm_encrypt(KEY, nonce, associated, data)
        assert text + tag == sealed


@PLAIN
def test_every_kind_of_buffer_is_taken(plain: bool) -> None:
    cipher = Sm4Gcm(KEY, plain)
    whole = memoryview(bytearray(b"...." + TEXT + b"...."))
    for data in (TEXT, bytearray(TEXT), memoryview(TEXT), whole[4:-4], whole.toreadonly()[4:-4]):
        target = memoryview(bytearray(100))
        cipher.encrypt_into(NONCE, data, ASSOCIATED, target[7:87])
        assert target[7:87] == SEALED
        assert target[:7].tobytes() + target[87:].tobytes() == bytes(20)
        digest = new_sm3(plain)
        digest.update(data)
        assert digest.digest() == gmssl_pyx.sm3_hash(TEXT)
    assert seal(cipher, TEXT, None) == seal(cipher, TEXT, b"")


def test_threads_share_a_cipher() -> None:
    cipher, data = Sm4Gcm(KEY), bytes(range(256)) * 1000
    nonces = [number.to_bytes(12, "big") for number in range(40)]
    alone = [seal(cipher, data, nonce=nonce) for nonce in nonces]
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(lambda nonce: seal(cipher, data, nonce=nonce), nonces)) == alone


@PLAIN
def test_sm3_grows_like_a_digest_of_hashlib(plain: bool, tmp_path: Path, openssl: Judge) -> None:
    digest = new_sm3(plain)
    assert digest.hexdigest() == "1ab21d8355cfa17f8e61194831e81a8f22bec8c728fefb747ed035eb5082aa2b"
    digest.update(b"")
    digest.update(b"abc")
    assert digest.hexdigest() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    digest.update(memoryview(bytes(100_000)))
    (tmp_path / "data").write_bytes(b"abc" + bytes(100_000))
    assert openssl("dgst -sm3 -r data").stdout.split()[0].decode() == digest.hexdigest()
    assert digest.digest() == bytes.fromhex(digest.hexdigest())


@given(st.lists(st.binary(max_size=200), max_size=6))
def test_sm3_is_the_same_however_the_data_is_cut(pieces: list[bytes]) -> None:
    digests = [new_sm3(), new_sm3(plain=True)]
    for digest in digests:
        for piece in pieces:
            digest.update(piece)
    assert digests[0].digest() == digests[1].digest() == gmssl_pyx.sm3_hash(b"".join(pieces))


def test_sm4_gives_the_examples_of_gmt_0002(tmp_path: Path, openssl: Judge) -> None:
    encryptor = Cipher(algorithms.SM4(KEY), modes.ECB()).encryptor()  # noqa: S305
    block = once = encryptor.update(KEY)
    assert once.hex() == "681edf34d206965e86b3e94f536e4246"
    for _ in range(999_999):
        block = encryptor.update(block)
    assert block.hex() == "595298c7c6fd271f0402f804c33d3f66"
    (tmp_path / "block").write_bytes(KEY)
    assert openssl(f"enc -sm4-ecb -nopad -K {KEY.hex()} -in block").stdout == once


@PLAIN
def test_a_wrong_tag_is_told_as_such_after_a_chain_with_a_bad_signature(
    plain: bool, signer: InMemoryKey, authority: Authority, root: Authority
) -> None:
    der = bytearray(signer.certificate.der)
    der[-1] ^= 1
    spoilt = Certificate.from_der(bytes(der))
    with pytest.raises(BadCertificate, match="bad signature"):
        verify_chain(spoilt, authority.above, [root.certificate], NOW, "x")
    with pytest.raises(InvalidTag):
        unseal(Sm4Gcm(KEY, plain), SEALED[:-1] + bytes([SEALED[-1] ^ 1]))
