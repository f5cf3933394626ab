"""What DOCX and XLSX have in common: parts and relations, pictures, and files inside the file."""

import re
from pathlib import PurePosixPath

from bidclient.errors import BadDocument
from bidclient.similarity.reading.record import EMBEDDED, Record
from bidclient.similarity.reading.zipped import Container

_PICTURES = frozenset({".bmp", ".emf", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".wmf"})
_MEDIA = re.compile(r"(?:word|xl)/media/")
_EMBEDDED = re.compile(
    r"(?:word|xl)/(?:embeddings/|afchunk)|\.(?:docx?|xlsx?|pptx?|html?|mht|rtf|pdf)$", re.IGNORECASE
)
_NAMED = 5


def main_part(container: Container, kind: str) -> str:
    """The part that the package is about (ISO/IEC 29500-2 §9.3.2). Raises BadDocument."""
    for found, target in container.relations("").values():
        if found == kind and target in container:
            return target
    raise BadDocument(container.name, "the main part is missing")


def take_loose_text(container: Container, parts: re.Pattern[str], record: Record) -> None:
    """Put the text of parts that stand on no page of their own behind the pages, as page 0."""
    lines: list[str] = []
    for entry in sorted(name for name in container.names if parts.fullmatch(name)):
        for event, name, element in container.elements(entry, "t", "p"):
            if event == "end":
                lines.append("\n" if name == "p" else element.text or "")
        lines.append("\n")
    text = "".join(lines)
    if text.strip():
        record.page(0, text, "text")


def take_other_pictures(container: Container, record: Record) -> None:
    """Take the pictures that no page shows by itself: of headers, backgrounds, charts, sheets."""
    for entry in container.names:
        if _MEDIA.match(entry) and PurePosixPath(entry).suffix.lower() in _PICTURES:
            record.picture(container.read(entry, record.limits.picture_bytes), 0)


def take_embedded(container: Container, record: Record) -> None:
    """Name the files inside the file: their content is not read."""
    inside = [PurePosixPath(entry).name for entry in container.names if _EMBEDDED.search(entry)]
    if inside:
        more = [f"+{len(inside) - _NAMED}"] if len(inside) > _NAMED else []
        record.miss(EMBEDDED, fact="、".join([*inside[:_NAMED], *more]))
