"""What is written in the notes and the form fields of a PDF page: shown, but no part of its text."""

import ctypes
from collections.abc import Iterator

import pypdfium2
from pypdfium2 import raw

_WRITTEN_IN = {
    raw.FPDF_ANNOT_TEXT: b"Contents",
    raw.FPDF_ANNOT_FREETEXT: b"Contents",
    raw.FPDF_ANNOT_WIDGET: b"V",
}
"""By kind of annotation (ISO 32000-1 §12.5.6) the entry that holds its text."""


def notes(page: pypdfium2.PdfPage, most: int) -> str:
    """A line for each text of up to `most` annotations of the page."""
    return "".join(f"{text}\n" for text in _texts(page, most) if text.strip())


def _texts(page: pypdfium2.PdfPage, most: int) -> Iterator[str]:
    for index in range(min(most, raw.FPDFPage_GetAnnotCount(page))):
        note = raw.FPDFPage_GetAnnot(page, index)
        key = _WRITTEN_IN.get(raw.FPDFAnnot_GetSubtype(note)) if note else None
        if key is not None:
            size = raw.FPDFAnnot_GetStringValue(note, key, None, 0)
            units = (ctypes.c_ushort * (size // 2 + 1))()
            raw.FPDFAnnot_GetStringValue(note, key, units, size)
            yield bytes(units)[: max(0, size - 2)].decode("utf-16-le", "replace").replace("\r", "\n")
        if note:
            raw.FPDFPage_CloseAnnot(note)
