"""A desk verb in a process of its own that can be killed at any instant of its work."""

import multiprocessing
import os
import shutil
import time
from collections.abc import Callable
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from bidclient.ask import Nobody
from bidclient.desk import Desk, build
from bidclient.desk.seal_order import SealOrder
from bidclient.network.clock import system_now
from bidclient.store.settings import Settings
from tests.support.desks import PIN, soft_desk

_JOURNAL = "journal.jsonl"
_PATIENCE = 60.0
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload([__name__])

VERBS: dict[str, Callable[[Desk, Path, str], object]] = {
    "stamp": lambda desk, bid, key: desk.stamping.stamp(bid, key, SealOrder(), Nobody(PIN), timestamp=False),
    "pack": lambda desk, bid, _key: desk.signing.pack(bid),
    "sign": lambda desk, bid, key: desk.signing.sign(bid, key, Nobody(PIN)),
    "seal": lambda desk, bid, key: desk.sealing.seal(bid, key, Nobody(PIN)),
    "submit": lambda desk, bid, key: desk.submitting.submit(bid, key, Nobody(PIN)),
    "release": lambda desk, bid, key: desk.opening.release(bid, key, Nobody(PIN)),
}


def act(verb: str, settings: Settings, environment: dict[str, str], bid: Path, key: str) -> None:
    """What the process does."""
    desk = build(settings, environment, now=system_now) if environment else soft_desk(settings)
    with desk:
        VERBS[verb](desk, bid, key)


class Worker:
    """Runs verbs of one bidder."""

    def __init__(self, settings: Settings, key: str, environment: dict[str, str] | None = None) -> None:
        self._settings = settings
        self._key = key
        self._environment = environment or {}

    def finish(self, verb: str, bid: Path) -> float:
        """Run to the end, which must be a good one; the seconds that it took."""
        start = time.monotonic()
        process = self._started(verb, bid)
        process.join(_PATIENCE)
        assert process.exitcode == 0, f"{verb} ended with {process.exitcode}"
        process.close()
        return time.monotonic() - start

    def kill(self, verb: str, bid: Path, after: float) -> None:
        """Run, and kill `after` seconds, unless it has ended by then."""
        _kill(self._started(verb, bid), after)

    def kill_when(self, seen: Callable[[], bool], verb: str, bid: Path, after: float = 0) -> None:
        """Run, and kill so many seconds after something was `seen`."""
        process = self._started(verb, bid)
        end = time.monotonic() + _PATIENCE
        while not seen() and process.is_alive():
            assert time.monotonic() < end, f"{verb} goes on and on"
            process.join(0.001)
        _kill(process, after)

    def _started(self, verb: str, bid: Path) -> ForkServerProcess:
        process = _context.Process(target=act, args=(verb, self._settings, self._environment, bid, self._key))
        process.start()
        return process


def linked_copy(source: Path, target: Path) -> Path:
    """A bid folder once more, at once: what is only ever replaced is linked, the journal is copied."""

    def copy(one: str, other: str) -> str:
        if Path(one).name == _JOURNAL:
            return str(shutil.copy2(one, other))
        os.link(one, other)
        return other

    return Path(shutil.copytree(source, target, copy_function=copy))


def _kill(process: ForkServerProcess, after: float) -> None:
    process.join(after)
    process.kill()
    process.join(_PATIENCE)
    assert process.exitcode is not None
    process.close()
