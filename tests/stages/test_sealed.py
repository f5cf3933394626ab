"""Sealing: what goes in comes out, and every refusal has its name and leaves nothing behind."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bidclient.crypto.recovery import new_code as new_recovery_code
from bidclient.errors import (
    BadFormat,
    BadManifest,
    Cancelled,
    CertificateUnfit,
    FileProblem,
    Mismatch,
    StaleTender,
    TooLarge,
    WrongKey,
    WrongSecret,
)
from bidclient.formats import canonical
from bidclient.formats.bseal import read_frame
from bidclient.formats.tally import Digests, Tally
from bidclient.formats.wraps import Recipient, check_secret, unwrap_secret, unwrap_with_code, wipe
from bidclient.stages import sealed as stage
from bidclient.stages.sealed import Sealed
from bidclient.stages.sealing import seal
from bidclient.stages.signed import SignedBid
from bidclient.stages.tender import Tender
from tests.support.sealing import CHUNK, CODE, Keys, make_bid, make_tender, names, spoil


def test_seal_and_unseal(sealed: Sealed, signed: SignedBid, keys: Keys, tmp_path: Path) -> None:
    frame = read_frame(sealed.path)
    secret = unwrap_secret(frame, keys.encryption)
    stage.unseal(sealed.path, secret, tmp_path / "again.asice")
    assert (tmp_path / "again.asice").read_bytes() == signed.path.read_bytes()
    assert frame.header == sealed.header
    assert frame.prefix == sealed.prefix
    assert sealed.header.bidder == signed.manifest.bidder.uscc
    assert sealed.header.tender == signed.manifest.tender.sha256
    assert names(tmp_path) == ["again.asice", "bid.asice", "bid.sealed"]


def test_the_writer_uses_whole_mebibytes(
    signed: SignedBid, tender: Tender, keys: Keys, tmp_path: Path
) -> None:
    made = seal(signed, tender, keys.bidder, tmp_path / "bid.sealed")
    assert made.header.chunk == 1024 * 1024
    assert len(made.header.wraps) == 1
    assert made.size == made.path.stat().st_size


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(size=st.integers(1, 3 * CHUNK), chunk=st.sampled_from([4096, 8192, 65536]))
def test_round_trip_of_any_size(
    tender: Tender, keys: Keys, tmp_path_factory: pytest.TempPathFactory, size: int, chunk: int
) -> None:
    folder = tmp_path_factory.mktemp("round")
    bid = make_bid(folder, tender, keys, [size])
    made = seal(bid, tender, keys.bidder, folder / "bid.sealed", chunk=chunk)
    assert stage.rehearse(made.path, keys.encryption, bid).sha256_sealed == made.sha256


def test_digests_are_taken_while_writing(sealed: Sealed) -> None:
    tally = Tally(read_frame(sealed.path))
    tally.update(sealed.path.read_bytes())
    assert tally.result() == Digests(sealed.sha256, "", sealed.file_root, sealed.leaves)
    assert stage.read_sealed(sealed.path) == sealed
    shown = subprocess.run(["sha256sum", sealed.path], capture_output=True, check=True).stdout
    assert shown.split()[0].decode() == sealed.sha256


def test_every_key_and_the_code_give_the_same_secret(sealed: Sealed, keys: Keys) -> None:
    frame = read_frame(sealed.path)
    secret = unwrap_secret(frame, keys.encryption)
    assert unwrap_secret(frame, keys.second) == secret
    assert unwrap_with_code(frame, CODE.lower()) == secret
    assert check_secret(frame, secret).commitment == frame.commitment
    wipe(secret)
    assert secret == bytes(32)


def test_another_key_and_another_code_are_refused(sealed: Sealed, signed: SignedBid, keys: Keys) -> None:
    frame = read_frame(sealed.path)
    with pytest.raises(WrongKey) as caught:
        unwrap_secret(frame, keys.tenderer)
    assert keys.encryption.certificate.sha256[:16] in caught.value.needed
    with pytest.raises(WrongSecret):
        unwrap_with_code(frame, new_recovery_code())
    with pytest.raises(BadFormat):
        unwrap_with_code(frame, "1234")


def test_a_bid_without_code_says_so(signed: SignedBid, tender: Tender, keys: Keys, tmp_path: Path) -> None:
    seal(signed, tender, keys.bidder, tmp_path / "bid.sealed", chunk=CHUNK)
    with pytest.raises(WrongKey):
        unwrap_with_code(read_frame(tmp_path / "bid.sealed"), CODE)


def test_two_seals_differ_everywhere(signed: SignedBid, tender: Tender, keys: Keys, tmp_path: Path) -> None:
    made = [
        seal(signed, tender, keys.bidder, tmp_path / f"{number}.sealed", chunk=CHUNK) for number in range(2)
    ]
    frames = [read_frame(one.path) for one in made]
    found = [unwrap_secret(frame, keys.encryption) for frame in frames]
    assert found[0] != found[1]
    assert frames[0].header.salt != frames[1].header.salt
    assert frames[0].commitment != frames[1].commitment
    assert made[0].file_root != made[1].file_root
    assert not set(made[0].leaves) & set(made[1].leaves)
    payloads = [
        one.path.read_bytes()[frame.payload_offset :] for one, frame in zip(made, frames, strict=True)
    ]
    blocks = [{data[at : at + 16] for at in range(0, len(data) - 15, 16)} for data in payloads]
    assert not blocks[0] & blocks[1]
    with pytest.raises(WrongSecret):
        stage.unseal(made[0].path, found[1], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_document_that_changed_after_signing_stops_the_sealing(
    signed: SignedBid, tender: Tender, keys: Keys, tmp_path: Path
) -> None:
    out = tmp_path / "bid.sealed"
    out.write_bytes(b"old")
    for entry in signed.entries:
        spoil(signed.path, entry.offset + entry.size // 2)
        with pytest.raises(BadManifest) as caught:
            seal(signed, tender, keys.bidder, out, chunk=CHUNK)
        assert caught.value.document == entry.name
        spoil(signed.path, entry.offset + entry.size // 2)
    assert out.read_bytes() == b"old"
    assert names(tmp_path) == ["bid.asice", "bid.sealed"]


def test_another_archive_in_its_place_stops_the_sealing(
    signed: SignedBid, tender: Tender, keys: Keys, tmp_path: Path
) -> None:
    other = make_bid(tmp_path / "other", tender, keys, [9000, 30000, 2])
    shutil.copyfile(other.path, signed.path)
    with pytest.raises(BadManifest):
        seal(signed, tender, keys.bidder, tmp_path / "bid.sealed", chunk=CHUNK)
    signed.path.unlink()
    with pytest.raises(FileProblem):
        seal(signed, tender, keys.bidder, tmp_path / "bid.sealed", chunk=CHUNK)
    assert "bid.sealed" not in names(tmp_path)


def test_a_bid_that_shrinks_while_it_is_sealed(
    signed: SignedBid, tender: Tender, keys: Keys, tmp_path: Path
) -> None:
    bid = make_bid(tmp_path / "big", tender, keys, [40_000_000])

    def cut() -> bool:
        os.truncate(bid.path, 100)
        return False

    with pytest.raises(BadManifest) as caught:
        seal(bid, tender, keys.bidder, tmp_path / "bid.sealed", chunk=CHUNK, cancelled=cut)
    assert caught.value.reason == "became shorter while it was sealed"
    assert names(tmp_path) == ["bid.asice", "big"]


def test_a_manifest_document_without_entry_is_missed(
    signed: SignedBid, tender: Tender, keys: Keys, tmp_path: Path
) -> None:
    ghost = msgspec.structs.replace(signed.manifest.documents[0], path="parts/technical/ghost.pdf")
    manifest = msgspec.structs.replace(signed.manifest, documents=(*signed.manifest.documents, ghost))
    bid = SignedBid(
        signed.path,
        manifest,
        signed.manifest_bytes,
        signed.manifest_sha256,
        signed.entries,
        signed.signatures,
    )
    with pytest.raises(BadManifest) as caught:
        seal(bid, tender, keys.bidder, tmp_path / "bid.sealed", chunk=CHUNK)
    assert caught.value.document == ghost.path


def test_the_bid_must_answer_this_tender(
    signed: SignedBid, tender: Tender, keys: Keys, tmp_path: Path
) -> None:
    replace = msgspec.structs.replace
    out = tmp_path / "bid.sealed"
    with pytest.raises(StaleTender):
        seal(signed, replace(tender, tender_version=2), keys.bidder, out)
    for other, field in (
        (replace(tender, network="other"), "network"),
        (replace(tender, lot=replace(tender.lot, id="lot-2")), "lot"),
        (replace(tender, bid_validity_days=1), "tender"),
    ):
        with pytest.raises(Mismatch) as caught:
            seal(signed, other, keys.bidder, out)
        assert caught.value.field == field
    with pytest.raises(BadFormat):
        seal(signed, tender, keys.bidder, out, suite="rot-13")
    assert names(tmp_path) == ["bid.asice"]


def test_a_suite_that_the_tender_does_not_take(tmp_path: Path, keys: Keys) -> None:
    tender = msgspec.structs.replace(make_tender(keys, 1), suites=("gm-1",))
    bid = make_bid(tmp_path, tender, keys, [10])
    with pytest.raises(Mismatch) as caught:
        seal(bid, tender, keys.bidder, tmp_path / "bid.sealed", suite="intl-1")
    assert caught.value.field == "suite"


def test_the_size_limit_is_that_of_the_sealed_file(tmp_path: Path, keys: Keys) -> None:
    sizes = []
    for limit in (10**6, 20000):
        tender = make_tender(keys, 1, size_limit=limit)
        bid = make_bid(tmp_path / str(limit), tender, keys, [20000])
        out = tmp_path / f"{limit}.sealed"
        if limit == 20000:
            with pytest.raises(TooLarge) as caught:
                seal(bid, tender, keys.bidder, out, chunk=CHUNK)
            sizes.append(caught.value.size)
            assert not out.exists()
        else:
            sizes.append(seal(bid, tender, keys.bidder, out, chunk=CHUNK).size)
    assert abs(sizes[0] - sizes[1]) < 200


def test_a_signing_certificate_is_no_recipient(
    signed: SignedBid, tender: Tender, keys: Keys, tmp_path: Path
) -> None:
    with pytest.raises(CertificateUnfit):
        seal(signed, tender, (Recipient("bidder", keys.signing.certificate),), tmp_path / "bid.sealed")
    assert names(tmp_path) == ["bid.asice"]


def test_cancelling_leaves_nothing(signed: SignedBid, tender: Tender, keys: Keys, tmp_path: Path) -> None:
    bid = make_bid(tmp_path / "big", tender, keys, [20_000_000])
    with pytest.raises(Cancelled):
        seal(bid, tender, keys.bidder, tmp_path / "bid.sealed", chunk=CHUNK, cancelled=lambda: True)
    made = seal(bid, tender, keys.bidder, tmp_path / "bid.sealed", chunk=CHUNK)
    secret = unwrap_secret(read_frame(made.path), keys.encryption)
    with pytest.raises(Cancelled):
        stage.unseal(made.path, secret, tmp_path / "out", cancelled=lambda: True)
    assert names(tmp_path) == ["bid.asice", "bid.sealed", "big"]


KILLED = """
import os, signal, sys
from pathlib import Path
from bidclient.crypto.certificate import Certificate
from bidclient.formats import canonical
from bidclient.formats.wraps import Recipient
from bidclient.stages import sealing, signed, tender

folder = Path(sys.argv[1])
made = canonical.loads((folder / "tender.json").read_bytes(), tender.Tender, "tender")
recipient = Recipient("bidder", Certificate.from_pem((folder / "bidder.pem").read_bytes()))
sealing.seal(
    signed.read_signed(folder / "bid.asice"), made, [recipient], folder / "bid.sealed",
    progress=lambda *_: os.kill(os.getpid(), signal.SIGKILL),
)
"""


def test_killed_in_the_middle_the_old_file_is_whole(
    sealed: Sealed, signed: SignedBid, tender: Tender, keys: Keys, tmp_path: Path
) -> None:
    (tmp_path / "tender.json").write_bytes(canonical.dumps(tender))
    (tmp_path / "bidder.pem").write_bytes(keys.encryption.certificate.pem)
    done = subprocess.run([sys.executable, "-c", KILLED, tmp_path], capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert stage.read_sealed(sealed.path) == sealed
    assert stage.rehearse(sealed.path, keys.encryption, signed).sha256_sealed == sealed.sha256
