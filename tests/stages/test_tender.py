"""The signed tender package."""

import dataclasses
import hashlib
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from bidclient.crypto import cms
from bidclient.errors import (
    BadArchive,
    BadCertificate,
    BadFormat,
    BadManifest,
    BadSignature,
    BidError,
    FileProblem,
    NotCanonical,
)
from bidclient.formats import canonical
from bidclient.stages.tender import (
    SIGNATURE_NAME,
    TENDER_NAME,
    Clause,
    Tender,
    TenderFile,
    TenderPackage,
    check_network,
    read_tender,
    tender_digest,
    verify_recipients,
    verify_tender,
    write_tender,
)
from tests.support.bids import Pki, make_pdf, make_pki, make_tender, rewritten, tender_record, zip_contents
from tests.support.pki import NOT_AFTER, NOW, Authority


@pytest.fixture(scope="module")
def pki() -> Pki:
    return make_pki()


@pytest.fixture(scope="module")
def package(pki: Pki, tmp_path_factory: pytest.TempPathFactory) -> TenderPackage:
    return make_tender(tmp_path_factory.mktemp("tender"), pki)


def test_what_was_written_is_read(package: TenderPackage, pki: Pki) -> None:
    again = read_tender(package.path)
    assert again == package
    assert again.signer.sha256 == pki.network.certificate.sha256
    assert again.sha256 == hashlib.sha256(zip_contents(package.path)[TENDER_NAME]).hexdigest()
    assert again.sha256 == tender_digest(again.tender)
    assert [file.path for file in again.tender.files] == [
        "documents/招标文件.pdf",
        "documents/drawings/图纸目录.pdf",
    ]
    assert [file.title for file in again.tender.files] == ["招标文件", "图纸目录"]


def test_the_network_is_trusted_and_a_stranger_is_not(package: TenderPackage, pki: Pki) -> None:
    assert verify_tender(package, [pki.root.certificate], NOW) is package
    with pytest.raises(BadCertificate):
        verify_tender(package, [Authority.root("别家的根证书", 1002).certificate], NOW)
    with pytest.raises(BadCertificate):
        verify_tender(package, [pki.root.certificate], NOT_AFTER + timedelta(days=1))


def test_the_certificates_that_secrets_go_to_must_be_of_the_same_roots(pki: Pki, tmp_path: Path) -> None:
    stranger = Authority.root("别家的根证书", 1002).issue("encryption", number=5, name="别家")
    short = pki.root.issue("encryption", number=6, name="短期", not_after=NOW + timedelta(days=1))
    wrong: list[tuple[dict[str, object], str]] = [
        ({"opening_certificate": stranger.certificate.pem.decode()}, "unknown issuer"),
        ({"opening_certificate": pki.bidder.certificate.pem.decode()}, "not an encryption certificate"),
        ({"opening_certificate": short.certificate.pem.decode()}, "expired"),
        ({"policy": "all", "joint_certificate": stranger.certificate.pem.decode()}, "unknown issuer"),
    ]
    for number, (changes, reason) in enumerate(wrong):
        package = write_tender(
            tender_record(pki, **changes), {}, pki.network, NOW, tmp_path / f"{number}.tender"
        )
        with pytest.raises(BadCertificate, match=reason):
            verify_tender(package, [pki.root.certificate], NOW)
    joint = pki.opening.certificate.pem.decode()
    record = tender_record(pki, policy="all", joint_certificate=joint)
    good = write_tender(record, {}, pki.network, NOW, tmp_path / "good.tender")
    found = verify_recipients(good.tender, good.chain, [pki.root.certificate])
    assert [certificate.sha256 for certificate in found] == [pki.opening.certificate.sha256] * 2


def test_only_the_network_signs_tenders(pki: Pki) -> None:
    network = pki.network.certificate
    assert check_network(network, network) is network
    renewed = pki.root.issue("signing", number=7, name="演练交易网", uscc=network.uscc).certificate
    assert check_network(renewed, network) is renewed
    for other in (pki.rival.certificate, pki.legal_representative.certificate):
        with pytest.raises(BadSignature, match="not by the network"):
            check_network(other, network)


def test_an_encryption_certificate_does_not_sign(pki: Pki, tmp_path: Path) -> None:
    with pytest.raises(BadSignature, match="not for signatures"):
        write_tender(tender_record(pki), {}, pki.encryption, NOW, tmp_path / "t")


def test_openssl_and_unzip_judge_the_same(package: TenderPackage, pki: Pki, tmp_path: Path) -> None:
    subprocess.run(["unzip", "-q", package.path, "-d", tmp_path], check=True)
    (tmp_path / "ca.pem").write_bytes(pki.root.certificate.pem)
    command = ["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", SIGNATURE_NAME]
    command += ["-content", TENDER_NAME, "-CAfile", "ca.pem", "-purpose", "any", "-out", "out"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 0
    changed = (tmp_path / TENDER_NAME).read_bytes().replace(b'"decrypt_minutes":30', b'"decrypt_minutes":31')
    (tmp_path / TENDER_NAME).write_bytes(changed)
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode != 0


def test_titles_of_documents_are_kept(pki: Pki, tmp_path: Path) -> None:
    path = "documents/a.pdf"
    record = tender_record(pki, files=(TenderFile(path, "招标公告", 0, "0" * 64),))
    made = write_tender(
        record, {path: make_pdf(tmp_path / "x.pdf", ["公告"])}, pki.network, NOW, tmp_path / "t"
    )
    assert made.tender.files[0].title == "招标公告"
    assert made.tender.files[0].size == (tmp_path / "x.pdf").stat().st_size


def swap_document(files: dict[str, bytes]) -> None:
    name = "documents/招标文件.pdf"
    files[name] = files[name].replace(b"%PDF", b"%PDX", 1)


def grow_document(files: dict[str, bytes]) -> None:
    files["documents/招标文件.pdf"] += b" "


def edit_tender(files: dict[str, bytes]) -> None:
    files[TENDER_NAME] = files[TENDER_NAME].replace(b'"decrypt_minutes":30', b'"decrypt_minutes":99')


def add_document(files: dict[str, bytes]) -> None:
    signature = files.pop(SIGNATURE_NAME)
    files["documents/more.pdf"] = b"%PDF"
    files[SIGNATURE_NAME] = signature


def add_behind(files: dict[str, bytes]) -> None:
    files["META-INF/more"] = b""


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (swap_document, BadManifest),
        (grow_document, BadManifest),
        (edit_tender, BadSignature),
        (add_document, BadArchive),
        (add_behind, BadArchive),
        (lambda files: files.pop("documents/招标文件.pdf"), BadArchive),
        (lambda files: files.pop(SIGNATURE_NAME), BadArchive),
        (lambda files: files.pop(TENDER_NAME), BadArchive),
    ],
)
def test_a_tampered_package_is_refused(
    package: TenderPackage,
    tmp_path: Path,
    change: Callable[[dict[str, bytes]], object],
    error: type[BidError],
) -> None:
    path = rewritten(package.path, tmp_path / "t.tender", change)
    with pytest.raises(error):
        read_tender(path)


def test_a_document_with_only_its_crc_wrong_is_refused(package: TenderPackage, tmp_path: Path) -> None:
    data = bytearray(package.path.read_bytes())
    data[data.index(b"%PDF")] ^= 1
    (tmp_path / "t").write_bytes(data)
    with pytest.raises(BadManifest, match="招标文件"):
        read_tender(tmp_path / "t")


def test_a_signed_tender_that_leaves_a_field_out_is_refused(
    package: TenderPackage, pki: Pki, tmp_path: Path
) -> None:
    def leave_out(files: dict[str, bytes]) -> None:
        plain = msgspec.json.decode(files[TENDER_NAME])
        del plain["tenderer"]["contact"]
        files[TENDER_NAME] = canonical.dumps(plain)
        files[SIGNATURE_NAME] = cms.sign_detached(files[TENDER_NAME], pki.network, NOW)

    with pytest.raises(NotCanonical):
        read_tender(rewritten(package.path, tmp_path / "t", leave_out))


CONTRADICTIONS: dict[str, dict[str, object]] = {
    "deadline before issue": {"deadline": "2026-01-01T00:00:00.000+08:00"},
    "opening before deadline": {"opening_at": "2026-12-15T09:29:59.999+08:00"},
    "sign-in after opening": {"sign_in_from": "2026-12-16T00:00:00.000+08:00"},
    "upload ends before deadline": {"upload_until": "2026-12-15T09:29:59.999+08:00"},
    "no such day": {"deadline": "2026-02-30T00:00:00.000+08:00"},
    "joint certificate without policy": {"joint_certificate": make_pki().opening.certificate.pem.decode()},
    "policy without joint certificate": {"policy": "all"},
    "second version replaces nothing": {"tender_version": 2},
    "first version replaces": {"replaces": "0" * 64},
    "no parts": {"parts": (), "clauses": ()},
    "no suites": {"suites": ()},
    "parts twice": {"parts": tender_record(make_pki()).parts * 2},
    "fields twice": {"form": tender_record(make_pki()).form * 2},
    "price not in the form": {"form": tender_record(make_pki()).form[1:]},
    "clause about no part": {"clauses": (Clause("c", "条款", "nowhere"),)},
    "no room": {"size_limit": 0},
    "no validity": {"bid_validity_days": 0},
}


@pytest.mark.parametrize("changes", CONTRADICTIONS.values(), ids=CONTRADICTIONS.keys())
def test_a_tender_that_contradicts_itself_is_not_issued(
    pki: Pki, tmp_path: Path, changes: dict[str, object]
) -> None:
    with pytest.raises(BadFormat):
        make_tender(tmp_path, pki, **changes)
    assert not (tmp_path / "tender.tender").exists()


def test_a_certificate_that_is_none_is_refused(pki: Pki, tmp_path: Path) -> None:
    with pytest.raises(BadCertificate):
        make_tender(tmp_path, pki, opening_certificate="-----")


def test_documents_stay_under_documents(pki: Pki, tmp_path: Path) -> None:
    document = make_pdf(tmp_path / "x.pdf", ["x"])
    for name in ("x.pdf", "documents/../x.pdf", "documents/CON.pdf"):
        with pytest.raises(BadFormat):
            write_tender(tender_record(pki), {name: document}, pki.network, NOW, tmp_path / "t")
    with pytest.raises(FileProblem):
        write_tender(tender_record(pki), {"documents/x": tmp_path / "none"}, pki.network, NOW, tmp_path / "t")


def test_a_version_for_joint_control(pki: Pki, tmp_path: Path) -> None:
    pem = pki.opening.certificate.pem.decode()
    made = make_tender(
        tmp_path, pki, policy="all", joint_certificate=pem, tender_version=2, replaces="0" * 64
    )
    assert made.tender.policy == "all"
    assert dataclasses.replace(made, path=made.path) == read_tender(made.path)


def test_a_file_that_is_no_tender_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t").write_bytes(b"%PDF-1.7 not a tender at all, and not a ZIP either")
    with pytest.raises(BadArchive):
        read_tender(tmp_path / "t")
    with pytest.raises(FileProblem):
        read_tender(tmp_path / "none")


def test_an_unknown_field_is_refused() -> None:
    plain = msgspec.to_builtins(tender_record(make_pki()))
    with pytest.raises(BadFormat):
        canonical.loads(canonical.dumps({**plain, "more": 1}), Tender, "tender.json")
