"""The report on paper: summary and findings as a PDF that looks the same where no Chinese font is."""

import hashlib
from collections.abc import Iterable, Iterator
from html import escape
from io import BytesIO

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, LongTable, Paragraph, SimpleDocTemplate, Spacer, TableStyle

from bidclient.explain import Language
from bidclient.formats.instant import parse_instant
from bidclient.formats.pdf_origin import date, keyword
from bidclient.formats.typeface import CHINESE, draw, runs
from bidclient.similarity.report.highlight import flowing
from bidclient.similarity.report.self_check import Found, Proof, SelfCheck, Spot, self_check_bytes
from bidclient.similarity.report.words import Words, share_row

_PLAIN = ParagraphStyle("plain", fontName=CHINESE, fontSize=9, leading=13.5, wordWrap="CJK")
_SMALL = ParagraphStyle("small", _PLAIN, fontSize=7.5, leading=10.5, textColor=HexColor("#5b6675"))
_TITLE = ParagraphStyle("title", _PLAIN, fontSize=17, leading=24)
_HEAD = ParagraphStyle("head", _PLAIN, fontSize=12, leading=18, spaceBefore=10, spaceAfter=4)
_NOTICE = ParagraphStyle(
    "notice", _PLAIN, fontSize=10, leading=15, backColor=HexColor("#fff6df"), borderPadding=4, spaceBefore=8
)
_FOUND = ParagraphStyle("found", _PLAIN, fontSize=10, leading=15, spaceBefore=7)
_COLOURS = {"blocking": "#b3261e", "warning": "#9a5b00", "info": "#2b5c8a"}
_GRID = TableStyle(
    [
        ("GRID", (0, 0), (-1, -1), 0.4, HexColor("#d8dde5")),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("TOPPADDING", (0, 0), (-1, -1), 2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
    ]
)
_WIDTH = A4[0] - 36 * mm
_SHORT = 400
"""Code points of a quote on paper; the page in the browser shows more."""


def report_pdf(record: SelfCheck, language: Language) -> bytes:
    """Summary, findings, what was not checked, and the digests of what was; in one language.

    The same record gives the same bytes. The author is the bidder, the date that of the check, and the
    keywords name the report in JSON, so that no two reports have an identifier in common.
    """
    words = Words(language)
    title = words("投标文件自查报告", "Self-check of a bid")
    notice = words(record.notice_zh, record.notice_en)

    def foot(page: Canvas, document: SimpleDocTemplate) -> None:
        draw(page, 18 * mm, 10 * mm, f"{notice}  {document.page}", 7)

    def first(page: Canvas, document: SimpleDocTemplate) -> None:
        date(page, parse_instant(record.made_at))
        foot(page, document)

    out = BytesIO()
    document = SimpleDocTemplate(
        out,
        pagesize=A4,
        leftMargin=18 * mm,
        rightMargin=18 * mm,
        topMargin=16 * mm,
        bottomMargin=18 * mm,
        title=title,
        author=record.subject.bidder,
        keywords=keyword(hashlib.sha256(self_check_bytes(record)).hexdigest()),
        creator=record.client,
        invariant=1,
    )
    story = [_line(title, _TITLE), _line(notice, _NOTICE), Spacer(1, 4 * mm), *_story(record, words)]
    document.build(story, onFirstPage=first, onLaterPages=foot)
    return out.getvalue()


def _story(record: SelfCheck, words: Words) -> Iterator[Flowable]:
    yield from _summary(record, words)
    yield _line(words("检查结果", "Findings"), _HEAD)
    if not record.findings:
        yield _line(words("没有发现问题。", "Nothing was found."))
    for finding in record.findings:
        yield from _finding(finding, words)
    yield _line(words("未检查", "Not checked"), _HEAD)
    if not record.skipped:
        yield _line(words("全部文件都已检查。", "Everything was checked."))
    for skipped in record.skipped:
        yield _line(f"{skipped.document}：{words(skipped.reason_zh, skipped.reason_en)}")
    if record.refused:
        yield _line(words("拒收", "Refused"), _HEAD)
    for refused in record.refused:
        yield _line(f"{refused.name}：{words(refused.reason_zh, refused.reason_en)}")
        yield _line(f"SHA-256 {refused.sha256}", _SMALL)
    yield from _shares(record, words)
    yield from _inputs(record, words)


def _summary(record: SelfCheck, words: Words) -> Iterator[Flowable]:
    subject = record.subject
    counts = "  ".join(
        f"{words.severity(severity)} {sum(one.severity == severity for one in record.findings)}"
        for severity in _COLOURS
    )
    rows = (
        (words("投标人", "bidder"), f"{subject.bidder} {subject.uscc}"),
        (words("项目", "project"), f"{subject.project_name} {subject.project}"),
        (words("标段", "lot"), f"{subject.lot_name} {subject.lot_code}"),
        (words("检查时间", "checked at"), f"{record.made_at}  {record.client}"),
        (words("结果", "findings"), counts),
        (words("需关注的相同文字", "same text to look at"), share_row(record.total)[0]),
        (
            words("未检查 / 拒收", "not checked / refused"),
            f"{len(record.skipped)} / {len(record.refused)}",
        ),
    )
    yield _table(rows, (38 * mm, _WIDTH - 38 * mm))


def _finding(one: Found, words: Words) -> Iterator[Flowable]:
    severity = f'<font color="{_COLOURS[one.severity]}">{_marked(words.severity(one.severity))}</font>'
    yield Paragraph(f"{severity} {_marked(f'{one.rule} {words.message(one)}')}", _FOUND)
    if words.advice(one):
        yield _line(f"{words('建议', 'Do')}：{words.advice(one)}")
    if words.basis(one):
        yield _line(f"{words('依据', 'Basis')}：{words.basis(one)}", _SMALL)
    if one.accepted:
        yield _line(f"{words('已说明', 'explained')}：{one.accepted.reason} ({one.accepted.at})")
    for proof in one.evidence:
        yield from _proof(proof, words)


def _proof(proof: Proof, words: Words) -> Iterator[Flowable]:
    if proof.there is None:
        yield _line(f"{_side(proof.here, words)}\n{proof.fact}".strip(), _SMALL)
        return
    yield _table(((_side(proof.here, words), _side(proof.there, words)),), (_WIDTH / 2, _WIDTH / 2))
    if proof.fact:
        yield _line(proof.fact, _SMALL)


def _side(spot: Spot, words: Words) -> str:
    quote = flowing(spot.quote)
    quote = quote if len(quote) <= _SHORT else quote[:_SHORT] + "…"
    return f"{words.place(spot)}\n{quote}" if quote else words.place(spot)


def _shares(record: SelfCheck, words: Words) -> Iterator[Flowable]:
    yield _line(words("各部分的相同文字", "Share of each document"), _HEAD)
    heads = (words("文件", "document"), *(words.excuse(one) for one in ("", "tender", "public", "template")))
    rows = [(one.document or words("合计", "in total"), *share_row(one)) for one in record.coverage]
    yield _table((heads, *rows), (_WIDTH - 4 * 26 * mm, *[26 * mm] * 4))


def _inputs(record: SelfCheck, words: Words) -> Iterator[Flowable]:
    yield _line(words("比对的文件", "What was compared"), _HEAD)
    rows = [
        (words.role(one.role), f"{one.name}\nSHA-256 {one.sha256}", str(one.pages)) for one in record.inputs
    ]
    heads = (words("类别", "kind"), words("文件", "file"), words("页", "pages"))
    yield _table((heads, *rows), (24 * mm, _WIDTH - 38 * mm, 14 * mm))
    archive = record.archive
    if archive.used:
        told = words(
            f"本单位投标文件库：{archive.bids} 份标书，{archive.texts} 个文件参与比对。",
            f"The company's archive: {archive.bids} bids, {archive.texts} texts compared.",
        )
        yield _line(told)
    else:
        yield _line(words("未与本单位投标文件库比对。", "The archive was not compared with."))


def _table(rows: Iterable[tuple[str, ...]], widths: tuple[float, ...]) -> Flowable:
    cells = [[_line(cell, _SMALL) for cell in row] for row in rows]
    return LongTable(cells, colWidths=widths, style=_GRID, splitInRow=1)


def _line(text: str, style: ParagraphStyle = _PLAIN) -> Paragraph:
    return Paragraph(_marked(text), style)


def _marked(text: str) -> str:
    """Text from anywhere as reportlab's markup, each run in the font that has its letters."""
    lines = []
    for line in text.split("\n"):
        lines.append(
            "".join(
                escape(piece) if font == CHINESE else f'<font name="{font}">{escape(piece)}</font>'
                for font, piece in runs(line)
            )
        )
    return "<br/>".join(lines)
