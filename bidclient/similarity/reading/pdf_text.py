"""The text of a PDF page by page, with its pictures, and an honest word about pages that cannot be read."""

import io
from pathlib import Path

import pypdfium2

from bidclient.ask import Progress
from bidclient.checks.pdf import opened_pdf
from bidclient.checks.pdf_characters import is_garbled, page_text
from bidclient.checks.pdf_objects import Drawn, shows
from bidclient.similarity.reading.document import PageKind
from bidclient.similarity.reading.limits import Stop
from bidclient.similarity.reading.ocr import Ocr, recognise
from bidclient.similarity.reading.pdf_notes import notes
from bidclient.similarity.reading.pdf_pictures import look_at
from bidclient.similarity.reading.record import (
    BROKEN_FONT,
    DAMAGED,
    EMBEDDED,
    OCR_FAILED,
    OUT_OF_TIME,
    PICTURE_TEXT,
    SCAN,
    TOO_LONG,
    TOO_MANY_PAGES,
    Record,
)

_POINTS_PER_INCH = 72
_NAMED = 5


def read_pdf(path: Path, record: Record, ocr: Ocr | None, progress: Progress, stop: Stop) -> None:
    """Put the pages of the PDF at `path` into the record. Raises BadDocument, FileProblem.

    `progress` counts pages that are done.
    """
    with opened_pdf(path) as document:
        total = len(document)
        most = min(total, record.limits.pages)
        record.miss(TOO_MANY_PAGES, range(most + 1, total + 1))
        for number in range(1, most + 1):
            if stop() or record.full:
                record.miss(TOO_LONG if record.full else OUT_OF_TIME, range(number, most + 1))
                break
            progress("read", number - 1, total)
            try:
                _read_page(document, number, record, ocr)
            except pypdfium2.PdfiumError:
                record.page(number, "", "unreadable")
                record.miss(DAMAGED, number)
        _name_attachments(document, record)


def _name_attachments(document: pypdfium2.PdfDocument, record: Record) -> None:
    """Files inside the file are not read."""
    count = document.count_attachments()
    names = []
    for index in range(min(count, _NAMED)):
        try:
            names.append(document.get_attachment(index).get_name())
        except pypdfium2.PdfiumError:
            names.append("?")
    if count:
        more = [f"+{count - _NAMED}"] if count > _NAMED else []
        record.miss(EMBEDDED, fact="、".join([*names, *more]))


def _read_page(document: pypdfium2.PdfDocument, number: int, record: Record, ocr: Ocr | None) -> None:
    """Raises PdfiumError before anything is recorded."""
    page = document[number - 1]
    try:
        characters = page.get_textpage()
        try:
            # One more than allowed, so that the record sees that it was too long.
            text = page_text(characters, record.limits.page_characters + 1)
            garbled = is_garbled(characters, text)
        finally:
            characters.close()
        if not garbled:
            # Behind the page's own text, whose offsets stay those of PDFium.
            text = (
                f"{text.rstrip(chr(10))}\n{written}"
                if (written := notes(page, record.limits.objects))
                else text
            )
        drawn = look_at(page, number, record)
        kind: PageKind = "unreadable" if garbled else shows(text, drawn)
        if kind in ("scan", "unreadable") and ocr is not None:
            kind, text = _recognised(page, kind, "" if garbled else text, ocr, number, record)
        else:
            _name(kind, drawn, number, record)
        record.page(number, "" if kind == "unreadable" else text, kind)
    finally:
        page.close()


def _name(kind: PageKind, drawn: Drawn, number: int, record: Record) -> None:
    """Write down what of the page was not read."""
    if kind == "scan":
        record.miss(SCAN, number)
    elif kind == "unreadable":
        record.miss(BROKEN_FONT, number)
    elif drawn.fills:
        record.miss(PICTURE_TEXT, number)


def _recognised(
    page: pypdfium2.PdfPage, kind: PageKind, text: str, ocr: Ocr, number: int, record: Record
) -> tuple[PageKind, str]:
    """The kind and the text of a page that is shown to `ocr`; as they were when that fails."""
    width, height = page.get_size()
    scale = ocr.dpi / _POINTS_PER_INCH
    if width * height * scale * scale > record.limits.pixels:
        record.miss(OCR_FAILED, number)
        return kind, text
    out = io.BytesIO()
    page.render(scale=scale, grayscale=True).to_pil().save(out, "PNG", compress_level=1)
    read = recognise(ocr, [out.getvalue()], number, record, BROKEN_FONT if kind == "unreadable" else SCAN)
    return ("ocr", read) if read else (kind, text)
