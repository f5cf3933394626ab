"""What a PDF page draws, also inside forms: does it show text, or a picture of text?"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

import pypdfium2
from pypdfium2 import raw

_DEEPEST = 8
"""Forms within forms."""
_LARGE = 0.5
"""Share of a page above which its pictures are what it is about."""
_FEW = 100
"""Characters: a running head, a page number, a stamp."""
_DRAWING = 200
"""Lines and curves of a page without text: a frame has fewer, text that was turned into curves has more."""

PageObject: TypeAlias = "raw.FPDF_PAGEOBJECT"


@dataclass(frozen=True)
class Drawn:
    """What stands on a page beside text: pictures, the share of it that they cover, lines and curves."""

    pictures: int
    covered: float
    strokes: int

    @property
    def fills(self) -> bool:
        """Whether the pictures are what the page is about."""
        return self.covered >= _LARGE


def page_objects(page: pypdfium2.PdfPage, most: int) -> Iterator[tuple[PageObject, int, PageObject]]:
    """Up to `most` objects with their kind, and the object of the page that they are in or are."""
    waiting = [
        (raw.FPDFPage_GetObject(page, index), None, 0)
        for index in range(min(most, raw.FPDFPage_CountObjects(page)))
    ]
    waiting.reverse()
    for _ in range(most):
        if not waiting:
            return
        one, outermost, depth = waiting.pop()
        kind = raw.FPDFPageObj_GetType(one)
        yield one, kind, outermost or one
        if kind == raw.FPDF_PAGEOBJ_FORM and depth < _DEEPEST:
            inside = range(min(most, raw.FPDFFormObj_CountObjects(one)))
            waiting += [(raw.FPDFFormObj_GetObject(one, i), outermost or one, depth + 1) for i in inside]


def share_of_page(page: pypdfium2.PdfPage, outermost: PageObject) -> float:
    """How much of the page an object of it covers at most, 0 to 1."""
    left, bottom, right, top = page.get_bbox()
    x0, y0, x1, y1 = pypdfium2.PdfObject(outermost, page=page).get_bounds()
    whole = abs((right - left) * (top - bottom))
    seen = max(0.0, min(x1, right) - max(x0, left)) * max(0.0, min(y1, top) - max(y0, bottom))
    return float(seen / whole) if whole else 0.0


def shows(text: str, drawn: Drawn) -> Literal["text", "scan", "blank"]:
    """Whether a page with this text shows it, shows pictures or curves instead, or next to nothing."""
    visible = len("".join(text.split()))
    if visible:
        return "scan" if visible < _FEW and drawn.fills else "text"
    return "scan" if drawn.pictures or drawn.strokes >= _DRAWING else "blank"
