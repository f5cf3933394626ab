"""Waiting with an end: what the work gives or raises comes through, and nothing else is waited for."""

import threading

import pytest

from bidclient.errors import BadFormat, Unreachable
from bidclient.network.patience import within


def failing() -> int:
    raise BadFormat("answer", "too long")


def test_the_result_and_the_errors_come_through() -> None:
    assert within(5, "service", lambda: 7) == 7
    with pytest.raises(BadFormat, match="too long"):
        within(5, "service", failing)


def test_what_takes_longer_is_unreachable() -> None:
    over = threading.Event()
    with pytest.raises(Unreachable, match="takes too long"):
        within(0.1, "service", over.wait)
    over.set()
