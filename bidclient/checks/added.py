"""The documents of a draft with what is in them: each file is read once, for all checks."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

from bidclient.checks.finding import Evidence, Finding, Place
from bidclient.checks.pdf_content import PdfContent, read_content
from bidclient.checks.rules import found
from bidclient.errors import BadDocument, FileProblem
from bidclient.explain import in_words
from bidclient.stages.draft import Draft, DraftDocument
from bidclient.stages.tender import Tender

_LAYOUT = re.compile(r"(?<![0-9A-Za-z])\s+|\s+(?![0-9A-Za-z])")
_MOST_RANGES = 12


@dataclass(frozen=True)
class AddedDocument:
    """A document of the draft that could be read; `blind` in a part that shows no bidder (暗标)."""

    document: DraftDocument
    content: PdfContent
    blind: bool

    @property
    def where(self) -> str:
        """What findings are about: part/name."""
        return f"{self.document.part}/{self.document.name}"

    @property
    def title(self) -> str:
        """Its title in the bid."""
        return self.document.title

    @cached_property
    def texts(self) -> tuple[tuple[int, str], ...]:
        """The pages with text, by number; white space stays between Latin letters and figures only.

        Compatible characters count as one (NFKC): full-width forms, and the radicals that PDF fonts use.
        """
        return tuple(
            (page.number, _LAYOUT.sub("", unicodedata.normalize("NFKC", page.text)))
            for page in self.content.pages
            if page.text
        )

    def evidence(self, page: int, quote: str = "", fact: str = "") -> tuple[Evidence, ...]:
        """What a finding about a page, or with 0 about the file, rests on."""
        place = Place(f"{self.document.part}/{self.document.file}", page, quote=quote)
        return (Evidence(place, fact=fact),)


def read_documents(
    draft: Draft, tender: Tender, parts: Path, unread: Mapping[str, str] = MappingProxyType({})
) -> tuple[list[AddedDocument], list[Finding]]:
    """The documents under `parts`/<part>/<file>, and what is found about those that cannot be read.

    `unread` says by part/file why some must not be opened: they crash or stall who reads them.
    """
    blind = {part.id for part in tender.parts if part.blind}
    added, findings = [], []
    for document in draft.documents:
        where = f"{document.part}/{document.name}"
        path = f"{document.part}/{document.file}"
        try:
            if path in unread:
                raise BadDocument(document.file, unread[path])
            content = read_content(parts / document.part / document.file)
        except FileProblem:
            findings.append(found("DOC-005", where))
        except BadDocument as error:
            findings.append(found("DOC-004", where, why_zh=in_words(error.reason, "zh"), why_en=error.reason))
        else:
            added.append(AddedDocument(document, content, document.part in blind))
    return added, findings


def page_ranges(numbers: Sequence[int]) -> tuple[str, str]:
    """Page numbers in rising order for people, in Chinese and in English: 1-3、7 and 1-3, 7."""
    ranges = list(_ranges(numbers))
    more = "…" if len(ranges) > _MOST_RANGES else ""
    return "、".join(ranges[:_MOST_RANGES]) + more, ", ".join(ranges[:_MOST_RANGES]) + more


def _ranges(numbers: Sequence[int]) -> Iterator[str]:
    first = last = 0
    for number in [*numbers, 0]:
        if number != last + 1 or not last:
            if last:
                yield f"{first}-{last}" if last > first else str(last)
            first = number
        last = number
