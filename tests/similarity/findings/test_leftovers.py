"""Names of other projects and companies in a draft; those of this tender, and of past works, are in order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bidclient.similarity.findings.blind import check_blind
from bidclient.similarity.findings.examined import Examined
from bidclient.similarity.findings.leftovers import check_leftovers, named
from bidclient.similarity.reading.document import Picture
from bidclient.stages.draft import Bidder
from tests.support.bids import BIDDER, BIDDER_USCC, make_pki, tender_record
from tests.support.examined import OURS, RIVAL, examined, extracted

TENDER = tender_record(make_pki())
OTHER_PROJECT = "肃州区人民医院住院楼装修工程"
COVER = f"""投标文件
项目名称：{TENDER.project.name}（施工一标段）
标段名称：{TENDER.lot.name}
招标编号：{TENDER.project.code}
致：{TENDER.tenderer.name}
招标代理机构：{TENDER.agency.name}
开标时间：2026年12月15日 9时30分
投标人：{BIDDER}（盖单位章）
"""


def found(text: str, *more: str, earlier: dict[str, str] | None = None) -> list[tuple[str, str]]:
    findings = check_leftovers(
        [examined(text, *more)], TENDER, ["招标文件 由永安检测有限公司"], OURS, earlier or {}
    )
    assert {one.rule for one in findings} <= {"TXT-002"}
    return [(one.severity, one.message_zh.partition("“")[2].partition("”")[0]) for one in findings]


def test_a_cover_for_this_tender_is_in_order() -> None:
    assert found(COVER) == []
    assert found("项目名称：\n致：\n招标编号：________") == []


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (f"项目名称：{OTHER_PROJECT}", OTHER_PROJECT),
        (f"工程名称: {OTHER_PROJECT}（盖章）", OTHER_PROJECT),
        ("招标编号：A016210022511010077", "A016210022511010077"),
        ("\n致：肃州区人民医院", "肃州区人民医院"),
        ("\n招标代理机构：正信招标代理公司", "正信招标代理公司"),
        ("开标时间：2025年3月18日", "2025-03-18"),
        ("投标截止时间为 2025-3-18 9:30", "2025-03-18"),
    ],
)
def test_what_is_named_as_this_project_and_is_not_is_told(line: str, name: str) -> None:
    assert found(COVER + line) == [("warning", name)]


def test_a_name_of_an_earlier_project_is_found_in_running_text() -> None:
    earlier = {OTHER_PROJECT: "2025 医院", "A016210022511010077": "2025 医院", "排水": "短"}
    text = f"我方将按{OTHER_PROJECT[:6]}\n{OTHER_PROJECT[6:]}的要求组织施工，编号 A0162100 22511010077。"
    findings = check_leftovers([examined("正文", text)], TENDER, [], OURS, earlier)
    assert [one.evidence[0].fact for one in findings] == ["2025 医院", "2025 医院"]
    assert [one.evidence[0].here.page for one in findings] == [2, 2]
    assert found(text, earlier={TENDER.project.name: "一标段"}) == []


def test_past_works_may_be_named_where_the_record_is() -> None:
    page = f"类似项目业绩一览表\n项目名称：{OTHER_PROJECT}\n建设单位：肃州区人民医院\n发包人 {RIVAL}"
    assert found(COVER, page, earlier={OTHER_PROJECT: "2025 医院"}) == []
    code = "A016210022511010077"
    assert found(COVER, f"业绩\n编号 {code}", earlier={code: "2025 医院"}) == [("warning", code)]


def test_other_companies_are_one_hint() -> None:
    text = f"设备由{RIVAL}供应，{RIVAL}负责安装；与三合水泥有限责任公司签约。{BIDDER}自检。"
    [(severity, names)] = found(text)
    assert severity == "info"
    assert names == f"{RIVAL}、三合水泥有限责任公司"
    assert found("保函由示范银行股份有限公司开具，检测由永安检测有限公司承担") == []
    assert found(f"由{TENDER.agency.name}组织") == []


def test_places_are_counted() -> None:
    findings = check_leftovers(
        [examined("开标时间：2025年3月18日。开标日期：2025-03-18")], TENDER, [], OURS, {}
    )
    assert [len(one.evidence) for one in findings] == [2]
    assert "2 处" in findings[0].message_zh


@given(
    st.text(st.sampled_from("项目名称：致:招标人\n编号 开标时间2025年13月（）工程有限公司A1"), max_size=80)
)
def test_names_stand_where_they_are_said_to(text: str) -> None:
    for one in named(text):
        assert text[one.start : one.end] == one.name
    assert isinstance(found(text), list)


# ------------------------------------------------------------------------------------------------- blind


def blind(*pages: str, kind: str = "docx", exif: tuple[tuple[str, str], ...] = ()) -> list[str]:
    pictures = [Picture(2, "0" * 64, 100, 100, None, exif)]
    one = Examined("technical/plan", "技术标", extracted(*pages, kind=kind, pictures=pictures))
    findings = check_blind([one], Bidder(BIDDER, BIDDER_USCC))
    assert {finding.rule for finding in findings} <= {"ANON-001"}
    return [finding.message_zh for finding in findings]


def test_a_blind_docx_that_names_the_bidder_is_told() -> None:
    [message] = blind("第一章", f"我公司{BIDDER[:4]} {BIDDER[4:]}", BIDDER)[:1]
    assert "第 2 页" in message
    assert blind("第一章 施工部署") == []
    assert blind(BIDDER, kind="pdf") == []


def test_a_picture_that_names_the_bidder_is_told() -> None:
    [message, *_] = blind("正文", kind="pdf", exif=(("Artist", BIDDER),))
    assert "EXIF Artist" in message
    assert blind("正文", exif=(("Artist", "Canon"),)) == []
