"""SM2 and SM3 against the examples of the standards, GmSSL, OpenSSL's command line and BouncyCastle."""

from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from hypothesis import given, settings
from hypothesis import strategies as st

from bidclient.crypto import sm, sm_engine
from bidclient.crypto.libcrypto import Libcrypto, LibcryptoMissing
from bidclient.crypto.sm import Sm2PrivateKey
from bidclient.crypto.sm_engine import Engine, Gmssl
from bidclient.errors import Sm2Missing
from tests.crypto.conftest import Judge
from tests.support.bouncycastle import BouncyCastle, Disagrees

SECRET = bytes.fromhex("3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8")
POINT = bytes.fromhex(
    "0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
    "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
)
MESSAGE = b"message digest"
SIGNATURE = bytes.fromhex(
    "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"
    "b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa"
)
TEXT = b"encryption standard"
CIPHER = bytes.fromhex(  # without the prefix of the point: the first byte is that of X
    "04ebfc718e8d1798620432268e77feb6415e2ede0e073c0f4f640ecd2e149a73e8"
    "58f9d81e5430a57b36daab8f950a3c64e6ee6a63094d99283aff767e124df0"
    "59983c18f809e262923c53aec295d30383b54e39d609d160afcb1908d0bd8766"
    "21886ca989ca9c7d58087307ca93092d651efa"
)
ENGINES = (Libcrypto(), Gmssl())
BOTH = pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: str(engine.name))
PRIVATE = Sm2PrivateKey(POINT, SECRET)
DISTID = "-pkeyopt distid:1234567812345678"


@pytest.fixture(scope="session")
def key() -> Sm2PrivateKey:
    return Sm2PrivateKey.generate()


def flipped(data: bytes, place: int) -> bytes:
    changed = bytearray(data)
    changed[place] ^= 1
    return bytes(changed)


@pytest.mark.parametrize(
    ("data", "digest"),
    [
        (b"abc", "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"),
        (b"abcd" * 16, "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"),
    ],
)
def test_sm3_gives_the_examples_of_gmt_0004(data: bytes, digest: str, tmp_path: Path, openssl: Judge) -> None:
    assert sm.sm3(data).hex() == digest
    (tmp_path / "data").write_bytes(data)
    assert openssl("dgst -sm3 -r data").stdout.split()[0].decode() == digest


def test_the_signature_of_gmt_0003_5_verifies_and_no_other() -> None:
    assert sm.za(POINT).hex() == "b2e14c5c79c6df5b85f4fe7ed8db7a262b9da7e07ccb0ea9f4747b8ccda8a4f3"
    digest = sm.signing_digest(POINT, MESSAGE)
    assert digest.hex() == "f0b43e94ba45accaace692ed534382eb17e6ab5a19ce7b31f4486fdfc0d28640"
    signature = sm.signature_from_raw(SIGNATURE)
    sm.verify(POINT, MESSAGE, signature)
    sm.verify_digest(POINT, digest, signature)
    with pytest.raises(InvalidSignature):
        sm.verify(POINT, MESSAGE + b".", signature)
    with pytest.raises(InvalidSignature):
        sm.verify(POINT, MESSAGE, signature, b"ALICE123@YAHOO.COM")
    for place in (0, 31, 32, 63):
        with pytest.raises(InvalidSignature):
            sm.verify(POINT, MESSAGE, sm.signature_from_raw(flipped(SIGNATURE, place)))


def test_the_ciphertext_of_gmt_0003_5_opens_in_every_raw_form() -> None:
    point, check, text = CIPHER[:64], CIPHER[64:96], CIPHER[96:]
    for start in (point, b"\x04" + point):
        assert PRIVATE.decrypt(sm.cipher_from_raw(start + check + text, "C1C3C2")) == TEXT
        assert PRIVATE.decrypt(sm.cipher_from_raw(start + text + check, "C1C2C3")) == TEXT


@BOTH
def test_both_libraries_pass_the_gate(engine: Engine) -> None:
    sm_engine.prove(engine)
    assert engine.decrypt(SECRET, POINT, sm.cipher_from_raw(CIPHER, "C1C3C2")) == TEXT


@pytest.mark.parametrize("maker", ENGINES, ids=lambda engine: str(engine.name))
@pytest.mark.parametrize("judge", ENGINES, ids=lambda engine: str(engine.name))
def test_what_one_library_makes_the_other_takes(maker: Engine, judge: Engine) -> None:
    digest = sm.sm3(b"e")
    for _ in range(5):
        secret, point = maker.generate()
        signature = maker.sign(secret, point, digest)
        judge.verify(point, digest, signature)
        with pytest.raises(InvalidSignature):
            judge.verify(point, sm.sm3(b"f"), signature)
        assert judge.decrypt(secret, point, maker.encrypt(point, b"k" * 16)) == b"k" * 16


@BOTH
def test_a_changed_ciphertext_does_not_open(engine: Engine) -> None:
    for place in (0, 40, 64, 95, 96, 114):
        try:
            cipher = sm.cipher_from_raw(flipped(CIPHER, place), "C1C3C2")
        except ValueError:
            assert place < 64
            continue
        with pytest.raises(ValueError, match="refuses"):
            engine.decrypt(SECRET, POINT, cipher)
    secret, point = engine.generate()
    with pytest.raises(ValueError, match="refuses"):
        engine.decrypt(secret, point, sm.cipher_from_raw(CIPHER, "C1C3C2"))


class Yes:
    """Says yes to everything."""

    name = "yes"

    def generate(self) -> tuple[bytes, bytes]:
        return SECRET, POINT

    def sign(self, secret: bytes, point: bytes, digest: bytes) -> bytes:
        return b""

    def verify(self, point: bytes, digest: bytes, signature: bytes) -> None:
        return None

    def encrypt(self, point: bytes, data: bytes) -> bytes:
        return data

    def decrypt(self, secret: bytes, point: bytes, cipher: bytes) -> bytes:
        return TEXT


def absent() -> Engine:
    raise LibcryptoMissing("no libcrypto 3")


def test_an_absent_or_lying_library_is_passed_over() -> None:
    assert sm_engine.choose([absent, Yes, Gmssl]).name == "gmssl-pyx"
    assert sm_engine.choose(sm_engine.ENGINES).name == "libcrypto"
    with pytest.raises(Sm2Missing) as caught:
        sm_engine.choose([absent, Yes])
    assert caught.value.reason == "absent: no libcrypto 3; Yes: a wrong signature passes"


def test_points_that_are_not_on_the_curve_are_refused(key: Sm2PrivateKey) -> None:
    signature = key.sign(MESSAGE)
    for point in (flipped(key.point, 64), key.point[1:], b"\x04" + bytes(64), b"\x02" + key.point[1:33], b""):
        with pytest.raises(ValueError, match="not a point"):
            sm.verify(point, MESSAGE, signature)
        with pytest.raises(ValueError, match="not a point"):
            sm.encrypt(point, TEXT)
    beyond = (0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF + 1).to_bytes(32, "big")
    with pytest.raises(ValueError, match="not a point"):
        sm.check_point(b"\x04" + beyond + key.point[33:])


@pytest.mark.parametrize("length", [0, 256])
def test_only_short_data_is_encrypted(key: Sm2PrivateKey, length: int) -> None:
    with pytest.raises(ValueError, match="1 to 255"):
        sm.encrypt(key.point, bytes(length))


def test_lengths_that_no_standard_allows_are_refused(key: Sm2PrivateKey) -> None:
    with pytest.raises(ValueError, match="digest of 31"):
        key.sign_digest(bytes(31))
    with pytest.raises(ValueError, match="digest of 33"):
        sm.verify_digest(key.point, bytes(33), key.sign(MESSAGE))
    with pytest.raises(ValueError, match="identity of 8192"):
        sm.za(key.point, bytes(8192))


def test_a_private_number_goes_with_its_own_point_only(key: Sm2PrivateKey) -> None:
    with pytest.raises(ValueError, match="not a pair"):
        Sm2PrivateKey(key.point, SECRET)
    assert SECRET.hex() not in repr(Sm2PrivateKey(POINT, SECRET))
    assert "secret" not in repr(key)


@pytest.fixture
def files(tmp_path: Path, key: Sm2PrivateKey, openssl: Judge) -> Path:
    """key.pem and pub.pem of `key`, and data."""
    (tmp_path / "key.der").write_bytes(key.to_pkcs8())
    openssl("pkey -inform DER -in key.der -out key.pem").check_returncode()
    openssl("pkey -in key.pem -pubout -out pub.pem").check_returncode()
    (tmp_path / "data").write_bytes(MESSAGE)
    return tmp_path


def test_openssl_takes_our_signatures_and_we_take_its(
    files: Path, key: Sm2PrivateKey, openssl: Judge
) -> None:
    signing = f"pkeyutl -rawin -digest sm3 {DISTID} -in data"
    verifying = f"{signing} -verify -pubin -inkey pub.pem -sigfile s"
    (files / "s").write_bytes(key.sign(MESSAGE))
    assert openssl(verifying).returncode == 0
    (files / "data").write_bytes(MESSAGE + b".")
    assert openssl(verifying).returncode != 0
    openssl(f"{signing} -sign -inkey key.pem -out s").check_returncode()
    sm.verify(key.point, MESSAGE + b".", (files / "s").read_bytes())
    with pytest.raises(InvalidSignature):
        sm.verify(key.point, MESSAGE, (files / "s").read_bytes())


def test_openssl_opens_our_ciphertexts_and_we_open_its(
    files: Path, key: Sm2PrivateKey, openssl: Judge
) -> None:
    cipher = sm.encrypt(key.point, MESSAGE)
    (files / "c").write_bytes(cipher)
    assert openssl("pkeyutl -decrypt -inkey key.pem -in c").stdout == MESSAGE
    (files / "c").write_bytes(flipped(cipher, -1))
    assert openssl("pkeyutl -decrypt -inkey key.pem -in c").returncode != 0
    openssl("pkeyutl -encrypt -pubin -inkey pub.pem -in data -out c").check_returncode()
    theirs = (files / "c").read_bytes()
    assert key.decrypt(theirs) == MESSAGE
    with pytest.raises(ValueError, match="refuses"):
        key.decrypt(flipped(theirs, -1))


def test_bouncycastle_takes_our_signatures_and_we_take_its(
    key: Sm2PrivateKey, bouncycastle: BouncyCastle
) -> None:
    for identity in (sm.SM2_ID, b"", "测试".encode()):
        signature = key.sign(MESSAGE, identity)
        bouncycastle.verify(key.point, MESSAGE, signature, identity)
        with pytest.raises(Disagrees, match="the signature is wrong"):
            bouncycastle.verify(key.point, MESSAGE + b".", signature, identity)
        with pytest.raises(Disagrees, match="the signature is wrong"):
            bouncycastle.verify(key.point, MESSAGE, signature, b"somebody else")
        sm.verify(POINT, MESSAGE, bouncycastle.sign(SECRET, MESSAGE, identity), identity)


def test_bouncycastle_opens_our_ciphertexts_and_we_open_its(bouncycastle: BouncyCastle) -> None:
    for length in (1, 16, 255):
        data = bytes(range(length))
        cipher = sm.encrypt(POINT, data)
        assert bouncycastle.decrypt(SECRET, cipher) == data
        with pytest.raises(Disagrees):
            bouncycastle.decrypt(SECRET, flipped(cipher, -1))
        assert PRIVATE.decrypt(bouncycastle.encrypt(POINT, data)) == data


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=120))
def test_noise_is_refused_quietly(noise: bytes) -> None:
    with pytest.raises(InvalidSignature):
        sm.verify(POINT, MESSAGE, noise)
    with pytest.raises(ValueError, match="SM2"):
        PRIVATE.decrypt(noise)
    with pytest.raises(ValueError, match="libcrypto refuses"):
        ENGINES[0].decrypt(SECRET, POINT, noise)
