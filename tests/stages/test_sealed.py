"""Sealing, unsealing, the stub and the rehearsal: what goes in comes out, and every refusal has its name."""

import base64
import os
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bidclient.crypto import cms
from bidclient.errors import (
    BadFormat,
    BadManifest,
    BadSignature,
    Cancelled,
    CertificateUnfit,
    DamagedChunk,
    FileProblem,
    Mismatch,
    NotCanonical,
    StaleTender,
    TooLarge,
    WrongKey,
    WrongSecret,
)
from bidclient.formats import bseal, canonical
from bidclient.stages import sealed as stage
from bidclient.stages.sealed import Recipient, Sealed, Tally, Wrap
from bidclient.stages.signed import SignedBid
from bidclient.stages.tender import Tender
from tests.support.pki import NOW, Authority, InMemoryKey
from tests.support.sealing import Keys, make_bid, make_keys, make_tender

CHUNK = 4096
CODE = stage.new_recovery_code()


@pytest.fixture(scope="session")
def root() -> Authority:
    return Authority.root()


@pytest.fixture(scope="session")
def keys(root: Authority) -> Keys:
    return make_keys(root)


@pytest.fixture(scope="session")
def tender(keys: Keys) -> Tender:
    return make_tender(keys, 3)


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory, tender: Tender, keys: Keys) -> SignedBid:
    return make_bid(tmp_path_factory.mktemp("bid"), tender, keys, [9000, 30000, 1])


@pytest.fixture
def signed(tmp_path: Path, original: SignedBid) -> SignedBid:
    """The bid in a folder of its own, where a test may spoil it."""
    path = tmp_path / "bid.asice"
    shutil.copyfile(original.path, path)
    return SignedBid(path, *[getattr(original, name) for name in list(original.__dataclass_fields__)[1:]])


@pytest.fixture
def sealed(signed: SignedBid, tender: Tender, keys: Keys) -> Sealed:
    recipients = (*keys.bidder, Recipient("second-lock", keys.second.certificate))
    out = signed.path.parent / "bid.sealed"
    return stage.seal(signed, tender, recipients, out, recovery_code=CODE, chunk=CHUNK)


def names(folder: Path) -> list[str]:
    """What lies in the folder: nothing may be left over."""
    return sorted(path.name for path in folder.iterdir())


def test_seal_and_unseal(sealed: Sealed, signed: SignedBid, keys: Keys, tmp_path: Path) -> None:
    frame = stage.read_frame(sealed.path)
    secret = stage.unwrap_secret(frame, keys.encryption)
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
    made = stage.seal(signed, tender, keys.bidder, tmp_path / "bid.sealed")
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
    made = stage.seal(bid, tender, keys.bidder, folder / "bid.sealed", chunk=chunk)
    assert stage.rehearse(made.path, keys.encryption, bid).sha256_sealed == made.sha256


def test_digests_are_taken_while_writing(sealed: Sealed) -> None:
    tally = Tally(stage.read_frame(sealed.path))
    tally.update(sealed.path.read_bytes())
    assert tally.result() == (sealed.sha256, sealed.file_root, sealed.leaves)
    assert stage.read_sealed(sealed.path) == sealed
    shown = subprocess.run(["sha256sum", sealed.path], capture_output=True, check=True).stdout
    assert shown.split()[0].decode() == sealed.sha256


def test_every_key_and_the_code_give_the_same_secret(sealed: Sealed, keys: Keys) -> None:
    frame = stage.read_frame(sealed.path)
    secret = stage.unwrap_secret(frame, keys.encryption)
    assert stage.unwrap_secret(frame, keys.second) == secret
    assert stage.unwrap_with_code(frame, CODE.lower()) == secret
    assert stage.check_secret(frame, secret).commitment == frame.commitment
    stage.wipe(secret)
    assert secret == bytes(32)


def test_another_key_and_another_code_are_refused(sealed: Sealed, signed: SignedBid, keys: Keys) -> None:
    frame = stage.read_frame(sealed.path)
    with pytest.raises(WrongKey) as caught:
        stage.unwrap_secret(frame, keys.tenderer)
    assert keys.encryption.certificate.sha256[:16] in caught.value.needed
    with pytest.raises(WrongSecret):
        stage.unwrap_with_code(frame, stage.new_recovery_code())
    with pytest.raises(BadFormat):
        stage.unwrap_with_code(frame, "1234")


def test_a_bid_without_code_says_so(signed: SignedBid, tender: Tender, keys: Keys, tmp_path: Path) -> None:
    stage.seal(signed, tender, keys.bidder, tmp_path / "bid.sealed", chunk=CHUNK)
    with pytest.raises(WrongKey):
        stage.unwrap_with_code(stage.read_frame(tmp_path / "bid.sealed"), CODE)


def test_two_seals_differ_everywhere(signed: SignedBid, tender: Tender, keys: Keys, tmp_path: Path) -> None:
    made = [
        stage.seal(signed, tender, keys.bidder, tmp_path / f"{number}.sealed", chunk=CHUNK)
        for number in range(2)
    ]
    frames = [stage.read_frame(one.path) for one in made]
    found = [stage.unwrap_secret(frame, keys.encryption) for frame in frames]
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


# ------------------------------------------------------------------------------------- refusing to seal


def spoil(path: Path, position: int) -> None:
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)


def test_a_document_that_changed_after_signing_stops_the_sealing(
    signed: SignedBid, tender: Tender, keys: Keys, tmp_path: Path
) -> None:
    out = tmp_path / "bid.sealed"
    out.write_bytes(b"old")
    for entry in signed.entries:
        spoil(signed.path, entry.offset + entry.size // 2)
        with pytest.raises(BadManifest) as caught:
            stage.seal(signed, tender, keys.bidder, out, chunk=CHUNK)
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
        stage.seal(signed, tender, keys.bidder, tmp_path / "bid.sealed", chunk=CHUNK)
    signed.path.unlink()
    with pytest.raises(FileProblem):
        stage.seal(signed, tender, keys.bidder, tmp_path / "bid.sealed", chunk=CHUNK)
    assert "bid.sealed" not in names(tmp_path)


def test_a_bid_that_shrinks_while_it_is_sealed(
    signed: SignedBid, tender: Tender, keys: Keys, tmp_path: Path
) -> None:
    bid = make_bid(tmp_path / "big", tender, keys, [40_000_000])

    def cut() -> bool:
        os.truncate(bid.path, 100)
        return False

    with pytest.raises(BadManifest) as caught:
        stage.seal(bid, tender, keys.bidder, tmp_path / "bid.sealed", chunk=CHUNK, cancelled=cut)
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
        stage.seal(bid, tender, keys.bidder, tmp_path / "bid.sealed", chunk=CHUNK)
    assert caught.value.document == ghost.path


def test_the_bid_must_answer_this_tender(
    signed: SignedBid, tender: Tender, keys: Keys, tmp_path: Path
) -> None:
    replace = msgspec.structs.replace
    out = tmp_path / "bid.sealed"
    with pytest.raises(StaleTender):
        stage.seal(signed, replace(tender, tender_version=2), keys.bidder, out)
    for other, field in (
        (replace(tender, network="other"), "network"),
        (replace(tender, lot=replace(tender.lot, id="lot-2")), "lot"),
        (replace(tender, bid_validity_days=1), "tender"),
    ):
        with pytest.raises(Mismatch) as caught:
            stage.seal(signed, other, keys.bidder, out)
        assert caught.value.field == field
    with pytest.raises(BadFormat):
        stage.seal(signed, tender, keys.bidder, out, suite="rot-13")
    assert names(tmp_path) == ["bid.asice"]


def test_a_suite_that_the_tender_does_not_take(tmp_path: Path, keys: Keys) -> None:
    tender = msgspec.structs.replace(make_tender(keys, 1), suites=("gm-1",))
    bid = make_bid(tmp_path, tender, keys, [10])
    with pytest.raises(Mismatch) as caught:
        stage.seal(bid, tender, keys.bidder, tmp_path / "bid.sealed")
    assert caught.value.field == "suite"


def test_the_size_limit_is_that_of_the_sealed_file(tmp_path: Path, keys: Keys) -> None:
    sizes = []
    for limit in (10**6, 20000):
        tender = make_tender(keys, 1, size_limit=limit)
        bid = make_bid(tmp_path / str(limit), tender, keys, [20000])
        out = tmp_path / f"{limit}.sealed"
        if limit == 20000:
            with pytest.raises(TooLarge) as caught:
                stage.seal(bid, tender, keys.bidder, out, chunk=CHUNK)
            sizes.append(caught.value.size)
            assert not out.exists()
        else:
            sizes.append(stage.seal(bid, tender, keys.bidder, out, chunk=CHUNK).size)
    assert abs(sizes[0] - sizes[1]) < 200


def test_a_signing_certificate_is_no_recipient(
    signed: SignedBid, tender: Tender, keys: Keys, tmp_path: Path
) -> None:
    with pytest.raises(CertificateUnfit):
        stage.seal(signed, tender, (Recipient("bidder", keys.signing.certificate),), tmp_path / "bid.sealed")
    assert names(tmp_path) == ["bid.asice"]


def test_cancelling_leaves_nothing(signed: SignedBid, tender: Tender, keys: Keys, tmp_path: Path) -> None:
    bid = make_bid(tmp_path / "big", tender, keys, [20_000_000])
    with pytest.raises(Cancelled):
        stage.seal(bid, tender, keys.bidder, tmp_path / "bid.sealed", chunk=CHUNK, cancelled=lambda: True)
    made = stage.seal(bid, tender, keys.bidder, tmp_path / "bid.sealed", chunk=CHUNK)
    secret = stage.unwrap_secret(stage.read_frame(made.path), keys.encryption)
    with pytest.raises(Cancelled):
        stage.unseal(made.path, secret, tmp_path / "out", cancelled=lambda: True)
    assert names(tmp_path) == ["bid.asice", "bid.sealed", "big"]


KILLED = """
import os, signal, sys
from pathlib import Path
from bidclient.crypto.certificate import Certificate
from bidclient.formats import canonical
from bidclient.stages import sealed, signed, tender

folder = Path(sys.argv[1])
made = canonical.loads((folder / "tender.json").read_bytes(), tender.Tender, "tender")
recipient = sealed.Recipient("bidder", Certificate.from_pem((folder / "bidder.pem").read_bytes()))
sealed.seal(
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


# ------------------------------------------------------------------------------------ refusing to open


def rebuilt(sealed: Sealed, change: Callable[[bseal.Header], bseal.Header]) -> bytes:
    """The file with a changed header and everything else as it was."""
    data, frame = sealed.path.read_bytes(), stage.read_frame(sealed.path)
    text = canonical.dumps(change(frame.header))
    wraps = b"".join(frame.wraps)
    head = data[:8] + len(text).to_bytes(4, "big") + text + len(wraps).to_bytes(4, "big") + wraps
    head += frame.commitment
    return head + bytes(-len(head) % 4096) + data[frame.payload_offset :]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("network", "other"),
        ("tender", "00" * 32),
        ("tender_version", 2),
        ("lot", "lot-2"),
        ("bidder", "91110000MA00000000"),
        ("salt", "00" * 32),
    ],
)
def test_an_edited_header_does_not_take_the_secret(
    sealed: Sealed, keys: Keys, tmp_path: Path, field: str, value: str | int
) -> None:
    secret = stage.unwrap_secret(stage.read_frame(sealed.path), keys.encryption)
    sealed.path.write_bytes(rebuilt(sealed, lambda header: msgspec.structs.replace(header, **{field: value})))
    with pytest.raises(WrongSecret):
        stage.unseal(sealed.path, secret, tmp_path / "out")
    assert names(tmp_path) == ["bid.asice", "bid.sealed"]


def test_a_wrap_cannot_be_taken_away(sealed: Sealed, keys: Keys) -> None:
    frame = stage.read_frame(sealed.path)
    secret = stage.unwrap_secret(frame, keys.encryption)
    header = frame.header
    for wraps in (header.wraps[:-1], header.wraps[:1]):
        changed = msgspec.structs.replace(header, wraps=wraps)
        made, _ = bseal.new_frame(changed, frame.wraps[: len(wraps)], bytes(32))
        forged = bseal.frame_of_prefix(made.prefix[:-32] + frame.commitment)
        with pytest.raises(WrongSecret):
            stage.check_secret(forged, secret)


def test_a_wrap_cannot_be_added(signed: SignedBid, tender: Tender, keys: Keys, tmp_path: Path) -> None:
    """Somebody who wants to open the bid as well puts a wrap of their own, well formed, into the header."""
    made = stage.seal(signed, tender, keys.bidder, tmp_path / "bid.sealed", chunk=CHUNK)
    frame = stage.read_frame(made.path)
    secret = stage.unwrap_secret(frame, keys.encryption)
    own = frame.header.wraps[0]
    more = Wrap("second-lock", own.length, 4, "ab" * 32, 0)
    changed = msgspec.structs.replace(frame.header, wraps=(own, more))
    forged, _ = bseal.new_frame(changed, (*frame.wraps, b"more"), bytes(32))
    forged = bseal.frame_of_prefix(forged.prefix[:-32] + frame.commitment)
    with pytest.raises(WrongSecret):
        stage.check_secret(forged, secret)


def test_wraps_that_changed_places_or_come_from_another_bid(
    sealed: Sealed, signed: SignedBid, tender: Tender, keys: Keys, tmp_path: Path
) -> None:
    other = stage.seal(signed, tender, keys.bidder, tmp_path / "other.sealed", chunk=CHUNK)
    ours, theirs = stage.read_frame(sealed.path), stage.read_frame(other.path)
    secret = stage.unwrap_secret(ours, keys.encryption)
    payload = sealed.path.read_bytes()[ours.payload_offset :]
    sealed.path.write_bytes(bseal.head_bytes(theirs) + payload)
    assert ours.header.chunks == theirs.header.chunks
    with pytest.raises(WrongSecret):
        stage.unseal(sealed.path, secret, tmp_path / "out")
    with pytest.raises(DamagedChunk) as caught:
        stage.unseal(
            sealed.path, stage.unwrap_secret(stage.read_frame(sealed.path), keys.encryption), tmp_path / "out"
        )
    assert caught.value.index == 0
    assert names(tmp_path) == ["bid.asice", "bid.sealed", "other.sealed"]


@pytest.mark.parametrize("chunk", [0, 3, -1])
def test_a_damaged_chunk_is_named_and_nothing_is_written(
    sealed: Sealed, signed: SignedBid, keys: Keys, tmp_path: Path, chunk: int
) -> None:
    frame = stage.read_frame(sealed.path)
    index = chunk % frame.header.chunks
    spoil(sealed.path, frame.payload_offset + index * (CHUNK + 16) + 5)
    secret = stage.unwrap_secret(frame, keys.encryption)
    for attempt in (
        lambda: stage.unseal(sealed.path, secret, tmp_path / "out"),
        lambda: stage.read_range(sealed.path, secret, index * CHUNK, 1),
        lambda: stage.rehearse(sealed.path, keys.encryption, signed),
    ):
        with pytest.raises(DamagedChunk) as caught:
            attempt()
        assert (caught.value.index, caught.value.chunks) == (index, frame.header.chunks)
    assert names(tmp_path) == ["bid.asice", "bid.sealed"]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_range_can_be_read(sealed: Sealed, signed: SignedBid, keys: Keys, data: st.DataObject) -> None:
    plain = signed.path.read_bytes()
    secret = stage.unwrap_secret(stage.read_frame(sealed.path), keys.second)
    start = data.draw(st.integers(0, len(plain) - 1))
    length = data.draw(st.integers(1, len(plain) - start))
    assert stage.read_range(sealed.path, secret, start, length) == plain[start : start + length]
    for wrong in ((-1, 1), (0, 0), (0, len(plain) + 1), (len(plain), 1)):
        with pytest.raises(ValueError, match="bytes from"):
            stage.read_range(sealed.path, secret, *wrong)


# ------------------------------------------------------------------------------------------ rehearsal


def test_the_rehearsal_compares_with_the_signed_bid(
    sealed: Sealed, signed: SignedBid, keys: Keys, tender: Tender, tmp_path: Path
) -> None:
    steps: list[str] = []
    found = stage.rehearse(sealed.path, keys.encryption, signed, progress=lambda step, *_: steps.append(step))
    assert (found.sha256_sealed, found.file_root) == (sealed.sha256, sealed.file_root)
    assert (found.size, found.chunks, found.decrypted) == (sealed.size, sealed.header.chunks, True)
    assert set(steps) == {"unseal", "hash"}
    secret = stage.unwrap_secret(stage.read_frame(sealed.path), keys.encryption)
    assert stage.rehearse(sealed.path, secret, signed) == found
    spoil(signed.path, signed.entries[4].offset)
    with pytest.raises(Mismatch):
        stage.rehearse(sealed.path, keys.encryption, signed)
    other = make_bid(tmp_path / "other", tender, keys, [5])
    with pytest.raises(Mismatch):
        stage.rehearse(sealed.path, keys.encryption, other)
    with pytest.raises(WrongKey):
        stage.rehearse(sealed.path, keys.tenderer, signed)
    with pytest.raises(WrongSecret):
        stage.rehearse(sealed.path, secrets.token_bytes(32), signed)


# ------------------------------------------------------------------------------------------- policy all


def test_policy_all_needs_both_shares(tmp_path: Path, keys: Keys) -> None:
    tender = make_tender(keys, 1, policy="all")
    bid = make_bid(tmp_path, tender, keys, [20000])
    out = tmp_path / "bid.sealed"
    made = stage.seal(bid, tender, keys.bidder, out, recovery_code=CODE, chunk=CHUNK)
    frame = stage.read_frame(out)
    assert [(wrap.role, wrap.share) for wrap in made.header.wraps] == [
        ("bidder", 1),
        ("recovery", 1),
        ("tenderer", 2),
    ]
    ours = stage.unwrap_secret(frame, keys.encryption)
    theirs = stage.unwrap_secret(frame, keys.tenderer)
    assert stage.unwrap_with_code(frame, CODE) == ours
    for alone in (ours, theirs, bytes(32)):
        with pytest.raises(WrongSecret):
            stage.unseal(out, alone, tmp_path / "again")
    stage.unseal(out, stage.combine(ours, theirs), tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == bid.path.read_bytes()
    assert stage.rehearse(out, keys.encryption, bid).decrypted is False
    assert stage.rehearse(out, stage.combine(ours, theirs), bid).decrypted is True


# ------------------------------------------------------------------------------------------------ stub


def test_the_stub_carries_what_opens_the_bid_later(sealed: Sealed, signed: SignedBid, keys: Keys) -> None:
    data = stage.make_stub(sealed, signed, keys.signing, NOW)
    stub = stage.read_stub(data)
    assert stage.check_stub(stub, sealed) is stub
    assert stage.check_stub(stub, stage.read_frame(sealed.path)) is stub
    assert stub.frame == stage.read_frame(sealed.path)
    assert stub.signed_by.signer == keys.signing.certificate
    assert stage.unwrap_secret(stub.frame, keys.encryption) == stage.unwrap_with_code(stub.frame, CODE)
    assert stub.stub.sealed_sha256 == sealed.sha256


def resigned(data: bytes, key: InMemoryKey, **changes: object) -> bytes:
    """A stub with other content under a good signature."""
    stub = msgspec.structs.replace(stage.read_stub(data).stub, **changes)
    return cms.sign_attached(canonical.dumps(stub), key, NOW)


def test_a_stub_that_contradicts_its_frame_is_refused(sealed: Sealed, signed: SignedBid, keys: Keys) -> None:
    data = stage.make_stub(sealed, signed, keys.signing, NOW)
    for field, value in {
        "network": "other",
        "lot": "lot-2",
        "tender_sha256": "00" * 32,
        "tender_version": 9,
        "bidder": "91110000MA00000000",
        "suite": "gm-1",
        "sealed_size": sealed.size + 1,
        "sealed_sm3": "00" * 32,
    }.items():
        with pytest.raises(Mismatch):
            stage.read_stub(resigned(data, keys.signing, **{field: value}))
    for prefix in ("*", base64.b64encode(sealed.prefix).decode().rstrip("=") + "\n"):
        with pytest.raises((BadFormat, Mismatch)):
            stage.read_stub(resigned(data, keys.signing, prefix=prefix))
    for field in ("sealed_sha256", "file_root"):
        stub = stage.read_stub(resigned(data, keys.signing, **{field: "00" * 32}))
        stage.check_stub(stub, stage.read_frame(sealed.path))
        with pytest.raises(Mismatch) as caught:
            stage.check_stub(stub, sealed)
        assert caught.value.field == field


def test_a_stub_of_another_company_or_without_signature(
    sealed: Sealed, signed: SignedBid, keys: Keys, root: Authority
) -> None:
    rival = root.issue("signing", number=1, name="对手公司", uscc="91110000600037342J")
    data = stage.make_stub(sealed, signed, keys.signing, NOW)
    with pytest.raises(Mismatch) as caught:
        stage.read_stub(resigned(data, rival))
    assert caught.value.field == "bidder"
    place = data.index(sealed.sha256.encode())
    spoilt = data[:place] + (b"0" if data[place : place + 1] != b"0" else b"1") + data[place + 1 :]
    with pytest.raises(BadSignature):
        stage.read_stub(spoilt)
    with pytest.raises(NotCanonical):
        stage.read_stub(cms.sign_attached(b'{"a": 1}', keys.signing, NOW))


def test_a_stub_belongs_to_one_seal(
    sealed: Sealed, signed: SignedBid, keys: Keys, tender: Tender, tmp_path: Path
) -> None:
    stub = stage.read_stub(stage.make_stub(sealed, signed, keys.signing, NOW))
    other = stage.seal(signed, tender, keys.bidder, tmp_path / "other.sealed", chunk=CHUNK)
    with pytest.raises(Mismatch):
        stage.check_stub(stub, other)
