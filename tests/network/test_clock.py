"""The measured server clock lies within its own bound of the truth, however lopsided the line is."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bidclient.network.clock import ServerClock, system_now, ticks

TRUTH = datetime(2026, 12, 1, 1, 30, tzinfo=UTC)


class Line:
    """A simulated line: each question takes `there` and `back` seconds; the server's clock is exact."""

    def __init__(self, delays: list[tuple[float, float]]) -> None:
        self.delays = delays
        self.seconds = 1000.0

    def monotonic(self) -> float:
        return self.seconds

    def ask(self) -> datetime:
        there, back = self.delays.pop(0)
        self.seconds += there
        told = self.truth()
        self.seconds += back
        return told

    def truth(self) -> datetime:
        return TRUTH + timedelta(seconds=self.seconds)


DELAYS = st.lists(st.tuples(st.floats(0, 2), st.floats(0, 2)), min_size=1, max_size=8)


@settings(deadline=None)
@given(delays=DELAYS, age=st.floats(0, 3600))
def test_the_truth_is_always_within_the_bound(delays: list[tuple[float, float]], age: float) -> None:
    fastest = min(there + back for there, back in delays)
    line = Line(list(delays))
    clock = ServerClock.measure(line.ask, line.monotonic, samples=len(delays))
    line.seconds += age
    reading = clock.now()
    rounding = timedelta(microseconds=5)
    assert abs(reading.at - line.truth()) <= reading.bound + rounding
    assert clock.bound <= timedelta(seconds=fastest / 2) + rounding


def test_the_fastest_answer_is_kept() -> None:
    line = Line([(0.9, 0.1), (0.01, 0.01), (0.1, 0.9)])
    clock = ServerClock.measure(line.ask, line.monotonic, samples=3)
    assert clock.bound == timedelta(seconds=0.01)
    assert abs(clock.now().at - line.truth()) < timedelta(milliseconds=1)


def test_the_bound_grows_with_the_age_of_the_measurement() -> None:
    line = Line([(0.01, 0.01)])
    clock = ServerClock.measure(line.ask, line.monotonic, samples=1)
    line.seconds += 100
    assert 100 < clock.age < 100.1
    assert timedelta(milliseconds=20) < clock.now().bound - clock.bound < timedelta(milliseconds=21)


def test_no_samples_are_no_measurement() -> None:
    with pytest.raises(ValueError, match="sample"):
        ServerClock.measure(system_now, samples=0)


def test_this_computers_clocks_go_forward() -> None:
    assert system_now().tzinfo is UTC
    assert ticks() <= ticks()
