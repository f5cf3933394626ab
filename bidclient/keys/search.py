"""The search for the way in which a token uses a key: question after question until an answer is right."""

from collections.abc import Callable, Sequence
from time import monotonic
from typing import Generic, TypeVar

from bidclient.errors import BadEnvelope, DriverFailed, KeyRefused, TokenRemoved
from bidclient.keys.dialect import OpeningWay, SigningWay
from bidclient.keys.frames import KeyUse, TryRow, WayRow

FAILURES = (KeyRefused, BadEnvelope, DriverFailed, TokenRemoved)
"""What a token may answer to a mechanism that it means otherwise; one that is really gone is told apart."""

Way = TypeVar("Way", SigningWay, OpeningWay)


class Search(Generic[Way]):
    """The search for one use. A question is one operation of the token, whose result can be read in ways."""

    def __init__(
        self,
        use: KeyUse,
        candidates: Sequence[Way],
        trial: Callable[[Sequence[Way], bytearray | None], Way],
        find: Callable[[], None],
        remembered: Way | None,
    ) -> None:
        self.use: KeyUse = use
        self.way: Way | None = remembered
        self.proven = False
        """Whether the way has worked since the key was opened; else it is only remembered."""
        self._trial: Callable[[Sequence[Way], bytearray | None], Way] = trial
        self._find = find
        self._questions: dict[tuple[int, str], list[Way]] = {}
        for way in candidates:
            self._questions.setdefault((way.mechanism, way.takes), []).append(way)
        self._left: list[list[Way]] = list(self._questions.values())

    @property
    def left(self) -> int:
        """How many questions were not asked yet."""
        return len(self._left)

    @property
    def next_question(self) -> Sequence[Way]:
        """The ways that the next question would tell apart."""
        return self._left[0]

    @property
    def row(self) -> WayRow | None:
        """The way as it is shown."""
        if self.way is None:
            return None
        return WayRow(
            use=self.use, mechanism=self.way.mechanism, form=self.way.form, remembered=not self.proven
        )

    def restart(self) -> None:
        """Forget the way and ask everything again."""
        self.way, self.proven = None, False
        self._left = list(self._questions.values())

    def run(self, pin: bytearray | None) -> list[TryRow]:
        """Ask until a way is found, or with a `pin` until that is spent. Raises TokenRemoved, PinWrong."""
        tried = []
        while self._left and self.way is None:
            row, reached = self._asked(self._left[0], pin)
            del self._left[0]
            tried.append(row)
            if pin is not None and reached:
                break
        return tried

    def _asked(self, ways: Sequence[Way], pin: bytearray | None) -> tuple[TryRow, bool]:
        """The row of one question, and whether it came to the operation itself, where a PIN is spent."""
        form: str = ways[0].takes
        start, reason, reached = monotonic(), "", True
        try:
            self.way = self._trial(ways, pin)
            self.proven, form = True, self.way.form
        except FAILURES as error:
            self._find()
            reason = ": ".join(map(str, error.facts.values()))
            reached = not getattr(error, "operation", "").endswith("Init")
        row = TryRow(
            use=self.use, mechanism=ways[0].mechanism, form=form, seconds=monotonic() - start, reason=reason
        )
        return row, reached
