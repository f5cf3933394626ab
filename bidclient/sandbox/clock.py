"""The sandbox's own time: it starts as the real one, and can be stopped, sped up and moved."""

import logging
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from bidclient.formats import atomic


class _Mark(msgspec.Struct, frozen=True):
    """At `real` (this machine's time) the network's time was `network`, running `rate` times as fast."""

    network: datetime
    real: datetime
    rate: float


_LOG = logging.getLogger(__name__)
_LONGEST_SLEEP = timedelta(days=366)


def machine_time() -> datetime:
    """This machine's time, which nobody can move; sessions expire by it."""
    return datetime.now(UTC)  # noqa: TID251 - the one place of the sandbox where time comes from


class Clock:
    """network time = mark + monotonic time since the mark × rate; kept in a file, so a restart goes on."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        real = machine_time()
        mark = _Mark(real, real, 1.0)
        if path.exists():
            mark = msgspec.json.decode(path.read_bytes(), type=_Mark)
        # Only here the machine's time counts: while the sandbox was down its clock went on.
        self._started = mark.network + _gone_by(real - mark.real, mark.rate)
        self._rate = mark.rate
        self._since = time.monotonic()
        if not path.exists():
            self._keep()

    @property
    def rate(self) -> float:
        """Network seconds per real second; 0 stands still."""
        return self._rate

    def now(self) -> datetime:
        """The network's time, aware, in UTC."""
        with self._lock:
            return self._now()

    def set(self, now: datetime | None = None, rate: float | None = None) -> datetime:
        """Move the clock to `now`, forwards or backwards, and let it run at `rate`; returns the new time."""
        with self._lock:
            self._started = self._now() if now is None else now.astimezone(UTC)
            self._since = time.monotonic()
            if rate is not None:
                self._rate = rate
            self._keep()
            return self._started

    def _now(self) -> datetime:
        return self._started + timedelta(seconds=time.monotonic() - self._since) * self._rate

    def _keep(self) -> None:
        mark = _Mark(self._started, machine_time(), self._rate)
        atomic.write(self._path, msgspec.json.encode(mark))


def _gone_by(down: timedelta, rate: float) -> timedelta:
    """How far the network's time has moved while the sandbox was down: a year at most.

    A fast clock would else have outlived every certificate, or left the calendar.
    """
    seconds = max(0.0, down.total_seconds()) * rate
    if seconds <= _LONGEST_SLEEP.total_seconds():
        return timedelta(seconds=seconds)
    _LOG.warning("the clock was down for %s at speed %g; it goes on %s later", down, rate, _LONGEST_SLEEP)
    return _LONGEST_SLEEP
