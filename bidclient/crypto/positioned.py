"""Reading and writing files at given offsets from several threads, also where the system has no pread."""

import os
import sys
import threading

_SEEK = threading.Lock()
_STRETCH = 16 * 1024 * 1024


def read_at(descriptor: int, buffer: memoryview, offset: int) -> int:
    """Fill `buffer` from `offset`; the number of bytes read is short only at the end of the file."""
    done = 0
    while done < len(buffer):
        count = _read_some(descriptor, buffer[done:], offset + done)
        if count == 0:
            break
        done += count
    return done


def write_at(descriptor: int, data: memoryview, offset: int) -> None:
    """Write all of `data` at `offset`."""
    done = 0
    while done < len(data):
        done += _write_some(descriptor, data[done:], offset + done)


class Appender:
    """Writes a file from `offset` on, piece after piece, and keeps the disk busy meanwhile.

    After each 16 MiB the system is asked to begin writing them to the disk, so that the fsync at the end
    finds little left to do; on Linux POSIX_FADV_DONTNEED does that with pages that are still dirty.
    """

    def __init__(self, descriptor: int, offset: int = 0) -> None:
        self._descriptor = descriptor
        self._position = offset
        self._begun = offset

    def __call__(self, data: memoryview) -> None:
        """Write the next piece. Raises OSError."""
        write_at(self._descriptor, data, self._position)
        self._position += len(data)
        if self._position - self._begun >= _STRETCH:
            _begin_writeback(self._descriptor, self._begun, self._position - self._begun)
            self._begun = self._position


def read_by_seeking(descriptor: int, buffer: memoryview, offset: int) -> int:
    """One read where the system has no preadv (Windows)."""
    with _SEEK:
        os.lseek(descriptor, offset, os.SEEK_SET)
        data = os.read(descriptor, len(buffer))
    buffer[: len(data)] = data
    return len(data)


def write_by_seeking(descriptor: int, data: memoryview, offset: int) -> int:
    """One write where the system has no pwrite (Windows)."""
    with _SEEK:
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.write(descriptor, data)


def _read_in_place(descriptor: int, buffer: memoryview, offset: int) -> int:
    return os.preadv(descriptor, [buffer], offset)


_read_some = _read_in_place if hasattr(os, "preadv") else read_by_seeking
_write_some = os.pwrite if hasattr(os, "pwrite") else write_by_seeking


def _begin_writeback(descriptor: int, offset: int, length: int) -> None:
    if sys.platform == "linux":
        os.posix_fadvise(descriptor, offset, length, os.POSIX_FADV_DONTNEED)
