"""The text of an XLSX (ISO/IEC 29500-1 §18): a sheet is a page, a row a line, a formula its value."""

import re
from collections.abc import Iterator

from bidclient.ask import Progress
from bidclient.errors import BadDocument
from bidclient.similarity.reading.limits import Limits
from bidclient.similarity.reading.office import main_part, take_embedded, take_loose_text, take_other_pictures
from bidclient.similarity.reading.record import Record
from bidclient.similarity.reading.zipped import Container

_LOOSE = re.compile(
    r"xl/(?:comments|threadedComments/threadedComment|(?:drawings/drawing|charts/chart))\d*\.xml"
)
_TRUTH = {"0": "FALSE", "1": "TRUE"}


def read_sheets(container: Container, record: Record, progress: Progress) -> None:
    """Put each sheet, hidden ones too, into the record: its name, then its rows; then comments (page 0).

    Numbers are written as they are stored, dates as the number of the day. Raises BadDocument.
    """
    main = main_part(container, "officeDocument")
    relations = container.relations(main)
    shared = _shared(container, [target for kind, target in relations.values() if kind == "sharedStrings"])
    sheets = list(_sheets(container, main, {id_: target for id_, (_, target) in relations.items()}))
    if not sheets:
        raise BadDocument(record.name, "no sheets")
    for number, (name, entry) in enumerate(sheets, 1):
        progress("read", number - 1, len(sheets))
        rows = "".join(_rows(container, entry, shared, record.limits))
        record.page(number, f"{name}\n{rows}", "text" if rows.strip() else "blank")
    take_loose_text(container, _LOOSE, record)
    take_other_pictures(container, record)
    take_embedded(container, record)
    progress("read", len(sheets), len(sheets))


def _sheets(container: Container, main: str, targets: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Name and entry of each sheet in the order of the workbook. Raises BadDocument when one is missing."""
    for event, _, element in container.elements(main, "sheet"):
        if event == "end":
            ids = [str(value) for key, value in element.items() if str(key).endswith("}id")]
            name, entry = str(element.get("name", "")), targets.get(ids[0], "") if ids else ""
            if entry not in container:
                raise BadDocument(container.name, f"the sheet is missing: {name}")
            yield name, entry


def _shared(container: Container, entries: list[str]) -> list[str]:
    """The strings that cells refer to by number (§18.4.8), without their phonetic readings."""
    strings: list[str] = []
    parts: list[str] = []
    readings = 0
    for entry in entries:
        if entry not in container:
            continue
        for event, name, element in container.elements(entry, "si", "t", "rPh"):
            if name == "rPh":
                readings += 1 if event == "start" else -1
            elif event == "end" and name == "t" and not readings:
                parts.append(element.text or "")
            elif event == "end" and name == "si":
                strings.append("".join(parts))
                parts = []
    return strings


def _rows(container: Container, entry: str, shared: list[str], limits: Limits) -> Iterator[str]:
    """The pieces of a sheet's text, no more than a page may have."""
    kind, value, length, cells = "", "", 0, 0
    for event, name, element in container.elements(entry, "row", "c", "v", "t"):
        if event == "start":
            if name == "c":
                kind, value = str(element.get("t", "n")), ""
            elif name == "row":
                cells = 0
            continue
        if name in ("v", "t"):
            value += element.text or ""
            continue
        piece = "\n" if name == "row" else _written(kind, value, shared)
        if not piece:
            continue
        if name == "c":
            piece, cells = ("\t" if cells else "") + piece, cells + 1
        elif not cells:
            continue
        length += len(piece)
        yield piece
        if length > limits.page_characters:
            return


def _written(kind: str, value: str, shared: list[str]) -> str:
    """A cell's value as text (§18.18.11)."""
    if kind == "s":
        return shared[int(value)] if value.isascii() and value.isdigit() and int(value) < len(shared) else ""
    if kind == "b":
        return _TRUTH.get(value, value)
    return value
