"""Whose bid a document says it is: only what is our own may be looked into."""

import re
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import chain

from bidclient.crypto.uscc import is_uscc

_SEARCHED = 6_000
"""Characters: cover and letter of a bid. Further on, other companies are mentioned for good reasons."""
_NEAR = 200
"""Characters behind the bidder's name in which a code counts as the bidder's."""
_LABEL = r"投\s*+标\s*+(?:人|单\s*+位)\s*+(?:名\s*+称|全\s*+称)?+"
_NAMED = (
    re.compile(rf"{_LABEL}\s*+(?:\([^()\n]{{1,12}}\))?+\s*+:[ \t_]*+(?:\n[ \t_]*+)?+([^\n:]{{2,80}})"),
    # A cell of a table, and the one beside or below it; the value of an attribute.
    re.compile(r"投标(?:人|单位)(?:名称|全称)?+ *+(?:\t\s*+|=\s*+\"\s*+)([^\n\t\"]{2,80})"),
    re.compile(r"投标(?:人|单位)(?:名称|全称)[ \t]*+\n\s*+([^\n\t:]{2,80})"),
    # A draft or a manifest of this program, taken out of its folder.
    re.compile(r"\"bidder\"\s*+:\s*+\{[^{}]{0,600}?\"name\"\s*+:\s*+\"([^\"\n]{2,80})"),
)
"""In text that is NFKC, whose brackets and colons are the narrow ones. Nothing is tried twice: these run on
whatever is handed in."""
_KINDS = "集团|事务所|研究院|设计院|勘察院|学院|大学|厂|中心|合作社|经营部"
_COMPANY = re.compile(rf"[\w()·&\- ]{{2,60}}?(?:公司|(?:{_KINDS})(?![\w() ]*公司))")
_CODE = re.compile(r"(?:统一社会信用代码|\"uscc\")[^0-9A-Z\n]{0,8}([0-9A-Z]{18})(?![0-9A-Z])")


@dataclass(frozen=True)
class Declared:
    """A bidder as a document names it; `uscc` is empty where no code stands beside the name."""

    name: str
    uscc: str


def declared_bidders(text: str) -> tuple[Declared, ...]:
    """The companies that the first pages of a text name as its bidder (投标人：…), each once."""
    head = unicodedata.normalize("NFKC", text[:_SEARCHED])
    found: dict[str, Declared] = {}
    for line in chain.from_iterable(pattern.finditer(head) for pattern in _NAMED):
        code = _CODE.search(head, line.end(), line.end() + _NEAR)
        uscc = code[1] if code and is_uscc(code[1]) else ""
        for company in _COMPANY.finditer(line[1]):
            name = folded_name(company[0])
            found.setdefault(name, Declared(name, uscc))
    return tuple(found.values())


def foreign_bidder(text: str, uscc: str, names: Collection[str]) -> Declared | None:
    """The bidder that a text declares, when it is another company than the one of this code or these names.

    None when it declares none, or the company is among several, as in a consortium. Where only the code of
    the company is known, only a code beside a name tells.
    """
    declared = declared_bidders(text)
    if _is_among(declared, uscc, names):
        return None
    return next((one for one in declared if any(names) or (uscc and one.uscc)), None)


def is_our_bid(text: str, uscc: str, names: Collection[str]) -> bool:
    """Whether a text declares the company of this code or these names as its bidder, or as one of them."""
    return _is_among(declared_bidders(text), uscc, names)


def is_named(company: str, names: Collection[str]) -> bool:
    """Whether a company's name is, or holds, one of these."""
    folded = folded_name(company)
    return any(folded_name(name) in folded for name in names if name)


def _is_among(declared: Iterable[Declared], uscc: str, names: Collection[str]) -> bool:
    return any(one.uscc == uscc != "" or is_named(one.name, names) for one in declared)


def folded_name(name: str) -> str:
    """A company's name as names are compared: NFKC, without spaces."""
    return "".join(unicodedata.normalize("NFKC", name).split())
