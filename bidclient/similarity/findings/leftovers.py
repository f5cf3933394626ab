"""Names of other projects and companies, and other openings' dates, that were left in the draft (TXT-002)."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from bidclient.checks.finding import Evidence, Finding
from bidclient.formats.instant import parse_instant
from bidclient.similarity.findings.catalogue import told
from bidclient.similarity.findings.examined import Examined, place_in
from bidclient.similarity.findings.ours import Ours
from bidclient.similarity.passages.normal import Normal, normalise
from bidclient.stages.tender import Tender

Kind = Literal["project", "code", "organisation"]
_KINDS: dict[Kind, tuple[str, str]] = {
    "project": ("其他项目的名称", "the project"),
    "code": ("其他项目的编号", "the project number"),
    "organisation": ("其他项目的招标人或代理机构", "the tenderer or agency"),
}
_SPACE = "[ \\t\u3000_]*"
_VALUE = rf"{_SPACE}[:\uff1a]{_SPACE}([^\n:\uff1a\uff0c\u3002\uff1b;\t]{{4,60}})"
_BRACKET = r"(?:[(\uff08][^()\uff08\uff09\n]{1,12}[)\uff09])?"
_LABELS: dict[Kind, re.Pattern[str]] = {
    "project": re.compile(rf"(?:招标项目|采购项目|项目|工程|标段|标包)名称{_BRACKET}{_VALUE}"),
    "code": re.compile(rf"(?:招标|采购|项目|标段|标包|招标项目)编号{_BRACKET}{_VALUE}"),
    "organisation": re.compile(
        rf"(?:^|\n){_SPACE}(?:致|招{_SPACE}标{_SPACE}人|采购人|招标单位|招标代理(?:机构)?|采购代理(?:机构)?)"
        rf"(?:名称)?{_BRACKET}{_VALUE}"
    ),
}
_ORGANISATION = re.compile(r"公司|局|中心|处|委员会|政府|院|学校|大学|中学|小学|所|厅|部|集团|社|厂")
_TRAILING = re.compile(r"[(\uff08][^()\uff08\uff09]*(?:章|字)[)\uff09].*$|\s{2,}.*$")
_RECORD = re.compile(r"业绩|类似(?:工程|项目)|完成的项目|在建(?:工程|项目)|履历|简历|合同(?:金额|价格)")
"""On a page with one of these words other projects are named for good reasons."""
_DAY = re.compile(
    r"(?:开标|投标截止|递交截止)(?:时间|日期)[^\d\n]{0,12}?(\d{4}) ?[年./-] ?(\d{1,2}) ?[月./-] ?(\d{1,2})"
)
_COMPANY = re.compile(r"[\u4e00-\u9fff()\uff08\uff09]{2,30}?(?:有限责任公司|有限公司)")
_BEFORE_NAME = re.compile(r"^.*(?:[由与及向致给经被受于系是为]|我公司|本公司|我单位|本单位)(?=.{6,})")
_OF_EVERYBODY = re.compile(r"银行|保险|担保|认证|检测|计量|证券|软件|科技")
_SHORTEST, _SHORTEST_KNOWN = 6, 6
_SHOWN = 20


@dataclass(frozen=True)
class Named:
    """A project, its number or who invites to it, as a text names it in a labelled place."""

    kind: Kind
    name: str
    start: int
    end: int


def named(text: str) -> Iterator[Named]:
    """What stands behind 项目名称, 招标编号, 招标人, 致 and the like."""
    for kind, pattern in _LABELS.items():
        for match in pattern.finditer(text):
            name = _TRAILING.sub("", match[1]).rstrip(" \t\u3000_")
            organisation = kind != "organisation" or _ORGANISATION.search(name)
            if len(name) >= 4 and organisation and any(map(str.isalnum, name)):
                yield Named(kind, name, match.start(1), match.start(1) + len(name))


def check_leftovers(
    documents: Iterable[Examined],
    tender: Tender,
    tender_texts: Sequence[str],
    ours: Ours,
    earlier: Mapping[str, str],
) -> list[Finding]:
    """TXT-002: what is named as this project and is not; names of earlier projects; other companies, listed.

    `tender_texts` are the tender's documents: what they name is in order. `earlier` are names and codes of
    other projects and lots by the bid that they were found in (`named` over the archive). Pages about the
    company's record are left out but for codes.
    """
    findings: list[Finding] = []
    allowed = _plain("\n".join([*_names_of(tender), *ours.names, *ours.persons, *tender_texts]))
    for one in documents:
        record = _record_pages(one)
        found: dict[str, tuple[tuple[str, str], list[tuple[int, int]], str]] = {}
        for kind, name, places, source in _foreign(one, allowed, earlier, record):
            found.setdefault(_plain(name), (kind, [], source))[1].extend(places)
            found[_plain(name)] = (kind, found[_plain(name)][1], name)
        findings += [
            _told(one, kind, name, places, earlier.get(name, "")) for kind, places, name in found.values()
        ]
        findings += _dates(one, tender)
        findings += _companies(one, allowed, ours, record, found)
    return findings


_Found = tuple[tuple[str, str], str, list[tuple[int, int]], str]


def _foreign(
    one: Examined, allowed: str, earlier: Mapping[str, str], record: frozenset[int]
) -> Iterator[_Found]:
    text = one.extract.text
    for name in named(text):
        if _plain(name.name) not in allowed and one.extract.page_at(name.start) not in record:
            yield _KINDS[name.kind], name.name, [(name.start, name.end)], ""
    normal = normalise(text, keep_figures=True)
    content = normal.string()
    for name_text, source in earlier.items():
        plain = _plain(name_text)
        if len(plain) < _SHORTEST_KNOWN or plain in allowed or plain not in content:
            continue
        is_code = plain.isascii()
        places = [
            (start, end)
            for start, end in _places(normal, content, plain)
            if is_code or one.extract.page_at(start) not in record
        ]
        if places:
            yield _KINDS["code" if is_code else "project"], name_text, places, source


def _told(
    one: Examined, kind: tuple[str, str], name: str, places: Sequence[tuple[int, int]], source: str
) -> Finding:
    distinct = sorted(set(places))
    evidence = tuple(
        Evidence(place_in(one.where, one.extract, start, end), None, source)
        for start, end in distinct[:_SHOWN]
    )
    return told(
        "TXT-002",
        one.where,
        evidence,
        title=one.title,
        kind_zh=kind[0],
        kind_en=kind[1],
        name=name,
        count=len(distinct),
    )


def _dates(one: Examined, tender: Tender) -> Iterator[Finding]:
    """Days of the opening or the deadline that are neither."""
    own = {parse_instant(moment).date() for moment in (tender.deadline, tender.opening_at)}
    wrong: dict[date, list[tuple[int, int]]] = {}
    for match in _DAY.finditer(one.extract.text):
        try:
            day = date(int(match[1]), int(match[2]), int(match[3]))
        except ValueError:
            continue
        if day not in own:
            wrong.setdefault(day, []).append(match.span())
    for day, places in wrong.items():
        yield _told(one, ("其他项目的开标或截止日期", "the day of an opening"), day.isoformat(), places, "")


def _companies(
    one: Examined, allowed: str, ours: Ours, record: frozenset[int], told_already: Iterable[str]
) -> Iterator[Finding]:
    """All other companies of a document in one hint: suppliers and clients are named for good reasons."""
    known = list(told_already)
    found: dict[str, list[tuple[int, int]]] = {}
    for match in _COMPANY.finditer(one.extract.text):
        name = _BEFORE_NAME.sub("", match[0])
        plain = _plain(name)
        skip = _OF_EVERYBODY.search(name) or ours.has(name) or _ends_with_known(plain, allowed)
        if skip or len(plain) < _SHORTEST or any(plain in other or other in plain for other in known):
            continue
        if one.extract.page_at(match.start()) not in record:
            found.setdefault(name, []).append((match.end() - len(name), match.end()))
    if found:
        names = "、".join(list(found)[:_SHOWN]) + ("…" if len(found) > _SHOWN else "")
        places = sorted(place for several in found.values() for place in several)
        evidence = tuple(Evidence(place_in(one.where, one.extract, *place)) for place in places[:_SHOWN])
        yield told(
            "TXT-002",
            one.where,
            evidence,
            "info",
            title=one.title,
            kind_zh="招标文件和本单位以外的单位",
            kind_en="companies besides yours and those of the tender:",
            name=names,
            count=len(places),
        )


def _ends_with_known(plain: str, allowed: str) -> bool:
    """Whether the end of what looks like a name is one that the tender has: the beginning may be a verb."""
    return any(plain[start:] in allowed for start in range(max(1, len(plain) - _SHORTEST + 1)))


def _names_of(tender: Tender) -> tuple[str, ...]:
    return (
        tender.project.name,
        tender.project.code,
        tender.project.unified_deal_code,
        tender.lot.name,
        tender.lot.code,
        tender.lot.id,
        tender.lot.content,
        # As covers of bids write it: the project with its lot.
        tender.project.name + tender.lot.name,
        tender.tenderer.name,
        tender.agency.name,
    )


def _record_pages(one: Examined) -> frozenset[int]:
    """The pages that speak of what the company has done before."""
    text = one.extract.text
    return frozenset(page.number for page in one.extract.pages if _RECORD.search(text, page.start, page.end))


def _places(normal: Normal, content: str, plain: str) -> Iterator[tuple[int, int]]:
    at = content.find(plain)
    while at >= 0:
        yield normal.span(at, at + len(plain))
        at = content.find(plain, at + len(plain))


def _plain(text: str) -> str:
    """As texts are compared, with their figures."""
    return normalise(text, keep_figures=True).string()
