"""Does a blind document (暗标) tell who the bidder is?"""

import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from bidclient.checks.files import AUTHOR_PROPERTIES
from bidclient.checks.finding import Finding
from bidclient.checks.pdf import page_texts, preflight
from bidclient.checks.rules import found
from bidclient.errors import BadDocument, FileProblem
from bidclient.stages.draft import Bidder, Draft, DraftDocument
from bidclient.stages.tender import Tender

_LEGAL_FORM = re.compile(r"(集团)?(股份|责任)?有限(责任)?公司$|(集团)?公司$")
_SHORTEST_NAME = 4
_SAYS_NOTHING = frozenset({"", "anonymous", "unspecified", "untitled", "unknown"})


def check_anonymity(draft: Draft, tender: Tender, parts: Path) -> list[Finding]:
    """The bidder's name, code, telephone and persons in text and metadata of blind parts; seals; authors.

    Pictures are not read, and of a file that is no PDF only the name is. What cannot be opened is left to
    check_files.
    """
    blind = {part.id for part in tender.parts if part.blind}
    findings: list[Finding] = []
    for document in draft.documents:
        path = parts / document.part / document.file
        if document.part in blind:
            try:
                findings += _leaks(document, path, draft.bidder)
            except (BadDocument, FileProblem):
                continue
    return findings


def telling_names(bidder: Bidder) -> tuple[str, ...]:
    """What identifies the company: its name, with and without its legal form, its code, its telephone."""
    short = _LEGAL_FORM.sub("", bidder.name)
    names = (bidder.name, short, bidder.uscc, bidder.phone)
    return tuple(dict.fromkeys(bare(name) for name in names if len(bare(name)) >= _SHORTEST_NAME))


def bare(text: str) -> str:
    """The text without white space, hyphens and invisible characters, in which layout may hide a name.

    Compatible characters count as one (NFKC): full-width forms, and the radicals that PDF fonts use.
    """
    plain = unicodedata.normalize("NFKC", text)
    return "".join(
        one for one in plain if one != "-" and not one.isspace() and unicodedata.category(one) != "Cf"
    )


def _leaks(document: DraftDocument, path: Path, bidder: Bidder) -> Iterator[Finding]:
    where = f"{document.part}/{document.name}"
    facts = preflight(path)
    if facts.signatures:
        yield found("ANON-003", where, title=document.title)
    for place, text in facts.properties:
        if place.lower() in AUTHOR_PROPERTIES and text.strip().lower() not in _SAYS_NOTHING:
            yield found("ANON-002", where, title=document.title, place=place, leak=text)
    places = [*facts.properties, ("XMP", facts.xmp), ("文件名", document.file)]
    if facts.pages:
        places += [(f"第 {number} 页", text) for number, text in enumerate(page_texts(path), 1)]
    told = set()
    for place, text in places:
        content = bare(text)
        for rule, names in (("ANON-001", telling_names(bidder)), ("ANON-004", _persons(bidder))):
            for name in names:
                if name in content and name not in told:
                    told.add(name)
                    yield found(rule, where, title=document.title, place=place, leak=name)


def _persons(bidder: Bidder) -> tuple[str, ...]:
    return tuple(bare(name) for name in (bidder.legal_representative, bidder.agent) if len(bare(name)) > 1)
