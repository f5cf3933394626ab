"""What a PDF says about its making: document information, XMP, identifiers, fonts, revisions, signers."""

import mmap
import re
from collections.abc import Iterator
from pathlib import Path

import pikepdf
from asn1crypto import cms
from lxml import etree
from pikepdf.models.metadata import decode_pdf_date

from bidclient.errors import BadDocument
from bidclient.formats.stored_zip import open_archive
from bidclient.similarity.reading.document import Strength, Trait
from bidclient.similarity.reading.trait_text import clean, time_text

_INFORMATION: dict[str, Strength] = {
    "Author": "strong",
    "Company": "strong",
    "Manager": "strong",
    "LastModifiedBy": "strong",
    "Owner": "strong",
    "Creator": "weak",
    "Producer": "weak",
    "SourceModified": "medium",
}
"""Entries of the document information (ISO 32000-1 §14.3.3) and those that exporters of Office add."""
_TIMES = {"CreationDate": "created", "ModDate": "modified"}
_XMP: dict[str, tuple[str, Strength]] = {
    "DocumentID": ("documentId", "strong"),
    "OriginalDocumentID": ("documentId", "strong"),
    "InstanceID": ("instanceId", "strong"),
    "instanceID": ("instanceId", "strong"),
    "documentID": ("documentId", "strong"),
    "CreatorTool": ("tool", "weak"),
    "softwareAgent": ("tool", "weak"),
    "Company": ("company", "strong"),
    "Manager": ("manager", "strong"),
    "LastModifiedBy": ("lastModifiedBy", "strong"),
    "OwnerName": ("owner", "strong"),
}
"""Properties of XMP (ISO 16684-1 §8; media management also in its history) by their local name."""
_SUBSET = re.compile(r"[A-Z]{6}\+.+")
_SAVED = re.compile(rb"startxref\s+\d+\s+%%EOF")
_MOST_OBJECTS = 300_000
_MOST_XMP = 8 * 1024 * 1024
_MOST_OF_A_KIND = 200
# What pikepdf raises for a file that is damaged deeper than its cross-reference; it promises only PdfError.
_PDF_ERRORS = (
    pikepdf.PdfError,
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    IndexError,
    RuntimeError,
    OverflowError,
)


def traits(path: Path) -> tuple[Trait, ...]:
    """All that the PDF at `path` tells, each once. Times are RFC 3339 in UTC, or local without a zone.

    Raises BadDocument for what is encrypted or damaged, FileProblem.
    """
    with open_archive(path) as file:
        try:
            with pikepdf.open(file) as pdf:
                found = [*_information(pdf), *_identifiers(pdf), *_xmp(pdf), *_attachments(pdf)]
                found += _objects(pdf)
                linearized = pdf.is_linearized
        except pikepdf.PasswordError as error:
            raise BadDocument(path.name, "encrypted") from error
        except _PDF_ERRORS as error:
            raise BadDocument(path.name, f"damaged file: {type(error).__name__}") from error
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            saved = sum(1 for _ in _SAVED.finditer(content)) - linearized
    found.append(Trait("pdf.saved", str(saved), "weak"))
    return tuple(dict.fromkeys(found))


def _information(pdf: pikepdf.Pdf) -> Iterator[Trait]:
    information = pdf.trailer.get("/Info")
    if not isinstance(information, pikepdf.Dictionary):
        return
    for name in sorted(information.keys()):
        value, key = information.get(name), str(name).removeprefix("/")
        if not isinstance(value, pikepdf.String) or not (text := clean(str(value))):
            continue
        if key in _TIMES:
            if moment := _moment(text):
                yield Trait(f"pdf.{_TIMES[key]}", moment, "medium")
        elif key in _INFORMATION:
            yield Trait(f"pdf.{key[0].lower()}{key[1:]}", text, _INFORMATION[key])


def _identifiers(pdf: pikepdf.Pdf) -> Iterator[Trait]:
    """The two halves of /ID (§14.4): the first stays with a file and its copies, the second with one save."""
    pair = pdf.trailer.get("/ID")
    if isinstance(pair, pikepdf.Array) and len(pair) == 2:
        for number, half in enumerate(pair):
            if content := bytes(half) if isinstance(half, pikepdf.String) else b"":
                yield Trait(f"pdf.id{number}", content.hex(), "strong")


def _xmp(pdf: pikepdf.Pdf) -> Iterator[Trait]:
    """XMP, written as elements or as attributes; nothing when it is no XML."""
    stream = pdf.Root.get("/Metadata")
    if not isinstance(stream, pikepdf.Stream):
        return
    content = stream.read_bytes()
    if len(content) > _MOST_XMP:
        return
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError:
        return
    for element in root.iter("{*}*"):
        name, inside = etree.QName(element).localname, (element.text or "")
        for key, value in [(name, inside), *((etree.QName(k).localname, v) for k, v in element.items())]:
            text = clean(str(value))
            if text and key in _XMP:
                yield Trait(f"pdf.xmp.{_XMP[key][0]}", text, _XMP[key][1])
        if name == "creator":
            for person in element.iter("{*}li"):
                if text := clean(person.text or ""):
                    yield Trait("pdf.xmp.creator", text, "strong")


def _attachments(pdf: pikepdf.Pdf) -> Iterator[Trait]:
    for number, name in enumerate(pdf.attachments):
        if number < _MOST_OF_A_KIND:
            yield Trait("pdf.attachment", clean(name), "weak")


def _objects(pdf: pikepdf.Pdf) -> Iterator[Trait]:
    """Subset tags of fonts (§9.6.4), sizes of pages in points, signers; one look at every object."""
    counts: dict[str, int] = {}
    for number, one in enumerate(pdf.objects):
        if number >= _MOST_OBJECTS:
            return
        if not isinstance(one, pikepdf.Dictionary) or isinstance(one, pikepdf.Stream):
            continue
        for trait in _object(one):
            counts[trait.key] = counts.get(trait.key, 0) + 1
            if counts[trait.key] <= _MOST_OF_A_KIND or trait.key == "pdf.pageSize":
                yield trait


def _object(one: pikepdf.Dictionary) -> Iterator[Trait]:
    kind = one.get("/Type")
    if kind == "/FontDescriptor":
        name = str(one.get("/FontName", "")).removeprefix("/")
        if _SUBSET.fullmatch(name):
            yield Trait("pdf.fontTag", clean(name), "medium")
    elif kind in ("/Page", "/Pages"):
        box = one.get("/MediaBox")
        if isinstance(box, pikepdf.Array) and len(box) == 4:
            left, bottom, right, top = (round(float(side)) for side in box)
            yield Trait("pdf.pageSize", f"{abs(right - left)} × {abs(top - bottom)}", "weak")
    elif kind == "/Sig":
        contents = one.get("/Contents")
        if isinstance(contents, pikepdf.String):
            yield from (Trait("pdf.signer", name, "medium") for name in _signers(bytes(contents)))


def _signers(signature: bytes) -> list[str]:
    """Whom the certificates in a CMS name; nothing for another kind of signature. Nothing is verified."""
    try:
        signed = cms.ContentInfo.load(signature)["content"]
        return [
            clean(str(one.chosen.subject.human_friendly))
            for one in signed["certificates"]
            if one.name == "certificate" and not one.chosen.ca
        ]
    except (ValueError, TypeError, KeyError, AttributeError):
        return []


def _moment(text: str) -> str:
    """A PDF date (§7.9.4) as RFC 3339; empty for what is none."""
    try:
        return time_text(decode_pdf_date(text))
    except (ValueError, OverflowError):
        return ""
