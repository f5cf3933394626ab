"""The draft (投标工程文件): what the clerk edits, as `draft.json` beside `parts/`."""

import hashlib
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final, Literal

import msgspec

from bidclient.errors import BadDocument, BadValue, UnknownDocument, UnknownField, UnknownPart
from bidclient.formats import canonical
from bidclient.formats.field import BIDDER_FIELDS, bidder_value, field_value
from bidclient.formats.instant import Instant, instant_text
from bidclient.formats.names import folded, name_problem
from bidclient.formats.record import read_record
from bidclient.stages.tender import Fen, Hex32, Name, Record, Slug, Tender, TenderPackage, Uscc

FORMAT: Final = "bidclient/draft"
VERSION: Final = 1
PARTS = "parts/"
_LONGEST_NAME = 200


class Bidder(Record):
    """投标人."""

    name: str = ""
    uscc: str = ""
    legal_representative: str = ""
    agent: str = ""
    phone: str = ""


class PricedItem(Record):
    """A priced line: unit price (综合单价) and total, both in fen."""

    code: str
    unit_price_fen: Fen
    total_fen: Fen


class DraftDocument(Record):
    """A preflighted copy under parts/<part>/<file>. `pages` 0 for what is not a PDF."""

    part: Slug
    name: Slug
    file: Name
    title: Name
    size: int
    sha256: Hex32
    pages: int
    added_at: Instant


class ClauseLink(Record):
    """A clause and the page (from 1) that answers it."""

    clause: Slug
    part: Slug
    file: Name
    page: Annotated[int, msgspec.Meta(ge=1)]


class Draft(Record):
    """draft.json. `salt` hides the plaintext until the opening; `creation_code`: 文件创建标识码."""

    format: Literal["bidclient/draft"]
    version: Literal[1]
    tender_sha256: Hex32
    tender_version: int
    lot: str
    bidder: Bidder
    form: dict[str, str]
    prices: tuple[PricedItem, ...]
    documents: tuple[DraftDocument, ...]
    clause_links: tuple[ClauseLink, ...]
    creation_code: str
    salt: Hex32
    created_at: Instant
    edited_at: Instant


# ---------------------------------------------------------------------------------------------- verbs


def new_draft(package: TenderPackage, creation_code: str, salt: bytes, now: datetime) -> Draft:
    """An empty draft that answers `package`; `salt` is 32 fresh random bytes."""
    if len(salt) != 32:
        raise ValueError("the salt is 32 bytes")
    tender = package.tender
    return Draft(
        FORMAT,
        VERSION,
        tender_sha256=package.sha256,
        tender_version=tender.tender_version,
        lot=tender.lot.id,
        bidder=Bidder(),
        form={},
        prices=(),
        documents=(),
        clause_links=(),
        creation_code=creation_code,
        salt=salt.hex(),
        created_at=instant_text(now),
        edited_at=instant_text(now),
    )


def with_document(draft: Draft, tender: Tender, document: DraftDocument, now: datetime) -> Draft:
    """`document` in its place, instead of the one that was there.

    Raises UnknownPart, UnknownDocument for a place that is not in the tender, BadDocument for its name.
    """
    part = next((part for part in tender.parts if part.id == document.part), None)
    if part is None:
        raise UnknownPart(document.part, " ".join(part.id for part in tender.parts))
    if document.name not in {required.name for required in part.documents}:
        raise UnknownDocument(f"{document.part}/{document.name}")
    others = [
        other for other in draft.documents if (other.part, other.name) != (document.part, document.name)
    ]
    problem = name_problem(document_path(document))
    if problem is None and "/" in document.file:
        problem = "contains a /"
    if problem is None and len(document.file) > _LONGEST_NAME:
        problem = f"longer than {_LONGEST_NAME} characters"
    if problem is None and folded(document_path(document)) in {
        folded(document_path(other)) for other in others
    }:
        problem = "another document has this file name"
    if problem:
        raise BadDocument(document.file, problem)
    places = [(part.id, required.name) for part in tender.parts for required in part.documents]
    order = {place: number for number, place in enumerate(places)}
    # A document of an older tender version may have no place any more: it goes last until it is removed.
    documents = sorted([*others, document], key=lambda each: order.get((each.part, each.name), len(order)))
    return _edited(draft, now, documents=tuple(documents))


def without_document(draft: Draft, part: str, name: str, now: datetime) -> Draft:
    """Without the document `name` of `part`, and without the links to its pages. Raises UnknownDocument."""
    rest = tuple(each for each in draft.documents if (each.part, each.name) != (part, name))
    if len(rest) == len(draft.documents):
        raise UnknownDocument(f"{part}/{name}")
    return _edited(draft, now, documents=rest)


def with_field(draft: Draft, tender: Tender, name: str, value: str, now: datetime) -> Draft:
    """A field of the opening form or of the bidder (`bidder.name`, …) set; an empty value clears it.

    The value is what a person types: money in yuan ("9,800,000.00"; kept in fen), dates as 2026-12-01.
    Raises UnknownField, BadValue.
    """
    text = unicodedata.normalize("NFC", value).strip()
    if name in BIDDER_FIELDS:
        checked = bidder_value(name, text)
        bidder = msgspec.structs.replace(draft.bidder, **{name.removeprefix("bidder."): checked})
        return _edited(draft, now, bidder=bidder)
    field = next((field for field in tender.form if field.name == name), None)
    if field is None:
        raise UnknownField(name, " ".join([*(field.name for field in tender.form), *BIDDER_FIELDS]))
    form = {key: kept for key, kept in draft.form.items() if key != name}
    if text:
        form[name] = field_value(name, field.type, field.max_length, text)
    return _edited(draft, now, form=form)


def with_prices(draft: Draft, tender: Tender, items: Sequence[PricedItem], now: datetime) -> Draft:
    """The whole price list, in the order of the tender. Raises UnknownField for a code not in it."""
    order = {item.code: index for index, item in enumerate(tender.price.items)}
    codes = [item.code for item in items]
    for code in codes:
        if code not in order:
            raise UnknownField(code, f"{len(order)} codes of the price list")
    if len(set(codes)) != len(codes):
        raise BadValue("prices", "a code is priced twice")
    return _edited(draft, now, prices=tuple(sorted(items, key=lambda item: order[item.code])))


def with_link(draft: Draft, tender: Tender, link: ClauseLink, now: datetime) -> Draft:
    """A clause linked to a page of a document; the same clause may have several pages.

    Raises UnknownField for the clause, UnknownDocument, BadValue for a page that the document does not have.
    """
    if link.clause not in {clause.id for clause in tender.clauses}:
        raise UnknownField(link.clause, " ".join(clause.id for clause in tender.clauses))
    document = next(
        (each for each in draft.documents if (each.part, each.file) == (link.part, link.file)), None
    )
    if document is None:
        raise UnknownDocument(f"{link.part}/{link.file}")
    if not 1 <= link.page <= document.pages:
        raise BadValue(link.clause, f"page {link.page} of {document.pages}")
    kept = [other for other in draft.clause_links if other != link]
    return _edited(draft, now, clause_links=(*kept, link))


def without_links(draft: Draft, clause: str, now: datetime) -> Draft:
    """Without the links of one clause."""
    return _edited(
        draft, now, clause_links=tuple(link for link in draft.clause_links if link.clause != clause)
    )


def document_path(document: DraftDocument) -> str:
    """The path below the bid folder, and the entry in the ZIP: parts/<part>/<file>."""
    return f"{PARTS}{document.part}/{document.file}"


def draft_bytes(draft: Draft) -> bytes:
    """draft.json."""
    return canonical.dumps(draft)


def read_draft(data: bytes) -> Draft:
    """The draft in draft.json. Raises NotCanonical, BadFormat."""
    return read_record(data, Draft, "draft.json")


def draft_sha256(draft: Draft) -> str:
    """The hex SHA-256 of draft.json, which the package names."""
    return hashlib.sha256(draft_bytes(draft)).hexdigest()


def _edited(draft: Draft, now: datetime, **changes: object) -> Draft:
    """The changed draft; links to pages that are no longer there fall away."""
    changed = msgspec.structs.replace(draft, edited_at=instant_text(now), **changes)
    pages = {(document.part, document.file): document.pages for document in changed.documents}
    links = tuple(link for link in changed.clause_links if link.page <= pages.get((link.part, link.file), 0))
    return msgspec.structs.replace(changed, clause_links=links)


__all__ = [
    "FORMAT",
    "PARTS",
    "VERSION",
    "Bidder",
    "ClauseLink",
    "Draft",
    "DraftDocument",
    "PricedItem",
    "Uscc",
    "document_path",
    "draft_bytes",
    "draft_sha256",
    "new_draft",
    "read_draft",
    "with_document",
    "with_field",
    "with_link",
    "with_prices",
    "without_document",
    "without_links",
]
