"""What Office and WPS write into a DOCX or XLSX beside its text: properties, sessions, persons, paths."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from xml.sax.saxutils import escape, quoteattr

from tests.support.word_files import entries_of, make_docx, make_xlsx, make_zip, paragraph, word_part

_CORE = (
    'xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
)
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006"
_W14 = 'xmlns:w14="http://schemas.microsoft.com/office/word/2010/wordml"'
_W15 = 'xmlns:w15="http://schemas.microsoft.com/office/word/2012/wordml"'
NOTHING: Mapping[str, str] = MappingProxyType({})
_CORE_NAMES = {
    "creator": "dc:creator",
    "description": "dc:description",
    "lastModifiedBy": "cp:lastModifiedBy",
    "revision": "cp:revision",
    "created": "dcterms:created",
    "modified": "dcterms:modified",
    "lastPrinted": "cp:lastPrinted",
}


def properties(
    core: Mapping[str, str] = NOTHING,
    extended: Mapping[str, str] = NOTHING,
    custom: Mapping[str, str] = NOTHING,
) -> dict[str, str | bytes]:
    """The three parts of properties."""
    said = "".join(f"<{_CORE_NAMES[key]}>{escape(text)}</{_CORE_NAMES[key]}>" for key, text in core.items())
    more = "".join(f"<{key}>{escape(text)}</{key}>" for key, text in extended.items())
    own = "".join(
        f"<property name={quoteattr(key)}><vt:lpwstr>{escape(text)}</vt:lpwstr></property>"
        for key, text in custom.items()
    )
    return {
        "docProps/core.xml": f"<cp:coreProperties {_CORE}>{said}</cp:coreProperties>",
        "docProps/app.xml": f'<Properties xmlns="{_OFFICE}/extended-properties">{more}</Properties>',
        "docProps/custom.xml": (
            f'<Properties xmlns="{_OFFICE}/custom-properties" xmlns:vt="{_OFFICE}/docPropsVTypes">'
            f"{own}</Properties>"
        ),
    }


def sessions(root: str, marks: Sequence[str], number: str = "") -> dict[str, str | bytes]:
    """word/settings.xml with the revision marks of editing sessions and the document's number."""
    rows = "".join(f'<w:rsid w:val="{mark}"/>' for mark in marks)
    own = f'<w15:docId {_W15} w15:val="{number}"/>' if number else ""
    return {
        "word/settings.xml": word_part(
            "settings", f'<w:rsids><w:rsidRoot w:val="{root}"/>{rows}</w:rsids>{own}'
        )
    }


def change(author: str, text: str) -> str:
    """A paragraph that somebody added while changes were tracked."""
    return f"<w:p><w:ins w:author={quoteattr(author)}><w:r><w:t>{escape(text)}</w:t></w:r></w:ins></w:p>"


def made_docx(
    path: Path,
    core: Mapping[str, str] = NOTHING,
    extended: Mapping[str, str] = NOTHING,
    parts: Mapping[str, str] | Mapping[str, str | bytes] = NOTHING,
    body: str = "",
) -> Path:
    """A DOCX with these properties and further parts."""
    return make_docx(path, body or paragraph("正文"), {**properties(core, extended), **parts})


def made_xlsx(
    path: Path, core: Mapping[str, str], workbook: str = "", parts: Mapping[str, str] = NOTHING
) -> Path:
    """A workbook as openpyxl writes it, with other core properties and `workbook` inside its main part."""
    entries = entries_of(make_xlsx(path, {"表": [["x"]]}))
    main = entries["xl/workbook.xml"]
    assert isinstance(main, bytes)
    entries["xl/workbook.xml"] = main.replace(b"<workbookPr", workbook.encode() + b"<workbookPr", 1)
    return make_zip(path, {**entries, "docProps/core.xml": properties(core)["docProps/core.xml"], **parts})
