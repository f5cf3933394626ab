"""The user's own PDFs in the demonstration: which places of the sample bid they take."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from bidclient.checks.pdf import preflight
from bidclient.errors import BadDocument, FileProblem
from bidclient.sandbox.samples import SampleBid
from bidclient.stages.draft import ClauseLink, DraftDocument
from bidclient.stages.tender import Tender


def pdf_files(folder: Path) -> tuple[Path, ...]:
    """The PDFs in a folder, in the order of their names. Raises FileProblem when there are none."""
    files = tuple(sorted(folder.glob("*.pdf")))
    if not files:
        raise FileProblem(str(folder), "no PDF in it")
    return files


def assigned(files: tuple[Path, ...], wanted: SampleBid, tender: Tender) -> dict[tuple[str, str], Path]:
    """The user's own PDFs in the places of the required documents: in each the longest that it may hold.

    A blind part keeps its sample, because nobody knows what names another document carries; so does a form
    that is sealed at a text of its own.
    """
    waiting = [(path, preflight(path).pages) for path in files]
    limits = {
        (part.id, required.name): required.max_pages
        for part in tender.parts
        if not part.blind
        for required in part.documents
        if all(seal.anchor is msgspec.UNSET for seal in required.seals)
    }
    own: dict[tuple[str, str], Path] = {}
    for document in wanted.documents:
        limit = limits.get((document.part, document.name), 0)
        fitting = max((one for one in waiting if one[1] <= limit), key=lambda one: one[1], default=None)
        if fitting is not None:
            waiting.remove(fitting)
            own[document.part, document.name] = fitting[0]
    if files and not own:
        raise BadDocument(files[0].name, "more pages than any required document may have")
    return own


def clause_links(
    wanted: SampleBid, documents: Sequence[DraftDocument], own: Mapping[tuple[str, str], Path]
) -> list[ClauseLink]:
    """The sample's clause links into the draft's documents; into one of the user's they point to page 1."""
    parts = {document.name: document.part for document in wanted.documents}
    files = {(one.part, one.name): one.file for one in documents}
    links = []
    for link in wanted.links:
        place = (parts[link.document], link.document)
        links.append(ClauseLink(link.clause, place[0], files[place], 1 if place in own else link.page))
    return links
