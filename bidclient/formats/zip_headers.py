"""The headers of a ZIP as functions of what they describe, and the comparison of found ones with these.

PKWARE APPNOTE 6.3.10 §4.3.7 (local header), §4.3.12 (central header), §4.3.16 (end record).
"""

import struct
from dataclasses import dataclass

from bidclient.errors import BadArchive

CRC_AT = 14
LOCAL = struct.Struct("<4s5H3L2H")
CENTRAL = struct.Struct("<4s6H3L5H2L")
END = struct.Struct("<4s4H2LH")
LOCAL_FIELDS = ("signature", "version", "flags", "method", "time", "date", "crc", "compressed size", "size",
                 "name length", "extra length")  # fmt: skip
CENTRAL_FIELDS = ("signature", "made by", *LOCAL_FIELDS[1:], "comment length", "disk",
                   "internal attributes", "external attributes", "offset")  # fmt: skip
END_FIELDS = ("signature", "disk", "directory disk", "entries on this disk", "entries", "directory size",
               "directory offset", "comment length")  # fmt: skip
_VERSION = 20
_MADE_BY = 3 << 8 | _VERSION
_DATE = 1 << 5 | 1  # 1980-01-01
_UTF8 = 1 << 11
_FILE_MODE = 0o100644 << 16


@dataclass(frozen=True)
class Entry:
    """One stored file: `offset` is that of its first content byte."""

    name: str
    size: int
    crc32: int
    offset: int

    @property
    def header_offset(self) -> int:
        """Where its local header begins."""
        return self.offset - local_header_size(self.name)

    @property
    def end(self) -> int:
        """The offset behind its last content byte."""
        return self.offset + self.size


def local_header_size(name: str) -> int:
    """The length in bytes of the header before an entry's content."""
    return LOCAL.size + len(name.encode("utf-8"))


def local_header(entry: Entry) -> bytes:
    """The header before the content."""
    name = entry.name.encode("utf-8")
    sizes = entry.crc32, entry.size, entry.size, len(name), 0
    return LOCAL.pack(b"PK\x03\x04", _VERSION, _flags(entry.name), 0, 0, _DATE, *sizes) + name


def central_header(entry: Entry) -> bytes:
    """The header in the central directory."""
    name = entry.name.encode("utf-8")
    sizes = entry.crc32, entry.size, entry.size, len(name), 0
    rest = 0, 0, 0, _FILE_MODE, entry.header_offset
    return (
        CENTRAL.pack(b"PK\x01\x02", _MADE_BY, _VERSION, _flags(entry.name), 0, 0, _DATE, *sizes, *rest) + name
    )


def end_record(count: int, length: int, offset: int) -> bytes:
    """The end record for a directory of `count` entries and `length` bytes at `offset`."""
    return END.pack(b"PK\x05\x06", 0, 0, count, count, length, offset, 0)


def compare(found: bytes, expected: bytes, shape: struct.Struct, fields: tuple[str, ...], what: str) -> None:
    """Raises BadArchive naming the first header field that differs."""
    if found == expected:
        return
    if len(found) < len(expected):
        raise BadArchive(what, "a header is cut short")
    pairs = zip(fields, shape.unpack_from(found), shape.unpack_from(expected), strict=True)
    for field, there, right in pairs:
        if there != right:
            raise BadArchive(what, f"header field {field!r} is {there!r}, must be {right!r}")
    raise BadArchive(what, "the name in the local header differs")


def _flags(name: str) -> int:
    return 0 if name.isascii() else _UTF8
