"""Reading and writing files at given offsets from several threads, also where the system has no pread."""

import ctypes
import errno
import os
import sys
import threading

_SEEK = threading.Lock()
_KEEP_SIZE = 1
"""FALLOC_FL_KEEP_SIZE of <linux/falloc.h>."""
_NO_ROOM = frozenset({errno.ENOSPC, errno.EFBIG, errno.EDQUOT})


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


def reserve(descriptor: int, offset: int, length: int) -> None:
    """Have the file system set room aside for bytes that will be written; the size of the file stays.

    A big file then costs a third less processor time to write, lies in one piece, and a full disk is met
    before the work. Does nothing where the system or the file system cannot: os.posix_fallocate would write
    zeros there, twice the work. Raises OSError when there is no room.
    """
    if sys.platform != "linux" or sys.maxsize <= 2**32 or length < 1:
        return
    library = ctypes.CDLL(None, use_errno=True)
    if library.fallocate(descriptor, _KEEP_SIZE, ctypes.c_int64(offset), ctypes.c_int64(length)) == 0:
        return
    number = ctypes.get_errno()
    if number in _NO_ROOM:
        raise OSError(number, os.strerror(number))


class Appender:
    """Writes a file from `offset` on, piece after piece, into room set aside for `length` bytes.

    Whoever waits for the writers calls `begin_writeback` now and then: the system then writes to the disk
    meanwhile, and the fsync at the end finds little left to do.
    """

    def __init__(self, descriptor: int, offset: int, length: int) -> None:
        """Raises OSError when there is no room."""
        reserve(descriptor, offset, length)
        self._descriptor = descriptor
        self._position = offset
        self._begun = offset

    def __call__(self, data: memoryview) -> None:
        """Write the next piece. Raises OSError."""
        write_at(self._descriptor, data, self._position)
        self._position += len(data)

    def begin_writeback(self) -> None:
        """Let what has been written go to the disk; another thread may write on.

        On Linux POSIX_FADV_DONTNEED does that with pages that are still dirty. Raises OSError.
        """
        start, end = self._begun, self._position
        if sys.platform == "linux" and end > start:
            os.posix_fadvise(self._descriptor, start, end - start, os.POSIX_FADV_DONTNEED)
        self._begun = end


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
