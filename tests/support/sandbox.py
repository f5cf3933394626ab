"""Sandboxes for tests: as a process that can be killed, or in this process with a clock that stands still."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import requests

from bidclient.formats.instant import instant_text
from bidclient.sandbox import serve
from bidclient.sandbox.pki import BidderKeys, KeyType, issue_bidder
from bidclient.sandbox.world import World, create_world

START_SECONDS = 60.0
ROOT = Path(__file__).resolve().parents[2]


class Levers:
    """What both kinds of sandbox offer: address, trust folder, clock, faults, certificates."""

    data: Path
    url: str

    @property
    def trust(self) -> Path:
        """ca.pem, tsa.pem and identity.pem lie here."""
        return self.data / "trust"

    def control(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """GET, or POST with a body, of /sandbox/v1/`path`."""
        address = f"{self.url}/sandbox/v1/{path}"
        if body is None:
            answer = requests.get(address, timeout=90)
        else:
            answer = requests.post(address, json=body, timeout=90)
        assert answer.ok, answer.text
        reply: dict[str, Any] = answer.json()
        return reply

    def set_clock(self, moment: datetime, rate: float | None = None) -> None:
        """Move the network's clock; what is due then has happened when this returns."""
        rated = {} if rate is None else {"rate": rate}
        self.control("clock", {"now": instant_text(moment), **rated})

    def jump(self, seconds: float) -> None:
        """Move the network's clock by seconds."""
        self.control("clock/jump", {"seconds": seconds})

    def fault(self, name: str, value: float = 1) -> None:
        """Switch a fault on; 0 is off."""
        self.control("faults", {"name": name, "value": value})

    def issue(self, name: str, uscc: str, key_type: KeyType = "p-256") -> BidderKeys:
        """A company's certificates."""
        return issue_bidder(self.data, name, uscc, key_type)


@dataclass
class Sandbox(Levers):
    """A sandbox in a process of its own over the folder `data`."""

    data: Path
    arguments: tuple[str, ...] = ()
    url: str = ""
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        """Start the process and wait until it takes connections."""
        ready = self.data / serve.READY
        ready.unlink(missing_ok=True)
        command = [sys.executable, "-m", "bidclient.sandbox.serve", "--data", str(self.data), *self.arguments]
        self._process = subprocess.Popen(command, cwd=ROOT)
        end = time.monotonic() + START_SECONDS
        while not ready.exists():
            assert self._process.poll() is None, "the sandbox ended while starting"
            assert time.monotonic() < end, "the sandbox did not start in time"
            time.sleep(0.02)
        self.url = json.loads(ready.read_bytes())["url"]

    def kill(self) -> None:
        """SIGKILL: nothing gets a chance to be tidied up."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def restart(self) -> None:
        """Kill and start again; the port is another one."""
        self.kill()
        self.start()

    def stop(self) -> int:
        """SIGTERM; returns the exit code."""
        if self._process is None:
            return 0
        self._process.terminate()
        code = self._process.wait(20)
        self._process = None
        return code


@dataclass
class LocalSandbox(Levers):
    """A sandbox in a thread of this process; `world` is all of it."""

    data: Path
    url: str
    world: World

    def at(self, moment: datetime) -> None:
        """Let the clock stand still at `moment`, and the host do what is due."""
        self.set_clock(moment, 0)


@contextmanager
def running_sandbox(
    data: Path, *, samples: str | None = None, lead_minutes: float = 120, port: int = 0
) -> Iterator[Sandbox]:
    """A sandbox process over `data`, made if there is none, killed in the end.

    `samples` are names separated by commas, "" for no lots at all, None for all of them.
    """
    chosen = () if samples is None else ("--samples", samples)
    sandbox = Sandbox(data, ("--port", str(port), "--lead-minutes", str(lead_minutes), *chosen))
    sandbox.start()
    try:
        yield sandbox
    finally:
        sandbox.kill()


@contextmanager
def local_sandbox(
    data: Path, now: datetime, *, samples: tuple[str, ...] = (), lead: timedelta = timedelta(hours=2)
) -> Iterator[LocalSandbox]:
    """A sandbox in this process; its clock stands still at `now` unless the folder has a world already."""
    data.mkdir(parents=True, exist_ok=True)
    if (data / "complete").exists():
        world = World(data)
        world.clock.set(now, 0)
    else:
        world = create_world(data, now, samples=samples, lead=lead)
        world.clock.set(now, 0)
    listener = serve.listen(0)
    server = serve.server(world)
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    try:
        yield LocalSandbox(data, f"http://{serve.HOST}:{listener.getsockname()[1]}", world)
    finally:
        server.should_exit = True
        thread.join(20)
        listener.close()
        world.close()
