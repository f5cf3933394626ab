"""Pages that cannot be printed or read as they are, and what was not checked; stock tools judge the files."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import msgspec
import pikepdf
import pypdf
import pytest
from pikepdf import Array, Dictionary, Name
from reportlab.lib.pagesizes import A3, A4, LETTER, landscape
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from bidclient.checks.added import page_ranges
from bidclient.checks.draft import check_draft
from bidclient.checks.finding import Finding
from bidclient.checks.pdf_content import read_content
from bidclient.formats.instant import instant_text
from bidclient.formats.typeface import draw
from bidclient.stages.draft import Draft, DraftDocument
from bidclient.stages.tender import Tender
from tests.support.bids import add_file, make_pdf
from tests.support.pdf_files import encoded, make_broken_font, make_scan, picture
from tests.support.pki import NOW

WORDS = "施工组织设计"


def told(*command: str | Path) -> str:
    """What a stock tool says of a file; it must be content."""
    return subprocess.run(list(map(str, command)), capture_output=True, check=True).stdout.decode(
        "utf-8", "replace"
    )


def made(path: Path, *sizes: tuple[float, float], words: str = WORDS) -> Path:
    """A PDF with a page of each size, its font embedded."""
    path.parent.mkdir(parents=True, exist_ok=True)
    canvas = Canvas(str(path), invariant=1)
    for size in sizes:
        canvas.setPageSize(size)
        draw(canvas, 72, 300, words, 14)
        canvas.showPage()
    canvas.save()
    return path


class Room:
    """A good draft whose price list is another file, which the test makes."""

    def __init__(self, draft: Draft, tender: Tender, parts: Path) -> None:
        self.draft, self.tender, self.parts = draft, tender, parts
        self.path = parts / "price" / "清单.pdf"

    def findings(self, name: str = "priced-boq") -> list[Finding]:
        """What is found about the file, which nothing but its pages is wrong with."""
        draft = add_file(self.draft, self.tender, self.path, name, "清单")
        return check_draft(draft, self.tender, self.parts, NOW)

    def only(self) -> Finding:
        """The one finding."""
        (finding,) = self.findings()
        assert finding.subject == "price/priced-boq"
        return finding


@pytest.fixture
def room(complete: tuple[Draft, Path], tender: Tender) -> Room:
    return Room(complete[0], tender, complete[1])


# -------------------------------------------------------------------------------------------------- pages


def test_pages_of_another_size_are_named(room: Room) -> None:
    made(room.path, A4, LETTER, A4, A3, landscape(A4))
    sizes = told("pdfinfo", "-f", "2", "-l", "4", room.path)
    assert "(letter)" in sizes
    assert "(A3)" in sizes
    size, mixed = room.findings()
    assert (size.rule, size.severity) == ("PDF-002", "warning")
    assert "第 2、4 页" in size.message_zh
    assert "page 2, 4 " in size.message_en
    assert "216 × 279 mm" in size.message_zh
    assert [one.here.page for one in size.evidence] == [2, 4]
    assert size.evidence[0].here.document == "price/清单.pdf"
    assert (mixed.rule, mixed.severity) == ("PDF-003", "info")
    assert "第 5 页" in mixed.message_zh


@pytest.mark.parametrize(
    ("width", "height", "is_found"),
    [(210, 297, False), (208.1, 298.9, False), (297, 210, False), (207.9, 297, True), (210, 299.1, True)],
)
def test_two_millimetres_are_forgiven(room: Room, width: float, height: float, is_found: bool) -> None:
    made(room.path, (width * mm, height * mm))
    assert [finding.rule for finding in room.findings()] == ["PDF-002"] * is_found


def test_turned_pages_are_mentioned(room: Room) -> None:
    made(room.path, A4, A4, A4)
    writer = pypdf.PdfWriter(clone_from=room.path)
    writer.pages[1].rotate(180)
    writer.write(room.path)
    assert told("pdfinfo", "-f", "2", "-l", "2", room.path).split("rot:")[1].split()[0] == "180"
    finding = room.only()
    assert (finding.rule, finding.severity) == ("PDF-004", "info")
    assert "第 2 页" in finding.message_zh
    assert "180" in finding.message_zh


def drawn(path: Path, draw_page: Callable[[Canvas], object]) -> Path:
    """Three pages: text, one that is drawn by the test, text."""
    canvas = Canvas(str(path), invariant=1, pagesize=A4)
    draw(canvas, 72, 700, WORDS, 14)
    canvas.showPage()
    draw_page(canvas)
    canvas.showPage()
    draw(canvas, 72, 700, WORDS, 14)
    canvas.save()
    return path


def white(canvas: Canvas) -> None:
    canvas.setFillGray(1)
    canvas.rect(0, 0, *A4, stroke=0, fill=1)


EMPTY: dict[str, Callable[[Canvas], object]] = {
    "nothing": lambda canvas: None,
    "spaces": lambda canvas: canvas.drawString(72, 700, "   "),
    "white on white": white,
}
DRAWN: dict[str, Callable[[Canvas], object]] = {
    "a frame": lambda canvas: canvas.rect(50, 50, 400, 700),
    "a hair line": lambda canvas: canvas.line(50, 50, 400, 50),
    "text": lambda canvas: draw(canvas, 72, 700, "正文", 14),
}


@pytest.mark.parametrize("page", EMPTY.values(), ids=EMPTY.keys())
def test_a_blank_page_is_found(room: Room, page: Callable[[Canvas], object]) -> None:
    drawn(room.path, page)
    assert not told("pdftotext", "-f", "2", "-l", "2", room.path, "-").strip()
    finding = room.only()
    assert (finding.rule, finding.severity) == ("PDF-005", "warning")
    assert "第 2 页" in finding.message_zh


@pytest.mark.parametrize("page", DRAWN.values(), ids=DRAWN.keys())
def test_a_page_with_anything_on_it_is_not_blank(room: Room, page: Callable[[Canvas], object]) -> None:
    drawn(room.path, page)
    assert room.findings() == []


def test_a_page_with_a_stamp_only_is_not_blank(room: Room) -> None:
    drawn(room.path, EMPTY["nothing"])
    with pikepdf.open(room.path, allow_overwriting_input=True) as pdf:
        stamp = pdf.make_stream(
            b"1 0 0 rg 0 0 80 80 re f",
            Type=Name.XObject,
            Subtype=Name.Form,
            BBox=Array([0, 0, 80, 80]),
        )
        rectangle = Array([100, 100, 180, 180])
        look = Dictionary(Type=Name.Annot, Subtype=Name.Stamp, Rect=rectangle, F=4, AP=Dictionary(N=stamp))
        pdf.pages[1].Annots = Array([pdf.make_indirect(look)])
        pdf.save()
    assert room.findings() == []


def test_text_that_nobody_can_search_is_named(room: Room) -> None:
    make_broken_font(room.path, ["我方已仔细研究了招标文件的全部内容"] * 5)
    assert "no  " in told("pdffonts", room.path).splitlines()[2]
    rules = {finding.rule: finding for finding in room.findings()}
    assert rules["PDF-006"].severity == "warning"
    assert "未检查" in rules["PDF-006"].message_zh


def test_a_page_that_cannot_be_shown_blocks(room: Room) -> None:
    """PDFium lists it and cannot load it; added it would never have been."""
    made(room.path, A4, A4, A4)
    data = room.path.read_bytes()
    document = add_file(room.draft, room.tender, room.path, "priced-boq", "清单").documents[-1]
    start = data.rindex(b"<<\n/Contents")
    end = data.index(b"endobj", start)
    data = data[:start] + b"<</Type/Page/Kids[]/Count 1>>".ljust(end - start) + data[end:]
    room.path.write_bytes(data)
    content = read_content(room.path)
    assert [page.kind for page in content.pages] == ["text", "text", "broken"]
    damaged = msgspec.structs.replace(document, sha256=content.facts.sha256)
    draft = msgspec.structs.replace(room.draft, documents=(*room.draft.documents[:3], damaged))
    (finding,) = check_draft(draft, room.tender, room.parts, NOW)
    assert (finding.rule, finding.severity) == ("PDF-007", "blocking")
    assert "第 3 页" in finding.message_zh


# -------------------------------------------------------------------------------------------------- fonts


def test_a_chinese_font_that_is_not_embedded_is_named(room: Room) -> None:
    make_pdf(room.path, [WORDS])
    objects = told("qpdf", "--qdf", "--object-streams=disable", room.path, "-")
    assert "/STSong-Light" in objects
    assert "/FontFile" not in objects
    finding = room.only()
    assert (finding.rule, finding.severity) == ("PDF-008", "warning")
    assert "STSong-Light" in finding.message_zh


def test_a_standard_font_counts_as_not_embedded(room: Room) -> None:
    canvas = Canvas(str(room.path), invariant=1, pagesize=A4)
    canvas.drawString(72, 700, "ISO 9001")
    canvas.save()
    assert told("pdffonts", room.path).splitlines()[2].split()[-5] == "no"
    finding = room.only()
    assert (finding.rule, finding.severity) == ("PDF-009", "info")
    assert "Helvetica" in finding.message_zh


def test_a_font_that_shows_nothing_is_not_missed(room: Room) -> None:
    """Neither invisible text of a recognised scan (render mode 3) needs a font, nor one that is unused."""
    canvas = Canvas(str(room.path), invariant=1, pagesize=A4)
    draw(canvas, 72, 700, WORDS, 14)
    text = canvas.beginText(72, 600)
    text.setTextRenderMode(3)
    text.setFont("Times-Roman", 12)
    text.textOut("recognised")
    canvas.drawText(text)
    canvas.save()
    assert "Times-Roman" in told("pdffonts", room.path)
    assert room.findings() == []


# ----------------------------------------------------------------------------------------- active content


def with_script(pdf: pikepdf.Pdf) -> None:
    pdf.Root.OpenAction = Dictionary(S=Name.JavaScript, JS=b"app.alert('x')")


def with_named_script(pdf: pikepdf.Pdf) -> None:
    script = Dictionary(S=Name.JavaScript, JS=b"app.alert('x')")
    pdf.Root.Names = Dictionary(JavaScript=Dictionary(Names=Array([b"a", pdf.make_indirect(script)])))


def with_page_script(pdf: pikepdf.Pdf) -> None:
    chain = Dictionary(S=Name.GoTo, Next=Array([Dictionary(S=Name.JavaScript, JS=b"app.alert('x')")]))
    pdf.pages[0].AA = Dictionary(O=chain)


def with_launch(pdf: pikepdf.Pdf) -> None:
    link = Dictionary(
        Type=Name.Annot,
        Subtype=Name.Link,
        Rect=Array([0, 0, 9, 9]),
        A=Dictionary(S=Name.Launch, F=b"calc.exe"),
    )
    pdf.pages[0].Annots = Array([pdf.make_indirect(link)])


def with_launching_bookmark(pdf: pikepdf.Pdf) -> None:
    action = Dictionary(S=Name.Launch, F=b"calc.exe")
    entry = pdf.make_indirect(Dictionary(Title=b"x", A=action))
    pdf.Root.Outlines = pdf.make_indirect(Dictionary(First=entry, Last=entry, Count=1))
    entry.Parent = pdf.Root.Outlines


def with_attachment(pdf: pikepdf.Pdf) -> None:
    pdf.attachments["x.exe"] = b"MZ"


def with_sound(pdf: pikepdf.Pdf) -> None:
    sound = Dictionary(Type=Name.Annot, Subtype=Name.Sound, Rect=Array([0, 0, 9, 9]))
    pdf.pages[0].Annots = Array([pdf.make_indirect(sound)])


ACTIVE: dict[str, tuple[Callable[[pikepdf.Pdf], None], str]] = {
    "script": (with_script, "JavaScript"),
    "named script": (with_named_script, "JavaScript"),
    "script of a page": (with_page_script, "JavaScript"),
    "launch": (with_launch, "启动程序"),
    "launching bookmark": (with_launching_bookmark, "启动程序"),
    "attachment": (with_attachment, "附件"),
    "sound": (with_sound, "音视频"),
}


@pytest.mark.parametrize(("change", "named"), ACTIVE.values(), ids=ACTIVE.keys())
def test_active_content_is_named(room: Room, change: Callable[[pikepdf.Pdf], None], named: str) -> None:
    made(room.path, A4)
    with pikepdf.open(room.path, allow_overwriting_input=True) as pdf:
        change(pdf)
        pdf.save()
    told("qpdf", "--check", room.path)
    finding = room.only()
    assert (finding.rule, finding.severity) == ("PDF-010", "warning")
    assert named in finding.message_zh


def test_the_tools_see_the_script_and_the_attachment(tmp_path: Path) -> None:
    path = made(tmp_path / "a.pdf", A4)
    assert "app.alert" not in told("pdfinfo", "-js", path)
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        with_named_script(pdf)
        with_attachment(pdf)
        pdf.save()
    assert "app.alert" in told("pdfinfo", "-js", path)
    assert "x.exe" in told("pdfdetach", "-list", path)


def test_bookmarks_and_links_are_no_active_content(room: Room) -> None:
    canvas = Canvas(str(room.path), invariant=1, pagesize=A4)
    draw(canvas, 72, 700, WORDS, 14)
    canvas.bookmarkPage("first")
    canvas.addOutlineEntry("First", "first")
    canvas.linkURL("https://example.com", (72, 690, 200, 720))
    canvas.linkRect("", "first", (72, 600, 200, 620))
    canvas.save()
    assert room.findings() == []


def test_a_bookmark_that_leads_back_to_itself_ends(room: Room) -> None:
    made(room.path, A4)
    with pikepdf.open(room.path, allow_overwriting_input=True) as pdf:
        entry = pdf.make_indirect(Dictionary(Title=b"x"))
        entry.Next = entry
        pdf.Root.Outlines = pdf.make_indirect(Dictionary(First=entry))
        pdf.save()
    assert read_content(room.path).active == frozenset()


def test_what_cannot_be_told_about_actions_is_said(room: Room) -> None:
    made(room.path, A4)
    with pikepdf.open(room.path, allow_overwriting_input=True) as pdf:
        link = pdf.make_stream(b"broken")
        link.A = Dictionary(S=Name.Launch)
        pdf.pages[0].Annots = Array([pdf.make_indirect(link)])
        pdf.save()
    data = room.path.read_bytes().replace(b"/Launch", b"/L(unch")
    room.path.write_bytes(data)
    finding = room.only()
    assert finding.rule == "NCK-001"
    assert "动作" in finding.message_zh


# ------------------------------------------------------------------------------------ what was not checked


def test_a_scan_is_mentioned(room: Room) -> None:
    make_scan(room.path, [encoded(picture(1), "JPEG"), encoded(picture(2), "PNG")])
    assert len(told("pdfimages", "-list", room.path).splitlines()) == 4
    finding = room.only()
    assert (finding.rule, finding.severity) == ("PDF-001", "info")
    assert "未检查" in finding.message_zh


def test_scanned_pages_among_others_are_listed_as_not_checked(room: Room) -> None:
    scan = make_scan(room.path.with_name("scan.pdf"), [encoded(picture(n), "JPEG") for n in range(3)])
    writer = pypdf.PdfWriter(clone_from=made(room.path, A4))
    for page in pypdf.PdfReader(scan).pages:
        writer.add_page(page)
    writer.write(room.path)
    scan.unlink()
    finding = room.only()
    assert (finding.rule, finding.severity) == ("NCK-001", "info")
    assert finding.message_zh.startswith("未检查：《清单》第 2-4 页")
    assert "page 2-4" in finding.message_en


def test_pictures_in_a_blind_document_cannot_be_told(room: Room) -> None:
    room.path = room.parts / "technical" / "方案.pdf"
    canvas = Canvas(str(room.path), invariant=1, pagesize=A4)
    draw(canvas, 72, 700, WORDS * 30, 14)
    canvas.drawInlineImage(picture(1), 72, 100, 80, 80)
    canvas.showPage()
    draw(canvas, 72, 700, WORDS, 14)
    canvas.save()
    room.draft = msgspec.structs.replace(room.draft, clause_links=room.draft.clause_links[1:])
    finding = next(one for one in room.findings("plan") if one.rule == "NCK-001")
    assert "第 1 页" in finding.message_zh
    assert "无法判断" in finding.message_zh


def test_a_file_that_is_no_pdf_is_listed_as_not_checked(room: Room) -> None:
    path = room.path.with_suffix(".xlsx")
    path.write_bytes(b"PK")
    facts = read_content(path).facts
    listed = DraftDocument(
        "price", "priced-boq", path.name, "清单", facts.size, facts.sha256, 0, instant_text(NOW)
    )
    draft = msgspec.structs.replace(room.draft, documents=(*room.draft.documents[:3], listed))
    (finding,) = check_draft(draft, room.tender, room.parts, NOW)
    assert finding.rule == "NCK-001"
    assert "不是 PDF" in finding.message_zh


def test_page_numbers_are_told_as_ranges() -> None:
    assert page_ranges([1, 2, 3, 7, 9, 10]) == ("1-3、7、9-10", "1-3, 7, 9-10")
    assert page_ranges([5]) == ("5", "5")
    assert page_ranges(range(1, 100, 2))[0].endswith("、23…")
