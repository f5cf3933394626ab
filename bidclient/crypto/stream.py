"""Chunked authenticated encryption of big files on two cores, with every byte hashed while it passes."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256, SM3
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bidclient.ask import Progress, silent
from bidclient.crypto.positioned import Appender, read_at
from bidclient.crypto.suite import GM, INTERNATIONAL, Readable, Suite, suite_by_number
from bidclient.errors import Cancelled, DamagedChunk

TAG = 16
_NONCE, _COMMITMENT = 12, 32
CHUNK = 1024 * 1024
_WORKERS = 2
"""A third one gains nothing on two cores: hashing and writing the whole file in its order is done by one."""
_LOOK_EVERY = 0.03
"""Seconds."""

Passing = Callable[[memoryview], None]
"""Sees each chunk in the order of the file; the view is valid only during the call."""
Meanwhile = Callable[[], None]
"""Called now and then in the thread of the caller, which only waits: what must not hold up the chunks."""


def _unseen(_chunk: memoryview) -> None:
    """For a stream that nobody watches."""


def _nothing() -> None:
    """For a caller that has nothing else to do."""


def never() -> bool:
    """For work that nobody cancels."""
    return False


class Aead(Protocol):
    """What is used of an authenticated cipher: AESGCM and Sm4Gcm have it."""

    def encrypt_into(self, nonce: bytes, data: Readable, associated: bytes, out: memoryview, /) -> int:
        """Ciphertext and tag into `out`."""

    def decrypt_into(self, nonce: bytes, data: Readable, associated: bytes, out: memoryview, /) -> int:
        """Plaintext into `out`. Raises InvalidTag."""


@dataclass(frozen=True)
class StreamKeys:
    """What HKDF makes of a content secret for one file: payload key, base nonce and the commitment COM."""

    suite: Suite
    key: bytes = field(repr=False)
    base_nonce: bytes = field(repr=False)
    commitment: bytes

    def nonce(self, index: int) -> bytes:
        """The nonce of a chunk: base nonce XOR the chunk's number in its last eight bytes."""
        number = int.from_bytes(self.base_nonce[4:], "big") ^ index
        return self.base_nonce[:4] + number.to_bytes(8, "big")

    def aead(self) -> "Aead":
        """The suite's cipher with the payload key; threads may share it."""
        if self.suite is GM:
            # Imported late: it looks for a C library that suite intl-1 does without.
            from bidclient.crypto.sm_stream import Sm4Gcm

            return Sm4Gcm(self.key)
        return AESGCM(self.key)


def derive(secret: bytes | bytearray, salt: bytes, suite: int, head_digest: bytes) -> StreamKeys:
    """Payload key, base nonce and commitment by HKDF (RFC 5869) with the hash of the suite.

    `head_digest` is the suite's digest of the file before the commitment. It enters the derivation, so the
    commitment authenticates header and wraps, and no other header can be put before the same chunks.
    """
    chosen = suite_by_number(suite)
    hashing = SM3() if chosen is GM else SHA256()
    info = b"bidseal/1|" + bytes([suite]) + b"|" + head_digest
    length = chosen.key_size + _NONCE + _COMMITMENT
    material = HKDF(algorithm=hashing, length=length, salt=salt, info=info).derive(bytes(secret))
    nonce_at, commitment_at = chosen.key_size, chosen.key_size + _NONCE
    return StreamKeys(chosen, material[:nonce_at], material[nonce_at:commitment_at], material[commitment_at:])


@dataclass(frozen=True)
class Shape:
    """How a payload of `payload_len` bytes is cut: chunks of `chunk` bytes, the last from 1 byte on."""

    payload_len: int
    chunk: int

    @property
    def chunks(self) -> int:
        """The number of chunks."""
        return -(-self.payload_len // self.chunk)

    @property
    def sealed_len(self) -> int:
        """The bytes of all chunks with their tags."""
        return self.payload_len + TAG * self.chunks

    def size(self, index: int) -> int:
        """The plaintext bytes of one chunk."""
        return min(self.chunk, self.payload_len - index * self.chunk)

    def associated(self, index: int) -> bytes:
        """The associated data of one chunk: its number and whether it is the last."""
        return index.to_bytes(8, "big") + bytes([index == self.chunks - 1])


def seal_stream(
    source: int,
    sink: int,
    offset: int,
    keys: StreamKeys,
    shape: Shape,
    *,
    plain: Passing = _unseen,
    sealed: Passing = _unseen,
    progress: Progress = silent,
    cancelled: Callable[[], bool] = never,
) -> tuple[bytes, ...]:
    """Encrypt the file `source` into the file `sink` from `offset` on; both are descriptors.

    `plain` and `sealed` see every chunk in order, before and after encryption; what `plain` saw is what is
    encrypted, however the file changes meanwhile. Returns the suite's digest of every sealed chunk.
    Raises Cancelled, EOFError for a source that is shorter than the shape says, OSError, and what the
    watchers raise.
    """
    aead = keys.aead()
    leaves = [b""] * shape.chunks
    append = Appender(sink, offset, shape.sealed_len)
    line = _Line(shape, progress, cancelled)
    plain_turn, sealed_turn = line.turnstile(), line.turnstile()

    def worker() -> Callable[[int], None]:
        clear, closed = memoryview(bytearray(shape.chunk)), memoryview(bytearray(shape.chunk + TAG))

        def step(index: int) -> None:
            size = shape.size(index)
            text, output = clear[:size], closed[: size + TAG]
            _read_whole(source, text, index * shape.chunk)
            with plain_turn.turn(index):
                plain(text)
            aead.encrypt_into(keys.nonce(index), text, shape.associated(index), output)
            leaves[index] = keys.suite.hash(output)
            with sealed_turn.turn(index):
                sealed(output)
                append(output)

        return step

    line.run(worker, "seal", append.begin_writeback)
    return tuple(leaves)


def open_stream(
    source: int,
    offset: int,
    keys: StreamKeys,
    shape: Shape,
    deliver: Passing,
    *,
    meanwhile: Meanwhile = _nothing,
    progress: Progress = silent,
    cancelled: Callable[[], bool] = never,
) -> None:
    """Decrypt the chunks of the file `source` from `offset` on.

    `deliver` gets the plaintext in order, each chunk only after it has authenticated. Raises DamagedChunk for
    the first chunk that does not authenticate, EOFError for a file that ends early, Cancelled, OSError, and
    what `deliver` raises.
    """
    aead = keys.aead()
    line = _Line(shape, progress, cancelled)
    turnstile = line.turnstile()

    def worker() -> Callable[[int], None]:
        clear, closed = memoryview(bytearray(shape.chunk)), memoryview(bytearray(shape.chunk + TAG))

        def step(index: int) -> None:
            size = shape.size(index)
            text, data = clear[:size], closed[: size + TAG]
            _read_whole(source, data, offset + index * (shape.chunk + TAG))
            _open_chunk(aead, keys, shape, index, data, text)
            with turnstile.turn(index):
                deliver(text)

        return step

    line.run(worker, "unseal", meanwhile)


def read_chunks(
    source: int, offset: int, keys: StreamKeys, shape: Shape, chunks: range
) -> Iterator[tuple[int, bytes]]:
    """Position and plaintext of some chunks, one after the other. Raises DamagedChunk, EOFError, OSError."""
    aead = keys.aead()
    for index in chunks:
        data = memoryview(bytearray(shape.size(index) + TAG))
        text = memoryview(bytearray(shape.size(index)))
        _read_whole(source, data, offset + index * (shape.chunk + TAG))
        _open_chunk(aead, keys, shape, index, data, text)
        yield index * shape.chunk, bytes(text)


def hash_stream(
    source: int,
    offset: int,
    shape: Shape,
    sealed: Passing,
    progress: Progress = silent,
    *,
    suite: Suite = INTERNATIONAL,
) -> tuple[bytes, ...]:
    """The suite's digest of every sealed chunk; `sealed` sees them in order. Raises EOFError, OSError."""
    leaves = [b""] * shape.chunks
    line = _Line(shape, progress, never)
    turnstile = line.turnstile()

    def worker() -> Callable[[int], None]:
        buffer = memoryview(bytearray(shape.chunk + TAG))

        def step(index: int) -> None:
            data = buffer[: shape.size(index) + TAG]
            _read_whole(source, data, offset + index * (shape.chunk + TAG))
            leaves[index] = suite.hash(data)
            with turnstile.turn(index):
                sealed(data)

        return step

    line.run(worker, "hash")
    return tuple(leaves)


def _read_whole(source: int, buffer: memoryview, offset: int) -> None:
    count = read_at(source, buffer, offset)
    if count != len(buffer):
        raise EOFError(f"the file ends at byte {offset + count}")


def _open_chunk(
    aead: Aead, keys: StreamKeys, shape: Shape, index: int, data: memoryview, text: memoryview
) -> None:
    try:
        aead.decrypt_into(keys.nonce(index), data, shape.associated(index), text)
    except InvalidTag as error:
        raise DamagedChunk(index, shape.chunks) from error


class _Stopped(Exception):
    pass


class _Turnstile:
    """Lets the workers through one at a time, in the order of their chunks."""

    def __init__(self) -> None:
        self._next = 0
        self._stopped = False
        self._changed = threading.Condition()

    @contextmanager
    def turn(self, index: int) -> Iterator[None]:
        with self._changed:
            while self._next != index and not self._stopped:
                self._changed.wait()
            if self._stopped:
                raise _Stopped
        yield
        with self._changed:
            self._next = index + 1
            self._changed.notify_all()

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify_all()


class _Line:
    """Two workers, each carrying one chunk through all its steps: memory does not grow with the file.

    While one worker is in an ordered step (a running hash over the whole file, writing) the other does the
    unordered ones: the turnstiles keep two cores busy without queues. Writing is an ordered step because two
    threads that write one file at the same time wait for each other inside the kernel, at the cost of a core.
    """

    def __init__(self, shape: Shape, progress: Progress, cancelled: Callable[[], bool]) -> None:
        self._shape = shape
        self._progress = progress
        self._cancelled = cancelled
        self._turnstiles: list[_Turnstile] = []
        self._indices = iter(range(shape.chunks))
        self._finished = 0
        self._stop = threading.Event()

    def turnstile(self) -> _Turnstile:
        self._turnstiles.append(_Turnstile())
        return self._turnstiles[-1]

    def run(
        self, worker: Callable[[], Callable[[int], None]], name: str, meanwhile: Meanwhile = _nothing
    ) -> None:
        """Carry all chunks; progress, cancelled and meanwhile are called in the thread of the caller."""
        count = min(_WORKERS, self._shape.chunks)
        with ThreadPoolExecutor(count) as pool:
            futures = [pool.submit(self._work, worker()) for _ in range(count)]
            try:
                self._watch(futures, name, meanwhile)
            finally:
                self._halt()
        failures = [error for future in futures if (error := future.exception()) is not None]
        for error in sorted(failures, key=_rank):
            raise error
        self._progress(name, self._shape.payload_len, self._shape.payload_len)

    def _work(self, step: Callable[[int], None]) -> None:
        finished = False
        try:
            for index in self._indices:
                step(index)
                self._finished = index + 1
                if self._stop.is_set():
                    return
            finished = True
        finally:
            if not finished:
                self._halt()

    def _watch(self, futures: list[Future[None]], name: str, meanwhile: Meanwhile) -> None:
        running = set(futures)
        while running:
            _, running = wait(running, _LOOK_EVERY, FIRST_EXCEPTION)
            if self._stop.is_set():
                return
            if self._cancelled():
                raise Cancelled
            meanwhile()
            total = self._shape.payload_len
            self._progress(name, min(self._finished * self._shape.chunk, total), total)

    def _halt(self) -> None:
        self._stop.set()
        for turnstile in self._turnstiles:
            turnstile.stop()


def _rank(error: BaseException) -> tuple[int, int]:
    """The failure to tell first: a real one before a worker that was stopped, the earliest chunk first."""
    if isinstance(error, _Stopped):
        return 2, 0
    return (0, error.index) if isinstance(error, DamagedChunk) else (1, 0)
