"""Reads files in a process of its own: one that crashes or stalls its reader costs only itself."""

import os
import signal
import subprocess
import sys
import threading
import weakref
from contextlib import suppress
from io import BufferedReader
from pathlib import Path
from queue import Empty, Queue
from types import TracebackType
from typing import BinaryIO, NoReturn, Self, TypeVar, cast

import msgspec

from bidclient.ask import Progress, silent
from bidclient.errors import BadDocument
from bidclient.similarity.reading.document import Extract
from bidclient.similarity.reading.extracting import (
    PROBLEMS,
    Answer,
    Done,
    Find,
    Found,
    Job,
    Read,
    Refused,
    Step,
    read_frame,
    write_frame,
)
from bidclient.similarity.reading.limits import LIMITS, Limits
from bidclient.similarity.reading.ocr import Ocr
from bidclient.similarity.reading.places import Rectangle

_ANSWERS: msgspec.msgpack.Decoder[Answer | Step] = msgspec.msgpack.Decoder(Answer | Step)
_Kind = TypeVar("_Kind", Done, Found)


class Reader:
    """Reads one file at a time in a child process, which is started when needed and again after a crash.

    Two Readers on two threads use two cores.
    """

    def __init__(self, limits: Limits = LIMITS, ocr: Ocr | None = None) -> None:
        self._limits = limits
        self._ocr = ocr
        self._child: _Child | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """The number of the child process, None while there is none."""
        return self._child.pid if self._child else None

    def extract(self, path: Path, progress: Progress = silent) -> Extract:
        """As extract.extract. Raises BadDocument also for a file that crashes or stalls its reader."""
        job = Read(str(path.absolute()), self._limits, self._ocr)
        return self._asked(job, Done, progress).extract

    def places(self, path: Path, page: int, start: int, end: int) -> tuple[Rectangle, ...]:
        """As places.places. Raises BadDocument also for a file that crashes or stalls its reader."""
        job = Find(str(path.absolute()), page, start, end, self._limits)
        return self._asked(job, Found, silent).rectangles

    def close(self) -> None:
        """End the child, whatever it is doing."""
        if self._child is not None:
            self._child.end()
            self._child = None

    def _asked(self, job: Job, kind: type[_Kind], progress: Progress) -> _Kind:
        if self._child is None:
            self._child = _Child(self._limits.memory)
        answer: Answer | None = None
        try:
            answer = self._child.ask(job, self._limits.silence, progress)
        finally:
            # Without an answer, also when progress raised, what the child is at is not known any more.
            if not isinstance(answer, kind | Refused):
                self.close()
        if isinstance(answer, kind):
            return answer
        if isinstance(answer, Refused):
            _raise(answer)
        raise BadDocument(Path(job.path).name, "its reader answered another question")


class _Child:
    """A running reader."""

    def __init__(self, memory: int) -> None:
        self._process = subprocess.Popen(
            _command(memory),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # One thread of linear algebra: each further one takes address space, which is bounded.
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
            # A session of its own, so that what it started (tesseract) ends with it.
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        self._answers: Queue[Answer | Step | None] = Queue()
        stream = cast(BufferedReader, self._process.stdout)
        thread = threading.Thread(target=_pass_on, args=(stream, self._answers), daemon=True)
        thread.start()
        self.end = weakref.finalize(self, _end, self._process, thread)

    @property
    def pid(self) -> int:
        return self._process.pid

    def ask(self, job: Job, silence: float, progress: Progress) -> Answer:
        """The answer to a job. Raises BadDocument after `silence` seconds without a step, and at a crash."""
        name, page = Path(job.path).name, 0
        try:
            write_frame(cast(BinaryIO, self._process.stdin), job)
            while isinstance(answer := self._answers.get(timeout=silence), Step):
                page = answer.done + 1
                progress(answer.name, answer.done, answer.total)
        except Empty as error:
            raise BadDocument(name, f"no answer of its reader for {silence:g} s, at page {page}") from error
        except OSError as error:
            raise BadDocument(name, "its reader had ended") from error
        if answer is None:
            raise BadDocument(name, f"its reader crashed at page {page}")
        return answer


def _command(memory: int) -> list[str]:
    """The command that starts the reader, from Python or from a frozen program."""
    if getattr(sys, "frozen", False):
        return [sys.executable, "read-documents", str(memory)]
    # -P: what lies in the current folder, perhaps a bid of a stranger, is not a place to import from.
    return [sys.executable, "-P", "-m", "bidclient.similarity.reading.extracting", str(memory)]


def _pass_on(stream: BufferedReader, answers: "Queue[Answer | Step | None]") -> None:
    """Read on a thread of its own: pipes cannot be waited for with a deadline on every system."""
    with suppress(msgspec.DecodeError, OSError, ValueError):
        while (content := read_frame(stream)) is not None:
            answers.put(_ANSWERS.decode(content))
    answers.put(None)


def _end(process: "subprocess.Popen[bytes]", thread: threading.Thread) -> None:
    """Kill the reader: it writes nothing, so there is nothing to save."""
    with suppress(ProcessLookupError, PermissionError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    thread.join()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with suppress(OSError):
                stream.close()


def _raise(answer: Refused) -> NoReturn:
    """Raise again what the child reported."""
    raise PROBLEMS[answer.error](**answer.facts)
