"""Are the files still those that were added, and does what they say about themselves fit the bid?"""

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from bidclient.checks.finding import Finding
from bidclient.checks.pdf import PdfFacts, page_texts, preflight
from bidclient.checks.price import form_price
from bidclient.checks.rules import found
from bidclient.errors import BadDocument, BadFormat, FileProblem
from bidclient.formats.instant import instant_text
from bidclient.formats.money import parse_words, yuan_text
from bidclient.stages.draft import Draft, DraftDocument
from bidclient.stages.tender import Tender

AUTHOR_PROPERTIES = frozenset({"author", "company", "manager", "lastmodifiedby", "owner"})
_PAGES_WITH_A_PRICE = 50
_COMPANY = re.compile(r"公司|集团|研究院|设计院|事务所|Co\.,? ?Ltd", re.IGNORECASE)
_CAPITALS = "零壹贰叁肆伍陆柒捌玖"
_PRICE_IN_WORDS = re.compile(
    "(?:投标总报价|投标总价|投标报价)[^。；]{0,60}?"
    f"((?:人民币)?[{_CAPITALS}][{_CAPITALS}拾佰仟万亿元圆角分整正]{{2,}})"
)


def check_files(draft: Draft, tender: Tender, parts: Path, now: datetime) -> list[Finding]:
    """Documents against the draft, their metadata against the bidder, prices in words against the form."""
    blind = {part.id for part in tender.parts if part.blind}
    total = form_price(draft, tender)
    findings: list[Finding] = []
    for document in draft.documents:
        path = parts / document.part / document.file
        try:
            facts = preflight(path)
            findings += _identity(document, facts)
            if document.part not in blind and facts.pages:
                findings += _metadata(document, facts, draft.bidder.name, now)
                findings += _price_in_words(document, path, total)
        except FileProblem:
            findings.append(found("DOC-005", f"{document.part}/{document.name}"))
        except BadDocument as error:
            findings.append(found("DOC-004", f"{document.part}/{document.name}", reason=error.reason))
    return findings


def _identity(document: DraftDocument, facts: PdfFacts) -> Iterator[Finding]:
    if (facts.size, facts.sha256, facts.pages) != (document.size, document.sha256, document.pages):
        yield found("DOC-005", f"{document.part}/{document.name}")


def _metadata(document: DraftDocument, facts: PdfFacts, bidder: str, now: datetime) -> Iterator[Finding]:
    where = f"{document.part}/{document.name}"
    for place, text in facts.properties:
        foreign = _COMPANY.search(text) and bidder and bidder not in text
        if place.lower() in AUTHOR_PROPERTIES and foreign:
            yield found("META-001", where, title=document.title, place=place, leak=text)
    if facts.modified is not None and facts.modified > now:
        moment = instant_text(facts.modified)
        yield found(
            "META-002",
            where,
            title=document.title,
            what_zh=f"修改时间 {moment} 晚于现在",
            what_en=f"modified at {moment}, which is in the future",
        )
    if not facts.searchable:
        yield found("PDF-001", where, title=document.title)


def _price_in_words(document: DraftDocument, path: Path, total: int | None) -> Iterator[Finding]:
    """The first amount in words behind 投标总价, 投标报价 that is not the total of the opening form."""
    if total is None:
        return
    for text in page_texts(path, _PAGES_WITH_A_PRICE):
        for match in _PRICE_IN_WORDS.finditer(re.sub(r"\s", "", text)):
            try:
                amount = parse_words(match[1])
            except BadFormat:
                continue
            if amount != total:
                yield found(
                    "PRC-002",
                    f"{document.part}/{document.name}",
                    title=document.title,
                    words=match[1],
                    total=yuan_text(total),
                )
                return
