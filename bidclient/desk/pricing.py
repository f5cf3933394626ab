"""Reads the priced bill of quantities that pricing programs and spreadsheets export as CSV.

Columns by their headings, in any order: code (编码), unit_price (综合单价), total (合价, optional), amounts
in yuan.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import InvalidOperation
from pathlib import Path

from bidclient.checks.price import line_total
from bidclient.errors import BadValue, FileProblem, UnknownField
from bidclient.formats.content import read_limited
from bidclient.formats.money import parse_yuan
from bidclient.stages.draft import PricedItem
from bidclient.stages.tender import Tender

_LIMIT = 16 * 1024 * 1024
_CODE = ("code", "编码", "项目编码")
_UNIT_PRICE = ("unit_price", "综合单价", "单价")
_TOTAL = ("total", "合价", "金额")


@dataclass(frozen=True)
class PriceRow:
    """A line of the file as it is typed; `total` is empty where the file has none."""

    code: str
    unit_price: str
    total: str


def read_price_file(path: Path) -> list[PriceRow]:
    """The lines of a UTF-8 CSV file. Raises FileProblem, TooLarge, BadValue for a line without a code."""
    rows = []
    try:
        text = read_limited(path, _LIMIT).decode("utf-8-sig")
        for row in csv.DictReader(io.StringIO(text, newline="")):
            code, unit_price, total = (_cell(row, headings) for headings in (_CODE, _UNIT_PRICE, _TOTAL))
            if not code:
                raise BadValue("prices", "a line has no code")
            rows.append(PriceRow(code, unit_price, total))
    except (UnicodeDecodeError, csv.Error) as error:
        raise FileProblem(str(path), str(error)) from error
    return rows


def priced_items(rows: Sequence[PriceRow], tender: Tender) -> list[PricedItem]:
    """The priced items; a missing total is quantity × unit price, rounded half up to the fen.

    Raises UnknownField for a code that the tender does not have, BadValue, BadFormat for an amount.
    """
    quantities = {item.code: item.quantity for item in tender.price.items}
    items = []
    for row in rows:
        if row.code not in quantities:
            raise UnknownField(row.code, f"{len(quantities)} codes of the price list")
        unit_price = parse_yuan(row.unit_price)
        try:
            total = parse_yuan(row.total) if row.total else line_total(quantities[row.code], unit_price)
        except InvalidOperation as error:
            raise BadValue(row.code, f"a total is needed for the quantity {quantities[row.code]}") from error
        items.append(PricedItem(row.code, unit_price, total))
    return items


def _cell(row: dict[str, str], headings: Sequence[str]) -> str:
    return next(((row[heading] or "").strip() for heading in headings if heading in row), "")
