"""What goes into the archive: earlier bids as folders, as signed packages, or as plain files; ours only."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from bidclient.desk.archive import Request
from bidclient.errors import BadCommandLine, DiskProblem, FileProblem
from bidclient.formats import canonical, stored_zip
from bidclient.formats.content import check_content, file_digest
from bidclient.formats.instant import Instant
from bidclient.stages.draft import Draft, PricedItem, document_path
from bidclient.stages.package import HEAD, MANIFEST_NAME, Manifest, Package, read_package
from bidclient.stages.signed import SignedBid, read_signed
from bidclient.stages.tender import Tender, read_tender
from bidclient.store.archive_records import PastBid
from bidclient.store.bids import TENDER, BidFolder
from bidclient.store.state import draft_of, manifest_bytes

_SIGNED, _PACKED = ".asice", ".zip"


@dataclass(frozen=True)
class Handed:
    """A document that was handed in: its name in the bid, its size, hex SHA-256, and where to read it."""

    name: str
    size: int
    sha256: str
    at: Callable[[], AbstractContextManager[Path]]


@dataclass(frozen=True)
class Candidate:
    """A bid that was handed in and is not read yet. `file` is what bears its digest when it is refused.

    `declared` is the code of the bidder that it names; None for plain files, which have no place for it.
    `is_folder`: a bid folder of this program, in which only we can have written.
    """

    bid: PastBid
    file: Path
    declared: str | None
    is_folder: bool
    documents: Callable[[], tuple[Handed, ...]]


def candidates(request: Request, at: Instant) -> Iterator[Candidate]:
    """The bids that a request names, each on its own, and last what is plain files, together one bid.

    Of a package nothing but its manifest is read before its documents are asked for. Hidden files of a folder
    are left out. Raises FileProblem, BadCommandLine when plain files come without project and lot,
    IntegrityProblem for a damaged bid.
    """
    plain = []
    for path in request.paths:
        if not path.exists():
            raise FileProblem(str(path), "no such file")
        if request.owner != "own":
            plain.append(path)
        elif (path / TENDER).is_file():
            yield _folder(path, request, at)
        elif path.is_file() and path.suffix.lower() in (_SIGNED, _PACKED):
            yield _package(path, request, at, _name_of(path), None)
        else:
            plain.append(path)
    if plain:
        yield _plain(plain, request, at)


def _folder(path: Path, request: Request, at: Instant) -> Candidate:
    """What was submitted from a bid folder, or its draft where nothing was."""
    folder = BidFolder.open(path)
    name = request.name or path.resolve().name
    in_force = folder.in_force()
    if in_force is not None:
        artefacts = in_force[0]
        version = in_force[1].receipt.receipt.tender_version
        tender = read_tender(folder.tender_of(version)).tender
        file = artefacts.signed if artefacts.signed.exists() else artefacts.package
        return _package(file, request, at, name, tender)
    draft, tender = draft_of(folder), read_tender(folder.tender).tender
    bid = PastBid(
        "own",
        name,
        at,
        uscc=draft.bidder.uscc,
        project=tender.project.code,
        lot=tender.lot.id,
        lot_code=tender.lot.code,
        tender_sha256=draft.tender_sha256,
        creation_code=draft.creation_code,
        total_fen=_total(draft.form, draft.prices, tender),
        prices=draft.prices,
    )
    return Candidate(bid, folder.draft, draft.bidder.uscc, True, lambda: _of_draft(folder, draft))


def _of_draft(folder: BidFolder, draft: Draft) -> tuple[Handed, ...]:
    return tuple(_file(folder.path / document_path(one), document_path(one)) for one in draft.documents)


def _package(path: Path, request: Request, at: Instant, name: str, tender: Tender | None) -> Candidate:
    """A frozen or signed bid; its documents are looked at only when they are asked for."""
    manifest = canonical.loads(manifest_bytes(path), Manifest, MANIFEST_NAME)
    bid = PastBid(
        "own",
        request.name or name,
        at,
        uscc=manifest.bidder.uscc,
        project=manifest.tender.project,
        lot=manifest.tender.lot,
        lot_code=manifest.tender.lot_code,
        tender_sha256=manifest.tender.sha256,
        creation_code=manifest.creation_code,
        total_fen=_total(manifest.form, manifest.prices, tender),
        prices=manifest.prices,
    )
    return Candidate(bid, path, manifest.bidder.uscc, tender is not None, lambda: _of_package(path))


def _of_package(path: Path) -> tuple[Handed, ...]:
    package: Package | SignedBid
    package = read_signed(path) if path.suffix.lower() == _SIGNED else read_package(path)
    documents = package.manifest.documents
    entries = package.entries[len(HEAD) : len(HEAD) + len(documents)]
    return tuple(
        Handed(one.path, one.size, one.sha256, partial(unpacked, path, entry, one.size, one.sha256))
        for one, entry in zip(documents, entries, strict=True)
    )


@contextmanager
def unpacked(path: Path, entry: stored_zip.Entry, size: int, sha256: str) -> Iterator[Path]:
    """An entry of a package as a file of its own, as long as the block lasts. Raises BadManifest."""
    with TemporaryDirectory(prefix="bidclient-") as folder:
        target = Path(folder) / Path(entry.name).name
        try:
            with stored_zip.open_archive(path) as file, target.open("xb") as out:
                check_content(file, entry, size, sha256, path.name, out.write)
        except OSError as error:
            raise DiskProblem(str(target), error.strerror or str(error)) from error
        yield target


def _plain(paths: list[Path], request: Request, at: Instant) -> Candidate:
    if request.owner == "own" and not (request.project and request.lot):
        raise BadCommandLine("--project --lot")
    bid = PastBid(
        request.owner,
        request.name or paths[0].resolve().name,
        at,
        project=request.project,
        lot=request.lot,
        lot_code=request.lot,
    )
    return Candidate(bid, paths[0], None, False, lambda: tuple(_files(paths)))


def _files(paths: list[Path]) -> Iterator[Handed]:
    for path in paths:
        if path.is_dir():
            below = (one.relative_to(path) for one in path.rglob("*") if one.is_file())
            shown = sorted(one for one in below if not any(part.startswith(".") for part in one.parts))
            yield from (_file(path / one, one.as_posix()) for one in shown)
        else:
            yield _file(path, path.name)


def _file(path: Path, name: str) -> Handed:
    return Handed(name, *file_digest(path), lambda: nullcontext(path))


def _name_of(path: Path) -> str:
    """What to call a package: bid.asice is called like the folder that it lies in."""
    return path.resolve().parent.name if path.stem == "bid" else path.stem


def _total(form: dict[str, str], prices: tuple[PricedItem, ...], tender: Tender | None) -> int | None:
    """The total in fen: the field that the tender names, else the sum of the lines."""
    told = form.get(tender.price.field, "") if tender is not None else ""
    if told.isascii() and told.isdigit():
        return int(told)
    return sum(one.total_fen for one in prices) if prices else None
