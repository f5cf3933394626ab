"""The bid letter (投标函) and the opening form (开标一览表) of a draft, to be edited before they are sealed.

The words are few and plain: where the tender gives a form of its own, the clerk takes that.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from bidclient.errors import BadValue, BidExists
from bidclient.formats import atomic
from bidclient.formats.money import amount_in_words, is_fen, yuan_text
from bidclient.formats.word import Grid, Line, Origin, word_document
from bidclient.stages.draft import Draft
from bidclient.stages.tender import FormField, RequiredDocument, Tender

_LETTERS = ("投标函", "响应函", "报价函")
_FORMS = ("开标一览表", "报价一览表")
_COMPANY, _PERSON = "投标人：", "法定代表人或其委托代理人："
"""What stands before the seals, where the tender has no text of its own to which they are tied."""
_DATE = "日期：＿＿＿＿年＿＿月＿＿日"
_BLANK = "＿＿＿＿＿＿"
_COLUMNS_MM = (55, 110)


@dataclass(frozen=True)
class WrittenLetter:
    """Where the letter is, under whose name, and which fields are left blank in it."""

    path: str
    author: str
    blank: tuple[str, ...]


def write_letter(draft: Draft, tender: Tender, out: Path, now: datetime) -> WrittenLetter:
    """Write both as one new DOCX; its author is the bidder, its time is `now`.

    Raises BadValue while the bidder has no name, BidExists: what was edited is not written over; DiskProblem.
    """
    if not draft.bidder.name:
        raise BadValue("bidder.name", "尚未填写 (not filled in yet)")
    if out.exists():
        raise BidExists(str(out))
    letter, form = _asked(tender, _LETTERS), _asked(tender, _FORMS)
    title = _LETTERS[0] if letter is None else letter.title
    blocks: list[Line | Grid] = [
        Line(title, "Title"),
        *_letter(draft, tender),
        *_places(draft, letter),
        Line(_FORMS[0] if form is None else form.title, "Title", new_page=True),
        Grid(tuple(_rows(draft, tender)), _COLUMNS_MM),
        *_places(draft, form),
    ]
    atomic.write(out, word_document(blocks, Origin(title, draft.bidder.name, now)))
    blank = tuple(one.title for one in tender.form if one.required and not draft.form.get(one.name))
    return WrittenLetter(str(out), draft.bidder.name, blank)


def _asked(tender: Tender, names: tuple[str, ...]) -> RequiredDocument | None:
    """The document of these names that the tender asks for; a blind part has none that names the bidder."""
    documents = (document for part in tender.parts if not part.blind for document in part.documents)
    return next((document for document in documents if any(name in document.title for name in names)), None)


def _letter(draft: Draft, tender: Tender) -> Iterator[Line]:
    price = draft.form.get(tender.price.field, "")
    words, figures = _BLANK, _BLANK
    if is_fen(price):
        words, figures = amount_in_words(int(price)), yuan_text(int(price))
    yield Line(f"致：{tender.tenderer.name}", "Normal")
    yield Line(
        f"我方已研究“{tender.project.name}”项目“{tender.lot.name}”（标段编号 {tender.lot.code}）"
        f"第 {tender.tender_version} 版招标文件的全部内容，愿以{words}（小写 {figures} 元）的报价，"
        "按招标文件的要求履行全部义务。"
    )
    yield Line(f"本投标文件自投标截止之日起 {tender.bid_validity_days} 日内有效，在此期间我方不予撤销。")
    yield Line("如我方中标，我方将在规定的期限内订立合同，并按招标文件和投标文件履行合同。")
    yield Line("我方对投标文件内容的真实性负责。")


def _places(draft: Draft, document: RequiredDocument | None) -> Iterator[Line]:
    """The places for seal, signature and date, under the texts by which the tender finds them."""
    anchors = {
        seal.kind: seal.anchor
        for seal in (() if document is None else document.seals)
        if seal.anchor is not msgspec.UNSET
    }
    company = anchors.get("company", _COMPANY)
    person = anchors.get("legal-representative", _PERSON)
    yield Line(f"{company}{draft.bidder.name}", "Signature")
    yield Line(f"{person}{_BLANK}", "Signature")
    yield Line(_DATE, "Signature")


def _rows(draft: Draft, tender: Tender) -> Iterator[tuple[str, str]]:
    """Name and value of each row: whom and what it is about, then the fields in the order of the tender."""
    bidder = draft.bidder
    yield "项目名称", tender.project.name
    yield "标段（包）", tender.lot.name
    yield "标段编号", tender.lot.code
    yield "投标人", bidder.name
    yield "统一社会信用代码", bidder.uscc or _BLANK
    yield "法定代表人", bidder.legal_representative or _BLANK
    for title, value in (("委托代理人", bidder.agent), ("联系电话", bidder.phone)):
        if value:
            yield title, value
    for field in tender.form:
        value = draft.form.get(field.name, "")
        if value or field.required:
            yield field.title, _shown(field, value) if value else _BLANK
    yield "投标有效期", f"自投标截止之日起 {tender.bid_validity_days} 日"


def _shown(field: FormField, value: str) -> str:
    """A value as people write it; one that is not in its kept form stays as it is, for the checks to find."""
    if field.type == "money" and is_fen(value):
        return f"{yuan_text(int(value))} 元\n（大写）{amount_in_words(int(value))}"
    return value + {"days": " 天", "percent": "%"}.get(field.type, "")
