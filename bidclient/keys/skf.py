"""The one place that calls SKF functions (GM/T 0016, GB/T 35291) by ctypes; it runs only inside a key host.

A ULONG has 4 or 8 bytes, as the vendor likes it. By value it goes as a word of the machine, whose lower half
is what a library of 4 bytes reads. By reference it goes as 8 bytes, the upper 4 of them zero, which both read
and write alike on little-endian machines. So only structures need to know; see keys/skf_layout.py.
"""

import ctypes
from dataclasses import dataclass, replace

from bidclient.errors import DriverFailed, KeyRefused
from bidclient.keys.ckr import TokenFacts
from bidclient.keys.sar import BUFFER_TOO_SMALL, OK, named
from bidclient.keys.skf_layout import Width

LIST_LIMIT = 16 * 1024
DATA_LIMIT = 64 * 1024
"""Bytes: more is nonsense, which is what a wrong idea of a library's types looks like."""

_SLACK = 64
"""Bytes behind each buffer, for libraries that count badly."""
_VECTOR_ROOM = 32
_RESULT = 0xFFFFFFFF

Handle = ctypes.c_void_p
Cell = ctypes.c_uint64
"""A ULONG or BOOL by reference."""


def word(value: int) -> ctypes.c_size_t:
    """A ULONG or BOOL by value."""
    return ctypes.c_size_t(value)


@dataclass(frozen=True)
class Functions:
    """The functions of one library, with what errors say about the token that they are called for.

    All methods raise what keys/sar.py makes of a return code, and KeyRefused for a function that is missing.
    """

    library: ctypes.CDLL
    token: TokenFacts

    def about(self, token: TokenFacts) -> "Functions":
        """The same for another token."""
        return replace(self, token=token)

    def code(self, operation: str, *arguments: object) -> int:
        """What `operation` returns; bytes among the arguments are handed over as a copy."""
        function = getattr(self.library, operation, None)
        if function is None:
            raise KeyRefused(operation, "the library does not have this function")
        given = [ctypes.create_string_buffer(one) if isinstance(one, bytes) else one for one in arguments]
        return int(function(*given)) & _RESULT

    def call(self, operation: str, *arguments: object) -> None:
        """Call `operation`, which gives nothing back."""
        code = self.code(operation, *arguments)
        if code != OK:
            raise named(code, operation, self.token)

    def handle(self, operation: str, *arguments: object) -> Handle:
        """The handle that `operation` puts into its last parameter."""
        made = Handle()
        self.call(operation, *arguments, ctypes.byref(made))
        if not made.value:
            raise DriverFailed(operation, "no handle")
        return made

    def numbers(self, operation: str, *arguments: object, count: int) -> list[int]:
        """The `count` numbers that `operation` puts into its last parameters."""
        cells = [Cell() for _ in range(count)]
        self.call(operation, *arguments, *map(ctypes.byref, cells))
        return [cell.value for cell in cells]

    def data(self, operation: str, *arguments: object, limit: int = DATA_LIMIT) -> bytes:
        """What `operation` puts into a buffer, after it was asked for the size. Nothing can be its answer."""
        size = Cell()
        code = self.code(operation, *arguments, None, ctypes.byref(size))
        if code not in (OK, BUFFER_TOO_SMALL):
            raise named(code, operation, self.token)
        if size.value > limit:
            raise DriverFailed(operation, f"a size of {size.value} bytes")
        return self.filled(operation, *arguments, room=size.value) if size.value else b""

    def filled(self, operation: str, *arguments: object, room: int) -> bytes:
        """What `operation` puts into a buffer of `room` bytes, without being asked for the size first."""
        buffer, size = ctypes.create_string_buffer(room + _SLACK), Cell(room)
        self.call(operation, *arguments, buffer, ctypes.byref(size))
        if size.value > room:
            raise DriverFailed(operation, f"a size of {size.value} bytes")
        return buffer.raw[: size.value]

    def names(self, operation: str, *arguments: object) -> list[bytes]:
        """A list of names: each ends with a zero byte, and the list with another one."""
        return [name for name in self.data(operation, *arguments, limit=LIST_LIMIT).split(b"\0") if name]

    def structure(self, operation: str, *arguments: object, room: int) -> bytes:
        """A structure of at most `room` bytes that `operation` fills; zeros behind it."""
        buffer = ctypes.create_string_buffer(room + _SLACK)
        self.call(operation, *arguments, buffer)
        return buffer.raw[:room]


class _Parameters4(ctypes.Structure):
    _fields_ = (
        ("vector", ctypes.c_ubyte * _VECTOR_ROOM),
        ("vector_size", ctypes.c_uint32),
        ("padding", ctypes.c_uint32),
        ("feedback", ctypes.c_uint32),
    )


class _Parameters8(ctypes.Structure):
    _fields_ = (
        ("vector", ctypes.c_ubyte * _VECTOR_ROOM),
        ("vector_size", ctypes.c_uint64),
        ("padding", ctypes.c_uint64),
        ("feedback", ctypes.c_uint64),
    )


def cipher_parameters(vector: bytes, ulong: Width) -> ctypes.Structure:
    """A BLOCKCIPHERPARAM without padding; nothing in it depends on the packing."""
    kind = _Parameters4 if ulong == 4 else _Parameters8
    made = kind(vector_size=len(vector))
    made.vector[: len(vector)] = vector
    return made
