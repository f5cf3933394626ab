"""The levers of the sandbox under /sandbox/v1, and its time-stamping authority; none of it is bidnet/1."""

import os
import shutil
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from bidclient.crypto.certificate import Certificate
from bidclient.errors import BadFormat
from bidclient.formats import stored_zip
from bidclient.formats.instant import Instant, instant_text, parse_instant
from bidclient.network.wire import Request
from bidclient.sandbox import host, pki, tsa
from bidclient.sandbox.clock import machine_time
from bidclient.sandbox.faults import KNOWN
from bidclient.sandbox.problems import Refusal
from bidclient.sandbox.web import Action, Call, reply, resource
from bidclient.sandbox.world import LotRow, World
from bidclient.stages.tender import DOCUMENTS, Tender, TenderPackage

_JUMP_PATIENCE = 60.0
Minutes = Annotated[float, msgspec.Meta(gt=0, le=60 * 24 * 400)]
_FAR = 1_000_000_000
"""Seconds, thirty years: a clock that has left the calendar answers nobody who would set it back."""


class ClockSetting(Request):
    """POST /sandbox/v1/clock and …/clock/jump: set, move by seconds, or to a lot's deadline or opening."""

    now: Instant | None = None
    rate: Annotated[float, msgspec.Meta(ge=0, le=100_000)] | None = None
    seconds: Annotated[float, msgspec.Meta(ge=-_FAR, le=_FAR)] | None = None


class FaultSetting(Request):
    """POST /sandbox/v1/faults; 0 switches it off."""

    name: str
    value: Annotated[float, msgspec.Meta(ge=-_FAR, le=_FAR)]


class StepToEnd(Request):
    """POST /sandbox/v1/openings/{opening}/advance: the step that is meant, else whatever runs now."""

    step: str | None = None


class Amendment(Request):
    """POST /sandbox/v1/lots/{lot}/amend: a clarification, which makes a new tender version."""

    change_summary: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
    deadline: Instant | None = None


class NewLot(Request):
    """POST /sandbox/v1/lots: one more lot of a sample, its deadline so many minutes ahead.

    `suites` are the sample's unless others are named.
    """

    sample: str
    minutes: Minutes
    suites: tuple[str, ...] = ()


class _Known(msgspec.Struct, frozen=True):
    der: bytes


class Extension(Request):
    """POST /sandbox/v1/openings/{opening}/extend."""

    minutes: Minutes


def clock(call: Call) -> Response:
    """GET and POST /sandbox/v1/clock."""
    if call.request.method == "POST":
        setting = call.json(ClockSetting)
        now = None if setting.now is None else parse_instant(setting.now)
        if setting.seconds is not None:
            now = (now or call.world.clock.now()) + timedelta(seconds=setting.seconds)
        call.world.clock.set(now, setting.rate)
        host.advance(call.world, _JUMP_PATIENCE)
    return reply({"now": instant_text(call.world.now()), "rate": call.world.clock.rate})


def faults(call: Call) -> Response:
    """GET and POST /sandbox/v1/faults."""
    if call.request.method == "POST":
        setting = call.json(FaultSetting)
        if setting.name not in KNOWN:
            raise Refusal("bad-request", f"known faults: {', '.join(sorted(KNOWN))}")
        call.world.faults.set(setting.name, setting.value)
    return reply({"active": call.world.faults.active(), "known": KNOWN})


def amend(call: Call) -> Response:
    """POST /sandbox/v1/lots/{lot}/amend."""
    world, lot, asked = call.world, call.world.lot(call.step("lot")), call.json(Amendment)
    row = world.tender(lot)
    tender = row.parsed
    changes: dict[str, object] = {
        "tender_version": row.version + 1,
        "replaces": row.sha256,
        "change_summary": asked.change_summary,
        "issued_at": instant_text(call.arrived),
    }
    if asked.deadline is not None:
        moved = parse_instant(asked.deadline) - parse_instant(tender.deadline)
        for name in ("deadline", "opening_at", "sign_in_from", "upload_until"):
            changes[name] = instant_text(parse_instant(getattr(tender, name)) + moved)
    try:
        package = _announce_again(world, lot, msgspec.structs.replace(tender, **changes))
    except BadFormat as error:
        raise Refusal("bad-request", error.reason) from error
    return reply(
        {"lot": lot.id, "tender_version": package.tender.tender_version, "sha256": package.sha256}, 201
    )


def more_lots(call: Call) -> Response:
    """POST /sandbox/v1/lots."""
    asked = call.json(NewLot)
    now = call.world.now()
    try:
        package = call.world.announce_sample(
            asked.sample,
            now - timedelta(hours=1),
            now + timedelta(minutes=asked.minutes),
            suites=asked.suites,
        )
    except (KeyError, BadFormat) as error:
        raise Refusal("bad-request", "no such sample or suite") from error
    return reply({"lot": package.tender.lot.id, "deadline": package.tender.deadline}, 201)


def pause(call: Call) -> Response:
    """POST …/pause: the remaining time stands still."""
    host.pause(call.world, call.step("opening"))
    return reply({})


def resume(call: Call) -> Response:
    """POST …/resume."""
    host.resume(call.world, call.step("opening"))
    return reply({})


def extend(call: Call) -> Response:
    """POST …/extend."""
    host.extend(call.world, call.step("opening"), timedelta(minutes=call.json(Extension).minutes))
    return reply({})


def advance(call: Call) -> Response:
    """POST …/advance: the running step of the opening ends now."""
    return reply({"state": host.end_step(call.world, call.step("opening"), call.json(StepToEnd).step)})


def revoke(call: Call) -> Response:
    """POST /sandbox/v1/certificates/{sha256}/revoke, of a certificate that has logged in."""
    found = call.world.database.row(
        _Known, "SELECT der FROM certificates WHERE sha256 = ?", call.step("sha256")
    )
    if found is None:
        raise Refusal("not-found", "certificate")
    pki.revoke(call.world.data, Certificate.from_der(found.der), call.world.now())
    return reply({})


def state(call: Call) -> Response:
    """GET /sandbox/v1/state: what is going on, for the person at the levers; secret numbers included."""
    database = call.world.database
    return reply(
        {
            "now": instant_text(call.world.now()),
            "rate": call.world.clock.rate,
            "pid": os.getpid(),
            "machine_time": instant_text(machine_time()),
            "network": call.world.network,
            "faults": call.world.faults.active(),
            "lots": [
                _lot_state(call.world, lot)
                for lot in database.rows(LotRow, "SELECT * FROM lots ORDER BY position")
            ],
        }
    )


def _lot_state(world: World, lot: LotRow) -> dict[str, str | int]:
    tender, database = world.tender(lot).parsed, world.database
    return {
        "id": lot.id,
        "code": tender.lot.code,
        "name": tender.lot.name,
        "tender_version": lot.version,
        "deadline": tender.deadline,
        "opening_at": tender.opening_at,
        "state": lot.state,
        "opening": lot.opening,
        "opening_state": database.text("SELECT state FROM openings WHERE id = ?", lot.opening),
        "submissions": database.number("SELECT COUNT(*) FROM submissions WHERE lot = ?", lot.id),
        "in_force": database.number(
            "SELECT COUNT(*) FROM submissions WHERE lot = ?"
            " AND state NOT IN ('uploading', 'uploaded', 'withdrawn', 'superseded', 'expired')",
            lot.id,
        ),
    }


def time_stamp(call: Call) -> Response:
    """POST /tsa (RFC 3161 §3.4)."""
    media_type = call.request.headers.get("content-type", "").partition(";")[0].strip()
    if media_type != tsa.REQUEST_TYPE:
        raise Refusal("unsupported-media-type", tsa.REQUEST_TYPE)
    token = tsa.answer(call.body, call.world.authority.stamping, call.world.now())
    return Response(token, media_type=tsa.REPLY_TYPE)


def _announce_again(world: World, lot: LotRow, tender: Tender) -> TenderPackage:
    """Sign the next version with the documents of the version in force."""
    with TemporaryDirectory(dir=world.data) as folder:
        documents = {}
        with stored_zip.open_archive(world.tender_path(lot.id, lot.version)) as file:
            for number, entry in enumerate(stored_zip.read_entries(file, "tender")):
                if entry.name.startswith(DOCUMENTS):
                    documents[entry.name] = Path(folder) / str(number)
                    with (
                        stored_zip.open_entry(file, entry) as source,
                        documents[entry.name].open("wb") as out,
                    ):
                        shutil.copyfileobj(source, out)
        return world.announce(tender, documents)


_OPENING = "/sandbox/v1/openings/{opening}"
ROUTES: list[Route] = [
    resource("/sandbox/v1/clock", GET=Action(clock, public=True), POST=Action(clock, public=True)),
    resource("/sandbox/v1/clock/jump", POST=Action(clock, public=True)),
    resource("/sandbox/v1/faults", GET=Action(faults, public=True), POST=Action(faults, public=True)),
    resource("/sandbox/v1/lots", POST=Action(more_lots, public=True)),
    resource("/sandbox/v1/lots/{lot}/amend", POST=Action(amend, public=True)),
    resource(_OPENING + "/pause", POST=Action(pause, public=True)),
    resource(_OPENING + "/resume", POST=Action(resume, public=True)),
    resource(_OPENING + "/extend", POST=Action(extend, public=True)),
    resource(_OPENING + "/advance", POST=Action(advance, public=True)),
    resource("/sandbox/v1/certificates/{sha256}/revoke", POST=Action(revoke, public=True)),
    resource("/sandbox/v1/state", GET=Action(state, public=True)),
    resource("/tsa", POST=Action(time_stamp, public=True, limit=tsa.REQUEST_LIMIT)),
]
