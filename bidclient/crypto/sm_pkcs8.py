"""SM2 private keys in files: PKCS#8, plain or under a password, for `cryptography` refuses the curve."""

import secrets
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from asn1crypto import algos, core, keys
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from cryptography.hazmat.primitives.padding import PKCS7

from bidclient.crypto import der
from bidclient.errors import BadFormat

EC_KEY = "1.2.840.10045.2.1"
SM2_CURVE = "1.2.156.10197.1.301"

_WHAT = "SM2 private key"
_LIMIT = 4096
_NUMBER = 32
_BLOCK = 16
_ROUNDS = 600_000
_MOST_ROUNDS = 10_000_000
_PBKDF2 = "pbkdf2"
_NO_UNUSED_BITS = b"\0"


class WrongPassword(ValueError):
    """The password does not open the key file, or the file is damaged."""


class _Algorithm(core.Sequence):  # type: ignore[misc]
    _fields = [("algorithm", core.ObjectIdentifier), ("curve", core.ObjectIdentifier)]  # noqa: RUF012


class _Info(core.Sequence):  # type: ignore[misc]
    """PrivateKeyInfo (RFC 5208) of an elliptic curve key."""

    _fields = [  # noqa: RUF012
        ("version", core.Integer),
        ("algorithm", _Algorithm),
        ("key", core.OctetString),
        ("attributes", keys.Attributes, {"implicit": 0, "optional": True}),
    ]


class _Key(core.Sequence):  # type: ignore[misc]
    """ECPrivateKey (RFC 5915)."""

    _fields = [  # noqa: RUF012
        ("version", core.Integer),
        ("secret", core.OctetString),
        ("curve", core.ObjectIdentifier, {"explicit": 0, "optional": True}),
        ("point", core.OctetBitString, {"explicit": 1, "optional": True}),
    ]


class _Kind(NamedTuple):
    """A cipher of encrypted key files and the bytes of its key."""

    cipher: type[algorithms.AES | algorithms.SM4]
    size: int


_CIPHERS = {
    "aes128_cbc": _Kind(algorithms.AES, 16),
    "aes192_cbc": _Kind(algorithms.AES, 24),
    "aes256_cbc": _Kind(algorithms.AES, 32),
    "1.2.156.10197.1.104.2": _Kind(algorithms.SM4, 16),
}
_HASHES: dict[str, type[hashes.HashAlgorithm]] = {
    "sha1": hashes.SHA1,
    "sha256": hashes.SHA256,
    "sha512": hashes.SHA512,
    "1.2.156.10197.1.401.2": hashes.SM3,
}


def load(data: bytes, password: bytes | bytearray | None = None) -> tuple[bytes, bytes]:
    """Private number and point of DER PrivateKeyInfo, with a password EncryptedPrivateKeyInfo (RFC 5958).

    The point is as the file says; whether it belongs to the number is for the caller to prove. Reads PBES2
    (RFC 8018) as OpenSSL and GmSSL write it. Raises WrongPassword, ValueError for anything else.
    """
    plain = data if password is None else _unlocked(_read(data, _lock), bytes(password))
    return _read(plain, _parts)


def dump(secret: bytes, point: bytes, password: bytes | bytearray | None = None) -> bytes:
    """DER PrivateKeyInfo; with a password EncryptedPrivateKeyInfo: PBKDF2-HMAC-SHA256 and AES-256-CBC."""
    key = _Key({"version": 1, "secret": secret, "point": point})
    algorithm = {"algorithm": EC_KEY, "curve": SM2_CURVE}
    plain = bytes(_Info({"version": 0, "algorithm": algorithm, "key": key.dump()}).dump())
    if password is None:
        return plain
    salt, vector = secrets.token_bytes(_BLOCK), secrets.token_bytes(_BLOCK)
    aes = algorithms.AES(_stretched(bytes(password), salt, _ROUNDS, hashes.SHA256, 32))
    padder = PKCS7(8 * _BLOCK).padder()
    encryptor = Cipher(aes, modes.CBC(vector)).encryptor()
    encrypted = encryptor.update(padder.update(plain) + padder.finalize()) + encryptor.finalize()
    derivation = {
        "algorithm": _PBKDF2,
        "parameters": {
            "salt": algos.Pbkdf2Salt("specified", salt),
            "iteration_count": _ROUNDS,
            "prf": {"algorithm": "sha256"},
        },
    }
    scheme = {"algorithm": "aes256_cbc", "parameters": vector}
    pbes2 = {"key_derivation_func": derivation, "encryption_scheme": scheme}
    info = {"algorithm": "pbes2", "parameters": pbes2}
    return bytes(
        keys.EncryptedPrivateKeyInfo({"encryption_algorithm": info, "encrypted_data": encrypted}).dump()
    )


class _Lock(NamedTuple):
    """How a key file is encrypted: PBKDF2 with a hash, then a block cipher in CBC mode."""

    salt: bytes
    rounds: int
    hashing: type[hashes.HashAlgorithm]
    kind: _Kind
    vector: bytes
    encrypted: bytes


_Found = TypeVar("_Found")


def _read(data: bytes, parse: Callable[[bytes], _Found]) -> _Found:
    """What `parse` finds in DER. Raises ValueError."""
    try:
        der.check(data, _WHAT, _LIMIT)
        with der.reading(_WHAT):
            return parse(data)
    except BadFormat as error:
        raise ValueError(f"{_WHAT}: {error.reason}") from error


def _parts(plain: bytes) -> tuple[bytes, bytes]:
    info = _Info.load(plain, strict=True)
    der.check(info["key"].native, _WHAT, _LIMIT)
    key = _Key.load(info["key"].native, strict=True)
    algorithm, curve = info["algorithm"], key["curve"].native
    if (algorithm["algorithm"].dotted, algorithm["curve"].dotted) != (EC_KEY, SM2_CURVE):
        raise ValueError("not a key of the SM2 curve")
    if (info["version"].native, key["version"].native) != (0, 1) or curve not in (None, SM2_CURVE):
        raise ValueError("a version or a second curve that does not fit")
    secret, point = key["secret"].native, key["point"].native
    if len(secret) != _NUMBER or point is None or key["point"].contents[:1] != _NO_UNUSED_BITS:
        raise ValueError("a number of the wrong length, or no public key beside it")
    return secret, point


def _lock(data: bytes) -> _Lock:
    info = keys.EncryptedPrivateKeyInfo.load(data, strict=True)
    algorithm = info["encryption_algorithm"]
    if algorithm["algorithm"].native != "pbes2":
        raise ValueError("not encrypted by PBES2")
    derivation = algorithm["parameters"]["key_derivation_func"]
    scheme = algorithm["parameters"]["encryption_scheme"]
    settings = derivation["parameters"]
    rounds = settings["iteration_count"].native
    if derivation["algorithm"].native != _PBKDF2 or not 1 <= rounds <= _MOST_ROUNDS:
        raise ValueError("not PBKDF2, or with an absurd number of rounds")
    hashing = _HASHES[settings["prf"]["algorithm"].native]
    kind = _CIPHERS[scheme["algorithm"].native]
    vector, encrypted = der.octets(scheme["parameters"]), info["encrypted_data"].native
    if len(vector) != _BLOCK:
        raise ValueError("an initial vector of the wrong length")
    return _Lock(der.octets(settings["salt"]), rounds, hashing, kind, vector, encrypted)


def _unlocked(lock: _Lock, password: bytes) -> bytes:
    key = _stretched(password, lock.salt, lock.rounds, lock.hashing, lock.kind.size)
    decryptor = Cipher(lock.kind.cipher(key), modes.CBC(lock.vector)).decryptor()
    unpadder = PKCS7(8 * _BLOCK).unpadder()
    try:
        padded = decryptor.update(lock.encrypted) + decryptor.finalize()
        plain = unpadder.update(padded) + unpadder.finalize()
        der.check(plain, _WHAT, _LIMIT)
    except (ValueError, BadFormat) as error:
        raise WrongPassword("the password does not open the key") from error
    return plain


def _stretched(
    password: bytes, salt: bytes, rounds: int, hashing: type[hashes.HashAlgorithm], size: int
) -> bytes:
    return PBKDF2HMAC(algorithm=hashing(), length=size, salt=salt, iterations=rounds).derive(password)
