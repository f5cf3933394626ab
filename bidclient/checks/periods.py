"""Do the bid, its bond and its certificates stand long enough, by the form and by what the documents say?"""

import re
from collections.abc import Iterable, Iterator
from datetime import date, timedelta

from bidclient.checks.added import AddedDocument
from bidclient.checks.days import DAY, calendar_day, day_of, days_in, reversed_periods, without_days
from bidclient.checks.finding import Finding
from bidclient.checks.rules import found
from bidclient.formats.instant import parse_instant
from bidclient.stages.draft import Draft
from bidclient.stages.tender import Tender

_BOND = re.compile("保证金|保函")
_LETTER = re.compile("函|附录|承诺")
_NOTHING_ELSE = r"[^。;\d届满后工质缺修]{0,30}?"
"""No end of the sentence, no 投标有效期届满后 28 日, no 工期 or 质保期."""
_DAYS = r"(\d{1,4})个?(?:日历天|日历日|自然日|天|日)(?!期)"
_BID_STANDS = re.compile(rf"投标有效期{_NOTHING_ELSE}{_DAYS}")
_BOND_STANDS = re.compile(rf"(?<!投标)有效期{_NOTHING_ELSE}{_DAYS}")
_ENDS = re.compile(
    r"(?:有效期限?|有效日期|营业期限|经营期限)[:()为至到限截止自从]{0,6}"
    rf"(?:{DAY}(?:起|开始)?(?:至|到|~|—+|–|-+))?{DAY}(?![日起开至到~—–-])"
)
_OTHERS = re.compile("投标|保函|担保|报价|合同|协议|委托|授权|要约")
"""What has a validity of its own kind, right in front of the word."""
_BEFORE = 8
_SIGNED = re.compile(rf"(?<![\u4e00-\u9fff])日期[:)]{{0,2}}{DAY}")
_OWN_PAPERS = re.compile("函|附录|承诺|授权|证明|声明|委托")


def check_periods(documents: Iterable[AddedDocument], draft: Draft, tender: Tender) -> Iterator[Finding]:
    """Days that do not exist or come too late, and periods that end before the bid needs them."""
    yield from _form(draft, tender)
    for added in documents:
        yield from _dates(added, tender)
        if not added.blind:
            if _BOND.search(added.title):
                yield from _bond(added, tender)
            else:
                yield from _certificates(added, tender)
                yield from _letter(added, tender)


def bid_stands_until(tender: Tender) -> date:
    """The last day on which bids bind: the validity runs from the deadline on (实施条例 art. 25)."""
    return day_of(parse_instant(tender.deadline)) + timedelta(days=tender.bid_validity_days)


# -------------------------------------------------------------------------------------------------- the form


def _form(draft: Draft, tender: Tender) -> Iterator[Finding]:
    days: dict[str, tuple[str, date]] = {}
    for field in tender.form:
        value = draft.form.get(field.name, "")
        if field.type == "days" and "有效期" in field.title and _figures(value):
            if int(value) < tender.bid_validity_days:
                facts = {"title": field.title, "days": int(value), "needed": tender.bid_validity_days}
                yield found("VAL-001", field.name, **facts)
        elif field.type == "date":
            for written in days_in(value):
                if written.day is not None:
                    kind = next((kind for kind, words in _ORDER.items() if words.search(field.title)), "")
                    days[kind] = (field.title, written.day)
    if "begin" in days and "end" in days and days["end"][1] < days["begin"][1]:
        (first, begin), (last, end) = days["begin"], days["end"]
        what_zh, what_en = f"{end} 早于“{first}”{begin}", f"{end} is before {begin}, {first}"
        yield found("FRM-006", last, title=last, what_zh=what_zh, what_en=what_en)


_ORDER = {"begin": re.compile("开工|开始|进场"), "end": re.compile("竣工|完工|结束|交付|交货")}


def _figures(value: str) -> bool:
    return value.isascii() and value.isdigit() and len(value) < _BEFORE


# --------------------------------------------------------------------------------------------- the documents


def _dates(added: AddedDocument, tender: Tender) -> Iterator[Finding]:
    deadline = day_of(parse_instant(tender.deadline))
    for page, text in added.texts:
        odd = [
            (day.text, "没有这一天", "there is no such day")
            for day in days_in(text)
            if day.day is None and "年" in day.text  # 2013.5.40 is a clause of a standard
        ]
        odd += [(period, "止日早于起日", "it ends before it begins") for period in reversed_periods(text)]
        for match in _SIGNED.finditer(text) if _OWN_PAPERS.search(added.title) else ():
            day = calendar_day(*match.groups())
            if day is not None and day > deadline:
                odd.append((match[0], f"晚于投标截止日 {deadline}", f"it is after the deadline, {deadline}"))
        for quote, why_zh, why_en in odd:
            yield found(
                "FRM-006",
                added.where,
                added.evidence(page, quote),
                title=added.title,
                what_zh=f"第 {page} 页“{quote}”，{why_zh}",
                what_en=f"“{quote}” on page {page}, {why_en}",
            )


def _letter(added: AddedDocument, tender: Tender) -> Iterator[Finding]:
    """The first promise to stand by the bid for fewer days than the tender wants."""
    if not _LETTER.search(added.title):
        return
    for page, text in added.texts:
        for match in _BID_STANDS.finditer(without_days(text)):
            if 0 < int(match[1]) < tender.bid_validity_days:
                facts = {"title": added.title, "days": int(match[1]), "needed": tender.bid_validity_days}
                yield found("VAL-002", added.where, added.evidence(page, match[0]), page=page, **facts)
                return


def _certificates(added: AddedDocument, tender: Tender) -> Iterator[Finding]:
    """Each end of a certificate's validity that comes before the opening."""
    opening = day_of(parse_instant(tender.opening_at))
    for page, quote, ends in _validities(added):
        if ends < opening and not _OTHERS.search(quote[:_BEFORE]):
            facts = {"title": added.title, "page": page, "ends": ends, "opening": opening}
            yield found("VAL-005", added.where, added.evidence(page, quote[_BEFORE:]), **facts)


def _validities(added: AddedDocument) -> Iterator[tuple[int, str, date]]:
    """Page, what it says with the _BEFORE characters before that, and the day on which it ends."""
    for page, text in added.texts:
        padded = "\0" * _BEFORE + text
        for match in _ENDS.finditer(padded):
            ends = calendar_day(*match.groups()[-3:])
            if ends is not None:
                yield page, padded[match.start() - _BEFORE : match.end()], ends


def _bond(added: AddedDocument, tender: Tender) -> Iterator[Finding]:
    """A bond or guarantee that ends too early, or names neither the tenderer nor its agency."""
    if not added.texts:
        return
    until = bid_stands_until(tender)
    for page, quote, ends in _validities(added):
        if ends < until:
            what = (f"到 {ends} 为止", f"ends on {ends}")
            yield _too_short(added, page, quote[_BEFORE:], what, until)
    for page, text in added.texts:
        for match in _BOND_STANDS.finditer(without_days(text)):
            if 0 < int(match[1]) < tender.bid_validity_days:
                what = (f"只有 {match[1]} 天", f"stands for {match[1]} days only, so that it ends")
                yield _too_short(added, page, match[0], what, until)
    whole = "".join(text for _, text in added.texts)
    if tender.tenderer.name not in whole and tender.agency.name not in whole:
        yield found(
            "VAL-004", added.where, added.evidence(0), title=added.title, tenderer=tender.tenderer.name
        )


def _too_short(added: AddedDocument, page: int, quote: str, what: tuple[str, str], until: date) -> Finding:
    facts = {"title": added.title, "what_zh": what[0], "what_en": what[1], "needed": until}
    return found("VAL-003", added.where, added.evidence(page, quote), page=page, **facts)
