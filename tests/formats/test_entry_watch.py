"""Entries checked in passing: every cut of the stream gives the same verdict."""

import hashlib
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bidclient.errors import BadManifest
from bidclient.formats.entry_watch import EntryWatch, Expected

DATA = bytes(range(250)) * 4


def expected(name: str, offset: int, size: int, with_digest: bool = True) -> Expected:
    """The right expectation for a piece of DATA."""
    piece = DATA[offset : offset + size]
    digest = hashlib.sha256(piece).hexdigest() if with_digest else None
    return Expected(name, offset, size, zlib.crc32(piece), digest)


ENTRIES = (
    expected("last", 700, 100),
    expected("first", 3, 97),
    expected("empty", 100, 0),
    expected("second", 100, 500, with_digest=False),
)


def run(data: bytes, cuts: list[int]) -> None:
    watch, position, turn = EntryWatch(ENTRIES), 0, 0
    while position < len(data):
        piece = data[position : position + cuts[turn % len(cuts)]]
        watch(memoryview(piece))
        position, turn = position + len(piece), turn + 1
    watch.finish()


@settings(max_examples=60, deadline=None)
@given(
    cuts=st.lists(st.integers(1, 400), min_size=1, max_size=8),
    position=st.integers(0, len(DATA) - 1),
    bit=st.integers(0, 7),
)
def test_a_changed_byte_inside_an_entry_is_found(cuts: list[int], position: int, bit: int) -> None:
    run(DATA, cuts)
    spoilt = bytearray(DATA)
    spoilt[position] ^= 1 << bit
    if any(entry.offset <= position < entry.offset + entry.size for entry in ENTRIES):
        with pytest.raises(BadManifest):
            run(bytes(spoilt), cuts)
    else:
        run(bytes(spoilt), cuts)


@pytest.mark.parametrize(("length", "name"), [(0, "first"), (50, "first"), (100, "empty"), (799, "last")])
def test_an_entry_that_did_not_pass_is_named(length: int, name: str) -> None:
    with pytest.raises(BadManifest) as caught:
        run(DATA[:length], [64])
    assert caught.value.document == name
