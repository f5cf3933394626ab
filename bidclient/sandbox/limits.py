"""How often somebody may fail, and who is on the way in while a deadline falls."""

import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager

MOST_FAILURES = 10
PERIOD_SECONDS = 60.0


class Attempts:
    """Failed attempts by organisation: ten in a minute are enough."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures: dict[str, deque[float]] = defaultdict(deque)

    def allowed(self, uscc: str) -> bool:
        """Whether another attempt is taken now."""
        with self._lock:
            failures = self._failures[uscc]
            while failures and time.monotonic() - failures[0] > PERIOD_SECONDS:
                failures.popleft()
            return len(failures) < MOST_FAILURES

    def failed(self, uscc: str) -> None:
        """Count a failure."""
        with self._lock:
            self._failures[uscc].append(time.monotonic())


class Arrivals:
    """Requests whose time of arrival is taken but which are not yet through."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._count = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        """A request is on its way inside this block."""
        with self._changed:
            self._count += 1
        try:
            yield
        finally:
            with self._changed:
                self._count -= 1
                self._changed.notify_all()

    def settle(self, seconds: float) -> None:
        """Wait until nobody is on the way, at most so long."""
        with self._changed:
            self._changed.wait_for(lambda: self._count == 0, seconds)
