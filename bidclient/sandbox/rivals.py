"""The fictional companies that compete in the sandbox, and how each fills in a draft of its own."""

import hashlib
import secrets
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_DOWN, Decimal
from io import BytesIO
from pathlib import Path

from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from bidclient.formats import atomic
from bidclient.formats.instant import instant_text
from bidclient.formats.money import amount_in_words, yuan_text
from bidclient.formats.typeface import draw
from bidclient.sandbox.samples import BillLine, load_bill, priced, sample_ids
from bidclient.stages.draft import (
    Draft,
    DraftDocument,
    PricedItem,
    new_draft,
    with_document,
    with_field,
    with_prices,
)
from bidclient.stages.package import DeviceStatement
from bidclient.stages.tender import FormField, Part, RequiredDocument, Tender, TenderPackage

_LINES_A_PAGE = 24
_TYPED = {"days": "210", "percent": "93", "date": "2026-10-20", "text": "响应招标文件要求"}


@dataclass(frozen=True)
class Rival:
    """A company. `factor` tells its prices from the demo bidder's, `share` its total from the ceiling."""

    name: str
    uscc: str
    legal_representative: str
    agent: str
    phone: str
    factor: Decimal
    share: Decimal

    @property
    def device(self) -> DeviceStatement:
        """The computer that this company is imagined to work on: stable, and unlike any other's."""
        digits = hashlib.sha256(self.uscc.encode()).hexdigest()
        mac = ":".join(["02", *(digits[at : at + 2] for at in range(0, 10, 2))])
        return DeviceStatement(
            mac=mac, cpu=digits[10:26], disk=digits[26:38], board=digits[38:50], host=f"pc-{digits[50:56]}"
        )


def _rival(number: int, name: str, uscc: str, people: tuple[str, str], factor: str, share: str) -> Rival:
    phone = f"0931-00004{number:02d}"
    return Rival(name, uscc, people[0], people[1], phone, Decimal(factor), Decimal(share))


RIVALS = (
    _rival(1, "甘肃青岚建设集团有限公司", "91629999TBX003018G", ("丛一鸣", "宓采薇"), "0.962", "0.941"),
    _rival(2, "陇东川泽工程有限公司", "91629999TBX003026B", ("甄怀瑾", "储北望"), "0.994", "0.973"),
    _rival(3, "庆阳石桥实业有限公司", "91629999TBX0030346", ("闵岳", "惠听澜"), "0.947", "0.918"),
    _rival(4, "甘肃雁北技术服务有限公司", "91629999TBX0030421", ("樊近舟", "卞春和"), "1.008", "0.987"),
    _rival(5, "西北衡川发展有限公司", "91629999TBX003050U", ("瞿望舒", "穆长风"), "0.978", "0.956"),
)


def prepare(rival: Rival, package: TenderPackage, parts: Path, now: datetime) -> Draft:
    """A complete draft of `rival` for a tender; its documents are written under `parts`.

    Works for any tender: known bills are priced line by line, others by a share of the ceiling.
    Raises DiskProblem.
    """
    tender = package.tender
    draft = new_draft(package, str(uuid.uuid4()), secrets.token_bytes(32), now)
    for document in _documents(rival, tender, parts, now):
        draft = with_document(draft, tender, document, now)
    prices = _prices(rival, tender)
    draft = with_prices(draft, tender, prices, now)
    total = sum(item.total_fen for item in prices)
    for name, value in _values(rival, tender, total):
        draft = with_field(draft, tender, name, value, now)
    return draft


def _prices(rival: Rival, tender: Tender) -> tuple[PricedItem, ...]:
    wanted = [(item.code, item.quantity) for item in tender.price.items]
    for sample in sample_ids():
        lines = load_bill(sample).items
        if wanted == [(line.code, line.quantity) for line in lines]:
            return priced(lines, rival.factor)
    each = Decimal(tender.price.ceiling_fen) * rival.share / max(len(tender.price.items), 1) / 100
    return priced(
        tuple(
            BillLine("", item.code, item.name, "", item.unit, item.quantity, _unit_price(each, item.quantity))
            for item in tender.price.items
        )
    )


def _unit_price(amount: Decimal, quantity: str) -> str:
    """Yuan for one unit, rounded down so that the total stays below `amount`."""
    return str((amount / Decimal(quantity)).quantize(Decimal("0.01"), ROUND_DOWN))


def _values(rival: Rival, tender: Tender, total_fen: int) -> Iterator[tuple[str, str]]:
    yield "bidder.name", rival.name
    yield "bidder.uscc", rival.uscc
    yield "bidder.legal_representative", rival.legal_representative
    yield "bidder.agent", rival.agent
    yield "bidder.phone", rival.phone
    for field in tender.form:
        if field.name == tender.price.field:
            yield field.name, yuan_text(total_fen)
        elif field.required:
            yield field.name, _value(rival, field, total_fen)


def _value(rival: Rival, field: FormField, total_fen: int) -> str:
    if field.type == "person":
        return rival.agent
    if field.type == "money":
        return yuan_text(total_fen)
    if "大写" in field.title:
        return amount_in_words(total_fen)
    return _TYPED[field.type][: field.max_length]


def _documents(rival: Rival, tender: Tender, parts: Path, now: datetime) -> Iterator[DraftDocument]:
    for part in tender.parts:
        folder = parts / part.id
        folder.mkdir(parents=True, exist_ok=True)
        for required in part.documents:
            data, pages = _pdf(rival, tender, part, required)
            atomic.write(folder / f"{required.name}.pdf", data)
            yield DraftDocument(
                part=part.id,
                name=required.name,
                file=f"{required.name}.pdf",
                title=required.title,
                size=len(data),
                sha256=hashlib.sha256(data).hexdigest(),
                pages=pages,
                added_at=instant_text(now),
            )


def _pdf(rival: Rival, tender: Tender, part: Part, required: RequiredDocument) -> tuple[bytes, int]:
    """A short document and its number of pages; a blind one names nobody."""
    lines = [tender.lot.name, f"{part.title} · {required.title}"]
    if not part.blind:
        lines += [rival.name, f"统一社会信用代码 {rival.uscc}", f"法定代表人 {rival.legal_representative}"]
    lines += [
        f"{number}. {clause.title}：按招标文件要求响应。" for number, clause in enumerate(tender.clauses, 1)
    ]
    out = BytesIO()
    page = Canvas(out, pagesize=A4, invariant=1)
    page.setTitle(required.title)
    page.setAuthor("" if part.blind else rival.name)
    pages = [lines[at : at + _LINES_A_PAGE] for at in range(0, len(lines), _LINES_A_PAGE)]
    for texts in pages:
        for row, text in enumerate(texts):
            draw(page, 72, A4[1] - 90 - 26 * row, text, 12)
        page.showPage()
    page.save()
    return out.getvalue(), len(pages)
