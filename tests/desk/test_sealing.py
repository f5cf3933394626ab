"""Signing and sealing at the desk: what comes out opens, and only with the keys that it was made for."""

from pathlib import Path

import pytest

from bidclient.ask import Nobody
from bidclient.desk import build
from bidclient.errors import (
    BadFormat,
    BidExists,
    Cancelled,
    CertificateUnfit,
    DamagedChunk,
    NoSuchKey,
    NotRehearsed,
    PinWrong,
    WrongKey,
)
from bidclient.formats.content import file_digest
from bidclient.store.settings import Settings
from tests.support.desks import PIN, Bidder


def test_a_sealed_bid_is_rehearsed_at_once(bidder: Bidder) -> None:
    folder = bidder.signed()
    done = bidder.desk.sealing.seal(folder, bidder.signing, bidder.ask)
    assert done.rehearsal is not None
    assert done.rehearsal.complete
    assert done.rehearsal.sealed_sha256 == done.sha256 == file_digest(folder / "bid.sealed")[1]
    status = bidder.desk.preparing.status(folder)
    assert (status.stage, status.rehearsed) == ("sealed", True)
    assert (folder / "bid.leaves").stat().st_size == 32 * done.rehearsal.chunks


def test_packing_and_sealing_twice(bidder: Bidder) -> None:
    folder = bidder.signed()
    first = (folder / "bid.zip").read_bytes()
    one = bidder.desk.sealing.seal(folder, bidder.signing, bidder.ask)
    two = bidder.desk.sealing.seal(folder, bidder.signing, bidder.ask)
    assert one.sha256 != two.sha256
    assert any(path.name.endswith("-bid.sealed") for path in (folder / "superseded").iterdir())
    bidder.desk.signing.pack(folder)
    assert (folder / "bid.zip").read_bytes() == first


def test_the_bid_opens_with_lock_second_lock_and_code(bidder: Bidder, tmp_path: Path) -> None:
    folder = bidder.signed()
    other = bidder.sandbox.issue(bidder.keys.signing_cert.common_name, bidder.keys.signing_cert.uscc or "")
    _, second_pfx = other.write(tmp_path / "second", "second", PIN)
    settings = Settings(
        network=bidder.settings.network, pfx_files=(*bidder.settings.pfx_files, str(second_pfx))
    )
    code = tmp_path / "code.txt"
    second = other.encryption_cert.sha256
    with build(settings) as desk:
        done = desk.sealing.seal(folder, bidder.signing, bidder.ask, second_lock=second, recovery_file=code)
        assert len(done.recipients) == 3
        sealed = folder / "bid.sealed"
        desk.sealing.unseal(sealed, tmp_path / "1.asice", None, bidder.ask)
        desk.sealing.unseal(sealed, tmp_path / "2.asice", second, bidder.ask)
        text = code.read_text("ascii")
        desk.sealing.unseal_with_code(sealed, tmp_path / "3.asice", text, bidder.ask)
        with pytest.raises(BidExists):
            desk.sealing.unseal(sealed, tmp_path / "1.asice", None, bidder.ask)
        with pytest.raises(BadFormat):
            desk.sealing.unseal_with_code(sealed, tmp_path / "4.asice", text[1:], bidder.ask)
        with pytest.raises(BidExists):
            desk.sealing.seal(folder, bidder.signing, bidder.ask, recovery_file=code)
    for name in ("1.asice", "2.asice", "3.asice"):
        assert file_digest(tmp_path / name) == file_digest(folder / "bid.asice")
    assert code.stat().st_mode & 0o077 == 0
    everything = b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())
    assert text.strip().encode() not in everything


def test_the_second_lock_must_be_ours(bidder: Bidder, tmp_path: Path) -> None:
    folder = bidder.signed()
    rival = bidder.sandbox.issue("别的公司", "91629999TBX000028U")
    _, pfx = rival.write(tmp_path / "rival", "rival", PIN)
    with (
        build(Settings(pfx_files=(*bidder.settings.pfx_files, str(pfx)))) as desk,
        pytest.raises(CertificateUnfit),
    ):
        desk.sealing.seal(folder, bidder.signing, bidder.ask, second_lock=rival.encryption_cert.sha256)
    assert not (folder / "bid.sealed").exists()


def test_only_the_bidder_signs_first(bidder: Bidder, tmp_path: Path) -> None:
    folder = bidder.drafted()
    bidder.desk.signing.pack(folder)
    rival = bidder.sandbox.issue("别的公司", "91629999TBX000028U")
    pfx, _ = rival.write(tmp_path / "rival", "rival", PIN)
    settings = Settings(network=bidder.settings.network, pfx_files=(str(pfx), *bidder.settings.pfx_files))
    with build(settings) as desk:
        with pytest.raises(CertificateUnfit):
            desk.signing.sign(folder, rival.signing_cert.sha256, bidder.ask)
        desk.signing.sign(folder, bidder.signing, bidder.ask)
        done = desk.signing.co_sign(folder, rival.signing_cert.sha256, bidder.ask)
        assert len(done.signers) == 2
        assert done.timestamped


def test_a_wrong_or_missing_pin_is_told_and_changes_nothing(bidder: Bidder) -> None:
    folder = bidder.drafted()
    bidder.desk.signing.pack(folder)
    with pytest.raises(PinWrong):
        bidder.desk.signing.sign(folder, bidder.signing, Nobody(b"wrong"))
    with pytest.raises(Cancelled):
        bidder.desk.signing.sign(folder, bidder.signing, Nobody())
    with pytest.raises(NoSuchKey):
        bidder.desk.signing.sign(folder, "no-such-key", bidder.ask)
    assert bidder.desk.preparing.status(folder).stage == "package"


def test_a_wrong_pin_puts_nothing_aside(bidder: Bidder) -> None:
    folder = bidder.sealed()
    for verb in (bidder.desk.signing.sign, bidder.desk.signing.co_sign):
        with pytest.raises(PinWrong):
            verb(folder, bidder.signing, Nobody(b"wrong"))
        status = bidder.desk.preparing.status(folder)
        assert (status.stage, status.rehearsed) == ("sealed", True)


def test_a_recovery_code_does_not_outlive_a_seal_that_failed(bidder: Bidder, tmp_path: Path) -> None:
    folder, code = bidder.signed(), tmp_path / "code.txt"
    with pytest.raises(PinWrong):
        bidder.desk.sealing.seal(folder, bidder.signing, Nobody(b"wrong"), recovery_file=code)
    assert not code.exists()
    bidder.desk.sealing.seal(folder, bidder.signing, bidder.ask, recovery_file=code)
    assert code.exists()


def test_without_a_rehearsal_nothing_is_submitted(bidder: Bidder) -> None:
    folder = bidder.signed()
    bidder.desk.sealing.seal(folder, bidder.signing, bidder.ask, rehearse_now=False)
    with pytest.raises(NotRehearsed):
        bidder.desk.submitting.submit(folder, bidder.signing, bidder.ask)
    bidder.desk.sealing.rehearse(folder, None, bidder.ask)
    assert bidder.desk.preparing.status(folder).rehearsed


def test_a_damaged_sealed_bid_is_found_by_the_rehearsal(bidder: Bidder) -> None:
    folder = bidder.sealed()
    sealed = folder / "bid.sealed"
    content = bytearray(sealed.read_bytes())
    content[-100] ^= 1
    sealed.write_bytes(content)
    with pytest.raises(DamagedChunk):
        bidder.desk.sealing.rehearse(folder, None, bidder.ask)


def test_a_key_that_the_bid_was_not_sealed_to(bidder: Bidder, tmp_path: Path) -> None:
    folder = bidder.sealed()
    other = bidder.sandbox.issue(bidder.keys.signing_cert.common_name, bidder.keys.signing_cert.uscc or "")
    _, pfx = other.write(tmp_path / "other", "other", PIN)
    with build(Settings(pfx_files=(str(pfx),))) as desk:
        with pytest.raises(WrongKey):
            desk.sealing.rehearse(folder, None, bidder.ask)
        with pytest.raises(WrongKey):
            desk.sealing.rehearse(folder, other.encryption_cert.sha256, bidder.ask)


def test_a_rehearsal_of_another_file_does_not_count(bidder: Bidder) -> None:
    folder = bidder.sealed()
    record = (folder / "rehearsal.json").read_bytes()
    bidder.desk.sealing.seal(folder, bidder.signing, bidder.ask, rehearse_now=False)
    (folder / "rehearsal.json").write_bytes(record)
    assert not bidder.desk.preparing.status(folder).rehearsed


def test_a_document_changed_behind_our_back_is_not_packed(bidder: Bidder) -> None:
    folder = bidder.drafted()
    path = next((folder / "parts").rglob("*.pdf"))
    path.write_bytes(path.read_bytes() + b"\n")
    report = bidder.desk.checking.check(folder)
    assert not report.passed


def test_artefacts_of_two_builds_do_not_mix(bidder: Bidder) -> None:
    folder = bidder.sealed()
    stub = (folder / "bid.stub").read_bytes()
    bidder.desk.sealing.seal(folder, bidder.signing, bidder.ask)
    (folder / "bid.stub").write_bytes(stub)
    status = bidder.desk.preparing.status(folder)
    assert status.stage == "signed"
    assert {stale.name for stale in status.stale} == {"bid.sealed", "bid.leaves", "bid.stub"}
    report = bidder.desk.verifying.verify(folder / "bid.sealed")
    assert [verdict.verdict for verdict in report.verdicts] == ["invalid"]
