"""Sets the sample documents as PDF from a small Markdown: headings, tables, an outline, page numbers.

Every line is a paragraph. `#`, `##`, `###` are headings, `-` a list, `^` a centred title, `|` a table row
(the first is the head; `|:` gives relative widths), `---` a new page, `~` a gap in mm, `!contents` the
table of contents, any other `!name` a table that the caller computes.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from reportlab import rl_config
from reportlab.lib import colors
from reportlab.lib.enums import TA_CENTER
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    PageBreak,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
    TableStyle,
)
from reportlab.platypus.tableofcontents import TableOfContents

from bidclient.formats import typeface
from bidclient.formats.typeface import LATIN

FONT = typeface.CHINESE
LEFT, RIGHT, TOP, BOTTOM = 25 * mm, 20 * mm, 25 * mm, 20 * mm
WIDTH = A4[0] - LEFT - RIGHT

rl_config.invariant = 1
rl_config.useA85 = 0
_CHINESE, _ASCII = typeface.glyphs()
_LATIN = frozenset(pdfmetrics.getFont(LATIN).face.charToGlyph) - _CHINESE | _ASCII
rl_config.canvas_basefontname = FONT


def _style(name: str, size: float, leading: float, **changes: object) -> ParagraphStyle:
    look = {"fontName": FONT, "fontSize": size, "leading": leading, "wordWrap": "CJK"}
    return ParagraphStyle(name, **{**look, **changes})


BODY = _style("body", 12, 21, firstLineIndent=24, spaceAfter=2)
ITEM = _style("item", 12, 20, leftIndent=24, bulletIndent=8, spaceAfter=1, bulletFontName=FONT)
CELL = _style("cell", 8.5, 12)
FOOTER = _style("footer", 8.5, 12, alignment=TA_CENTER)
TITLE = _style("title", 20, 34, alignment=TA_CENTER, spaceBefore=10, spaceAfter=10)
HEADINGS = (
    _style("chapter", 16, 26, alignment=TA_CENTER, spaceAfter=10),
    _style("section", 14, 24, spaceBefore=8, spaceAfter=4),
    _style("article", 12, 22, spaceBefore=4, spaceAfter=2),
)
CONTENTS = [
    _style(f"contents{level}", 10, 17, leftIndent=14 * level, rightIndent=24, fontName=LATIN)
    for level in range(len(HEADINGS))
]
GRID = TableStyle(
    [
        ("FONT", (0, 0), (-1, -1), LATIN, 8, 12),
        ("GRID", (0, 0), (-1, -1), 0.4, colors.HexColor("#606060")),
        ("BACKGROUND", (0, 0), (-1, 0), colors.HexColor("#eef1f5")),
        ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
        ("TOPPADDING", (0, 0), (-1, -1), 3),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
        ("LEFTPADDING", (0, 0), (-1, -1), 3),
        ("RIGHTPADDING", (0, 0), (-1, -1), 3),
    ]
)
CONTENTS_GRID = TableStyle(
    [
        ("FONT", (0, 0), (-1, -1), LATIN, 10, 17),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (-1, -1), 0),
        ("RIGHTPADDING", (0, 0), (-1, -1), 0),
    ]
)

Insert = Callable[[], list[Flowable]]


@dataclass(frozen=True)
class Sheet:
    """What stands around the text: `running` is the page header, both empty on blind documents."""

    title: str
    author: str
    running: str


class Document(BaseDocTemplate):
    """A PDF that collects its outline and table of contents while its pages are set."""

    def __init__(self, path: Path, sheet: Sheet) -> None:
        super().__init__(
            str(path),
            pagesize=A4,
            invariant=1,
            pageCompression=1,
            title=sheet.title,
            author=sheet.author,
            subject="",
            creator="",
            producer="",
            lang="zh-CN",
        )
        frame = Frame(LEFT, BOTTOM, WIDTH, A4[1] - TOP - BOTTOM, 0, 0, 0, 0)
        self.addPageTemplates(PageTemplate("page", [frame], onPage=self._page))
        self._running = sheet.running
        self._marks = 0

    def beforeDocument(self) -> None:  # noqa: N802 - the library's name
        """A second pass counts its bookmarks afresh."""
        self._marks = 0

    def afterFlowable(self, flowable: Flowable) -> None:  # noqa: N802 - the library's name
        """Headings go into the outline and the table of contents."""
        level = _level(flowable)
        if level is None:
            return
        text = flowable.getPlainText()
        key = f"mark-{self._marks}"
        self._marks += 1
        self.canv.bookmarkPage(key)
        self.canv.addOutlineEntry(text, key, level, closed=level > 0)
        self.notify("TOCEntry", (level, f'<font name="{FONT}">{_markup(text)}</font>', self.page, key))

    def _page(self, canvas: Canvas, _document: BaseDocTemplate) -> None:
        if self._running:
            header = Paragraph(_markup(self._running), CELL)
            header.wrapOn(canvas, WIDTH, 20)
            header.drawOn(canvas, LEFT, A4[1] - 16 * mm)
            canvas.setLineWidth(0.4)
            canvas.line(LEFT, A4[1] - 17 * mm, A4[0] - RIGHT, A4[1] - 17 * mm)
        footer = Paragraph(_markup(f"第 {canvas.getPageNumber()} 页"), FOOTER)
        footer.wrapOn(canvas, WIDTH, 20)
        footer.drawOn(canvas, LEFT, 10 * mm)


def _level(flowable: Flowable) -> int | None:
    style = getattr(flowable, "style", None)
    return HEADINGS.index(style) if style in HEADINGS else None


def typeset(path: Path, sheet: Sheet, text: str, inserts: Mapping[str, Insert]) -> None:
    """Sets `text` into the PDF at `path`. Raises KeyError for an insert that the caller does not know."""
    contents = TableOfContents(dotsMinLevel=0, levelStyles=CONTENTS, tableStyle=CONTENTS_GRID)
    story = list(flowables(text, {**inserts, "contents": lambda: [Paragraph("目　录", TITLE), contents]}))
    Document(path, sheet).multiBuild(story)


def flowables(text: str, inserts: Mapping[str, Insert]) -> Iterator[Flowable]:
    """The text as the library's building blocks."""
    rows: list[list[str]] = []
    fresh = True
    for line in [*text.splitlines(), ""]:
        if line.startswith("|"):
            rows.append([cell.strip() for cell in line.strip("|").split("|")])
            continue
        if rows:
            yield from _text_table(rows)
            rows = []
        if not line.strip():
            continue
        if line.startswith("# ") and not fresh:
            yield PageBreak()
        fresh = line == "---"
        if line.startswith("!"):
            yield from inserts[line[1:].strip()]()
        else:
            yield _block(line)


def _block(line: str) -> Flowable:
    if line == "---":
        return PageBreak()
    mark, _, rest = line.partition(" ")
    if mark in ("#", "##", "###"):
        return Paragraph(_markup(rest), HEADINGS[len(mark) - 1])
    if mark == "^":
        return Paragraph(_markup(rest), TITLE)
    if mark == "-":
        return Paragraph(_markup(rest), ITEM, bulletText="•")
    if mark == "~":
        return Spacer(1, float(rest) * mm)
    return Paragraph(_markup(line), BODY)


def _text_table(rows: list[list[str]]) -> list[Flowable]:
    shares = None
    if rows[0][0].startswith(":"):
        shares = [float(cell.strip(": ")) for cell in rows.pop(0)]
    return table(rows, shares or [1.0] * len(rows[0]))


def table(rows: Sequence[Sequence[str]], shares: Sequence[float]) -> list[Flowable]:
    """A table across the page with a repeated head; `shares` are the relative widths of its columns."""
    cells = [[_cell(text) for text in row] for row in rows]
    unit = WIDTH / sum(shares)
    return [Table(cells, [share * unit for share in shares], repeatRows=1, style=GRID), Spacer(1, 3 * mm)]


def _cell(text: str) -> Flowable | str:
    """Figures are drawn as they are, which is quick; what holds Chinese is a paragraph and may break."""
    return text if all(ord(letter) in _LATIN for letter in text) else Paragraph(_markup(text), CELL)


def _markup(text: str) -> str:
    """The text with its Latin runs set in the Latin font. Raises ValueError for a letter that no font has."""
    runs = []
    for latin, letters in groupby(text, key=lambda letter: ord(letter) in _LATIN):
        run = "".join(letters)
        plain = run.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        runs.append(f'<font name="{LATIN}">{plain}</font>' if latin else plain)
        missing = [letter for letter in run if not latin and ord(letter) not in _CHINESE]
        if missing:
            raise ValueError(f"no glyph for {missing} in {text!r}")
    return "".join(runs)
