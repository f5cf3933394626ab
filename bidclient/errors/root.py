"""The root of the error tree, which turns annotations into constructor arguments and facts."""

from dataclasses import dataclass
from threading import Lock
from typing import ClassVar, Self, dataclass_transform

_WRITING = Lock()
"""Two threads may meet the first error of a class together: neither may see a constructor half made."""


@dataclass_transform(eq_default=False, kw_only_default=False)
class BidError(Exception):
    """The root. Never raised itself."""

    code: ClassVar[str] = "E-BID"
    exit_code: ClassVar[int] = 1
    retryable: ClassVar[bool] = False

    def __new__(cls, *arguments: object, **_named: object) -> Self:
        """The error; the constructors of its class are written when it is the first of that class.

        Few errors ever happen, and to write all constructors at once is a good part of the program's start.
        """
        above = cls.__mro__.index(BidError)
        with _WRITING:
            for kind in reversed(cls.__mro__[:above]):
                if "__dataclass_fields__" not in vars(kind):
                    dataclass(eq=False, repr=False)(kind)
        return super().__new__(cls, *arguments)

    @property
    def facts(self) -> dict[str, object]:
        """The data of this error by name, for the screen, the log and --json."""
        return {name: getattr(self, name) for name in getattr(type(self), "__dataclass_fields__", {})}

    def __str__(self) -> str:
        return " ".join([self.code, *(f"{name}={value}" for name, value in self.facts.items())])


class Cancelled(BidError):
    """The person said no, or closed the question."""

    code = "E-CANCELLED"


class NobodyToAsk(Cancelled):
    """A PIN is wanted, none was handed in, and there is no terminal at which a person could type it."""

    code = "E-NO-TERMINAL"
    key: str
