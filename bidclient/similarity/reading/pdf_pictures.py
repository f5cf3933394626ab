"""The pictures that a PDF page shows: each stream once, and how much of the page they cover."""

import hashlib
import io

import pypdfium2
from pypdfium2 import raw

from bidclient.checks.pdf_objects import Drawn, page_objects, share_of_page
from bidclient.similarity.reading.record import Record

_LONGEST_SIDE = 1024
"""Pixels of a rendering: more than any perceptual hash looks at."""


def look_at(page: pypdfium2.PdfPage, number: int, record: Record) -> Drawn:
    """Take the pictures of page `number` into the record. Raises PdfiumError."""
    pictures, covered, strokes = 0, 0.0, 0
    for one, kind, outermost in page_objects(page, record.limits.objects):
        if kind == raw.FPDF_PAGEOBJ_PATH:
            strokes += max(0, raw.FPDFPath_CountSegments(one))
        elif kind == raw.FPDF_PAGEOBJ_IMAGE:
            pictures += 1
            covered += share_of_page(page, outermost)
            _take(pypdfium2.PdfImage(one, page=page), number, record)
    return Drawn(pictures, min(1.0, covered), strokes)


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
