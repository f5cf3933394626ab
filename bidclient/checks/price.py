"""Do the prices add up, and stay below the ceiling (最高投标限价)?"""

from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal, DecimalException, InvalidOperation

from bidclient.checks.finding import Finding
from bidclient.checks.rules import found
from bidclient.formats.money import LARGEST_FEN, is_fen, yuan_text
from bidclient.stages.draft import Draft
from bidclient.stages.tender import Tender

_LISTED = 10


def check_price(draft: Draft, tender: Tender) -> list[Finding]:
    """Total against ceiling and sum, each line against quantity × unit price, lines not priced."""
    return [*_total(draft, tender), *_list(draft, tender), *_lines(draft, tender)]


def line_total(quantity: str, unit_price_fen: int) -> int:
    """Quantity × unit price in fen, rounded half up. Raises decimal.InvalidOperation for a bad quantity."""
    try:
        total = (Decimal(quantity) * unit_price_fen).quantize(Decimal(1), ROUND_HALF_UP)
    except DecimalException as error:
        raise InvalidOperation(quantity) from error
    if not 0 <= total <= LARGEST_FEN:
        raise InvalidOperation(quantity)
    return int(total)


def form_price(draft: Draft, tender: Tender) -> int | None:
    """The total price of the opening form in fen; None when there is none that can be read."""
    text = draft.form.get(tender.price.field, "")
    return int(text) if is_fen(text) else None


def _total(draft: Draft, tender: Tender) -> Iterator[Finding]:
    field = tender.price.field
    total = form_price(draft, tender)
    if total is None:
        return
    if total == 0:
        yield found("PRC-001", field)
    ceiling = tender.price.ceiling_fen
    if ceiling and total > ceiling:
        yield found("PRC-007", field, total=yuan_text(total), ceiling=yuan_text(ceiling))
    lines = sum(item.total_fen for item in draft.prices)
    if draft.prices and lines != total:
        yield found("PRC-004", field, lines=yuan_text(lines), total=yuan_text(total))


def _list(draft: Draft, tender: Tender) -> Iterator[Finding]:
    wanted = dict.fromkeys(item.code for item in tender.price.items)
    priced = dict.fromkeys(item.code for item in draft.prices)
    groups = {
        "PRC-003": [code for code in wanted if code not in priced],
        "PRC-006": [code for code in priced if code not in wanted],
        "PRC-008": [item.code for item in draft.prices if item.unit_price_fen == 0],
    }
    for rule, codes in groups.items():
        if codes:
            yield found(rule, codes[0], count=len(codes), codes=_some(codes))


def _lines(draft: Draft, tender: Tender) -> Iterator[Finding]:
    quantities = {item.code: item.quantity for item in tender.price.items}
    for item in draft.prices:
        quantity = quantities.get(item.code)
        if quantity is not None and not _fits(quantity, item.unit_price_fen, item.total_fen):
            unit, line = yuan_text(item.unit_price_fen), yuan_text(item.total_fen)
            yield found("PRC-005", item.code, quantity=quantity, unit=unit, line=line)


def _fits(quantity: str, unit_price_fen: int, total_fen: int) -> bool:
    try:
        return line_total(quantity, unit_price_fen) == total_fen
    except InvalidOperation:
        return True  # A quantity such as "一批" cannot be multiplied.


def _some(codes: list[str]) -> str:
    return "、".join(codes[:_LISTED]) + ("…" if len(codes) > _LISTED else "")
