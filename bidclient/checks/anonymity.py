"""Does a blind document (暗标) tell who the bidder is?"""

import re
import unicodedata
from collections.abc import Iterable, Iterator

from bidclient.checks.added import AddedDocument
from bidclient.checks.files import AUTHOR_PROPERTIES
from bidclient.checks.finding import Finding
from bidclient.checks.rules import found
from bidclient.stages.draft import Bidder

_LEGAL_FORM = re.compile(r"(集团)?(股份|责任)?有限(责任)?公司$|(集团)?公司$")
_SHORTEST_NAME = 4
_SAYS_NOTHING = frozenset({"", "anonymous", "unspecified", "untitled", "unknown"})


def check_anonymity(documents: Iterable[AddedDocument], bidder: Bidder) -> Iterator[Finding]:
    """The bidder's name, code, telephone and persons in text and metadata of blind parts; seals; authors.

    Pictures are not read, which check_layout says, and of a file that is no PDF only the name is.
    """
    for added in documents:
        if added.blind:
            yield from _leaks(added, bidder)


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


def _leaks(added: AddedDocument, bidder: Bidder) -> Iterator[Finding]:
    facts, where, title = added.content.facts, added.where, added.title
    if facts.signatures:
        yield found("ANON-003", where, title=title)
    for place, text in facts.properties:
        if place.lower() in AUTHOR_PROPERTIES and text.strip().lower() not in _SAYS_NOTHING:
            yield found("ANON-002", where, title=title, place=place, leak=text)
    places = [*((0, name, text) for name, text in facts.properties), (0, "XMP", facts.xmp)]
    places += [(0, "文件名", added.document.file)]
    places += [(page, f"第 {page} 页", text) for page, text in added.texts]
    told = set()
    for page, place, text in places:
        content = bare(text)
        for rule, names in (("ANON-001", telling_names(bidder)), ("ANON-004", _persons(bidder))):
            for name in names:
                if name in content and name not in told:
                    told.add(name)
                    yield found(rule, where, added.evidence(page, name), title=title, place=place, leak=name)


def _persons(bidder: Bidder) -> tuple[str, ...]:
    return tuple(bare(name) for name in (bidder.legal_representative, bidder.agent) if len(bare(name)) > 1)
