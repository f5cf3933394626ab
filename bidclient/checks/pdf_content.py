"""One reading of a PDF that all checks share: its facts, and what each page shows."""

import ctypes
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pypdfium2
from pypdfium2 import raw

from bidclient.checks.pdf import OpenPdf, PdfFacts, examined_pdf, file_facts, is_pdf
from bidclient.checks.pdf_active import Active, active_content
from bidclient.checks.pdf_characters import is_garbled, page_text
from bidclient.checks.pdf_objects import Drawn, PageObject, page_objects, share_of_page, shows

PageKind = Literal["text", "scan", "blank", "garbled", "broken", "unread"]
"""scan: pictures or curves instead of text; garbled: glyphs without characters; broken: cannot be shown;
unread: beyond MOST_CHARACTERS."""
MOST_CHARACTERS = 20_000_000
"""Of one file: ten times a long bid; a made-up one shall not fill the memory."""
_MOST_OBJECTS = 20_000
_FEW_OBJECTS = 2_000
"""More of them are a drawing, and slow to render."""
_MM_PER_POINT = 25.4 / 72
_RENDERED = 200
"""Pixels of the longer side: a hair line still leaves a trace."""
_LONGEST_NAME = 256
_CHINESE = ("\u2e80", "\uffee")


@dataclass(frozen=True)
class PageContent:
    """A page (from 1) as it is shown: its text, millimetres, degrees that /Rotate turns it, its pictures."""

    number: int
    kind: PageKind
    text: str = ""
    width_mm: float = 0
    height_mm: float = 0
    turned: int = 0
    pictures: int = 0


@dataclass(frozen=True)
class LooseFont:
    """A font that a page uses and the file does not contain; `chinese` when it sets Chinese characters."""

    name: str
    chinese: bool


@dataclass(frozen=True)
class PdfContent:
    """A file of a bid. What is not a PDF has facts only; `active` is None when that cannot be told."""

    facts: PdfFacts
    pages: tuple[PageContent, ...] = ()
    loose_fonts: tuple[LooseFont, ...] = ()
    active: frozenset[Active] | None = frozenset()

    @property
    def searchable(self) -> bool:
        """Whether a page has text."""
        return any(page.kind == "text" and page.text.strip() for page in self.pages)


def read_content(path: Path) -> PdfContent:
    """Read the file at `path` once. Raises BadDocument for what no bid may contain, FileProblem."""
    facts = file_facts(path)
    if not is_pdf(path):
        return PdfContent(facts)
    with examined_pdf(path, facts) as pdf:
        return _Reading(pdf).content()


class _Reading:
    """The pages of one file, and the fonts that they use."""

    def __init__(self, pdf: OpenPdf) -> None:
        self._pdf = pdf
        self._fonts: dict[str, bool] = {}
        self._left = MOST_CHARACTERS

    def content(self) -> PdfContent:
        pages = tuple(self._page(number) for number in range(1, self._pdf.facts.pages + 1))
        fonts = tuple(LooseFont(name, chinese) for name, chinese in sorted(self._fonts.items()))
        return PdfContent(self._pdf.facts, pages, fonts, active_content(self._pdf.reader))

    def _page(self, number: int) -> PageContent:
        try:
            page = self._pdf.document[number - 1]
            with closing(page), closing(page.get_textpage()) as characters:
                return self._read(page, characters, number)
        except pypdfium2.PdfiumError:
            return PageContent(number, "broken")

    def _read(self, page: pypdfium2.PdfPage, characters: pypdfium2.PdfTextPage, number: int) -> PageContent:
        text = page_text(characters, self._left)
        self._left -= len(text)
        drawn = self._drawn(page, characters)
        kind: PageKind = "garbled" if is_garbled(characters, text) else shows(text, drawn)
        if kind == "blank" and not _is_blank(page, drawn):
            kind = "text"
        if self._left <= 0:
            kind = "unread"
        width, height = page.get_size()
        return PageContent(
            number,
            kind,
            text if kind in ("text", "scan") else "",
            width * _MM_PER_POINT,
            height * _MM_PER_POINT,
            page.get_rotation(),
            drawn.pictures,
        )

    def _drawn(self, page: pypdfium2.PdfPage, characters: pypdfium2.PdfTextPage) -> Drawn:
        pictures, covered, strokes = 0, 0.0, 0
        for one, kind, outermost in page_objects(page, _MOST_OBJECTS):
            if kind == raw.FPDF_PAGEOBJ_TEXT:
                self._note_font(one, characters)
            elif kind == raw.FPDF_PAGEOBJ_PATH:
                strokes += max(0, raw.FPDFPath_CountSegments(one))
            elif kind == raw.FPDF_PAGEOBJ_IMAGE:
                pictures += 1
                covered += share_of_page(page, outermost)
        return Drawn(pictures, min(1.0, covered), strokes)

    def _note_font(self, one: PageObject, characters: pypdfium2.PdfTextPage) -> None:
        """Remember the font of visible text, when the file does not contain it."""
        font = raw.FPDFTextObj_GetFont(one)
        if not font or raw.FPDFFont_GetIsEmbedded(font):
            return
        if raw.FPDFTextObj_GetTextRenderMode(one) == raw.FPDF_TEXTRENDERMODE_INVISIBLE:
            return
        name = _font_name(font)
        if not self._fonts.get(name) and (text := _text_of(one, characters).strip()):
            self._fonts[name] = any(_CHINESE[0] <= each <= _CHINESE[1] for each in text)


def _is_blank(page: pypdfium2.PdfPage, drawn: Drawn) -> bool:
    """Whether a page without text and pictures is of one colour all over; stamps on it count as drawn."""
    objects = raw.FPDFPage_CountObjects(page)
    if not objects and not raw.FPDFPage_GetAnnotCount(page):
        return True
    if objects > _FEW_OBJECTS or drawn.pictures:
        return False
    scale = _RENDERED / max(1.0, *page.get_size())
    with closing(page.render(scale=scale, grayscale=True)) as bitmap:
        darkest, lightest = bitmap.to_pil().getextrema()
    return bool(darkest == lightest)


def _font_name(font: object) -> str:
    """Its name in the file; Chinese names are UTF-8, or GB 18030 in older files."""
    size = raw.FPDFFont_GetBaseFontName(font, None, 0)
    buffer = ctypes.create_string_buffer(size)
    raw.FPDFFont_GetBaseFontName(font, buffer, size)
    name = buffer.value[:_LONGEST_NAME]
    try:
        return name.decode("utf-8")
    except UnicodeDecodeError:
        return name.decode("gb18030", "replace")


def _text_of(one: PageObject, characters: pypdfium2.PdfTextPage) -> str:
    size = raw.FPDFTextObj_GetText(one, characters, None, 0)
    units = (raw.FPDF_WCHAR * (size // 2))()
    raw.FPDFTextObj_GetText(one, characters, units, size)
    return bytes(units).decode("utf-16-le", "replace").rstrip("\0")
