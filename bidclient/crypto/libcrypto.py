"""SM2 by the OpenSSL that Python itself runs on, because `cryptography` reads no SM2 keys."""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import byref, c_char_p, c_int, c_long, c_size_t, c_ulong, c_void_p, create_string_buffer
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature

_OLDEST = 0x30000000
_SPKI = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d034200")
"""SubjectPublicKeyInfo of an SM2 key (RFC 5480 with curve 1.2.156.10197.1.301) up to its 65-byte point."""
_PKCS8 = bytes.fromhex("308187020100301306072a8648ce3d020106082a811ccf5501822d046d306b0201010420")
_PKCS8_POINT = bytes.fromhex("a144034200")
"""PrivateKeyInfo (RFC 5208) of an SM2 key before its 32-byte number, and between that and its point."""
_NUMBER = 32
_POINT = 65
_LONGEST_DER = 72

_WINDOWS = ("libcrypto-3-x64.dll", "libcrypto-3-arm64.dll", "libcrypto-3.dll")
_ELSEWHERE = {"linux": ("libcrypto.so.3",), "darwin": ("libcrypto.3.dylib",)}

_Function = Any
"""A function of a C library: ctypes has no narrower type that knows arguments and result."""


class LibcryptoMissing(Exception):
    """There is no libcrypto 3 here, or it has no SM2."""


class Libcrypto:
    """SM2 by libcrypto 3 or later (EVP_PKEY). Points are 65 bytes 04‖X‖Y, checked to lie on the curve."""

    name = "libcrypto"

    def __init__(self) -> None:
        """Raises LibcryptoMissing."""
        self._library = _load()
        self._declare()

    def generate(self) -> tuple[bytes, bytes]:
        """A new private number and its point."""
        with self._freed(self._context_by_name(None, b"SM2", None), self._free_context) as context:
            self._expect(self._keygen_init(context))
            slot = c_void_p()
            self._expect(self._generate(context, byref(slot)))
        with self._freed(slot.value, self._free_key) as key:
            point, length = create_string_buffer(_POINT), c_size_t()
            self._expect(self._get_octets(key, b"pub", point, _POINT, byref(length)))
            number = c_void_p()
            self._expect(self._get_number(key, b"priv", byref(number)))
            secret = create_string_buffer(_NUMBER)
            try:
                self._number_to_bytes(number, secret, _NUMBER)
            finally:
                self._clear_number(number)
            return secret.raw, point.raw

    def sign(self, secret: bytes, point: bytes, digest: bytes) -> bytes:
        """DER SEQUENCE {r, s} over the 32-byte e."""
        with self._private(secret, point) as context:
            self._expect(self._sign_init(context))
            return self._fill(self._sign, context, digest, _LONGEST_DER)

    def verify(self, point: bytes, digest: bytes, signature: bytes) -> None:
        """Raises InvalidSignature unless `signature` (DER) is one over the 32-byte e."""
        with self._public(point) as context:
            self._expect(self._verify_init(context))
            if self._verify(context, signature, len(signature), digest, len(digest)) != 1:
                self._clear_errors()
                raise InvalidSignature

    def encrypt(self, point: bytes, data: bytes) -> bytes:
        """DER SM2Cipher (GM/T 0009) of `data`."""
        with self._public(point) as context:
            self._expect(self._encrypt_init(context))
            return self._fill(self._encrypt, context, data, len(data) + 2 * _LONGEST_DER)

    def decrypt(self, secret: bytes, point: bytes, cipher: bytes) -> bytes:
        """The data of a DER SM2Cipher. Raises ValueError."""
        with self._private(secret, point) as context:
            self._expect(self._decrypt_init(context))
            return self._fill(self._decrypt, context, cipher, len(cipher))

    def _fill(self, operation: _Function, context: c_void_p, data: bytes, room: int) -> bytes:
        buffer, length = create_string_buffer(room), c_size_t(room)
        try:
            self._expect(operation(context, buffer, byref(length), data, len(data)))
            return buffer.raw[: length.value]
        finally:
            ctypes.memset(buffer, 0, room)

    @contextmanager
    def _public(self, point: bytes) -> Iterator[c_void_p]:
        with self._context(self._read_public, _SPKI + point) as context:
            yield context

    @contextmanager
    def _private(self, secret: bytes, point: bytes) -> Iterator[c_void_p]:
        with self._context(self._read_private, _PKCS8 + secret + _PKCS8_POINT + point) as context:
            yield context

    @contextmanager
    def _context(self, read: _Function, data: bytes) -> Iterator[c_void_p]:
        position = c_char_p(data)
        with (
            self._freed(read(None, byref(position), len(data)), self._free_key) as key,
            self._freed(self._context_of(key, None), self._free_context) as context,
        ):
            yield context

    @contextmanager
    def _freed(self, address: int | None, free: _Function) -> Iterator[c_void_p]:
        if not address:
            self._clear_errors()
            raise ValueError("libcrypto does not take this SM2 key")
        pointer = c_void_p(address)
        try:
            yield pointer
        finally:
            free(pointer)

    def _expect(self, result: int) -> None:
        """Raises ValueError for a failure; the error queue is shared with Python's ssl and left empty."""
        if result != 1:
            self._clear_errors()
            raise ValueError("libcrypto refuses this SM2 operation")

    def _declare(self) -> None:
        """Look up every function once. Raises LibcryptoMissing."""
        pointer, size = c_void_p, c_size_t
        operation = (pointer, pointer, pointer, c_char_p, size)
        self._clear_errors = self._function("ERR_clear_error", None)
        self._read_public = self._function("d2i_PUBKEY", pointer, pointer, pointer, c_long)
        self._read_private = self._function("d2i_AutoPrivateKey", pointer, pointer, pointer, c_long)
        self._free_key = self._function("EVP_PKEY_free", None, pointer)
        self._context_of = self._function("EVP_PKEY_CTX_new", pointer, pointer, pointer)
        self._context_by_name = self._function(
            "EVP_PKEY_CTX_new_from_name", pointer, pointer, c_char_p, c_char_p
        )
        self._free_context = self._function("EVP_PKEY_CTX_free", None, pointer)
        self._keygen_init = self._function("EVP_PKEY_keygen_init", c_int, pointer)
        self._generate = self._function("EVP_PKEY_generate", c_int, pointer, pointer)
        self._get_octets = self._function(
            "EVP_PKEY_get_octet_string_param", c_int, pointer, c_char_p, pointer, size, pointer
        )
        self._get_number = self._function("EVP_PKEY_get_bn_param", c_int, pointer, c_char_p, pointer)
        self._number_to_bytes = self._function("BN_bn2binpad", c_int, pointer, pointer, c_int)
        self._clear_number = self._function("BN_clear_free", None, pointer)
        self._sign_init = self._function("EVP_PKEY_sign_init", c_int, pointer)
        self._sign = self._function("EVP_PKEY_sign", c_int, *operation)
        self._verify_init = self._function("EVP_PKEY_verify_init", c_int, pointer)
        self._verify = self._function("EVP_PKEY_verify", c_int, pointer, c_char_p, size, c_char_p, size)
        self._encrypt_init = self._function("EVP_PKEY_encrypt_init", c_int, pointer)
        self._encrypt = self._function("EVP_PKEY_encrypt", c_int, *operation)
        self._decrypt_init = self._function("EVP_PKEY_decrypt_init", c_int, pointer)
        self._decrypt = self._function("EVP_PKEY_decrypt", c_int, *operation)

    def _function(self, name: str, result: type | None, *arguments: type) -> _Function:
        try:
            found: _Function = getattr(self._library, name)
        except AttributeError as error:
            raise LibcryptoMissing(f"no {name}") from error
        found.restype, found.argtypes = result, arguments
        return found


def _load() -> ctypes.CDLL:
    """The libcrypto that this Python already uses, else the system's. Raises LibcryptoMissing."""
    for name in _candidates():
        try:
            library = ctypes.CDLL(name)
            version = library.OpenSSL_version_num
        except (OSError, AttributeError):
            continue
        version.restype = c_ulong
        if version() >= _OLDEST:
            return library
    raise LibcryptoMissing("no libcrypto 3")


def _candidates() -> Iterator[str]:
    """Python's own extension modules first: on Linux and macOS a look-up through them finds what they link.

    Windows looks only into the file itself, so there the DLL beside them is named, by its whole path: a bare
    name might load what somebody put into the working directory.
    """
    modules = [file for file in (_file("_hashlib"), _file("_ssl")) if file is not None]
    if sys.platform == "win32":
        yield from (str(module.with_name(name)) for module in modules for name in _WINDOWS)
        return
    yield from map(str, modules)
    yield from _ELSEWHERE.get(sys.platform, ())


def _file(module: str) -> Path | None:
    """The file of an extension module; None when there is none, or it is built into the interpreter."""
    spec = find_spec(module)
    return Path(spec.origin) if spec is not None and spec.has_location and spec.origin else None
