"""The package: deterministic, complete, and refusing what differs."""

import hashlib
import json
import resource
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from bidclient.errors import (
    BadArchive,
    BadManifest,
    BidError,
    DiskProblem,
    FileProblem,
    Mismatch,
    NotCanonical,
    StaleTender,
)
from bidclient.stages.draft import Draft
from bidclient.stages.package import (
    DIGESTS_NAME,
    MANIFEST_NAME,
    Package,
    pack,
    plaintext_commitment,
    read_package,
    verify_documents,
)
from bidclient.stages.tender import TenderPackage
from tests.support.bids import (
    BIDDER,
    CLIENT,
    DEVICE,
    make_draft,
    make_package,
    make_pki,
    make_tender,
    rewritten,
    tender_record,
)

LETTER = "parts/commercial/投标函.pdf"


@pytest.fixture(scope="module")
def tender(tmp_path_factory: pytest.TempPathFactory) -> TenderPackage:
    return make_tender(tmp_path_factory.mktemp("tender"), make_pki())


@pytest.fixture(scope="module")
def package(tender: TenderPackage, tmp_path_factory: pytest.TempPathFactory) -> Package:
    return make_package(tmp_path_factory.mktemp("package"), tender)


@pytest.fixture
def draft(tender: TenderPackage, tmp_path: Path) -> tuple[Draft, Path]:
    return make_draft(tmp_path, tender)


def test_a_full_disk_is_told_of_the_package_and_not_of_a_document(
    draft: tuple[Draft, Path], tender: TenderPackage
) -> None:
    out = draft[1].parent / "bid.zip"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(DiskProblem) as caught:
            pack(draft[0], tender.tender, draft[1], out, DEVICE, CLIENT)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.path == str(out)
    assert [path.name for path in out.parent.iterdir() if path.is_file()] == []


def test_packing_twice_gives_the_same_bytes(
    draft: tuple[Draft, Path], tender: TenderPackage, package: Package
) -> None:
    folder = draft[1].parent
    first = pack(draft[0], tender.tender, draft[1], folder / "1.zip", DEVICE, CLIENT)
    second = pack(draft[0], tender.tender, draft[1], folder / "2.zip", DEVICE, CLIENT)
    assert first.path.read_bytes() == second.path.read_bytes() == package.path.read_bytes()
    assert first.manifest_sha256 == package.manifest_sha256


def test_what_was_packed_is_read(package: Package, tender: TenderPackage) -> None:
    again = read_package(package.path)
    assert again == package
    assert again.manifest.bidder.name == BIDDER
    assert again.manifest.tender.sha256 == tender.sha256
    assert again.manifest.tender.lot_code == tender.tender.lot.code
    assert [entry.name for entry in again.entries[:3]] == ["mimetype", MANIFEST_NAME, DIGESTS_NAME]
    paths = [document.path for document in again.manifest.documents]
    assert paths == sorted(paths, key=lambda path: path.encode())
    verify_documents(again.path, again.manifest, again.entries)


def test_progress_reaches_the_end(package: Package) -> None:
    seen: list[tuple[str, int, int]] = []
    verify_documents(
        package.path,
        package.manifest,
        package.entries,
        lambda step, done, total: seen.append((step, done, total)),
    )
    total = sum(document.size for document in package.manifest.documents)
    assert seen[-1] == ("verify", total, total)
    assert len(seen) == len(package.manifest.documents)


def unpacked(package: Path, folder: Path) -> Path:
    assert subprocess.run(["unzip", "-t", package], capture_output=True, check=False).returncode == 0
    subprocess.run(["unzip", "-q", package, "-d", folder], check=True)
    return folder


def test_unzip_and_sha256sum_judge_the_same(package: Package, tmp_path: Path) -> None:
    folder = unpacked(package.path, tmp_path / "out")
    command = ["sha256sum", "-c", "--strict", DIGESTS_NAME]
    assert subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode == 0
    (folder / LETTER).write_bytes((folder / LETTER).read_bytes() + b" ")
    judged = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    assert judged.returncode != 0
    assert "投标函" in judged.stdout.decode()


def test_python_judges_the_manifest_the_same(package: Package) -> None:
    with zipfile.ZipFile(package.path) as archive:
        manifest = json.loads(archive.read(MANIFEST_NAME))
        for document in manifest["documents"]:
            assert hashlib.sha256(archive.read(document["path"])).hexdigest() == document["sha256"]


def edit_manifest(field: str, value: object) -> Callable[[dict[str, bytes]], object]:
    def change(files: dict[str, bytes]) -> None:
        plain = json.loads(files[MANIFEST_NAME])
        old = hashlib.sha256(files[MANIFEST_NAME]).hexdigest()
        plain[field] = value
        files[MANIFEST_NAME] = json.dumps(
            plain, ensure_ascii=False, sort_keys=True, separators=(",", ":")
        ).encode()
        new = hashlib.sha256(files[MANIFEST_NAME]).hexdigest()
        files[DIGESTS_NAME] = files[DIGESTS_NAME].replace(old.encode(), new.encode())

    return change


def swap(one: str, other: str) -> Callable[[dict[str, bytes]], object]:
    def change(files: dict[str, bytes]) -> None:
        items = list(files.items())
        a, b = list(files).index(one), list(files).index(other)
        items[a], items[b] = items[b], items[a]
        files.clear()
        files.update(items)

    return change


def put(name: str, data: bytes) -> Callable[[dict[str, bytes]], object]:
    return lambda files: files.update({name: data})


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (put("mimetype", b"application/zip"), BadArchive),
        (put(LETTER, b"%PDF-other"), BadManifest),
        (put(DIGESTS_NAME, b""), BadManifest),
        (put("more.pdf", b""), BadArchive),
        (put("META-INF/ASiCManifest.xml", b""), BadArchive),
        (lambda files: files.pop(LETTER), BadManifest),
        (lambda files: files.pop("mimetype"), BadArchive),
        (lambda files: files.pop(MANIFEST_NAME), BadArchive),
        (swap(LETTER, "parts/price/已标价工程量清单.pdf"), BadManifest),
        (swap("mimetype", MANIFEST_NAME), BadArchive),
        (edit_manifest("documents", []), BadManifest),
        (lambda files: files.update({MANIFEST_NAME: files[MANIFEST_NAME] + b"\n"}), NotCanonical),
    ],
)
def test_a_tampered_package_is_refused(
    package: Package, tmp_path: Path, change: Callable[[dict[str, bytes]], object], error: type[BidError]
) -> None:
    path = rewritten(package.path, tmp_path / "bid.zip", change)
    with pytest.raises(error):
        read_package(path)


def test_a_document_changed_in_place_is_named(package: Package, tmp_path: Path) -> None:
    path = rewritten(
        package.path, tmp_path / "bid.zip", lambda files: files.update({LETTER: files[LETTER][::-1]})
    )
    again = read_package(path)
    with pytest.raises(BadManifest) as caught:
        verify_documents(again.path, again.manifest, again.entries)
    assert caught.value.document == LETTER


def test_only_the_crc_wrong_is_a_fault_of_the_archive(package: Package, tmp_path: Path) -> None:
    entry = next(entry for entry in package.entries if entry.name == LETTER)
    crc = entry.crc32.to_bytes(4, "little")
    data = package.path.read_bytes()
    assert data.count(crc) == 2
    (tmp_path / "bid.zip").write_bytes(data.replace(crc, bytes(4)))
    again = read_package(tmp_path / "bid.zip")
    with pytest.raises(BadArchive, match="CRC"):
        verify_documents(again.path, again.manifest, again.entries)


@pytest.mark.parametrize("change", [b"same length?", b"other"])
def test_a_document_changed_after_it_was_added_is_refused(
    draft: tuple[Draft, Path], tender: TenderPackage, change: bytes
) -> None:
    letter = draft[1] / "commercial" / "投标函.pdf"
    content = letter.read_bytes()
    letter.write_bytes(content[:-12] + change)
    with pytest.raises(BadManifest) as caught:
        pack(draft[0], tender.tender, draft[1], draft[1].parent / "bid.zip", DEVICE, CLIENT)
    assert caught.value.document == LETTER
    assert not (draft[1].parent / "bid.zip").exists()
    assert not list(draft[1].parent.glob(".new-*"))


def test_a_document_that_is_gone_is_named(draft: tuple[Draft, Path], tender: TenderPackage) -> None:
    (draft[1] / "commercial" / "投标函.pdf").unlink()
    with pytest.raises(FileProblem, match="投标函"):
        pack(draft[0], tender.tender, draft[1], draft[1].parent / "bid.zip", DEVICE, CLIENT)


def test_another_tender_is_refused(draft: tuple[Draft, Path], tmp_path: Path) -> None:
    newer = tender_record(make_pki(), tender_version=2, replaces="0" * 64)
    other = tender_record(make_pki(), bid_validity_days=60)
    lot = tender_record(make_pki(), lot=msgspec.structs.replace(other.lot, id="lot-2"))
    for tender, error in ((newer, StaleTender), (other, Mismatch), (lot, Mismatch)):
        with pytest.raises(error):
            pack(draft[0], tender, draft[1], tmp_path / "bid.zip", DEVICE, CLIENT)


def test_the_commitment_names_the_plain_bid(package: Package) -> None:
    with zipfile.ZipFile(package.path) as archive:
        manifest = archive.read(MANIFEST_NAME)
    by_hand = hashlib.sha256(b"bidclient/plaintext/1\0" + manifest).hexdigest()
    assert plaintext_commitment(manifest) == by_hand
    assert plaintext_commitment(manifest + b" ") != by_hand
    assert json.loads(manifest)["salt"] == package.manifest.salt
