"""The picture of a seal as it is drawn on a page: read with limits, its white made transparent."""

import io
import warnings
from dataclasses import dataclass
from functools import cached_property

from PIL import Image, ImageChops, ImageOps

from bidclient.errors import BadSealPicture

_SIZE_LIMIT = 8 * 1024 * 1024
_MOST_PIXELS = 16_000_000
_LONGEST_SIDE = 1000
"""Pixels that are kept: 600 dpi for a seal of 42 mm."""
_FORMATS = ("PNG", "JPEG")


@dataclass(frozen=True)
class SealPicture:
    """A picture file (PNG or JPEG) and the size in which it is shown."""

    data: bytes
    width_mm: float
    height_mm: float

    @cached_property
    def image(self) -> Image.Image:
        """The picture with transparency, its longer side at most 1000 pixels. Raises BadSealPicture."""
        return _transparent(_opened(self.data))


def read_picture(data: bytes, width_mm: float, what: str) -> SealPicture:
    """The picture in a PNG or JPEG file, shown `width_mm` wide in its own proportions.

    Raises BadSealPicture, naming `what`, for another kind of file or one that is too large.
    """
    try:
        image = _opened(data)
    except BadSealPicture as error:
        raise BadSealPicture(what, error.reason) from error
    return SealPicture(data, width_mm, width_mm * image.height / image.width)


def _opened(data: bytes) -> Image.Image:
    if len(data) > _SIZE_LIMIT:
        raise BadSealPicture(
            "seal", f"the picture is too large: {len(data)} bytes, at most {_SIZE_LIMIT} allowed"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(data), formats=_FORMATS)
            if image.width * image.height > _MOST_PIXELS:
                raise BadSealPicture(
                    "seal", f"the picture is too large: {image.width} × {image.height} pixels"
                )
            image.load()
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise BadSealPicture("seal", f"the picture is too large: more than {_MOST_PIXELS} pixels") from error
    except (OSError, ValueError, SyntaxError) as error:
        raise BadSealPicture("seal", "the picture is neither PNG nor JPEG") from error
    return image


def _transparent(image: Image.Image) -> Image.Image:
    """A scan has no transparency: there whatever is as bright as paper lets the text below show through."""
    opaque = not image.has_transparency_data
    image = image.convert("RGBA")
    image.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE), Image.Resampling.LANCZOS)
    if opaque:
        red, green, blue, _ = image.split()
        image.putalpha(ImageOps.invert(ImageChops.darker(ImageChops.darker(red, green), blue)))
    return image
