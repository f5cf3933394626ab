"""Amounts in figures and in words."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bidclient.errors import BadFormat
from bidclient.formats.money import LARGEST_FEN, amount_in_words, parse_words, parse_yuan, yuan_text

IN_WORDS = {
    "1,409.50": "壹仟肆佰零玖元伍角整",
    "6,007.14": "陆仟零柒元壹角肆分",
    "16,409.02": "壹万陆仟肆佰零玖元零贰分",
    "325.04": "叁佰贰拾伍元零肆分",
    "100,000": "壹拾万元整",
    "68,700,000": "陆仟捌佰柒拾万元整",
    "1,000,000,001": "壹拾亿零壹元整",
    "0.05": "伍分",
    "0.50": "伍角整",
    "0": "零元整",
    "1,680.32": "壹仟陆佰捌拾元叁角贰分",
    "100,500": "壹拾万零伍佰元整",
    "10,203,040.56": "壹仟零贰拾万叁仟零肆拾元伍角陆分",
    "2,000,300,000,004": "贰万零叁亿零肆元整",
}
VARIANTS = {
    "壹仟肆佰零玖元伍角": 140_950,
    "人民币壹仟肆佰零玖圆伍角正": 140_950,
    "壹仟陆佰捌拾元零叁角贰分": 168_032,
    "壹拾万零柒仟元伍角叁分": 10_700_053,
    "壹拾万柒仟元零伍角叁分": 10_700_053,
    "拾万元整": 10_000_000,
    "人民币 壹佰 元整": 10_000,
    "壹萬貳仟元整": 1_200_000,
    "零元伍分": 5,
}


@pytest.mark.parametrize(("figures", "words"), IN_WORDS.items())
def test_the_words_of_the_rule_book(figures: str, words: str) -> None:
    fen = parse_yuan(figures)
    assert amount_in_words(fen) == "人民币" + words
    assert parse_words(words) == fen


def test_words_without_an_end_are_refused() -> None:
    with pytest.raises(BadFormat):
        parse_words("壹亿" * 5000 + "元整")


@pytest.mark.parametrize(("words", "fen"), VARIANTS.items())
def test_variants_in_use_are_understood(words: str, fen: int) -> None:
    assert parse_words(words) == fen


@pytest.mark.parametrize(
    "words",
    [
        "",
        "人民币",
        "整",
        "元整",
        "壹贰元整",
        "壹佰壹仟元整",
        "壹万壹万元整",
        "亿元整",
        "壹元整伍分",
        "一元",
        "壹元壹元",
        "100元",
    ],
)
def test_words_that_are_no_amount_are_refused(words: str) -> None:
    with pytest.raises(BadFormat):
        parse_words(words)


@settings(max_examples=500, deadline=None)
@given(st.integers(0, LARGEST_FEN) | st.integers(0, 10**9))
def test_every_amount_comes_back(fen: int) -> None:
    assert parse_words(amount_in_words(fen)) == fen
    assert parse_yuan(yuan_text(fen)) == fen
    assert "零零" not in amount_in_words(fen)


@pytest.mark.parametrize(
    ("text", "fen"),
    [("9,800,000", 980_000_000), ("9800000.5", 980_000_050), (" ¥12.34 ", 1234), ("￥1元", 100), ("0.1", 10)],
)
def test_yuan_as_people_write_it(text: str, fen: int) -> None:
    assert parse_yuan(text) == fen


@pytest.mark.parametrize(
    "text", ["", "1.234", "1,23", "12,34.5", "-1", "1e3", "abc", "1.", "１２", "99999999999999", "1 000"]
)
def test_what_is_not_yuan_is_refused(text: str) -> None:
    with pytest.raises(BadFormat):
        parse_yuan(text)


def test_yuan_has_two_decimals_and_groups() -> None:
    assert yuan_text(140_950) == "1,409.50"
    assert yuan_text(5) == "0.05"


@pytest.mark.parametrize("fen", [-1, LARGEST_FEN + 1])
def test_an_impossible_amount_is_the_callers_fault(fen: int) -> None:
    with pytest.raises(ValueError, match=str(fen)):
        amount_in_words(fen)
