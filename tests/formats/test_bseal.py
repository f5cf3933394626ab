"""The frame of a sealed bid: only what a writer writes is read, and running digests are the right ones."""

import hashlib
import secrets
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bidclient.crypto import stream
from bidclient.crypto.sm import sm3
from bidclient.errors import BadSeal, FileProblem
from bidclient.formats import bseal, canonical
from bidclient.formats.bseal import Frame, Header, Wrap
from bidclient.formats.tally import Digests, Tally, file_root

SECRET = bytes(range(32))
WRAPS = (b"first wrap", b"second")


def header(**changes: object) -> Header:
    """A small good header with some fields changed."""
    plain = Header(
        v=1,
        suite=1,
        network="net",
        tender="ab" * 32,
        tender_version=2,
        lot="lot-1",
        bidder="91110000MA00000000",
        policy="any",
        salt="cd" * 32,
        chunk=4096,
        chunks=3,
        payload_len=2 * 4096 + 5,
        wraps=(Wrap("bidder", 0, 10, "ef" * 32, 0), Wrap("recovery", 10, 6, "", 0)),
        shares=(),
    )
    return msgspec.structs.replace(plain, **changes)


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def write(path: Path, frame: Frame) -> bytes:
    """A file with this frame and random chunks."""
    data = bseal.head_bytes(frame) + secrets.token_bytes(frame.header.shape.sealed_len)
    path.write_bytes(data)
    return data


def test_a_frame_is_read_back(tmp_path: Path) -> None:
    frame, keys = bseal.new_frame(header(), WRAPS, SECRET)
    data = write(tmp_path / "bid.sealed", frame)
    assert bseal.read_frame(tmp_path / "bid.sealed") == frame
    assert bseal.frame_of_prefix(frame.prefix) == frame
    assert frame.wraps == WRAPS
    assert frame.payload_offset == 4096
    assert frame.size == len(data) == 4096 + 2 * 4112 + 21
    assert frame.commitment == keys.commitment
    assert keys == stream.derive(SECRET, bytes.fromhex("cd" * 32), 1, frame.head_digest)


def test_the_layout_is_the_one_of_the_table() -> None:
    frame, _ = bseal.new_frame(header(), WRAPS, SECRET)
    text = canonical.dumps(header())
    assert frame.prefix[:8] == bytes.fromhex("894249445 30d0a1a".replace(" ", ""))
    assert frame.prefix[8:12] == len(text).to_bytes(4, "big")
    assert frame.prefix[12 : 12 + len(text)] == text
    assert frame.prefix[12 + len(text) : -32] == b"\0\0\0\x10" + b"".join(WRAPS)


JOINT = (
    Wrap("bidder", 0, 10, "ef" * 32, 1),
    Wrap("tenderer", 10, 6, "ee" * 32, 2),
)
SHARES = ("01" * 32, "02" * 32)


def test_policy_all_has_two_shares() -> None:
    frame, _ = bseal.new_frame(header(policy="all", wraps=JOINT, shares=SHARES), WRAPS, SECRET)
    assert [wrap.share for wrap in frame.header.wraps] == [1, 2]


@pytest.mark.parametrize(
    "changes",
    [
        {"suite": 3},
        {"chunk": 4095},
        {"chunk": 2048, "chunks": 5},
        {"chunk": 16 * 1024 * 1024, "chunks": 1},
        {"chunks": 4},
        {"chunks": 2},
        {"payload_len": 2**52, "chunks": 2**40},
        {"wraps": ()},
        {"wraps": (Wrap("bidder", 1, 10, "ef" * 32, 0), Wrap("recovery", 11, 5, "", 0))},
        {"wraps": (Wrap("bidder", 0, 10, "ef" * 32, 0), Wrap("recovery", 9, 7, "", 0))},
        {"wraps": (Wrap("bidder", 0, 10, "ef" * 32, 0),)},
        {"wraps": (Wrap("bidder", 0, 10, "ef" * 32, 0), Wrap("recovery", 10, 7, "", 0))},
        {"wraps": (Wrap("bidder", 0, 0, "ef" * 32, 0), Wrap("recovery", 0, 16, "", 0))},
        {"wraps": (Wrap("bidder", 0, 10, "ef" * 32, 0), Wrap("bidder", 10, 6, "ee" * 32, 0))},
        {"wraps": (Wrap("second-lock", 0, 10, "ef" * 32, 0), Wrap("recovery", 10, 6, "", 0))},
        {"wraps": (Wrap("bidder", 0, 10, "ef" * 32, 0), Wrap("tenderer", 10, 6, "ee" * 32, 0))},
        {"wraps": (Wrap("bidder", 0, 10, "ef" * 32, 1), Wrap("recovery", 10, 6, "", 0))},
        {"wraps": (Wrap("bidder", 0, 10, "", 0), Wrap("recovery", 10, 6, "", 0))},
        {"wraps": (Wrap("bidder", 0, 10, "EF" * 32, 0), Wrap("recovery", 10, 6, "", 0))},
        {"wraps": (Wrap("bidder", 0, 10, "ef" * 32, 0), Wrap("recovery", 10, 6, "ef" * 32, 0))},
        {"shares": SHARES},
        {"policy": "all"},
        {"policy": "all", "wraps": JOINT},
        {"policy": "all", "shares": SHARES},
        {"policy": "all", "wraps": JOINT, "shares": SHARES[:1]},
        {"policy": "all", "wraps": (*JOINT[:1], Wrap("tenderer", 10, 6, "ee" * 32, 1)), "shares": SHARES},
    ],
    ids=str,
)
def test_a_header_that_contradicts_itself_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(BadSeal):
        bseal.new_frame(header(**changes), WRAPS, SECRET)


def rebuilt(text: bytes) -> bytes:
    """The prefix of a file whose header is this text."""
    frame, _ = bseal.new_frame(header(), WRAPS, SECRET)
    head = frame.prefix[: -32 - 20 - len(canonical.dumps(header())) - 4]
    return head + len(text).to_bytes(4, "big") + text + b"\0\0\0\x10" + b"".join(WRAPS) + frame.commitment


def test_a_header_that_is_not_canonical_is_refused() -> None:
    text = canonical.dumps(header())
    assert bseal.frame_of_prefix(rebuilt(text)).header == header()
    for wrong in (
        text.replace(b",", b", ", 1),
        text + b"\n",
        text.replace(b'"v":1', b'"v":2'),
        text.replace(b'"v":1', b'"v":1,"w":1'),
        text.replace(b'"tender_version":2', b'"tender_version":2.0'),
        text.replace(b'"tender_version":2', b'"tender_version":2,"tender_version":2'),
        text.replace(b'"suite":1', b'"suite":3'),
        text.replace(b'"network":"net",', b""),
        b"{}",
        b"\xff",
        b"[" * 60000,
    ):
        assert wrong != text
        with pytest.raises(BadSeal):
            bseal.frame_of_prefix(rebuilt(wrong))


def test_lengths_are_bounded_and_exact(tmp_path: Path) -> None:
    frame, _ = bseal.new_frame(header(), WRAPS, SECRET)
    path = tmp_path / "bid.sealed"
    data = write(path, frame)
    wraps_at = 12 + len(canonical.dumps(header()))
    for wrong in (
        b"",
        data[:7],
        data[:11],
        data[:40],
        data[:wraps_at],
        data[: wraps_at + 6],
        data[: len(frame.prefix) - 1],
        data[:-1],
        data + b"\0",
        data[:4096],
        b"\x88" + data[1:],
        data.replace(b"\r\n", b"\n", 1),
        data[:8] + b"\0\0\0\0" + data[12:],
        data[:8] + b"\0\1\0\1" + data[12:],
        data[:8] + b"\xff\xff\xff\xff" + data[12:],
        data[:wraps_at] + b"\0\0\0\0" + data[wraps_at + 4 :],
        data[:wraps_at] + b"\0\4\0\1" + data[wraps_at + 4 :],
        data[:wraps_at] + b"\0\0\0\x11" + data[wraps_at + 4 :],
        data[: len(frame.prefix)] + b"\1" + data[len(frame.prefix) + 1 :],
        data[:4095] + b"\1" + data[4096:],
    ):
        path.write_bytes(wrong)
        with pytest.raises(BadSeal):
            bseal.read_frame(path)
    for wrong in (frame.prefix[:-1], frame.prefix + b"\0"):
        with pytest.raises(BadSeal):
            bseal.frame_of_prefix(wrong)
    with pytest.raises(FileProblem):
        bseal.read_frame(tmp_path / "missing")


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_flipped_bit_of_the_prefix_is_refused_or_shows(data: st.DataObject) -> None:
    """What still parses differs in its head digest, so that its commitment cannot fit any more."""
    frame, keys = bseal.new_frame(header(), WRAPS, SECRET)
    position = data.draw(st.integers(0, len(frame.prefix) - 1))
    bit = data.draw(st.integers(0, 7))
    spoilt = bytearray(frame.prefix)
    spoilt[position] ^= 1 << bit
    try:
        found = bseal.frame_of_prefix(bytes(spoilt))
    except BadSeal:
        return
    again = stream.derive(SECRET, found.header.salt_bytes, found.header.suite, found.head_digest)
    assert again.commitment != found.commitment
    assert (found.commitment == keys.commitment) == (position < len(frame.prefix) - 32)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 9000), min_size=1, max_size=12), st.sampled_from([1, 2]))
def test_the_tally_is_right_in_pieces_of_any_size(pieces: list[int], suite: int) -> None:
    frame, _ = bseal.new_frame(header(suite=suite), WRAPS, SECRET)
    data = bseal.head_bytes(frame) + bytes(range(256)) * 40
    data = data[: frame.size]
    tally, position, turn = Tally(frame), 0, 0
    while position < len(data):
        piece = data[position : position + pieces[turn % len(pieces)]]
        tally.update(piece)
        position, turn = position + len(piece), turn + 1
    payload = data[4096:]
    digest = sm3 if suite == 2 else sha256
    leaves = tuple(digest(payload[at : at + 4112]) for at in range(0, len(payload), 4112))
    root = digest(digest(data[:4096]) + b"".join(leaves)).hex()
    plain = sm3(data).hex() if suite == 2 else ""
    assert tally.result() == Digests(sha256(data).hex(), plain, root, leaves)
    assert file_root(frame, leaves) == root


def test_the_tally_refuses_another_head_and_another_length() -> None:
    frame, _ = bseal.new_frame(header(), WRAPS, SECRET)
    data = bseal.head_bytes(frame) + bytes(frame.header.shape.sealed_len)
    tally = Tally(frame)
    tally.update(data[:-1])
    with pytest.raises(BadSeal):
        tally.result()
    with pytest.raises(BadSeal):
        tally.update(b"ab")
    with pytest.raises(BadSeal):
        Tally(frame).update(data[:4095] + b"\1")
    other = replace(frame, prefix=frame.prefix[:-1] + bytes([frame.prefix[-1] ^ 1]))
    with pytest.raises(BadSeal):
        Tally(other).update(data)
