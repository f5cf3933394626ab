"""What a file says about its making is read as other programs read it, and what all files say is known."""

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pikepdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pikepdf import Array, Dictionary, Name, String

from bidclient.crypto.pdf_places import Place
from bidclient.errors import BadDocument
from bidclient.similarity.findings.common_traits import is_common, is_nobody, telling
from bidclient.similarity.reading import office_traits, pdf_traits
from bidclient.similarity.reading.document import Trait
from bidclient.similarity.reading.trait_text import read_time, time_text
from tests.support.bids import make_pdf
from tests.support.office_files import change, made_docx, made_xlsx, properties, sessions
from tests.support.pdf_seals import put_on, seal
from tests.support.pki import Authority
from tests.support.word_files import paragraph, relationships, word_part

XMP = """<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:dc="http://purl.org/dc/elements/1.1/">
<rdf:Description xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:stEvt="http://ns.adobe.com/xap/1.0/sType/ResourceEvent#" xmpMM:DocumentID="uuid:D1">
<xmpMM:InstanceID>uuid:I1</xmpMM:InstanceID><xmp:CreatorTool>Acrobat PDFMaker 17</xmp:CreatorTool>
<dc:creator><rdf:Seq><rdf:li>王五</rdf:li></rdf:Seq></dc:creator>
<xmpMM:History><rdf:Seq><rdf:li stEvt:action="saved" stEvt:instanceID="uuid:I0"/></rdf:Seq></xmpMM:History>
</rdf:Description></rdf:RDF></x:xmpmeta>"""


def said(traits: tuple[Trait, ...]) -> dict[str, list[str]]:
    """Values by key."""
    values: dict[str, list[str]] = {}
    for one in traits:
        values.setdefault(one.key, []).append(one.value)
    return values


def rich_pdf(path: Path) -> Path:
    """A PDF with everything that a maker may leave behind."""
    pdf = pikepdf.open(make_pdf(path.with_name("plain.pdf"), ["正文"], author="张三"))
    pdf.docinfo["/Company"] = String("甲建设有限公司")
    pdf.docinfo["/CreationDate"] = String("D:20260305101500+08'00'")
    pdf.Root.Metadata = pdf.make_stream(XMP.encode(), Type=Name.Metadata, Subtype=Name.XML)
    pdf.attachments["底稿.docx"] = b"PK"
    for font in ("/KDQXBZ+SimSun", "/BCDEEE+Calibri"):
        pdf.pages[0].obj[Name(f"/X{font[1:7]}")] = pdf.make_indirect(
            Dictionary(Type=Name.FontDescriptor, FontName=Name(font))
        )
    pdf.save(path)
    return path


def test_a_pdf_tells_what_pdfinfo_qpdf_and_poppler_find(tmp_path: Path) -> None:
    path = rich_pdf(tmp_path / "a.pdf")
    found = said(pdf_traits.traits(path))
    info = subprocess.run(
        ["pdfinfo", "-isodates", str(path)], capture_output=True, check=True, timeout=60
    ).stdout.decode()
    lines = {name: value.strip() for name, _, value in (line.partition(":") for line in info.splitlines())}
    assert (found["pdf.author"], found["pdf.producer"]) == ([lines["Author"]], [lines["Producer"]])
    assert found["pdf.created"] == ["2026-03-05T02:15:00Z"]
    assert datetime.fromisoformat(found["pdf.created"][0]) == datetime.fromisoformat(
        f"{lines['CreationDate']}:00"
    )
    width, _, height, *_ = lines["Page size"].split()
    assert found["pdf.pageSize"] == [f"{round(float(width))} × {round(float(height))}"]
    qpdf = subprocess.run(["qpdf", "--json", str(path)], capture_output=True, check=True, timeout=60).stdout
    numbers = json.loads(qpdf)["qpdf"][1]["trailer"]["value"]["/ID"]
    assert [f"b:{found['pdf.id0'][0]}", f"b:{found['pdf.id1'][0]}"] == numbers
    assert found["pdf.company"] == ["甲建设有限公司"]
    assert found["pdf.attachment"] == ["底稿.docx"]
    assert sorted(found["pdf.fontTag"]) == ["BCDEEE+Calibri", "KDQXBZ+SimSun"]
    assert found["pdf.xmp.documentId"] == ["uuid:D1"]
    assert found["pdf.xmp.instanceId"] == ["uuid:I1", "uuid:I0"]
    assert (found["pdf.xmp.creator"], found["pdf.xmp.tool"]) == (["王五"], ["Acrobat PDFMaker 17"])


def test_saves_are_counted_as_they_are_appended(tmp_path: Path) -> None:
    path = make_pdf(tmp_path / "a.pdf", ["正文"])
    assert said(pdf_traits.traits(path))["pdf.saved"] == ["1"]
    tail = path.read_bytes()[path.read_bytes().rindex(b"startxref") :]
    path.write_bytes(path.read_bytes() + b"\n" + tail)
    assert said(pdf_traits.traits(path))["pdf.saved"] == ["2"]


def test_a_linearized_pdf_was_saved_once(tmp_path: Path) -> None:
    path, fast = make_pdf(tmp_path / "a.pdf", ["正文"]), tmp_path / "fast.pdf"
    subprocess.run(["qpdf", "--linearize", str(path), str(fast)], check=True, timeout=60)
    assert said(pdf_traits.traits(fast))["pdf.saved"] == ["1"]


def test_a_document_type_definition_in_xmp_unfolds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    pdf = pikepdf.new()
    pdf.add_blank_page()
    bomb = '<!DOCTYPE x [<!ENTITY a "uuid:secret">]><x><InstanceID>&a;</InstanceID></x>'
    pdf.Root.Metadata = pdf.make_stream(bomb.encode())
    pdf.save(path)
    assert "secret" not in repr(pdf_traits.traits(path))


def test_an_odd_information_dictionary_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    pdf = pikepdf.new()
    pdf.add_blank_page()
    pdf.trailer["/Info"] = pdf.make_indirect(
        Dictionary(
            Author=Array([1]), CreationDate=String("yesterday"), ModDate=String("D:99999999"), Company=7
        )
    )
    pdf.save(path)
    assert {"pdf.author", "pdf.created", "pdf.modified", "pdf.company"} & said(
        pdf_traits.traits(path)
    ).keys() == set()


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_a_spoilt_pdf_tells_something_or_has_a_reason(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("spoilt")
    content = bytearray(rich_pdf(folder / "a.pdf").read_bytes())
    places = st.integers(0, len(content) - 1)
    for at, value in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), min_size=1, max_size=8)):
        content[at] = value
    path = folder / "b.pdf"
    path.write_bytes(content)
    try:
        found = pdf_traits.traits(path)
    except BadDocument as error:
        found = (Trait("pdf.reason", error.reason, "weak"),)
    assert found
    assert all(one.key.startswith("pdf.") and one.value for one in found)


def test_a_docx_tells_properties_sessions_persons_and_paths(tmp_path: Path) -> None:
    core = {
        "creator": "张三",
        "lastModifiedBy": "李四",
        "created": "2026-03-05T10:15:00+08:00",
        "modified": "2026-03-06T02:00:00Z",
        "lastPrinted": "2026-03-05T03:00:00Z",
    }
    extended = {
        "Company": "甲建设有限公司",
        "Manager": "赵总",
        "Template": "甲公司标书.dotm",
        "TotalTime": "125",
    }
    comments = word_part("comments", '<w:comment w:author="钱七"/>')
    people = word_part("people", '<w:person w:author="孙八"/>')
    template = {"rId1": ("attachedTemplate", "file:///C:/甲公司/标书.dotm")}
    parts = {
        **sessions("00A71B3C", ["00A71B3C", "00C52D4E"], "{5F0F-77}"),
        "word/comments.xml": comments,
        "word/people.xml": people,
        "word/_rels/settings.xml.rels": relationships(template),
        "word/embeddings/报价底稿.xlsx": b"PK",
        "word/embeddings/oleObject1.bin": b"PK",
    }
    path = made_docx(tmp_path / "a.docx", core, extended, parts, change("周九", "新增") + paragraph("正文"))
    listed = subprocess.run(
        ["unzip", "-p", str(path), "docProps/core.xml"], capture_output=True, check=True, timeout=60
    )
    assert "李四" in listed.stdout.decode()
    found = said(office_traits.traits(path))
    assert (found["docx.creator"], found["docx.lastModifiedBy"]) == (["张三"], ["李四"])
    assert (found["docx.created"], found["docx.modified"]) == (
        ["2026-03-05T02:15:00Z"],
        ["2026-03-06T02:00:00Z"],
    )
    assert (found["docx.printed"], found["docx.minutes"]) == (["2026-03-05T03:00:00Z"], ["125"])
    assert (found["docx.company"], found["docx.manager"]) == (["甲建设有限公司"], ["赵总"])
    assert (found["docx.template"], found["docx.templatePath"]) == (
        ["甲公司标书.dotm"],
        ["file:///C:/甲公司/标书.dotm"],
    )
    assert (found["docx.rsidRoot"], found["docx.rsid"]) == (["00A71B3C"], ["00A71B3C", "00C52D4E"])
    assert found["docx.docId"] == ["{5F0F-77}"]
    assert sorted(found["docx.person"]) == sorted(["钱七", "孙八", "周九"])
    assert found["docx.embedded"] == ["报价底稿.xlsx"]


def test_what_wps_writes_tells_the_file_and_the_program_apart(tmp_path: Path) -> None:
    number = "0B3C5D7E9F1A4B2C8D6E0F1A2B3C4D5E"
    custom = {"ICV": number, "KSOProductBuildVer": "2052-12.1.0.16729"}
    path = made_docx(tmp_path / "a.docx", parts=properties(custom=custom))
    strengths = {one.key: one.strength for one in office_traits.traits(path)}
    assert strengths["docx.custom.ICV"] == "strong"
    assert strengths["docx.custom.KSOProductBuildVer"] == "weak"


def test_a_workbook_tells_where_it_lay_and_who_wrote_in_it(tmp_path: Path) -> None:
    more = (
        '<absPath url="C:\\Users\\zhang\\投标\\"/><revisionPtr documentId="8_{AB}"/>'
        '<fileSharing userName="吴十"/>'
    )
    comments = "<comments><authors><author>郑一</author></authors></comments>"
    persons = '<personList><person displayName="冯二"/></personList>'
    parts = {"xl/comments1.xml": comments, "xl/persons/person.xml": persons}
    path = made_xlsx(tmp_path / "a.xlsx", {"creator": "张三"}, more, parts)
    found = said(office_traits.traits(path))
    assert found["xlsx.creator"] == ["张三"]
    assert found["xlsx.path"] == ["C:\\Users\\zhang\\投标\\"]
    assert found["xlsx.documentId"] == ["8_{AB}"]
    assert sorted(found["xlsx.person"]) == sorted(["吴十", "郑一", "冯二"])


def test_what_python_docx_excel_reportlab_and_word_stamp_on_every_file_tells_nothing(tmp_path: Path) -> None:
    core = {
        "creator": "python-docx",
        "created": "2013-12-23T23:15:00Z",
        "description": "generated by python-docx",
    }
    marks = ["00034616", "0006063C", "0015074B", "0029639D", "00326F90", "00AA1D8D", "00B47730", "00CB0664"]
    docx = made_docx(tmp_path / "a.docx", core, {"Template": "Normal.dotm"}, sessions("00B47730", marks))
    xlsx = made_xlsx(tmp_path / "a.xlsx", {"creator": "openpyxl", "created": "2006-09-16T00:00:00Z"})
    assert [one for one in telling(office_traits.traits(docx)) if one.strength != "weak"] == []
    assert [one for one in telling(office_traits.traits(xlsx)) if one.strength != "weak"] == []
    pdf = make_pdf(tmp_path / "a.pdf", ["正文"])
    assert [one for one in telling(pdf_traits.traits(pdf)) if one.strength != "weak"] == []


@pytest.mark.parametrize(
    ("tag", "common"),
    [
        ("AAAAAC+SimSun", True),
        ("CAAAAA+SimSun", True),
        ("ABCDEE+SimSun", True),
        ("BCDKEE+SimSun", True),
        ("KDQXBZ+SimSun", False),
        ("AAAACK+SimSun", True),
        ("AAAHBC+SimSun", False),
    ],
)
def test_counted_subset_tags_are_told_from_those_by_chance(tag: str, *, common: bool) -> None:
    assert is_common(Trait("pdf.fontTag", tag, "medium")) == common


def test_names_of_installers_and_makers_are_nobody() -> None:
    assert [is_nobody(name) for name in ("Administrator", " 微软用户 ", "Lenovo", "张三")] == [
        True,
        True,
        True,
        False,
    ]


def test_a_signer_is_named(tmp_path: Path) -> None:
    path = make_pdf(tmp_path / "a.pdf", ["正文"])
    assert "pdf.signer" not in said(pdf_traits.traits(path))
    signer = Authority.root().issue("signing")
    put_on(path, [seal("company", Place(0, 100, 100))], signer)
    found = said(pdf_traits.traits(path))
    assert [signer.certificate.common_name in name for name in found["pdf.signer"]] == [True]
    assert int(found["pdf.saved"][0]) > 1


def test_times_are_spelled_one_way() -> None:
    assert time_text(datetime(2026, 3, 5, 2, 15, tzinfo=UTC)) == "2026-03-05T02:15:00Z"
    assert read_time("2026-03-05T02:15:00Z") == datetime(2026, 3, 5, 2, 15, tzinfo=UTC)
    assert read_time("2026-03-05T02:15:00") is None
    assert read_time("yesterday") is None
