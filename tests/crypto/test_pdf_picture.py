"""The picture of a seal comes from anywhere: whatever the file is, it is read with limits or refused."""

import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bidclient.crypto.pdf_picture import read_picture
from bidclient.errors import BadSealPicture
from bidclient.explain import explain
from tests.support.pdf_seals import picture


def png_of(width: int, height: int) -> bytes:
    """A PNG file of a few bytes that claims this size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("side", [4_001, 14_000, 30_000])
def test_a_picture_that_would_fill_the_memory_is_called_too_large(side: int) -> None:
    with pytest.raises(BadSealPicture) as refused:
        read_picture(png_of(side, side), 42, "seal.png")
    assert refused.value.document == "seal.png"
    assert "印章图片过大" in explain(refused.value, "zh").cause


@settings(max_examples=150, deadline=None)
@given(
    places=st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 255)), max_size=4), cut=st.integers(0, 40)
)
def test_a_damaged_picture_is_read_or_refused(places: list[tuple[int, int]], cut: int) -> None:
    data = bytearray(picture().data)
    for place, value in places:
        data[place % len(data)] = value
    try:
        read = read_picture(bytes(data[: len(data) - cut]), 42, "seal.png")
    except BadSealPicture as error:
        assert error.document == "seal.png"  # noqa: PT017 - either way is right
    else:
        assert max(read.image.size) <= 1000
