"""Where on a PDF page a piece of its text stands, so that a finding can be shown there."""

from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from bidclient.similarity.reading.limits import LIMITS, Limits


@dataclass(frozen=True)
class Rectangle:
    """A rectangle in points (1/72 inch) in the page's own coordinates, y upwards; /Rotate is not applied."""

    left: float
    bottom: float
    right: float
    top: float


def places(path: Path, page: int, start: int, end: int, limits: Limits = LIMITS) -> tuple[Rectangle, ...]:
    """One rectangle for each line, or part of one, that characters `start` to `end` of `page` (from 1) take.

    They are counted within the page: an offset of Extract.text less Page.start. Empty for what is not a PDF,
    for a page that it does not have, and where no text stands. Offsets into what OCR has read lead nowhere:
    only pages of the kind "text" have places.
    Raises BadDocument, FileProblem.
    """
    if path.suffix.lower() != ".pdf":
        return ()
    # Imported here: a workbook has no places, and PDFium is a large library.
    from pypdfium2 import raw

    from bidclient.checks.pdf import opened_pdf
    from bidclient.checks.pdf_characters import character_numbers

    with opened_pdf(path) as document:
        if not 0 < page <= len(document):
            return ()
        shown = document[page - 1]
        characters = shown.get_textpage()
        numbers = [
            one for one in character_numbers(characters, limits.page_characters)[start:end] if one >= 0
        ]
        found = []
        for first, count in _runs(numbers):
            for index in range(max(0, raw.FPDFText_CountRects(characters, first, count))):
                found.append(Rectangle(*characters.get_rect(index)))
        return tuple(found)


def _runs(numbers: list[int]) -> list[tuple[int, int]]:
    """First and length of each run of numbers that follow on one another."""
    grouped = groupby(enumerate(numbers), lambda pair: pair[1] - pair[0])
    runs = [[number for _, number in group] for _, group in grouped]
    return [(run[0], len(run)) for run in runs]
