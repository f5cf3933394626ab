"""What the program and a key host say to each other: JSON behind a 4-byte length, over a pair of pipes."""

import sys
from io import RawIOBase
from typing import Literal, NoReturn, TypeVar

import msgspec

from bidclient.crypto.private_key import SignatureScheme, WrapScheme
from bidclient.errors import (
    BadEnvelope,
    BadFormat,
    BidError,
    Cancelled,
    DriverFailed,
    DriverMissing,
    KeyRefused,
    NoToken,
    PinInvalid,
    PinLocked,
    PinWrong,
    TokenRemoved,
    TokenSwapped,
)

_LENGTH_SIZE = 4
_LIMIT = 4 * 1024 * 1024
_ROOM = 64 * 1024

Fact = str | int | float | bool | None


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="op"):
    """A question with its number; the answer carries the same number."""

    number: int = 0


class ListTokens(Request, frozen=True, kw_only=True, tag="list"):
    """Everything to be seen without a PIN."""


class OpenKey(Request, frozen=True, kw_only=True, tag="open"):
    """Log in, after a last look that this certificate (SHA-256) is still on the token of this serial."""

    serial: str
    fingerprint: str
    pin: bytearray


class SignDigest(Request, frozen=True, kw_only=True, tag="sign"):
    """`pin` only for keys that want it every time; empty for a PIN pad."""

    handle: int
    digest: bytes
    scheme: SignatureScheme
    pin: bytearray | None = None


class Decrypt(Request, frozen=True, kw_only=True, tag="decrypt"):
    handle: int
    ciphertext: bytes
    scheme: WrapScheme
    pin: bytearray | None = None


class Agree(Request, frozen=True, kw_only=True, tag="agree"):
    """ECDH with the uncompressed `point` of the other side."""

    handle: int
    point: bytes


class CloseKey(Request, frozen=True, kw_only=True, tag="close"):
    """Forget a key; the token is logged out with its last one."""

    handle: int


class ListMechanisms(Request, frozen=True, kw_only=True, tag="mechanisms"):
    serial: str


class Shutdown(Request, frozen=True, kw_only=True, tag="shutdown"):
    """Answered, then the host ends."""


AnyRequest = ListTokens | OpenKey | SignDigest | Decrypt | Agree | CloseKey | ListMechanisms | Shutdown


class CertificateRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A certificate on a token; `always_authenticate` where the key shows itself without PIN."""

    der: bytes
    label: str
    always_authenticate: bool


class TokenRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A token and what it says of itself and its PIN."""

    serial: str
    label: str
    pin_wrong_before: bool
    pin_last_try: bool
    pin_locked: bool
    pin_must_change: bool
    pin_pad: bool
    pin_shortest: int
    pin_longest: int
    certificates: tuple[CertificateRow, ...]


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="answer"):
    """The answer to the request of the same number."""

    number: int = 0


class Tokens(Answer, frozen=True, kw_only=True, tag="tokens"):
    tokens: tuple[TokenRow, ...]


class Opened(Answer, frozen=True, kw_only=True, tag="opened"):
    handle: int
    always_authenticate: bool


class Result(Answer, frozen=True, kw_only=True, tag="result"):
    data: bytes


class Mechanisms(Answer, frozen=True, kw_only=True, tag="mechanisms"):
    numbers: tuple[int, ...]


class Done(Answer, frozen=True, kw_only=True, tag="done"):
    pass


class Failed(Answer, frozen=True, kw_only=True, tag="failed"):
    """An error by class name, with its data."""

    error: str
    facts: dict[str, Fact]


AnyAnswer = Tokens | Opened | Result | Mechanisms | Done | Failed

_ERRORS: dict[str, type[BidError]] = {
    kind.__name__: kind
    for kind in (
        BadEnvelope,
        Cancelled,
        DriverFailed,
        DriverMissing,
        KeyRefused,
        NoToken,
        PinInvalid,
        PinLocked,
        PinWrong,
        TokenRemoved,
        TokenSwapped,
    )
}


def child_command(part: Literal["host", "provision"], *arguments: str) -> list[str]:
    """The command that starts bidclient.keys.`part` as a process, from Python or from a frozen program."""
    if getattr(sys, "frozen", False):
        return [sys.executable, f"key-{part}", *arguments]
    # -P: what lies in the current folder, perhaps a bid of a stranger, is not a place to import from.
    return [sys.executable, "-P", "-m", f"bidclient.keys.{part}", *arguments]


def failed(error: BidError) -> Failed:
    """An error in the form that crosses the pipe."""
    facts = {
        name: value for name, value in error.facts.items() if isinstance(value, str | int | float | None)
    }
    return Failed(error=type(error).__name__, facts=facts)


def raise_failed(answer: Failed) -> NoReturn:
    """Raise again what the host reported; a report that makes no sense is a DriverFailed."""
    kind = _ERRORS.get(answer.error)
    if kind is None:
        raise DriverFailed("answer", answer.error)
    try:
        error = kind(**answer.facts)
    except TypeError as problem:
        raise DriverFailed("answer", answer.error) from problem
    raise error


def numbered(answer: AnyAnswer, number: int) -> AnyAnswer:
    """The answer with the number of its request."""
    return msgspec.structs.replace(answer, number=number)


def write_frame(stream: RawIOBase, message: AnyRequest | AnyAnswer) -> None:
    """Send one message. The buffer is wiped afterwards: it may have held a PIN. Raises OSError."""
    buffer = bytearray(_ROOM)
    msgspec.json.Encoder().encode_into(message, buffer, _LENGTH_SIZE)
    buffer[:_LENGTH_SIZE] = (len(buffer) - _LENGTH_SIZE).to_bytes(_LENGTH_SIZE, "big")
    try:
        sent = 0
        while sent < len(buffer):
            sent += stream.write(memoryview(buffer)[sent:]) or 0
    finally:
        wipe(buffer)


def read_request(stream: RawIOBase) -> AnyRequest | None:
    """The next request, None at the end of the stream. Raises BadFormat."""
    return _read(stream, _REQUESTS)


def read_answer(stream: RawIOBase) -> AnyAnswer | None:
    """The next answer, None at the end of the stream. Raises BadFormat."""
    return _read(stream, _ANSWERS)


def wipe(secret: bytearray) -> None:
    """Overwrite a secret in place."""
    for index in range(len(secret)):
        secret[index] = 0


_Message = TypeVar("_Message", AnyRequest, AnyAnswer)
_REQUESTS: msgspec.json.Decoder[AnyRequest] = msgspec.json.Decoder(AnyRequest)
_ANSWERS: msgspec.json.Decoder[AnyAnswer] = msgspec.json.Decoder(AnyAnswer)


def _read(stream: RawIOBase, decoder: msgspec.json.Decoder[_Message]) -> _Message | None:
    length = _exactly(stream, _LENGTH_SIZE)
    if length is None:
        return None
    size = int.from_bytes(length, "big")
    if size > _LIMIT:
        raise BadFormat("frame", f"{size} bytes, at most {_LIMIT} allowed")
    body = _exactly(stream, size)
    if body is None:
        return None
    try:
        return decoder.decode(body)
    except msgspec.DecodeError as error:
        # The text of the error is not passed on: it may quote what it could not read.
        raise BadFormat("frame", type(error).__name__) from None
    finally:
        wipe(body)


def _exactly(stream: RawIOBase, size: int) -> bytearray | None:
    buffer = bytearray(size)
    filled = 0
    with memoryview(buffer) as view:
        while filled < size:
            count = stream.readinto(view[filled:])
            if not count:
                return None
            filled += count
    return buffer
