"""The Chinese algorithms that `cryptography` leaves out: SM2 (GB/T 32918), and SM3 with Z as SM2 wants it."""

from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes

from bidclient.crypto import sm_pkcs8
from bidclient.crypto.sm_engine import LONGEST, engine
from bidclient.crypto.sm_forms import (
    CURVE,
    CipherOrder,
    check_point,
    cipher_from_raw,
    cipher_to_raw,
    signature_from_raw,
    signature_to_raw,
)

__all__ = [
    "SM2_ID",
    "CipherOrder",
    "Sm2PrivateKey",
    "check_point",
    "cipher_from_raw",
    "cipher_to_raw",
    "encrypt",
    "signature_from_raw",
    "signature_to_raw",
    "signing_digest",
    "sm3",
    "verify",
    "verify_digest",
    "za",
]

SM2_ID = b"1234567812345678"
"""The identity of every signer who has agreed on no other (GM/T 0009 §10)."""

_DIGEST = 32
_LONGEST_ID = 0xFFFF // 8


def sm3(data: bytes | bytearray | memoryview) -> bytes:
    """The 32-byte SM3 digest (GB/T 32905, GM/T 0004)."""
    context = hashes.Hash(hashes.SM3())
    context.update(data)
    return context.finalize()


def za(point: bytes, identity: bytes = SM2_ID) -> bytes:
    """Z, the digest of identity, curve and public key (GB/T 32918.2 §5.5). Raises ValueError."""
    check_point(point)
    if len(identity) > _LONGEST_ID:
        raise ValueError(f"an identity of {len(identity)} bytes, at most {_LONGEST_ID} allowed")
    return sm3((8 * len(identity)).to_bytes(2, "big") + identity + CURVE + point[1:])


def signing_digest(point: bytes, message: bytes, identity: bytes = SM2_ID) -> bytes:
    """e = SM3(Z‖M), the 32 bytes that are signed (GB/T 32918.2 §6.1). Raises ValueError for a bad point."""
    return sm3(za(point, identity) + message)


def verify(point: bytes, message: bytes, signature: bytes, identity: bytes = SM2_ID) -> None:
    """Raise InvalidSignature unless `signature` (DER) is one over `message`; ValueError for a bad point.

    Raises Sm2Missing when nothing here computes SM2.
    """
    verify_digest(point, signing_digest(point, message, identity), signature)


def verify_digest(point: bytes, digest: bytes, signature: bytes) -> None:
    """The same over e. Raises InvalidSignature, ValueError for a bad point or digest, Sm2Missing."""
    check_point(point)
    _check_digest(digest)
    try:
        signature_to_raw(signature)
    except ValueError as error:
        raise InvalidSignature from error
    engine().verify(point, digest, signature)


def encrypt(point: bytes, data: bytes | bytearray) -> bytes:
    """DER SM2Cipher (GB/T 32918.4, GM/T 0009 §7.2) of 1 to 255 bytes. Raises ValueError, Sm2Missing."""
    check_point(point)
    if not 1 <= len(data) <= LONGEST:
        raise ValueError(f"SM2 encrypts 1 to {LONGEST} bytes here, not {len(data)}")
    return engine().encrypt(point, bytes(data))


@dataclass(frozen=True)
class Sm2PrivateKey:
    """A private key in memory: for soft keys, sandbox and tests; a bidder's own key stays in its token."""

    point: bytes
    """65 bytes 04‖X‖Y."""
    _secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        check_point(self.point)
        probe = sm3(self.point)
        try:
            verify_digest(self.point, probe, engine().sign(self._secret, self.point, probe))
        except InvalidSignature as error:
            raise ValueError("the private number and the point are not a pair") from error

    @classmethod
    def generate(cls) -> "Sm2PrivateKey":
        """A new key. Raises Sm2Missing."""
        secret, point = engine().generate()
        return cls(point, secret)

    @classmethod
    def from_pkcs8(cls, der: bytes, password: bytes | bytearray | None = None) -> "Sm2PrivateKey":
        """The key in DER PrivateKeyInfo, or with a password in EncryptedPrivateKeyInfo (RFC 5958).

        Raises sm_pkcs8.WrongPassword (a ValueError), ValueError for anything else that is not such a key,
        Sm2Missing.
        """
        secret, point = sm_pkcs8.load(der, password)
        return cls(point, secret)

    def to_pkcs8(self, password: bytes | bytearray | None = None) -> bytes:
        """DER PrivateKeyInfo, with a password EncryptedPrivateKeyInfo that OpenSSL reads (AES-256)."""
        return sm_pkcs8.dump(self._secret, self.point, password)

    def sign(self, message: bytes, identity: bytes = SM2_ID) -> bytes:
        """A DER signature over `message`."""
        return self.sign_digest(signing_digest(self.point, message, identity))

    def sign_digest(self, digest: bytes) -> bytes:
        """A DER signature over the 32-byte e. Raises ValueError for another length."""
        _check_digest(digest)
        return engine().sign(self._secret, self.point, digest)

    def decrypt(self, cipher: bytes) -> bytes:
        """The data of a DER SM2Cipher. Raises ValueError when it is malformed, tampered or not for us."""
        cipher_to_raw(cipher, "C1C3C2", prefix=False)
        return engine().decrypt(self._secret, self.point, cipher)


def _check_digest(digest: bytes) -> None:
    if len(digest) != _DIGEST:
        raise ValueError(f"a digest of {len(digest)} bytes, {_DIGEST} expected")
