"""Where the tender's seal positions lie in a document: pages counted, texts found, strips laid out."""

import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import pypdfium2

from bidclient.checks.pdf import opened_pdf
from bidclient.crypto.pdf_places import PageFrame, Place, Strip
from bidclient.errors import NotSealable
from bidclient.stages.tender import SealPosition

MOST_STRIPS = 20
"""Pages that share one cross-page seal: strips of 2 mm of a seal of 42 mm can still be told apart."""
_RIGHT_EDGE = 1e6


def seal_places(
    path: Path, positions: Sequence[SealPosition]
) -> list[tuple[SealPosition, tuple[Place, ...]]]:
    """The places of each position in the PDF at `path`, at least one for each.

    Raises NotSealable for a page or a text that the document does not have, FileProblem.
    """
    with opened_pdf(path) as document:
        return [(position, tuple(_places(document, position, path.name))) for position in positions]


def strips(pages: int, y_mm: float) -> Iterator[Place]:
    """骑缝章: the picture cut into strips along the right edge of all pages, at most MOST_STRIPS to a seal.

    More pages get several seals of about as many strips each, one after the other.
    """
    seals = -(-pages // MOST_STRIPS)
    page = 0
    for number in range(seals):
        count = (pages - page) // (seals - number)
        for index in range(count):
            yield Place(page, _RIGHT_EDGE, y_mm, Strip(index, count))
            page += 1


def _places(document: pypdfium2.PdfDocument, position: SealPosition, name: str) -> Iterator[Place]:
    if position.kind == "cross-page":
        yield from strips(len(document), position.y_mm)
        return
    pages = _pages(len(document), position.page, name)
    if isinstance(position.anchor, msgspec.UnsetType):
        for page in pages:
            yield Place(page, position.x_mm, position.y_mm)
        return
    found = [place for page in pages for place in _at_text(document, page, position, position.anchor)]
    if not found:
        if position.page == 0:
            raise NotSealable(name, f"the text to be sealed is not there: {position.anchor}")
        raise NotSealable(
            name, f"the text to be sealed is not there: {position.anchor}, page {position.page}"
        )
    yield from found


def _pages(count: int, wanted: int, name: str) -> range:
    if wanted == 0:
        return range(count)
    page = wanted - 1 if wanted > 0 else count + wanted
    if not 0 <= page < count:
        raise NotSealable(name, f"no page {wanted}: the document has {count}")
    return range(page, page + 1)


def _at_text(
    document: pypdfium2.PdfDocument, number: int, position: SealPosition, anchor: str
) -> Iterator[Place]:
    """The places by a text on one page; spaces and the width of letters and brackets do not matter."""
    page = document[number]
    text = page.get_textpage()
    left, bottom, right, top = page.get_cropbox()
    frame = PageFrame(left, bottom, right, top, page.get_rotation())
    letters, indexes = _plain(text.get_text_range())
    wanted, _ = _plain(anchor)
    start = letters.find(wanted) if wanted else -1
    while start >= 0:
        boxes = [text.get_charbox(index) for index in indexes[start : start + len(wanted)]]
        middle = [(min(b[i] for b in boxes) + max(b[i + 2] for b in boxes)) / 2 for i in (0, 1)]
        x, y = frame.to_mm(middle[0], middle[1])
        yield Place(number, x + position.x_mm, y + position.y_mm)
        start = letters.find(wanted, start + len(wanted))
    text.close()
    page.close()


def _plain(text: str) -> tuple[str, list[int]]:
    """The letters of a text in their compatible form (NFKC), without white space, and where each stood."""
    pairs = [
        (plain, index)
        for index, letter in enumerate(text)
        for plain in unicodedata.normalize("NFKC", letter)
        if not plain.isspace()
    ]
    return "".join(letter for letter, _ in pairs), [index for _, index in pairs]
