"""SM4-GCM and SM3 by libgcrypt, where it is installed: several times faster than `cryptography`."""

import ctypes
import sys
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import byref, c_char, c_char_p, c_int, c_size_t, c_uint, c_void_p, string_at
from typing import Any

Readable = bytes | bytearray | memoryview

_NAMES = {"linux": "libgcrypt.so.20", "darwin": "libgcrypt.20.dylib"}
"""Not on Windows, where a bare name might load what somebody put into the working directory."""
_OLDEST = b"1.9.0"
_SM4, _GCM, _SM3 = 318, 9, 326
"""GCRY_CIPHER_SM4, GCRY_CIPHER_MODE_GCM and GCRY_MD_SM3 of gcrypt.h."""
_INITIALIZATION_FINISHED = 38
_DIGEST = 32

_Function = Any
"""A function of a C library: ctypes has no narrower type that knows arguments and result."""


class LibgcryptProblem(Exception):
    """There is no libgcrypt 1.9 here, or it did not do what was asked."""


class Libgcrypt:
    """The functions of libgcrypt that are used here. Other threads of Python run meanwhile."""

    def __init__(self) -> None:
        """Raises LibgcryptProblem."""
        self._library = _load()
        pointer, size = c_void_p, c_size_t
        if not self._function("gcry_check_version", c_char_p, c_char_p)(_OLDEST):
            raise LibgcryptProblem("older than 1.9")
        self._function("gcry_control", c_uint, c_int)(_INITIALIZATION_FINISHED)
        self._open = self._function("gcry_cipher_open", c_uint, pointer, c_int, c_int, c_uint)
        self._close = self._function("gcry_cipher_close", None, pointer)
        self._set_key = self._function("gcry_cipher_setkey", c_uint, pointer, c_char_p, size)
        self._set_nonce = self._function("gcry_cipher_setiv", c_uint, pointer, c_char_p, size)
        self._associate = self._function("gcry_cipher_authenticate", c_uint, pointer, c_char_p, size)
        crypt = (c_uint, pointer, pointer, size, pointer, size)
        self._encrypt = self._function("gcry_cipher_encrypt", *crypt)
        self._decrypt = self._function("gcry_cipher_decrypt", *crypt)
        self._get_tag = self._function("gcry_cipher_gettag", c_uint, pointer, pointer, size)
        self._check_tag = self._function("gcry_cipher_checktag", c_uint, pointer, pointer, size)
        self._md_open = self._function("gcry_md_open", c_uint, pointer, c_int, c_uint)
        self._md_copy = self._function("gcry_md_copy", c_uint, pointer, pointer)
        self._md_read = self._function("gcry_md_read", pointer, pointer, c_int)
        self.md_close = self._function("gcry_md_close", None, pointer)
        self.md_write = self._function("gcry_md_write", None, pointer, pointer, size)

    def seal(self, key: bytes, nonce: bytes, data: Readable, associated: bytes, out: memoryview) -> None:
        """SM4-GCM of `data` into `out`, which is longer by the tag. Raises LibgcryptProblem."""
        size = len(data)
        with self._cipher(key, nonce, associated) as cipher:
            self._expect(self._encrypt(cipher, address(out), size, address(data), size))
            self._expect(self._get_tag(cipher, address(out, size), len(out) - size))

    def unseal(self, key: bytes, nonce: bytes, data: Readable, associated: bytes, out: memoryview) -> bool:
        """The other way; False, and zeros in `out`, when the tag is wrong. Raises LibgcryptProblem."""
        size = len(out)
        with self._cipher(key, nonce, associated) as cipher:
            self._expect(self._decrypt(cipher, address(out), size, address(data), size))
            if self._check_tag(cipher, address(data, size), len(data) - size) == 0:
                return True
        out[:] = bytes(size)
        return False

    def new_digest(self) -> c_void_p:
        """A handle of a running SM3, for md_write and md_close. Raises LibgcryptProblem."""
        handle = c_void_p()
        self._expect(self._md_open(byref(handle), _SM3, 0))
        return handle

    def digest_of(self, handle: c_void_p) -> bytes:
        """The SM3 of what was written so far; more can be written after. Raises LibgcryptProblem."""
        copy = c_void_p()
        self._expect(self._md_copy(byref(copy), handle))
        try:
            return string_at(self._md_read(copy, _SM3), _DIGEST)
        finally:
            self.md_close(copy)

    @contextmanager
    def _cipher(self, key: bytes, nonce: bytes, associated: bytes) -> Iterator[c_void_p]:
        handle = c_void_p()
        self._expect(self._open(byref(handle), _SM4, _GCM, 0))
        try:
            self._expect(self._set_key(handle, key, len(key)))
            self._expect(self._set_nonce(handle, nonce, len(nonce)))
            self._expect(self._associate(handle, associated, len(associated)))
            yield handle
        finally:
            self._close(handle)

    def _expect(self, code: int) -> None:
        if code != 0:
            raise LibgcryptProblem(f"error {code & 0xFFFF}")

    def _function(self, name: str, result: type | None, *arguments: type) -> _Function:
        try:
            found: _Function = getattr(self._library, name)
        except AttributeError as error:
            raise LibgcryptProblem(f"no {name}") from error
        found.restype, found.argtypes = result, arguments
        return found


class RunningSm3:
    """An SM3 that grows, as those of hashlib do."""

    def __init__(self, library: Libgcrypt) -> None:
        """Raises LibgcryptProblem."""
        self._library = library
        self._handle = library.new_digest()
        weakref.finalize(self, library.md_close, self._handle)

    def update(self, data: Readable) -> None:
        """Take in more bytes."""
        self._library.md_write(self._handle, address(data), len(data))

    def digest(self) -> bytes:
        """The 32 bytes so far."""
        return self._library.digest_of(self._handle)

    def hexdigest(self) -> str:
        """The same as 64 hex digits."""
        return self.digest().hex()


def address(data: Readable, offset: int = 0) -> object:
    """Where the bytes of `data` lie, as an argument of a C function that keeps them alive; None for no bytes.

    Read-only bytes behind a view are copied, because ctypes points only to what may be written.
    """
    if offset >= len(data):
        return None
    if isinstance(data, bytes):
        return data[offset:]
    if memoryview(data).readonly:
        return bytes(data[offset:])
    return byref(c_char.from_buffer(data, offset))


def _load() -> ctypes.CDLL:
    name = _NAMES.get(sys.platform)
    if name is None:
        raise LibgcryptProblem("not looked for on this system")
    try:
        return ctypes.CDLL(name)
    except OSError as error:
        raise LibgcryptProblem(f"no {name}") from error
