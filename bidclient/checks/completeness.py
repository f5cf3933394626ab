"""Is everything there that the tender asks for, and nothing too large?"""

from collections.abc import Iterator

from bidclient.checks.finding import Finding
from bidclient.checks.rules import found
from bidclient.stages.draft import Draft
from bidclient.stages.tender import Tender

_ENVELOPE_BYTES = 4 * 1024 * 1024
"""Generous room for the manifest, headers and signatures around the documents."""


def check_completeness(draft: Draft, tender: Tender) -> list[Finding]:
    """Missing documents, too many pages, clauses without a page, and the size of the whole."""
    return [*_documents(draft, tender), *_clauses(draft, tender), *_size(draft, tender)]


def _documents(draft: Draft, tender: Tender) -> Iterator[Finding]:
    present = {(document.part, document.name): document for document in draft.documents}
    for part in tender.parts:
        for wanted in part.documents:
            document = present.pop((part.id, wanted.name), None)
            where = f"{part.id}/{wanted.name}"
            if document is None and wanted.required:
                facts = {"part": part.title, "part_id": part.id, "name": wanted.name}
                yield found("DOC-001", where, title=wanted.title, **facts)
            if document is not None and document.pages > wanted.max_pages:
                yield found("DOC-002", where, title=wanted.title, pages=document.pages, most=wanted.max_pages)
    for part_id, name in present:
        yield found("DOC-003", f"{part_id}/{name}")


def _clauses(draft: Draft, tender: Tender) -> Iterator[Finding]:
    linked = {link.clause for link in draft.clause_links}
    titles = {part.id: part.title for part in tender.parts}
    for clause in tender.clauses:
        if clause.id not in linked:
            facts = {"title": clause.title, "points": clause.points, "part": titles[clause.part]}
            yield found("LNK-001", clause.id, part_id=clause.part, **facts)


def _size(draft: Draft, tender: Tender) -> Iterator[Finding]:
    size = sum(document.size for document in draft.documents) + _ENVELOPE_BYTES
    if size > tender.size_limit:
        yield found("SIZ-001", "size", size=size >> 20, most=tender.size_limit >> 20)
