"""Making the draft: a folder from a tender, documents and fields into it, and what is still missing."""

import re
import secrets
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bidclient.checks.completeness import check_completeness
from bidclient.checks.finding import Finding
from bidclient.checks.forms import check_forms
from bidclient.desk.clarification import carried_over, check_successor
from bidclient.desk.connection import Clock, Connections, Origin
from bidclient.desk.pricing import priced_items, read_price_file
from bidclient.errors import (
    ArtefactLocked,
    FileProblem,
    NotABidFolder,
    NotSealable,
    UnknownDocument,
    UnknownPart,
)
from bidclient.formats import atomic
from bidclient.formats.content import file_digest
from bidclient.formats.instant import instant_text
from bidclient.formats.money import yuan_text
from bidclient.stages.draft import (
    ClauseLink,
    Draft,
    DraftDocument,
    PricedItem,
    document_path,
    draft_bytes,
    new_draft,
    with_document,
    with_field,
    with_link,
    with_prices,
    without_document,
)
from bidclient.stages.tender import Part, Tender, read_tender
from bidclient.store.bids import BidFolder, copy_file
from bidclient.store.journal import Fact
from bidclient.store.state import Stale, draft_of, state

if TYPE_CHECKING:
    from bidclient.desk.letter import WrittenLetter

_PDF = ".pdf"


@dataclass(frozen=True)
class BidStatus:
    """A bid at a glance; `missing` is what the tender still asks for."""

    folder: str
    project: str
    lot: str
    lot_code: str
    tender_version: int
    tender_origin: Origin
    """Whether the tender was proven to be the network's when it was taken in; a bid is refused by the network
    anyway when it answers another tender than the network's own."""
    deadline: str
    opening_at: str
    stage: str
    rehearsed: bool
    in_force: str | None
    """Where a submission in force lies that is not the bid in the making."""
    receipt_no: str | None
    stale: tuple[Stale, ...]
    bidder: str
    price_fen: int | None
    documents: tuple[DraftDocument, ...]
    missing: tuple[Finding, ...]


@dataclass(frozen=True)
class Added:
    """A document that is now part of the draft."""

    document: DraftDocument
    replaced: str | None
    superseded: tuple[str, ...]


@dataclass(frozen=True)
class Edited:
    """What an edit has done; `superseded` names the later artefacts that were put aside."""

    changed: tuple[str, ...]
    superseded: tuple[str, ...]


class Preparing:
    """The clerk's room. Every verb leaves the folder in the old state or in the new one."""

    def __init__(self, connections: Connections, now: Clock) -> None:
        self._connections = connections
        self._now = now

    def new(self, tender_file: Path, path: Path) -> BidStatus:
        """Start a bid folder for a tender, which must be the network's when one is set.

        Raises BidExists and what read_tender and Connections.check_tender raise.
        """
        package = read_tender(tender_file)
        origin = self._connections.check_tender(package)
        folder = BidFolder.create(path, tender_file)
        with folder.locked():
            draft = new_draft(package, secrets.token_hex(16), secrets.token_bytes(32), self._now())
            folder.parts.mkdir(exist_ok=True)
            atomic.write(folder.draft, draft_bytes(draft))
            facts = {"tender_sha256": package.sha256, "lot": package.tender.lot.id, "origin": origin}
            self._note(folder, "created", facts)
        return self.status(path)

    def status(self, path: Path) -> BidStatus:
        """Where the bid stands. Raises NotABidFolder, IntegrityProblem for a damaged tender or draft."""
        folder = BidFolder.open(path)
        tender = read_tender(folder.tender).tender
        if not folder.draft.is_file():
            raise NotABidFolder(str(path))
        draft = draft_of(folder)
        now = state(folder)
        in_force = folder.in_force()
        price = draft.form.get(tender.price.field)
        return BidStatus(
            folder=str(path),
            project=tender.project.name,
            lot=tender.lot.name,
            lot_code=tender.lot.code,
            tender_version=tender.tender_version,
            tender_origin=_origin(folder),
            deadline=tender.deadline,
            opening_at=tender.opening_at,
            stage=now.stage.value,
            rehearsed=now.rehearsed,
            in_force=now.kept,
            receipt_no=in_force[1].receipt.receipt.receipt_no if in_force else None,
            stale=now.stale,
            bidder=draft.bidder.name,
            price_fen=int(price) if price else None,
            documents=draft.documents,
            missing=tuple(
                finding
                for finding in [*check_completeness(draft, tender), *check_forms(draft, tender)]
                if finding.severity == "blocking"
            ),
        )

    def import_tender(self, path: Path, tender_file: Path) -> BidStatus:
        """Take a newer version of the tender (答疑澄清): the draft is carried over, the rest put aside.

        Documents and fields that the new version does not know fall away from the draft, the files stay in
        superseded/. The version that is there already is only checked again, as by `new`. Raises Mismatch for
        another lot or an older version, and what read_tender and Connections.check_tender raise.
        """
        folder = BidFolder.open(path)
        newer = read_tender(tender_file)
        origin = self._connections.check_tender(newer)
        with folder.locked():
            older = read_tender(folder.tender)
            check_editable(folder)
            check_successor(older, newer)
            before = draft_of(folder)
            if newer.sha256 == older.sha256 == before.tender_sha256:
                self._note(folder, "tender-checked", {"tender_sha256": newer.sha256, "origin": origin})
                return self.status(path)
            draft, dropped = carried_over(before, newer)
            folder.keep_submitted()
            # The tender first: a kill in between leaves a draft that says itself that it is stale, and that
            # the next import of this version carries over.
            if newer.sha256 != older.sha256:
                folder.replace_tender(tender_file, older.tender.tender_version)
            atomic.write(folder.draft, draft_bytes(draft))
            files = [folder.parts.parent / document_path(document) for document in dropped]
            folder.set_aside([*folder.artefacts.in_order(), *files])
            facts: dict[str, Fact] = {
                "tender_sha256": newer.sha256,
                "tender_version": newer.tender.tender_version,
                "origin": origin,
            }
            self._note(folder, "tender-imported", facts)
        return self.status(path)

    def add(self, path: Path, part: str, files: Sequence[Path], name: str | None = None) -> list[Added]:
        """Copy documents into a part, each preflighted; `name` says which required document a single file is.

        Without it a file is matched by its stem to name or title of a required document, and failing that
        fills the next one that is still missing. A file that cannot be sealed is refused where the tender
        wants a seal. Raises UnknownPart, UnknownDocument, BadDocument,
        FileProblem, ArtefactLocked.
        """
        if name is not None and len(files) != 1:
            raise UnknownDocument(name)
        return [self._add_one(path, part, file, name) for file in files]

    def remove(self, path: Path, part: str, name: str) -> Edited:
        """Take a document out of the draft; its file moves to superseded/. Raises UnknownDocument."""
        folder = BidFolder.open(path)
        with folder.locked():
            tender, draft = self._editable(folder)
            document = next((one for one in draft.documents if (one.part, one.name) == (part, name)), None)
            changed = without_document(draft, part, name, self._now())
            aside = store_draft(folder, changed)
            if document is not None:
                aside += folder.set_aside([folder.path / document_path(document)])
            self._note(folder, "document-removed", {"part": part, "name": name, "lot": tender.lot.id})
        return Edited((f"{part}/{name}",), aside)

    def set_fields(self, path: Path, values: Mapping[str, str]) -> Edited:
        """Set fields of the opening form or `bidder.*`. Raises UnknownField, BadValue, ArtefactLocked."""

        def edit(draft: Draft, tender: Tender) -> Draft:
            for name, value in values.items():
                draft = with_field(draft, tender, name, value, self._now())
            return draft

        # Values stay out of the journal: it goes to third parties as evidence.
        return self._edit(path, edit, "fields-set", tuple(values))

    def import_prices(self, path: Path, price_file: Path) -> Edited:
        """Take the price list from a CSV file (see desk.pricing) and set its sum in the opening form.

        Raises FileProblem, UnknownField, BadValue, BadFormat, ArtefactLocked.
        """
        rows = read_price_file(price_file)

        def edit(draft: Draft, tender: Tender) -> Draft:
            items = priced_items(rows, tender)
            draft = with_prices(draft, tender, items, self._now())
            total = yuan_text(sum(item.total_fen for item in items))
            return with_field(draft, tender, tender.price.field, total, self._now())

        return self._edit(path, edit, "prices-set", tuple(row.code for row in rows))

    def set_prices(self, path: Path, items: Sequence[PricedItem]) -> Edited:
        """Replace the price list. Raises UnknownField, BadValue, ArtefactLocked."""
        codes = tuple(item.code for item in items)
        return self._edit(
            path, lambda draft, tender: with_prices(draft, tender, items, self._now()), "prices-set", codes
        )

    def link(self, path: Path, links: Sequence[ClauseLink]) -> Edited:
        """Link evaluation clauses to pages (条款关联). Raises UnknownField, UnknownDocument, BadValue."""

        def edit(draft: Draft, tender: Tender) -> Draft:
            for one in links:
                draft = with_link(draft, tender, one, self._now())
            return draft

        return self._edit(path, edit, "clauses-linked", tuple(link.clause for link in links))

    def letter(self, path: Path, out: Path) -> "WrittenLetter":
        """Write bid letter and opening form to the new file `out`, a DOCX; the bid stays as it is.

        Raises BadValue while the bidder has no name, BidExists, DiskProblem, and as `status`.
        """
        # lxml is slow to import, and no other verb of this room needs it.
        from bidclient.desk.letter import write_letter

        folder = BidFolder.open(path)
        return write_letter(draft_of(folder), read_tender(folder.tender).tender, out, self._now())

    # ------------------------------------------------------------------------------------------ within

    def _edit(
        self, path: Path, edit: Callable[[Draft, Tender], Draft], event: str, changed: tuple[str, ...]
    ) -> Edited:
        folder = BidFolder.open(path)
        with folder.locked():
            tender, draft = self._editable(folder)
            aside = store_draft(folder, edit(draft, tender))
            self._note(folder, event, {"count": len(changed), "names": " ".join(changed)[:2000]})
        return Edited(changed, aside)

    def _editable(self, folder: BidFolder) -> tuple[Tender, Draft]:
        check_editable(folder)
        return read_tender(folder.tender).tender, draft_of(folder)

    def _add_one(self, path: Path, part_id: str, file: Path, name: str | None) -> Added:
        folder = BidFolder.open(path)
        pages, unsealable = _examined(file)
        with folder.locked():
            tender, draft = self._editable(folder)
            part = _part(tender, part_id)
            slot = name or _slot(part, draft, unicodedata.normalize("NFC", file.stem))
            place = next((required for required in part.documents if required.name == slot), None)
            if unsealable and place is not None and place.seals and not part.blind:
                raise NotSealable(file.name, unsealable)
            old = next((one for one in draft.documents if (one.part, one.name) == (part.id, slot)), None)
            target = _free_place(folder.parts / part.id, unicodedata.normalize("NFC", file.name))
            size, digest = file_digest(file)
            document = DraftDocument(
                part=part.id,
                name=slot,
                file=target.name,
                title=slot if place is None else place.title,
                size=size,
                sha256=digest,
                pages=pages,
                added_at=instant_text(self._now()),
            )
            changed = with_document(draft, tender, document, self._now())
            target.parent.mkdir(parents=True, exist_ok=True)
            copy_file(file, target)
            if file_digest(target) != (size, digest):
                raise FileProblem(str(file), "changed while it was copied")
            aside = store_draft(folder, changed)
            if old is not None:
                aside += folder.set_aside([folder.path / document_path(old)])
            facts: dict[str, Fact] = {
                "part": part.id,
                "name": slot,
                "sha256": digest,
                "size": size,
                "pages": pages,
            }
            self._note(folder, "document-added", facts)
        return Added(document, old.file if old else None, aside)

    def _note(self, folder: BidFolder, event: str, facts: Mapping[str, Fact]) -> None:
        folder.journal.append(event, facts, self._now())


def store_draft(folder: BidFolder, draft: Draft) -> tuple[str, ...]:
    """Write the draft; what was made from the old one is kept aside. Raises DiskProblem."""
    kept = folder.keep_submitted()
    atomic.write(folder.draft, draft_bytes(draft))
    aside = folder.set_aside(folder.artefacts.in_order())
    return aside if kept is None else (kept.relative_to(folder.path).as_posix(), *aside)


def _origin(folder: BidFolder) -> Origin:
    last = folder.journal.latest("created", "tender-imported", "tender-checked")
    return "verified" if last is not None and last.data.get("origin") == "verified" else "cannot-tell"


def check_editable(folder: BidFolder) -> None:
    """Raises ArtefactLocked when the key is released, or a finalize is out whose answer we do not know."""
    if (folder.opening / "release.p7s").exists():
        raise ArtefactLocked("opening/release.p7s")
    last = folder.journal.latest("finalize-intended", "finalize-refused", "submitted")
    if last is not None and last.event == "finalize-intended":
        raise ArtefactLocked("bid.sealed")


def _part(tender: Tender, wanted: str) -> Part:
    for part in tender.parts:
        if wanted in (part.id, part.title):
            return part
    raise UnknownPart(wanted, ", ".join(f"{part.id} ({part.title})" for part in tender.parts))


def _slot(part: Part, draft: Draft, stem: str) -> str:
    """Which required document a file of this name is."""
    plain = re.sub(r"^[\d\W_]+", "", stem) or stem
    for required in part.documents:
        if stem in (required.name, required.title) or plain in (required.name, required.title):
            return required.name
    filled = {document.name for document in draft.documents if document.part == part.id}
    open_places = [required.name for required in part.documents if required.name not in filled]
    if not open_places:
        raise UnknownDocument(f"{part.id}/{stem}")
    return open_places[0]


def _free_place(folder: Path, name: str) -> Path:
    """A name that is not taken: the old file must stay until the draft no longer speaks of it."""
    stem, suffix = Path(name).stem, Path(name).suffix
    candidates = (
        folder / (f"{stem}-{number}{suffix}" if number > 1 else name) for number in range(1, 10_000)
    )
    return next(candidate for candidate in candidates if not candidate.exists())


def _examined(file: Path) -> tuple[int, str]:
    """The pages of a fit PDF, 0 for another kind of file; and why no seal can be put on it, if so.

    Raises BadDocument, FileProblem.
    """
    if file.suffix.lower() != _PDF:
        if not file.is_file():
            raise FileProblem(str(file), "not a file")
        return 0, ""
    # Slow to import, and most verbs never come here.
    from bidclient.checks.pdf import preflight

    facts = preflight(file)
    return facts.pages, facts.unsealable
