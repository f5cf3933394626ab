"""A file as the self-check sees it: its text with pages, its pictures, and what it says about its making."""

from dataclasses import dataclass
from typing import Literal

PageKind = Literal["text", "ocr", "scan", "blank", "unreadable"]
"""Text of its own; text recognised in a picture (OCR); a picture that was not read; nothing; damaged."""

Strength = Literal["strong", "medium", "weak"]
"""How much it says about a common origin when two files agree in it."""


@dataclass(frozen=True)
class Page:
    """Page `number` (from 1) is `text[start:end]` of its extract. A sheet of a workbook counts as a page.

    A last page 0 holds what stands on no page of its own: headers, footers, notes and comments of a DOCX.
    """

    number: int
    start: int
    end: int
    kind: PageKind


@dataclass(frozen=True)
class Picture:
    """An embedded picture: hex SHA-256 of its stream, size in pixels, 256-bit perceptual hash, EXIF as text.

    The stream of a JPEG in a PDF counts without its transport encodings: it is the file that was put in.
    `page` is the first that shows it, 0 where that is not known.
    `phash` is None for what is too small or too flat to be told apart.
    """

    page: int
    sha256: str
    width: int
    height: int
    phash: bytes | None
    exif: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Trait:
    """What a file says about its making: `key` such as `docx.lastModifiedBy`, `pdf.id0`, `docx.rsid`."""

    key: str
    value: str
    strength: Strength


@dataclass(frozen=True)
class Extract:
    """All that was read from one file; `skipped` says in both languages what was not, and why.

    `hurried`: time ran out for some of it, so that another reading may say more.
    """

    name: str
    sha256: str
    kind: str
    text: str
    pages: tuple[Page, ...]
    pictures: tuple[Picture, ...] = ()
    traits: tuple[Trait, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()
    hurried: bool = False

    def page_at(self, offset: int) -> int:
        """The number of the page that holds the character at `offset` of the text; 0 without pages."""
        last = 0
        for page in self.pages:
            if page.start > offset:
                break
            last = page.number
        return last
