"""What goes into the archive: earlier bids as folders, as signed packages, or as plain files; ours only."""

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from bidclient.desk.archive import Request
from bidclient.errors import BadArchive, BadCommandLine, DiskProblem, FileProblem
from bidclient.formats import canonical, stored_zip
from bidclient.formats.content import check_content, file_digest
from bidclient.formats.instant import Instant
from bidclient.stages.draft import Draft, PricedItem, document_path
from bidclient.stages.package import HEAD, MANIFEST_NAME, Manifest, Package, read_package
from bidclient.stages.signed import SignedBid, read_signed
from bidclient.stages.tender import Tender, read_tender
from bidclient.store.archive_records import PastBid
from bidclient.store.bids import DRAFT, TENDER, BidFolder
from bidclient.store.state import draft_of, manifest_bytes

_SIGNED, _PACKED = ".asice", ".zip"


@dataclass(frozen=True)
class Handed:
    """A document that was handed in: its name in the bid, its size, hex SHA-256, and where to read it.

    `folder` is the one that it was found in when a whole folder was handed in, empty for a file by itself.
    """

    name: str
    size: int
    sha256: str
    at: Callable[[], AbstractContextManager[Path]]
    folder: str = ""


@dataclass(frozen=True)
class Candidate:
    """A bid that was handed in and is not read yet. `file` is what bears its digest when it is refused.

    `declared` is the code of the bidder that it names, and `company` the name; None for plain files, which
    have no place for it. `is_folder`: a bid folder of this program, which is not signed.
    """

    bid: PastBid
    file: Path
    declared: str | None
    is_folder: bool
    documents: Callable[[], tuple[Handed, ...]]
    company: str = ""

    @property
    def says_whose(self) -> bool:
        """Whether it names its bidder; of what does not each document must be asked."""
        return bool(self.declared or self.company)


def bids_among(paths: Iterable[Path]) -> tuple[Path, ...]:
    """The paths, and behind them the bid folders and packages inside those that are plain folders.

    Each is a bid of its own, which says whose it is: `candidates` passes them over where they are inside.
    Raises FileProblem.
    """
    given = tuple(paths)
    return tuple(dict.fromkeys((*given, *(one for path in given for one in _bids_inside(path)))))


def _bids_inside(folder: Path) -> tuple[Path, ...]:
    if not folder.is_dir() or _is_bid_folder(folder):
        return ()
    found: dict[Path, None] = {}
    for path in sorted(folder.rglob("*")):
        if not any(above in found for above in path.parents) and _is_bid(path):
            found[path] = None
    return tuple(found)


def _is_bid_folder(path: Path) -> bool:
    """Whether somebody has a draft here: a tender alone is a file like any other."""
    return (path / TENDER).is_file() and (path / DRAFT).is_file()


def _is_bid(path: Path) -> bool:
    """A bid folder, or a ZIP with a manifest in its place; other ZIPs are files like any other."""
    if path.is_dir():
        return _is_bid_folder(path)
    if not path.is_file() or path.suffix.lower() not in (_SIGNED, _PACKED):
        return False
    try:
        manifest_bytes(path)
    except BadArchive:
        return False
    return True


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
        if _is_bid_folder(path):
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
        request.owner,
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
    documents = partial(_of_draft, folder, draft)
    return Candidate(bid, folder.draft, draft.bidder.uscc, True, documents, draft.bidder.name)


def _of_draft(folder: BidFolder, draft: Draft) -> tuple[Handed, ...]:
    return tuple(handed_file(folder.path / document_path(one), document_path(one)) for one in draft.documents)


def _package(path: Path, request: Request, at: Instant, name: str, tender: Tender | None) -> Candidate:
    """A frozen or signed bid; its documents are looked at only when they are asked for."""
    manifest = canonical.loads(manifest_bytes(path), Manifest, MANIFEST_NAME)
    bid = PastBid(
        request.owner,
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
    documents = partial(_of_package, path)
    return Candidate(bid, path, manifest.bidder.uscc, tender is not None, documents, manifest.bidder.name)


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
            bids = set(_bids_inside(path))
            below = (one.relative_to(path) for one in path.rglob("*") if one.is_file())
            shown = sorted(one for one in below if not any(part.startswith(".") for part in one.parts))
            for one in shown:
                if bids.isdisjoint((path / one, *(path / one).parents)):
                    yield handed_file(path / one, one.as_posix(), str(path))
        else:
            yield handed_file(path, path.name)


def handed_file(path: Path, name: str, folder: str = "") -> Handed:
    """A file as it lies on the disk, called `name`. Raises FileProblem."""
    return Handed(name, *file_digest(path), lambda: nullcontext(path), folder)


def not_ours(handed: Iterable[Handed], theirs: Collection[str], ours: Collection[str]) -> list[Handed]:
    """Those with a digest in `theirs`; and the whole folder where one of these lies and none of `ours`.

    A plan or a price list need not say whose it is: beside another company's letter it is that company's.
    """
    given = tuple(handed)
    own = {one.folder for one in given if one.sha256 in ours} | {""}
    foreign = {one.folder for one in given if one.sha256 in theirs} - own
    return [one for one in given if one.sha256 in theirs or one.folder in foreign]


def _name_of(path: Path) -> str:
    """What to call a package: bid.asice is called like the folder that it lies in."""
    return path.resolve().parent.name if path.stem == "bid" else path.stem


def _total(form: dict[str, str], prices: tuple[PricedItem, ...], tender: Tender | None) -> int | None:
    """The total in fen: the field that the tender names, else the sum of the lines."""
    told = form.get(tender.price.field, "") if tender is not None else ""
    if told.isascii() and told.isdigit():
        return int(told)
    return sum(one.total_fen for one in prices) if prices else None
