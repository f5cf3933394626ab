"""The parent's end of a key host: started when needed, asked with a deadline, killed when it is silent."""

import logging
import os
import subprocess
import threading
import weakref
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from queue import Empty, Queue
from typing import TypeVar, cast

import msgspec

from bidclient.errors import BadFormat, DriverFailed, TokenTimedOut
from bidclient.keys.frames import (
    NO_HINT,
    AnyAnswer,
    AnyRequest,
    Failed,
    Hint,
    child_command,
    raise_failed,
    read_answer,
    write_frame,
)

_LOG = logging.getLogger(__name__)
_FAREWELL_SECONDS = 3.0
_Kind = TypeVar("_Kind")


@dataclass(frozen=True)
class Deadlines:
    """Seconds that a key host may take: to look around, to log in (a person at a PIN pad), to use a key.

    `learn` is for the many tries of finding out how a token uses a key.
    """

    look: float = 20.0
    login: float = 60.0
    use: float = 30.0
    learn: float = 180.0


class ChildHost:
    """One running key host. It serves one request at a time; once it has died it stays dead."""

    def __init__(
        self,
        module: Path,
        environment: Mapping[str, str] | None = None,
        memory: Path | None = None,
        hint: Hint = NO_HINT,
    ) -> None:
        """Start the host of the library `module`; `environment` adds to our own.

        `memory` is the folder where it keeps what it finds out about token models; `hint` what is known of
        the library. Raises DriverFailed.
        """
        self.module = module
        self._environment = environment
        self._memory = memory
        self._hint = hint
        self._turn = threading.Lock()
        self._number = 0
        self._answers: Queue[AnyAnswer | None] = Queue()
        try:
            # What a vendor's library prints is thrown away: nobody knows whether it prints PINs.
            self._process = subprocess.Popen(
                child_command("host", str(module), str(memory or ""), msgspec.json.encode(hint).decode()),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                env={**os.environ, **(environment or {})},
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            raise DriverFailed("start", str(error)) from error
        reader = threading.Thread(
            target=_pass_on, args=(cast(FileIO, self._process.stdout), self._answers), daemon=True
        )
        reader.start()
        self._stop = weakref.finalize(self, _stop, self._process, reader)

    def another(self) -> "ChildHost":
        """A further host of the same library, which knows nothing of what this one went through."""
        return ChildHost(self.module, self._environment, self._memory, self._hint)

    @property
    def pid(self) -> int:
        """The process number."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the host can still be asked."""
        return self._stop.alive and self._process.poll() is None

    def ask(self, request: AnyRequest, kind: type[_Kind], seconds: float) -> _Kind:
        """The answer of the `kind` that belongs to `request`.

        Raises what the host reports; TokenTimedOut after `seconds` without an answer and DriverFailed when
        the host dies, talks nonsense or was dead before: the host is dead from then on.
        """
        operation = str(request.__struct_config__.tag)
        with self._turn:
            if not self.alive:
                raise DriverFailed(operation, f"{self.module}: the key host has ended")
            self._number += 1
            _LOG.debug("key host %d: %s", self.pid, operation)
            answer = self._exchange(msgspec.structs.replace(request, number=self._number), operation, seconds)
            if isinstance(answer, Failed):
                raise_failed(answer)
            if answer.number != self._number or not isinstance(answer, kind):
                self.kill()
                raise DriverFailed(operation, f"{self.module}: an answer to another question")
            return answer

    def kill(self) -> None:
        """End the host at once, whatever it is doing."""
        self._process.kill()
        self._stop()

    def close(self) -> None:
        """Let the host log out and end; kill it when it does not."""
        self._stop()

    def _exchange(self, request: AnyRequest, operation: str, seconds: float) -> AnyAnswer:
        try:
            write_frame(cast(FileIO, self._process.stdin), request)
            answer = self._answers.get(timeout=seconds)
        except Empty as error:
            self.kill()
            raise TokenTimedOut(operation, seconds) from error
        except OSError as error:
            self.kill()
            raise DriverFailed(operation, f"{self.module}: the key host has ended") from error
        if answer is None:
            self.kill()
            raise DriverFailed(operation, f"{self.module}: the key host ended ({self._process.returncode})")
        return answer


def _pass_on(stream: FileIO, answers: "Queue[AnyAnswer | None]") -> None:
    """Read on a thread of its own: pipes cannot be waited for with a deadline on every system."""
    answer: AnyAnswer | None = None
    with suppress(BadFormat, OSError):
        while (answer := read_answer(stream)) is not None:
            answers.put(answer)
    answers.put(None)


def _stop(process: "subprocess.Popen[bytes]", reader: threading.Thread) -> None:
    """End the process: its input ends, so it logs out and goes; if not, it is killed."""
    if process.stdin is not None:
        with suppress(OSError):
            process.stdin.close()
    try:
        process.wait(_FAREWELL_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        # One that is stuck inside a driver of the kernel outlives this, and is not waited for.
        with suppress(subprocess.TimeoutExpired):
            process.wait(_FAREWELL_SECONDS)
    reader.join(_FAREWELL_SECONDS)
    if process.stdout is not None:
        process.stdout.close()
