import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from bidclient.similarity.passages.normal import normalise, within


def test_punctuation_spaces_width_and_case_do_not_matter() -> None:
    assert normalise("第一章　投标函（ABC）。").string() == "第一章投标函abc"
    assert normalise("第一章,\n投标 函 Ａｂｃ").string() == "第一章投标函abc"


def test_a_number_is_one_figure_however_it_is_grouped() -> None:
    assert normalise("报价 1,200,345.50 元").string() == "报价0元"
    assert normalise("报价９８元").string() == "报价0元"
    assert normalise("报价 1,200,345.50 元", keep_figures=True).string() == "报价120034550元"


def test_one_character_may_stand_for_several() -> None:
    normal = normalise("面积㎡与ﬁne")
    assert normal.string() == "面积m0与fine"
    assert normal.index.tolist() == [0, 1, 2, 2, 3, 4, 4, 5, 6]


def test_what_is_left_out_is_as_if_it_were_not_there() -> None:
    head = "\n某公司 第 12 页\n"
    normal = normalise("施工组" + head + "织设计", [(3, 3 + len(head))])
    assert normal.string() == "施工组织设计"
    assert normal.span(2, 4) == (2, 4 + len(head))


def test_a_text_of_nothing_but_punctuation_is_empty() -> None:
    assert len(normalise("")) == len(normalise("——。\n\u200b\u00ad")) == 0


@given(st.text())
def test_every_character_knows_where_it_comes_from(text: str) -> None:
    normal = normalise(text)
    assert normal.index.tolist() == sorted(normal.index.tolist())
    assert len(normal.string()) == len(normal) == len(normal.index)
    for char, origin in zip(normal.string(), normal.index.tolist(), strict=True):
        alone = normalise(text[origin]).string()
        assert char in alone


@given(st.text())
def test_to_normalise_again_changes_nothing(text: str) -> None:
    once = normalise(text).string()
    assert normalise(once).string() == once


@given(st.text(st.characters(codec="utf-8")))
def test_composed_and_taken_apart_are_the_same(text: str) -> None:
    composed, apart = unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text)
    assert normalise(composed).string() == normalise(apart).string()


def test_half_of_a_surrogate_pair_breaks_nothing() -> None:
    assert normalise("投\ud800标").string() == "投标"


@given(
    st.text("投标文件ab1。", max_size=60),
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=4),
    st.integers(0, 60),
    st.integers(0, 60),
)
def test_ranges_are_cut_to_a_piece_of_the_text(
    text: str, pairs: list[tuple[int, int]], one: int, other: int
) -> None:
    bounds = sorted({bound for pair in pairs for bound in pair})
    ranges = list(zip(bounds[::2], bounds[1::2], strict=False))
    start, end = min(one, other), max(one, other)
    kept = [place for place in range(start, min(end, len(text)))]
    kept = [place for place in kept if not any(low <= place < high for low, high in ranges)]
    piece = normalise(text[start:end], within(ranges, start, end), keep_figures=True).string()
    assert piece == normalise("".join(text[place] for place in kept), keep_figures=True).string()
