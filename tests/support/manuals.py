"""Debian's PDF manuals, which nobody of this project wrote."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def debian_manuals() -> Path:
    """The folder; filled by the Makefile when it is not here yet."""
    folder = ROOT / "build" / "manuals"
    if not folder.is_dir():
        subprocess.run(["make", "build/manuals"], cwd=ROOT, check=True, capture_output=True)
    return folder
