"""The person in front of the program, as a protocol of four methods, and progress as a plain callable."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from bidclient.errors import Cancelled


@dataclass(frozen=True)
class PinState:
    """What the token says about its PIN before one is typed."""

    wrong_before: bool = False
    last_try: bool = False
    attempts_left: int | None = None
    pin_pad: bool = False
    shortest: int = 1
    longest: int = 255


@dataclass(frozen=True)
class PhoneRequest:
    """A request that waits on the company's phone: what the QR code carries and what both screens show."""

    address: str
    verification_code: str
    expires_in: float
    """Seconds."""
    summary: str
    """Whose certificate is meant, or which authority asks."""
    operation: Literal["login", "sign", "unwrap"] = "sign"
    items: int = 1
    """How many things are approved at once."""
    scanned: bool = False
    """Whether the phone has read the code: now it is for the person there to decide."""


class Ask(Protocol):
    """Implemented by the terminal, the window and, for scripts, by nobody at all."""

    def pin(self, label: str, state: PinState) -> bytes:
        """The PIN as bytes; empty for a PIN pad. Raises Cancelled."""

    def on_phone(self, request: PhoneRequest) -> None:
        """Show the QR code and the verification code; returns at once.

        Asked again every few seconds, with a fresh address and what is left of the time.
        """

    def confirm(self, question: str) -> bool:
        """Yes or no to one sentence."""

    def cancelled(self) -> bool:
        """Whether the person wants the running work to stop."""


Progress = Callable[[str, int, int], None]
"""progress(step, done, total) in bytes, or items; `total` 0 when unknown."""


def silent(_step: str, _done: int, _total: int) -> None:
    """The progress of nobody looking."""


class Nobody:
    """An Ask with no person behind it: questions are answered no, a PIN is the one handed in, if any."""

    def __init__(self, pin: bytes | None = None) -> None:
        self._pin = pin

    def pin(self, label: str, state: PinState) -> bytes:
        """The PIN given at construction. Raises Cancelled when none was."""
        if self._pin is None:
            raise Cancelled
        return self._pin

    def on_phone(self, request: PhoneRequest) -> None:
        """Nobody holds the phone. Raises Cancelled."""
        raise Cancelled

    def confirm(self, question: str) -> bool:
        """Nobody agrees."""
        return False

    def cancelled(self) -> bool:
        """Nobody stops the work."""
        return False
