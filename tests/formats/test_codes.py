"""Codes of the trade and their check digits."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bidclient.crypto.uscc import USCC_ALPHABET, uscc_check
from bidclient.formats.codes import (
    deal_check,
    deal_code_problem,
    organisation_check,
    parse_lot_code,
    uscc_problem,
)

COMPANIES = [
    "91629999TBX00001XU",
    "91629999TBX000028U",
    "91629999TBX000036N",
    "91629999TBX0020150",
    "12629999TBX001012L",
]
DEALS = [
    "A01-12629999TBX001012L-20250901-000001-8",
    "A01-12629999TBX001012L-20250901-000002-6",
    "D01-12629999TBX001012L-20250901-000003-L",
]


@pytest.mark.parametrize("code", COMPANIES)
def test_a_right_code_has_no_problem(code: str) -> None:
    assert uscc_problem(code) is None


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("", "shape"),
        ("91629999TBX00001X", "shape"),
        ("91629999TBX00001XI", "shape"),
        ("91629999tbx00001xu", "shape"),
        ("91629999TBX00001XW", "check"),
        ("91629999TBX000010U", "organisation"),
        ("19629999TBX00001XU", "check"),
    ],
)
def test_a_wrong_code_is_named(code: str, problem: str) -> None:
    assert uscc_problem(code) == problem


@settings(max_examples=100, deadline=None)
@given(
    st.text(USCC_ALPHABET, min_size=8, max_size=8), st.text("0123456789", min_size=8, max_size=8), st.data()
)
def test_one_wrong_character_is_always_found(first: str, second: str, data: st.DataObject) -> None:
    code = first + second + organisation_check(second)
    code += uscc_check(code)
    if code[16] in USCC_ALPHABET:
        assert uscc_problem(code) is None
        place = data.draw(st.integers(0, 17))
        other = data.draw(st.sampled_from(USCC_ALPHABET).filter(lambda character: character != code[place]))
        assert uscc_problem(code[:place] + other + code[place + 1 :]) is not None


@pytest.mark.parametrize("code", DEALS)
def test_deal_codes(code: str) -> None:
    assert deal_code_problem(code) is None
    assert deal_code_problem(code[:-1] + ("0" if code[-1] != "0" else "1")) == "check"
    assert deal_code_problem(code[:-2] + code[-1]) == "shape"


def test_a_long_deal_code_does_not_overflow() -> None:
    assert deal_check("Z" * 200) == deal_check("Z" * 200)
    assert len(deal_check("Z" * 200)) == 1


def test_a_lot_code_falls_into_its_parts() -> None:
    code = parse_lot_code("A016210022509010001001001")
    assert code is not None
    assert code.text == "A016210022509010001001001"
    assert code.project_code == "A016210022509010001"
    assert code.tender_project_code == "A016210022509010001001"
    assert (code.region, code.lot) == ("621002", "001")
    assert parse_lot_code("XX-1") is None
    assert parse_lot_code("A0162100225090１0001001001") is None


def test_digits_of_other_scripts_are_no_digits() -> None:
    assert deal_code_problem("A01-12629999TBX001012L-２0250901-000001-8") == "shape"
