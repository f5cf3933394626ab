"""Opening a sealed bid, the rehearsal, policy "all": everything that was spoilt is refused by its name."""

import secrets
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bidclient.errors import (
    DamagedChunk,
    Mismatch,
    WrongKey,
    WrongSecret,
)
from bidclient.formats import bseal, canonical
from bidclient.formats.bseal import Wrap, read_frame
from bidclient.formats.wraps import check_secret, combine, unwrap_secret, unwrap_with_code
from bidclient.stages import sealed as stage
from bidclient.stages.sealed import Sealed
from bidclient.stages.sealing import seal
from bidclient.stages.signed import SignedBid
from bidclient.stages.tender import Tender
from tests.support.sealing import CHUNK, CODE, Keys, make_bid, make_tender, names, spoil


def rebuilt(sealed: Sealed, change: Callable[[bseal.Header], bseal.Header]) -> bytes:
    """The file with a changed header and everything else as it was."""
    data, frame = sealed.path.read_bytes(), read_frame(sealed.path)
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
    secret = unwrap_secret(read_frame(sealed.path), keys.encryption)
    sealed.path.write_bytes(rebuilt(sealed, lambda header: msgspec.structs.replace(header, **{field: value})))
    with pytest.raises(WrongSecret):
        stage.unseal(sealed.path, secret, tmp_path / "out")
    assert names(tmp_path) == ["bid.asice", "bid.sealed"]


def test_a_wrap_cannot_be_taken_away(sealed: Sealed, keys: Keys) -> None:
    frame = read_frame(sealed.path)
    secret = unwrap_secret(frame, keys.encryption)
    header = frame.header
    for wraps in (header.wraps[:-1], header.wraps[:1]):
        changed = msgspec.structs.replace(header, wraps=wraps)
        made, _ = bseal.new_frame(changed, frame.wraps[: len(wraps)], bytes(32))
        forged = bseal.frame_of_prefix(made.prefix[:-32] + frame.commitment)
        with pytest.raises(WrongSecret):
            check_secret(forged, secret)


def test_a_wrap_cannot_be_added(signed: SignedBid, tender: Tender, keys: Keys, tmp_path: Path) -> None:
    """Somebody who wants to open the bid as well puts a wrap of their own, well formed, into the header."""
    made = seal(signed, tender, keys.bidder, tmp_path / "bid.sealed", chunk=CHUNK)
    frame = read_frame(made.path)
    secret = unwrap_secret(frame, keys.encryption)
    own = frame.header.wraps[0]
    more = Wrap("second-lock", own.length, 4, "ab" * 32, 0)
    changed = msgspec.structs.replace(frame.header, wraps=(own, more))
    forged, _ = bseal.new_frame(changed, (*frame.wraps, b"more"), bytes(32))
    forged = bseal.frame_of_prefix(forged.prefix[:-32] + frame.commitment)
    with pytest.raises(WrongSecret):
        check_secret(forged, secret)


def test_wraps_that_changed_places_or_come_from_another_bid(
    sealed: Sealed, signed: SignedBid, tender: Tender, keys: Keys, tmp_path: Path
) -> None:
    other = seal(signed, tender, keys.bidder, tmp_path / "other.sealed", chunk=CHUNK)
    ours, theirs = read_frame(sealed.path), read_frame(other.path)
    secret = unwrap_secret(ours, keys.encryption)
    payload = sealed.path.read_bytes()[ours.payload_offset :]
    sealed.path.write_bytes(bseal.head_bytes(theirs) + payload)
    assert ours.header.chunks == theirs.header.chunks
    with pytest.raises(WrongSecret):
        stage.unseal(sealed.path, secret, tmp_path / "out")
    with pytest.raises(DamagedChunk) as caught:
        stage.unseal(sealed.path, unwrap_secret(read_frame(sealed.path), keys.encryption), tmp_path / "out")
    assert caught.value.index == 0
    assert names(tmp_path) == ["bid.asice", "bid.sealed", "other.sealed"]


@pytest.mark.parametrize("chunk", [0, 3, -1])
def test_a_damaged_chunk_is_named_and_nothing_is_written(
    sealed: Sealed, signed: SignedBid, keys: Keys, tmp_path: Path, chunk: int
) -> None:
    frame = read_frame(sealed.path)
    index = chunk % frame.header.chunks
    spoil(sealed.path, frame.payload_offset + index * (CHUNK + 16) + 5)
    secret = unwrap_secret(frame, keys.encryption)
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
    secret = unwrap_secret(read_frame(sealed.path), keys.second)
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
    secret = unwrap_secret(read_frame(sealed.path), keys.encryption)
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
    made = seal(bid, tender, keys.bidder, out, recovery_code=CODE, chunk=CHUNK)
    frame = read_frame(out)
    assert [(wrap.role, wrap.share) for wrap in made.header.wraps] == [
        ("bidder", 1),
        ("recovery", 1),
        ("tenderer", 2),
    ]
    ours = unwrap_secret(frame, keys.encryption)
    theirs = unwrap_secret(frame, keys.tenderer)
    assert unwrap_with_code(frame, CODE) == ours
    for alone in (ours, theirs, bytes(32)):
        with pytest.raises(WrongSecret):
            stage.unseal(out, alone, tmp_path / "again")
    stage.unseal(out, combine(ours, theirs), tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == bid.path.read_bytes()
    assert stage.rehearse(out, keys.encryption, bid).decrypted is False
    assert stage.rehearse(out, combine(ours, theirs), bid).decrypted is True


def test_policy_all_is_opened_whole_while_it_is_sealed(tmp_path: Path, keys: Keys, sealed: Sealed) -> None:
    tender = make_tender(keys, 1, policy="all")
    bid = make_bid(tmp_path / "all", tender, keys, [20000])
    out = tmp_path / "all.sealed"
    steps: list[str] = []
    made = seal(
        bid, tender, keys.bidder, out, chunk=CHUNK, progress=lambda step, _done, _total: steps.append(step)
    )
    assert (made.opened, sealed.opened) == (True, False)
    assert set(steps) == {"seal", "unseal"}
    first = out.read_bytes()

    def change_the_bid(step: str, done: int, total: int) -> None:
        if (step, done, steps) == ("seal", total, []):
            steps.append(step)
            spoil(bid.path, bid.entries[-1].offset)

    steps.clear()
    with pytest.raises(Mismatch, match="other bytes"):
        seal(bid, tender, keys.bidder, out, chunk=CHUNK, progress=change_the_bid)
    assert out.read_bytes() == first
