"""The application: all routes, and around them trace ids, the loopback rule, faults and problems."""

import asyncio
import ipaddress
import logging
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bidclient.errors import BidError
from bidclient.network.wire import PROBLEM_TYPE
from bidclient.sandbox import (
    control,
    description,
    host,
    login,
    lots,
    openings,
    phone,
    revocation,
    submissions,
    tus,
    uploads,
)
from bidclient.sandbox.problems import Refusal, document, of_framework
from bidclient.sandbox.web import CUT, Desk
from bidclient.sandbox.world import World

TICK_SECONDS = 0.2
_LEVERS = "/sandbox/"
"""Always quick: by these what is slow is switched off."""
_SPARED = ("/v1/time", _LEVERS, "/tsa", "/ocsp", "/crl/")
_LOG = logging.getLogger(__name__)

ROUTES = [
    *login.ROUTES,
    *description.ROUTES,
    *lots.ROUTES,
    *submissions.ROUTES,
    *uploads.ROUTES,
    *openings.ROUTES,
    *phone.ROUTES,
    *revocation.ROUTES,
    *control.ROUTES,
]


def make_app(world: World) -> Starlette:
    """The ASGI application over a world; its host works while the application runs."""

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        ticking = asyncio.create_task(_tick(world))
        yield
        ticking.cancel()
        with suppress(asyncio.CancelledError):
            await ticking

    app = Starlette(
        routes=ROUTES,
        lifespan=lifespan,
        exception_handlers={HTTPException: _refused, BidError: _failed, 500: _broken},
    )
    app.router.redirect_slashes = False
    app.state.desk = Desk(world)
    app.add_middleware(Gate, world=world)
    return app


class Gate:
    """The outermost door: loopback only, a trace id on every answer, slow and broken days on request."""

    def __init__(self, app: ASGIApp, world: World) -> None:
        self._app = app
        self._world = world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection event (ASGI 3)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        trace_id = secrets.token_hex(8)
        scope["state"] = {**scope.get("state", {}), "trace_id": trace_id}
        scope.setdefault("extensions", {}).setdefault(CUT, {"cut": _nothing})

        async def traced(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"trace-id", trace_id.encode())]
            await send(message)

        try:
            self._check(scope)
        except Refusal as refusal:
            request = Request(scope, receive)
            await problem_reply(request, refusal, self._world)(scope, receive, traced)
            return
        slow = self._world.faults.value("slow")
        if slow > 0 and not scope["path"].startswith(_LEVERS):
            await asyncio.sleep(slow)
        await self._app(scope, receive, traced)

    def _check(self, scope: Scope) -> None:
        """Only this machine, under its own name: a web page elsewhere cannot reach us. Raises Refusal."""
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        origin = headers.get(b"origin", "")
        foreign = origin and not _is_loopback(origin.partition("://")[2])
        if foreign or not _is_loopback(headers.get(b"host", "")):
            raise Refusal("forbidden-host")
        if self._world.faults.value("platform-fault") and not scope["path"].startswith(_SPARED):
            raise Refusal("unavailable", "platform fault", retry_after=1, headers={"Retry-After": "1"})


def problem_reply(request: Request, refusal: Refusal, world: World) -> Response:
    """The problem document of a refusal."""
    body = document(refusal, world.now(), request.scope.get("state", {}).get("trace_id", ""))
    headers = {**(refusal.headers or {}), "Cache-Control": "no-store"}
    if request.url.path.startswith("/v1/uploads"):
        headers.setdefault("Tus-Resumable", tus.VERSION)
    return Response(body, refusal.status_code, headers, PROBLEM_TYPE)


async def _tick(world: World) -> None:
    while True:
        await run_in_threadpool(host.advance, world, 0)
        await asyncio.sleep(TICK_SECONDS)


async def _refused(request: Request, error: Exception) -> Response:
    refusal = error if isinstance(error, Refusal) else None
    if refusal is None and isinstance(error, HTTPException):
        refusal = of_framework(error)
    return problem_reply(request, refusal or Refusal("internal"), request.app.state.desk.world)


async def _failed(request: Request, error: Exception) -> Response:
    _LOG.error("%s %s: %s", request.method, request.url.path, error)
    return problem_reply(request, Refusal("internal", str(error)[:200]), request.app.state.desk.world)


async def _broken(request: Request, _error: Exception) -> Response:
    return problem_reply(request, Refusal("internal"), request.app.state.desk.world)


def _is_loopback(host_header: str) -> bool:
    name = host_header.rpartition(":")[0] if not host_header.endswith("]") else host_header
    name = (name or host_header).strip("[]")
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _nothing() -> None:
    """Without a connection of our own there is nothing to cut."""
