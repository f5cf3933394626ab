"""Whose bid a document says it is: only what is our own may be looked into."""

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass

from bidclient.crypto.uscc import is_uscc

_SEARCHED = 6_000
"""Characters: cover and letter of a bid. Further on, other companies are mentioned for good reasons."""
_NEAR = 200
"""Characters behind the bidder's name in which a code counts as the bidder's."""
_NAMED = re.compile(
    r"投\s*标\s*(?:人|单\s*位)\s*(?:名\s*称|全\s*称)?\s*(?:\([^()\n]{1,12}\))?\s*:[ \t_]*([^\n:]{2,80})"
)
"""In text that is NFKC, whose brackets and colons are the narrow ones."""
_KINDS = "集团|事务所|研究院|设计院|勘察院|学院|大学|厂|中心|合作社|经营部"
_COMPANY = re.compile(rf"[\w()·&\- ]{{2,60}}?(?:公司|(?:{_KINDS})(?![\w() ]*公司))")
_CODE = re.compile(r"统一社会信用代码[^0-9A-Z\n]{0,8}([0-9A-Z]{18})(?![0-9A-Z])")


@dataclass(frozen=True)
class Declared:
    """A bidder as a document names it; `uscc` is empty where no code stands beside the name."""

    name: str
    uscc: str


def declared_bidders(text: str) -> tuple[Declared, ...]:
    """The companies that the first pages of a text name as its bidder (投标人：…), each once."""
    head = unicodedata.normalize("NFKC", text[:_SEARCHED])
    found: dict[str, Declared] = {}
    for line in _NAMED.finditer(head):
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
    ours = {folded_name(name) for name in names if name}
    declared = declared_bidders(text)
    if any(one.uscc == uscc != "" or any(own in one.name for own in ours) for one in declared):
        return None
    return next((one for one in declared if ours or (uscc and one.uscc)), None)


def folded_name(name: str) -> str:
    """A company's name as names are compared: NFKC, without spaces."""
    return "".join(unicodedata.normalize("NFKC", name).split())
