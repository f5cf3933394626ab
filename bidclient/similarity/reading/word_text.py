"""The text of a DOCX (ISO/IEC 29500-1) in reading order, straight from its XML in little memory."""

import re

from lxml import etree

from bidclient.ask import Progress
from bidclient.similarity.reading.document import PageKind
from bidclient.similarity.reading.ocr import Ocr, recognise
from bidclient.similarity.reading.office import main_part, take_embedded, take_loose_text, take_other_pictures
from bidclient.similarity.reading.record import PICTURE_TEXT, Record
from bidclient.similarity.reading.zipped import Container

# Whatever the namespace: w:t in the transitional and the strict form, a:t in drawings, m:t in formulas.
_TEXT = "t"
_BREAKS = ("br", "cr", "tab", "noBreakHyphen", "lastRenderedPageBreak", "sym")
_PICTURES = ("blip", "imagedata")
_BLOCKS = ("p", "txbxContent")
_LEFT_OUT = ("del", "moveFrom", "Fallback")
"""What was deleted or moved away, and the second form of a drawing for old readers."""
_LOOSE = re.compile(
    r"word/(?:footnotes|endnotes|comments|header\d*|footer\d*|(?:diagrams/data|charts/chart)\d*)\.xml"
)


def read_word(container: Container, record: Record, ocr: Ocr | None, progress: Progress) -> None:
    """Put the pages, then the headers, footers, notes and comments (page 0), into the record.

    Pages are told apart by the breaks that the writer saw when it last saved the file; without any the text
    is one page. Deleted text and field codes are no text. Raises BadDocument.
    """
    progress("read", 0, 1)
    main = main_part(container, "officeDocument")
    body = _Body(container, main, record, ocr)
    for event, name, element in container.elements(main, _TEXT, *_BREAKS, *_PICTURES, *_BLOCKS, *_LEFT_OUT):
        if event == "start":
            body.begin(name)
        else:
            body.end(name, element)
    body.finish()
    take_loose_text(container, _LOOSE, record)
    take_other_pictures(container, record)
    take_embedded(container, record)
    progress("read", 1, 1)


class _Body:
    """The running text, cut into pages as it comes."""

    def __init__(self, container: Container, main: str, record: Record, ocr: Ocr | None) -> None:
        self._container = container
        self._record = record
        self._ocr = ocr
        self._pictures = {
            id_: target for id_, (kind, target) in container.relations(main).items() if kind == "image"
        }
        self._left_out = 0
        self._parts: list[str] = []
        self._number = 1
        self._length = 0
        self._shown: list[str] = []

    def begin(self, name: str) -> None:
        """An element opens."""
        if name in _LEFT_OUT:
            self._left_out += 1
        elif name == "txbxContent":
            self._add("\n")

    def end(self, name: str, element: etree._Element) -> None:
        """An element is whole."""
        if name in _LEFT_OUT:
            self._left_out -= 1
        elif self._left_out:
            return
        elif name == _TEXT:
            self._add(element.text or "")
        elif name == "p":
            self._add("\n")
        elif name in _PICTURES:
            self._show(element)
        else:
            self._break(name, element)

    def finish(self) -> None:
        """The last page."""
        visible = "".join(self._parts).strip()
        # A break at the end makes no page, but a document has at least one.
        if visible or self._shown or self._number == 1:
            self._page()

    def _break(self, name: str, element: etree._Element) -> None:
        if name == "lastRenderedPageBreak" or (name == "br" and _attribute(element, "type") == "page"):
            self._turn()
        elif name in ("br", "cr"):
            self._add("\n")
        elif name == "noBreakHyphen":
            self._add("-")
        elif name == "sym":
            self._add(_symbol(element))
        elif name == "tab" and _parent(element) == "r":  # in the properties of a paragraph it is a tab stop
            self._add("\t")

    def _turn(self) -> None:
        """A page ends, unless it is empty: a break that was asked for is also one that was seen."""
        if "".join(self._parts).strip() or self._shown:
            self._page()

    def _page(self) -> None:
        text = "".join(self._parts)
        kind: PageKind = "text" if text.strip() else "blank"
        most = self._record.limits.picture_bytes
        pictures = [self._container.read(entry, most) for entry in dict.fromkeys(self._shown)]
        readable = [one for one in pictures if self._record.picture(one, self._number)]
        if pictures and kind == "text":
            self._record.miss(PICTURE_TEXT, self._number)
        elif pictures:
            text = recognise(self._ocr, readable, self._number, self._record)
            kind = "ocr" if text else "scan"
        self._record.page(self._number, text, kind)
        self._parts, self._length, self._shown = [], 0, []
        self._number += 1

    def _add(self, text: str) -> None:
        if self._length <= self._record.limits.page_characters:
            self._parts.append(text)
            self._length += len(text)

    def _show(self, element: etree._Element) -> None:
        entry = self._pictures.get(_attribute(element, "embed") or _attribute(element, "id"))
        if entry is not None and entry in self._container:
            self._shown.append(entry)


def _attribute(element: etree._Element, name: str) -> str:
    """The attribute of this local name, whatever its namespace; empty without."""
    return next((str(value) for key, value in element.items() if etree.QName(key).localname == name), "")


def _parent(element: etree._Element) -> str:
    above = element.getparent()
    return "" if above is None else etree.QName(above).localname


def _symbol(element: etree._Element) -> str:
    """The character of a w:sym (§17.3.3.30), empty for those of the private area, which mean nothing."""
    try:
        character = chr(int(_attribute(element, "char"), 16))
    except (ValueError, OverflowError):
        return ""
    return "" if "\ud800" <= character <= "\uf8ff" or not character.isprintable() else character
