"""Writing a file so that a kill at any instant leaves either the old content or the new, never a mixture."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from bidclient.errors import DiskProblem

TEMPORARY_PREFIX = ".new-"
_UNFINISHED = re.compile(re.escape(TEMPORARY_PREFIX) + r"([a-z0-9_]{8}-.*|\d{3,9})", re.DOTALL)
"""What `replacing` and a numbered folder in the making are called."""


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A writable binary file beside `path`, which takes its place when the block ends without error.

    temp file (mode 0600), fsync, rename, fsync of the folder. On an error the temp file is removed.
    Raises DiskProblem for what the disk refuses.
    """
    try:
        handle, name = tempfile.mkstemp(
            prefix=TEMPORARY_PREFIX, suffix="-" + path.name[-40:], dir=path.parent
        )
    except OSError as error:
        raise DiskProblem(str(path), str(error)) from error
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise DiskProblem(str(path), str(error)) from error
    finally:
        temporary.unlink(missing_ok=True)


def write(path: Path, content: bytes) -> None:
    """Replace the content of `path`. Raises DiskProblem."""
    with replacing(path) as file:
        file.write(content)


def clear_unfinished(folder: Path) -> None:
    """Remove what a kill has left half written in `folder` and below; for whoever alone may write there."""
    for path in [*folder.rglob(f"{TEMPORARY_PREFIX}*")]:
        if not _UNFINISHED.fullmatch(path.name):
            continue
        # What cannot be removed now does no harm and is met again next time.
        with suppress(OSError):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def sync_folder(folder: Path) -> None:
    """Make renames in `folder` durable; Windows neither can nor needs to."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
