"""Files and folders that are numbered 001, 002 … and appear whole: what is kept is never written over."""

import glob
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from bidclient.errors import DiskProblem
from bidclient.formats import atomic

_NUMBERED = re.compile(r"([0-9]{3,9})(-.*)?", re.DOTALL)


def next_number(folder: Path) -> str:
    """Three digits or more, one more than the highest that a name in `folder` has."""
    return f"{max(map(_number, folder.iterdir()), default=0) + 1:03d}"


def numbered(parent: Path, suffix: str = "") -> list[Path]:
    """What is called NNN and `suffix` in `parent`, oldest first; nothing when there is no such folder."""
    # A name of the user's may hold what glob takes for a pattern.
    found = [entry for entry in parent.glob(f"*{glob.escape(suffix)}") if _rest(entry) == suffix]
    return sorted(found, key=_number)


def new_place(parent: Path) -> None:
    """A folder for numbered things, if there is none yet. Raises DiskProblem."""
    try:
        if not parent.is_dir():
            parent.mkdir()
            atomic.sync_folder(parent.parent)
    except OSError as error:
        raise DiskProblem(str(parent), str(error)) from error


def new_folder(parent: Path, fill: Callable[[Path], None]) -> Path:
    """parent/NNN as `fill` makes it, appearing when that is done and synced. Raises DiskProblem."""
    new_place(parent)
    try:
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


def _number(entry: Path) -> int:
    found = _NUMBERED.fullmatch(entry.name)
    return int(found[1]) if found else 0


def _rest(entry: Path) -> str | None:
    found = _NUMBERED.fullmatch(entry.name)
    return None if found is None else found[2] or ""
