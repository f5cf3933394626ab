"""Text recognition for scanned pages by tesseract, where it is installed with simplified Chinese."""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bidclient.similarity.reading.record import OCR_FAILED, OCR_USED, SCAN, Missed, Record

_LANGUAGE = "chi_sim"
_DPI = 300
_LOOK_SECONDS = 10.0
# tesseract puts blanks between Chinese characters; no writer does.
_GAP = re.compile(
    r"(?<=[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]) (?=[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef])"
)


@dataclass(frozen=True)
class Ocr:
    """An installed tesseract. `version` is its own words: another version may read otherwise."""

    program: str
    version: str

    @classmethod
    def found(cls) -> "Ocr | None":
        """The tesseract on the search path; None without one that knows simplified Chinese."""
        program = shutil.which("tesseract")
        # What lies in the current folder, which Windows searches too, is perhaps a stranger's.
        if program is None or not Path(program).is_absolute():
            return None
        languages = _said(program, "--list-langs")
        if _LANGUAGE not in languages.split():
            return None
        return cls(program, _said(program, "--version").partition("\n")[0])

    @property
    def dpi(self) -> int:
        """The resolution at which pages are shown to it."""
        return _DPI

    def read(self, picture: bytes, seconds: float) -> str | None:
        """The text in a picture file; None when tesseract fails on it or takes longer than `seconds`."""
        command = [self.program, "stdin", "stdout", "-l", _LANGUAGE, "--dpi", str(_DPI)]
        try:
            # One thread: the pages of several files are read side by side.
            done = subprocess.run(
                command,
                input=picture,
                capture_output=True,
                check=True,
                timeout=seconds,
                env={**os.environ, "OMP_THREAD_LIMIT": "1"},
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except (OSError, subprocess.SubprocessError):
            return None
        return _GAP.sub("", done.stdout.decode("utf-8", "replace").replace("\f", ""))


def recognise(
    ocr: Ocr | None, pictures: Sequence[bytes], number: int, record: Record, otherwise: Missed = SCAN
) -> str:
    """The text in the picture files that are all that page `number` shows, empty when there is none.

    That it was recognised, that this failed, or `otherwise` that the page was not read, is written down.
    """
    read = [ocr.read(one, record.limits.ocr_seconds) for one in pictures] if ocr is not None else []
    text = "\n".join(one for one in read if one and one.strip())
    if text:
        record.miss(OCR_USED, number)
    if None in read:
        record.miss(OCR_FAILED, number)
    elif not text:
        record.miss(otherwise, number)
    return text


def _said(program: str, option: str) -> str:
    """What the program prints, empty when it does not run."""
    try:
        done = subprocess.run(
            [program, option],
            capture_output=True,
            check=True,
            timeout=_LOOK_SECONDS,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return (done.stdout + done.stderr).decode("utf-8", "replace")
