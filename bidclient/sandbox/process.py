"""A sandbox in a process of its own, and the levers that move its clock: for the demonstration."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec
import requests

from bidclient.errors import BidError, Rejected, Unreachable
from bidclient.formats.instant import instant_text
from bidclient.network.clock import ticks
from bidclient.network.wire import Problem
from bidclient.sandbox.serve import READY
from bidclient.store.lock import locked

START_SECONDS = 60.0
_POLL_SECONDS = 0.02
_FIND_SECONDS = 0.2
_REPLY_SECONDS = 120.0


class Ready(msgspec.Struct, frozen=True):
    """ready.json: where the sandbox answers, and the certificates by which it can be verified."""

    url: str
    network: str
    ca: str
    tsa: str
    identity: str
    pid: int


class LotState(msgspec.Struct, frozen=True):
    """A lot and its opening, as the person at the levers sees them; `submissions` counts all of them,
    `in_force` those that have been finalized and neither withdrawn nor replaced."""

    id: str
    code: str
    name: str
    tender_version: int
    deadline: str
    opening_at: str
    state: str
    opening: str
    opening_state: str
    submissions: int
    in_force: int


class State(msgspec.Struct, frozen=True):
    """GET /sandbox/v1/state: the network's time and its speed, the faults that are on, the lots."""

    now: str
    rate: float
    network: str
    faults: dict[str, float]
    lots: tuple[LotState, ...]
    pid: int


@dataclass(frozen=True)
class Levers:
    """The sandbox's own controls, as the person who runs it has them.

    Each raises Unreachable, and Rejected for what the sandbox refuses.
    """

    url: str
    data: Path

    def state(self) -> State:
        """What is going on."""
        return msgspec.json.decode(self._send("GET", "/sandbox/v1/state"), type=State)

    def lots(self) -> tuple[LotState, ...]:
        """All lots with the state of their openings."""
        return self.state().lots

    def jump(self, now: datetime) -> None:
        """Set the network's clock; what is due by then happens before this returns."""
        self._send("POST", "/sandbox/v1/clock/jump", {"now": instant_text(now)})

    def end_step(self, opening: str, step: str) -> None:
        """This step of an opening ends now, unless it is over already."""
        self._send("POST", f"/sandbox/v1/openings/{opening}/advance", {"step": step})

    def set_fault(self, name: str, value: float) -> None:
        """Switch a fault on, or off with 0."""
        self._send("POST", "/sandbox/v1/faults", {"name": name, "value": value})

    def _send(self, method: str, path: str, body: dict[str, str | float] | None = None) -> bytes:
        address = self.url + path
        with requests.Session() as session:
            session.trust_env = False
            try:
                reply = session.request(method, address, json=body, timeout=_REPLY_SECONDS)
            except requests.exceptions.RequestException as error:
                raise Unreachable(address, str(error)) from error
            if not reply.ok:
                raise _refusal(address, reply)
            return reply.content


def _refusal(address: str, reply: requests.Response) -> BidError:
    try:
        problem = msgspec.json.decode(reply.content, type=Problem)
    except msgspec.DecodeError:
        return Unreachable(address, f"status {reply.status_code}")
    return Rejected(problem.code, reply.status_code, problem.detail or problem.title)


def find_levers(data: Path, patience: float = START_SECONDS) -> Levers:
    """The controls of the sandbox that runs on `data`, as soon as it answers.

    Raises Unreachable when that takes longer than `patience` seconds.
    """
    end, pause = ticks() + patience, threading.Event()
    while True:
        try:
            ready = _read_ready(data)
            levers = Levers(ready.url, data)
            if levers.state().pid != ready.pid:
                # A sandbox that was killed has left this, and its port is another's by now.
                raise Unreachable(f"sandbox {data}", f"another sandbox answers at {ready.url}")
        except (OSError, msgspec.DecodeError, Unreachable) as error:
            if ticks() > end:
                raise Unreachable(f"sandbox {data}", str(error)) from error
            pause.wait(_FIND_SECONDS)
        else:
            return levers


@contextmanager
def running_sandbox(data: Path, samples: tuple[str, ...], lead_minutes: float) -> Iterator[Levers]:
    """A sandbox with its data in `data`, answering; ended with the block.

    Raises Busy when one runs there already, Unreachable when it does not come up within START_SECONDS.
    """
    data.mkdir(parents=True, exist_ok=True)
    with locked(data):
        (data / READY).unlink(missing_ok=True)
    with (data / "server.log").open("ab") as output:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "bidclient.sandbox.serve", "--data", str(data), "--port", "0"),
                *("--samples", ",".join(samples), "--lead-minutes", str(lead_minutes)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        yield Levers(_ready(process, data).url, data)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _ready(process: subprocess.Popen[bytes], data: Path) -> Ready:
    """What ready.json says, as soon as it is there: it appears whole, when connections are taken."""
    deadline = ticks() + START_SECONDS
    pause = threading.Event()
    while not (data / READY).exists():
        if process.poll() is not None:
            tail = (data / "server.log").read_text("utf-8", "replace")[-300:]
            raise Unreachable("sandbox", f"it ended with code {process.returncode}: {tail}")
        if ticks() > deadline:
            raise Unreachable("sandbox", f"not ready after {START_SECONDS:.0f} seconds")
        pause.wait(_POLL_SECONDS)
    return _read_ready(data)


def _read_ready(data: Path) -> Ready:
    return msgspec.json.decode((data / READY).read_bytes(), type=Ready)
