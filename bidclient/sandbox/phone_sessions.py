"""The sessions of the sandbox's phone authority: each is asked for once, decided once, and then over.

They live in memory: a restart of the authority ends them, as it does in life.
"""

import hmac
import secrets
import threading
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256

from bidclient.crypto.certificate import Certificate
from bidclient.crypto.phone import bound_digest, link_check, verification_code
from bidclient.crypto.private_key import SignatureScheme
from bidclient.crypto.signature_algorithms import fits
from bidclient.keys.phone_wire import OPEN_STATES, NewSession, SessionState, State
from bidclient.network.clock import ticks
from bidclient.sandbox.phone_wallet import HOME_PROVINCE, Identity, Wallet
from bidclient.sandbox.problems import Refusal

SESSION_SECONDS = 180
LINK_SECONDS = 30
CODES = 3
"""Verification codes to choose from on the phone: whoever does not compare is found out."""
_SKEW_SECONDS = 2
_MOST_SESSIONS = 1000
_MOST_OPEN = 100
"""Sessions that one client may have open, so that none uses up what is there for all."""
_RETRY_SECONDS = 5
_DIGEST_BYTES = 32


@dataclass
class PhoneSession:
    """One request of a program, with what the phone has made of it."""

    id: str
    token: str
    secret: str
    request: NewSession
    items: tuple[bytes, ...]
    client: str
    """The address that asked for it."""
    opened_at: float
    """Ticks."""
    state: State = "CREATED"
    device: str = ""
    identity: Identity | None = None
    codes: tuple[str, ...] = ()
    result: SessionState | None = None
    ready_at: float = 0.0
    """When the result may be seen, in ticks."""
    ended_at: float = field(default=float("inf"))

    @property
    def bound(self) -> bytes:
        """What is approved."""
        asked = self.request
        return bound_digest(asked.operation, self.items, _bytes(asked.return_point or ""), asked.display)

    @property
    def code(self) -> str:
        """The verification code that is right."""
        return verification_code(self.token, self.bound)

    @property
    def is_open(self) -> bool:
        """Whether the phone may still decide."""
        return self.state in OPEN_STATES


class PhoneSessions:
    """All sessions; safe to use from several threads."""

    def __init__(self, wallet: Wallet, clock: Callable[[], float] = ticks) -> None:
        """`clock` gives the seconds by which sessions and links grow old."""
        self.wallet = wallet
        self._ticks = clock
        self._news = threading.Condition()
        self._sessions: dict[str, PhoneSession] = {}

    def open(self, request: NewSession, client: str = "") -> PhoneSession:
        """A new session. Raises Refusal: for a request that contradicts itself, an unknown certificate, as
        long as the phone has not decided another session for the same certificate that it has scanned, and
        while there are too many, of all or of this `client`.

        Sessions that nobody has scanned live side by side: anybody may ask, only the phone's scan chooses.
        """
        items = _items(request, self._meant(request))
        with self._news:
            self._tidy()
            busy = [one for one in self._sessions.values() if one.state == "SCANNED" and request.certificate]
            if any(one.request.certificate == request.certificate for one in busy):
                raise Refusal("in-progress", "the phone has yet to decide a request for this certificate")
            theirs = [one for one in self._sessions.values() if one.is_open and one.client == client]
            if len(self._sessions) >= _MOST_SESSIONS or len(theirs) >= _MOST_OPEN:
                later = {"Retry-After": str(_RETRY_SECONDS)}
                raise Refusal("rate-limited", retry_after=_RETRY_SECONDS, headers=later)
            session = PhoneSession(
                secrets.token_hex(16),
                secrets.token_urlsafe(16),
                secrets.token_urlsafe(32),
                request,
                items,
                client,
                self._ticks(),
            )
            self._sessions[session.id] = session
            return session

    def state(self, session: str, secret: str, seen: str, wait: float) -> SessionState:
        """What the asker may know of its session, waiting up to `wait` seconds for another state than `seen`.

        Raises Refusal.
        """
        end = ticks() + wait
        with self._news:
            while True:
                self._tidy()
                found = self._own(session, secret)
                shown = self._shown(found)
                left = end - ticks()
                if shown.state != seen or left <= 0:
                    return shown
                # A slow result becomes visible without anybody ringing.
                self._news.wait(min(left, 0.2))

    def close(self, session: str, secret: str) -> None:
        """The asker needs it no more: what is open is cancelled, what is finished wiped. Raises Refusal."""
        with self._news:
            found = self._own(session, secret)
            if found.is_open or found.ready_at > self._ticks():
                self._end(found, SessionState("CANCELLED"))
            found.result = SessionState(found.state)

    @contextmanager
    def scanned(
        self, token: str, elapsed: int, check: str, device: str, identity: Identity
    ) -> Iterator[PhoneSession]:
        """The session behind a link, taken by one device for one identity; to be looked at inside the block.

        Whoever is not acceptable ends it. The same device may ask again, another may not. Raises Refusal.
        """
        with self._news:
            self._tidy()
            found = self._behind(token)
            wanted = link_check(found.secret, token, elapsed, found.bound)
            if not hmac.compare_digest(wanted.encode(), check.encode()):
                raise Refusal("not-found", "the link is damaged, or made for something else")
            if found.state == "SCANNED" and hmac.compare_digest(found.device.encode(), device.encode()):
                yield found
                return
            if found.state != "CREATED":
                raise Refusal("gone", "the link has been used")
            age = self._ticks() - found.opened_at - elapsed
            if not -_SKEW_SECONDS <= age <= LINK_SECONDS:
                raise Refusal("gone", "the link is too old")
            self._take(found, device, identity)
            yield found

    @contextmanager
    def decided(self, token: str, device: str) -> Iterator[PhoneSession]:
        """The session that a device has taken, to be ended inside the block by `end`. Raises Refusal."""
        with self._news:
            self._tidy()
            found = self._behind(token)
            if not found.device or not hmac.compare_digest(found.device.encode(), device.encode()):
                raise Refusal("not-yours")
            yield found

    def end(self, session: PhoneSession, result: SessionState, delay: float = 0.0) -> None:
        """Give a session its result, to be seen after `delay` seconds; inside `scanned` or `decided`."""
        self._end(session, result)
        session.ready_at = self._ticks() + delay

    def seconds_left(self, session: PhoneSession) -> int:
        """Until the session expires; 0 when it is over."""
        return max(0, int(session.opened_at + SESSION_SECONDS - self._ticks())) if session.is_open else 0

    # ------------------------------------------------------------------------------------------ within

    def _take(self, session: PhoneSession, device: str, identity: Identity) -> None:
        session.device, session.identity = device, identity
        if identity.kind != "enterprise":
            self._end(session, SessionState("PERSONAL_CERTIFICATE"))
            return
        if identity.province != HOME_PROVINCE:
            self._end(session, SessionState("OTHER_PROVINCE", province=identity.province))
            return
        wanted = session.request.certificate
        if wanted is not None and self.wallet.key(identity, wanted) is None:
            session.device, session.identity = "", None
            raise Refusal("cert-not-bound", "the request is for another certificate")
        others = {session.code}
        while len(others) < CODES:
            others.add(f"{secrets.randbelow(10_000):04d}")
        session.codes = tuple(sorted(others))
        session.state = "SCANNED"
        self._news.notify_all()

    def _end(self, session: PhoneSession, result: SessionState) -> None:
        session.state, session.result, session.ended_at = result.state, result, self._ticks()
        self._news.notify_all()

    def _shown(self, session: PhoneSession) -> SessionState:
        if session.ready_at > self._ticks():
            return SessionState("SCANNED")
        return session.result or SessionState(session.state)

    def _own(self, session: str, secret: str) -> PhoneSession:
        found = self._sessions.get(session)
        if found is None:
            raise Refusal("not-found", "session")
        if not hmac.compare_digest(found.secret.encode(), secret.encode()):
            raise Refusal("unauthorized", headers={"WWW-Authenticate": "Bearer"})
        return found

    def _behind(self, token: str) -> PhoneSession:
        for session in self._sessions.values():
            if hmac.compare_digest(session.token.encode(), token.encode()):
                return session
        raise Refusal("not-found", "session")

    def _tidy(self) -> None:
        """End what nobody has decided in time, and forget what is long over."""
        now = self._ticks()
        for session in list(self._sessions.values()):
            if session.is_open and now - session.opened_at > SESSION_SECONDS:
                self._end(session, SessionState("EXPIRED"))
            if now - session.ended_at > SESSION_SECONDS:
                del self._sessions[session.id]

    def _meant(self, request: NewSession) -> Certificate | None:
        if request.certificate is None:
            return None
        found = self.wallet.issued(request.certificate)
        if found is None:
            raise Refusal("cert-unknown", request.certificate)
        return found


def _items(request: NewSession, certificate: Certificate | None) -> tuple[bytes, ...]:
    """What a request is about, as both screens' code is derived from it. Raises Refusal."""
    fields = (
        certificate is not None,
        bool(request.digests and request.scheme),
        bool(request.encrypted_keys and request.return_point),
    )
    wanted = {"login": (False, False, False), "sign": (True, True, False), "unwrap": (True, False, True)}
    _bytes(request.return_point or "")
    if fields != wanted[request.operation]:
        raise Refusal("bad-request", f"fields that do not make a {request.operation}")
    if request.operation == "sign" and certificate is not None:
        scheme = SignatureScheme(request.scheme or "")
        digests = tuple(_bytes(one.value) for one in request.digests)
        kind = "sm3" if scheme is SignatureScheme.SM2_SM3 else "sha256"
        right = all(one.algorithm == kind for one in request.digests)
        if not (right and fits(certificate, scheme) and all(len(one) == _DIGEST_BYTES for one in digests)):
            raise Refusal("bad-request", "digests or scheme do not fit the certificate")
        return digests
    if request.operation == "unwrap":
        return tuple(sha256(_bytes(one.value)).digest() for one in request.encrypted_keys)
    return (sha256(_bytes(request.nonce)).digest(),)


def _bytes(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except (Base64Error, ValueError) as error:
        raise Refusal("bad-request", "not base64") from error
