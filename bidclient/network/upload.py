"""Sends a big file over a bad line: a tus 1.0.0 client with adaptive pieces that trusts the server's offset.

https://tus.io/protocols/resumable-upload - core, creation, checksum (sha256), termination.
"""

import hashlib
import re
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from bidclient.ask import Progress, silent
from bidclient.errors import (
    BadFormat,
    Cancelled,
    FileProblem,
    Mismatch,
    Rejected,
    Unreachable,
    UploadInterrupted,
)
from bidclient.network.transport import READ_TIMEOUT, Answer, Transport, new_idempotency_key

if TYPE_CHECKING:
    from tenacity import RetryCallState

SMALLEST = 256 * 1024
FIRST = 4 * 1024 * 1024
LARGEST = 8 * 1024 * 1024
PATIENCE = 120.0
"""Seconds without a single byte stored by the server, after which the upload gives up."""
_LONGEST_WAIT = 5.0
"""Seconds between two attempts, at most: also how long a cancelled upload may take to notice."""
_CLIMB = 8
"""So many pieces in a row must pass before a size that failed is tried again."""
_VERSION = {"Tus-Resumable": "1.0.0"}
_OFFSET_TYPE = "application/offset+octet-stream"
_DOUBTFUL = frozenset({409, 423, 429, 460, 500, 502, 503, 504})
_NO_PATCH_HERE = frozenset({405, 501})
_COUNT = re.compile("[0-9]{1,18}")


def _may_pass(error: BaseException) -> bool:
    """Whether to ask again: the piece may or may not have arrived, and only the server's offset tells."""
    return isinstance(error, Unreachable) or (isinstance(error, Rejected) and error.status in _DOUBTFUL)


def _give_up(state: "RetryCallState") -> NoReturn:
    """What the retries end with: the arguments are those of Upload._step."""
    _, offset, size, *_ = state.args
    last = state.outcome.exception() if state.outcome else None
    raise UploadInterrupted(offset, size, str(last)) from last


class PieceSize:
    """How many bytes to send at once: doubled while it goes well, halved when it does not.

    A piece with a checksum counts whole or not at all, so on a line that breaks every 3 MB a fixed 8 MB piece
    never arrives. The size that failed last is a ceiling until many pieces have passed below it.
    """

    def __init__(self, largest: int, first: int = FIRST) -> None:
        self._largest = max(1, min(LARGEST, largest))
        self._smallest = min(SMALLEST, self._largest)
        self._ceiling = self._largest
        self._passed = 0
        self.bytes = min(first, self._largest)

    def passed(self) -> None:
        """A piece was stored."""
        self._passed += 1
        if self._passed >= _CLIMB:
            self._ceiling, self._passed = min(self._largest, self._ceiling * 2), 0
        self.bytes = min(self.bytes * 2, self._ceiling)

    def failed(self) -> None:
        """A piece was lost, or may have been."""
        self.bytes = max(self._smallest, self.bytes // 2)
        self._ceiling, self._passed = self.bytes, 0


@dataclass(frozen=True)
class UploadState:
    """What the server says about an upload."""

    offset: int
    size: int


class Upload:
    """One upload resource of a network; its address is what has to be remembered to go on after a crash."""

    def __init__(self, transport: Transport, address: str, largest_piece: int = LARGEST) -> None:
        self._transport = transport
        self._address = address
        self._piece = PieceSize(largest_piece)
        self._method = "PATCH"
        self._in_doubt = True

    @classmethod
    def create(cls, transport: Transport, folder: str, size: int, metadata: dict[str, str]) -> "Upload":
        """Ask the server for a new upload of `size` bytes under the address `folder` (tus creation).

        Raises NetworkProblem, BadFormat.
        """
        pairs = (f"{name} {b64encode(value.encode()).decode()}" for name, value in metadata.items())
        headers = {
            **_VERSION,
            "Upload-Length": str(size),
            "Idempotency-Key": new_idempotency_key(),
        }
        if metadata:
            headers["Upload-Metadata"] = ",".join(pairs)
        answer = transport.send("POST", folder, headers=headers)
        location = answer.headers.get("Location")
        if not location:
            raise BadFormat("the reply to an upload's creation", "no Location")
        return cls(transport, transport.address(location))

    @property
    def address(self) -> str:
        """Where the upload lives."""
        return self._address

    def state(self) -> UploadState:
        """What the server has stored durably. Raises NetworkProblem, BadFormat."""
        answer = self._transport.send("HEAD", self._address, headers=_VERSION)
        return UploadState(_count(answer, "Upload-Offset"), _count(answer, "Upload-Length"))

    def terminate(self) -> None:
        """Throw away what was stored. Raises NetworkProblem."""
        self._transport.send("DELETE", self._address, headers=_VERSION)

    def send(
        self,
        path: Path,
        *,
        patience: float = PATIENCE,
        progress: Progress = silent,
        cancelled: Callable[[], bool] = lambda: False,
        read_timeout: float = READ_TIMEOUT,
    ) -> int:
        """Send what the server does not have yet of the file at `path`; returns the size of the file.

        Waits longer after each failure and starts afresh as soon as the server has stored something more.
        `patience` is in seconds without progress. Raises UploadInterrupted when that is over, Cancelled,
        DeadlinePassed, Rejected (the upload is gone, or refused), Mismatch (the upload is of another size),
        Untrusted, BadFormat, FileProblem, also for a file that becomes shorter meanwhile.
        """
        # Imported late: only a command that uploads needs it.
        from tenacity import Retrying, retry_if_exception, stop_before_delay
        from tenacity.wait import wait_random_exponential

        size = _size(path)
        offset = 0
        self._in_doubt = True
        steps = Retrying(
            retry=retry_if_exception(_may_pass),
            wait=wait_random_exponential(multiplier=0.1, max=_LONGEST_WAIT),
            stop=stop_before_delay(patience),
            retry_error_callback=_give_up,
        )
        while self._in_doubt or offset < size:
            offset = steps(self._step, path, offset, size, cancelled, read_timeout)
            progress("upload", offset, size)
        return size

    def _step(
        self, path: Path, offset: int, size: int, cancelled: Callable[[], bool], read_timeout: float
    ) -> int:
        """One step: the offset after another piece, or, after a doubt, the one that the server tells."""
        if cancelled():
            raise Cancelled
        if self._in_doubt:
            told = self._told_offset(size)
            self._in_doubt = False
            if told != offset or told == size:
                return told
        try:
            answer = self._send_piece(path, offset, read_timeout)
        except (Unreachable, Rejected):
            self._piece.failed()
            self._in_doubt = True
            raise
        stored = _count(answer, "Upload-Offset")
        if not offset < stored <= size:
            self._in_doubt = True
            raise Rejected("offset-mismatch", 409, f"from offset {offset} to {stored}")
        self._piece.passed()
        return stored

    def _told_offset(self, size: int) -> int:
        state = self.state()
        if state.size != size:
            raise Mismatch("upload size", str(size), str(state.size))
        if state.offset > size:
            raise BadFormat("the state of an upload", f"offset {state.offset} of {size}")
        return state.offset

    def _send_piece(self, path: Path, offset: int, read_timeout: float) -> Answer:
        """The reply to one PATCH. Raises NetworkProblem."""
        piece = _read(path, offset, self._piece.bytes)
        if not piece:
            raise FileProblem(str(path), "became shorter while it was sent")
        checksum = b64encode(hashlib.sha256(piece).digest()).decode()
        headers = {
            **_VERSION,
            "Content-Type": _OFFSET_TYPE,
            "Upload-Offset": str(offset),
            "Upload-Checksum": f"sha256 {checksum}",
        }
        if self._method == "POST":
            headers["X-HTTP-Method-Override"] = "PATCH"
        try:
            return self._transport.send(
                self._method, self._address, data=piece, headers=headers, read_timeout=read_timeout
            )
        except Rejected as error:
            if error.status not in _NO_PATCH_HERE or self._method == "POST":
                raise
        # A proxy between us does not know PATCH; tus has a way around.
        self._method = "POST"
        return self._send_piece(path, offset, read_timeout)


def _count(answer: Answer, header: str) -> int:
    text = answer.headers.get(header, "")
    if not _COUNT.fullmatch(text):
        raise BadFormat("the state of an upload", f"the header {header} is {text!r}")
    return int(text)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise FileProblem(str(path), str(error)) from error


def _read(path: Path, offset: int, length: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(length)
    except OSError as error:
        raise FileProblem(str(path), str(error)) from error
