"""A clarification (答疑澄清) makes a new tender version: what of a draft can be carried over to it."""

import msgspec

from bidclient.errors import Mismatch
from bidclient.stages.draft import Draft, DraftDocument
from bidclient.stages.tender import TenderPackage


def check_successor(older: TenderPackage, newer: TenderPackage) -> None:
    """Raises Mismatch unless `newer` is the same tender or a later version of it."""
    if newer.tender.lot.id != older.tender.lot.id:
        raise Mismatch("lot", older.tender.lot.id, newer.tender.lot.id)
    if newer.tender.network != older.tender.network:
        raise Mismatch("network", older.tender.network, newer.tender.network)
    if newer.sha256 != older.sha256 and newer.tender.tender_version <= older.tender.tender_version:
        raise Mismatch("tender_version", f"> {older.tender.tender_version}", str(newer.tender.tender_version))


def carried_over(draft: Draft, newer: TenderPackage) -> tuple[Draft, list[DraftDocument]]:
    """The draft for the newer tender, and the documents that have no place in it any more."""
    tender = newer.tender
    places = {(part.id, required.name) for part in tender.parts for required in part.documents}
    fields = {field.name for field in tender.form}
    codes = {item.code for item in tender.price.items}
    clauses = {clause.id for clause in tender.clauses}
    kept = tuple(one for one in draft.documents if (one.part, one.name) in places)
    files = {(one.part, one.file) for one in kept}
    carried = msgspec.structs.replace(
        draft,
        tender_sha256=newer.sha256,
        tender_version=tender.tender_version,
        documents=kept,
        form={name: value for name, value in draft.form.items() if name in fields},
        prices=tuple(item for item in draft.prices if item.code in codes),
        clause_links=tuple(
            one for one in draft.clause_links if one.clause in clauses and (one.part, one.file) in files
        ),
    )
    return carried, [one for one in draft.documents if one not in kept]
