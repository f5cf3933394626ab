"""Amounts in the documents: in words against figures, and the total price against the opening form."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bidclient.checks.added import AddedDocument
from bidclient.checks.finding import Finding
from bidclient.checks.price import form_price
from bidclient.checks.rules import found
from bidclient.errors import BadFormat
from bidclient.formats.money import amount_in_words, parse_words, parse_yuan, yuan_text
from bidclient.stages.draft import Draft
from bidclient.stages.tender import Tender

_PRICED = re.compile("函|报价|价格|清单|一览表|保证金|附录|分项")
"""Titles of documents whose amounts are the bidder's own, unlike those of contracts shown as proof."""
_DIGITS = "零〇壹贰貳叁叄參肆伍陆陸柒捌玖"
_WORDS = rf"[{_DIGITS}拾][{_DIGITS}拾佰仟万萬亿億元圆角分整正]{{2,99}}"
_FIGURES = r"(?<![\d.,])(?:\d{1,3}(?:,\d{3})+|\d{1,14})(?:\.\d{1,2})?(?!\d|\.\d)"
_UNIT = "万元|元"
# What may stand between an amount and the same amount again, and between 投标总报价 and its amount.
_GLUE = r"(?:[():,;¥=/\[\]_为即计是 -]|人民币|大写|小写|合计|金额|RMB|CNY|元|整){0,12}"
_PAIR = re.compile(
    rf"(?P<first_words>{_WORDS})(?P<glue>{_GLUE})(?P<last_figures>{_FIGURES})(?P<last_unit>{_UNIT})?"
    rf"|(?P<sign>¥|小写[:)]{{0,2}})?(?P<figures>{_FIGURES})(?P<unit>{_UNIT})?{_GLUE}(?P<words>{_WORDS})"
)
_AMOUNTS = rf"{_GLUE}(?:(?P<figures>{_FIGURES})(?P<unit>{_UNIT})?{_GLUE})?(?P<words>{_WORDS})?"
_CLAIMS = (
    re.compile(rf"(?:投标总报价|投标总价|投标报价)(?:\([^()]{{0,30}}\))?{_AMOUNTS}"),
    # 愿意以人民币（大写）…元（¥…）的投标总报价
    re.compile(
        rf"以{_GLUE}(?P<words>{_WORDS}){_GLUE}"
        rf"(?:(?P<figures>{_FIGURES})(?P<unit>{_UNIT})?{_GLUE})?"
        "的(?:投标)?总?报价"
    ),
)
_IN_WORDS = re.compile(rf"(?:人民币|大写)[():]{{0,3}}(?:人民币)?({_WORDS})")
_SIGNS = ("¥", "小写", "RMB", "CNY")
_TEN_THOUSAND = 10_000


def check_amounts(documents: Iterable[AddedDocument], draft: Draft, tender: Tender) -> Iterator[Finding]:
    """PRC-002 and PRC-011 to PRC-013 of the open documents about prices, and the form's amount in words."""
    total = form_price(draft, tender)
    if total is not None:
        yield from _form(draft, tender, total)
    for added in documents:
        if not added.blind:
            if total is not None:
                yield from _totals(added, total)
            if _PRICED.search(added.title):
                yield from _contradictions(added)


def _form(draft: Draft, tender: Tender, total: int) -> Iterator[Finding]:
    """Fields of the form that repeat the total in words."""
    for field in tender.form:
        words = draft.form.get(field.name, "")
        if field.type == "text" and "大写" in field.title and words:
            amount = _amount(words)
            if amount is None:
                example = amount_in_words(total)
                yield found("PRC-013", field.name, title=field.title, words=words, example=example)
            elif amount != total:
                title = "开标一览表"
                yield found("PRC-002", field.name, title=title, words=words, total=yuan_text(total))


# -------------------------------------------------------------------------------- the total in the documents


@dataclass(frozen=True)
class _Claim:
    """What a page says that the total price is, in words and in figures; None for what it does not say."""

    words: str
    in_words: int | None
    figures: str
    in_figures: int | None


def _totals(added: AddedDocument, total: int) -> Iterator[Finding]:
    """The first amount in words, and the first in figures, that is named as the total price and is not it."""
    told: set[str] = set()
    for page, text in added.texts:
        for claim in _claims(text):
            if claim.in_words not in (None, total) and "PRC-002" not in told:
                told.add("PRC-002")
                evidence = added.evidence(page, claim.words, amount_in_words(total))
                facts = {"title": added.title, "words": claim.words, "total": yuan_text(total)}
                yield found("PRC-002", added.where, evidence, **facts)
            if claim.in_figures not in (None, total) and "PRC-012" not in told:
                told.add("PRC-012")
                yield found(
                    "PRC-012",
                    added.where,
                    added.evidence(page, claim.figures, yuan_text(total)),
                    title=added.title,
                    page=page,
                    figures=claim.figures,
                    total=yuan_text(total),
                )


def _claims(text: str) -> Iterator[_Claim]:
    for pattern in _CLAIMS:
        for match in pattern.finditer(text):
            words, figures, unit = match["words"] or "", match["figures"] or "", match["unit"] or ""
            lead = match[0].partition(figures)[0] if figures else ""
            is_money = unit or any(sign in lead for sign in _SIGNS)
            in_figures = _fen(figures, unit) if figures and is_money else None
            yield _Claim(words, _amount(words), figures + unit, in_figures)


# ------------------------------------------------------------------------------------- inside one document


@dataclass(frozen=True)
class Contradiction:
    """What a page says in `words` and again in `figures`; `fen` is what the words say."""

    quote: str
    words: str
    figures: str
    fen: int


def contradictory(text: str) -> Iterator[Contradiction]:
    """Amounts in words beside other figures, in a text without white space around Chinese characters."""
    for match in _PAIR.finditer(text):
        words = match["first_words"] or match["words"]
        figures = match["last_figures"] or match["figures"]
        unit = match["last_unit"] or match["unit"] or ""
        in_words, in_figures = _amount(words), _fen(figures, unit)
        sign = f"{match['glue'] or ''}{match['sign'] or ''}"
        is_money = unit or "." in figures or any(one in sign for one in _SIGNS)
        if in_words is None or in_figures is None or not is_money:
            continue
        # A table may say 单位：万元 once for all its figures.
        if in_words not in (in_figures, 0 if unit else in_figures * _TEN_THOUSAND):
            yield Contradiction(match[0], words, figures + unit, in_words)


def _contradictions(added: AddedDocument) -> Iterator[Finding]:
    for page, text in added.texts:
        for one in contradictory(text):
            yield found(
                "PRC-011",
                added.where,
                added.evidence(page, one.quote, yuan_text(one.fen)),
                title=added.title,
                page=page,
                words=one.words,
                figures=one.figures,
            )
        for match in _IN_WORDS.finditer(text):
            words = match[1]
            if _amount(words) is None and any(digit in words for digit in _DIGITS):
                yield found(
                    "PRC-013",
                    added.where,
                    added.evidence(page, words),
                    title=added.title,
                    words=words,
                    example="人民币壹仟肆佰零玖元伍角整",
                )


def _amount(words: str) -> int | None:
    try:
        return parse_words(words)
    except BadFormat:
        return None


def _fen(figures: str, unit: str) -> int | None:
    """None for what is no amount of money: thousands grouped wrongly, more than two decimals, too large."""
    try:
        fen = parse_yuan(figures)
    except BadFormat:
        return None
    return fen * _TEN_THOUSAND if unit == "万元" else fen
