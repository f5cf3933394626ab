"""Reads a file as the self-check sees it, whatever its kind; what it cannot read is named."""

import codecs
from pathlib import Path
from typing import BinaryIO

from bidclient.ask import Progress, silent
from bidclient.errors import BadDocument, TooLarge
from bidclient.formats.content import file_digest, read_limited
from bidclient.formats.stored_zip import open_archive
from bidclient.similarity.reading.document import Extract, Trait
from bidclient.similarity.reading.limits import LIMITS, Limits, Stop, never
from bidclient.similarity.reading.ocr import Ocr, recognise
from bidclient.similarity.reading.record import NO_TRAITS, Record

EXTRACTOR_VERSION = 1
"""Grows when the same file gives another text or other pages: what was stored before is then read again."""

_KINDS = {
    ".csv": "csv",
    ".docm": "docx",
    ".docx": "docx",
    ".jpeg": "jpeg",
    ".jpg": "jpeg",
    ".json": "json",
    ".ofd": "ofd",
    ".pdf": "pdf",
    ".png": "png",
    ".txt": "txt",
    ".xlsm": "xlsx",
    ".xlsx": "xlsx",
    ".xml": "xml",
}
_PLAIN = frozenset({"csv", "json", "txt", "xml"})
_PICTURES = frozenset({"jpeg", "png"})
_OLD_OFFICE = frozenset({".doc", ".dot", ".et", ".ppt", ".wps", ".xls"})
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_SIGNS = (
    (b"%PDF-", "pdf"),
    (b"PK\x03\x04", "zip"),
    (_OLE, "ole"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
)
_ZIPPED = {"docx": "word/", "xlsx": "xl/", "ofd": "OFD.xml"}
_HEAD = 1024 * 1024
_ENCRYPTED_OOXML = "EncryptedPackage".encode("utf-16-le")
"""The stream of an OLE file that Office puts an encrypted DOCX or XLSX into ([MS-OFFCRYPTO] §2.3.2)."""


def extract(
    path: Path,
    limits: Limits = LIMITS,
    ocr: Ocr | None = None,
    progress: Progress = silent,
    stop: Stop = never,
) -> Extract:
    """All that can be read of the PDF, DOCX, XLSX, OFD, CSV, TXT, XML, JSON, PNG or JPEG at `path`.

    Scanned pages are shown to `ocr` where there is one and named as not checked otherwise. `progress` counts
    pages. When `stop` says so, the pages of a PDF that are left are named as not checked. Raises BadDocument
    for another kind of file, or one that is encrypted, damaged, not what its name says or unfolds beyond the
    limits; TooLarge; FileProblem. A hostile file may crash or stall the library that reads it: a program
    that must live on reads by apart.Reader.
    """
    size, sha256 = file_digest(path)
    if size > limits.file_bytes:
        raise TooLarge(path.name, size, limits.file_bytes)
    record = Record(path.name, limits)
    with open_archive(path) as file:
        kind = _kind(file, path)
        if kind in _ZIPPED:
            _read_zipped(file, kind, record, ocr, progress, stop)
    if kind == "pdf":
        # Imported here, as the others: each draws in a large library, and most runs meet one kind of file.
        from bidclient.similarity.reading.pdf_text import read_pdf

        read_pdf(path, record, ocr, progress, stop)
    elif kind in _PLAIN:
        record.page(1, _decoded(read_limited(path, limits.plain_bytes), path.name), "text")
    elif kind in _PICTURES:
        _read_picture(path, record, ocr)
    return record.extract(sha256, kind, _traits(path, kind, record))


def _kind(file: BinaryIO, path: Path) -> str:
    """What the name says, when the first bytes say the same. Raises BadDocument."""
    suffix = path.suffix.lower()
    head = file.read(_HEAD)
    file.seek(0)
    if not head:
        raise BadDocument(path.name, "zero bytes")
    inside = next((kind for sign, kind in _SIGNS if head.startswith(sign)), "")
    kind = _KINDS.get(suffix, "")
    if inside == "ole" and kind and _ENCRYPTED_OOXML in head:
        raise BadDocument(path.name, "encrypted")
    if suffix in _OLD_OFFICE or (inside == "ole" and kind):
        raise BadDocument(path.name, "an old Office format: save as .docx, .xlsx or PDF")
    if not kind:
        raise BadDocument(path.name, f"a kind of file that is not read: {suffix or 'without an ending'}")
    expected = "zip" if kind in _ZIPPED else "" if kind in _PLAIN else kind
    if inside != expected:
        raise BadDocument(path.name, f"named {suffix}, {inside or 'something else'} inside")
    return kind


def _read_zipped(
    file: BinaryIO, kind: str, record: Record, ocr: Ocr | None, progress: Progress, stop: Stop
) -> None:
    """DOCX, XLSX or OFD. Raises BadDocument."""
    from bidclient.similarity.reading.zipped import Container

    container = Container(file, record.name, record.limits, stop)
    if not any(entry.startswith(_ZIPPED[kind]) for entry in container.names):
        raise BadDocument(record.name, f"named .{kind}, another ZIP inside")
    if kind == "docx":
        from bidclient.similarity.reading.word_text import read_word

        read_word(container, record, ocr, progress)
    elif kind == "xlsx":
        from bidclient.similarity.reading.sheet_text import read_sheets

        read_sheets(container, record, progress)
    else:
        from bidclient.similarity.reading.ofd_text import read_ofd

        read_ofd(container, record, progress)


def _decoded(content: bytes, name: str) -> str:
    """Text in UTF-8, UTF-16 with its mark, or GB 18030. Raises BadDocument."""
    marked = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    for encoding in ("utf-16",) if marked else ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text.replace("\r\n", "\n")
    raise BadDocument(name, "no text in UTF-8, UTF-16 or GB 18030")


def _read_picture(path: Path, record: Record, ocr: Ocr | None) -> None:
    """A picture is one page."""
    content = read_limited(path, record.limits.picture_bytes)
    text = recognise(ocr, [content] if record.picture(content, 1) else [], 1, record)
    record.page(1, text, "ocr" if text else "scan")


def _traits(path: Path, kind: str, record: Record) -> tuple[Trait, ...]:
    """What the file says about its making; that it says nothing readable is named."""
    try:
        if kind == "pdf":
            from bidclient.similarity.reading.pdf_traits import traits as of_pdf

            return of_pdf(path)
        if kind in ("docx", "xlsx"):
            from bidclient.similarity.reading.office_traits import traits as of_office

            return of_office(path)
    except BadDocument as error:
        record.miss(NO_TRAITS, fact=error.reason)
    return ()
