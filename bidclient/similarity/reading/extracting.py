"""The process that reads files for apart.Reader: what a hostile file does to a library stays in here.

Started as `python -m bidclient.similarity.reading.extracting MEMORY`, with the bytes of address space that
it may have; jobs come by stdin, steps and answers go by stdout.
"""

import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, cast

import msgspec

from bidclient.errors import BadDocument, BidError, FileProblem, TooLarge
from bidclient.similarity.reading.document import Extract
from bidclient.similarity.reading.extract import extract
from bidclient.similarity.reading.limits import Limits
from bidclient.similarity.reading.ocr import Ocr
from bidclient.similarity.reading.places import Rectangle, places

_LENGTH_SIZE = 4
_Fact = str | int | float | None
PROBLEMS: dict[str, Callable[..., BidError]] = {
    kind.__name__: kind for kind in (BadDocument, FileProblem, TooLarge)
}
"""What a job may be answered with instead."""


class Read(msgspec.Struct, frozen=True, tag="read"):
    """Read the file at `path`."""

    path: str
    limits: Limits
    ocr: Ocr | None


class Find(msgspec.Struct, frozen=True, tag="find"):
    """Find where characters `start` to `end` of a page stand."""

    path: str
    page: int
    start: int
    end: int
    limits: Limits


class Step(msgspec.Struct, frozen=True, tag="step"):
    """How far a job is; more is to come."""

    name: str
    done: int
    total: int


class Done(msgspec.Struct, frozen=True, tag="done"):
    """A file that was read."""

    extract: Extract


class Found(msgspec.Struct, frozen=True, tag="found"):
    """Where the characters stand."""

    rectangles: tuple[Rectangle, ...]


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """An error by class name, with its data."""

    error: str
    facts: dict[str, _Fact]


Job = Read | Find
Answer = Done | Found | Refused
_JOBS: msgspec.msgpack.Decoder[Job] = msgspec.msgpack.Decoder(Job)


def write_frame(stream: BinaryIO, message: Job | Answer | Step) -> None:
    """Send one message behind its length. Raises OSError."""
    content = msgspec.msgpack.encode(message)
    stream.write(len(content).to_bytes(_LENGTH_SIZE, "big"))
    stream.write(content)
    stream.flush()


def read_frame(stream: BufferedReader) -> bytes | None:
    """The next message; None at the end of the stream, or when the other side died while writing."""
    head = stream.read(_LENGTH_SIZE)
    if len(head) < _LENGTH_SIZE:
        return None
    length = int.from_bytes(head, "big")
    content = stream.read(length)
    return content if len(content) == length else None


def main(arguments: list[str]) -> int:
    """Do jobs until there are no more; the exit code."""
    _bound_memory(int(arguments[0]))
    jobs, answers = cast(BufferedReader, sys.stdin.buffer), sys.stdout.buffer
    while (content := read_frame(jobs)) is not None:
        job = _JOBS.decode(content)
        _bound_work(job.limits.seconds + job.limits.silence)
        write_frame(answers, _answered(job, answers))
    return 0


def _answered(job: Job, answers: BinaryIO) -> Answer:
    try:
        if isinstance(job, Find):
            return Found(places(Path(job.path), job.page, job.start, job.end, job.limits))
        return Done(_read(job, answers))
    except MemoryError:
        reason = "it takes more memory than allowed"
        return Refused("BadDocument", {"document": Path(job.path).name, "reason": reason})
    except (BadDocument, FileProblem, TooLarge) as error:
        return Refused(type(error).__name__, cast("dict[str, _Fact]", error.facts))


def _read(job: Read, answers: BinaryIO) -> Extract:
    up = threading.Event()
    timer = threading.Timer(job.limits.seconds, up.set)
    timer.daemon = True
    timer.start()
    try:
        return extract(
            Path(job.path),
            job.limits,
            job.ocr,
            lambda name, done, total: write_frame(answers, Step(name, done, total)),
            up.is_set,
        )
    finally:
        timer.cancel()


def _bound_memory(most: int) -> None:
    """No more address space than this, and no image of the memory on disk when we crash."""
    if sys.platform != "win32":
        import resource

        _bound(resource.RLIMIT_CORE, 0)
        _bound(resource.RLIMIT_AS, most)


def _bound_work(seconds: float) -> None:
    """Processor time for the next job: a stalled reader must not outlive a program that was killed."""
    if sys.platform != "win32":
        import resource

        used = resource.getrusage(resource.RUSAGE_SELF)
        _bound(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime + seconds) + 1)


def _bound(limit: int, value: int) -> None:
    """Set a soft limit, never above the hard one; systems that do not know it go without."""
    import resource

    _, hard = resource.getrlimit(limit)
    with suppress(OSError, ValueError):
        resource.setrlimit(limit, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
