"""The letter says what the draft and the tender say, leaves open what is unknown, writes over nothing."""

from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from bidclient.desk import Desk, build
from bidclient.desk.letter import write_letter
from bidclient.errors import BadValue, BidExists
from bidclient.formats import atomic
from bidclient.similarity.reading.extract import extract
from bidclient.stages.draft import Draft, draft_bytes, new_draft, with_field
from bidclient.stages.tender import FormField, Part, RequiredDocument, SealPosition, TenderPackage
from bidclient.store.bids import BidFolder
from bidclient.store.settings import Settings
from tests.support.bids import BIDDER, BIDDER_USCC, make_draft, make_pki, make_tender, tender_record
from tests.support.pki import NOW


@dataclass(frozen=True)
class Room:
    """A complete draft in a bid folder."""

    desk: Desk
    bid: Path
    draft: Draft
    package: TenderPackage


@pytest.fixture
def room(tmp_path: Path) -> Room:
    package = make_tender(tmp_path, make_pki())
    folder = BidFolder.create(tmp_path / "bid", package.path)
    draft, _ = make_draft(folder.path, package)
    atomic.write(folder.draft, draft_bytes(draft))
    return Room(build(Settings(), now=lambda: NOW, sources=()), folder.path, draft, package)


def lines(path: Path) -> list[str]:
    return extract(path).text.splitlines()


def test_the_letter_says_what_draft_and_tender_say(room: Room, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in room.bid.rglob("*") if path.is_file()}
    out = tmp_path / "投标函.docx"
    written = room.desk.preparing.letter(room.bid, out)
    assert (written.path, written.author, written.blank) == (str(out), BIDDER, ())
    said = lines(out)
    assert said[0] == "投标函"
    assert said[1] == "致：示范建设管理处"
    for words in (
        "“西峰区示范道路改造工程”项目“施工一标段”（标段编号 A016210022511010001001001）第 1 版",
        "愿以人民币贰拾陆万伍仟伍佰元整（小写 265,500.00 元）的报价",
    ):
        assert words in said[2]
    assert "90 日内有效" in said[3]
    form = said[said.index("开标一览表") :]
    table = dict(zip(form[1::2], form[2::2], strict=False))
    assert table["投标人"] == BIDDER
    assert table["统一社会信用代码"] == BIDDER_USCC
    assert table["投标总报价"] == "265,500.00 元"
    assert "（大写）人民币贰拾陆万伍仟伍佰元整" in form
    rest = form[form.index("工期") :]
    assert rest[:8] == [
        "工期",
        "120 天",
        "质量",
        "合格",
        "项目负责人",
        "王经理",
        "投标有效期",
        "自投标截止之日起 90 日",
    ]
    for place in (
        f"投标人：{BIDDER}",
        "法定代表人或其委托代理人：＿＿＿＿＿＿",
        "日期：＿＿＿＿年＿＿月＿＿日",
    ):
        assert said.count(place) == 2
    assert {path: path.read_bytes() for path in room.bid.rglob("*") if path.is_file()} == before


def test_titles_and_places_of_seals_are_those_of_the_tender(room: Room, tmp_path: Path) -> None:
    seals = (
        SealPosition("company", 1, 30, 0, "投标人（盖章）："),
        SealPosition("legal-representative", 1, 30, 0, "负责人："),
        SealPosition("cross-page", 1, 195, 148),
    )
    letter = RequiredDocument("bid-letter", "二、投标函及投标函附录", seals=seals)
    parts = (
        Part("technical", "暗标", (RequiredDocument("plan", "投标函（暗标）"),), blind=True),
        Part("commercial", "商务标", (letter, RequiredDocument("sheet", "报价一览表"))),
    )
    tender = msgspec.structs.replace(room.package.tender, parts=parts)
    write_letter(room.draft, tender, tmp_path / "letter.docx", NOW)
    said = lines(tmp_path / "letter.docx")
    assert said[0] == "二、投标函及投标函附录"
    assert said.count("报价一览表") == 1
    assert said.count(f"投标人（盖章）：{BIDDER}") == 1
    assert said.count("负责人：＿＿＿＿＿＿") == 1
    # The second page has places under the usual texts.
    assert said.count(f"投标人：{BIDDER}") == 1


def test_the_text_that_a_seal_is_tied_to_stands_once_on_its_page(room: Room, tmp_path: Path) -> None:
    write_letter(room.draft, room.package.tender, tmp_path / "letter.docx", NOW)
    said = "\n".join(lines(tmp_path / "letter.docx"))
    page = said[: said.index("开标一览表")]
    for anchor in ("投标人", "投标人：", "法定代表人", "法定代表人或其委托代理人："):
        assert page.count(anchor) == 1


def test_what_is_not_filled_in_is_left_open_and_named(room: Room, tmp_path: Path) -> None:
    tender = room.package.tender
    draft = with_field(new_draft(room.package, "BC-2", bytes(32), NOW), tender, "bidder.name", BIDDER, NOW)
    written = write_letter(draft, tender, tmp_path / "letter.docx", NOW)
    assert written.blank == ("投标总报价", "工期", "质量", "项目负责人")
    said = lines(tmp_path / "letter.docx")
    assert "愿以＿＿＿＿＿＿（小写 ＿＿＿＿＿＿ 元）的报价" in said[2]
    assert "下浮率" not in said
    assert said[said.index("法定代表人") + 1] == "＿＿＿＿＿＿"
    assert not {"委托代理人", "联系电话"} & set(said)


def test_every_kind_of_field_is_written_as_people_write_it(room: Room, tmp_path: Path) -> None:
    fields = (
        *room.package.tender.form,
        FormField("bond", "保证金", "money"),
        FormField("note", "说明", "text"),
    )
    tender = msgspec.structs.replace(tender_record(make_pki()), form=fields)
    draft = room.draft
    for name, value in (
        ("discount", "3.50"),
        ("start", "2027-03-01"),
        ("bond", "500.5"),
        ("note", "第一行\n<第二行> & \u4e00"),
    ):
        draft = with_field(draft, tender, name, value, NOW)
    draft = msgspec.structs.replace(draft, form={**draft.form, "total-price": "not an amount"})
    write_letter(draft, tender, tmp_path / "letter.docx", NOW)
    said = lines(tmp_path / "letter.docx")
    for title, values in (
        ("下浮率", ["3.5%"]),
        ("计划开工日期", ["2027-03-01"]),
        ("保证金", ["500.50 元", "（大写）人民币伍佰元伍角整"]),
        ("说明", ["第一行", "<第二行> & 一"]),
        # Not for us to mend, and check says so.
        ("投标总报价", ["not an amount"]),
    ):
        at = said.index(title) + 1
        assert said[at : at + len(values)] == values
    assert "愿以＿＿＿＿＿＿（小写" in said[2]


def test_nothing_is_written_over_and_nobody_is_the_author(room: Room, tmp_path: Path) -> None:
    out = tmp_path / "letter.docx"
    out.write_text("edited")
    with pytest.raises(BidExists):
        room.desk.preparing.letter(room.bid, out)
    assert out.read_text() == "edited"
    room.desk.preparing.set_fields(room.bid, {"bidder.name": ""})
    with pytest.raises(BadValue, match=r"bidder\.name"):
        room.desk.preparing.letter(room.bid, tmp_path / "other.docx")
    assert not (tmp_path / "other.docx").exists()
