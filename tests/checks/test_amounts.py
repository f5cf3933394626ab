"""Amounts in the documents against each other and against the opening form, however they are written."""

from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bidclient.checks.amounts import check_amounts, contradictory
from bidclient.checks.draft import check_draft
from bidclient.checks.finding import Finding
from bidclient.formats.money import amount_in_words
from bidclient.stages.draft import Draft
from bidclient.stages.tender import FormField, Tender
from tests.support.bids import PRICE_FEN, add_document
from tests.support.pki import NOW

RIGHT = amount_in_words(PRICE_FEN).removeprefix("人民币")
WRONG = "贰拾陆万伍仟元整"


def findings(complete: tuple[Draft, Path], tender: Tender, title: str, *pages: str) -> list[Finding]:
    """What is found in a draft whose letter has this title and these pages."""
    draft, parts = complete
    draft = add_document(draft, tender, parts, "commercial", "bid-letter", title, pages)
    return check_draft(draft, tender, parts, NOW)


def rules(found: list[Finding]) -> list[str]:
    return [finding.rule for finding in found]


GOOD = [
    f"愿意以人民币（大写）{RIGHT}（¥265,500.00 元）的投标总报价",
    f"投标总报价：人民币{RIGHT}\n小写：￥265500.00",
    "投标总报价为 265,500.00 元",
    "投标总价（含税）：26.55 万元（大写：贰拾陆万伍仟伍佰圆正）",
    "投标总价：贰拾陆万\n伍仟伍佰元整（26.55）",
    "投标报价说明：暂列金额 500,000.00 元",
    "投标保证金：人民币陆拾万元整（60 万元）",
    "伍拾万元整，3 份",
    "（2）人民币贰万元整",
    "人民币（大写）：   仟   佰   拾   元整（空白格式）",
    "综合单价 12.50 元/m²，壹拾元每米",
]


@pytest.mark.parametrize("text", GOOD)
def test_amounts_that_agree(complete: tuple[Draft, Path], tender: Tender, text: str) -> None:
    assert findings(complete, tender, "投标函", text) == []


BAD = [
    (f"愿意以人民币（大写）{WRONG}（¥265,500.00 元）的投标总报价", ["PRC-002", "PRC-011"]),
    (f"愿意以人民币（大写）{RIGHT}（¥265,000.00 元）的投标总报价", ["PRC-012", "PRC-011"]),
    ("投标总报价为 ２６５，０００.００ 元", ["PRC-012"]),
    ("投标总价（小写）：265,501.00", ["PRC-012"]),
    ("投标总价：26.5 万元", ["PRC-012"]),
    ("保证金为人民币陆拾万元整（¥500,000.00）", ["PRC-011"]),
    ("保证金小写：500,000.00 大写：陆拾万元整", ["PRC-011"]),
    ("人民币贰拾万陆仟伍佰零元佰整", ["PRC-013"]),
]


@pytest.mark.parametrize(("text", "expected"), BAD)
def test_amounts_that_differ(
    complete: tuple[Draft, Path], tender: Tender, text: str, expected: list[str]
) -> None:
    found = findings(complete, tender, "投标函", "首页", text)
    assert rules(found) == expected
    assert {one.here.page for finding in found for one in finding.evidence} == {2}
    assert {finding.severity for finding in found} == {"warning"}


def test_the_right_words_come_with_the_finding(complete: tuple[Draft, Path], tender: Tender) -> None:
    (finding,) = findings(complete, tender, "投标函", f"投标总报价：{WRONG}")
    assert finding.rule == "PRC-002"
    assert finding.evidence[0].here.quote == WRONG
    assert finding.evidence[0].fact == amount_in_words(PRICE_FEN)


def test_a_total_may_be_wrong_anywhere_in_the_document(complete: tuple[Draft, Path], tender: Tender) -> None:
    found = findings(complete, tender, "投标函", *["说明"] * 60, f"投标总报价：{WRONG}")
    assert rules(found) == ["PRC-002"]


def test_contracts_that_are_shown_as_proof_are_left_alone(
    complete: tuple[Draft, Path], tender: Tender
) -> None:
    assert findings(complete, tender, "类似业绩", "人民币陆拾万元整（¥500,000.00）") == []


def test_a_running_head_is_told_once(complete: tuple[Draft, Path], tender: Tender) -> None:
    assert rules(findings(complete, tender, "投标函", *["陆拾万元整（¥500,000.00）"] * 3)) == ["PRC-011"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [(RIGHT, []), ("贰拾陆万伍仟伍佰圆正", []), (WRONG, ["PRC-002"]), ("二十六万五千五百元", ["PRC-013"])],
)
def test_the_forms_own_words(
    complete: tuple[Draft, Path], tender: Tender, words: str, expected: list[str]
) -> None:
    draft = msgspec.structs.replace(complete[0], form={**complete[0].form, "price-in-words": words})
    form = (*tender.form, FormField("price-in-words", "投标总报价（大写）", "text"))
    asking = msgspec.structs.replace(tender, form=form)
    found = list(check_amounts([], draft, asking))
    assert rules(found) == expected
    assert {finding.subject for finding in found} <= {"price-in-words"}


@given(
    fen=st.integers(100, 10**13),
    off=st.sampled_from([0, 1, 100, -1]),
    glue=st.sampled_from(["（¥", "(小写:"]),
)
def test_words_and_figures_of_any_amount(fen: int, off: int, glue: str) -> None:
    text = f"{amount_in_words(fen)}{glue}{Decimal(fen + off) / 100:,.2f})"
    assert bool(list(contradictory(text.replace("（", "(")))) == bool(off)
