"""The server's clock seen from here, with a bound on the error: deadlines go by that clock, not ours."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

SAMPLES = 8
MEASURE_AGAIN_AFTER = 60.0
"""Seconds."""
_DRIFT = 200e-6
"""What a computer's clock may gain or lose, as a share of the time since the measurement."""


def system_now() -> datetime:
    """This computer's idea of the time: for our own records, never for a deadline."""
    return datetime.now(UTC)  # noqa: TID251 - the one reader of the wall clock


def ticks() -> float:
    """Seconds that only go forward, also while the computer sleeps where the system can count that."""
    boot_time = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot_time is None else time.clock_gettime(boot_time)


@dataclass(frozen=True)
class Reading:
    """The server's time now lies within `bound` of `at`, if it was fair with us."""

    at: datetime
    bound: timedelta


@dataclass(frozen=True)
class ServerClock:
    """A measured server clock, driven by a steady clock since."""

    time_at_zero: datetime
    """Server time when the steady clock stood at `zero`."""
    zero: float
    bound: timedelta
    monotonic: Callable[[], float]

    @classmethod
    def measure(
        cls,
        get_time: Callable[[], datetime],
        monotonic: Callable[[], float] = ticks,
        samples: int = SAMPLES,
    ) -> "ServerClock":
        """Ask `samples` times and keep the answer that came back fastest (NTP's clock filter, RFC 5905 §10).

        The server read its clock somewhere between our question and its answer, so the middle of the shortest
        round trip is wrong by at most half of it.
        """
        best: ServerClock | None = None
        for _ in range(samples):
            asked = monotonic()
            told = get_time()
            half = (monotonic() - asked) / 2
            bound = timedelta(seconds=half)
            if best is None or bound < best.bound:
                best = cls(told, asked + half, bound, monotonic)
        if best is None:
            raise ValueError("at least one sample is needed")
        return best

    @property
    def age(self) -> float:
        """Seconds since the measurement."""
        return self.monotonic() - self.zero

    def now(self) -> Reading:
        """The server's time and how far off that may be; the bound grows with the age of the measurement."""
        age = self.age
        return Reading(
            self.time_at_zero + timedelta(seconds=age), self.bound + timedelta(seconds=abs(age) * _DRIFT)
        )
