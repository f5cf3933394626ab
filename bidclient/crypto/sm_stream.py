"""SM4-GCM and SM3 for big files, in the shape of AESGCM and hashlib, by the fastest library at hand."""

from functools import cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from bidclient.crypto.libgcrypt import Libgcrypt, LibgcryptProblem, Readable, RunningSm3
from bidclient.crypto.suite import RunningDigest

TAG = 16
_KEY = 16
_NONCE = 12


class Sm4Gcm:
    """SM4-GCM (RFC 8998) with a 16-byte key, 12-byte nonces and 16-byte tags; threads may share one."""

    def __init__(self, key: bytes, plain: bool = False) -> None:
        """`plain` leaves libgcrypt aside. Raises ValueError for a key of another length."""
        if len(key) != _KEY:
            raise ValueError(f"an SM4 key of {len(key)} bytes, {_KEY} expected")
        self._key = bytes(key)
        self._fast = None if plain else _libgcrypt()

    def encrypt_into(self, nonce: bytes, data: Readable, associated: bytes | None, out: memoryview) -> int:
        """Ciphertext and tag into `out`, which must be 16 bytes longer than `data`; returns its length.

        Raises ValueError for wrong lengths.
        """
        _check(nonce, len(out), len(data) + TAG)
        if self._fast is not None:
            self._fast.seal(self._key, nonce, data, associated or b"", out)
        else:
            _seal(self._key, nonce, data, associated or b"", out)
        return len(out)

    def decrypt_into(self, nonce: bytes, data: Readable, associated: bytes | None, out: memoryview) -> int:
        """Plaintext into `out`, which must be 16 bytes shorter than `data`; returns its length.

        Raises InvalidTag, and then `out` holds zeros; ValueError for wrong lengths.
        """
        if len(data) < TAG:
            raise InvalidTag
        _check(nonce, len(out), len(data) - TAG)
        if self._fast is None:
            _unseal(self._key, nonce, data, associated or b"", out)
        elif not self._fast.unseal(self._key, nonce, data, associated or b"", out):
            raise InvalidTag
        return len(out)


def new_sm3(plain: bool = False) -> RunningDigest:
    """A running SM3 (GB/T 32905); `plain` leaves libgcrypt aside."""
    fast = None if plain else _libgcrypt()
    return RunningSm3(fast) if fast is not None else _PlainSm3()


def library() -> str:
    """The name of the library that works here, for reports."""
    return "cryptography" if _libgcrypt() is None else "libgcrypt"


class _PlainSm3:
    """SM3 by `cryptography`."""

    def __init__(self) -> None:
        self._context = hashes.Hash(hashes.SM3())

    def update(self, data: Readable) -> None:
        self._context.update(data)

    def digest(self) -> bytes:
        return self._context.copy().finalize()

    def hexdigest(self) -> str:
        return self.digest().hex()


def _check(nonce: bytes, room: int, needed: int) -> None:
    if len(nonce) != _NONCE:
        raise ValueError(f"a nonce of {len(nonce)} bytes, {_NONCE} expected")
    if room != needed:
        raise ValueError(f"room for {room} bytes, {needed} needed")


def _seal(key: bytes, nonce: bytes, data: Readable, associated: bytes, out: memoryview) -> None:
    encryptor = Cipher(algorithms.SM4(key), modes.GCM(nonce)).encryptor()
    encryptor.authenticate_additional_data(associated)
    encryptor.update_into(data, out)
    encryptor.finalize()
    out[len(data) :] = encryptor.tag


def _unseal(key: bytes, nonce: bytes, data: Readable, associated: bytes, out: memoryview) -> None:
    size = len(out)
    decryptor = Cipher(algorithms.SM4(key), modes.GCM(nonce, bytes(data[size:]))).decryptor()
    decryptor.authenticate_additional_data(associated)
    try:
        decryptor.update_into(memoryview(data)[:size], out)
        decryptor.finalize()
    except (InvalidTag, ValueError) as error:
        # After a chain with a bad signature pyOpenSSL leaves an error behind in this thread, and
        # `cryptography` then takes a wrong tag for a wrong length.
        out[:] = bytes(size)
        raise InvalidTag from error


@cache
def _libgcrypt() -> Libgcrypt | None:
    """libgcrypt, if it is here and agrees with `cryptography`; the two share no code."""
    try:
        library = Libgcrypt()
        return library if _agrees(library) else None
    except LibgcryptProblem:
        return None


def _agrees(library: Libgcrypt) -> bool:
    """Whether a text long enough for every fast path, and not of whole blocks, comes out the same."""
    key, nonce, associated = bytes(range(_KEY)), bytes(range(_NONCE)), b"agree"
    text = bytes(index * index % 251 for index in range(16 * 1024 + 13))
    outputs = [memoryview(bytearray(len(text) + TAG)) for _ in range(2)]
    library.seal(key, nonce, text, associated, outputs[0])
    _seal(key, nonce, text, associated, outputs[1])
    back = memoryview(bytearray(len(text)))
    right = library.unseal(key, nonce, outputs[0], associated, back) and back == text
    outputs[0][0] ^= 1
    wrong = library.unseal(key, nonce, outputs[0], associated, back)
    outputs[0][0] ^= 1
    digests = RunningSm3(library), _PlainSm3()
    for digest in digests:
        digest.update(text)
    same = outputs[0] == outputs[1] and digests[0].digest() == digests[1].digest()
    return right and not wrong and same
