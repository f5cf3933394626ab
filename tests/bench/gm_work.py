"""The program that the bench of suite gm-1 measures: one verb in the folder that `seal_work` has prepared."""

import hashlib
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SM3, Hash

from bidclient.crypto import libgcrypt, stream
from bidclient.crypto.positioned import read_at
from bidclient.crypto.suite import GM
from tests.bench import seal_work

SOURCE, OUT = Path("bid.asice"), Path("bid.sealed")
_KEY, _NONCE = bytes(range(16)), bytes(12)
_THREADS = 2


def digested() -> None:
    """The program's stream without its watchers: SM4-GCM, and the SM3 of every chunk."""
    with SOURCE.open("rb") as source, OUT.open("wb") as sink:
        shape = stream.Shape(os.fstat(source.fileno()).st_size, stream.CHUNK)
        keys = stream.StreamKeys(GM, _KEY, _NONCE, b"")
        stream.seal_stream(source.fileno(), sink.fileno(), 0, keys, shape)


def encrypted() -> None:
    """The program's cipher alone, in two threads that share the chunks; one of them writes at a time."""
    with SOURCE.open("rb") as source, OUT.open("wb", buffering=0) as sink:
        shape = stream.Shape(os.fstat(source.fileno()).st_size, stream.CHUNK)
        indices = iter(range(shape.chunks))
        keys = stream.StreamKeys(GM, _KEY, _NONCE, b"")
        aead = keys.aead()

        def work(_number: int) -> None:
            clear, closed = (
                memoryview(bytearray(shape.chunk)),
                memoryview(bytearray(shape.chunk + stream.TAG)),
            )
            for index in indices:
                text, output = clear[: shape.size(index)], closed[: shape.size(index) + stream.TAG]
                read_at(source.fileno(), text, index * shape.chunk)
                aead.encrypt_into(keys.nonce(index), text, shape.associated(index), output)
                os.pwrite(sink.fileno(), output, index * (shape.chunk + stream.TAG))

        with ThreadPoolExecutor(_THREADS) as pool:
            list(pool.map(work, range(_THREADS)))


def peer(*digests: str) -> None:
    """SM4-GCM by `cryptography` in one thread, and, if asked, digests over text or output as well.

    "sm3" is one SM3 over the output; "all" are those of a seal: SHA-256 of the text, SM3 and SHA-256 of the
    output, and SM3 of its chunks.
    """
    encryptor = Cipher(algorithms.SM4(_KEY), modes.GCM(_NONCE)).encryptor()
    before: list[Callable[[memoryview], object]] = []
    after: list[Callable[[memoryview], object]] = []
    if digests:
        after.append(Hash(SM3()).update)
    if "all" in digests:
        before.append(hashlib.sha256().update)
        after += [hashlib.sha256().update, _sm3_of_chunk]
    with SOURCE.open("rb", buffering=0) as source, OUT.open("wb", buffering=0) as sink:
        _pump(source, sink, encryptor.update_into, before, after)
        encryptor.finalize()
        sink.write(encryptor.tag)


def _sm3_of_chunk(chunk: memoryview) -> bytes:
    digest = Hash(SM3())
    digest.update(chunk)
    return digest.finalize()


def _pump(
    source: BinaryIO,
    sink: BinaryIO,
    encrypt: Callable[[memoryview, memoryview], int],
    before: list[Callable[[memoryview], object]],
    after: list[Callable[[memoryview], object]],
) -> None:
    clear, closed = memoryview(bytearray(stream.CHUNK)), memoryview(bytearray(stream.CHUNK))
    while count := source.readinto(clear):  # type: ignore[attr-defined]
        text, output = clear[:count], closed[:count]
        for look in before:
            look(text)
        encrypt(text, output)
        for look in after:
            look(output)
        sink.write(output)


def main(verb: str, *options: str) -> None:
    """Run one of the verbs; the option "plain" leaves libgcrypt aside, "unsynced" fsync, as the peers do."""
    if "plain" in options:
        # No name under which the library could be found.
        libgcrypt._NAMES.clear()
    if "unsynced" in options:
        os.fsync = lambda fd: None
    if verb == "peer":
        peer(*options)
    else:
        {
            "seal": lambda: seal_work.seal("gm-1"),
            "digested": digested,
            "encrypted": encrypted,
        }[verb]()


if __name__ == "__main__":
    main(*sys.argv[1:])
