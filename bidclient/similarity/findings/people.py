"""Do persons, numbers or accounts of the draft belong to another company; does the company pay its bond?"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from bidclient.checks.finding import Evidence, Finding, Severity
from bidclient.crypto.blinded import recognised
from bidclient.similarity.findings.bidder import folded_name
from bidclient.similarity.findings.catalogue import told
from bidclient.similarity.findings.examined import Examined, masked_place, place_in
from bidclient.similarity.findings.marks import KIND_NAMES, Mark, marks
from bidclient.similarity.findings.ours import Ours
from bidclient.similarity.reading.document import Extract

_NEAR = 200
"""Characters around a payer's account in which the bond is spoken of."""
_BOND = re.compile("保证金")
_PAID_BY = re.compile(
    r"(?:付款|汇款|转出|交款|缴款)[ \t]*(?:人|方|单位|户名|账户名称?)(?:全称|名称)?[ \t]*"
    r"[:\uff1a][ \t_]*([^\n:\uff1a]{2,60})"
)
_PAYING_ACCOUNT = re.compile(r"付款|汇款|转出|交款|缴款|基本(?:存款)?(?:账户|帐户|户)")
_RECEIVING = re.compile(r"收款|收取|指定账户|专户|招标人账户|退还至")
_BASIC = re.compile(r"基本(?:存款)?(?:账户|帐户|户)")
_MOST_ACCOUNTS = 20
"""Each is looked up at the price of a tenth of a second."""


@dataclass(frozen=True)
class Holder:
    """Whose a mark is by a file that we have: the company's name, and the file."""

    company: str
    file: str


def holders(extract: Extract, company: str, key: bytes) -> dict[str, Holder]:
    """By keyed digest, the marks of a file that belongs to `company`: what may be kept of them."""
    return {mark.digest(key): Holder(company, extract.name) for mark in marks(extract.text)}


def digests(texts: Iterable[str], key: bytes) -> frozenset[str]:
    """The marks of texts that everybody may name, such as the tender's contacts."""
    return frozenset(mark.digest(key) for text in texts for mark in marks(text))


def check_people(
    documents: Iterable[Examined],
    known: Mapping[str, Holder],
    ours: Ours,
    key: bytes,
    given: Collection[str] = (),
) -> list[Finding]:
    """PER-001 for each mark of the draft that is another company's in `known`, each once per document.

    `given` are the digests of what the tender names. Nothing is told of marks held by the company itself.
    """
    findings = []
    for one in documents:
        found: dict[str, list[Mark]] = {}
        for mark in marks(one.extract.text):
            digest = mark.digest(key)
            holder = known.get(digest)
            if holder is not None and digest not in given and not ours.has(holder.company):
                found.setdefault(digest, []).append(mark)
        findings += [_foreign(one, found[digest], known[digest]) for digest in found]
    return findings


def check_bond(documents: Iterable[Examined], ours: Ours, basic_account: str) -> list[Finding]:
    """BND-001: payers' names and accounts beside 保证金 that are not the company and its basic account.

    `basic_account` is the blinded number of the settings; without it an account is compared with the one that
    the draft itself calls 基本户, and where there is none either nobody can tell. Raises BadFormat for it.
    """
    findings: list[Finding] = []
    read = tuple(documents)
    stated = {mark.value for one in read for mark in _accounts(one.extract.text) if _is_basic(one, mark)}
    looked_up: dict[str, bool | None] = {}
    for one in read:
        findings += _payers(one, ours)
        for mark in _paying(one.extract.text):
            if mark.value not in looked_up and len(looked_up) < _MOST_ACCOUNTS:
                looked_up[mark.value] = _is_own(mark.value, basic_account, stated)
            own = looked_up.get(mark.value)
            if own is not True:
                findings.append(_paid_from(one, mark, own))
    return findings


def _foreign(one: Examined, places: list[Mark], holder: Holder) -> Finding:
    kind_zh, kind_en = KIND_NAMES[places[0].kind]
    evidence = tuple(
        Evidence(masked_place(one.where, one.extract, mark.start, mark.end, mark.mask), None, holder.file)
        for mark in places
    )
    return told(
        "PER-001",
        one.where,
        evidence,
        title=one.title,
        kind_zh=kind_zh,
        kind_en=kind_en,
        mask=places[0].mask,
        company=holder.company,
    )


def _payers(one: Examined, ours: Ours) -> Iterator[Finding]:
    """Payers' names beside the bond that are another company's."""
    text = one.extract.text
    seen = set()
    for match in _PAID_BY.finditer(text):
        name = match[1].strip()
        if not _near(text, match.start(), match.end(), _BOND) or not ours.foreign_company(name):
            continue
        if folded_name(name) not in seen:
            seen.add(folded_name(name))
            yield told(
                "BND-001",
                one.where,
                (Evidence(place_in(one.where, one.extract, match.start(1), match.end(1))),),
                title=one.title,
                what_zh=f"付款单位是“{name}”，不是本单位",
                what_en=f"the payer is “{name}”, not your company",
            )


def _paid_from(one: Examined, mark: Mark, own: bool | None) -> Finding:
    """An account that is not the basic one (False), or of which nobody can tell (None)."""
    place = masked_place(one.where, one.extract, mark.start, mark.end, mark.mask)
    if own is None:
        what = (
            f"付款账号 {mark.mask}；设置中没有登记基本账户，无法判断",
            f"from account {mark.mask}; no basic account is in the settings, so nobody can tell",
        )
    else:
        what = f"付款账号 {mark.mask} 不是本单位基本账户", f"account {mark.mask} is not your basic account"
    severity: Severity | None = "info" if own is None else None
    return told(
        "BND-001", one.where, (Evidence(place),), severity, title=one.title, what_zh=what[0], what_en=what[1]
    )


def _is_own(account: str, basic_account: str, stated: Collection[str]) -> bool | None:
    if basic_account:
        return recognised([account], basic_account) is not None
    return account in stated if stated else None


def _accounts(text: str) -> list[Mark]:
    return [mark for mark in marks(text) if mark.kind == "account"]


def _paying(text: str) -> list[Mark]:
    """The accounts from which a bond is paid: 保证金 is near, and the last word about it is one of paying."""
    return [
        mark
        for mark in _accounts(text)
        if _near(text, mark.start, mark.end, _BOND)
        and _last(text, mark.start, _PAYING_ACCOUNT) > _last(text, mark.start, _RECEIVING)
    ]


def _is_basic(one: Examined, mark: Mark) -> bool:
    """Whether the draft calls it the company's basic account, and not in the proof of the bond."""
    text = one.extract.text
    near = _last(text, mark.start, _BASIC) > _last(text, mark.start, _RECEIVING)
    return near and not _near(text, mark.start, mark.end, _BOND)


def _near(text: str, start: int, end: int, pattern: re.Pattern[str]) -> bool:
    return pattern.search(text, max(0, start - _NEAR), end + _NEAR) is not None


def _last(text: str, end: int, pattern: re.Pattern[str]) -> int:
    """Where the pattern begins for the last time before `end`; -1 when it is not near."""
    return max((match.start() for match in pattern.finditer(text, max(0, end - _NEAR), end)), default=-1)
