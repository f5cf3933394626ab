"""One bidclient at a time works on a bid folder: an advisory lock that the system drops with its process."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from bidclient.errors import Busy, DiskProblem

LOCK_NAME = ".lock"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of `folder` for the length of the block. Raises Busy at once when another holds it."""
    try:
        file = (folder / LOCK_NAME).open("ab")
    except OSError as error:
        raise DiskProblem(str(folder), str(error)) from error
    with file:
        try:
            _take(file)
        except OSError as error:
            raise Busy(str(folder)) from error
        yield


if sys.platform == "win32":
    import msvcrt

    def _take(file: BinaryIO) -> None:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _take(file: BinaryIO) -> None:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
