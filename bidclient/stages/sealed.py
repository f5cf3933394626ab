"""The sealed bid (`bid.sealed`, BSEAL/1) that nobody can read before the opening: reading and opening it."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from bidclient.ask import Progress, silent
from bidclient.crypto import stream
from bidclient.crypto.positioned import Appender
from bidclient.crypto.private_key import PrivateKey
from bidclient.errors import BadSeal, FileProblem, Mismatch
from bidclient.formats import atomic, bseal
from bidclient.formats.bseal import Frame, Header, read_frame
from bidclient.formats.tally import Digests, WholeDigest
from bidclient.formats.wraps import (
    check_secret,
    unwrap_secret,
    wipe,
)
from bidclient.stages.signed import SignedBid


@dataclass(frozen=True)
class Sealed:
    """A sealed bid on the disk with its digests in hex; `leaves` are the suite's digests of its chunks."""

    path: Path
    header: Header
    prefix: bytes
    size: int
    sha256: str
    sm3: str
    """Empty but in suite gm-1."""
    file_root: str
    leaves: tuple[bytes, ...]
    opened: bool = field(default=False, compare=False)
    """Under policy "all": the sealing has opened the whole file again and compared it with the signed bid."""

    @classmethod
    def of(cls, path: Path, frame: Frame, digests: Digests, opened: bool = False) -> "Sealed":
        """What lies at `path` with this frame and these digests."""
        return cls(
            path=path,
            header=frame.header,
            prefix=frame.prefix,
            size=frame.size,
            sha256=digests.sha256,
            sm3=digests.sm3,
            file_root=digests.file_root,
            leaves=digests.leaves,
            opened=opened,
        )


@dataclass(frozen=True)
class Rehearsal:
    """What a rehearsal found; `decrypted` is False under policy "all", where our share opens nothing."""

    sha256_sealed: str
    file_root: str
    size: int
    chunks: int
    decrypted: bool


def unseal(
    path: Path,
    secret: bytes | bytearray,
    out: Path,
    progress: Progress = silent,
    cancelled: Callable[[], bool] = stream.never,
) -> None:
    """Decrypt a sealed bid to `out`, which appears only after every chunk has authenticated.

    Raises BadSeal, WrongSecret, DamagedChunk, Cancelled, FileProblem, DiskProblem.
    """
    frame = read_frame(path)
    keys = check_secret(frame, secret)
    with _sealed_file(path) as source, atomic.replacing(out) as sink:
        append = Appender(sink.fileno(), 0, frame.header.payload_len)
        stream.open_stream(
            source.fileno(),
            frame.payload_offset,
            keys,
            frame.header.shape,
            append,
            meanwhile=append.begin_writeback,
            progress=progress,
            cancelled=cancelled,
        )


def read_range(path: Path, secret: bytes | bytearray, start: int, length: int) -> bytes:
    """`length` bytes of the signed bid from `start`; only the chunks they lie in are decrypted.

    Raises ValueError for a range outside the bid, and what unseal raises.
    """
    frame = read_frame(path)
    keys = check_secret(frame, secret)
    shape = frame.header.shape
    if start < 0 or length < 1 or start + length > shape.payload_len:
        raise ValueError(f"{length} bytes from {start} of {shape.payload_len}")
    chunks = range(start // shape.chunk, (start + length - 1) // shape.chunk + 1)
    with _sealed_file(path) as source:
        pieces = stream.read_chunks(source.fileno(), frame.payload_offset, keys, shape, chunks)
        data = b"".join(text for _, text in pieces)
    skipped = start - chunks.start * shape.chunk
    return data[skipped : skipped + length]


def read_sealed(path: Path, progress: Progress = silent) -> Sealed:
    """A sealed bid from the disk with its digests taken again. Raises BadSeal, FileProblem."""
    frame = read_frame(path)
    suite = frame.header.algorithms
    whole = WholeDigest(suite, bseal.head_bytes(frame))
    with _sealed_file(path) as source:
        leaves = stream.hash_stream(
            source.fileno(), frame.payload_offset, frame.header.shape, whole.update, progress, suite=suite
        )
    return Sealed.of(path, frame, whole.result(frame, leaves))


def rehearse(
    path: Path, opener: PrivateKey | bytes | bytearray, signed: SignedBid, progress: Progress = silent
) -> Rehearsal:
    """Open the sealed bid as at the opening, to nowhere, and compare every byte with the signed bid.

    `opener` is the key, or the secret itself. Under policy "all" a key proves its share and the file is only
    hashed. Raises Mismatch for other content, and what unwrap_secret and unseal raise.
    """
    frame = read_frame(path)
    if isinstance(opener, bytes | bytearray):
        secret, complete = bytearray(opener), True
    else:
        secret, complete = unwrap_secret(frame, opener), frame.header.policy == "any"
    try:
        if complete:
            with _sealed_file(path) as source:
                compare(source, frame, check_secret(frame, secret), signed, progress)
    finally:
        wipe(secret)
    sealed = read_sealed(path, progress)
    return Rehearsal(sealed.sha256, sealed.file_root, sealed.size, len(sealed.leaves), complete)


def compare(
    source: BinaryIO,
    frame: Frame,
    keys: stream.StreamKeys,
    signed: SignedBid,
    progress: Progress,
    cancelled: Callable[[], bool] = stream.never,
) -> None:
    """Open every chunk of `source`, a sealed bid, and hold it against the signed bid; nothing is written.

    Raises Mismatch for other content, DamagedChunk, FileProblem, Cancelled, EOFError.
    """
    shape = frame.header.shape
    with open_file(signed.path) as original:
        length = os.fstat(original.fileno()).st_size
        agree("payload", length, shape.payload_len)

        def same(text: memoryview) -> None:
            position = original.tell()
            if original.read(len(text)) != text:
                raise Mismatch("payload", signed.path.name, f"other bytes from {position}")

        stream.open_stream(
            source.fileno(),
            frame.payload_offset,
            keys,
            shape,
            same,
            progress=progress,
            cancelled=cancelled,
        )


def agree(what: str, expected: str | int, found: str | int) -> None:
    """Raises Mismatch, which names the field, when the two differ."""
    if expected != found:
        raise Mismatch(what, str(expected), str(found))


@contextmanager
def open_file(path: Path) -> Iterator[BinaryIO]:
    """The file for reading. Raises FileProblem when it cannot be opened."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise FileProblem(str(path), error.strerror or "cannot be opened") from error
    with file:
        yield file


@contextmanager
def _sealed_file(path: Path) -> Iterator[BinaryIO]:
    """The file, opened; that it ends early is told as BadSeal."""
    try:
        with open_file(path) as file:
            yield file
    except EOFError as error:
        raise BadSeal(str(error)) from error
