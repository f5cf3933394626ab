"""The chunked stream: round trips around chunk borders, the watchers' order, every way to spoil a chunk."""

import errno
import hashlib
import os
import secrets
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bidclient.crypto import positioned, stream
from bidclient.errors import Cancelled, DamagedChunk

CHUNK = 4096
STEP = CHUNK + stream.TAG
KEYS = stream.derive(bytes(range(32)), b"s" * 32, 1, b"h" * 32)
GM_KEYS = stream.derive(bytes(range(32)), b"s" * 32, 2, b"h" * 32)


def seal(
    folder: Path, data: bytes, offset: int = 64, keys: stream.StreamKeys = KEYS
) -> tuple[Path, stream.Shape]:
    """The sealed file of `data`, with 64 zero bytes in front."""
    source, sink = folder / "plain", folder / "sealed"
    source.write_bytes(data)
    shape = stream.Shape(len(data), CHUNK)
    with source.open("rb") as reading, sink.open("w+b") as writing:
        stream.seal_stream(reading.fileno(), writing.fileno(), 64, keys, shape)
    return sink, shape


def unseal(sealed: Path, shape: stream.Shape, offset: int = 64, keys: stream.StreamKeys = KEYS) -> bytes:
    """The plaintext, as it was delivered."""
    delivered = bytearray()
    with sealed.open("rb") as reading:
        stream.open_stream(reading.fileno(), offset, keys, shape, delivered.extend)
    return bytes(delivered)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    length=st.one_of(
        st.integers(1, 4 * CHUNK),
        st.sampled_from([CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 1, 9 * CHUNK - 1]),
    ),
    keys=st.sampled_from([KEYS, GM_KEYS]),
)
def test_round_trip_of_any_length(tmp_path: Path, length: int, keys: stream.StreamKeys) -> None:
    data = secrets.token_bytes(length)
    sealed, shape = seal(tmp_path, data, keys=keys)
    assert sealed.stat().st_size == 64 + shape.sealed_len
    assert unseal(sealed, shape, keys=keys) == data
    spoilt = bytearray(sealed.read_bytes())
    spoilt[-1] ^= 1
    sealed.write_bytes(spoilt)
    with pytest.raises(DamagedChunk):
        unseal(sealed, shape, keys=keys)


def test_the_suites_share_no_key() -> None:
    assert (len(KEYS.key), len(GM_KEYS.key)) == (32, 16)
    assert KEYS.key[:16] != GM_KEYS.key
    assert KEYS.commitment != GM_KEYS.commitment


def test_keys_are_plain_hkdf_over_salt_suite_and_head() -> None:
    secret, salt, head = secrets.token_bytes(32), secrets.token_bytes(32), secrets.token_bytes(32)
    extract = HMAC(salt, SHA256())
    extract.update(secret)
    expand = HKDFExpand(SHA256(), 76, b"bidseal/1|\x01|" + head)
    material = expand.derive(extract.finalize())
    keys = stream.derive(bytearray(secret), salt, 1, head)
    assert keys.key + keys.base_nonce + keys.commitment == material
    assert "key=" not in repr(keys)
    assert "base_nonce" not in repr(keys)


def test_chunks_are_plain_aes_gcm_with_number_and_last_flag(tmp_path: Path) -> None:
    data = secrets.token_bytes(2 * CHUNK + 10)
    sealed, _ = seal(tmp_path, data)
    aead, file = AESGCM(KEYS.key), sealed.read_bytes()[64:]
    for index, last in ((0, 0), (1, 0), (2, 1)):
        number = index.to_bytes(8, "big")
        nonce = bytes(a ^ b for a, b in zip(KEYS.base_nonce, bytes(4) + number, strict=True))
        chunk = file[index * STEP : (index + 1) * STEP]
        text = aead.decrypt(nonce, chunk, number + bytes([last]))
        assert text == data[index * CHUNK : (index + 1) * CHUNK]


def test_watchers_see_every_byte_once_and_in_order(tmp_path: Path) -> None:
    data = secrets.token_bytes(33 * CHUNK + 5)
    (tmp_path / "plain").write_bytes(data)
    plain, sealed = hashlib.sha256(), bytearray()
    shape = stream.Shape(len(data), CHUNK)
    with (tmp_path / "plain").open("rb") as source, (tmp_path / "sealed").open("w+b") as sink:
        leaves = stream.seal_stream(
            source.fileno(), sink.fileno(), 0, KEYS, shape, plain=plain.update, sealed=sealed.extend
        )
    assert plain.digest() == hashlib.sha256(data).digest()
    assert bytes(sealed) == (tmp_path / "sealed").read_bytes()
    pieces = [bytes(sealed[start : start + STEP]) for start in range(0, len(sealed), STEP)]
    assert leaves == tuple(hashlib.sha256(piece).digest() for piece in pieces)
    again = hashlib.sha256()
    with (tmp_path / "sealed").open("rb") as source:
        assert stream.hash_stream(source.fileno(), 0, shape, again.update) == leaves
    assert again.digest() == hashlib.sha256(sealed).digest()


def test_progress_and_cancel_run_in_the_thread_of_the_caller(tmp_path: Path) -> None:
    data = secrets.token_bytes(8 * CHUNK)
    (tmp_path / "plain").write_bytes(data)
    seen: list[tuple[str, int, int]] = []
    threads: set[int] = set()

    def progress(name: str, done: int, total: int) -> None:
        seen.append((name, done, total))
        threads.add(threading.get_ident())

    with (tmp_path / "plain").open("rb") as source, (tmp_path / "sealed").open("w+b") as sink:
        shape = stream.Shape(len(data), CHUNK)
        stream.seal_stream(source.fileno(), sink.fileno(), 0, KEYS, shape, progress=progress)
    assert seen[-1] == ("seal", len(data), len(data))
    assert threads == {threading.get_ident()}


def test_what_is_done_meanwhile_is_done_in_the_thread_of_the_caller(tmp_path: Path) -> None:
    sealed, shape = seal(tmp_path, secrets.token_bytes(8 * CHUNK))
    threads: set[int] = set()
    workers: set[int] = set()
    with sealed.open("rb") as source:
        stream.open_stream(
            source.fileno(),
            64,
            KEYS,
            shape,
            lambda _: workers.add(threading.get_ident()),
            meanwhile=lambda: threads.add(threading.get_ident()),
        )
    assert threads == {threading.get_ident()}
    assert workers.isdisjoint(threads)


def test_cancelling_stops_the_workers(tmp_path: Path) -> None:
    hold = threading.Event()
    answers = iter([False, True])
    data = secrets.token_bytes(64 * CHUNK)
    (tmp_path / "plain").write_bytes(data)
    seen: list[int] = []

    def plain(text: memoryview) -> None:
        seen.append(len(text))
        hold.wait(20)

    def cancelled() -> bool:
        answer = next(answers, True)
        if answer:
            hold.set()
        return answer

    with (tmp_path / "plain").open("rb") as source, (tmp_path / "sealed").open("w+b") as sink:
        shape = stream.Shape(len(data), CHUNK)
        with pytest.raises(Cancelled):
            stream.seal_stream(
                source.fileno(), sink.fileno(), 0, KEYS, shape, plain=plain, cancelled=cancelled
            )
    assert seen


def test_a_watchers_error_is_what_the_caller_gets(tmp_path: Path) -> None:
    def plain(text: memoryview) -> None:
        raise ZeroDivisionError(len(text))

    data = secrets.token_bytes(20 * CHUNK)
    (tmp_path / "plain").write_bytes(data)
    with (tmp_path / "plain").open("rb") as source, (tmp_path / "sealed").open("w+b") as sink:
        shape = stream.Shape(len(data), CHUNK)
        with pytest.raises(ZeroDivisionError):
            stream.seal_stream(source.fileno(), sink.fileno(), 0, KEYS, shape, plain=plain)


def test_a_source_that_ends_early_is_an_end_of_file(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(bytes(3 * CHUNK))
    shape = stream.Shape(3 * CHUNK + 1, CHUNK)
    with (tmp_path / "plain").open("rb") as source, (tmp_path / "sealed").open("w+b") as sink:  # noqa: SIM117
        with pytest.raises(EOFError):
            stream.seal_stream(source.fileno(), sink.fileno(), 0, KEYS, shape)


def flip(position: int) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        return data[:position] + bytes([data[position] ^ 0x10]) + data[position + 1 :]

    return change


def swap(data: bytes) -> bytes:
    return data[:64] + data[64 + STEP : 64 + 2 * STEP] + data[64 : 64 + STEP] + data[64 + 2 * STEP :]


def duplicate(data: bytes) -> bytes:
    return data[: 64 + STEP] + data[64 : 64 + STEP] + data[64 + 2 * STEP :]


@pytest.mark.parametrize(
    ("change", "index"),
    [
        pytest.param(flip(64), 0, id="first byte"),
        pytest.param(flip(64 + STEP + 7), 1, id="second chunk"),
        pytest.param(flip(64 + STEP - 1), 0, id="tag"),
        pytest.param(flip(-1), 4, id="last tag"),
        pytest.param(swap, 0, id="swapped"),
        pytest.param(duplicate, 1, id="duplicated"),
    ],
)
def test_a_damaged_chunk_is_named(tmp_path: Path, change: Callable[[bytes], bytes], index: int) -> None:
    sealed, shape = seal(tmp_path, secrets.token_bytes(4 * CHUNK + 100))
    sealed.write_bytes(change(sealed.read_bytes()))
    with pytest.raises(DamagedChunk) as caught:
        unseal(sealed, shape)
    assert (caught.value.index, caught.value.chunks) == (index, 5)


def test_of_several_damaged_chunks_the_first_is_named(tmp_path: Path) -> None:
    sealed, shape = seal(tmp_path, secrets.token_bytes(40 * CHUNK))
    data = bytearray(sealed.read_bytes())
    for index in range(17, 40):
        data[64 + index * STEP] ^= 1
    sealed.write_bytes(data)
    for _ in range(5):
        with pytest.raises(DamagedChunk) as caught:
            unseal(sealed, shape)
        assert caught.value.index == 17


def test_a_shorter_shape_does_not_open(tmp_path: Path) -> None:
    """Dropping the last chunk and lying about the length: the flag of the new last chunk is wrong."""
    sealed, shape = seal(tmp_path, secrets.token_bytes(3 * CHUNK))
    with pytest.raises(DamagedChunk) as caught:
        unseal(sealed, stream.Shape(2 * CHUNK, CHUNK))
    assert caught.value.index == 1
    sealed.write_bytes(sealed.read_bytes()[:-1])
    with pytest.raises(EOFError):
        unseal(sealed, shape)


def test_other_keys_open_nothing(tmp_path: Path) -> None:
    sealed, shape = seal(tmp_path, secrets.token_bytes(CHUNK))
    for keys in (
        stream.derive(bytes(32), b"s" * 32, 1, b"h" * 32),
        stream.derive(bytes(range(32)), b"t" * 32, 1, b"h" * 32),
        stream.derive(bytes(range(32)), b"s" * 32, 2, b"h" * 32),
        stream.derive(bytes(range(32)), b"s" * 32, 1, b"i" * 32),
    ):
        assert keys.commitment != KEYS.commitment
        with pytest.raises(DamagedChunk):
            unseal(sealed, shape, keys=keys)


def test_single_chunks_can_be_read(tmp_path: Path) -> None:
    data = secrets.token_bytes(5 * CHUNK + 3)
    sealed, shape = seal(tmp_path, data)
    with sealed.open("rb") as source:
        pieces = list(stream.read_chunks(source.fileno(), 64, KEYS, shape, range(4, 6)))
        assert pieces == [(4 * CHUNK, data[4 * CHUNK : 5 * CHUNK]), (5 * CHUNK, data[5 * CHUNK :])]
    sealed.write_bytes(flip(64 + 5 * STEP)(sealed.read_bytes()))
    with sealed.open("rb") as source, pytest.raises(DamagedChunk):
        list(stream.read_chunks(source.fileno(), 64, KEYS, shape, range(5, 6)))


def test_seeking_reads_and_writes_what_positions_do(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(range(100)))
    descriptor = os.open(path, os.O_RDWR)
    try:
        one, two = bytearray(10), bytearray(10)
        assert positioned.read_by_seeking(descriptor, memoryview(one), 5) == 10
        assert positioned.read_at(descriptor, memoryview(two), 5) == 10
        assert one == two == bytes(range(5, 15))
        assert positioned.read_by_seeking(descriptor, memoryview(one), 95) == 5
        assert positioned.read_at(descriptor, memoryview(two), 95) == 5
        assert positioned.write_by_seeking(descriptor, memoryview(b"abc"), 50) == 3
        positioned.write_at(descriptor, memoryview(b"xyz"), 53)
    finally:
        os.close(descriptor)
    assert path.read_bytes()[49:57] == b"\x31abcxyz\x38"


def test_the_appender_writes_what_it_is_given(tmp_path: Path) -> None:
    path = tmp_path / "file"
    pieces = [bytes([number]) * 5_000_000 for number in range(8)]
    with path.open("w+b") as file:
        append = positioned.Appender(file.fileno(), 7, 40_000_000)
        append.begin_writeback()
        for piece in pieces:
            append(memoryview(piece))
            append.begin_writeback()
    assert path.read_bytes() == bytes(7) + b"".join(pieces)


def test_room_that_was_set_aside_does_not_show(tmp_path: Path) -> None:
    """A reader never meets zeros that nobody wrote, however early a writer stops."""
    path = tmp_path / "file"
    with path.open("w+b") as file:
        positioned.Appender(file.fileno(), 4096, 10_000_000)(memoryview(b"abc"))
    assert path.read_bytes() == bytes(4096) + b"abc"


def test_nothing_to_set_aside_is_nothing_wrong(tmp_path: Path) -> None:
    with (tmp_path / "file").open("w+b") as file:
        positioned.reserve(file.fileno(), 0, 0)
    reading, writing = os.pipe()
    positioned.reserve(writing, 0, 4096)
    os.close(reading)
    os.close(writing)
    assert (tmp_path / "file").read_bytes() == b""


@pytest.mark.skipif(sys.platform != "linux", reason="room is set aside on Linux only")
def test_no_room_is_met_before_the_work(tmp_path: Path) -> None:
    with (tmp_path / "file").open("w+b") as file, pytest.raises(OSError) as caught:  # noqa: PT011
        positioned.Appender(file.fileno(), 0, 2**62)
    assert caught.value.errno in (errno.EFBIG, errno.ENOSPC)
    assert (tmp_path / "file").read_bytes() == b""
