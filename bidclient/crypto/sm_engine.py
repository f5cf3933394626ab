"""Chooses who computes SM2 here: the first library at hand that passes the examples of the standard."""

import importlib
from collections.abc import Callable, Sequence
from functools import cache
from typing import Protocol, TypeVar

from cryptography.exceptions import InvalidSignature

from bidclient.crypto.libcrypto import Libcrypto, LibcryptoMissing
from bidclient.crypto.sm_forms import cipher_from_raw, signature_from_raw
from bidclient.errors import Sm2Missing

LONGEST = 255
"""The bytes that every engine encrypts at once; what we encrypt is a 16-byte key."""

_Answer = TypeVar("_Answer")


class Engine(Protocol):
    """SM2 on fixed forms: 32-byte numbers and digests, 65-byte points, DER signatures and ciphertexts."""

    @property
    def name(self) -> str:
        """The library."""

    def generate(self) -> tuple[bytes, bytes]:
        """A new private number and its point."""

    def sign(self, secret: bytes, point: bytes, digest: bytes) -> bytes:
        """A DER signature over e."""

    def verify(self, point: bytes, digest: bytes, signature: bytes) -> None:
        """Raises InvalidSignature."""

    def encrypt(self, point: bytes, data: bytes) -> bytes:
        """A DER SM2Cipher."""

    def decrypt(self, secret: bytes, point: bytes, cipher: bytes) -> bytes:
        """The data of a DER SM2Cipher. Raises ValueError."""


class Gmssl:
    """SM2 by gmssl-pyx (GmSSL), where Python has no libcrypto 3 of its own."""

    name = "gmssl-pyx"

    def __init__(self) -> None:
        """Raises ImportError."""
        self._library = importlib.import_module("gmssl_pyx")

    def generate(self) -> tuple[bytes, bytes]:
        """A new private number and its point."""
        pair, secret = self._library.sm2_key_generate()
        return bytes(secret), b"\x04" + bytes(pair)

    def sign(self, secret: bytes, point: bytes, digest: bytes) -> bytes:
        """A DER signature over e."""
        return bytes(self._call(self._library.sm2_sign_sm3_digest, secret, digest))

    def verify(self, point: bytes, digest: bytes, signature: bytes) -> None:
        """Raises InvalidSignature."""
        try:
            right: bool = self._call(self._library.sm2_verify_sm3_digest, point[1:], digest, signature)
        except ValueError as error:
            raise InvalidSignature from error
        if right is not True:
            raise InvalidSignature

    def encrypt(self, point: bytes, data: bytes) -> bytes:
        """A DER SM2Cipher."""
        return bytes(self._call(self._library.sm2_encrypt, point[1:], data))

    def decrypt(self, secret: bytes, point: bytes, cipher: bytes) -> bytes:
        """The data of a DER SM2Cipher. Raises ValueError."""
        return bytes(self._call(self._library.sm2_decrypt, secret, cipher))

    def _call(self, function: Callable[..., _Answer], *arguments: bytes) -> _Answer:
        try:
            return function(*arguments)
        except self._library.GmsslInnerError as error:
            raise ValueError("gmssl-pyx refuses this SM2 operation") from error


ENGINES: tuple[Callable[[], Engine], ...] = (Libcrypto, Gmssl)
"""In order of preference: libcrypto takes the same time whatever the key, GmSSL was measured not to."""


@cache
def engine() -> Engine:
    """The engine of this process. Raises Sm2Missing."""
    return choose(ENGINES)


def choose(makers: Sequence[Callable[[], Engine]]) -> Engine:
    """The first engine that is here and passes `prove`. Raises Sm2Missing."""
    reasons = []
    for make in makers:
        try:
            made = make()
            prove(made)
        except (ImportError, LibcryptoMissing, ValueError, InvalidSignature) as error:
            reasons.append(f"{make.__name__}: {error or type(error).__name__}")
        else:
            return made
    raise Sm2Missing("; ".join(reasons))


_SECRET = bytes.fromhex("3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8")
_POINT = bytes.fromhex(
    "0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
    "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
)
_DIGEST = bytes.fromhex("f0b43e94ba45accaace692ed534382eb17e6ab5a19ce7b31f4486fdfc0d28640")
_SIGNATURE = bytes.fromhex(
    "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"
    "b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa"
)
_TEXT = b"encryption standard"
_CIPHER = bytes.fromhex(
    "04ebfc718e8d1798620432268e77feb6415e2ede0e073c0f4f640ecd2e149a73e8"
    "58f9d81e5430a57b36daab8f950a3c64e6ee6a63094d99283aff767e124df0"
    "59983c18f809e262923c53aec295d30383b54e39d609d160afcb1908d0bd8766"
    "21886ca989ca9c7d58087307ca93092d651efa"
)
"""The examples of GB/T 32918.5-2017 (GM/T 0003.5): r‖s, and C1C3C2 without prefix."""


def prove(candidate: Engine) -> None:
    """Known answers of GB/T 32918.5, and the engine's own work. Raises ValueError, InvalidSignature."""
    candidate.verify(_POINT, _DIGEST, signature_from_raw(_SIGNATURE))
    candidate.verify(_POINT, _DIGEST, candidate.sign(_SECRET, _POINT, _DIGEST))
    for cipher in (cipher_from_raw(_CIPHER, "C1C3C2"), candidate.encrypt(_POINT, _TEXT)):
        if candidate.decrypt(_SECRET, _POINT, cipher) != _TEXT:
            raise ValueError("wrong decryption")
    try:
        candidate.verify(_POINT, bytes(reversed(_DIGEST)), signature_from_raw(_SIGNATURE))
    except InvalidSignature:
        return
    raise ValueError("a wrong signature passes")
