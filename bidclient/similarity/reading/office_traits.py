"""What a DOCX or XLSX says about its making: properties, revision marks, identifiers, persons, paths."""

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path, PurePosixPath

from bidclient.formats.stored_zip import open_archive
from bidclient.similarity.reading.document import Strength, Trait
from bidclient.similarity.reading.limits import LIMITS, never
from bidclient.similarity.reading.trait_text import clean, time_text
from bidclient.similarity.reading.zipped import Container

_CORE: dict[str, Strength] = {
    "creator": "strong",
    "lastModifiedBy": "strong",
    "description": "weak",
    "title": "weak",
    "revision": "weak",
}
"""Core properties (ISO/IEC 29500-2 §11)."""
_CORE_TIMES = {"created": "created", "modified": "modified", "lastPrinted": "printed"}
_EXTENDED: dict[str, tuple[str, Strength]] = {
    "Company": ("company", "strong"),
    "Manager": ("manager", "strong"),
    "Template": ("template", "medium"),
    "Application": ("application", "weak"),
    "AppVersion": ("applicationVersion", "weak"),
    "TotalTime": ("minutes", "weak"),
    "HyperlinkBase": ("base", "medium"),
}
"""Extended properties (ISO/IEC 29500-1 §22.2)."""
_WEAK_CUSTOM = frozenset({"KSOProductBuildVer", "KSOTemplateUUID", "WorkbookGuid", "Version"})
"""Custom properties that name a program or its template; ICV and the others that WPS writes name a file."""
_PEOPLE = re.compile(r"(?:word/people|xl/persons/person)\d*\.xml")
_COMMENTS = re.compile(r"(?:word/comments|xl/comments)\d*\.xml|xl/comments/comment\d*\.xml")
_BODY = re.compile(r"word/(?:document|header|footer|footnotes|endnotes)\d*\.xml")
_CHANGES = ("ins", "del", "moveFrom", "moveTo", "rPrChange", "pPrChange", "cellIns", "cellDel")
_EMBEDDED = re.compile(r"(?:word|xl)/embeddings/")
_NUMBERED = re.compile(r"[A-Za-z_]+\d*\.bin|[A-Za-z_]+\d+\.\w+|Microsoft_\w+\.\w+")
_MOST_OF_A_KIND = 20_000


def traits(path: Path) -> tuple[Trait, ...]:
    """All that the DOCX or XLSX at `path` tells, each once. Times are RFC 3339 in UTC.

    Keys begin with docx. or xlsx. Raises BadDocument for what is damaged, encrypted or unfolds beyond the
    limits, FileProblem.
    """
    with open_archive(path) as file:
        container = Container(file, path.name, LIMITS, never)
        kind = "xlsx" if any(name.startswith("xl/") for name in container.names) else "docx"
        found = dict.fromkeys(_all(container))
    return tuple(Trait(f"{kind}.{key}", value, strength) for key, value, strength in found if value)


_Said = tuple[str, str, Strength]


def _all(container: Container) -> Iterator[_Said]:
    yield from _core(container)
    yield from _extended(container)
    yield from _custom(container)
    yield from _settings(container)
    yield from _workbook(container)
    for name in container.names:
        if _PEOPLE.fullmatch(name):
            yield from _named(container, name, "person", ("author", "displayName"))
        elif _COMMENTS.fullmatch(name):
            yield from _named(container, name, "comment", ("author",))
            yield from _commenters(container, name)
        elif _BODY.fullmatch(name):
            yield from _changers(container, name)
        elif _EMBEDDED.match(name) and not _NUMBERED.fullmatch(PurePosixPath(name).name):
            yield "embedded", clean(PurePosixPath(name).name), "weak"


def _core(container: Container) -> Iterator[_Said]:
    for name, text in _texts(container, "docProps/core.xml", (*_CORE, *_CORE_TIMES)):
        if name in _CORE:
            yield name, text, _CORE[name]
        elif moment := _moment(text):
            yield _CORE_TIMES[name], moment, "medium"


def _extended(container: Container) -> Iterator[_Said]:
    for name, text in _texts(container, "docProps/app.xml", tuple(_EXTENDED)):
        key, strength = _EXTENDED[name]
        yield key, text, strength


def _custom(container: Container) -> Iterator[_Said]:
    """Custom properties (§22.3): name and value, whatever its type."""
    entry = "docProps/custom.xml"
    if entry in container:
        for event, _, element in container.elements(entry, "property"):
            if event == "end":
                name, value = (
                    clean(str(element.get("name", ""))),
                    clean("".join(map(str, element.itertext()))),
                )
                yield f"custom.{name}", value, "weak" if name in _WEAK_CUSTOM or len(value) < 8 else "strong"


def _settings(container: Container) -> Iterator[_Said]:
    """Revision marks (§17.15.1.70, §17.15.1.72), the document's number ([MS-DOCX] §2.5.1), its template."""
    if "word/settings.xml" in container:
        for event, name, element in container.elements("word/settings.xml", "rsidRoot", "rsid", "docId"):
            value = next((str(v) for k, v in element.items() if str(k).endswith("}val")), "")
            if event != "end":
                continue
            if name == "docId":
                # Once as a long number and once as a short one: which of them is Word's choice.
                yield ("docId" if value.startswith("{") else "paragraphId"), clean(value.upper()), "strong"
            else:
                yield name, clean(value.upper()), "strong" if name == "rsidRoot" else "weak"
    rows = "word/_rels/settings.xml.rels"
    if rows in container:
        for event, _, element in container.elements(rows, "Relationship"):
            if event == "end" and str(element.get("Type", "")).endswith("/attachedTemplate"):
                yield "templatePath", clean(str(element.get("Target", ""))), "medium"


def _workbook(container: Container) -> Iterator[_Said]:
    """Where the workbook lay, its number across saves ([MS-XLSX] §2.6.120), who reserved it (§18.2.12)."""
    entry = "xl/workbook.xml"
    if entry not in container:
        return
    for event, name, element in container.elements(entry, "absPath", "revisionPtr", "fileSharing"):
        if event == "end":
            key = {"absPath": "url", "revisionPtr": "documentId", "fileSharing": "userName"}[name]
            kind: Strength = "medium" if name == "absPath" else "strong"
            yield {"url": "path", "userName": "person"}.get(key, key), clean(str(element.get(key, ""))), kind


def _named(container: Container, entry: str, tag: str, attributes: tuple[str, ...]) -> Iterator[_Said]:
    """Those whom the attributes of a tag name."""
    for event, _, element in container.elements(entry, tag):
        if event == "end":
            for key, value in element.items():
                if str(key).rpartition("}")[2] in attributes:
                    yield "person", clean(str(value)), "strong"


def _commenters(container: Container, entry: str) -> Iterator[_Said]:
    """Who wrote the comments of a sheet (§18.7.2)."""
    if entry.startswith("xl/"):
        for _, text in _texts(container, entry, ("author",)):
            yield "person", text, "strong"


def _changers(container: Container, entry: str) -> Iterator[_Said]:
    """Whose tracked changes (§17.13.5) are in a part; paragraphs are walked past, to let go of them."""
    seen: set[str] = set()
    for event, name, element in container.elements(entry, *_CHANGES, "p"):
        if event == "start" and name != "p":
            seen |= {str(value) for key, value in element.items() if str(key).endswith("}author")}
    for author in sorted(seen)[:_MOST_OF_A_KIND]:
        yield "person", clean(author), "strong"


def _texts(container: Container, entry: str, tags: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """The elements of a part with their text; nothing when there is no such part."""
    if entry in container:
        for event, name, element in container.elements(entry, *tags):
            if event == "end" and (text := clean(element.text or "")):
                yield name, text


def _moment(text: str) -> str:
    """A W3CDTF time as the traits spell it; empty for what is none."""
    try:
        return time_text(datetime.fromisoformat(text))
    except ValueError:
        return ""
