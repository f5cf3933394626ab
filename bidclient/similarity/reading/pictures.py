"""A picture as the self-check knows it again: a hash of how it looks, and who and what took it."""

import hashlib
import io
import struct
import warnings
from collections.abc import Iterator
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps

from bidclient.errors import BadDocument
from bidclient.similarity.reading.document import Picture
from bidclient.similarity.reading.limits import LIMITS

_FORMATS = ("BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")
"""What is decoded; each further format is more code that a hostile file could reach."""
_SMALLEST = 64
"""Pixels of the shorter side: what is smaller is a bullet or an icon."""
_FLAT = 3.0
"""Standard deviation of the grey levels (0 to 255) under which there is nothing to tell apart."""
_SIDE, _HASHED = 64, 16
"""Side of what is looked at, and of the square of low frequencies that becomes 256 bits."""
_ENOUGH = (512, 512)
"""Pixels that a JPEG is decoded to at least, when it has more: eight times what is looked at."""
_LONGEST = 200
"""Characters of a text in EXIF."""

_TAKEN_BY = (
    ExifTags.Base.Make,
    ExifTags.Base.Model,
    ExifTags.Base.Software,
    ExifTags.Base.DateTime,
    ExifTags.Base.Artist,
    ExifTags.Base.Copyright,
    ExifTags.Base.HostComputer,
    ExifTags.Base.XPAuthor,
)
_TAKEN_WITH = (
    ExifTags.Base.DateTimeOriginal,
    ExifTags.Base.CameraOwnerName,
    ExifTags.Base.BodySerialNumber,
    ExifTags.Base.LensSerialNumber,
    ExifTags.Base.ImageUniqueID,
)
_PNG_TEXTS = ("Author", "Copyright", "Software", "Creation Time")
"""Keywords of text chunks (PNG, third edition, §11.3.3.2)."""

# What Pillow raises for a file that is not what it says; it promises only OSError.
_PILLOW_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    EOFError,
    ArithmeticError,
    struct.error,
    Image.DecompressionBombError,
)


def describe(data: bytes, page: int) -> Picture:
    """The picture file `data` that `page` shows: digest, size, 256-bit perceptual hash, EXIF (CIPA DC-008).

    Raises BadDocument for what cannot be decoded, or has more pixels than the limits allow.
    """
    with warnings.catch_warnings():
        # Pillow warns of odd EXIF and of many pixels: the one is left out, the other bounded here.
        warnings.simplefilter("ignore")
        try:
            with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
                width, height = image.size
                if width * height > LIMITS.pixels:
                    raise BadDocument("picture", f"too large a picture: {width} × {height} pixels")
                exif = tuple(_exif(image))
                image.draft("L", _ENOUGH)
                phash = _phash(image) if min(width, height) >= _SMALLEST else None
        except _PILLOW_ERRORS as error:
            raise BadDocument("picture", f"the picture cannot be decoded: {type(error).__name__}") from error
    return Picture(page, hashlib.sha256(data).hexdigest(), width, height, phash, exif)


def distance(one: bytes, other: bytes) -> int:
    """In how many of the 256 bits two hashes differ; unrelated pictures differ in about 128."""
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).bit_count()


def _phash(image: Image.Image) -> bytes | None:
    """Which of the lowest 16 × 16 frequencies (DCT-II) are above their median; None for a flat picture."""
    image = ImageOps.exif_transpose(image)
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        white.alpha_composite(image.convert("RGBA"))
        image = white
    grey = image.convert("L").resize((_SIDE, _SIDE), Image.Resampling.LANCZOS, reducing_gap=3.0)
    levels = np.asarray(grey, dtype=np.float64)
    if levels.std() < _FLAT:
        return None
    waves = _waves()
    low = waves @ levels @ waves.T
    return np.packbits(low > np.median(low)).tobytes()


@cache
def _waves() -> NDArray[np.float64]:
    """The first 16 cosine waves of DCT-II over 64 points, a row each."""
    place = np.arange(_SIDE) + 0.5
    return np.cos(np.pi / _SIDE * np.outer(np.arange(_HASHED), place))


def _exif(image: Image.Image) -> Iterator[tuple[str, str]]:
    """Owner, camera, program, times and place, as far as the file tells them."""
    exif = image.getexif()
    details = exif.get_ifd(ExifTags.IFD.Exif)
    for tags, values in ((_TAKEN_BY, exif), (_TAKEN_WITH, details)):
        for tag in tags:
            value = values.get(tag)
            if isinstance(value, bytes):
                # Windows writes XPAuthor as UTF-16.
                value = value.decode("utf-16-le" if tag == ExifTags.Base.XPAuthor else "utf-8", "replace")
            if text := _text(value):
                yield tag.name, text
    if place := _place(exif.get_ifd(ExifTags.IFD.GPSInfo)):
        yield "GPS", place
    for keyword in _PNG_TEXTS:
        if text := _text(image.info.get(keyword)):
            yield keyword, text


def _text(value: object) -> str:
    """A text without control characters; empty for what is none."""
    if not isinstance(value, str):
        return ""
    return "".join(one for one in _respelt(value) if one.isprintable())[:_LONGEST].strip()


def _respelt(text: str) -> str:
    """Pillow reads ASCII tags as Latin-1; what is in them is as often UTF-8 or GB 18030."""
    try:
        raw = text.encode("latin-1")
    except UnicodeEncodeError:
        return text
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return text


def _place(gps: dict[int, object]) -> str:
    """Latitude and longitude in degrees, minutes, seconds, as "N 36 3 25.2 E 103 50 2.4"; empty without."""
    names = ExifTags.GPS
    parts: list[str] = []
    for side, degrees in (
        (names.GPSLatitudeRef, names.GPSLatitude),
        (names.GPSLongitudeRef, names.GPSLongitude),
    ):
        values = gps.get(degrees)
        if not isinstance(values, tuple) or len(values) != 3:
            return ""
        parts += [_text(gps.get(side)), *(f"{float(value):g}" for value in values)]
    return " ".join(parts)
