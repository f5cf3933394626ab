"""Whose name is ours: the company, its aliases and its persons, against all others."""

import re
from dataclasses import dataclass

from bidclient.similarity.findings.bidder import folded_name
from bidclient.similarity.findings.common_traits import is_nobody

_COMPANY = re.compile(
    r"公司|集团|研究院|设计院|事务所|合作社|[a-z]{3,}.*\b(?:co\.?,? ?ltd|inc|gmbh|llc|corp)\b", re.IGNORECASE
)
_PERSON = re.compile(r"[\u4e00-\u9fff]{2,4}|[\u4e00-\u9fff]{1,10}·[\u4e00-\u9fff]{1,10}")
_MAKERS = re.compile(
    r"adobe|microsoft|kingsoft|金山|福昕|foxit|canon|nikon|sony|apple|huawei|xiaomi|samsung", re.IGNORECASE
)
_SHORTEST = 2


@dataclass(frozen=True)
class Ours:
    """The company's name and aliases (`names`), and persons who work for it; as they are written."""

    names: tuple[str, ...]
    persons: tuple[str, ...] = ()

    def has(self, text: str) -> bool:
        """Whether the text names the company or one of its persons."""
        return _named(self.names, text) or _named(self.persons, text)

    def foreign_company(self, text: str) -> bool:
        """Whether the text names a company, and that is not ours nor one that makes programs or cameras.

        Without a name of our own nothing can be told to be another's: False.
        """
        return (
            any(self.names)
            and _COMPANY.search(text) is not None
            and _MAKERS.search(text) is None
            and not _named(self.names, text)
        )

    def foreign_person(self, text: str) -> bool:
        """Whether the text is a Chinese person's name, and none of ours; False where ours are not known."""
        name = text.strip()
        return (
            any(self.persons)
            and _PERSON.fullmatch(name) is not None
            and not is_nobody(name)
            and not self.has(name)
        )


def _named(names: tuple[str, ...], text: str) -> bool:
    folded = folded_name(text).lower()
    own = (folded_name(name).lower() for name in names)
    return any(len(name) >= _SHORTEST and name in folded for name in own)
