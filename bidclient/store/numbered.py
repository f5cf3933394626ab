"""Files and folders that are numbered 001, 002 … and appear whole: what is kept is never written over."""

import shutil
from collections.abc import Callable
from pathlib import Path

from bidclient.errors import DiskProblem
from bidclient.formats import atomic


def next_number(folder: Path) -> str:
    """Three digits, one more than the highest with which a name in `folder` begins."""
    taken = (int(entry.name[:3]) for entry in folder.iterdir() if entry.name[:3].isdigit())
    return f"{max(taken, default=0) + 1:03d}"


def numbered(parent: Path) -> list[Path]:
    """The numbered folders in `parent`, oldest first; none when there is no such folder."""
    return sorted(parent.glob("[0-9][0-9][0-9]"))


def new_folder(parent: Path, fill: Callable[[Path], None]) -> Path:
    """parent/NNN as `fill` makes it, appearing when that is done and synced. Raises DiskProblem."""
    try:
        parent.mkdir(exist_ok=True)
        target = parent / next_number(parent)
        building = parent / f"{atomic.TEMPORARY_PREFIX}{target.name}"
        shutil.rmtree(building, ignore_errors=True)
        building.mkdir()
        fill(building)
        atomic.sync_folder(building)
        building.rename(target)
        atomic.sync_folder(parent)
    except OSError as error:
        raise DiskProblem(str(parent), str(error)) from error
    return target
