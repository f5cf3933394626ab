"""Documents for Word and WPS that tell of their making what is true and nothing else: no two are kin.

What Office writes by itself is left out: marks of editing sessions (rsid), numbers of documents and of
paragraphs, the name of a template. What is the same in each file stands in resources/templates/word.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from typing import Literal

from lxml import etree

from bidclient import resource
from bidclient.formats.stored_zip import Writer

Style = Literal["Title", "BodyText", "Signature", "Normal"]
_PARTS = {
    "[Content_Types].xml": "content-types.xml",
    "_rels/.rels": "package-relations.xml",
    "word/_rels/document.xml.rels": "document-relations.xml",
    "word/styles.xml": "styles.xml",
    "word/settings.xml": "settings.xml",
    "word/fontTable.xml": "font-table.xml",
}
_TEMPLATES = "templates/word"
_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_SPACE = "{http://www.w3.org/XML/1998/namespace}space"
_TWIPS_PER_MM = 1440 / 25.4
_A4_MM = (210, 297)
_MARGINS_MM = {"top": 25, "right": 20, "bottom": 20, "left": 25, "header": 15, "footer": 12, "gutter": 0}
_NO_XML = re.compile("[^\t\n\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 §2.2 has no way to write; a carriage return would be read back as a line feed."""


@dataclass(frozen=True)
class Line:
    """A paragraph; a line feed in it is a line break. `new_page`: it begins a page."""

    text: str
    style: Style = "BodyText"
    new_page: bool = False


@dataclass(frozen=True)
class Grid:
    """A table with all its lines drawn; `widths_mm` of its columns, as many as each row has cells."""

    rows: tuple[tuple[str, ...], ...]
    widths_mm: tuple[int, ...]


@dataclass(frozen=True)
class Origin:
    """Who made the document and when: `author` is the company, which is all that is told of persons."""

    title: str
    author: str
    at: datetime


def word_document(blocks: Sequence[Line | Grid], origin: Origin) -> bytes:
    """The DOCX (ISO/IEC 29500-1, transitional), on A4; equal input gives equal bytes.

    The ZIP has no times: its entries say 1980-01-01, as those that Word writes do. Letters that XML cannot
    hold are replaced by U+FFFD.
    """
    moment = origin.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    persons = {"creator": origin.author, "lastModifiedBy": origin.author}
    core = {"title": origin.title, **persons, "created": moment, "modified": moment}
    content = {name: _template(file) for name, file in _PARTS.items()}
    content["word/document.xml"] = _document(blocks)
    content["docProps/core.xml"] = _properties("core.xml", core)
    content["docProps/app.xml"] = _properties("app.xml", {"Company": origin.author})
    out = BytesIO()
    writer = Writer(out)
    for name, data in content.items():
        writer.add_bytes(name, data)
    writer.finish()
    return out.getvalue()


def _document(blocks: Sequence[Line | Grid]) -> bytes:
    root = etree.Element(_name("document"), nsmap={"w": _W})
    body = _add(root, "body")
    for block in blocks:
        if isinstance(block, Line):
            _paragraph(body, block)
        else:
            _table(body, block)
    section = _add(body, "sectPr")
    width, height = _A4_MM
    _add(section, "pgSz", w=_twips(width), h=_twips(height))
    _add(section, "pgMar", **{side: _twips(wide) for side, wide in _MARGINS_MM.items()})
    return _xml(root)


def _paragraph(parent: etree._Element, line: Line) -> None:
    paragraph = _add(parent, "p")
    look = _add(paragraph, "pPr")
    _add(look, "pStyle", val=line.style)
    if line.new_page:
        _add(look, "pageBreakBefore")
    run = _add(paragraph, "r")
    for number, piece in enumerate(_writable(line.text).split("\n")):
        if number:
            _add(run, "br")
        text = _add(run, "t")
        text.text = piece
        text.set(_SPACE, "preserve")


def _table(parent: etree._Element, grid: Grid) -> None:
    """The table, and the empty paragraph that keeps it apart from a next one (§17.4.37)."""
    table = _add(parent, "tbl")
    look = _add(table, "tblPr")
    _add(look, "tblStyle", val="TableGrid")
    _add(look, "tblW", w=_twips(sum(grid.widths_mm)), type="dxa")
    _add(look, "tblLayout", type="fixed")
    columns = _add(table, "tblGrid")
    for wide in grid.widths_mm:
        _add(columns, "gridCol", w=_twips(wide))
    for cells in grid.rows:
        row = _add(table, "tr")
        _add(_add(row, "trPr"), "cantSplit")
        for cell, wide in zip(cells, grid.widths_mm, strict=True):
            box = _add(row, "tc")
            properties = _add(box, "tcPr")
            _add(properties, "tcW", w=_twips(wide), type="dxa")
            _add(properties, "vAlign", val="center")
            _paragraph(box, Line(cell, "Normal"))
    _paragraph(parent, Line("", "Normal"))


def _properties(template: str, values: Mapping[str, str]) -> bytes:
    """Core or extended properties (ISO/IEC 29500-2 §11, 29500-1 §22.2) with the values filled in."""
    root = etree.fromstring(_template(template))
    for element in root:
        element.text = _writable(values.get(etree.QName(element).localname, element.text or ""))
    return _xml(root)


def _template(name: str) -> bytes:
    return resource.read_bytes(f"{_TEMPLATES}/{name}")


def _add(parent: etree._Element, name: str, **attributes: str) -> etree._Element:
    return etree.SubElement(parent, _name(name), {_name(key): value for key, value in attributes.items()})


def _name(name: str) -> str:
    return f"{{{_W}}}{name}"


def _twips(millimetres: float) -> str:
    return str(round(millimetres * _TWIPS_PER_MM))


def _writable(text: str) -> str:
    return _NO_XML.sub("\ufffd", text)


def _xml(root: etree._Element) -> bytes:
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)
