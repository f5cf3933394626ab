"""Preflight of one file when it is added: odd PDFs fail here, not in the evaluators' hands."""

import logging
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import pypdf
import pypdfium2
from pypdf.errors import PyPdfError
from pypdf.generic import DictionaryObject, PdfObject, StreamObject

from bidclient.errors import BadDocument
from bidclient.formats.content import file_digest
from bidclient.formats.stored_zip import open_archive

MOST_PAGES = 10_000
OTHER_KINDS = frozenset({".csv", ".jpeg", ".jpg", ".json", ".png", ".xlsx", ".xml"})
"""What may be part of a bid beside PDF: price lists and pictures; such a file has no pages."""
_LOOKED_AT = 20
_TAIL = re.compile(rb"startxref\s+(\d{1,12})\s+%%EOF\s*\Z")
_XREF = re.compile(rb"\s*(xref\b|\d+\s+\d+\s+obj\b)")
# Whatever a broken file can make pypdf stumble over; it promises only PyPdfError and does not keep that.
_PYPDF_ERRORS = (
    PyPdfError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    IndexError,
    ArithmeticError,
    AssertionError,
    RuntimeError,
    OSError,
    zlib.error,
)

# pypdf reports small faults of a file by logging; without any handler they would land on the screen.
logging.getLogger("pypdf").addHandler(logging.NullHandler())


@dataclass(frozen=True)
class PdfFacts:
    """A file that may be part of a bid. `pages` 0 for what is not a PDF, whose other facts are empty.

    `properties` are the document information (ISO 32000-1 §14.3.3) as name and text, `xmp` the raw metadata.
    """

    size: int
    sha256: str
    pages: int = 0
    version: str = ""
    properties: tuple[tuple[str, str], ...] = ()
    xmp: str = ""
    modified: datetime | None = None
    signatures: int = 0
    searchable: bool = False
    unsealable: str = ""
    """Why no seal can be put on it; empty when one can."""


def preflight(path: Path) -> PdfFacts:
    """The facts of the file at `path`, when a bid may contain it.

    Raises BadDocument for a file that is empty, of an unknown kind, not a PDF inside, encrypted, damaged,
    with a hybrid cross-reference, or that pypdf and PDFium count differently; FileProblem.
    """
    size, digest = file_digest(path)
    if size == 0:
        raise BadDocument(path.name, "空文件 (zero bytes)")
    kind = path.suffix.lower()
    if kind in OTHER_KINDS:
        return PdfFacts(size, digest)
    if kind != ".pdf":
        raise BadDocument(path.name, f"不支持的文件类型 (kind {kind or 'unknown'})")
    with open_archive(path) as file:
        facts = PdfFacts(size, digest, version=_check_frame(file, size, path.name))
        facts = _read_with_pypdf(file, facts, path.name)
    with opened_pdf(path) as document:
        if len(document) != facts.pages:
            reason = f"pypdf counts {facts.pages} pages, PDFium {len(document)}"
            raise BadDocument(path.name, f"页树损坏 ({reason})")
        return replace(
            facts,
            signatures=_signatures(document),
            searchable=any(text.strip() for text in _texts(document, _LOOKED_AT)),
        )


def signature_count(path: Path) -> int:
    """How many signatures a PDF has. Raises BadDocument, FileProblem."""
    with opened_pdf(path) as document:
        return _signatures(document)


def page_texts(path: Path, most: int = MOST_PAGES) -> Iterator[str]:
    """The text of the first `most` pages, one by one. Raises BadDocument, FileProblem."""
    with opened_pdf(path) as document:
        yield from _texts(document, most)


@contextmanager
def opened_pdf(path: Path) -> Iterator[pypdfium2.PdfDocument]:
    """The file in PDFium. Raises BadDocument for what PDFium cannot read, FileProblem."""
    with open_archive(path) as file:
        try:
            document = pypdfium2.PdfDocument(file)
        except pypdfium2.PdfiumError as error:
            locked = error.err_code == pypdfium2.raw.FPDF_ERR_PASSWORD
            raise BadDocument(
                path.name, "文件已加密 (encrypted)" if locked else f"文件损坏 ({error})"
            ) from error
        try:
            yield document
        except pypdfium2.PdfiumError as error:
            raise BadDocument(path.name, f"页面损坏 ({error})") from error
        finally:
            document.close()


def _signatures(document: pypdfium2.PdfDocument) -> int:
    """The signature fields that are filled in: a form may have empty ones for others to sign."""
    fields = (
        pypdfium2.raw.FPDF_GetSignatureObject(document, number)
        for number in range(pypdfium2.raw.FPDF_GetSignatureCount(document))
    )
    return sum(pypdfium2.raw.FPDFSignatureObj_GetContents(field, None, 0) > 0 for field in fields)


def _texts(document: pypdfium2.PdfDocument, most: int) -> Iterator[str]:
    for number in range(min(len(document), most)):
        page = document[number]
        text = page.get_textpage()
        yield text.get_text_bounded()
        text.close()
        page.close()


def _check_frame(file: BinaryIO, size: int, name: str) -> str:
    """The version in the header. Raises BadDocument unless the ends of the file are those of a whole PDF."""
    head = file.read(8)
    if not re.fullmatch(rb"%PDF-[12]\.\d", head):
        raise BadDocument(name, "不是 PDF 文件 (no PDF header at the first byte)")
    file.seek(max(0, size - 2048))
    tail = _TAIL.search(file.read())
    if not tail:
        raise BadDocument(name, "文件不完整 (no end of file mark: cut short, or bytes behind it)")
    file.seek(min(int(tail[1]), size))
    if not _XREF.match(file.read(32)):
        raise BadDocument(name, "交叉引用表损坏 (startxref leads nowhere)")
    return head[5:].decode("ascii")


def _read_with_pypdf(file: BinaryIO, facts: PdfFacts, name: str) -> PdfFacts:
    """`facts` with what pypdf can tell. Raises BadDocument."""
    file.seek(0)
    try:
        reader = pypdf.PdfReader(file)
        if reader.is_encrypted:
            raise BadDocument(name, "文件已加密 (encrypted)")
        if "/XRefStm" in reader.trailer:
            raise BadDocument(
                name, "混合交叉引用 (hybrid cross-reference: readers may see different content)"
            )
        pages = len(reader.pages)
        information: DictionaryObject = reader.metadata or DictionaryObject()
        properties = tuple((str(key).lstrip("/"), str(value)) for key, value in information.items())
        xmp, unsealable = _xmp(reader), _unsealable(reader)
    except _PYPDF_ERRORS as error:
        raise BadDocument(name, f"文件损坏 ({type(error).__name__})") from error
    if not 0 < pages <= MOST_PAGES:
        raise BadDocument(name, f"页数不符合要求 ({pages} pages, 1 to {MOST_PAGES} allowed)")
    return replace(
        facts,
        pages=pages,
        properties=properties,
        xmp=xmp,
        modified=_modified(reader),
        unsealable=unsealable,
    )


def _unsealable(reader: pypdf.PdfReader) -> str:
    """Why no seal may be added: the file is certified (ISO 32000-1 §12.8.2.2), or an XFA form."""
    catalogue = _dictionary(reader.trailer["/Root"])
    if "/XFA" in _dictionary(catalogue.get("/AcroForm")):
        return "动态表单不能签章 (an XFA form cannot be sealed)"
    if "/DocMDP" in _dictionary(catalogue.get("/Perms")):
        return "文件已认证，不能再加可见的签章 (certified: no visible seal may be added)"
    return ""


def _dictionary(value: PdfObject | None) -> DictionaryObject:
    found = value.get_object() if value is not None else None
    return found if isinstance(found, DictionaryObject) else DictionaryObject()


def _xmp(reader: pypdf.PdfReader) -> str:
    catalogue = reader.trailer["/Root"].get_object()
    stream = catalogue.get("/Metadata") if isinstance(catalogue, DictionaryObject) else None
    content = stream.get_object() if stream is not None else None
    return content.get_data().decode("utf-8", "replace") if isinstance(content, StreamObject) else ""


def _modified(reader: pypdf.PdfReader) -> datetime | None:
    """When the file was last changed, as it says; None without a time that has a zone."""
    try:
        moment = reader.metadata.modification_date if reader.metadata else None
    except _PYPDF_ERRORS:
        return None
    return moment if moment is not None and moment.tzinfo is not None else None
