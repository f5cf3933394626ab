"""The package (固化): the frozen bid as a deterministic ZIP with a manifest, `bid.zip`."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Literal

from bidclient.ask import Progress, silent
from bidclient.errors import BadArchive, BadManifest, Mismatch, StaleTender
from bidclient.formats import asic, atomic, canonical, stored_zip
from bidclient.formats.content import check_content
from bidclient.formats.instant import Instant
from bidclient.formats.record import read_record
from bidclient.stages.draft import Bidder, ClauseLink, Draft, PricedItem, document_path, draft_sha256
from bidclient.stages.tender import Hex32, Name, Record, Slug, Tender, tender_digest

FORMAT: Final = "bidclient/manifest"
VERSION: Final = 1


class TenderRef(Record):
    """Which tender this bid answers."""

    network: str
    project: str
    lot: str
    lot_code: str
    tender_version: int
    sha256: Hex32


class Document(Record):
    """A document of the bid; `path` is its entry in the ZIP: parts/<part>/<file>."""

    path: str
    part: Slug
    name: Slug
    title: Name
    size: int
    sha256: Hex32
    pages: int


class DeviceStatement(Record):
    """设备指纹声明: exactly what the platforms look at, told truthfully; empty where it cannot be read."""

    mac: str
    cpu: str
    disk: str
    board: str
    host: str


class Manifest(Record):
    """manifest.json of the package; every byte of the bid hangs on it."""

    format: Literal["bidclient/manifest"]
    version: Literal[1]
    tender: TenderRef
    bidder: Bidder
    form: dict[str, str]
    prices: tuple[PricedItem, ...]
    documents: tuple[Document, ...]
    clause_links: tuple[ClauseLink, ...]
    creation_code: str
    salt: Hex32
    device: DeviceStatement
    client: str
    draft_sha256: Hex32
    created_at: Instant
    edited_at: Instant


# ---------------------------------------------------------------------------------------------- verbs

MANIFEST_NAME = "manifest.json"
DIGESTS_NAME = "manifest-sha256.txt"
HEAD = (asic.MIMETYPE_NAME, MANIFEST_NAME, DIGESTS_NAME)
_DIGESTS_LIMIT = 4 * 1024 * 1024


@dataclass(frozen=True)
class Package:
    """A `bid.zip` in the one form we write; the documents' digests are checked by verify_documents.

    `manifest_sha256` is the hex digest of manifest.json.
    """

    path: Path
    manifest: Manifest
    manifest_sha256: str
    entries: tuple[stored_zip.Entry, ...]


def pack(
    draft: Draft,
    tender: Tender,
    parts: Path,
    out: Path,
    device: DeviceStatement,
    client: str,
    progress: Progress = silent,
) -> Package:
    """Freeze (固化) the draft: the same draft, documents, device and client give the same bytes.

    `parts` is the folder with <part>/<file>. Each document is copied and compared with the draft in one pass.
    Raises StaleTender, Mismatch when the draft answers another tender, BadManifest when a document differs
    from the draft, BadArchive for its name, TooLarge, FileProblem, DiskProblem. Completeness is not judged.
    """
    _check_tender(draft, tender)
    manifest = _manifest(draft, tender, device, client)
    data = canonical.dumps(manifest)
    passed = _Passed(progress, "pack", sum(document.size for document in manifest.documents))
    with atomic.replacing(out) as target:
        writer = stored_zip.Writer(target)
        writer.add_bytes(asic.MIMETYPE_NAME, asic.MIMETYPE)
        writer.add_bytes(MANIFEST_NAME, data)
        writer.add_bytes(DIGESTS_NAME, digest_list(manifest, data))
        for document in manifest.documents:
            _copy_document(writer, document, parts, passed)
        entries = writer.finish()
    return Package(out, manifest, hashlib.sha256(data).hexdigest(), entries)


def read_package(path: Path) -> Package:
    """The package at `path`, byte for byte in our form; documents are not hashed yet.

    Raises BadArchive, NotCanonical, BadFormat, BadManifest, FileProblem.
    """
    with stored_zip.open_archive(path) as file:
        entries = stored_zip.read_entries(file, path.name)
        manifest, data = read_body(file, entries, path.name)
    if len(entries) != len(HEAD) + len(manifest.documents):
        raise BadArchive(path.name, "entries behind the last document")
    return Package(path, manifest, hashlib.sha256(data).hexdigest(), entries)


def read_body(file: BinaryIO, entries: Sequence[stored_zip.Entry], what: str) -> tuple[Manifest, bytes]:
    """Manifest and manifest.json of the entries up to the last document; later ones are for the caller.

    Raises as read_package.
    """
    if tuple(entry.name for entry in entries[: len(HEAD)]) != HEAD:
        raise BadArchive(what, f"must begin with {', '.join(HEAD)}")
    if stored_zip.read_small(file, entries[0], len(asic.MIMETYPE)) != asic.MIMETYPE:
        raise BadArchive(what, "mimetype differs")
    data = stored_zip.read_small(file, entries[1], canonical.DEFAULT_SIZE_LIMIT)
    manifest = read_record(data, Manifest, MANIFEST_NAME)
    if stored_zip.read_small(file, entries[2], _DIGESTS_LIMIT) != digest_list(manifest, data):
        raise BadManifest(DIGESTS_NAME, "differs from the manifest")
    _check_listing(manifest, entries[len(HEAD) :])
    return manifest, data


def verify_documents(
    path: Path, manifest: Manifest, entries: Sequence[stored_zip.Entry], progress: Progress = silent
) -> None:
    """Raises BadManifest, naming the document, when one differs from the manifest; memory is one block.

    `entries` are those of the package or of the signed bid at `path`. Raises BadArchive, FileProblem.
    """
    passed = _Passed(progress, "verify", sum(document.size for document in manifest.documents))
    with stored_zip.open_archive(path) as file:
        for document, entry in zip(manifest.documents, entries[len(HEAD) :], strict=False):
            check_content(file, entry, document.size, document.sha256, path.name, passed)


def digest_list(manifest: Manifest, manifest_bytes: bytes) -> bytes:
    """manifest-sha256.txt: what `sha256sum -c` reads, for manifest.json and every document."""
    lines = [f"{hashlib.sha256(manifest_bytes).hexdigest()}  {MANIFEST_NAME}"]
    lines += [f"{document.sha256}  {document.path}" for document in manifest.documents]
    return "".join(line + "\n" for line in lines).encode("utf-8")


def plaintext_commitment(manifest_bytes: bytes) -> str:
    """The hex digest that names the plain bid and tells nothing of it: the manifest holds a random salt."""
    return hashlib.sha256(b"bidclient/plaintext/1\0" + manifest_bytes).hexdigest()


class _Passed:
    """Counts the bytes that pass and tells the progress."""

    def __init__(self, progress: Progress, step: str, total: int) -> None:
        self._progress = progress
        self._step = step
        self._total = total
        self._done = 0

    def __call__(self, block: memoryview) -> None:
        self._done += len(block)
        self._progress(self._step, self._done, self._total)


def _check_tender(draft: Draft, tender: Tender) -> None:
    if draft.lot != tender.lot.id:
        raise Mismatch("lot", tender.lot.id, draft.lot)
    if draft.tender_version != tender.tender_version:
        raise StaleTender(draft.tender_version, tender.tender_version)
    digest = tender_digest(tender)
    if draft.tender_sha256 != digest:
        raise Mismatch("tender_sha256", digest, draft.tender_sha256)


def _manifest(draft: Draft, tender: Tender, device: DeviceStatement, client: str) -> Manifest:
    documents = [
        Document(document_path(each), each.part, each.name, each.title, each.size, each.sha256, each.pages)
        for each in draft.documents
    ]
    return Manifest(
        FORMAT,
        VERSION,
        tender=TenderRef(
            tender.network,
            tender.project.code,
            tender.lot.id,
            tender.lot.code,
            tender.tender_version,
            draft.tender_sha256,
        ),
        bidder=draft.bidder,
        form=draft.form,
        prices=draft.prices,
        documents=tuple(sorted(documents, key=_order)),
        clause_links=draft.clause_links,
        creation_code=draft.creation_code,
        salt=draft.salt,
        device=device,
        client=client,
        draft_sha256=draft_sha256(draft),
        created_at=draft.created_at,
        edited_at=draft.edited_at,
    )


def _order(document: Document) -> bytes:
    return document.path.encode("utf-8")


def _copy_document(writer: stored_zip.Writer, document: Document, parts: Path, passed: _Passed) -> None:
    path = parts.joinpath(*document.path.split("/")[1:])
    digest = hashlib.sha256()

    def on_block(block: memoryview) -> None:
        digest.update(block)
        passed(block)

    with stored_zip.open_archive(path) as source:
        size = source.seek(0, 2)
        source.seek(0)
        if size != document.size:
            raise BadManifest(document.path, f"{size} bytes, must be {document.size}")
        writer.add(document.path, source, size, on_block)
    if digest.hexdigest() != document.sha256:
        raise BadManifest(document.path, "SHA-256 differs from the draft's")


def _check_listing(manifest: Manifest, entries: Sequence[stored_zip.Entry]) -> None:
    """Raises BadManifest unless the entries begin with the manifest's documents, in the order of bytes."""
    if list(manifest.documents) != sorted(manifest.documents, key=_order):
        raise BadManifest(MANIFEST_NAME, "documents are not in order")
    for index, document in enumerate(manifest.documents):
        if index >= len(entries) or entries[index].name != document.path:
            raise BadManifest(document.path, "not at its place in the archive")
        if entries[index].size != document.size:
            raise BadManifest(document.path, f"{entries[index].size} bytes, must be {document.size}")
        if not document.path.startswith(f"parts/{document.part}/"):
            raise BadManifest(document.path, f"not in the part {document.part}")
