"""The pictures that a PDF page shows: each stream once, and how much of the page they cover."""

import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import pypdfium2
from pypdfium2 import raw

from bidclient.similarity.record import Record

_DEEPEST = 8
"""Forms within forms."""
_LONGEST_SIDE = 1024
"""Pixels of a rendering: more than any perceptual hash looks at."""

_Object: TypeAlias = "raw.FPDF_PAGEOBJECT"


@dataclass(frozen=True)
class Drawn:
    """What stands on a page beside text: pictures, the share of it that they cover, lines and curves."""

    pictures: int
    covered: float
    strokes: int


def look_at(page: pypdfium2.PdfPage, number: int, record: Record) -> Drawn:
    """Take the pictures of page `number` into the record. Raises PdfiumError."""
    pictures, area, strokes = 0, 0.0, 0
    left, bottom, right, top = page.get_bbox()
    for one, kind, outermost in _objects(page, record.limits.objects):
        if kind == raw.FPDF_PAGEOBJ_PATH:
            strokes += max(0, raw.FPDFPath_CountSegments(one))
        elif kind == raw.FPDF_PAGEOBJ_IMAGE:
            pictures += 1
            x0, y0, x1, y1 = pypdfium2.PdfObject(outermost, page=page).get_bounds()
            area += max(0.0, min(x1, right) - max(x0, left)) * max(0.0, min(y1, top) - max(y0, bottom))
            _take(pypdfium2.PdfImage(one, page=page), number, record)
    whole = abs((right - left) * (top - bottom))
    return Drawn(pictures, min(1.0, area / whole) if whole else 0.0, strokes)


def _objects(page: pypdfium2.PdfPage, most: int) -> Iterator[tuple[_Object, int, _Object]]:
    """Up to `most` objects with their kind, and the object of the page that they are in or are."""
    waiting = [
        (raw.FPDFPage_GetObject(page, index), None, 0) for index in range(raw.FPDFPage_CountObjects(page))
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


def _take(image: pypdfium2.PdfImage, number: int, record: Record) -> None:
    """Describe one picture. A JPEG is taken as the file that it is, with its EXIF; others are rendered."""
    limits = record.limits
    size = raw.FPDFImageObj_GetImageDataRaw(image, None, 0)
    if size > limits.picture_bytes:
        record.bad_picture(f"size {size}", number, f"{size} bytes")
        return
    filters = image.get_filters()
    jpeg = filters[-1:] == ["DCTDecode"]
    # A JPEG without what it was wrapped in for transport is the file that was put in, here and in a DOCX.
    data = bytes(image.get_data(decode_simple=jpeg and len(filters) > 1))
    sha256 = hashlib.sha256(data).hexdigest()
    if record.has_picture(sha256):
        return
    width, height = image.get_px_size()
    if width * height > limits.pixels:
        record.bad_picture(sha256, number, f"{width} × {height} px")
    elif jpeg:
        record.picture(data, number)
    else:
        try:
            rendering = _rendered(image)
        except (pypdfium2.PdfiumError, OSError, ValueError) as error:
            record.bad_picture(sha256, number, type(error).__name__)
            return
        record.picture(rendering, number, sha256, (width, height))


def _rendered(image: pypdfium2.PdfImage) -> bytes:
    """A PNG of the picture, as large as is needed. Raises PdfiumError, OSError, ValueError."""
    bitmap = image.get_bitmap()
    picture = bitmap.to_pil()
    factor = max(picture.size) // _LONGEST_SIDE
    out = io.BytesIO()
    (picture.reduce(factor) if factor > 1 else picture).save(out, "PNG", compress_level=0)
    return out.getvalue()
