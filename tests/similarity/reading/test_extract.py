"""Every kind of file gives its text with pages, and whatever was not read is named."""

import re
import subprocess
from collections import Counter
from pathlib import Path

import pikepdf
import pytest

from bidclient.errors import BadDocument, FileProblem, TooLarge
from bidclient.similarity.reading.document import Extract
from bidclient.similarity.reading.extract import extract
from bidclient.similarity.reading.limits import Limits
from tests.support.bids import make_pdf
from tests.support.manuals import debian_manuals
from tests.support.pdf_files import (
    canvas,
    encoded,
    make_broken_font,
    make_many_pages,
    make_scan,
    picture,
    unicode_map,
)
from tests.support.word_files import (
    PAGE_BREAK,
    entries_of,
    make_docx,
    make_ofd,
    make_xlsx,
    make_zip,
    paragraph,
    relationships,
    word_part,
)

PAGES = (
    "施工组织设计\n第一章 工程概况\n本工程位于西峰区，全长 3.2 km。",
    "第二章 质量保证措施\n严格按 GB 50300 验收。",
)


def said(found: Extract) -> str:
    """What was skipped, in both languages, as one text."""
    return "\n".join(f"{zh} | {en}" for zh, en in found.skipped)


def page_texts(found: Extract) -> list[str]:
    return [found.text[page.start : page.end] for page in found.pages]


def characters(text: str) -> Counter[str]:
    """The visible characters; hyphens at line ends are written by some readers and not by others."""
    return Counter(re.sub(r"[\s\u00ad\x00-\x1f-]", "", text))


def poppler(path: Path) -> str:
    """The text that another reader finds."""
    done = subprocess.run(["pdftotext", str(path), "-"], capture_output=True, check=True, timeout=60)
    return done.stdout.decode()


def test_a_pdf_gives_its_text_page_by_page(tmp_path: Path) -> None:
    path = make_pdf(tmp_path / "a.pdf", PAGES)
    found = extract(path)
    assert page_texts(found) == [f"{page}\n" for page in PAGES]
    assert [(page.number, page.kind) for page in found.pages] == [(1, "text"), (2, "text")]
    assert (found.kind, found.name, found.skipped) == ("pdf", "a.pdf", ())
    sums = subprocess.run(["sha256sum", str(path)], capture_output=True, check=True, timeout=60).stdout
    assert found.sha256 == sums.split()[0].decode()


def test_a_second_reader_finds_the_same_characters_in_real_manuals() -> None:
    """The judge tells texts apart: the manuals differ from each other."""
    manuals = debian_manuals()
    ours, theirs = {}, {}
    for name in ("debian-faq.pdf", "maint-guide.pdf"):
        path = manuals / name
        ours[path.name], theirs[path.name] = characters(extract(path).text), characters(poppler(path))
    assert ours
    for name, found in ours.items():
        # PDFium also gives what stands outside the page, poppler does not: some 50 of 150,000 characters.
        assert (theirs[name] - found).total() <= 0.001 * theirs[name].total()
        assert (found - theirs[name]).total() <= 0.001 * theirs[name].total()
    assert (ours["maint-guide.pdf"] - theirs["debian-faq.pdf"]).total() > 1000


def test_a_scan_is_named_and_keeps_the_little_text_that_it_has(tmp_path: Path) -> None:
    scans = [encoded(picture(1), "JPEG"), encoded(picture(2), "PNG")]
    found = extract(make_scan(tmp_path / "scan.pdf", scans, "某某公司"))
    assert [page.kind for page in found.pages] == ["scan", "scan"]
    assert page_texts(found) == ["某某公司\n", "某某公司\n"]
    assert "第 1-2 页是扫描件" in said(found)
    assert "未检查" in said(found)
    assert "page 1-2: a scan" in said(found)


def test_pages_that_are_blank_drawn_or_only_framed_are_told_apart(tmp_path: Path) -> None:
    page = canvas(tmp_path / "drawn.pdf")
    page.showPage()
    page.rect(20, 20, 500, 700)
    page.showPage()
    for number in range(100):
        page.bezier(number, 10, number + 3, 90, number + 9, 40, number + 5, 200)
    page.showPage()
    page.save()
    found = extract(tmp_path / "drawn.pdf")
    assert [page.kind for page in found.pages] == ["blank", "blank", "scan"]
    assert "第 3 页" in said(found)
    assert len(found.skipped) == 1


def test_a_text_page_with_a_large_picture_says_that_the_picture_was_not_read(tmp_path: Path) -> None:
    scan = encoded(picture(3), "JPEG")
    found = extract(make_scan(tmp_path / "mixed.pdf", [scan], "本页文字很多" * 30))
    assert [page.kind for page in found.pages] == ["text"]
    assert "第 1 页：图片中的文字未检查" in said(found)


def test_a_font_without_an_encoding_is_named_and_its_garbage_left_out(tmp_path: Path) -> None:
    lines = ["7KHTXLFNEURZQIR", "MXPSVRYHUWKH"]  # "The quick brown fox", 29 glyphs on
    broken = extract(make_broken_font(tmp_path / "broken.pdf", lines))
    assert [page.kind for page in broken.pages] == ["unreadable"]
    assert broken.text == ""
    assert "第 1 页的字体没有文字编码" in said(broken)
    whole = unicode_map({ord(one): one for one in "".join(lines)})
    assert (
        extract(make_broken_font(tmp_path / "whole.pdf", lines, whole)).text
        == "7KHTXLFNEURZQIR\nMXPSVRYHUWKH\n"
    )


def test_private_characters_are_garbage_too(tmp_path: Path) -> None:
    private = unicode_map({ord(one): chr(0xE000 + ord(one)) for one in "abcdefgh"})
    found = extract(make_broken_font(tmp_path / "private.pdf", ["abcdefgh"], private))
    assert [page.kind for page in found.pages] == ["unreadable"]


def test_notes_and_form_fields_are_read(tmp_path: Path) -> None:
    path = make_pdf(tmp_path / "plain.pdf", ["正文"])
    with pikepdf.open(path) as pdf:
        note = {"/Subtype": pikepdf.Name.FreeText, "/Contents": pikepdf.String("批注中的项目名称")}
        field = {"/Subtype": pikepdf.Name.Widget, "/FT": pikepdf.Name.Tx, "/V": pikepdf.String("甲公司")}
        rect = pikepdf.Array([10, 10, 60, 30])
        made = [
            pikepdf.Dictionary({"/Type": pikepdf.Name.Annot, "/Rect": rect, **one}) for one in (note, field)
        ]
        notes = pikepdf.Array([pdf.make_indirect(one) for one in made])
        pdf.pages[0].Annots = notes
        pdf.Root.AcroForm = pikepdf.Dictionary(Fields=pikepdf.Array([notes[1]]))
        pdf.save(tmp_path / "notes.pdf")
    assert extract(tmp_path / "notes.pdf").text == "正文\n批注中的项目名称\n甲公司\n"


def test_pictures_are_taken_once_with_their_raw_digest(tmp_path: Path) -> None:
    photo, plan = encoded(picture(1), "JPEG"), encoded(picture(2, (300, 200)), "PNG")
    path = make_scan(tmp_path / "pictures.pdf", [photo, plan, photo])
    found = extract(path)
    assert [(one.page, one.width, one.height) for one in found.pictures] == [(1, 400, 560), (2, 300, 200)]
    folder = tmp_path / "images"
    folder.mkdir()
    subprocess.run(["pdfimages", "-all", str(path), str(folder / "i")], check=True, timeout=60)
    raw = [
        subprocess.run(["sha256sum", str(one)], capture_output=True, check=True, timeout=60).stdout.split()[0]
        for one in sorted(folder.glob("*.jpg"))
    ]
    assert found.pictures[0].sha256 in {one.decode() for one in raw}


def test_a_docx_gives_what_a_reader_of_it_sees(tmp_path: Path) -> None:
    deleted = '<w:p><w:del w:author="甲"><w:r><w:delText>删去的话</w:delText></w:r></w:del>'
    deleted += "<w:r><w:t>留下</w:t></w:r></w:p>"
    moved = "<w:p><w:moveFrom><w:r><w:t>原处</w:t></w:r></w:moveFrom>"
    moved += "<w:ins><w:r><w:t>新增</w:t></w:r></w:ins></w:p>"
    cells = "".join(f"<w:tc>{paragraph(text)}</w:tc>" for text in ("单元格甲", "单元格乙"))
    table = f"<w:tbl><w:tr>{cells}</w:tr></w:tbl>"
    box = (
        "<w:p><w:r><mc:AlternateContent><mc:Choice Requires='wps'><w:txbxContent>"
        f"{paragraph('文本框')}</w:txbxContent></mc:Choice><mc:Fallback><w:txbxContent>{paragraph('文本框')}"
        "</w:txbxContent></mc:Fallback></mc:AlternateContent></w:r></w:p>"
    )
    field = '<w:p><w:r><w:instrText>TOC \\o "1-3"</w:instrText></w:r>'
    field += "<w:r><w:t>a</w:t><w:tab/><w:t>b</w:t></w:r></w:p>"
    stops = (
        '<w:p><w:pPr><w:tabs><w:tab w:val="left" w:pos="9"/></w:tabs></w:pPr><w:r><w:t>制表</w:t></w:r></w:p>'
    )
    parts = {
        "word/header1.xml": word_part("hdr", paragraph("页眉文字")),
        "word/footnotes.xml": word_part("footnotes", f"<w:footnote>{paragraph('脚注文字')}</w:footnote>"),
        "word/comments.xml": word_part("comments", f"<w:comment>{paragraph('批注文字')}</w:comment>"),
    }
    body = paragraph("开头") + deleted + moved + table + box + field + stops
    found = extract(make_docx(tmp_path / "a.docx", body, parts))
    lines = [line for line in page_texts(found)[0].splitlines() if line]
    assert lines == ["开头", "留下", "新增", "单元格甲", "单元格乙", "文本框", "a\tb", "制表"]
    assert found.pages[-1].number == 0
    assert page_texts(found)[-1].split() == ["批注文字", "脚注文字", "页眉文字"]


def test_a_docx_has_the_pages_that_its_writer_saw(tmp_path: Path) -> None:
    seen = "<w:lastRenderedPageBreak/>"
    body = paragraph("一") + PAGE_BREAK + paragraph("二", seen) + paragraph("三", seen) + PAGE_BREAK
    found = extract(make_docx(tmp_path / "pages.docx", body))
    assert [text.split() for text in page_texts(found)] == [["一"], ["二"], ["三"]]
    assert [page.number for page in found.pages] == [1, 2, 3]


def test_unzip_and_grep_find_the_same_words_in_a_docx(tmp_path: Path) -> None:
    body = "".join(paragraph(f"第 {number} 条 <质量> & 安全") for number in range(200))
    path = make_docx(tmp_path / "many.docx", body)
    xml = subprocess.run(
        ["unzip", "-p", str(path), "word/document.xml"], capture_output=True, check=True, timeout=60
    )
    grep = subprocess.run(
        ["grep", "-oP", '(?<=preserve">)[^<]*'], input=xml.stdout, capture_output=True, check=True, timeout=60
    )
    words = grep.stdout.decode().replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert extract(path).text == words
    assert "第 199 条" in words


def test_pictures_of_a_docx_stand_on_their_page_and_files_inside_are_named(tmp_path: Path) -> None:
    shown = '<w:p><w:r><w:drawing><a:blip r:embed="rId0"/></w:drawing></w:r></w:p>'
    parts: dict[str, str | bytes] = {
        "word/media/one.png": encoded(picture(1), "PNG"),
        "word/media/two.png": encoded(picture(2), "PNG"),
        "word/embeddings/表.xlsx": b"PK",
    }
    found = extract(make_docx(tmp_path / "p.docx", paragraph("一") + PAGE_BREAK + shown, parts, ["one.png"]))
    assert [one.page for one in found.pictures] == [2, 0]
    assert [page.kind for page in found.pages] == ["text", "scan"]
    assert "嵌入的文件或对象未检查：表.xlsx" in said(found)


def test_what_is_wrong_on_no_page_is_said_of_the_file(tmp_path: Path) -> None:
    parts: dict[str, str | bytes] = {"word/media/broken.png": b"\x89PNG\r\n\x1a\n"}
    found = extract(make_docx(tmp_path / "p.docx", paragraph("一"), parts))
    assert [zh.split(" (")[0] for zh, _ in found.skipped] == ["文件中有无法读取的图片，未检查"]
    assert "in the file: a picture that cannot be read" in said(found)


def test_sheets_give_rows_values_and_names(tmp_path: Path) -> None:
    rows: list[list[object]] = [["序号", "项目名称", "单价"], [1, "挖土方", 12.5], [None, "合计", True]]
    found = extract(make_xlsx(tmp_path / "清单.xlsx", {"分部分项": rows, "措施": [["脚手架"]], "空表": []}))
    assert page_texts(found) == [
        "分部分项\n序号\t项目名称\t单价\n1\t挖土方\t12.5\n合计\tTRUE\n",
        "措施\n脚手架\n",
        "空表\n",
    ]
    assert [page.kind for page in found.pages] == ["text", "text", "blank"]


def test_formulas_count_as_their_values_and_readings_are_no_text(tmp_path: Path) -> None:
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    path = make_xlsx(tmp_path / "base.xlsx", {"表": [["x"]]})
    entries = entries_of(path)
    entries["xl/worksheets/sheet1.xml"] = (
        f'<worksheet xmlns="{main}"><sheetData><row><c t="s"><v>0</v></c><c><f>1+1</f><v>2</v></c>'
        '<c t="inlineStr"><is><r><t>行</t></r><r><t>内</t></r></is></c><c t="s"><v>99</v></c></row>'
        "</sheetData></worksheet>"
    )
    entries["xl/sharedStrings.xml"] = (
        f'<sst xmlns="{main}"><si><t>汉字</t><rPh sb="0" eb="1"><t>hanzi</t></rPh></si></sst>'
    )
    entries["xl/_rels/workbook.xml.rels"] = relationships(
        {"rId1": ("worksheet", "worksheets/sheet1.xml"), "rId2": ("sharedStrings", "sharedStrings.xml")}
    )
    make_zip(tmp_path / "formula.xlsx", entries)
    assert extract(tmp_path / "formula.xlsx").text == "表\n汉字\t2\t行内\n"


def test_an_ofd_is_read_with_what_its_pages_borrow(tmp_path: Path) -> None:
    found = extract(make_ofd(tmp_path / "a.ofd", [["投标函", "致：招标人"], ["第二页"]], "页眉"))
    assert page_texts(found) == ["页眉\n投标函\n致：招标人\n", "页眉\n第二页\n"]
    assert "制作信息无法读取：OFD" in said(found)


def test_files_inside_a_pdf_are_named(tmp_path: Path) -> None:
    path = make_pdf(tmp_path / "a.pdf", ["正文"])
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        for number in range(7):
            pdf.attachments[f"报价{number}.xlsx"] = b"x"
        pdf.save(path)
    assert "嵌入的文件或对象未检查：报价0.xlsx、报价1.xlsx、报价2.xlsx、报价3.xlsx、报价4.xlsx、+2" in said(
        extract(path)
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("suffix", [".csv", ".txt", ".xml", ".json"])
def test_plain_files_are_read_in_the_encodings_in_use(tmp_path: Path, suffix: str, encoding: str) -> None:
    path = tmp_path / f"报价{suffix}"
    path.write_bytes("项目,单价\r\n挖土方,12.50\r\n".encode(encoding))
    assert extract(path).text == "项目,单价\n挖土方,12.50\n"


def test_a_picture_is_a_page_that_was_not_read(tmp_path: Path) -> None:
    path = tmp_path / "证书.png"
    path.write_bytes(encoded(picture(4), "PNG"))
    found = extract(path)
    assert [page.kind for page in found.pages] == ["scan"]
    assert [(one.page, one.width) for one in found.pictures] == [(1, 400)]
    assert "第 1 页是扫描件" in said(found)


REFUSED = {
    "empty.pdf": (b"", "zero bytes"),
    "old.doc": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "save as"),
    "old.docx": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "save as"),
    "locked.docx": (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(99) + "EncryptedPackage".encode("utf-16-le"),
        "encrypted",
    ),
    "program.exe": (b"MZ", "not read"),
    "noending": (b"%PDF-1.4", "not read"),
    "picture.pdf": (b"\x89PNG\r\n\x1a\n", "png inside"),
    "document.png": (b"%PDF-1.7", "pdf inside"),
    "binary.txt": (b"\x00\x01\x02", "no text"),
    "zip.csv": (b"PK\x03\x04", "zip inside"),
    "broken.docx": (b"PK\x03\x04garbage", "damaged"),
    "broken.pdf": (b"%PDF-1.7 garbage", "damaged"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_refused_with_the_reason(tmp_path: Path, name: str) -> None:
    content, reason = REFUSED[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadDocument) as caught:
        extract(tmp_path / name)
    assert reason in caught.value.reason
    assert caught.value.document == name


def test_an_encrypted_pdf_says_so(tmp_path: Path) -> None:
    with pikepdf.open(make_pdf(tmp_path / "open.pdf", ["密"])) as pdf:
        pdf.save(tmp_path / "locked.pdf", encryption=pikepdf.Encryption(user="a", owner="b"))
    with pytest.raises(BadDocument, match="encrypted"):
        extract(tmp_path / "locked.pdf")


def test_a_workbook_called_docx_is_named(tmp_path: Path) -> None:
    path = make_xlsx(tmp_path / "a.xlsx", {"表": [["x"]]}).rename(tmp_path / "a.docx")
    with pytest.raises(BadDocument, match="another ZIP inside"):
        extract(path)


def test_a_missing_file_and_a_huge_one_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileProblem):
        extract(tmp_path / "none.pdf")
    path = make_pdf(tmp_path / "a.pdf", PAGES)
    with pytest.raises(TooLarge):
        extract(path, Limits(file_bytes=100))


def test_what_is_beyond_the_limits_is_left_off_and_named(tmp_path: Path) -> None:
    path = make_many_pages(tmp_path / "many.pdf", 12)
    few = extract(path, Limits(pages=10))
    assert len(few.pages) == 10
    assert "第 11-12 页超过页数上限" in said(few)
    short = extract(path, Limits(characters=500))
    assert len(short.text) <= 501
    assert "文字超过数量上限" in said(short)
    narrow = extract(path, Limits(page_characters=20))
    assert page_texts(narrow)[0] == "The quick brown fox \n"
    assert "第 1-12 页：文字超过数量上限" in said(narrow)


def test_when_the_time_is_up_the_rest_is_named(tmp_path: Path) -> None:
    looks = iter([False, False, True])
    found = extract(make_many_pages(tmp_path / "many.pdf", 9), stop=lambda: next(looks))
    assert [page.number for page in found.pages] == [1, 2]
    assert "第 3-9 页：读取时间已到上限" in said(found)


def test_progress_counts_pages(tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    extract(
        make_many_pages(tmp_path / "many.pdf", 3), progress=lambda _, done, total: steps.append((done, total))
    )
    assert steps == [(0, 3), (1, 3), (2, 3)]
