"""The embedded typeface of receipts, reports and sample documents: a page must look the same everywhere.

The Chinese font comes along, because a computer may have none. It has no Latin letters and digits, so a line
is set in runs of two fonts.
"""

from functools import cache
from io import BytesIO
from itertools import groupby

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from bidclient import resource

CHINESE, LATIN = "DroidSansFallback", "Vera"


@cache
def glyphs() -> tuple[frozenset[int], frozenset[int]]:
    """Registers both fonts; the code points that CHINESE and LATIN are to set."""
    file = BytesIO(resource.read_bytes("fonts/DroidSansFallbackFull.ttf"))
    pdfmetrics.registerFont(TTFont(CHINESE, file))
    pdfmetrics.registerFont(TTFont(LATIN, "Vera.ttf"))
    chinese = frozenset(pdfmetrics.getFont(CHINESE).face.charToGlyph)
    return chinese, frozenset(range(32, 127))


def runs(text: str) -> list[tuple[str, str]]:
    """`text` as (font, piece) in order; what neither font has is set in the Chinese one, as an empty box."""
    latin = _set_in_latin()
    return [
        (LATIN if ours else CHINESE, "".join(piece))
        for ours, piece in groupby(text, key=lambda letter: ord(letter) in latin)
    ]


@cache
def _set_in_latin() -> frozenset[int]:
    """Letters and digits, and what else only the Latin font has: “ ” – é."""
    chinese, latin = glyphs()
    return latin | (frozenset(pdfmetrics.getFont(LATIN).face.charToGlyph) - chinese)


def width(text: str, size: float) -> float:
    """The width of a line in points."""
    return sum(float(pdfmetrics.stringWidth(piece, font, size)) for font, piece in runs(text))


def draw(page: Canvas, x: float, y: float, text: str, size: float) -> None:
    """Set a line from the point (x, y) on."""
    line = page.beginText(x, y)
    for font, piece in runs(text):
        line.setFont(font, size)
        line.textOut(piece)
    page.drawText(line)
