"""The documents of a draft as one run of normalised characters, and the way back to each of them."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bidclient.similarity.passages.normal import Normal, normalise, within
from bidclient.similarity.passages.source import Query

_APART = 256
"""Empty characters after each document, so that no passage spans two."""


@dataclass(frozen=True)
class Draft:
    """`usable` is false between the documents; document `n` begins at `begins[n]`."""

    queries: tuple[Query, ...]
    normals: tuple[Normal, ...]
    begins: tuple[int, ...]
    chars: NDArray[np.uint32]
    usable: NDArray[np.bool_]

    def document(self, place: int) -> int:
        """The number of the document that a character belongs to."""
        return bisect_right(self.begins, place) - 1

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where in its document's text the characters start..end stand."""
        number = self.document(start)
        begin = self.begins[number]
        return self.normals[number].span(start - begin, end - begin)

    def place(self, number: int, offset: int) -> int:
        """The first character at or after an offset of a document's text."""
        return self.begins[number] + int(np.searchsorted(self.normals[number].index, offset))

    def figured(self, number: int, start: int, end: int) -> Normal:
        """A range of a document's text, normalised with its figures."""
        query = self.queries[number]
        left_out = within(sorted(query.leave_out), start, end)
        return normalise(query.text[start:end], left_out, keep_figures=True)


def joined(queries: Sequence[Query]) -> Draft:
    """All documents, one after the other."""
    normals = tuple(normalise(query.text, query.leave_out) for query in queries)
    gap = np.zeros(_APART, np.uint32)
    begins, length = [], 0
    for normal in normals:
        begins.append(length)
        length += len(normal) + _APART
    chars = np.concatenate([part for normal in normals for part in (normal.chars, gap)] or [gap])
    return Draft(tuple(queries), normals, tuple(begins), chars, chars != 0)
