"""Lines that stand on page after page, and contents: text that says nothing about who copied from whom."""

import re
from collections import Counter
from collections.abc import Iterator

from bidclient.similarity.reading.document import Extract

_EDGE = 3
"""Lines at the top and at the bottom of a page in which a running head is looked for."""
_SHARE = 0.1
_FEWEST = 3
_LONGEST = 300
"""Characters: nobody prints a longer running head or entry of a table of contents."""
_DIGITS = re.compile(r"\d+")
_LEADERS = re.compile(
    r"[.．·•‥…‧](?:[ \t]?[.．·•‥…‧]){4,}[ \t]*[-–—(（]?[ \t]*[\divxlcIVXLC]*[ \t]*[-–—)）]?\Z"
)

_Line = tuple[int, int, str]
"""Start, end, and what it says with figures masked and without white space."""


def without_running_heads(extract: Extract) -> tuple[tuple[int, int], ...]:
    """Ranges of the text to leave out of a comparison, in rising order, none touching another.

    A running head is a line within the first or last three of a page which, but for its figures, is there on
    a tenth of the pages, and on three at least. An entry of a table of contents ends with leader dots, with
    or without a page number.
    """
    pages = [_lines(extract.text, page.start, page.end) for page in extract.pages if page.number]
    counts = Counter(said for lines in pages for said in {said for _, _, said in _edges(lines)})
    fewest = max(_FEWEST, _SHARE * len(pages))
    heads = {said for said, count in counts.items() if count >= fewest}
    found = [
        (start, end)
        for lines in pages
        for start, end, said in lines
        if end - start <= _LONGEST and _LEADERS.search(extract.text[start:end].rstrip())
    ]
    found += [(start, end) for lines in pages for start, end, said in _edges(lines) if said in heads]
    return tuple(_joined(sorted(found)))


def _lines(text: str, start: int, end: int) -> list[_Line]:
    """The lines of a page that are not empty, with their line ends."""
    lines = []
    for line in text[start:end].splitlines(keepends=True):
        said = _DIGITS.sub("0", "".join(line.split()))
        if said:
            lines.append((start, start + len(line), said))
        start += len(line)
    return lines


def _edges(lines: list[_Line]) -> list[_Line]:
    edges = lines if len(lines) <= 2 * _EDGE else lines[:_EDGE] + lines[-_EDGE:]
    return [line for line in edges if len(line[2]) <= _LONGEST]


def _joined(ranges: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Ranges that overlap or touch as one."""
    current: tuple[int, int] | None = None
    for start, end in ranges:
        if current is None:
            current = (start, end)
        elif start <= current[1]:
            current = (current[0], max(current[1], end))
        else:
            yield current
            current = (start, end)
    if current is not None:
        yield current
