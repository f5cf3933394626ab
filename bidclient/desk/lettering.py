"""Chinese and Latin text drawn into pictures, the same on every computer: with the font that comes along."""

import io
from functools import cache
from itertools import groupby

from PIL import Image, ImageDraw, ImageFont

from bidclient import resource

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
Colour = tuple[int, int, int, int]
RED: Colour = (210, 0, 0, 255)
_FIRST_CHINESE = 0x2000


@cache
def font(chinese: bool, size: int) -> Font:
    """The font for a kind of letters, `size` in pixels; the Chinese one has no Latin letters and digits."""
    if chinese:
        return ImageFont.truetype(io.BytesIO(resource.read_bytes("fonts/DroidSansFallbackFull.ttf")), size)
    return ImageFont.load_default(size)


def width(text: str, size: int) -> float:
    """The width of a line in pixels."""
    return sum(font(chinese, size).getlength(piece) for chinese, piece in _runs(text))


def draw_line(draw: ImageDraw.ImageDraw, middle: float, y: float, text: str, size: int, fill: Colour) -> None:
    """A line with its middle at the point (middle, y)."""
    x = middle - width(text, size) / 2
    for chinese, piece in _runs(text):
        draw.text((x, y), piece, fill, font(chinese, size), anchor="lm")
        x += font(chinese, size).getlength(piece)


def letter(character: str, size: int, fill: Colour) -> Image.Image:
    """One letter in the middle of a transparent square of twice its size, to be turned."""
    image = Image.new("RGBA", (2 * size, 2 * size))
    chinese = _is_chinese(character)
    ImageDraw.Draw(image).text((size, size), character, fill, font(chinese, size), anchor="mm")
    return image


def wrapped(text: str, size: int, room: float) -> list[str]:
    """The text in lines of at most `room` pixels, broken anywhere as Chinese is."""
    lines = [""]
    for character in text:
        if lines[-1] and width(lines[-1] + character, size) > room:
            lines.append("")
        lines[-1] += character
    return lines


def _runs(text: str) -> list[tuple[bool, str]]:
    return [(chinese, "".join(piece)) for chinese, piece in groupby(text, _is_chinese)]


def _is_chinese(character: str) -> bool:
    return ord(character) >= _FIRST_CHINESE
