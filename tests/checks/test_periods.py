"""Dates and periods by the form and by the documents: long enough, in order, and in the calendar."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bidclient.checks.days import days_in, reversed_periods, without_days
from bidclient.checks.draft import check_draft
from bidclient.checks.finding import Finding
from bidclient.checks.periods import bid_stands_until
from bidclient.stages.draft import Draft
from bidclient.stages.tender import FormField, Tender
from tests.support.bids import add_document
from tests.support.pki import NOW

TENDERER = "示范建设管理处"


def findings(complete: tuple[Draft, Path], tender: Tender, title: str, *pages: str) -> list[Finding]:
    """What is found in a draft whose letter has this title and these pages."""
    draft, parts = complete
    draft = add_document(draft, tender, parts, "commercial", "bid-letter", title, pages)
    return check_draft(draft, tender, parts, NOW)


def rules(found: Sequence[Finding]) -> list[str]:
    return [finding.rule for finding in found]


# --------------------------------------------------------------------------------------------------- the bid


@pytest.mark.parametrize(("days", "is_found"), [("89", True), ("90", False), ("120", False)])
def test_the_forms_validity(complete: tuple[Draft, Path], tender: Tender, days: str, is_found: bool) -> None:
    form = (*tender.form, FormField("validity", "投标有效期（日历天）", "days"))
    asking = msgspec.structs.replace(tender, form=form)
    draft = msgspec.structs.replace(complete[0], form={**complete[0].form, "validity": days})
    found = check_draft(draft, asking, complete[1], NOW)
    assert [(one.rule, one.subject, one.severity) for one in found] == [
        ("VAL-001", "validity", "blocking")
    ] * is_found


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("投标有效期为投标截止之日起 60 天。", True),
        ("在招标文件规定的投标有效期 60 日内不撤销投标文件", True),
        ("投标有效期：自 2026 年 12 月 15 日起\n60 个日历天", True),
        ("投标有效期：自 2026 年 12 月 15 日起 90 天", False),
        ("投标有效期 120 日历天", False),
        ("投标有效期届满后 28 日", False),
        ("投标有效期见招标文件。工期 60 天", False),
        ("投标有效期响应招标文件，工期 60 天", False),
    ],
)
def test_the_letters_validity(
    complete: tuple[Draft, Path], tender: Tender, text: str, is_found: bool
) -> None:
    found = findings(complete, tender, "投标函", "首页", text)
    assert rules(found) == ["VAL-002"] * is_found
    assert {one.here.page for finding in found for one in finding.evidence} <= {2}
    assert findings(complete, tender, "施工方案", text) == []


# -------------------------------------------------------------------------------------------------- the bond


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"受益人：{TENDERER}\n有效期至 2027 年 3 月 14 日", ["VAL-003"]),
        (f"受益人：{TENDERER}\n有效期至 2027 年 3 月 15 日", []),
        (f"致{TENDERER}：本保函有效期 60 天", ["VAL-003"]),
        (f"致{TENDERER}：本保函有效期至投标有效期届满后 28 日", []),
        ("致某某公司：本保函有效期 120 天", ["VAL-004"]),
        ("致示范招标代理有限公司：本保函有效期 120 天", []),
    ],
)
def test_the_bond(complete: tuple[Draft, Path], tender: Tender, text: str, expected: list[str]) -> None:
    assert f"{bid_stands_until(tender)}" == "2027-03-15"
    assert rules(findings(complete, tender, "投标保函", text)) == expected


def test_a_scanned_bond_is_left_to_the_person(complete: tuple[Draft, Path], tender: Tender) -> None:
    assert "VAL-004" not in rules(findings(complete, tender, "投标保证金", ""))


# ---------------------------------------------------------------------------------------------- certificates


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("有效期至 2026-05-01", True),
        ("有效期至：2026年05月01日", True),
        ("有效期：2021.05.01-2026.05.01", True),
        ("营业期限：自 2006 年 5 月 1 日至 2026 年 5 月 1 日", True),
        ("证书有效期截止 2026/05/01", True),
        ("有效期至 2026-12-14", True),
        ("有效期至 2026-12-15", False),
        ("有效期：2021年5月1日至2031年5月1日", False),
        ("有效期限 2016.05.01-长期", False),
        ("营业期限：2010年1月1日至无固定期限", False),
        ("合同有效期至 2020-05-01", False),
        ("委托有效期至 2026-05-01", False),
        ("成立日期：2006年5月1日", False),
    ],
)
def test_a_certificate_that_ends_before_the_opening(
    complete: tuple[Draft, Path], tender: Tender, text: str, is_found: bool
) -> None:
    found = findings(complete, tender, "资质证书", "首页", text)
    assert rules(found) == ["VAL-005"] * is_found
    assert all("第 2 页" in finding.message_zh for finding in found)


# ----------------------------------------------------------------------------------------------------- dates


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("签订于 2025 年 2 月 30 日", "没有这一天"),
        ("工期自 2026年5月1日至2025年5月1日", "止日早于起日"),
        ("投标人（盖章）\n日期：2026年12月16日", "晚于投标截止日 2026-12-15"),
        ("投标人（盖章）\n日期：2026年12月15日", ""),
        ("出生日期：2030年1月1日", ""),
        ("按 GB 50500-2013.5.40 条执行", ""),
        ("工期自 2026年5月1日至2026年9月1日", ""),
    ],
)
def test_dates_in_documents(complete: tuple[Draft, Path], tender: Tender, text: str, why: str) -> None:
    found = findings(complete, tender, "投标函", text)
    assert rules(found) == ["FRM-006"] * bool(why)
    assert all(why in finding.message_zh for finding in found)


def test_a_date_that_does_not_exist_is_found_in_a_blind_part_too(
    complete: tuple[Draft, Path], tender: Tender
) -> None:
    draft, parts = complete
    pages = ["首页", "次页", "2026年9月31日完工"]
    draft = add_document(draft, tender, parts, "technical", "plan", "施工组织设计", pages)
    assert rules(check_draft(draft, tender, parts, NOW)) == ["FRM-006"]


@pytest.mark.parametrize(
    ("first", "last", "is_found"), [("2027-03-01", "2027-02-01", True), ("2027-03-01", "2027-03-01", False)]
)
def test_the_forms_dates_are_in_order(
    complete: tuple[Draft, Path], tender: Tender, first: str, last: str, is_found: bool
) -> None:
    form = (*tender.form, FormField("end", "计划竣工日期", "date"))
    asking = msgspec.structs.replace(tender, form=form)
    draft = msgspec.structs.replace(complete[0], form={**complete[0].form, "start": first, "end": last})
    assert rules(check_draft(draft, asking, complete[1], NOW)) == ["FRM-006"] * is_found


DATES = st.dates(date(1900, 1, 1), date(2199, 12, 31))


@given(DATES, DATES, st.sampled_from(["{0.year:04}年{0.month}月{0.day}日", "{0:%Y-%m-%d}"]))
def test_days_are_read_as_they_are_written(first: date, last: date, form: str) -> None:
    text = f"自{form.format(first)}至{form.format(last)}止"
    assert [day.day for day in days_in(text)] == [first, last]
    assert bool(list(reversed_periods(text))) == (last < first)
    assert without_days(text) == "自※至※止"
