"""Are the files still those that were added, and does what they say about themselves fit the bid?"""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime

from bidclient.checks.added import AddedDocument
from bidclient.checks.finding import Finding
from bidclient.checks.rules import found
from bidclient.formats.instant import instant_text

AUTHOR_PROPERTIES = frozenset({"author", "company", "manager", "lastmodifiedby", "owner"})
_COMPANY = re.compile(r"公司|集团|研究院|设计院|事务所|Co\.,? ?Ltd", re.IGNORECASE)


def check_files(documents: Iterable[AddedDocument], bidder: str, now: datetime) -> Iterator[Finding]:
    """Documents against the draft, and their metadata against the bidder's name."""
    for added in documents:
        facts, document = added.content.facts, added.document
        if (facts.size, facts.sha256, facts.pages) != (document.size, document.sha256, document.pages):
            yield found("DOC-005", added.where)
        if not added.blind and facts.pages:
            yield from _metadata(added, bidder, now)


def _metadata(added: AddedDocument, bidder: str, now: datetime) -> Iterator[Finding]:
    facts, where, title = added.content.facts, added.where, added.title
    for place, text in facts.properties:
        foreign = _COMPANY.search(text) and bidder and bidder not in text
        if place.lower() in AUTHOR_PROPERTIES and foreign:
            yield found("META-001", where, title=title, place=place, leak=text)
    if facts.modified is not None and facts.modified > now:
        moment = instant_text(facts.modified)
        yield found(
            "META-002",
            where,
            title=title,
            what_zh=f"修改时间 {moment} 晚于现在",
            what_en=f"modified at {moment}, which is in the future",
        )
