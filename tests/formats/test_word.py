"""A DOCX of ours is what the standard says, holds any text, and says of its making only what it was told."""

import re
import subprocess
from datetime import timedelta, timezone
from io import BytesIO
from pathlib import Path, PurePosixPath
from zipfile import ZipFile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from bidclient.formats.word import Grid, Line, Origin, word_document
from tests.support.pki import NOW

ORIGIN = Origin("投标函", "陇原示范建设工程有限公司", NOW)
BLOCKS = (
    Line("投标函", "Title"),
    Line("致：招标人", "Normal"),
    Line("一行\n又一行"),
    Line("开标一览表", "Title", new_page=True),
    Grid((("项目", "内容"), ("报价", "1 元\n（大写）人民币壹元整")), (55, 110)),
    Line("投标人：", "Signature"),
)
ORDER = {
    "pPr": "pStyle keepNext keepLines pageBreakBefore spacing ind jc outlineLvl",
    "rPr": "rFonts b bCs sz szCs lang",
    "tblPr": "tblStyle tblW tblInd tblBorders tblLayout tblCellMar",
    "tcPr": "tcW vAlign",
    "tc": "tcPr p",
    "tr": "trPr tc",
    "tbl": "tblPr tblGrid tr",
    "sectPr": "pgSz pgMar",
    "style": "name basedOn next semiHidden qFormat pPr rPr tblPr",
    "styles": "docDefaults style",
    "font": "altName charset family pitch",
    "settings": "defaultTabStop characterSpacingControl compat themeFontLang decimalSymbol listSeparator",
}
"""The order of the sequences that we use (ISO/IEC 29500-1, annex A, wml.xsd): Word refuses any other."""


def entries(content: bytes) -> dict[str, bytes]:
    with ZipFile(BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def local(element: etree._Element) -> str:
    return etree.QName(element).localname


def disorder(root: etree._Element) -> list[str]:
    """The elements whose children are unknown to ORDER or not in it."""
    found = []
    for element in root.iter("{*}*"):
        known = ORDER.get(local(element), "").split()
        if known:
            children = [local(child) for child in element]
            if not set(children) <= set(known) or children != sorted(children, key=known.index):
                found.append(f"{local(element)}: {' '.join(children)}")
    return found


def text_of(content: bytes) -> str:
    """The text with a line feed for each break and behind each paragraph."""
    said = ""
    for element in etree.fromstring(entries(content)["word/document.xml"]).iter("{*}t", "{*}br", "{*}p"):
        said += {"t": element.text or "", "br": "\n", "p": "\n"}[local(element)]
    return said.removeprefix("\n")


def test_parts_relations_and_types_fit_each_other() -> None:
    parts = entries(word_document(BLOCKS, ORIGIN))
    types = etree.fromstring(parts["[Content_Types].xml"])
    overrides = {one.get("PartName", "") for one in types.iter("{*}Override")}
    assert overrides == {f"/{name}" for name in parts if not name.endswith(".rels")} - {
        "/[Content_Types].xml"
    }
    reached = set()
    for source in ("", "word/document.xml"):
        folder = PurePosixPath(source).parent
        rows = parts[str(folder / "_rels" / f"{PurePosixPath(source).name}.rels")]
        reached |= {str(folder / one.get("Target", "")) for one in etree.fromstring(rows)}
    assert {f"/{name}" for name in reached} == overrides


def test_elements_stand_in_the_order_of_the_standard() -> None:
    parts = entries(word_document(BLOCKS, ORIGIN))
    roots = {name: etree.fromstring(content) for name, content in parts.items()}
    assert {name: disorder(root) for name, root in roots.items() if disorder(root)} == {}
    used = {
        str(one.get(one.keys()[0])) for one in roots["word/document.xml"].iter("{*}pStyle", "{*}tblStyle")
    }
    styles = roots["word/styles.xml"]
    assert used == {"Title", "Normal", "BodyText", "Signature", "TableGrid"}
    assert used <= {value for one in styles.iter("{*}style") for value in one.values()}
    fonts = {one.values()[0] for one in roots["word/fontTable.xml"]}
    wanted = {font for one in styles.iter("{*}rFonts") for font in one.values()}
    assert wanted == fonts == {"宋体", "黑体", "Times New Roman"}
    # The judge is one: what is out of order, or not known, is told.
    look = next(roots["word/document.xml"].iter("{*}tcPr"))
    look.append(look[0])
    assert disorder(roots["word/document.xml"]) == ["tcPr: vAlign tcW"]


def test_the_page_is_a4() -> None:
    parts = entries(word_document(BLOCKS, ORIGIN))
    size = next(etree.fromstring(parts["word/document.xml"]).iter("{*}pgSz"))
    assert size.values() == ["11906", "16838"]


def test_nothing_is_said_that_was_not_told() -> None:
    content = word_document(BLOCKS, ORIGIN)
    everything = b"\n".join(entries(content).values()).decode()
    assert not re.search(
        r"rsid|docId|paraId|attachedTemplate|Template>|TotalTime|revision|AppVersion", everything
    )
    assert not re.search(r"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-", everything)
    assert set(re.findall(r"20\d\d-\d\d-\d\d\S*?Z", everything)) == {"2026-11-23T09:30:00Z"}
    elsewhere = Origin(ORIGIN.title, ORIGIN.author, NOW.astimezone(timezone(timedelta(hours=8))))
    assert word_document(BLOCKS, elsewhere) == content
    others = entries(word_document(BLOCKS, Origin("投标函", "另一家有限公司", NOW)))
    changed = {name for name, part in entries(content).items() if others[name] != part}
    assert changed == {"docProps/core.xml", "docProps/app.xml"}


def test_unzip_finds_it_sound(tmp_path: Path) -> None:
    path = tmp_path / "letter.docx"
    content = word_document(BLOCKS, ORIGIN)
    path.write_bytes(content)
    assert subprocess.run(["unzip", "-tq", path], capture_output=True, check=False).returncode == 0
    path.write_bytes(content.replace("致：招标人".encode(), "致：投标人".encode()))
    assert subprocess.run(["unzip", "-tq", path], capture_output=True, check=False).returncode != 0


@given(text=st.text(max_size=80), author=st.text(max_size=40))
def test_any_text_is_held(text: str, author: str) -> None:
    def kept(said: str) -> str:
        return "".join(
            one
            if one in "\t\n" or (one >= " " and not "\ud800" <= one <= "\udfff" and one not in "\ufffe\uffff")
            else "\ufffd"
            for one in said
        )

    content = word_document((Line(text), Line("末")), Origin(text, author, NOW))
    assert text_of(content) == kept(text) + "\n末"
    core = etree.fromstring(entries(content)["docProps/core.xml"])
    assert [core.findtext(f"{{*}}{name}") or "" for name in ("title", "creator")] == [
        kept(text),
        kept(author),
    ]


def test_a_row_has_a_cell_for_each_column() -> None:
    with pytest.raises(ValueError, match="zip"):
        word_document((Grid((("一",),), (55, 110)),), ORIGIN)
