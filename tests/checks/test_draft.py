"""Checks of a whole draft: nothing about a good one, everything at once about a bad one."""

import hashlib
import string
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from bidclient.checks.added import read_documents
from bidclient.checks.anonymity import bare, check_anonymity, telling_names
from bidclient.checks.draft import check_draft
from bidclient.checks.finding import Finding, blocks
from bidclient.checks.price import line_total
from bidclient.checks.rules import RULES, found
from bidclient.checks.validity import check_certificate
from bidclient.formats.instant import instant_text, parse_instant
from bidclient.stages.draft import Bidder, Draft, DraftDocument, PricedItem, new_draft
from bidclient.stages.tender import Tender, TenderPackage
from tests.support.bids import (
    BIDDER,
    BIDDER_USCC,
    CEILING_FEN,
    LEGAL_REPRESENTATIVE,
    PHONE,
    add_document,
    make_pki,
)
from tests.support.pki import NOW

PLAN = "technical/plan"


def rules(findings: Iterable[Finding]) -> list[tuple[str, str]]:
    return [(finding.rule, finding.subject) for finding in findings]


def checked(draft: Draft, tender: Tender, parts: Path, now: datetime = NOW) -> list[tuple[str, str]]:
    return rules(check_draft(draft, tender, parts, now))


def changed(draft: Draft, **changes: object) -> Draft:
    return msgspec.structs.replace(draft, **changes)


def test_nothing_is_found_in_a_good_draft(complete: tuple[Draft, Path], tender: Tender) -> None:
    pki = make_pki()
    certificates = [pki.bidder.certificate, pki.encryption.certificate]
    findings = check_draft(complete[0], tender, complete[1], NOW, certificates)
    assert findings == []
    assert not blocks(findings)


def test_everything_that_is_missing_is_named_at_once(package: TenderPackage, tmp_path: Path) -> None:
    findings = check_draft(new_draft(package, "C", bytes(32), NOW), package.tender, tmp_path, NOW)
    assert blocks(findings)
    assert set(rules(findings)) == {
        ("DOC-001", "qualification/licence"),
        ("DOC-001", "commercial/bid-letter"),
        ("DOC-001", PLAN),
        ("DOC-001", "price/priced-boq"),
        ("FRM-001", "bidder.name"),
        ("FRM-001", "bidder.uscc"),
        ("FRM-001", "bidder.legal_representative"),
        ("FRM-001", "total-price"),
        ("FRM-001", "duration"),
        ("FRM-001", "quality"),
        ("FRM-001", "manager"),
        ("PRC-003", "040101001001"),
        ("LNK-001", "licence"),
        ("LNK-001", "quality"),
    }
    severities = [finding.severity for finding in findings]
    assert severities == sorted(severities, key=["blocking", "warning", "info"].index)


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"total-price": str(CEILING_FEN + 1)}, {("PRC-007", "total-price"), ("PRC-004", "total-price")}),
        ({"total-price": "0"}, {("PRC-001", "total-price"), ("PRC-004", "total-price")}),
        ({"total-price": "26550001"}, {("PRC-004", "total-price")}),
        ({"total-price": "12.5"}, {("FRM-002", "total-price")}),
        ({"total-price": "9" * 5000}, {("FRM-002", "total-price")}),
        ({"total-price": "026550000"}, {("FRM-002", "total-price")}),
        ({"duration": "many"}, {("FRM-002", "duration")}),
        ({"duration": ""}, {("FRM-001", "duration")}),
        ({"other": "1"}, {("FRM-004", "other")}),
        ({"discount": "3.50"}, {("FRM-002", "discount")}),
        ({"discount": "3.5"}, set()),
        ({"discount": "-3.5"}, {("FRM-008", "discount")}),
        ({"discount": "100"}, {("FRM-008", "discount")}),
    ],
)
def test_the_form_and_the_total(
    complete: tuple[Draft, Path], tender: Tender, form: dict[str, str], expected: set[tuple[str, str]]
) -> None:
    draft = changed(complete[0], form={**complete[0].form, **form})
    assert {rule for rule in checked(draft, tender, complete[1]) if rule[0] != "PRC-002"} == expected


@pytest.mark.parametrize(
    ("bidder", "expected"),
    [
        ({"uscc": "91629999TBX00001XW"}, ("FRM-003", "bidder.uscc")),
        ({"uscc": "91629999tbx00001xu"}, ("FRM-002", "bidder.uscc")),
        ({"uscc": "123"}, ("FRM-002", "bidder.uscc")),
        ({"phone": "无"}, ("FRM-002", "bidder.phone")),
        ({"name": ""}, ("FRM-001", "bidder.name")),
    ],
)
def test_the_bidder(
    complete: tuple[Draft, Path], tender: Tender, bidder: dict[str, str], expected: tuple[str, str]
) -> None:
    draft = changed(complete[0], bidder=msgspec.structs.replace(complete[0].bidder, **bidder))
    assert checked(draft, tender, complete[1]) == [expected]


@pytest.mark.parametrize(
    ("prices", "expected"),
    [
        ([0, 1], {("PRC-003", "040501001001"), ("PRC-004", "total-price")}),
        ([0, 1, 2, PricedItem("99", 1, 0)], {("PRC-006", "99")}),
        ([0, 1, PricedItem("040501001001", 35_321, 2_649_000)], {("PRC-005", "040501001001")}),
        ([0, 1, PricedItem("040501001001", 0, 0)], {("PRC-008", "040501001001"), ("PRC-004", "total-price")}),
    ],
)
def test_the_price_list(
    complete: tuple[Draft, Path],
    tender: Tender,
    prices: list[int | PricedItem],
    expected: set[tuple[str, str]],
) -> None:
    items = tuple(complete[0].prices[each] if isinstance(each, int) else each for each in prices)
    assert set(checked(changed(complete[0], prices=items), tender, complete[1])) == expected


def test_a_short_field_for_an_amount_is_measured_as_it_was_typed(
    complete: tuple[Draft, Path], tender: Tender
) -> None:
    form = tuple(msgspec.structs.replace(field, max_length=9) for field in tender.form)
    short = msgspec.structs.replace(tender, form=form)
    assert ("FRM-002", "total-price") not in checked(complete[0], short, complete[1])


def test_lines_are_rounded_half_up() -> None:
    assert line_total("0.5", 1) == 1
    assert line_total("1200.5", 2_000) == 2_401_000
    assert line_total("0.333", 100) == 33


@pytest.mark.parametrize("quantity", ["一批", "NaN", "Infinity", "9E999999", "-1"])
def test_a_quantity_that_is_no_number_is_not_multiplied(
    complete: tuple[Draft, Path], tender: Tender, quantity: str
) -> None:
    items = tuple(msgspec.structs.replace(item, quantity=quantity) for item in tender.price.items)
    lump = msgspec.structs.replace(tender, price=msgspec.structs.replace(tender.price, items=items))
    assert checked(complete[0], lump, complete[1]) == []


def test_files_changed_or_gone_are_found(complete: tuple[Draft, Path], tender: Tender) -> None:
    draft, parts = complete
    (parts / "price" / "已标价工程量清单.pdf").unlink()
    letter = parts / "commercial" / "投标函.pdf"
    letter.write_bytes(letter.read_bytes().replace(b"ReportLab", b"ReportLob", 1))
    (parts / "qualification" / "营业执照.pdf").write_bytes(b"")
    assert set(checked(draft, tender, parts)) == {
        ("DOC-005", "price/priced-boq"),
        ("DOC-005", "commercial/bid-letter"),
        ("DOC-004", "qualification/licence"),
    }
    (empty,) = [one for one in check_draft(draft, tender, parts, NOW) if one.rule == "DOC-004"]
    assert "空文件" in empty.message_zh
    assert "zero bytes" in empty.message_en


def test_too_many_pages_too_many_bytes_and_places_that_are_gone(
    complete: tuple[Draft, Path], tender: Tender
) -> None:
    draft, parts = complete
    licence = msgspec.structs.replace(draft.documents[0], pages=11)
    assert ("DOC-002", "qualification/licence") in checked(
        changed(draft, documents=(licence, *draft.documents[1:])), tender, parts
    )
    small = msgspec.structs.replace(tender, size_limit=4 * 1024 * 1024)
    assert checked(draft, small, parts) == [("SIZ-001", "size")]
    fewer = msgspec.structs.replace(tender, parts=tender.parts[:3])
    assert checked(draft, fewer, parts) == [("DOC-003", "price/priced-boq")]


def test_an_amount_in_words_that_differs_is_found(complete: tuple[Draft, Path], tender: Tender) -> None:
    draft, parts = complete
    letter = "投标函\n我方投标总报价为 265,500.00 元（大写：人民币\n贰拾陆万伍仟元整）"
    draft = add_document(draft, tender, parts, "commercial", "bid-letter", "投标函", [letter])
    findings = check_draft(draft, tender, parts, NOW)
    where = "commercial/bid-letter"
    assert rules(findings) == [("PRC-002", where), ("PRC-011", where)]
    assert "贰拾陆万伍仟元整" in findings[0].message_zh


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("本工程由陇原示范建设工程\n有限公司组织施工", "ANON-001"),
        ("陇 原 示 范 建 设 工 程 项目部", "ANON-001"),
        (f"信用代码 {BIDDER_USCC}", "ANON-001"),
        (f"电话 {PHONE}", "ANON-001"),
        (f"项目由{LEGAL_REPRESENTATIVE}负责", "ANON-004"),
    ],
)
def test_a_blind_document_that_tells_who_wrote_it(
    complete: tuple[Draft, Path], tender: Tender, text: str, rule: str
) -> None:
    draft, parts = complete
    draft = add_document(draft, tender, parts, "technical", "plan", "施工组织设计", ["首页", "次页", text])
    findings = check_draft(draft, tender, parts, NOW)
    assert {finding.rule for finding in findings} == {rule}
    assert {finding.subject for finding in findings} == {PLAN}
    assert "第 3 页" in findings[0].message_zh


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"author": "张三"}, {"ANON-002"}),
        ({"author": BIDDER}, {"ANON-001", "ANON-002"}),
        ({"title": f"{BIDDER}技术标"}, {"ANON-001"}),
        ({"title": "技术标"}, set()),
    ],
)
def test_a_blind_document_with_metadata(
    complete: tuple[Draft, Path], tender: Tender, properties: dict[str, str], expected: set[str]
) -> None:
    draft, parts = complete
    pages = ["施工组织设计", "质量保证措施"]
    draft = add_document(draft, tender, parts, "technical", "plan", "施工组织设计", pages, **properties)
    assert {rule for rule, _ in checked(draft, tender, parts)} == expected


def test_a_blind_document_whose_file_name_tells(complete: tuple[Draft, Path], tender: Tender) -> None:
    draft, parts = complete
    draft = add_document(draft, tender, parts, "technical", "plan", f"{BIDDER}方案", ["一", "二"])
    assert ("ANON-001", PLAN) in checked(draft, tender, parts)


def test_an_open_document_of_another_company(complete: tuple[Draft, Path], tender: Tender) -> None:
    draft, parts = complete
    draft = add_document(
        draft, tender, parts, "qualification", "licence", "营业执照", ["第一页"], author="别家建设有限公司"
    )
    assert checked(draft, tender, parts) == [("META-001", "qualification/licence")]
    assert checked(draft, tender, parts, datetime(1999, 1, 1, tzinfo=NOW.tzinfo)).count(
        ("META-002", "commercial/bid-letter")
    )


def test_what_names_a_company() -> None:
    bidder = Bidder(BIDDER, BIDDER_USCC, LEGAL_REPRESENTATIVE, "", PHONE)
    assert telling_names(bidder) == (BIDDER, "陇原示范建设工程", BIDDER_USCC, "09348000001")
    assert telling_names(Bidder()) == ()
    assert telling_names(Bidder("示例（集团）有限公司")) == telling_names(Bidder("示例(集团)有限公司"))


@pytest.mark.parametrize("written", ["示\u200b例　建设", "⽰例建设", "示例-建设", "示例建设"])
def test_a_name_is_found_however_it_is_written(written: str) -> None:
    assert bare(written) == "示例建设"


def test_a_blind_picture_whose_file_name_tells(complete: tuple[Draft, Path], tender: Tender) -> None:
    draft, parts = complete
    plan = next(each for each in draft.documents if each.part == "technical")
    picture = msgspec.structs.replace(plan, file=f"{BIDDER}.png", pages=0)
    (parts / "technical" / picture.file).write_bytes(b"\x89PNG")
    added, _ = read_documents(changed(draft, documents=(picture,)), tender, parts)
    findings = check_anonymity(added, draft.bidder)
    assert set(rules(findings)) == {("ANON-001", PLAN)}


def test_an_old_version_another_lot_and_a_past_deadline(complete: tuple[Draft, Path], tender: Tender) -> None:
    draft, parts = complete
    newer = msgspec.structs.replace(
        tender, tender_version=2, replaces="0" * 64, change_summary="工期改为 100 天"
    )
    findings = check_draft(draft, newer, parts, NOW)
    assert rules(findings) == [("TND-001", "tender")]
    assert "工期改为 100 天" in findings[0].message_zh
    assert checked(changed(draft, lot="lot-2"), tender, parts) == [("TND-002", "lot")]
    deadline = parse_instant(tender.deadline)
    assert checked(draft, tender, parts, deadline - timedelta(milliseconds=1)) == []
    assert checked(draft, tender, parts, deadline) == [("TND-003", "deadline")]


@pytest.mark.parametrize(
    ("days", "rule"),
    [
        (-1, "CRT-001"),
        (0, "CRT-001"),
        (1, "CRT-006"),
        (6, "CRT-006"),
        (8, "CRT-005"),
        (29, "CRT-005"),
        (31, None),
    ],
)
def test_a_certificate_must_outlive_the_opening(tender: Tender, days: int, rule: str | None) -> None:
    ends = parse_instant(tender.opening_at) + timedelta(days=days, minutes=1)
    certificate = make_pki().root.issue(not_after=ends, uscc=BIDDER_USCC).certificate
    found_rules = [finding.rule for finding in check_certificate(certificate, tender, NOW, BIDDER_USCC)]
    assert found_rules == ([rule] if rule else [])


def test_a_certificate_of_somebody_else_or_of_tomorrow(tender: Tender) -> None:
    pki = make_pki()
    assert rules(check_certificate(pki.rival.certificate, tender, NOW, BIDDER_USCC))[0][0] == "CRT-003"
    assert check_certificate(pki.rival.certificate, tender, NOW) == []
    late = pki.root.issue(not_before=NOW + timedelta(days=1)).certificate
    assert rules(check_certificate(late, tender, NOW))[0][0] == "CRT-002"
    authority = pki.root.certificate
    assert [rule for rule, _ in rules(check_certificate(authority, tender, NOW))] == ["CRT-004"]


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_has_its_sentences_in_both_languages(rule: str) -> None:
    texts = RULES[rule]
    templates = (texts.message_zh, texts.message_en, texts.advice_zh, texts.advice_en)
    names = {name for text in templates for _, name, _, _ in string.Formatter().parse(text) if name}
    finding = found(rule, "where", **{name: "FACT" for name in names - {"subject"}})
    sentences = (finding.message_zh, finding.message_en, finding.advice_zh, finding.advice_en)
    assert all("{" not in sentence and len(sentence) > 4 for sentence in sentences)
    assert finding.message_zh.endswith(("。", "FACT"))
    assert finding.message_en.endswith((".", "FACT"))
    assert any("\u4e00" <= character <= "\u9fff" for character in finding.advice_zh)


def test_a_document_that_is_not_a_pdf_is_said_to_be_unchecked(
    complete: tuple[Draft, Path], tender: Tender
) -> None:
    draft, parts = complete
    path = parts / "price" / "清单.xml"
    path.write_bytes(b"<prices/>")
    digest = hashlib.sha256(b"<prices/>").hexdigest()
    listed = DraftDocument("price", "priced-boq", path.name, "清单", 9, digest, 0, instant_text(NOW))
    findings = check_draft(changed(draft, documents=(*draft.documents[:3], listed)), tender, parts, NOW)
    assert rules(findings) == [("NCK-001", "price/priced-boq")]
    assert findings[0].message_zh.startswith("未检查")
