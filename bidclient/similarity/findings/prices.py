"""Does a priced bill add up, and does it differ from another price list by a pattern?

Only lists that the bidder has are compared: earlier bids for lots of the same tender project, and files that
the bidder names. What rivals offer is not known before the opening.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import InvalidOperation

from bidclient.checks.finding import Evidence, Finding, Place
from bidclient.checks.price import line_total
from bidclient.errors import BadFormat
from bidclient.formats.money import parse_words, yuan_text
from bidclient.similarity.findings.catalogue import told
from bidclient.similarity.findings.patterns import Pattern, patterns, series
from bidclient.similarity.findings.thresholds import THRESHOLDS, Thresholds
from bidclient.similarity.passages.passage import Owner
from bidclient.similarity.reading.pricing_file import PricedLine, PricingFile

_LISTED = 10
_SERIES_NAMES = {
    "difference": ("等差数列", "an arithmetic series"),
    "ratio": ("等比数列", "a geometric series"),
}


@dataclass(frozen=True)
class PriceList:
    """The unit prices of a bid in fen by code, and its total; `lot` and `name` say to people which it is."""

    owner: Owner
    name: str
    lot: str
    unit_prices: Mapping[str, int]
    total_fen: int | None = None


def price_list(owner: Owner, name: str, lot: str, file: PricingFile) -> PriceList:
    """The unit prices of a pricing file; a code that comes twice counts with its number: 010101001001#2."""
    prices: dict[str, int] = {}
    for line in file.lines:
        if line.unit_price_fen is not None:
            prices[_distinct(line.code, prices)] = line.unit_price_fen
    return PriceList(owner, name, lot, prices, file.total_fen)


def check_pricing_file(where: str, title: str, file: PricingFile, ceiling_fen: int) -> list[Finding]:
    """Zero and negative prices, quantity × unit price, the sum, the sum in words, the ceiling (0: none)."""
    return [
        *_signs(where, title, file.lines),
        *_products(where, file.lines),
        *_sums(where, title, file, ceiling_fen),
    ]


def check_patterns(
    where: str,
    title: str,
    here: PriceList,
    others: Iterable[PriceList],
    thresholds: Thresholds = THRESHOLDS,
) -> list[Finding]:
    """PRC-010 for each of `others` that the prices follow by a pattern, and for all totals together.

    With another lot of one's own it is a hint: to price both by the same norms is in order.
    """
    findings = []
    totals = {} if here.total_fen is None else {here.lot or where: here.total_fen}
    for other in others:
        if other.total_fen is not None:
            totals.setdefault(other.lot or other.name, other.total_fen)
        for pattern in patterns(here.unit_prices, other.unit_prices, thresholds):
            what_zh, what_en = _said(pattern)
            findings.append(
                told(
                    "PRC-010",
                    where,
                    _evidence(where, pattern, here, other),
                    "info" if other.owner == "own" else None,
                    title=title,
                    source=f"“{other.name}”",
                    what_zh=what_zh,
                    what_en=what_en,
                )
            )
    kind = series(list(totals.values()), thresholds)
    if here.total_fen is not None and kind:
        findings.append(_series(where, title, totals, *_SERIES_NAMES[kind]))
    return findings


def same_slips(
    where: str, title: str, here: Sequence[PricedLine], name: str, there: Sequence[PricedLine]
) -> list[Finding]:
    """ERR-001 when lines are miscalculated here and there to the same wrong total."""
    theirs = {
        (line.code, line.unit_price_fen, line.total_fen) for line in there if _product(line) is not None
    }
    slips = [
        line
        for line in here
        if _product(line) is not None and (line.code, line.unit_price_fen, line.total_fen) in theirs
    ]
    if not slips:
        return []
    codes = _some([line.code for line in slips])
    evidence = tuple(
        Evidence(Place(where, quote=line.code), Place(name, quote=line.code), _yuan(line.total_fen))
        for line in slips[:_LISTED]
    )
    return [
        told(
            "ERR-001",
            where,
            evidence,
            title=title,
            what_zh=f"有 {len(slips)} 项与“{name}”算错得一样：{codes}",
            what_en=f"{len(slips)} lines are miscalculated just as in “{name}”: {codes}",
        )
    ]


# --------------------------------------------------------------------------------------------- one file


def _signs(where: str, title: str, lines: Sequence[PricedLine]) -> Iterator[Finding]:
    negative = [line for line in lines if min(line.unit_price_fen or 0, line.total_fen or 0) < 0]
    if negative:
        evidence = tuple(
            Evidence(
                Place(where, quote=line.code), None, _yuan(min(line.unit_price_fen or 0, line.total_fen or 0))
            )
            for line in negative[:_LISTED]
        )
        codes = _some([line.code for line in negative])
        yield told("PRC-009", where, evidence, title=title, count=len(negative), codes=codes)
    zero = [line.code for line in lines if line.unit_price_fen == 0]
    if zero:
        evidence = tuple(Evidence(Place(where, quote=code), None, "0.00") for code in zero[:_LISTED])
        yield told("PRC-008", where, evidence, count=len(zero), codes=_some(zero))


def _products(where: str, lines: Sequence[PricedLine]) -> Iterator[Finding]:
    for line in lines:
        product = _product(line)
        if product is not None and line.unit_price_fen is not None and line.total_fen is not None:
            yield told(
                "PRC-005",
                line.code,
                (Evidence(Place(where, quote=line.code), None, yuan_text(product)),),
                quantity=line.quantity,
                unit=yuan_text(line.unit_price_fen),
                line=yuan_text(line.total_fen),
            )


def _sums(where: str, title: str, file: PricingFile, ceiling_fen: int) -> Iterator[Finding]:
    total = file.total_fen
    if total is None:
        return
    stated = Evidence(Place(where), None, yuan_text(total))
    known = [line.total_fen for line in file.lines if line.total_fen is not None]
    if len(known) == len(file.lines) and sum(known) != total:
        yield told("PRC-004", where, (stated,), lines=yuan_text(sum(known)), total=yuan_text(total))
    if total == 0:
        yield told("PRC-001", where, (stated,))
    if ceiling_fen and total > ceiling_fen:
        yield told("PRC-007", where, (stated,), total=yuan_text(total), ceiling=yuan_text(ceiling_fen))
    if file.total_in_words and _words(file.total_in_words) != total:
        evidence = (Evidence(Place(where, quote=file.total_in_words), None, yuan_text(total)),)
        yield told("PRC-002", where, evidence, title=title, words=file.total_in_words, total=yuan_text(total))


def _product(line: PricedLine) -> int | None:
    """What quantity × unit price gives, when that is not the line's total; None where it is or is unknown."""
    if line.unit_price_fen is None or line.total_fen is None or line.unit_price_fen < 0:
        return None
    try:
        product = line_total(line.quantity, line.unit_price_fen)
    except InvalidOperation:
        return None  # A quantity such as "一批" cannot be multiplied.
    return None if product == line.total_fen else product


def _words(text: str) -> int | None:
    try:
        return parse_words(text)
    except BadFormat:
        return None


# ---------------------------------------------------------------------------------------------- two files


def _said(pattern: Pattern) -> tuple[str, str]:
    share = f"{pattern.lines}/{pattern.compared}"
    if pattern.kind == "ratio":
        return (
            f"可比的清单项中有 {share} 项成同一比例（{pattern.value:.4f}）",
            f"{share} of the lines that compare have one ratio ({pattern.value:.4f})",
        )
    if pattern.kind == "difference":
        yuan = f"{pattern.value / 100:+,.2f}"
        return (
            f"可比的清单项中有 {share} 项相差同一金额（{yuan} 元）",
            f"{share} of the lines that compare differ by one amount ({yuan} yuan)",
        )
    return (
        f"可比的清单项中有 {share} 项的角、分完全相同",
        f"{share} of the lines that compare end in the same two digits",
    )


def _evidence(where: str, pattern: Pattern, here: PriceList, other: PriceList) -> tuple[Evidence, ...]:
    return tuple(
        Evidence(
            Place(where, quote=f"{code}: {yuan_text(here.unit_prices[code])}"),
            Place(other.name, quote=f"{code}: {yuan_text(other.unit_prices[code])}"),
            f"{pattern.kind} {pattern.value:.6g}",
        )
        for code in pattern.codes[:_LISTED]
    )


def _series(where: str, title: str, totals: Mapping[str, int], kind_zh: str, kind_en: str) -> Finding:
    ordered = sorted(totals.items(), key=lambda one: one[1])
    evidence = tuple(Evidence(Place(where), Place(name), yuan_text(total)) for name, total in ordered)
    figures = "、".join(yuan_text(total) for _, total in ordered)
    return told(
        "PRC-010",
        where,
        evidence,
        title=title,
        source=" ".join(name for name, _ in ordered[:_LISTED]),
        what_zh=f"{len(ordered)} 个总价构成{kind_zh}：{figures} 元",
        what_en=f"the {len(ordered)} totals form {kind_en}: {figures} yuan",
    )


def _distinct(code: str, taken: Mapping[str, int]) -> str:
    number, name = 1, code
    while name in taken:
        number += 1
        name = f"{code}#{number}"
    return name


def _yuan(fen: int | None) -> str:
    return "" if fen is None else yuan_text(fen)


def _some(codes: Sequence[str]) -> str:
    return "、".join(codes[:_LISTED]) + ("…" if len(codes) > _LISTED else "")
