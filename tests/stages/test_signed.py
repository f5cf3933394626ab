"""The signed bid: package bytes first, then signatures that everybody's tools can check."""

import base64
import hashlib
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import pytest

from bidclient.crypto import cms
from bidclient.crypto.timestamp import Stamp, stamp_by
from bidclient.errors import (
    BadArchive,
    BadCertificate,
    BadManifest,
    BadSignature,
    BadTimestamp,
    BidError,
    CertificateUnfit,
    Mismatch,
    UnprovenTime,
)
from bidclient.formats.asic import MIMETYPE, manifest_name, signature_name
from bidclient.stages.package import Package
from bidclient.stages.signed import SignedBid, add_signature, read_signed, sign, verify_signed
from tests.support.bids import (
    BIDDER,
    BIDDER_USCC,
    Pki,
    make_package,
    make_pki,
    make_tender,
    rewritten,
    zip_contents,
)
from tests.support.pki import NOT_AFTER, NOW, Authority, openssl_tsa

LETTER = "parts/commercial/投标函.pdf"
ASIC = "{http://uri.etsi.org/02918/v1.2.1#}"
DS = "{http://www.w3.org/2000/09/xmldsig#}"


@pytest.fixture(scope="module")
def pki() -> Pki:
    return make_pki()


@pytest.fixture(scope="module")
def package(pki: Pki, tmp_path_factory: pytest.TempPathFactory) -> Package:
    folder = tmp_path_factory.mktemp("package")
    return make_package(folder, make_tender(folder, pki))


@pytest.fixture(scope="module")
def stamp(pki: Pki, tmp_path_factory: pytest.TempPathFactory) -> Stamp:
    return stamp_by(openssl_tsa(tmp_path_factory.mktemp("tsa"), pki.tsa), [pki.root.certificate])


@pytest.fixture(scope="module")
def signed(package: Package, pki: Pki, stamp: Stamp, tmp_path_factory: pytest.TempPathFactory) -> SignedBid:
    return sign(package, pki.bidder, stamp, NOW, tmp_path_factory.mktemp("signed") / "bid.asice")


def test_the_package_stands_at_the_beginning_byte_for_byte(package: Package, signed: SignedBid) -> None:
    end = package.entries[-1].end
    assert signed.path.read_bytes()[:end] == package.path.read_bytes()[:end]
    assert signed.entries[: len(package.entries)] == package.entries
    assert [entry.name for entry in signed.entries[-2:]] == [manifest_name(1), signature_name(1)]
    assert signed.manifest_sha256 == package.manifest_sha256


def test_what_was_signed_is_verified(signed: SignedBid, pki: Pki) -> None:
    again = read_signed(signed.path)
    assert again == signed
    anchors = [pki.root.certificate]
    assert verify_signed(again, anchors, anchors, NOW) is again
    assert again.signatures[0].timestamp is not None
    assert again.signatures[0].signer.uscc == again.manifest.bidder.uscc


def test_the_timestamp_keeps_the_signature_beyond_the_certificates_end(
    signed: SignedBid, package: Package, pki: Pki, tmp_path: Path
) -> None:
    anchors, late = [pki.root.certificate], NOT_AFTER + timedelta(days=1)
    verify_signed(signed, anchors, anchors, late)
    bare = sign(package, pki.bidder, None, NOW, tmp_path / "bare.asice")
    verify_signed(bare, anchors, anchors, NOW)
    with pytest.raises(UnprovenTime, match="2026-11-23T09:30:00"):
        verify_signed(bare, anchors, anchors, late)


def test_a_claimed_time_saves_no_certificate_that_has_ended(
    package: Package, pki: Pki, tmp_path: Path
) -> None:
    """Whoever has an old lock can date a signature of today back to the time when its certificate held."""
    ended = pki.root.issue(
        "signing", number=77, name=BIDDER, uscc=BIDDER_USCC, not_after=NOW - timedelta(days=1)
    )
    anchors = [pki.root.certificate]
    backdated = sign(package, ended, None, NOW - timedelta(days=2), tmp_path / "backdated.asice")
    with pytest.raises(UnprovenTime, match="expired"):
        verify_signed(backdated, anchors, anchors, NOW)
    honest = sign(package, ended, None, NOW, tmp_path / "honest.asice")
    with pytest.raises(BadCertificate, match="expired") as never_good:
        verify_signed(honest, anchors, anchors, NOW)
    assert not isinstance(never_good.value, UnprovenTime)


def test_a_stranger_is_not_trusted(signed: SignedBid, pki: Pki) -> None:
    stranger = [Authority.root("别家的根证书", 1002).certificate]
    with pytest.raises(BadCertificate):
        verify_signed(signed, stranger, [pki.root.certificate], NOW)
    with pytest.raises(BadTimestamp):
        verify_signed(signed, [pki.root.certificate], stranger, NOW)


def test_only_the_bidder_can_be_first(package: Package, pki: Pki, tmp_path: Path) -> None:
    for key in (pki.rival, pki.legal_representative):
        with pytest.raises(Mismatch):
            sign(package, key, None, NOW, tmp_path / "bid.asice")
    assert not (tmp_path / "bid.asice").exists()


def test_an_encryption_certificate_does_not_sign(package: Package, pki: Pki, tmp_path: Path) -> None:
    with pytest.raises(CertificateUnfit):
        sign(package, pki.encryption, None, NOW, tmp_path / "bid.asice")
    assert not (tmp_path / "bid.asice").exists()


def test_a_second_signature_is_added_behind(
    signed: SignedBid, pki: Pki, stamp: Stamp, tmp_path: Path
) -> None:
    twice = add_signature(signed, pki.legal_representative, stamp, NOW, tmp_path / "bid.asice")
    assert twice.entries[: len(signed.entries)] == signed.entries
    assert [entry.name for entry in twice.entries[-2:]] == [manifest_name(2), signature_name(2)]
    assert twice.signatures[0] == signed.signatures[0]
    anchors = [pki.root.certificate]
    verify_signed(twice, anchors, anchors, NOW)
    with pytest.raises(BadSignature, match="already"):
        add_signature(twice, pki.bidder, None, NOW, tmp_path / "again.asice")


def test_a_signature_may_take_the_place_of_its_file(signed: SignedBid, pki: Pki, tmp_path: Path) -> None:
    path = tmp_path / "bid.asice"
    shutil.copyfile(signed.path, path)
    twice = add_signature(read_signed(path), pki.legal_representative, None, NOW, path)
    assert twice.path == path
    assert len(read_signed(path).signatures) == 2


def test_a_package_changed_since_it_was_read_is_not_signed(
    package: Package, pki: Pki, tmp_path: Path
) -> None:
    path = tmp_path / "bid.zip"
    rewritten(package.path, path, lambda files: files.update({LETTER: b"other"}))
    with pytest.raises(BadArchive, match="changed"):
        sign(
            Package(path, package.manifest, package.manifest_sha256, package.entries),
            pki.bidder,
            None,
            NOW,
            path,
        )


def with_first(name: str, data: bytes) -> Callable[[dict[str, bytes]], object]:
    return lambda files: files.update({name: data})


def swapped_order(files: dict[str, bytes]) -> None:
    xml = files.pop(manifest_name(1))
    files[manifest_name(1)] = xml


def flipped(name: str, place: int) -> Callable[[dict[str, bytes]], object]:
    def change(files: dict[str, bytes]) -> None:
        data = bytearray(files[name])
        data[place] ^= 1
        files[name] = bytes(data)

    return change


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (flipped(manifest_name(1), -20), BadSignature),
        (with_first(manifest_name(1), b""), BadSignature),
        (with_first(signature_name(1), b"0"), BidError),
        (with_first("META-INF/more.xml", b""), BadArchive),
        (lambda files: files.pop(signature_name(1)), BadArchive),
        (lambda files: (files.pop(signature_name(1)), files.pop(manifest_name(1))), BadArchive),
        (swapped_order, BadArchive),
        (with_first("manifest-sha256.txt", b""), BadManifest),
    ],
)
def test_a_tampered_bid_is_refused(
    signed: SignedBid, tmp_path: Path, change: Callable[[dict[str, bytes]], object], error: type[BidError]
) -> None:
    with pytest.raises(error):
        read_signed(rewritten(signed.path, tmp_path / "bid.asice", change))


@pytest.mark.parametrize("tenth", range(10))
def test_no_part_of_a_signature_may_change(signed: SignedBid, pki: Pki, tmp_path: Path, tenth: int) -> None:
    """Not the certificates, not the attributes, not the value, not the timestamp behind it."""
    name = signature_name(1)
    place = len(zip_contents(signed.path)[name]) * tenth // 10 + 30
    path = rewritten(signed.path, tmp_path / "bid.asice", flipped(name, place))
    anchors = [pki.root.certificate]
    with pytest.raises(BidError):
        verify_signed(read_signed(path), anchors, anchors, NOW)


def test_a_changed_document_is_named(signed: SignedBid, pki: Pki, tmp_path: Path) -> None:
    again = read_signed(rewritten(signed.path, tmp_path / "bid.asice", flipped(LETTER, 300)))
    anchors = [pki.root.certificate]
    with pytest.raises(BadManifest) as caught:
        verify_signed(again, anchors, anchors, NOW)
    assert caught.value.document == LETTER


def test_a_signature_of_another_bid_does_not_fit(signed: SignedBid, pki: Pki, tmp_path: Path) -> None:
    other = make_package(tmp_path, make_tender(tmp_path, pki, bid_validity_days=60))
    foreign = zip_contents(sign(other, pki.bidder, None, NOW, tmp_path / "other.asice").path)
    change = with_first(signature_name(1), foreign[signature_name(1)])
    with pytest.raises(BadSignature):
        read_signed(rewritten(signed.path, tmp_path / "bid.asice", change))
    both = {name: foreign[name] for name in (manifest_name(1), signature_name(1))}
    with pytest.raises(BadSignature):
        read_signed(rewritten(signed.path, tmp_path / "bid.asice", lambda files: files.update(both)))


@pytest.fixture
def unpacked(signed: SignedBid, pki: Pki, tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    assert subprocess.run(["unzip", "-t", signed.path], capture_output=True, check=False).returncode == 0
    subprocess.run(["unzip", "-q", signed.path, "-d", folder], check=True)
    (folder / "ca.pem").write_bytes(pki.root.certificate.pem)
    return folder


def openssl_accepts(folder: Path) -> bool:
    command = ["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", signature_name(1)]
    command += ["-content", manifest_name(1), "-CAfile", "ca.pem", "-purpose", "any", "-out", "content"]
    return subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode == 0


def test_openssl_judges_the_same(unpacked: Path) -> None:
    assert openssl_accepts(unpacked)
    xml = unpacked / manifest_name(1)
    xml.write_bytes(xml.read_bytes().replace(b"application/pdf", b"application/pdX", 1))
    assert not openssl_accepts(unpacked)


def test_openssl_refuses_a_flipped_signature(unpacked: Path) -> None:
    path = unpacked / signature_name(1)
    data = bytearray(path.read_bytes())
    data[data.index(read_signed_signature(unpacked)) + 5] ^= 1
    path.write_bytes(data)
    assert not openssl_accepts(unpacked)


def read_signed_signature(folder: Path) -> bytes:
    content = (folder / manifest_name(1)).read_bytes()
    return cms.verify_detached((folder / signature_name(1)).read_bytes(), content, "test").signature


def test_sha256sum_judges_the_same(unpacked: Path) -> None:
    command = ["sha256sum", "-c", "--strict", "manifest-sha256.txt"]
    assert subprocess.run(command, cwd=unpacked, capture_output=True, check=False).returncode == 0
    (unpacked / LETTER).write_bytes(b"")
    assert subprocess.run(command, cwd=unpacked, capture_output=True, check=False).returncode != 0


def independent_check(path: Path) -> bool:
    """ASiC-E (EN 319 162-1 §4.4) read with nothing of ours: mimetype first and stored, every digest right."""
    with zipfile.ZipFile(path) as archive:
        first = archive.infolist()[0]
        if (first.filename, first.compress_type, archive.read(first)) != ("mimetype", 0, MIMETYPE):
            return False
        root = ET.fromstring(archive.read("META-INF/ASiCManifest.xml"))  # noqa: S314
        signature = root.find(ASIC + "SigReference")
        if signature is None or signature.get("URI") not in archive.namelist():
            return False
        listed = set()
        for reference in root.iter(ASIC + "DataObjectReference"):
            name = unquote(reference.get("URI", ""))
            listed.add(name)
            digest = base64.b64encode(hashlib.sha256(archive.read(name)).digest()).decode()
            if reference.findtext(DS + "DigestValue") != digest:
                return False
        return listed == {
            name for name in archive.namelist() if name != "mimetype" and "META-INF" not in name
        }


def test_an_independent_reader_judges_the_same(signed: SignedBid, tmp_path: Path) -> None:
    assert independent_check(signed.path)
    for number, change in enumerate(
        (flipped(LETTER, 9), with_first("more.pdf", b""), with_first("mimetype", b""))
    ):
        assert not independent_check(rewritten(signed.path, tmp_path / f"{number}.asice", change))
