"""From an HTTP request to a call of ours and back: bodies, sessions, idempotency, refusals."""

import asyncio
import hashlib
import secrets
import threading
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from bidclient.formats.instant import instant_text
from bidclient.network.wire import StatementRequest
from bidclient.sandbox.clock import machine_time
from bidclient.sandbox.problems import Refusal
from bidclient.sandbox.world import World

BODY_LIMIT = 256 * 1024
DRAIN_BYTES = 16 * 1024 * 1024
DRAIN_SECONDS = 3.0
CUT = "bidclient.cut"
"""The extension of the ASGI scope that cuts the line without an answer."""
BODY_SECONDS = 30.0
_KEY_LIMIT = 200
_REPLY_SECONDS = 72 * 3600
"""How long the reply to a keyed request is kept; bidnet/1 promises 48 hours."""
_T = TypeVar("_T")


class Organization(msgspec.Struct, frozen=True):
    """Who is logged in."""

    uscc: str
    name: str


NOBODY = Organization("", "")


@dataclass(frozen=True)
class Call:
    """One request, read whole; `arrived` is the network's time when its last byte was there."""

    world: World
    request: Request
    organization: Organization
    arrived: datetime
    body: bytes = b""

    def step(self, name: str) -> str:
        """A variable step of the path."""
        return str(self.request.path_params[name])

    def json(self, kind: type[_T]) -> _T:
        """The body as `kind`. Raises Refusal."""
        return decoded(self.request, self.body, kind)

    def statement(self) -> bytes:
        """The CMS bytes in a StatementRequest. Raises Refusal."""
        return plain_bytes(self.json(StatementRequest).statement)


@dataclass(frozen=True)
class Action:
    """What one method of one address does.

    `keyed` requires an Idempotency-Key; the answer of what `commits` may be lost by drop-after-commit; what
    is `timed` is let through before the host locks the bids.
    """

    run: Callable[[Call], Response]
    public: bool = False
    keyed: bool = False
    commits: bool = False
    timed: bool = False
    limit: int = BODY_LIMIT


Streaming = Callable[[Call], Awaitable[Response]]


@dataclass
class Desk:
    """What the requests that are being served share."""

    world: World
    busy: set[tuple[str, str]] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)


def resource(path: str, **methods: Action | Streaming) -> Route:
    """The route of one address with all its methods; others get 405 with Allow."""

    async def endpoint(request: Request) -> Response:
        action = methods[request.method]
        try:
            if isinstance(action, Action):
                return await _answer(request, action)
            return await _stream(request, action)
        except Refusal:
            await drain(request)
            raise

    endpoint.__name__ = path
    return Route(path, endpoint, methods=list(methods), include_in_schema=False)


def reply(value: object, status: int = 200, location: str = "") -> Response:
    """A JSON reply that no cache keeps."""
    headers = {"Cache-Control": "no-store"} | ({"Location": location} if location else {})
    return Response(msgspec.json.encode(value), status, headers, "application/json")


def decoded(request: Request, body: bytes, kind: type[_T]) -> _T:
    """A JSON body as `kind`; unknown fields are refused. Raises Refusal."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise Refusal("unsupported-media-type", "application/json is expected")
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refusal("bad-request", str(error)) from error


def plain_bytes(text: str) -> bytes:
    """The bytes of standard base64 text. Raises Refusal."""
    try:
        return b64decode(text, validate=True)
    except (Base64Error, ValueError) as error:
        raise Refusal("bad-request", "not base64") from error


def whole_number(text: str | None, what: str, default: int, largest: int, smallest: int = 0) -> int:
    """A query parameter that counts from `smallest` to `largest`. Raises Refusal."""
    if text is None:
        return default
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else -1
    if not smallest <= number <= largest:
        raise Refusal("bad-request", f"{what}: a number from {smallest} to {largest} is expected")
    return number


def authenticate(request: Request, world: World) -> Organization:
    """Who sent the request. Raises Refusal with WWW-Authenticate."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    found = None
    if scheme.lower() == "bearer":
        found = world.database.row(
            Organization,
            "SELECT uscc, name FROM sessions WHERE token_sha256 = ? AND expires > ?",
            hashlib.sha256(token.strip().encode("utf-8", "replace")).hexdigest(),
            instant_text(machine_time()),
        )
    if found is None:
        raise Refusal("unauthorized", headers={"WWW-Authenticate": "Bearer"})
    return found


async def drain(request: Request) -> None:
    """Read on a little, so that a client that is still sending gets to see our answer."""
    seen = 0
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            async for piece in request.stream():
                seen += len(piece)
                if seen > DRAIN_BYTES:
                    return
    except (TimeoutError, ClientDisconnect, RuntimeError):
        return


async def _answer(request: Request, action: Action) -> Response:
    world: World = request.app.state.desk.world
    organization = NOBODY
    if not action.public:
        organization = await run_in_threadpool(authenticate, request, world)
    body = await _body(request, action.limit)
    with world.arrivals.one() if action.timed else nullcontext():
        call = Call(world, request, organization, world.now(), body)
        if action.keyed:
            response = await run_in_threadpool(_once, request.app.state.desk, action, call)
        else:
            response = await run_in_threadpool(action.run, call)
    if action.commits and response.status_code < 300 and world.faults.strike("drop-after-commit"):
        cut(request)
    return response


async def _stream(request: Request, action: Streaming) -> Response:
    world: World = request.app.state.desk.world
    organization = await run_in_threadpool(authenticate, request, world)
    return await action(Call(world, request, organization, world.now()))


async def _body(request: Request, limit: int) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for piece in request.stream():
                body += piece
                if len(body) > limit:
                    raise Refusal("payload-too-large", f"at most {limit} bytes")
    except TimeoutError as error:
        raise Refusal("bad-request", "the body did not arrive") from error
    except ClientDisconnect as error:
        raise Refusal("bad-request", "the connection ended") from error
    return bytes(body)


class _Kept(msgspec.Struct, frozen=True):
    """The reply that an Idempotency-Key stands for."""

    request_sha256: str
    status: int
    location: str
    body: bytes


def _once(desk: Desk, action: Action, call: Call) -> Response:
    """Serve a keyed request: the same key with the same request gets the reply that it got before."""
    key = call.request.headers.get("idempotency-key", "")
    if not 1 <= len(key) <= _KEY_LIMIT:
        raise Refusal("idempotency-key-missing")
    mark = (call.organization.uscc, key)
    with desk.lock:
        if mark in desk.busy:
            raise Refusal("in-progress", retry_after=1, headers={"Retry-After": "1"})
        desk.busy.add(mark)
    try:
        return _kept_or_new(desk.world, action, call, mark)
    finally:
        with desk.lock:
            desk.busy.discard(mark)


def _kept_or_new(world: World, action: Action, call: Call, mark: tuple[str, str]) -> Response:
    about = f"{call.request.method} {call.request.url.path}\n".encode()
    request_sha256 = hashlib.sha256(about + call.body).hexdigest()
    kept = world.database.row(
        _Kept, "SELECT request_sha256, status, location, body FROM replies WHERE uscc = ? AND key = ?", *mark
    )
    if kept is not None:
        if kept.request_sha256 != request_sha256:
            raise Refusal("idempotency-key-reused")
        headers = {"Idempotency-Replayed": "true", "Cache-Control": "no-store"}
        if kept.location:
            headers["Location"] = kept.location
        return Response(kept.body, kept.status, headers, "application/json")
    response = action.run(call)
    # Only what was done is kept: what was refused may be right a moment later.
    with world.database.writing():
        world.database.run("DELETE FROM replies WHERE expires <= ?", instant_text(machine_time()))
        world.database.run(
            "INSERT OR IGNORE INTO replies VALUES (?, ?, ?, ?, ?, ?, ?)",
            *mark,
            request_sha256,
            response.status_code,
            response.headers.get("location", ""),
            bytes(response.body),
            expires(_REPLY_SECONDS),
        )
    return response


def cut(request: Request) -> None:
    """Cut the line of a request; whatever is answered afterwards is lost."""
    request.scope["extensions"][CUT]["cut"]()


def new_token() -> str:
    """A fresh secret for sessions and nonces, 256 bits."""
    return secrets.token_urlsafe(32)


def expires(seconds: int) -> str:
    """The machine's time in `seconds`, as the database compares it."""
    return instant_text(machine_time() + timedelta(seconds=seconds))
