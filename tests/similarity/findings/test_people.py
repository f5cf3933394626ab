"""Marks of persons and companies in texts; whose they are; who pays the bond."""

import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bidclient.crypto.blinded import SALT_BYTES, blinded
from bidclient.formats.citizen_id import citizen_id_check, is_citizen_id
from bidclient.similarity.findings.marks import Mark, marks
from bidclient.similarity.findings.people import Holder, check_bond, check_people, digests, holders
from tests.support.bids import BIDDER, LEGAL_REPRESENTATIVE
from tests.support.examined import OURS, RIVAL, examined, extracted

KEY = b"k" * 32
ID = "11010519491231002X"
"""The example of GB 11643-1999."""
CARD = "6222021234567890128"
BASIC = "2710 0123 4567 8901"
KEPT = blinded(BASIC, b"s" * SALT_BYTES)


def kinds(text: str) -> list[tuple[str, str]]:
    return [(one.kind, one.value) for one in marks(text)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("项目经理：王 建国", [("person", "王建国")]),
        ("法定代表人（签字）：欧阳明", [("person", "欧阳明")]),
        ("联系人:李明 电话:13800138000", [("person", "李明"), ("mobile", "13800138000")]),
        ("手机 138-0013-8000", [("mobile", "13800138000")]),
        ("手机：１３８００１３８０００", [("mobile", "13800138000")]),
        ("+86 138 0013 8000", [("mobile", "13800138000")]),
        ("电话：0934-8000001", [("telephone", "09348000001")]),
        (f"身份证号{ID}", [("identity", ID)]),
        (f"身份证号{ID.lower()}。", [("identity", ID)]),
        ("邮箱：Zhang.San@Example.com.cn", [("email", "zhang.san@example.com.cn")]),
        ("邮箱a.b@example.org或c@example.org", [("email", "a.b@example.org"), ("email", "c@example.org")]),
        (f"账号：{BASIC}", [("account", "2710012345678901")]),
        ("帐　号:6222 0212 3456 7890 128", [("account", CARD)]),
        (f"卡 {CARD} 号", [("account", CARD)]),
    ],
)
def test_marks_are_found_in_the_spellings_that_bids_have(text: str, found: list[tuple[str, str]]) -> None:
    assert kinds(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "项目经理：（签字）",
        "法定代表人：________",
        "联系人：电话：",
        "项目经理：应当具备一级建造师资格",
        "项目经理负责现场管理",
        "2138001380001",
        "12800138000",
        "总价 13800138000.55 元",
        "110105194912310021",
        "11010519491331002X",
        "6222021234567890127",
        "招标编号 A016210022511010001001001",
        "a@b",
    ],
)
def test_what_only_looks_like_a_mark_is_none(text: str) -> None:
    assert kinds(text) == []


def test_a_mark_stands_where_it_says_and_is_shown_masked() -> None:
    text = f"联系人：张三丰，电话 138 0013 8000，身份证 {ID}，邮箱 zsf@example.com，账号：{BASIC}"
    assert [text[one.start : one.end] for one in marks(text)] == [
        "张三丰",
        "138 0013 8000",
        ID,
        "zsf@example.com",
        BASIC,
    ]
    assert [one.mask for one in marks(text)] == [
        "张**",
        "138****8000",
        "****002X",
        "z***@example.com",
        "****8901",
    ]
    shown = repr(marks(text))
    assert "张三丰" not in shown
    assert "13800138000" not in shown


@given(st.text(st.sampled_from("项目经理联系人账号：: 张三138001X@a.c\n-（）6２"), max_size=60))
def test_marks_are_in_order_apart_and_inside_the_text(text: str) -> None:
    found = marks(text)
    ends = [0]
    for one in found:
        assert ends[-1] <= one.start < one.end <= len(text)
        ends.append(one.end)


@given(st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True), st.text("中文，。 ", max_size=5))
def test_every_mobile_number_is_found(number: str, around: str) -> None:
    assert ("mobile", number) in kinds(f"{around}{number}{around}")


@given(st.dates(date(1900, 1, 1)), st.integers(0, 999))
def test_every_identity_number_is_found_and_a_wrong_figure_is_told(day: date, serial: int) -> None:
    first = f"620102{day:%Y%m%d}{serial:03d}"
    number = first + citizen_id_check(first)
    assert is_citizen_id(number)
    assert kinds(f"号{number}，") == [("identity", number)]
    changed = str((int(number[5]) + 1) % 10)
    assert not is_citizen_id(number[:5] + changed + number[6:])


def test_a_digest_depends_on_key_and_kind_and_not_on_spelling() -> None:
    one, other = marks("138 0013 8000")[0], marks("13800138000")[0]
    assert one.digest(KEY) == other.digest(KEY) != one.digest(b"x" * 32)
    assert one.digest(KEY) != Mark("account", one.value, 0, 1).digest(KEY)


# ------------------------------------------------------------------------------------------------ PER-001


def test_a_number_of_another_company_is_told_masked() -> None:
    known = holders(extracted("联系人：赵六，电话 13912345678", name="联合体.docx"), RIVAL, KEY)
    documents = [examined("联系人：王五", "电话：139 1234 5678，再拨 13912345678")]
    [finding] = check_people(documents, known, OURS, KEY)
    assert (finding.rule, finding.severity) == ("PER-001", "warning")
    assert RIVAL in finding.message_zh
    assert "139****5678" in finding.message_en
    assert [one.here.page for one in finding.evidence] == [2, 2]
    assert "1234" not in json.dumps([finding.message_zh, *map(repr, finding.evidence)])


def test_what_is_ours_or_the_tenders_is_in_order() -> None:
    documents = [examined("联系人：赵六，电话 13912345678")]
    known = holders(documents[0].extract, RIVAL, KEY)
    assert len(check_people(documents, known, OURS, KEY)) == 2
    given = digests(["招标人联系人：赵六，13912345678"], KEY)
    assert check_people(documents, known, OURS, KEY, given) == []
    ours = holders(documents[0].extract, BIDDER, KEY)
    assert check_people(documents, ours, OURS, KEY) == []
    assert check_people(documents, known, OURS, b"other key" * 4) == []


def test_what_is_kept_of_a_file_holds_no_value() -> None:
    kept = holders(extracted(f"联系人：赵六，{ID}"), RIVAL, KEY)
    assert len(kept) == 2
    assert "赵六" not in repr(kept)
    assert ID not in repr(kept)
    assert set(kept.values()) == {Holder(RIVAL, "方案.docx")}


# ------------------------------------------------------------------------------------------------ BND-001


def proof(account: str = BASIC, payer: str = BIDDER) -> str:
    return f"投标保证金缴纳凭证\n付款人：{payer}\n付款账号：{account}\n收款账号：9999 8888 7777 6666\n"


def bond(text: str, kept: str = KEPT) -> list[tuple[str, str]]:
    return [(one.rule, one.severity) for one in check_bond([examined(text)], OURS, kept)]


def test_a_bond_from_the_basic_account_is_in_order() -> None:
    assert bond(proof()) == []
    assert bond("投标保证金：无") == []
    assert bond(f"收款账号：{CARD}（投标保证金专户）") == []


def test_a_bond_from_another_account_or_payer_is_told() -> None:
    assert bond(proof(CARD)) == [("BND-001", "warning")]
    assert bond(proof(payer=RIVAL)) == [("BND-001", "warning")]
    [finding] = check_bond([examined(proof(CARD))], OURS, KEPT)
    assert "****0128" in finding.message_zh
    assert CARD not in repr(finding)


def test_without_the_account_in_the_settings_nobody_can_tell() -> None:
    assert bond(proof(), "") == [("BND-001", "info")]
    stated = [examined(f"基本账户开户许可\n基本存款账户账号：{BASIC}", where="qualification/account")]
    assert check_bond([*stated, examined(proof())], OURS, "") == []
    [finding] = check_bond([*stated, examined(proof(CARD))], OURS, "")
    assert finding.severity == "warning"


def test_our_own_persons_are_known_by_name() -> None:
    assert bond(proof(payer=LEGAL_REPRESENTATIVE)) == []
