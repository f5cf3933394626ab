"""Running heads and contents are told from the text, and only they."""

from itertools import pairwise
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from bidclient.similarity.reading.document import Extract, Page
from bidclient.similarity.reading.extract import extract
from bidclient.similarity.reading.running_heads import without_running_heads
from tests.support.manuals import debian_manuals


def of_pages(*texts: str) -> Extract:
    """An extract with these pages."""
    pages, start = [], 0
    for number, text in enumerate(texts, 1):
        pages.append(Page(number, start, start + len(text), "text"))
        start += len(text)
    return Extract("a.pdf", "0" * 64, "pdf", "".join(texts), tuple(pages))


def left_out(found: Extract) -> list[str]:
    return [found.text[start:end] for start, end in without_running_heads(found)]


def body(number: int) -> str:
    """Lines that no other page has."""
    word = chr(0x4E00 + number)
    return "".join(f"{word * 9}{chr(0x5E00 + line)}\n" for line in range(8))


def test_heads_and_feet_that_differ_in_figures_only_are_found() -> None:
    found = of_pages(*[f"某某公司 投标文件\n{body(number)}第 {number} 页 共 30 页\n" for number in range(30)])
    text = "".join(left_out(found))
    assert text.count("某某公司 投标文件") == 30
    assert text.count("共 30 页") == 30
    assert "\u5e00" not in text


def test_a_head_on_a_tenth_of_the_pages_counts_and_one_on_fewer_does_not() -> None:
    def book(times: int) -> Extract:
        return of_pages(
            *[("第三章 技术方案\n" if number < times else "") + body(number) for number in range(40)]
        )

    assert left_out(book(4)) == ["第三章 技术方案\n"] * 4
    assert left_out(book(3)) == []


def test_a_line_in_the_middle_of_pages_is_text() -> None:
    found = of_pages(*[f"{body(number)}严格执行质量标准\n{body(number + 50)}" for number in range(20)])
    assert left_out(found) == []


def test_contents_are_left_out_and_an_ellipsis_is_not() -> None:
    contents = "第一章 总则 .......... 3\n1.1 范围 . . . . . . . . 12\n附录…………………… iv\n2.3 工期·········\n"
    prose = "他说……然后走了。\n费率为 0.5.\n省略号……\n(1) 3.14.15.92\n"
    assert "".join(left_out(of_pages(contents + prose))) == contents


def test_real_manuals_lose_their_contents_and_feet_and_little_else() -> None:
    for name, foot in (("maint-guide.pdf", "Debian 新维护者手册"), ("installation-guide.pdf", "CHAPTER")):
        found = extract(debian_manuals() / name)
        ranges = without_running_heads(found)
        cut = "".join(left_out(found))
        assert foot in cut
        assert "1.1 " in cut
        letters = sum(one.isalpha() for one in cut)
        assert 0.005 < letters / sum(one.isalpha() for one in found.text) < 0.1
        assert all(end < start for (_, end), (start, _) in pairwise(ranges))


@given(st.lists(st.text(alphabet="甲乙1.…\n\t 页", max_size=60), max_size=12))
def test_ranges_lie_in_the_text_in_order_and_apart(texts: list[str]) -> None:
    found = of_pages(*texts)
    ranges = without_running_heads(found)
    bounds = [bound for one in ranges for bound in one]
    assert bounds == sorted(set(bounds))
    assert all(0 <= bound <= len(found.text) for bound in bounds)


def test_a_file_in_one_piece_has_no_heads(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("相同的一行\n" * 50, "utf-8")
    assert without_running_heads(extract(path)) == ()
