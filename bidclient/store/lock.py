"""One process at a time works on a bid folder or a sandbox: an advisory lock, which the system drops."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from bidclient.errors import Busy, DiskProblem

LOCK_NAME = ".lock"


@contextmanager
def locked(folder: Path, wait: bool = False) -> Iterator[None]:
    """Hold the lock of `folder` for the length of the block.

    Raises Busy when another holds it, DiskProblem where there can be no lock. With `wait`, for what is held
    for a moment only, it waits its turn; Windows gives up after ten seconds with DiskProblem.
    """
    try:
        file = (folder / LOCK_NAME).open("ab")
    except OSError as error:
        raise DiskProblem(str(folder), str(error)) from error
    with file:
        try:
            _take(file, wait)
        except (BlockingIOError, PermissionError) as error:  # flock and Windows tell it differently
            raise Busy(str(folder)) from error
        except OSError as error:
            raise DiskProblem(str(folder), str(error)) from error
        yield


if sys.platform == "win32":
    import msvcrt

    def _take(file: BinaryIO, wait: bool) -> None:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _take(file: BinaryIO, wait: bool) -> None:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
