"""What a file says about its making comes with its text, as other programs read it."""

import json
import subprocess
from pathlib import Path

from bidclient.similarity.reading.document import Extract
from bidclient.similarity.reading.extract import extract
from tests.support.bids import make_pdf
from tests.support.word_files import entries_of, make_docx, make_xlsx, make_zip, paragraph, word_part

CORE = (
    '<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:creator>张三</dc:creator>'
    "<cp:lastModifiedBy>李四</cp:lastModifiedBy><dc:description></dc:description></cp:coreProperties>"
)


def said(found: Extract) -> dict[str, list[str]]:
    """Values by key."""
    values: dict[str, list[str]] = {}
    for one in found.traits:
        values.setdefault(one.key, []).append(one.value)
    return values


def test_a_pdf_comes_with_what_pdfinfo_and_qpdf_say_of_it(tmp_path: Path) -> None:
    path = make_pdf(tmp_path / "a.pdf", ["正文"], author="张三", title="技术标")
    found = said(extract(path))
    info = subprocess.run(["pdfinfo", str(path)], capture_output=True, check=True, timeout=60).stdout.decode()
    lines = dict(line.split(":", 1) for line in info.splitlines())
    values = {one for many in found.values() for one in many}
    assert {lines["Author"].strip(), lines["Producer"].strip()} <= values
    qpdf = subprocess.run(["qpdf", "--json", str(path)], capture_output=True, check=True, timeout=60).stdout
    numbers = json.loads(qpdf)["qpdf"][1]["trailer"]["value"]["/ID"]
    assert f"b:{found['pdf.id0'][0]}" == numbers[0]


def test_a_docx_says_who_wrote_it_and_in_which_sessions(tmp_path: Path) -> None:
    sessions = '<w:rsidRoot w:val="00A71B3C"/><w:rsid w:val="00A71B3C"/><w:rsid w:val="00C52D4E"/>'
    parts = {
        "docProps/core.xml": CORE,
        "word/settings.xml": word_part("settings", f"<w:rsids>{sessions}</w:rsids>"),
    }
    found = said(extract(make_docx(tmp_path / "a.docx", paragraph("正文"), parts)))
    assert (found["docx.creator"], found["docx.lastModifiedBy"]) == (["张三"], ["李四"])
    assert (found["docx.rsidRoot"], found["docx.rsid"]) == (["00A71B3C"], ["00A71B3C", "00C52D4E"])


def test_a_workbook_says_who_wrote_it(tmp_path: Path) -> None:
    entries = entries_of(make_xlsx(tmp_path / "a.xlsx", {"表": [["x"]]}))
    path = make_zip(tmp_path / "b.xlsx", {**entries, "docProps/core.xml": CORE})
    assert said(extract(path))["xlsx.creator"] == ["张三"]


def test_properties_that_cannot_be_read_are_named_and_the_text_is_kept(tmp_path: Path) -> None:
    path = make_docx(tmp_path / "a.docx", paragraph("正文"), {"docProps/core.xml": CORE[:-9]})
    found = extract(path)
    assert found.text == "正文\n"
    assert "制作信息无法读取" in found.skipped[0][0]


def test_a_plain_file_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("单价", "utf-8")
    assert extract(path).traits == ()
