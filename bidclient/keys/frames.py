"""What the program and a key host say to each other: JSON behind a 4-byte length, over a pair of pipes."""

import sys
from io import RawIOBase
from typing import Literal, NoReturn, TypeVar

import msgspec

from bidclient.crypto.scheme import SignatureScheme, WrapScheme
from bidclient.errors import (
    BadEnvelope,
    BadFormat,
    BidError,
    Cancelled,
    DialectUnknown,
    DriverFailed,
    DriverMissing,
    KeyRefused,
    NoToken,
    PinInvalid,
    PinLocked,
    PinWrong,
    ProbeCostsPin,
    Sm2Missing,
    TokenRemoved,
    TokenSwapped,
)

_LENGTH_SIZE = 4
_LIMIT = 4 * 1024 * 1024
_ROOM = 64 * 1024

Fact = str | int | float | bool | None
KeyUse = Literal["sign", "decrypt"]
Api = Literal["pkcs11", "skf"]


class Hint(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is known of a library before it is loaded; None for what it must be asked.

    `ulong` is the size of the C type ULONG in bytes, `pack` what its structures are packed to, 0 for the
    compiler's own way: both are for SKF, whose headers differ in them.
    """

    api: Api | None = None
    ulong: Literal[4, 8] | None = None
    pack: Literal[0, 1] | None = None


NO_HINT = Hint()


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="op"):
    """A question with its number; the answer carries the same number."""

    number: int = 0

    def __repr__(self) -> str:
        """Without the content, which may be a PIN: a representation ends in logs."""
        return f"{type(self).__name__}({self.number})"


class ListTokens(Request, frozen=True, kw_only=True, tag="list"):
    """Everything to be seen without a PIN."""


class OpenKey(Request, frozen=True, kw_only=True, tag="open"):
    """Log in, after a last look that this certificate (SHA-256) is still on the token of this serial."""

    serial: str
    fingerprint: str
    pin: bytearray


class SignMessage(Request, frozen=True, kw_only=True, tag="sign"):
    """`pin` only for keys that want it every time; empty for a PIN pad."""

    handle: int
    message: bytes
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


class OpenContent(Request, frozen=True, kw_only=True, tag="open-content"):
    """SM4-CBC under a key that is encrypted with SM2 (DER SM2Cipher)."""

    handle: int
    encrypted_key: bytes
    vector: bytes
    ciphertext: bytes
    pin: bytearray | None = None


class CloseKey(Request, frozen=True, kw_only=True, tag="close"):
    """Forget a key; the token is logged out with its last one."""

    handle: int


class Learn(Request, frozen=True, kw_only=True, tag="learn"):
    """Find out how the token uses this key where the standard does not say it; `anew` forgets what is known.

    `pin` only for keys that want it every time: one try for each PIN.
    """

    handle: int
    anew: bool = False
    pin: bytearray | None = None


class Describe(Request, frozen=True, kw_only=True, tag="describe"):
    """Everything that the token of this serial with this certificate (SHA-256) says of itself."""

    serial: str
    fingerprint: str


class Shutdown(Request, frozen=True, kw_only=True, tag="shutdown"):
    """Answered, then the host ends."""


UseKey = SignMessage | Decrypt | Agree | OpenContent
AnyRequest = ListTokens | OpenKey | UseKey | CloseKey | Learn | Describe | Shutdown


class CertificateRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A certificate on a token; `always_authenticate` where the key shows itself without PIN."""

    der: bytes
    label: str
    always_authenticate: bool


class TokenRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A token and what it says of itself and its PIN; `pin_attempts_left` None where it does not tell."""

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
    pin_attempts_left: int | None = None


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="answer"):
    """The answer to the request of the same number."""

    number: int = 0

    def __repr__(self) -> str:
        """Without the content, which may be a secret that was opened."""
        return f"{type(self).__name__}({self.number})"


class Tokens(Answer, frozen=True, kw_only=True, tag="tokens"):
    tokens: tuple[TokenRow, ...]
    api: Api


class Opened(Answer, frozen=True, kw_only=True, tag="opened"):
    """`must_learn`: nobody knows yet how the token uses this key, and a search may take longer than a use."""

    handle: int
    always_authenticate: bool
    must_learn: bool = False


class Result(Answer, frozen=True, kw_only=True, tag="result"):
    data: bytes


class TryRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One try of a search; `reason` says why it did not work, empty when it did."""

    use: KeyUse
    mechanism: int
    form: str
    seconds: float
    reason: str


class WayRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a key is used; `remembered` from an earlier search and not yet proven again."""

    use: KeyUse
    mechanism: int
    form: str
    remembered: bool


class Learned(Answer, frozen=True, kw_only=True, tag="learned"):
    """What was tried now, the ways that are known, and how many tries are `left` for the other uses."""

    tried: tuple[TryRow, ...] = ()
    ways: tuple[WayRow, ...] = ()
    left: int = 0


class MechanismRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A mechanism by CKM_ number, its name if the standard has one, and its CKF_ flags."""

    number: int
    name: str
    flags: int


class Description(Answer, frozen=True, kw_only=True, tag="description"):
    """A library and a token in their own words; `layout` of C structures where libraries differ in it."""

    api: Api
    library: str
    manufacturer: str
    model: str
    firmware: str
    mechanisms: tuple[MechanismRow, ...]
    layout: str = ""


class Done(Answer, frozen=True, kw_only=True, tag="done"):
    pass


class Failed(Answer, frozen=True, kw_only=True, tag="failed"):
    """An error by class name, with its data."""

    error: str
    facts: dict[str, Fact]


AnyAnswer = Tokens | Opened | Result | Learned | Description | Done | Failed

_ERRORS: dict[str, type[BidError]] = {
    kind.__name__: kind
    for kind in (
        BadEnvelope,
        Cancelled,
        DialectUnknown,
        DriverFailed,
        DriverMissing,
        KeyRefused,
        NoToken,
        PinInvalid,
        PinLocked,
        PinWrong,
        ProbeCostsPin,
        Sm2Missing,
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
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
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
