"""DOCX, XLSX and OFD files for the tests of extraction, put together part by part so that any can be odd."""

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from openpyxl import Workbook

_MAIN = "http://schemas.openxmlformats.org"
WORD_NAMESPACES = (
    f'xmlns:w="{_MAIN}/wordprocessingml/2006/main" xmlns:r="{_MAIN}/officeDocument/2006/relationships" '
    f'xmlns:a="{_MAIN}/drawingml/2006/main" '
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
    'xmlns:v="urn:schemas-microsoft-com:vml"'
)
_OFFICE = f"{_MAIN}/officeDocument/2006/relationships"
_CONTENT_TYPES = """<?xml version="1.0" encoding="UTF-8"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
<Default Extension="xml" ContentType="application/xml"/><Default Extension="png" ContentType="image/png"/>
<Override PartName="/word/document.xml"
 ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>"""
PAGE_BREAK = '<w:p><w:r><w:br w:type="page"/></w:r></w:p>'
_OFD = 'xmlns:ofd="http://www.ofdspec.org/2016"'


def paragraph(text: str, before: str = "") -> str:
    """A paragraph, with a piece of XML before its text."""
    return f'<w:p><w:r>{before}<w:t xml:space="preserve">{escape(text)}</w:t></w:r></w:p>'


def relationships(targets: Mapping[str, tuple[str, str]]) -> str:
    """A part of relations: by id, the kind and the target."""
    rows = "".join(
        f'<Relationship Id="{name}" Target="{target}" Type="{_OFFICE}/{kind}"/>'
        for name, (kind, target) in targets.items()
    )
    return f'<Relationships xmlns="{_MAIN}/package/2006/relationships">{rows}</Relationships>'


def word_part(root: str, content: str) -> str:
    """A part of a DOCX with this root element."""
    return f'<?xml version="1.0" encoding="UTF-8"?><w:{root} {WORD_NAMESPACES}>{content}</w:{root}>'


def make_zip(path: Path, entries: Mapping[str, str | bytes]) -> Path:
    """A deflated ZIP of these entries."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


def entries_of(path: Path) -> dict[str, str | bytes]:
    """What a ZIP holds."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def docx_entries(
    body: str, parts: Mapping[str, str | bytes] | None = None, pictures: Sequence[str] = ()
) -> dict[str, str | bytes]:
    """The entries of a DOCX with this body and further parts; rId0… are the `pictures` in word/media."""
    related = {f"rId{number}": ("image", f"media/{name}") for number, name in enumerate(pictures)}
    return {
        "[Content_Types].xml": _CONTENT_TYPES,
        "_rels/.rels": relationships({"rId1": ("officeDocument", "word/document.xml")}),
        "word/document.xml": word_part("document", f"<w:body>{body}</w:body>"),
        "word/_rels/document.xml.rels": relationships(related),
        **(parts or {}),
    }


def make_docx(
    path: Path, body: str, parts: Mapping[str, str | bytes] | None = None, pictures: Sequence[str] = ()
) -> Path:
    """A DOCX of `docx_entries`."""
    return make_zip(path, docx_entries(body, parts, pictures))


def make_xlsx(path: Path, sheets: Mapping[str, Sequence[Sequence[object]]]) -> Path:
    """A workbook as openpyxl writes it."""
    book = Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    book.save(path)
    return path


def make_ofd(path: Path, pages: Sequence[Sequence[str]], template: str = "") -> Path:
    """An OFD with a line of text for each string; `template` is text that each page borrows."""
    root = "<ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot>"
    entries: dict[str, str | bytes] = {
        "OFD.xml": f"<ofd:OFD {_OFD}><ofd:DocBody>{root}</ofd:DocBody></ofd:OFD>",
        "Doc_0/Tpl.xml": _ofd_page([template], ""),
    }
    listed = ""
    for number, lines in enumerate(pages):
        entries[f"Doc_0/Pages/Page_{number}/Content.xml"] = _ofd_page(lines, "1" if template else "")
        listed += f'<ofd:Page ID="{number + 10}" BaseLoc="Pages/Page_{number}/Content.xml"/>'
    entries["Doc_0/Document.xml"] = (
        f"<ofd:Document {_OFD}><ofd:CommonData>"
        '<ofd:TemplatePage ID="1" BaseLoc="/Doc_0/Tpl.xml"/></ofd:CommonData>'
        f"<ofd:Pages>{listed}</ofd:Pages></ofd:Document>"
    )
    return make_zip(path, entries)


def _ofd_page(lines: Sequence[str], template: str) -> str:
    borrowed = f'<ofd:Template TemplateID="{template}"/>' if template else ""
    objects = "".join(
        f'<ofd:TextObject ID="{100 + number}" Boundary="10 {20 + 10 * number} 100 8">'
        f"<ofd:TextCode>{escape(line)}</ofd:TextCode></ofd:TextObject>"
        for number, line in enumerate(lines)
    )
    return (
        f"<ofd:Page {_OFD}>{borrowed}<ofd:Content><ofd:Layer>{objects}</ofd:Layer></ofd:Content></ofd:Page>"
    )
