"""The text of an OFD (GB/T 33190-2016): a ZIP of XML, where TextCode elements hold the characters."""

import posixpath
from collections.abc import Iterator

from bidclient.ask import Progress
from bidclient.errors import BadDocument
from bidclient.similarity.reading.document import PageKind
from bidclient.similarity.reading.record import EMBEDDED, NO_TRAITS, PICTURE_TEXT, SCAN, Record
from bidclient.similarity.reading.zipped import Container, resolved

_ROOT = "OFD.xml"
_ATTACHED = "/attachs/"
"""Where files inside the file lie (§16), by the custom of its writers."""
_NAMED = 5


def read_ofd(container: Container, record: Record, progress: Progress) -> None:
    """Put the pages of each document in the file into the record. Raises BadDocument.

    Text that a page borrows from a template page (§7.7) is put before its own. Pictures are looked for in
    all resources and belong to no page.
    """
    pages = [page for root in _locations(container, _ROOT, "DocRoot") for page in _pages(container, root)]
    if not pages:
        raise BadDocument(record.name, "no pages")
    most = record.limits.pages
    for number, entries in enumerate(pages[:most], 1):
        progress("read", number - 1, len(pages))
        read = [_page(container, entry) for entry in entries if entry in container]
        text, drawn = "".join(text for text, _ in read), any(drawn for _, drawn in read)
        kind: PageKind = "text" if text.strip() else "scan" if drawn else "blank"
        if drawn:
            record.miss(PICTURE_TEXT if kind == "text" else SCAN, number)
        record.page(number, text, kind)
    for entry in container.names:
        if entry.lower().endswith((".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")):
            record.picture(container.read(entry, record.limits.picture_bytes), 0)
    inside = [posixpath.basename(entry) for entry in container.names if _ATTACHED in entry.lower()]
    if inside:
        record.miss(EMBEDDED, fact="、".join(inside[:_NAMED]))
    record.miss(NO_TRAITS, fact="OFD")
    progress("read", len(pages), len(pages))


def _locations(container: Container, entry: str, tag: str) -> list[str]:
    """What the elements of this name hold as locations, as entry names. Raises BadDocument."""
    if entry not in container:
        raise BadDocument(container.name, f"{entry} is missing")
    texts = [element.text or "" for event, _, element in container.elements(entry, tag) if event == "end"]
    return [resolved(posixpath.dirname(entry), text.strip()) for text in texts]


def _pages(container: Container, root: str) -> Iterator[list[str]]:
    """For each page of the document: the entries of its templates, then its own. Raises BadDocument."""
    if root not in container:
        raise BadDocument(container.name, f"{root} is missing")
    folder = posixpath.dirname(root)
    templates, pages = {}, []
    for event, name, element in container.elements(root, "Page", "TemplatePage"):
        if event == "end":
            entry = resolved(folder, str(element.get("BaseLoc", "")))
            if name == "Page":
                pages.append(entry)
            else:
                templates[str(element.get("ID", ""))] = entry
    for entry in pages:
        if entry not in container:
            raise BadDocument(container.name, f"{entry} is missing")
        used = []
        if templates:
            for event, _, element in container.elements(entry, "Template"):
                if event == "end":
                    used.append(templates.get(str(element.get("TemplateID", "")), ""))
        yield [*used, entry]


def _page(container: Container, entry: str) -> tuple[str, bool]:
    """The text, a new line where a text object begins at another height; and whether pictures are shown."""
    parts: list[str] = []
    height, drawn = "", False
    for event, name, element in container.elements(entry, "TextObject", "TextCode", "ImageObject"):
        if event == "start" and name == "TextObject":
            here = " ".join(str(element.get("Boundary", "")).split()[1:2])
            if parts and here != height:
                parts.append("\n")
            height = here
        elif event == "end" and name == "TextCode":
            parts.append(element.text or "")
        drawn = drawn or name == "ImageObject"
    return "".join([*parts, "\n"]) if parts else "", drawn
