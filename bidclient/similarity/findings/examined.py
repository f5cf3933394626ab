"""The two sides of the self-check: a document of the draft, and a text that it is compared with."""

from dataclasses import dataclass

from bidclient.checks.finding import Place
from bidclient.similarity.passages.passage import Owner
from bidclient.similarity.reading.document import Extract

_LONGEST_QUOTE = 80
_AROUND = 12


@dataclass(frozen=True)
class Examined:
    """A document of the draft: `where` is part/name, `title` what people call it."""

    where: str
    title: str
    extract: Extract


@dataclass(frozen=True)
class Counterpart:
    """A text that the draft is compared with: whose it is, its name for people, the bid that it is part of.

    `bid` tells the bids apart and may be the file's own name; `project` and `lot` are empty where unknown.
    """

    owner: Owner
    name: str
    bid: str
    extract: Extract
    project: str = ""
    lot: str = ""


def place_in(document: str, extract: Extract, start: int, end: int) -> Place:
    """Where characters `start` to `end` stand, with what they say."""
    return Place(document, extract.page_at(start), start, end, quoted(extract.text[start:end]))


def masked_place(document: str, extract: Extract, start: int, end: int, mask: str) -> Place:
    """The same for what must not be spelled out: `mask` stands in its place."""
    return Place(document, extract.page_at(start), start, end, mask)


def quoted(text: str) -> str:
    """Text on one line, cut where it is long."""
    line = " ".join(text[: 4 * _LONGEST_QUOTE].split())
    return line if len(line) <= _LONGEST_QUOTE else line[: _LONGEST_QUOTE - 1] + "…"


def in_context(text: str, start: int, end: int) -> str:
    """Characters `start` to `end` in brackets, between a few of their neighbours."""
    before, after = text[max(0, start - _AROUND) : start], text[end : end + _AROUND]
    return quoted(f"{before}【{text[start:end]}】{after}")


def page_name(page: int) -> tuple[str, str]:
    """A page in both languages, for a sentence: 第 3 页, page 3."""
    return (f"第 {page} 页", f"page {page}") if page else ("页外文字", "text outside the pages")
