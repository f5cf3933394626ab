"""The opening hall: the state, the log that is the truth, the same events pushed, the read-out."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from bidclient.formats import canonical
from bidclient.formats.instant import instant_text
from bidclient.network.wire import LogPage, OpeningView, ReadoutReply
from bidclient.sandbox import ceremony, host
from bidclient.sandbox.problems import Refusal
from bidclient.sandbox.rooms import Opening, find_opening, said
from bidclient.sandbox.web import Action, Call, reply, resource, whole_number
from bidclient.sandbox.world import World
from bidclient.stages.chain import Event
from bidclient.stages.opened import ConfirmStatement, ObjectionStatement, ReleaseStatement, SignInStatement
from bidclient.stages.submitted import digest

LONGEST_WAIT = 25
HEARTBEAT_SECONDS = 10.0
_PAGE = 500
_LAST = ("closed", "failed")


def view(call: Call) -> Response:
    """GET /v1/openings/{opening}."""
    world = call.world
    host.advance(world, host.PATIENCE)
    room = find_opening(world, call.step("opening"))
    return reply(
        OpeningView(
            id=room.id,
            lot=room.lot,
            state="decrypting" if room.state == "unsealing" else room.state,
            server_time=instant_text(world.now()),
            sign_in_from=room.sign_in_from,
            opening_at=room.opening_at,
            decrypt_until=room.decrypt_until,
            confirm_until=room.confirm_until,
            objection_until=room.objection_until,
            opening_certificate=world.opening_key(room.lot).certificate.pem.decode(),
            nonce=ceremony.nonce_of(world, room.id, call.organization.uscc),
            head_seq=room.head_seq,
            head=room.head,
            released=len(said(world, room.id, "release")),
            total=room.total,
        )
    )


def sign_in(call: Call) -> Response:
    """POST …/sign-ins."""
    return ceremony.say(call, "sign-in", SignInStatement, ceremony.sign_in)


def release(call: Call) -> Response:
    """POST …/releases; the last one closes the window."""
    return ceremony.say(call, "release", ReleaseStatement, ceremony.release)


def confirm(call: Call) -> Response:
    """POST …/confirmations."""
    return ceremony.say(call, "confirmation", ConfirmStatement, ceremony.confirm)


def object_to(call: Call) -> Response:
    """POST …/objections."""
    return ceremony.say(call, "objection", ObjectionStatement, ceremony.object_to)


def readout(call: Call) -> Response:
    """GET …/readout."""
    host.advance(call.world, host.PATIENCE)
    room = find_opening(call.world, call.step("opening"))
    if room.readout is None:
        raise Refusal("not-yet", room.state)
    return reply(ReadoutReply(readout=b64encode(room.readout).decode(), table_sha256=digest(room.readout)))


async def log(call: Call) -> Response:
    """GET …/log?after=&wait=: what comes after event `after`, waiting up to `wait` seconds for the first."""
    query = call.request.query_params
    after = whole_number(query.get("after"), "after", 0, 2**31)
    wait = whole_number(query.get("wait"), "wait", 0, LONGEST_WAIT)
    end = asyncio.get_running_loop().time() + wait
    while True:
        room, events = await run_in_threadpool(_events, call, after)
        left = end - asyncio.get_running_loop().time()
        if events or left <= 0:
            return reply(LogPage(events=tuple(events), head_seq=room.head_seq, head=room.head))
        await call.world.bell.wait(min(left, 1.0))


async def events(call: Call) -> Response:
    """GET …/events: the same as server-sent events, id = seq; goes on after Last-Event-ID."""
    last = call.request.headers.get("last-event-id") or call.request.query_params.get("after")
    after = whole_number(last, "Last-Event-ID", 0, 2**31)
    await run_in_threadpool(_events, call, after)
    return StreamingResponse(_stream(call, after), 200, {"Cache-Control": "no-store"}, "text/event-stream")


async def _stream(call: Call, after: int) -> AsyncIterator[bytes]:
    beat = asyncio.get_running_loop().time()
    yield b": bidnet/1\n\n"
    while True:
        room, found = await run_in_threadpool(_events, call, after)
        for event in found:
            after = event.seq
            yield b"id: %d\nevent: %s\ndata: " % (event.seq, event.type.encode())
            yield canonical.dumps(event) + b"\n\n"
        if room.state in _LAST and after >= room.head_seq:
            return
        now = asyncio.get_running_loop().time()
        if not found and now - beat >= HEARTBEAT_SECONDS:
            yield b": \n\n"
            beat = now
        await call.world.bell.wait(1.0)


def _events(call: Call, after: int) -> tuple[Opening, list[Event]]:
    world: World = call.world
    host.advance(world, 0)
    room = find_opening(world, call.step("opening"))
    rows = world.database.rows(
        _EventRow,
        "SELECT event FROM events WHERE opening = ? AND seq > ? ORDER BY seq LIMIT ?",
        room.id,
        after,
        _PAGE,
    )
    return room, [msgspec.json.decode(row.event, type=Event) for row in rows]


class _EventRow(msgspec.Struct, frozen=True):
    event: bytes


_OPENING = "/v1/openings/{opening}"
ROUTES: list[Route] = [
    resource(_OPENING, GET=Action(view)),
    resource(_OPENING + "/sign-ins", POST=Action(sign_in, keyed=True, commits=True)),
    resource(_OPENING + "/releases", POST=Action(release, keyed=True, commits=True)),
    resource(_OPENING + "/readout", GET=Action(readout)),
    resource(_OPENING + "/confirmations", POST=Action(confirm, keyed=True, commits=True)),
    resource(_OPENING + "/objections", POST=Action(object_to, keyed=True, commits=True)),
    resource(_OPENING + "/log", GET=log),
    resource(_OPENING + "/events", GET=events),
]
