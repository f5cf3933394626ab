"""A deadline for a whole conversation: the HTTP library's time-outs begin anew with every byte that comes."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from bidclient.errors import BidError, Unreachable

_T = TypeVar("_T")


def within(seconds: float, address: str, work: Callable[[], _T]) -> _T:
    """What `work` returns, or the BidError that it raises; Unreachable naming `address` when it takes longer.

    Then nobody waits for its thread any more, which does not keep the program from ending. A fault of the
    program is told by that thread, and here becomes a CancelledError.
    """
    done: Future[_T] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except BidError as error:
            done.set_exception(error)
        finally:
            done.cancel()  # without effect once there is a result

    threading.Thread(target=run, daemon=True).start()
    try:
        return done.result(seconds)
    except TimeoutError as error:
        raise Unreachable(address, "the answer takes too long") from error
