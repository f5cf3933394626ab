"""How much of a file is read before it is refused or left off: no file may stop the program."""

from collections.abc import Callable
from dataclasses import dataclass

_MEBIBYTE = 1024 * 1024

Stop = Callable[[], bool]
"""Whether the time is up, or the person wants no more."""


def never() -> bool:
    """The Stop of nobody waiting."""
    return False


@dataclass(frozen=True)
class Limits:
    """Bounds of one file. Sizes are bytes after unpacking, characters are code points, times are seconds.

    What is over `pages`, `characters` or `seconds` is left off and named in what was skipped; what is over
    another bound is no honest bid, and the file is refused. The pictures of a bid of 2,000 scanned pages and
    the bill of quantities of a motorway pass.
    """

    file_bytes: int = 2048 * _MEBIBYTE
    pages: int = 10_000
    page_characters: int = 5_000_000
    characters: int = 50_000_000
    plain_bytes: int = 64 * _MEBIBYTE
    entries: int = 20_000
    entry_bytes: int = 128 * _MEBIBYTE
    unpacked_bytes: int = 1024 * _MEBIBYTE
    ratio: int = 300
    """Unpacked to packed, for what is more than a mebibyte. XML of Office reaches 30, empty sheets 100."""
    pictures: int = 5_000
    picture_bytes: int = 256 * _MEBIBYTE
    pixels: int = 100_000_000
    objects: int = 200_000
    """Drawn things on a page that are looked at for pictures."""
    seconds: float = 300.0
    """For the file; then the rest is left off."""
    silence: float = 60.0
    """For one page, or one step; then the process that reads is ended."""
    ocr_seconds: float = 40.0
    """For one page; a page that takes longer counts as not read."""
    memory: int = 3072 * _MEBIBYTE
    """Address space of the process that reads, where the system can bound it."""


LIMITS = Limits()
