"""The one ZIP that we write and read: stored, bare, contiguous, so that equal content means equal bytes.

Every header is a function of name, size, CRC-32 and offset (PKWARE APPNOTE 6.3.10 §4.3). The reader builds
the headers again and compares, so what other readers might disagree on cannot be expressed: no compression,
no extra fields, no data descriptors, no comments, no gaps, no ZIP64, no encryption, no attributes.
"Version made by" says Unix, because Info-ZIP unzip 6.00 garbles Chinese names otherwise.
"""

import errno
import io
import os
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from bidclient.errors import BadArchive, FileProblem, TooLarge
from bidclient.formats.names import PATH_BYTES, check_distinct, check_entry_name
from bidclient.formats.zip_headers import (
    CENTRAL,
    CENTRAL_FIELDS,
    CRC_AT,
    END,
    END_FIELDS,
    LOCAL,
    LOCAL_FIELDS,
    Entry,
    central_header,
    compare,
    end_record,
    local_header,
    local_header_size,
)

BLOCK = 1024 * 1024
MOST_ENTRIES = 4096
SIZE_LIMIT = 2**32 - 1
_ENTRY_LIMIT = 65_535
_MET_ONLY_BY_WRITING = frozenset({errno.ENOSPC, errno.EFBIG, errno.EDQUOT})

OnBlock = Callable[[memoryview], object]
"""Is shown each block of content as it passes, for example a digest's `update`."""


class Writer:
    """Writes entries one after the other into a seekable binary file, then the directory."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._entries: list[Entry] = []
        self._end = 0

    @classmethod
    def continuing(cls, file: BinaryIO, entries: Sequence[Entry]) -> "Writer":
        """A writer behind a copied prefix: `file` holds exactly `entries`, without a directory."""
        writer = cls(file)
        writer._entries = list(entries)
        writer._end = entries[-1].end if entries else 0
        file.seek(writer._end)
        return writer

    def add(self, name: str, source: BinaryIO, size: int, on_block: OnBlock | None = None) -> Entry:
        """Stream `size` bytes of `source` into a new entry; memory is one block.

        Raises BadArchive for a bad name or when `source` is not `size` bytes long, TooLarge beyond 4 GiB.
        """
        entry = self._begin(name, size, 0)
        crc = 0
        for block in _blocks(source, size, name):
            crc = zlib.crc32(block, crc)
            if on_block is not None:
                on_block(block)
            self._file.write(block)
        if source.read(1):
            raise BadArchive(name, f"the source is longer than {size} bytes")
        self._file.seek(entry.header_offset + CRC_AT)
        self._file.write(struct.pack("<L", crc))
        self._file.seek(entry.end)
        return self._end_with(Entry(name, size, crc, entry.offset))

    def add_bytes(self, name: str, data: bytes) -> Entry:
        """A new entry from memory. Raises as `add`."""
        entry = self._begin(name, len(data), zlib.crc32(data))
        self._file.write(data)
        return self._end_with(entry)

    def finish(self) -> tuple[Entry, ...]:
        """Write the central directory; the entries. Raises BadArchive when two names clash."""
        check_distinct((entry.name for entry in self._entries), "archive")
        directory = b"".join(map(central_header, self._entries))
        if self._end + len(directory) + END.size >= SIZE_LIMIT:
            raise TooLarge("archive", self._end + len(directory) + END.size, SIZE_LIMIT - 1)
        self._file.write(directory)
        self._file.write(end_record(len(self._entries), len(directory), self._end))
        return tuple(self._entries)

    def _begin(self, name: str, size: int, crc: int) -> Entry:
        check_entry_name(name, "archive")
        entry = Entry(name, size, crc, self._end + local_header_size(name))
        if entry.end >= SIZE_LIMIT:
            raise TooLarge(name, entry.end, SIZE_LIMIT - 1)
        if len(self._entries) + 1 >= _ENTRY_LIMIT:
            raise TooLarge("archive entries", len(self._entries) + 1, _ENTRY_LIMIT - 1)
        self._file.write(local_header(entry))
        return entry

    def _end_with(self, entry: Entry) -> Entry:
        self._entries.append(entry)
        self._end = entry.end
        return entry


@contextmanager
def open_archive(path: Path) -> Iterator[io.BufferedReader]:
    """The file for reading. Raises FileProblem for what the system refuses.

    A full disk is no fault of this file but of one that is written meanwhile: that OSError goes through.
    """
    try:
        with path.open("rb") as file:
            yield file
    except OSError as error:
        if error.errno in _MET_ONLY_BY_WRITING:
            raise
        raise FileProblem(str(path), error.strerror or str(error)) from error


def read_entries(file: BinaryIO, what: str, max_entries: int = MOST_ENTRIES) -> tuple[Entry, ...]:
    """The entries of an archive in our form, in the order of the file; content is not read.

    `what` names the archive in errors. Raises BadArchive for any byte that our writer would not have written.
    """
    size = file.seek(0, os.SEEK_END)
    if size < END.size:
        raise BadArchive(what, "too short")
    if size >= SIZE_LIMIT:
        raise BadArchive(what, "4 GiB or more")
    count, directory = _read_directory(file, size, what, max_entries)
    entries = _parse_directory(directory, count, what)
    position = 0
    for entry in entries:
        if entry.header_offset != position:
            raise BadArchive(what, f"bytes between entries, or entries that overlap, at {position}")
        position = entry.end
        if position > size - len(directory) - END.size:
            raise BadArchive(what, "an entry runs into the directory")
        _check_local_header(file, entry, what)
    if position != size - len(directory) - END.size:
        raise BadArchive(what, "bytes before the directory")
    check_distinct((entry.name for entry in entries), what)
    return entries


def read_blocks(file: BinaryIO, entry: Entry, what: str) -> Iterator[memoryview]:
    """The content of an entry, block by block; each block is valid until the next is asked for.

    Raises BadArchive at the end when the CRC-32 differs.
    """
    file.seek(entry.offset)
    crc = 0
    for block in _blocks(file, entry.size, what):
        crc = zlib.crc32(block, crc)
        yield block
    if crc != entry.crc32:
        raise BadArchive(what, f"CRC-32 of {entry.name!a} differs")


def read_small(file: BinaryIO, entry: Entry, limit: int) -> bytes:
    """The whole content of an entry of at most `limit` bytes, CRC checked. Raises BadArchive."""
    if entry.size > limit:
        raise BadArchive(entry.name, f"{entry.size} bytes, at most {limit} allowed")
    return b"".join(map(bytes, read_blocks(file, entry, entry.name)))


def open_entry(file: BinaryIO, entry: Entry) -> BinaryIO:
    """A seekable reader that sees the content of one entry only; it shares `file`. The CRC is not checked."""
    return io.BufferedReader(_Window(file, entry))


def copy_prefix(source: BinaryIO, target: BinaryIO, length: int, on_count: Callable[[int], object]) -> None:
    """Copy the first `length` bytes, in the kernel where it can; `on_count` is told the bytes done.

    `target` must be empty. Raises BadArchive when `source` is shorter, OSError as the system does.
    """
    done = _copy_in_kernel(source, target, length, on_count)
    source.seek(done)
    target.seek(done)
    for block in _blocks(source, length - done, "archive"):
        target.write(block)
        done += len(block)
        on_count(done)


class _Window(io.RawIOBase):
    """The bytes of one entry inside a bigger file."""

    def __init__(self, file: BinaryIO, entry: Entry) -> None:
        self._file = file
        self._start = entry.offset
        self._size = entry.size
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise OSError("negative seek position")
        self._position = start + offset
        return self._position

    def readinto(self, buffer: "memoryview | bytearray") -> int:  # type: ignore[override]
        count = max(0, min(len(buffer), self._size - self._position))
        self._file.seek(self._start + self._position)
        data = self._file.read(count)
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)


def _blocks(source: BinaryIO, size: int, what: str) -> Iterator[memoryview]:
    """Exactly `size` bytes from where `source` stands, in one reused buffer. Raises BadArchive when short."""
    buffer = memoryview(bytearray(min(BLOCK, size)))
    left = size
    while left:
        view = buffer[: min(left, BLOCK)]
        count = source.readinto(view)  # type: ignore[attr-defined]
        if not count:
            raise BadArchive(what, f"{left} of {size} bytes are missing")
        yield view[:count]
        left -= count


def _copy_in_kernel(
    source: BinaryIO, target: BinaryIO, length: int, on_count: Callable[[int], object]
) -> int:
    """The bytes that copy_file_range took over: 0 where the system or the file system has no such thing."""
    target.flush()
    done = 0
    try:
        while hasattr(os, "copy_file_range") and done < length:
            count = os.copy_file_range(
                source.fileno(),
                target.fileno(),
                min(length - done, 64 * BLOCK),
                offset_src=done,
                offset_dst=done,
            )
            if count == 0:
                break
            done += count
            on_count(done)
    except OSError:
        pass  # Another file system, or a kernel that refuses: the plain loop goes on from `done`.
    return done


def _read_directory(file: BinaryIO, size: int, what: str, max_entries: int) -> tuple[int, bytes]:
    """Number of entries and bytes of the central directory, which must end where the end record begins."""
    file.seek(size - END.size)
    found = file.read(END.size)
    if found[:4] != b"PK\x05\x06":
        raise BadArchive(
            what, "does not end with the end record of a ZIP: not a ZIP, a comment, or bytes behind it"
        )
    _, _, _, _, count, length, offset, _ = END.unpack(found)
    if not 0 < count <= max_entries:
        raise BadArchive(what, f"{count} entries, 1 to {max_entries} allowed")
    if length > count * (CENTRAL.size + PATH_BYTES) or length > size - END.size:
        raise BadArchive(what, f"a central directory of {length} bytes for {count} entries")
    compare(found, end_record(count, length, size - END.size - length), END, END_FIELDS, what)
    file.seek(offset)
    return count, file.read(length)


def _parse_directory(directory: bytes, count: int, what: str) -> tuple[Entry, ...]:
    entries = []
    position = 0
    for _ in range(count):
        fixed = directory[position : position + CENTRAL.size]
        if len(fixed) < CENTRAL.size:
            raise BadArchive(what, "the central directory is cut short")
        fields = dict(zip(CENTRAL_FIELDS, CENTRAL.unpack(fixed), strict=True))
        name_at = position + CENTRAL.size
        name = _decode(directory[name_at : name_at + fields["name length"]], what)
        entry = Entry(name, fields["size"], fields["crc"], fields["offset"] + local_header_size(name))
        expected = central_header(entry)
        compare(directory[position : position + len(expected)], expected, CENTRAL, CENTRAL_FIELDS, what)
        check_entry_name(name, what)
        entries.append(entry)
        position += len(expected)
    if position != len(directory):
        raise BadArchive(what, "bytes behind the central directory")
    return tuple(entries)


def _check_local_header(file: BinaryIO, entry: Entry, what: str) -> None:
    expected = local_header(entry)
    file.seek(entry.header_offset)
    compare(file.read(len(expected)), expected, LOCAL, LOCAL_FIELDS, f"{what}: {entry.name!a}")


def _decode(name: bytes, what: str) -> str:
    try:
        return name.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadArchive(what, "a name is not UTF-8") from error


__all__ = [
    "BLOCK",
    "MOST_ENTRIES",
    "SIZE_LIMIT",
    "Entry",
    "OnBlock",
    "Writer",
    "copy_prefix",
    "local_header_size",
    "open_archive",
    "open_entry",
    "read_blocks",
    "read_entries",
    "read_small",
]
