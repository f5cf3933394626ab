"""SM2 key files: what OpenSSL writes we read, what we write OpenSSL reads, and nothing by halves."""

import hashlib
from pathlib import Path

import pytest
from asn1crypto import algos, core, keys
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from bidclient.crypto import sm_pkcs8
from bidclient.crypto.sm import Sm2PrivateKey
from tests.crypto.conftest import Judge

PASSWORD = b"Tk-7381"


@pytest.fixture(scope="session")
def key() -> Sm2PrivateKey:
    return Sm2PrivateKey.generate()


def reads(data: bytes) -> bool:
    try:
        Sm2PrivateKey.from_pkcs8(data)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("password", [None, PASSWORD, bytearray(PASSWORD)])
def test_our_files_come_back(key: Sm2PrivateKey, password: bytes | bytearray | None) -> None:
    assert Sm2PrivateKey.from_pkcs8(key.to_pkcs8(password), password) == key


def test_openssl_reads_ours(key: Sm2PrivateKey, tmp_path: Path, openssl: Judge) -> None:
    (tmp_path / "plain.der").write_bytes(key.to_pkcs8())
    (tmp_path / "locked.der").write_bytes(key.to_pkcs8(PASSWORD))
    public = openssl("pkey -inform DER -in plain.der -pubout -outform DER")
    assert public.stdout.endswith(key.point)
    locked = "pkey -inform DER -in locked.der -pubout -outform DER -passin pass:"
    assert openssl(locked + PASSWORD.decode()).stdout == public.stdout
    assert openssl(locked + "wrong").returncode != 0


@pytest.mark.parametrize(
    "options",
    ["-v2 aes-256-cbc", "-v2 aes-128-cbc -v2prf hmacWithSHA1", "-v2 sm4-cbc", "-v2 aes-192-cbc -iter 50000"],
)
def test_we_read_what_openssl_writes(options: str, tmp_path: Path, openssl: Judge) -> None:
    openssl("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:SM2 -out key.pem").check_returncode()
    openssl("pkcs8 -topk8 -nocrypt -in key.pem -outform DER -out plain.der").check_returncode()
    locking = f"pkcs8 -topk8 -in key.pem -outform DER -out locked.der -passout pass:x {options}"
    openssl(locking).check_returncode()
    plain, locked = ((tmp_path / f"{name}.der").read_bytes() for name in ("plain", "locked"))
    theirs = Sm2PrivateKey.from_pkcs8(plain)
    assert openssl("pkey -in key.pem -pubout -outform DER").stdout.endswith(theirs.point)
    assert Sm2PrivateKey.from_pkcs8(locked, b"x") == theirs
    with pytest.raises(sm_pkcs8.WrongPassword):
        Sm2PrivateKey.from_pkcs8(locked, b"y")


def locked(plain: bytes, rounds: int = 1000, size: int = 16) -> bytes:
    """A file as GmSSL writes it: PBKDF2 with HMAC-SM3, then SM4 in CBC mode."""
    salt, vector = b"salt" * 4, bytes(range(size))
    key = hashlib.pbkdf2_hmac("sm3", PASSWORD, salt, 1000, 16)
    fill = 16 - len(plain) % 16
    encryptor = Cipher(algorithms.SM4(key), modes.CBC(bytes(range(16)))).encryptor()
    encrypted = encryptor.update(plain + bytes([fill]) * fill) + encryptor.finalize()
    derivation = {
        "salt": algos.Pbkdf2Salt("specified", salt),
        "iteration_count": rounds,
        "prf": {"algorithm": "1.2.156.10197.1.401.2"},
    }
    scheme = {"algorithm": "1.2.156.10197.1.104.2", "parameters": core.OctetString(vector)}
    pbes2 = {
        "key_derivation_func": {"algorithm": "pbkdf2", "parameters": derivation},
        "encryption_scheme": scheme,
    }
    algorithm = {"algorithm": "pbes2", "parameters": pbes2}
    info = keys.EncryptedPrivateKeyInfo({"encryption_algorithm": algorithm, "encrypted_data": encrypted})
    return bytes(info.dump())


def test_we_read_what_gmssl_writes(key: Sm2PrivateKey) -> None:
    assert Sm2PrivateKey.from_pkcs8(locked(key.to_pkcs8()), PASSWORD) == key
    with pytest.raises(sm_pkcs8.WrongPassword):
        Sm2PrivateKey.from_pkcs8(locked(key.to_pkcs8()), b"wrong")


@pytest.mark.parametrize("bad", [{"rounds": 0}, {"rounds": 10_000_001}, {"size": 15}])
def test_absurd_settings_are_refused_before_any_work(key: Sm2PrivateKey, bad: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="SM2 private key"):
        Sm2PrivateKey.from_pkcs8(locked(key.to_pkcs8(), **bad), PASSWORD)


def test_settings_of_another_type_are_refused(key: Sm2PrivateKey) -> None:
    info = keys.EncryptedPrivateKeyInfo.load(locked(key.to_pkcs8()))
    pbes2 = info["encryption_algorithm"]["parameters"]
    pbes2["encryption_scheme"]["parameters"] = core.Any(core.UTF8String("a" * 16))
    vector = info.dump(force=True)
    salt = algos.Pbkdf2Salt("other_source", algos.AlgorithmIdentifier({"algorithm": "1.2.3"}))
    pbes2["key_derivation_func"]["parameters"]["salt"] = salt
    for odd in (vector, info.dump(force=True)):
        with pytest.raises(ValueError, match="SM2 private key"):
            Sm2PrivateKey.from_pkcs8(odd, PASSWORD)


@pytest.mark.parametrize(
    "kind", ["RSA -pkeyopt rsa_keygen_bits:1024", "EC -pkeyopt ec_paramgen_curve:P-256", "ED25519"]
)
def test_keys_of_other_kinds_are_refused(kind: str, tmp_path: Path, openssl: Judge) -> None:
    openssl(f"genpkey -algorithm {kind} -out key.pem").check_returncode()
    openssl("pkcs8 -topk8 -nocrypt -in key.pem -outform DER -out plain.der").check_returncode()
    with pytest.raises(ValueError, match="SM2 private key"):
        Sm2PrivateKey.from_pkcs8((tmp_path / "plain.der").read_bytes())


def test_damaged_and_mixed_up_files_are_refused(key: Sm2PrivateKey) -> None:
    plain, other = key.to_pkcs8(), Sm2PrivateKey.generate()
    bad = {
        "nothing": b"",
        "bytes behind": plain + b"\0",
        "cut short": plain[:-1],
        "another's point": plain.replace(key.point, other.point),
        "off the curve": plain[:-1] + bytes([plain[-1] ^ 1]),
        "short number": sm_pkcs8.dump(bytes(31), key.point),
        "number 0": sm_pkcs8.dump(bytes(32), key.point),
        "encrypted": key.to_pkcs8(PASSWORD),
        "too long": b"\x04\x82\x20\x00" + bytes(0x2000),
    }
    passing = [what for what, data in bad.items() if reads(data)]
    assert passing == []
    with pytest.raises(ValueError, match="SM2 private key"):
        Sm2PrivateKey.from_pkcs8(plain, PASSWORD)


def test_no_file_with_one_changed_bit_is_read(key: Sm2PrivateKey) -> None:
    whole = key.to_pkcs8()
    passing = []
    for place in range(8 * len(whole)):
        changed = bytearray(whole)
        changed[place // 8] ^= 1 << place % 8
        if reads(bytes(changed)):
            passing.append(place)
    assert passing == []
