"""Artefacts of earlier versions must stay readable: a bid outlives the program that made it."""

import hashlib
import io
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bidclient.ask import Nobody
from bidclient.crypto.certificate import Certificate, certificates_from_pem
from bidclient.crypto.pdf_verify import find_signatures
from bidclient.formats.bseal import read_frame
from bidclient.formats.instant import parse_instant
from bidclient.formats.wraps import unwrap_secret, unwrap_with_code
from bidclient.keys.choice import find_key
from bidclient.keys.soft import SoftSource
from bidclient.stages.draft import draft_sha256, read_draft
from bidclient.stages.evidence import verify_evidence
from bidclient.stages.evidence_folder import Evidence
from bidclient.stages.package import read_package, verify_documents
from bidclient.stages.sealed import read_sealed, unseal
from bidclient.stages.signed import read_signed, verify_signed
from bidclient.stages.stub import check_stub, read_stub
from bidclient.stages.submitted import read_receipt
from bidclient.stages.tender import read_tender, verify_tender
from bidclient.store.journal import Journal

FROZEN = Path(__file__).parent / "frozen"
AGES_LATER = datetime(2099, 1, 1, tzinfo=UTC)
"""Evidence outlives every certificate in it."""
VERSIONS = sorted(path for path in FROZEN.iterdir() if path.is_dir())


@pytest.fixture(params=VERSIONS, ids=lambda path: path.name)
def frozen(request: pytest.FixtureRequest) -> Path:
    """The folder of one version."""
    folder = request.param
    assert isinstance(folder, Path)
    return folder


def anchors_of(frozen: Path) -> tuple[Certificate, ...]:
    """The roots: one, and for SM2 one more."""
    roots = sorted((frozen / "trust").glob("ca*.pem"))
    return tuple(one for path in roots for one in certificates_from_pem(path.read_bytes()))


def received_at(frozen: Path) -> datetime:
    receipt = read_receipt((frozen / "bid" / "receipt.p7s").read_bytes()).receipt
    return parse_instant(receipt.received_at)


def test_tender_draft_and_package_are_read(frozen: Path) -> None:
    anchors = anchors_of(frozen)
    tender = verify_tender(read_tender(frozen / "bid" / "tender.tender"), anchors, received_at(frozen))
    draft = read_draft((frozen / "bid" / "draft.json").read_bytes())
    package = read_package(frozen / "bid" / "bid.zip")
    verify_documents(package.path, package.manifest, package.entries)
    assert draft.tender_sha256 == tender.sha256
    assert package.manifest.draft_sha256 == draft_sha256(draft)


def test_the_signed_bid_verifies(frozen: Path) -> None:
    anchors = anchors_of(frozen)
    signed = verify_signed(read_signed(frozen / "bid" / "bid.asice"), anchors, anchors, received_at(frozen))
    assert [one.timestamp is not None for one in signed.signatures] == [True]


@pytest.mark.parametrize(("name", "expected"), [("v1", []), ("v1-gm", ["ses"] * 6)])
def test_the_seals_on_its_documents_hold(name: str, expected: list[str]) -> None:
    found = []
    with zipfile.ZipFile(FROZEN / name / "bid" / "bid.asice") as bid:
        for document in bid.namelist():
            if document.startswith("parts/") and document.endswith(".pdf"):
                for one in find_signatures(io.BytesIO(bid.read(document)), document):
                    assert one.verify().whole
                    found.append(one.form)
    assert found == expected


@pytest.mark.parametrize(("name", "suite"), [("v1", "intl-1"), ("v1-gm", "gm-1")])
def test_both_suites_are_kept(name: str, suite: str) -> None:
    assert read_stub((FROZEN / name / "bid" / "bid.stub").read_bytes()).stub.suite == suite


def test_the_sealed_bid_opens_by_key_and_by_code(frozen: Path, tmp_path: Path) -> None:
    path = frozen / "bid" / "bid.sealed"
    check_stub(read_stub((frozen / "bid" / "bid.stub").read_bytes()), read_sealed(path))
    (lock,) = [one for one in (frozen / "keys").glob("second-lock-encrypt.*") if one.suffix != ".pem"]
    source = SoftSource([lock])
    pin = (frozen / "keys" / "pin.txt").read_bytes().strip()
    found, info = find_key([source], None, "decrypt")
    with found.unlock(info, Nobody(pin)) as key:
        secret = unwrap_secret(read_frame(path), key)
    code = (frozen / "recovery-code.txt").read_text("utf-8").strip()
    assert unwrap_with_code(read_frame(path), code) == secret
    unseal(path, secret, tmp_path / "opened.asice")
    opened = hashlib.sha256((tmp_path / "opened.asice").read_bytes()).hexdigest()
    assert opened == hashlib.sha256((frozen / "bid" / "bid.asice").read_bytes()).hexdigest()


def test_evidence_and_journal_are_judged_valid(frozen: Path) -> None:
    anchors = anchors_of(frozen)
    (identity,) = certificates_from_pem((frozen / "trust" / "identity.pem").read_bytes())
    folder = frozen / "evidence"
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }
    verdicts = verify_evidence(Evidence(files, anchors, anchors, identity, AGES_LATER))
    assert len(verdicts) > 10
    assert [one for one in verdicts if one.verdict != "valid"] == []
    assert list(Journal(frozen / "bid" / "journal.jsonl").entries())
