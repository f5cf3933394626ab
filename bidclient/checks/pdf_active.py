"""What a PDF would do, or carries beside its pages: platforms refuse such bids, or strip them."""

from collections.abc import Iterator
from itertools import islice
from typing import Literal

import pypdf
from pypdf.generic import ArrayObject, DictionaryObject

from bidclient.checks.pdf import PYPDF_ERRORS, dictionary

Active = Literal["javascript", "launch", "attachment", "multimedia"]

_ACTIONS: dict[str, Active] = {"/JavaScript": "javascript", "/Launch": "launch"}
_ANNOTATIONS: dict[str, Active] = {
    "/FileAttachment": "attachment",
    "/Movie": "multimedia",
    "/RichMedia": "multimedia",
    "/Screen": "multimedia",
    "/Sound": "multimedia",
    "/3D": "multimedia",
}
_MOST_STEPS = 50_000
"""Bookmarks: circles end here."""
_LONGEST_CHAIN = 100


def active_content(reader: pypdf.PdfReader) -> frozenset[Active] | None:
    """The kinds of active content (ISO 32000-1 §12.6.4, §7.11.4, §13); None when it cannot be told."""
    try:
        return frozenset(_all(reader))
    except PYPDF_ERRORS:
        return None


def _all(reader: pypdf.PdfReader) -> Iterator[Active]:
    catalogue = dictionary(reader.trailer["/Root"])
    names = dictionary(catalogue.get("/Names"))
    if "/JavaScript" in names:
        yield "javascript"
    if any(dictionary(names.get("/EmbeddedFiles")).get(key) for key in ("/Names", "/Kids")):
        yield "attachment"
    yield from _acts(catalogue, "/OpenAction")
    for page in reader.pages:
        yield from _acts(page)
        for annotation in _list(page, "/Annots"):
            kind = _ANNOTATIONS.get(str(annotation.get("/Subtype")))
            if kind:
                yield kind
            yield from _acts(annotation, "/A")
            yield from _acts(dictionary(annotation.get("/Parent")))
    for bookmark in islice(_bookmarks(dictionary(catalogue.get("/Outlines"))), _MOST_STEPS):
        yield from _acts(bookmark, "/A")


def _acts(owner: DictionaryObject, key: str = "") -> Iterator[Active]:
    """What the action under `key` and those in /AA, which events set off, are."""
    actions = [dictionary(one) for one in dictionary(owner.get("/AA")).values()]
    if key:
        actions.append(dictionary(owner.get(key)))
    for action in actions:
        yield from _chain(action)


def _chain(action: DictionaryObject) -> Iterator[Active]:
    waiting = [action]
    for _ in range(_LONGEST_CHAIN):
        if not waiting:
            return
        one = waiting.pop()
        kind = _ACTIONS.get(str(one.get("/S")))
        if kind:
            yield kind
        waiting += _list(one, "/Next") or ([dictionary(one["/Next"])] if "/Next" in one else [])


def _bookmarks(parent: DictionaryObject) -> Iterator[DictionaryObject]:
    waiting = [parent]
    while waiting:
        one = waiting.pop()
        yield one
        waiting += [dictionary(one[key]) for key in ("/Next", "/First") if key in one]


def _list(owner: DictionaryObject, key: str) -> list[DictionaryObject]:
    found = owner.get(key)
    values = found.get_object() if found is not None else None
    return [dictionary(one) for one in values] if isinstance(values, ArrayObject) else []
