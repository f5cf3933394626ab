"""Threats that no other test holds: who can open too early, what a copy is worth, what sizes tell."""

import hashlib
import os
import stat
import threading
from pathlib import Path

import msgspec
import pytest

from bidclient.crypto import cms
from bidclient.crypto.timestamp import fail_over
from bidclient.errors import BadEnvelope, BadTimestamp, Mismatch, Unreachable, WrongKey, WrongSecret
from bidclient.formats import bseal
from bidclient.formats.atomic import TEMPORARY_PREFIX
from bidclient.formats.bseal import read_frame
from bidclient.formats.wraps import combine, unwrap_secret
from bidclient.sandbox.login import MAX_PATCH
from bidclient.stages import sealed as stage
from bidclient.stages.opened import open_release, release_context, wrap_release
from bidclient.stages.package import read_package
from bidclient.stages.sealing import seal
from bidclient.stages.signed import read_signed, sign, verify_signed
from bidclient.stages.stub import read_stub
from tests.hostile.conftest import CHUNK, Vault
from tests.sandbox.conftest import DEADLINE, NewMarket
from tests.support.firms import code_of
from tests.support.pki import NOW, USCC, Authority
from tests.support.sealing import make_bid, make_keys, make_tender


def test_nobody_but_the_bidder_holds_a_key_before_the_release(new_market: NewMarket) -> None:
    """The platform has the sealed file, the stub and all keys of its own, and opens nothing."""
    market = new_market(1)
    bid = market.bid(market.firms[0])
    authority = market.sandbox.world.authority
    frame = read_stub(bid.stub).frame
    for key in (authority.identity, authority.opening, authority.tenderer, authority.root):
        with pytest.raises(WrongKey):
            unwrap_secret(frame, key)
    assert market.firms[0].uscc in frame.prefix.decode("latin-1")
    assert b"price" not in bid.sealed.path.read_bytes()


def test_under_joint_control_neither_side_opens_alone(tmp_path: Path) -> None:
    keys = make_keys(Authority.root())
    tender = make_tender(keys, 1, policy="all")
    signed = make_bid(tmp_path, tender, keys, [9000])
    sealed = seal(signed, tender, keys.bidder, tmp_path / "bid.sealed", chunk=CHUNK)
    frame = read_frame(sealed.path)
    ours = unwrap_secret(frame, keys.encryption)
    theirs = unwrap_secret(frame, keys.tenderer)
    for share in (ours, theirs, combine(ours, ours)):
        with pytest.raises(WrongSecret):
            stage.unseal(sealed.path, share, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    stage.unseal(sealed.path, combine(ours, theirs), tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == signed.path.read_bytes()


def test_a_copied_bid_is_worth_nothing_to_the_copier(vault: Vault) -> None:
    """A rival with the whole sealed file, its stub and the certificate of its own choice."""
    rival = vault.root.issue("encryption", kind="p-256", number=8, name="对手公司", uscc="91110000600037342J")
    frame = read_frame(vault.path)
    with pytest.raises(WrongKey):
        unwrap_secret(frame, rival)
    header = msgspec.structs.replace(frame.header, bidder="91110000600037342J")
    claimed, _ = bseal.new_frame(header, frame.wraps, bytes(32))
    with pytest.raises(BadEnvelope):
        unwrap_secret(claimed, vault.keys.encryption)
    signer = vault.root.issue("signing", number=1, name="对手公司", uscc="91110000600037342J")
    with pytest.raises(Mismatch):
        read_stub(cms.sign_attached(read_stub(vault.stub).signed_by.content or b"", signer, NOW))


def test_a_release_serves_one_bid_in_one_opening(vault: Vault) -> None:
    """A platform that keeps a release cannot use it in another opening, for another bid or bidder."""
    opener = vault.root.issue("encryption", number=9, name="开标", uscc=None)
    true = ("test-net", "opening-1", "submission-1", "lot-1", USCC)
    envelope = wrap_release(vault.secret, opener.certificate, release_context(*true))
    assert open_release(envelope, opener, release_context(*true)) == vault.secret
    for place in range(len(true)):
        other = (*true[:place], "91110000600037342J", *true[place + 1 :])
        with pytest.raises(BadEnvelope):
            open_release(envelope, opener, release_context(*other))


def test_the_sealed_file_tells_the_sum_of_the_sizes_and_nothing_of_the_parts(tmp_path: Path) -> None:
    keys = make_keys(Authority.root())
    tender = make_tender(keys, 2)
    sizes = ([100, 50_000], [50_000, 100])
    sealed = []
    for number, chosen in enumerate(sizes):
        signed = make_bid(tmp_path / str(number), tender, keys, chosen)
        sealed.append(seal(signed, tender, keys.bidder, tmp_path / f"{number}.sealed", chunk=CHUNK))
    (one, _), (other, _) = sealed_facts(sealed[0]), sealed_facts(sealed[1])
    # The signed bids' manifests differ in digests only, so the sums are the same to the byte.
    assert one == other
    for bid in sealed:
        assert not any(
            name in bid.path.read_bytes() for name in (b"d000.pdf", "第001份".encode(), b"technical")
        )


def sealed_facts(sealed: stage.Sealed) -> tuple[tuple[int, int, int], bytes]:
    """What a stranger reads off the header: lengths, and the salt that is fresh each time."""
    header = sealed.header
    return (header.payload_len, header.chunks, header.chunk), header.salt_bytes


def test_files_in_the_making_are_private_and_gone_afterwards(vault: Vault) -> None:
    """While a bid is opened, its plaintext lies in a file that only its owner can read."""
    out, seen = vault.path.parent / "out.asice", threading.Event()
    modes: list[int] = []

    def look(_step: str, _done: int, _total: int) -> None:
        for path in out.parent.glob(f"{TEMPORARY_PREFIX}*"):
            modes.append(stat.S_IMODE(path.stat().st_mode))
            seen.set()

    before = os.umask(0)
    try:
        stage.unseal(vault.path, vault.secret, out, look)
    finally:
        os.umask(before)
    assert seen.is_set()
    assert set(modes) == {0o600}
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert vault.left() == ["out.asice"]


def test_with_all_timestamp_services_down_signing_says_so_or_goes_on_without(
    master: Vault, tmp_path: Path
) -> None:
    def down(_digest: bytes) -> bytes:
        raise Unreachable("tsa", "no answer")

    def liar(_digest: bytes) -> bytes:
        raise BadTimestamp("tsa", "another digest")

    package = read_package(master.signed.path.with_name("bid.zip"))
    out = tmp_path / "bid.asice"
    with pytest.raises(Unreachable):
        sign(package, master.keys.signing, fail_over([down, down]), NOW, out)
    with pytest.raises(BadTimestamp):
        sign(package, master.keys.signing, fail_over([down, liar]), NOW, out)
    assert list(tmp_path.iterdir()) == []
    sign(package, master.keys.signing, None, NOW, out)
    anchors = [master.root.certificate]
    assert verify_signed(read_signed(out), anchors, anchors, NOW).signatures[0].timestamp is None


def test_a_piece_that_was_damaged_on_the_way_is_not_stored(new_market: NewMarket) -> None:
    market = new_market(1)
    firm = market.firms[0]
    bid = market.bid(firm)
    firm.register(market.lot)
    view = firm.create(market.lot, bid.stub).json()
    data = bytearray(bid.sealed.path.read_bytes())
    assert len(data) < MAX_PATCH
    damaged = bytes(data[:-1]) + bytes([data[-1] ^ 1])
    # Damaged between the two ends: the checksum is that of the true bytes.
    answer = firm.patch(view["upload_url"], 0, damaged, checksum=hashlib.sha256(data).digest())
    assert code_of(answer) == "checksum-mismatch"
    # Damaged before the checksum was taken: the bytes arrive, and the bid is not taken for the promised one.
    assert firm.patch(view["upload_url"], 0, damaged).status_code == 204
    assert code_of(firm.finalize(view, bid.stub)) == "digest-mismatch"
    market.sandbox.at(DEADLINE)
    assert code_of(firm.finalize(view, bid.stub)) == "deadline-passed"
