"""One request to the company's phone, from the QR code to its end; however that comes, it is closed there."""

import logging
import time
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol, TypeVar
from urllib.parse import quote

import msgspec

from bidclient.ask import Ask, PhoneRequest
from bidclient.crypto.phone import bound_digest, phone_link, verification_code
from bidclient.errors import (
    BadFormat,
    Cancelled,
    KeyProblem,
    NetworkProblem,
    OtherProvince,
    PersonalCertificate,
    PhoneBusy,
    PhoneCancelled,
    PhoneCertificateRevoked,
    PhoneCodeWrong,
    PhoneExpired,
    PhoneRefused,
    Rejected,
)
from bidclient.keys.phone_wire import (
    OPEN_STATES,
    SESSIONS,
    NewSession,
    OpenedSession,
    SessionState,
)

WAIT_SECONDS = 2
"""How long the authority may keep us waiting for news: as long as a cancellation may take to be seen."""
_PACE_SECONDS = 0.2
"""At least that long from one question to the next, should an authority not keep us waiting."""
_GRACE_SECONDS = 5
_WHAT = "phone authority's reply"
_LOG = logging.getLogger(__name__)
_T = TypeVar("_T")


class PhoneLine(Protocol):
    """The way to a phone authority, handed in by the desk: keys speak no HTTP themselves."""

    @property
    def name(self) -> str:
        """The host of the authority, for people."""

    def send(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        secret: str = "",
        parameters: dict[str, str | int] | None = None,
    ) -> bytes:
        """The body of the reply. `secret` is the session's. Raises NetworkProblem, BadFormat."""


@dataclass(frozen=True)
class Phone:
    """A phone authority, steady seconds from any start to count the time by, and a way to let some pass."""

    line: PhoneLine
    ticks: Callable[[], float]
    pause: Callable[[float], object] = time.sleep

    def ask(
        self, request: NewSession, items: Sequence[bytes], summary: str, ask: Ask
    ) -> tuple[str, SessionState]:
        """Have the person at the phone approve `request`, which is about `items`; the session and its result.

        `ask.on_phone` is called again every WAIT_SECONDS, with a fresh link. However this ends, the session
        ends at the authority too. Raises PhoneRefused, PhoneExpired, PhoneCodeWrong, PersonalCertificate,
        OtherProvince, PhoneCertificateRevoked, PhoneCancelled, PhoneBusy, Cancelled, NetworkProblem,
        BadFormat.
        """
        opened = self._opened(request)
        try:
            end = self._followed(opened, request, items, summary, ask)
        finally:
            self._close(opened)
        if end.state != "COMPLETED":
            raise _problem(end, opened, request)
        return opened.id, end

    def _opened(self, request: NewSession) -> OpenedSession:
        try:
            body = self.line.send("POST", SESSIONS, msgspec.json.encode(request))
        except Rejected as error:
            if error.problem == "in-progress":
                raise PhoneBusy from error
            raise
        return _decoded(body, OpenedSession)

    def _followed(
        self, opened: OpenedSession, request: NewSession, items: Sequence[bytes], summary: str, ask: Ask
    ) -> SessionState:
        """Show the link, anew each time that we have waited, until the phone has decided."""
        start = self.ticks()
        operation = request.operation
        bound = bound_digest(operation, items, plain_bytes(request.return_point or ""), request.display)
        code = verification_code(opened.token, bound)
        seen = SessionState("CREATED")
        while seen.state in OPEN_STATES:
            passed = self.ticks() - start
            if passed > opened.expires_in + _GRACE_SECONDS:
                raise PhoneExpired(opened.expires_in)
            link = phone_link(opened.link_base, opened.token, opened.secret, int(passed), bound)
            left = max(0.0, opened.expires_in - passed)
            scanned = seen.state == "SCANNED"
            ask.on_phone(PhoneRequest(link, code, left, summary, operation, len(items), scanned))
            if ask.cancelled():
                raise Cancelled
            asked = self.ticks()
            news = self.line.send(
                "GET",
                _path(opened),
                secret=opened.secret,
                parameters={"wait": WAIT_SECONDS, "seen": seen.state},
            )
            seen = _decoded(news, SessionState)
            early = _PACE_SECONDS - (self.ticks() - asked)
            if seen.state in OPEN_STATES and early > 0:
                self.pause(early)
        return seen

    def _close(self, opened: OpenedSession) -> None:
        """End the session there: nobody may approve it later, and a finished one need not be kept."""
        try:
            self.line.send("DELETE", _path(opened), secret=opened.secret)
        except (NetworkProblem, BadFormat) as error:
            # Neither may cost the signatures that the person has just approved.
            _LOG.warning("a request to the phone could not be ended: %s", error.code)


def plain_bytes(text: str) -> bytes:
    """The bytes of base64 text in a reply. Raises BadFormat."""
    with suppress(Base64Error, ValueError):
        return b64decode(text, validate=True)
    raise BadFormat(_WHAT, "not base64")


def base64_text(data: bytes) -> str:
    """Standard base64 text."""
    return b64encode(data).decode("ascii")


def _path(opened: OpenedSession) -> str:
    return f"{SESSIONS}/{quote(opened.id, safe='')}"


def _decoded(body: bytes, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadFormat(_WHAT, str(error)) from error


def _problem(end: SessionState, opened: OpenedSession, request: NewSession) -> KeyProblem:
    match end.state:
        case "REFUSED":
            return PhoneRefused()
        case "EXPIRED":
            return PhoneExpired(opened.expires_in)
        case "WRONG_CODE":
            return PhoneCodeWrong()
        case "PERSONAL_CERTIFICATE":
            return PersonalCertificate()
        case "OTHER_PROVINCE":
            return OtherProvince(end.province)
        case "REVOKED":
            return PhoneCertificateRevoked((request.certificate or "")[:16])
        case _:
            return PhoneCancelled()
