"""Wakes those who wait for the next event, from whatever thread it comes."""

import asyncio
import threading


class Bell:
    """Coroutines wait for it, any thread rings it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()

    def ring(self) -> None:
        """Wake everybody who waits now."""
        with self._lock:
            waiting, self._waiting = self._waiting, set()
        for loop, event in waiting:
            if not loop.is_closed():
                loop.call_soon_threadsafe(event.set)

    async def wait(self, seconds: float) -> None:
        """Return when the bell rings, or after `seconds`."""
        ticket = (asyncio.get_running_loop(), asyncio.Event())
        with self._lock:
            self._waiting.add(ticket)
        try:
            await asyncio.wait_for(ticket[1].wait(), seconds)
        except TimeoutError:
            pass
        finally:
            with self._lock:
                self._waiting.discard(ticket)
