"""The digests of a whole sealed bid, taken while its bytes pass: over the list of chunks, and plainly."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from bidclient.crypto import stream
from bidclient.crypto.suite import GM, Readable, Suite
from bidclient.errors import BadSeal
from bidclient.formats.bseal import Frame, head_bytes


@dataclass(frozen=True)
class Digests:
    """What is said of the bytes of a sealed bid, in hex; `leaves` are the digests of its chunks."""

    sha256: str
    sm3: str
    """Empty but in suite gm-1."""
    file_root: str
    leaves: tuple[bytes, ...]


class WholeDigest:
    """The plain digests over the whole file, which a stranger can check: SHA-256, in gm-1 SM3 as well."""

    def __init__(self, suite: Suite, start: bytes = b"") -> None:
        self._sha256 = hashlib.sha256(start)
        self._sm3 = suite.new_digest() if suite is GM else None
        if self._sm3 is not None:
            self._sm3.update(start)

    def update(self, data: Readable) -> None:
        """The next bytes of the file."""
        self._sha256.update(data)
        if self._sm3 is not None:
            self._sm3.update(data)

    def result(self, frame: Frame, leaves: Sequence[bytes]) -> Digests:
        """Everything, once the last byte has passed."""
        sm3 = "" if self._sm3 is None else self._sm3.hexdigest()
        return Digests(self._sha256.hexdigest(), sm3, file_root(frame, leaves), tuple(leaves))


def file_root(frame: Frame, leaves: Sequence[bytes]) -> str:
    """The digest over the list of digests, by the hash H of the suite: H( H(head) ‖ leaf_0 ‖ leaf_1 … )."""
    suite = frame.header.algorithms
    root = suite.new_digest()
    root.update(suite.hash(head_bytes(frame)))
    for leaf in leaves:
        root.update(leaf)
    return root.hexdigest()


class Tally:
    """Takes all digests of a sealed bid while its bytes arrive, in pieces of any size."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._suite = frame.header.algorithms
        self._whole = WholeDigest(self._suite)
        self._leaf = self._suite.new_digest()
        self._leaves: list[bytes] = []
        self._head = bytearray()
        self._position = 0

    def update(self, data: bytes | memoryview) -> None:
        """The next bytes of the file. Raises BadSeal for a head unlike the frame's and for too many bytes."""
        view = memoryview(data)
        if self._position + len(view) > self._frame.size:
            raise BadSeal("longer than its header says")
        self._whole.update(view)
        while len(view):
            taken = view[: self._until_border()]
            if self._position < self._frame.payload_offset:
                self._head += taken
            else:
                self._leaf.update(taken)
            self._position += len(taken)
            self._at_border()
            view = view[len(taken) :]

    def result(self) -> Digests:
        """All digests. Raises BadSeal while bytes are missing."""
        if self._position != self._frame.size:
            raise BadSeal(f"length {self._position}, should be {self._frame.size}")
        return self._whole.result(self._frame, self._leaves)

    def _until_border(self) -> int:
        offset = self._frame.payload_offset
        if self._position < offset:
            return offset - self._position
        step = self._frame.header.chunk + stream.TAG
        return min(step - (self._position - offset) % step, self._frame.size - self._position)

    def _at_border(self) -> None:
        offset, step = self._frame.payload_offset, self._frame.header.chunk + stream.TAG
        if self._position == offset:
            if bytes(self._head) != head_bytes(self._frame):
                raise BadSeal("the head is not the one of the frame")
        elif self._position == self._frame.size or (
            self._position > offset and (self._position - offset) % step == 0
        ):
            self._leaves.append(self._leaf.digest())
            self._leaf = self._suite.new_digest()
