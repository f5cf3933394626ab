"""What stands on the page when no picture of a seal is given: a plain panel that says who sealed as what.

It imitates no seal. A seal's picture is made by whoever made the seal.
"""

import io
from datetime import datetime
from pathlib import Path

from PIL import Image, ImageDraw

from bidclient.checks.seals import KINDS_ZH
from bidclient.crypto.pdf_picture import SealPicture, read_picture
from bidclient.crypto.pdf_places import SealKind
from bidclient.desk.lettering import RED, draw_line, wrapped
from bidclient.errors import FileProblem
from bidclient.formats.content import read_limited
from bidclient.formats.instant import CHINA

WIDTH_MM: dict[SealKind, float] = {
    "company": 42,
    "legal-representative": 20,
    "cost-engineer": 45,
    "cross-page": 42,
}
"""How wide a seal's picture is shown."""
_PANEL_MM: dict[SealKind, float] = {
    "company": 50,
    "legal-representative": 40,
    "cost-engineer": 50,
    "cross-page": 42,
}
_PIXELS_PER_MM = 12
_GROUND = (255, 246, 244, 225)
"""Nearly opaque: the panel can be read over text, and that there is text below can still be seen."""
_LINE = 40
_MARGIN = 14
_PICTURE_LIMIT = 8 * 1024 * 1024


def picture_file(path: Path, kind: SealKind) -> SealPicture:
    """The picture of a seal from a PNG or JPEG file. Raises FileProblem, BadSealPicture."""
    if not path.is_file():
        raise FileProblem(str(path), "not a file")
    return read_picture(read_limited(path, _PICTURE_LIMIT), WIDTH_MM[kind], path.name)


def panel(kind: SealKind, signer: str, at: datetime) -> SealPicture:
    """The panel for a kind of seal, the signer's name and the day of signing in China."""
    wide = round(_PANEL_MM[kind] * _PIXELS_PER_MM)
    lines = [
        KINDS_ZH[kind],
        *wrapped(signer, _LINE, wide - 4 * _MARGIN),
        f"{at.astimezone(CHINA):%Y-%m-%d}",
    ]
    high = round(_LINE * 1.4 * len(lines)) + 3 * _MARGIN
    image = Image.new("RGBA", (wide, high), _GROUND)
    draw = ImageDraw.Draw(image)
    draw.rectangle((2, 2, wide - 3, high - 3), outline=RED, width=5)
    for number, line in enumerate(lines):
        draw_line(draw, wide / 2, 1.5 * _MARGIN + _LINE * 1.4 * (number + 0.5), line, _LINE, RED)
    out = io.BytesIO()
    image.quantize(16, Image.Quantize.FASTOCTREE).save(out, "PNG")
    return SealPicture(out.getvalue(), _PANEL_MM[kind], high / _PIXELS_PER_MM)
