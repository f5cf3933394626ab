"""A place on the page is the place of those characters: what PDFium finds in the rectangle is the quote."""

from pathlib import Path

import pypdfium2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bidclient.similarity.reading.document import Extract
from bidclient.similarity.reading.extract import extract
from bidclient.similarity.reading.places import Rectangle, places
from tests.support.bids import make_pdf
from tests.support.pdf_files import encoded, make_broken_font, make_scan, picture, unicode_map
from tests.support.word_files import make_docx, paragraph

LINES = ("质量保证措施", "严格按照 GB 50300 验收，合格率 100%。", "安全文明施工")


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Extract]:
    path = make_pdf(tmp_path_factory.mktemp("places") / "a.pdf", ["封面", "\n".join(LINES)])
    return path, extract(path)


def words_in(path: Path, page: int, rectangle: Rectangle) -> str:
    """What stands in a rectangle, by a reader of its own; half a point is left for the rounding."""
    with pypdfium2.PdfDocument(path) as pdf:
        shown = pdf[page - 1].get_textpage()
        left, bottom, right, top = rectangle.left, rectangle.bottom, rectangle.right, rectangle.top
        return str(shown.get_text_bounded(left + 0.5, bottom + 0.5, right - 0.5, top - 0.5))


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_the_rectangles_of_a_quote_hold_the_quote(
    document: tuple[Path, Extract], data: st.DataObject
) -> None:
    path, found = document
    page = found.pages[1]
    start = data.draw(st.integers(0, page.end - page.start - 2))
    end = data.draw(st.integers(start + 1, page.end - page.start - 1))
    quote = found.text[page.start + start : page.start + end]
    held = "".join(words_in(path, 2, one) for one in places(path, 2, start, end))
    assert "".join(held.split()) == "".join(quote.split())


def test_a_quote_over_lines_has_a_rectangle_for_each(document: tuple[Path, Extract]) -> None:
    path, found = document
    page = found.pages[1]
    first, second, third = places(path, 2, 0, page.end - page.start)
    assert first.bottom > second.top > second.bottom > third.top
    assert abs(first.left - third.left) < 2
    with pypdfium2.PdfDocument(path) as pdf:
        width, height = pdf[1].get_size()
    assert all(
        0 < one.left < one.right < width and 0 < one.bottom < one.top < height for one in (first, third)
    )


def test_characters_outside_the_basic_plane_shift_nothing(tmp_path: Path) -> None:
    path = make_broken_font(
        tmp_path / "rare.pdf", ["abcd"], unicode_map(dict(zip(b"abcd", "𠮷野𠀋丙", strict=True)))
    )
    assert extract(path).text == "𠮷野𠀋丙\n"
    boxes = [places(path, 1, at, at + 1)[0] for at in range(4)]
    assert [one.left for one in boxes] == sorted({one.left for one in boxes})


def test_what_has_no_places_says_so(document: tuple[Path, Extract], tmp_path: Path) -> None:
    path, _ = document
    assert places(path, 3, 0, 5) == ()
    assert places(path, 0, 0, 5) == ()
    assert places(path, 2, 500, 600) == ()
    assert places(make_docx(tmp_path / "a.docx", paragraph("字")), 1, 0, 1) == ()
    assert places(make_scan(tmp_path / "scan.pdf", [encoded(picture(1), "JPEG")]), 1, 0, 1) == ()
