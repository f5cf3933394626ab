"""Persons who are named alike everywhere, and numbers that can be right; no number is ever spelt out."""

from pathlib import Path

import msgspec
import pytest

from bidclient.checks.draft import check_draft
from bidclient.checks.finding import Finding
from bidclient.formats.citizen_id import citizen_id_check
from bidclient.formats.codes import is_phone
from bidclient.stages.draft import Draft
from bidclient.stages.tender import FormField, Tender
from tests.support.bids import LEGAL_REPRESENTATIVE, add_document
from tests.support.pki import NOW

FIRST = "62999919800229123"
GOOD_ID = FIRST + citizen_id_check(FIRST)
WRONG_ID = FIRST + ("0" if GOOD_ID[-1] != "0" else "1")


def findings(complete: tuple[Draft, Path], tender: Tender, title: str, *pages: str) -> list[Finding]:
    """What is found in a draft whose letter has this title and these pages."""
    draft, parts = complete
    draft = add_document(draft, tender, parts, "commercial", "bid-letter", title, pages)
    return check_draft(draft, tender, parts, NOW)


def rules(found: list[Finding]) -> list[str]:
    return [finding.rule for finding in found]


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        (f"身份证号：{WRONG_ID}", True),
        (f"公民身份号码 {WRONG_ID}", True),
        (f"身份证号：\n{GOOD_ID[:6]}19800230{GOOD_ID[14:]}", True),
        (f"身份证号：{GOOD_ID}", False),
        (f"账号：{WRONG_ID}", False),
        (f"身份证号：{WRONG_ID}99", False),
    ],
)
def test_identity_numbers(complete: tuple[Draft, Path], tender: Tender, text: str, is_found: bool) -> None:
    found = findings(complete, tender, "简历", "王经理", text)
    assert rules(found) == ["FRM-005"] * is_found
    for finding in found:
        assert "第 2 页" in finding.message_zh
        assert "198002" not in repr(finding)


@pytest.mark.parametrize(
    ("title", "text", "expected"),
    [
        ("法定代表人身份证明", f"姓名：{LEGAL_REPRESENTATIVE}", []),
        ("法定代表人身份证明", f"姓名：{' '.join(LEGAL_REPRESENTATIVE)}", []),
        ("法定代表人身份证明", "姓名：陈式范", ["FRM-009"]),
        ("授权委托书", f"{LEGAL_REPRESENTATIVE}委托李代理", []),
        ("授权委托书", f"{LEGAL_REPRESENTATIVE}委托李代办", ["FRM-009"]),
        ("项目管理机构", "项目负责人：王经理", []),
        ("项目管理机构", "项目负责人：汪经理", ["FRM-009"]),
        ("售后服务", "无人", []),
    ],
)
def test_persons_are_named_alike(
    complete: tuple[Draft, Path], tender: Tender, title: str, text: str, expected: list[str]
) -> None:
    found = findings(complete, tender, title, text)
    assert rules(found) == expected
    assert {finding.severity for finding in found} <= {"info"}
    assert all(title in finding.message_zh for finding in found)


def test_a_name_may_be_on_a_page_that_cannot_be_read(complete: tuple[Draft, Path], tender: Tender) -> None:
    assert "FRM-009" not in rules(findings(complete, tender, "项目管理机构", "汪经理", ""))


@pytest.mark.parametrize(
    ("number", "is_good"),
    [
        ("13893412345", True),
        ("138 9341 2345", True),
        ("+86 138-9341-2345", True),
        ("0934-8000001", True),
        ("010-82345678转8001", True),
        ("(0934) 8000001", True),
        ("400-800-1234", True),
        ("95588", True),
        ("+852 2345 6789", True),
        ("8000001", False),
        ("1389341234", False),
        ("12893412345", False),
        ("0934-80000012345", False),
    ],
)
def test_telephone_numbers(complete: tuple[Draft, Path], tender: Tender, number: str, is_good: bool) -> None:
    assert is_phone(number) == is_good
    form = (*tender.form, FormField("phone", "项目负责人联系电话", "text"))
    asking = msgspec.structs.replace(tender, form=form)
    draft = msgspec.structs.replace(
        complete[0], form={**complete[0].form, "phone": f"0934-8000001、{number}"}
    )
    found = check_draft(draft, asking, complete[1], NOW)
    assert [(one.rule, one.subject) for one in found] == [("FRM-007", "phone")] * (not is_good)
    assert number not in "".join(finding.message_zh for finding in found)


def test_words_are_no_telephone_number(complete: tuple[Draft, Path], tender: Tender) -> None:
    form = (*tender.form, FormField("phone", "联系电话", "text"))
    asking = msgspec.structs.replace(tender, form=form)
    draft = msgspec.structs.replace(complete[0], form={**complete[0].form, "phone": "见投标函第 2 页"})
    assert check_draft(draft, asking, complete[1], NOW) == []
