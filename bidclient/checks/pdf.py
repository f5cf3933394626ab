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
_PDF = ".pdf"
_LOOKED_AT = 20
_TAIL = re.compile(rb"startxref\s+(\d{1,12})\s+%%EOF\s*\Z")
_XREF = re.compile(rb"\s*(xref\b|\d+\s+\d+\s+obj\b)")
PYPDF_ERRORS = (
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
"""Whatever a broken file can make pypdf stumble over; it promises only PyPdfError and does not keep that."""

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
    unsealable: str = ""
    """Why no seal can be put on it; empty when one can."""


@dataclass(frozen=True)
class OpenPdf:
    """A PDF that a bid may contain, open in both libraries. `name` is for errors."""

    name: str
    facts: PdfFacts
    reader: pypdf.PdfReader
    document: pypdfium2.PdfDocument


def preflight(path: Path) -> PdfFacts:
    """The facts of the file at `path`, when a bid may contain it.

    Raises BadDocument for a file that is empty, of an unknown kind, not a PDF inside, encrypted, damaged,
    with a hybrid cross-reference, or that pypdf and PDFium count differently; FileProblem.
    """
    facts = file_facts(path)
    if not is_pdf(path):
        return facts
    with examined_pdf(path, facts) as pdf:
        for number in range(min(pdf.facts.pages, _LOOKED_AT)):
            pdf.document[number].close()
        return pdf.facts


def is_pdf(path: Path) -> bool:
    """Whether the file calls itself a PDF."""
    return path.suffix.lower() == _PDF


def file_facts(path: Path) -> PdfFacts:
    """Size and digest. Raises BadDocument for an empty file and a kind that no bid contains; FileProblem."""
    size, digest = file_digest(path)
    if size == 0:
        raise BadDocument(path.name, "zero bytes")
    kind = path.suffix.lower()
    if kind not in OTHER_KINDS and kind != _PDF:
        raise BadDocument(path.name, f"a kind of file that no bid contains: {kind or 'without an ending'}")
    return PdfFacts(size, digest)


@contextmanager
def examined_pdf(path: Path, facts: PdfFacts) -> Iterator[OpenPdf]:
    """The PDF at `path` with all its facts, `facts` being its size and digest. Raises as preflight does."""
    with open_archive(path) as file:
        facts = replace(facts, version=_check_frame(file, facts.size, path.name))
        reader, facts = _read_with_pypdf(file, facts, path.name)
        with _in_pdfium(file, path.name) as document:
            if len(document) != facts.pages:
                counts = f"pypdf counts {facts.pages} pages, PDFium {len(document)}"
                raise BadDocument(path.name, f"damaged page tree: {counts}")
            facts = replace(facts, signatures=_signatures(document))
            yield OpenPdf(path.name, facts, reader, document)


@contextmanager
def opened_pdf(path: Path) -> Iterator[pypdfium2.PdfDocument]:
    """The file in PDFium. Raises BadDocument for what PDFium cannot read, FileProblem."""
    with open_archive(path) as file, _in_pdfium(file, path.name) as document:
        yield document


@contextmanager
def _in_pdfium(file: BinaryIO, name: str) -> Iterator[pypdfium2.PdfDocument]:
    try:
        document = pypdfium2.PdfDocument(file)
    except pypdfium2.PdfiumError as error:
        locked = error.err_code == pypdfium2.raw.FPDF_ERR_PASSWORD
        raise BadDocument(name, "encrypted" if locked else f"damaged file: {error}") from error
    try:
        yield document
    except pypdfium2.PdfiumError as error:
        raise BadDocument(name, f"damaged page: {error}") from error
    finally:
        document.close()


def _signatures(document: pypdfium2.PdfDocument) -> int:
    """The signature fields that are filled in: a form may have empty ones for others to sign."""
    fields = (
        pypdfium2.raw.FPDF_GetSignatureObject(document, number)
        for number in range(pypdfium2.raw.FPDF_GetSignatureCount(document))
    )
    return sum(pypdfium2.raw.FPDFSignatureObj_GetContents(field, None, 0) > 0 for field in fields)


def _check_frame(file: BinaryIO, size: int, name: str) -> str:
    """The version in the header. Raises BadDocument unless the ends of the file are those of a whole PDF."""
    head = file.read(8)
    if not re.fullmatch(rb"%PDF-[12]\.\d", head):
        raise BadDocument(name, "no PDF header at the first byte")
    file.seek(max(0, size - 2048))
    tail = _TAIL.search(file.read())
    if not tail:
        raise BadDocument(name, "no end of file mark: cut short, or bytes behind it")
    file.seek(min(int(tail[1]), size))
    if not _XREF.match(file.read(32)):
        raise BadDocument(name, "startxref leads nowhere")
    return head[5:].decode("ascii")


def _read_with_pypdf(file: BinaryIO, facts: PdfFacts, name: str) -> tuple[pypdf.PdfReader, PdfFacts]:
    """The file in pypdf, and `facts` with what that can tell. Raises BadDocument."""
    file.seek(0)
    try:
        reader = pypdf.PdfReader(file)
        if reader.is_encrypted:
            raise BadDocument(name, "encrypted")
        if "/XRefStm" in reader.trailer:
            raise BadDocument(name, "hybrid cross-reference: readers may see different content")
        pages = len(reader.pages)
        information: DictionaryObject = reader.metadata or DictionaryObject()
        properties = tuple((str(key).lstrip("/"), str(value)) for key, value in information.items())
        xmp, unsealable = _xmp(reader), _unsealable(reader)
    except PYPDF_ERRORS as error:
        raise BadDocument(name, f"damaged file: {type(error).__name__}") from error
    if not 0 < pages <= MOST_PAGES:
        raise BadDocument(name, f"{pages} pages, 1 to {MOST_PAGES} allowed")
    return reader, replace(
        facts,
        pages=pages,
        properties=properties,
        xmp=xmp,
        modified=_modified(reader),
        unsealable=unsealable,
    )


def _unsealable(reader: pypdf.PdfReader) -> str:
    """Why no seal may be added: the file is certified (ISO 32000-1 §12.8.2.2), or an XFA form."""
    catalogue = dictionary(reader.trailer["/Root"])
    if "/XFA" in dictionary(catalogue.get("/AcroForm")):
        return "an XFA form cannot be sealed"
    if "/DocMDP" in dictionary(catalogue.get("/Perms")):
        return "certified: no visible seal may be added"
    return ""


def dictionary(value: PdfObject | None) -> DictionaryObject:
    """The dictionary that a value of pypdf is or refers to; an empty one for anything else."""
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
    except PYPDF_ERRORS:
        return None
    return moment if moment is not None and moment.tzinfo is not None else None
