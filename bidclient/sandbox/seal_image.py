"""Pictures of seals for practice, each marked 演示: real ones come from licensed makers, never from here."""

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import cos, pi, radians, sin
from pathlib import Path
from xml.sax.saxutils import escape

from PIL import Image, ImageDraw

from bidclient.crypto.pdf_places import SealKind
from bidclient.desk.lettering import RED, draw_line, letter
from bidclient.errors import BadValue
from bidclient.formats import atomic
from bidclient.stages.draft import Bidder

MARK = "演示"
_PIXELS_PER_MM = 20
_LONGEST_NAME = 40
_WIDEST_ARC, _WIDEST_CODE = 240, 84
_COLOUR = "#d20000"
_FONTS = "Droid Sans Fallback, Noto Sans CJK SC, Source Han Sans SC, SimSun, sans-serif"


@dataclass(frozen=True)
class Ring:
    """A circle's line; all measures here are mm, y grows downwards."""

    x: float
    y: float
    radius: float
    line: float


@dataclass(frozen=True)
class Frame:
    """A rectangle's line, `inset` from the edge of the picture."""

    inset: float
    line: float


@dataclass(frozen=True)
class Star:
    """A star with five points, one of them upwards."""

    x: float
    y: float
    radius: float


@dataclass(frozen=True)
class Letter:
    """One letter around its middle, turned clockwise by `turn` degrees."""

    text: str
    x: float
    y: float
    size: float
    turn: float


@dataclass(frozen=True)
class Line:
    """A line of text around its middle."""

    text: str
    x: float
    y: float
    size: float


Shape = Ring | Frame | Star | Letter | Line


@dataclass(frozen=True)
class SealDrawing:
    """A seal of this size in mm."""

    width: float
    height: float
    shapes: tuple[Shape, ...]


def draw_seal(name: str, code: str = "", kind: SealKind = "company") -> SealDrawing:
    """The seal of a company (and cross-page: the same), of a person, or of a cost engineer.

    `code` are the characters along the lower edge. Raises BadValue for a name or code that no seal can hold.
    """
    name = name.strip()
    if not 0 < len(name) <= _LONGEST_NAME or not name.isprintable():
        raise BadValue("name", f"1 to {_LONGEST_NAME} printable characters")
    if len(code) > _LONGEST_NAME or not code.isprintable():
        raise BadValue("code", f"at most {_LONGEST_NAME} printable characters")
    if kind == "legal-representative":
        return SealDrawing(20, 20, tuple(_person(name)))
    if kind == "cost-engineer":
        return SealDrawing(45, 26, tuple(_engineer(name, code)))
    return SealDrawing(42, 42, tuple(_round(name, code)))


def png(drawing: SealDrawing) -> bytes:
    """The drawing as PNG, 508 dpi, transparent where it is not red."""
    size = round(drawing.width * _PIXELS_PER_MM), round(drawing.height * _PIXELS_PER_MM)
    image = Image.new("RGBA", size)
    for shape in drawing.shapes:
        _paint(image, shape)
    out = io.BytesIO()
    # Few colours: an electronic seal carries the picture, and a token signs it as a whole.
    image.quantize(32, Image.Quantize.FASTOCTREE).save(out, "PNG", optimize=True)
    return out.getvalue()


def svg(drawing: SealDrawing) -> bytes:
    """The drawing as SVG; letters are text, in whatever Chinese font there is."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{drawing.width:g}mm" height="{drawing.height:g}mm" '
        f'viewBox="0 0 {drawing.width:g} {drawing.height:g}" font-family="{_FONTS}" fill="{_COLOUR}">'
    )
    lines = [head, *(_markup(shape, drawing) for shape in drawing.shapes), "</svg>"]
    return ("\n".join(lines) + "\n").encode("utf-8")


@dataclass(frozen=True)
class SealImage:
    """A picture of a seal for practice."""

    path: str
    width_mm: float
    height_mm: float


def write_seal_image(name: str, code: str, kind: SealKind, out: Path) -> SealImage:
    """Draw into `out`, .svg or .png. Raises BadValue, DiskProblem."""
    drawing = draw_seal(name, code, kind)
    if out.suffix.lower() not in (".svg", ".png"):
        raise BadValue("-o", ".svg / .png")
    atomic.write(out, svg(drawing) if out.suffix.lower() == ".svg" else png(drawing))
    return SealImage(str(out), drawing.width, drawing.height)


def write_practice_seals(bidder: Bidder, cost_engineer: str, folder: Path) -> dict[SealKind, Path]:
    """A picture for each kind of seal of a practice company, as PNG in `folder`. Raises DiskProblem."""
    folder.mkdir(exist_ok=True)
    person = bidder.legal_representative or bidder.agent or bidder.name
    seals: dict[SealKind, tuple[str, str]] = {
        "company": (bidder.name, bidder.uscc),
        "cross-page": (bidder.name, bidder.uscc),
        "legal-representative": (person, ""),
        "cost-engineer": (cost_engineer or person, ""),
    }
    pictures = {kind: folder / f"{kind}.png" for kind in seals}
    for kind, (name, code) in seals.items():
        write_seal_image(name, code, kind, pictures[kind])
    return pictures


# ------------------------------------------------------------------------------------------------- layouts


def _round(name: str, code: str) -> Iterator[Shape]:
    yield Ring(21, 21, 20.2, 1.2)
    yield Star(21, 20, 6.5)
    yield from _arc(name, 15.6, 4.8, upper=True)
    yield from _arc(code, 18.0, 1.9, upper=False)
    yield Line(MARK, 21, 30.5, 4.2)
    yield Line("非真实印章", 21, 34.2, 2.0)


def _person(name: str) -> Iterator[Shape]:
    yield Frame(0.6, 0.9)
    size = 6.0 if len(name) <= 4 else 15.0 / len(name)
    if len(name) in (3, 4):
        # Read downwards, from the right column to the left, as on seals.
        letters = name if len(name) == 4 else name + "印"
        for number, text in enumerate(letters):
            yield Letter(text, 13.4 if number < 2 else 6.6, 5.3 if number % 2 == 0 else 12.0, size, 0)
    else:
        yield Line(name, 10, 8.6, size)
    yield Line(f"{MARK} 非真实印章", 10, 17.4, 1.9)


def _engineer(name: str, code: str) -> Iterator[Shape]:
    yield Frame(0.6, 0.9)
    yield Line("注册造价工程师", 22.5, 5.6, 4.0)
    yield Line(name, 22.5, 12.2, 5.0)
    yield Line(code, 22.5, 17.6, 2.6)
    yield Line(f"{MARK} 非真实印章", 22.5, 22.2, 2.6)


def _arc(text: str, radius: float, size: float, *, upper: bool) -> Iterator[Letter]:
    """Letters along a circle around the middle: above it their feet point inwards, below outwards."""
    if not text:
        return
    widest = _WIDEST_ARC if upper else _WIDEST_CODE
    step = min(1.25 * size / radius * 180 / pi, widest / max(1, len(text) - 1))
    size = min(size, step * pi / 180 * radius)
    for number, one in enumerate(text):
        offset = (number - (len(text) - 1) / 2) * step
        angle = offset - 90 if upper else 90 - offset
        x, y = 21 + radius * cos(radians(angle)), 21 + radius * sin(radians(angle))
        yield Letter(one, x, y, size, angle + 90 if upper else angle - 90)


def _points(star: Star) -> Iterable[tuple[float, float]]:
    for number in range(10):
        radius = star.radius if number % 2 == 0 else star.radius * 0.382
        angle = radians(36 * number - 90)
        yield star.x + radius * cos(angle), star.y + radius * sin(angle)


# ------------------------------------------------------------------------------------------------- drawing


def _paint(image: Image.Image, shape: Shape) -> None:
    draw = ImageDraw.Draw(image)
    scale = _PIXELS_PER_MM
    match shape:
        case Ring(x, y, radius, line):
            box = [(one + side * (radius + line / 2)) * scale for side in (-1, 1) for one in (x, y)]
            draw.ellipse(box, outline=RED, width=round(line * scale))
        case Frame(inset, line):
            corner = (image.width - inset * scale, image.height - inset * scale)
            draw.rectangle((inset * scale, inset * scale, *corner), outline=RED, width=round(line * scale))
        case Star():
            draw.polygon([(px * scale, py * scale) for px, py in _points(shape)], fill=RED)
        case Letter(text, x, y, size, turn):
            picture = letter(text, round(size * scale), RED).rotate(-turn, Image.Resampling.BICUBIC)
            corner_x, corner_y = x * scale - picture.width / 2, y * scale - picture.height / 2
            image.alpha_composite(picture, (max(0, round(corner_x)), max(0, round(corner_y))))
        case Line(text, x, y, size):
            draw_line(draw, x * scale, y * scale, text, round(size * scale), RED)


def _markup(shape: Shape, drawing: SealDrawing) -> str:
    middle = 'text-anchor="middle" dominant-baseline="central"'
    match shape:
        case Ring(x, y, radius, line):
            return (
                f'<circle cx="{x:g}" cy="{y:g}" r="{radius:g}" fill="none" stroke="{_COLOUR}"'
                f' stroke-width="{line:g}"/>'
            )
        case Frame(inset, line):
            size = f'width="{drawing.width - 2 * inset:g}" height="{drawing.height - 2 * inset:g}"'
            return (
                f'<rect x="{inset:g}" y="{inset:g}" {size} fill="none" stroke="{_COLOUR}"'
                f' stroke-width="{line:g}"/>'
            )
        case Star():
            points = " ".join(f"{px:.3f},{py:.3f}" for px, py in _points(shape))
            return f'<polygon points="{points}"/>'
        case Letter(text, x, y, size, turn):
            place = f'transform="translate({x:.3f} {y:.3f}) rotate({turn:.2f})"'
            return f'<text {place} font-size="{size:.3f}" {middle}>{escape(text)}</text>'
        case Line(text, x, y, size):
            return f'<text x="{x:g}" y="{y:g}" font-size="{size:.3f}" {middle}>{escape(text)}</text>'
