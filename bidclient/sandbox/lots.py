"""The hall: lots, tenders and registrations."""

from starlette.responses import FileResponse, Response
from starlette.routing import Route

from bidclient.formats.instant import instant_text
from bidclient.network.wire import (
    TENDER_TYPE,
    LotPage,
    LotSummary,
    LotView,
    Registration,
    RegistrationRequest,
)
from bidclient.sandbox.problems import Refusal
from bidclient.sandbox.web import Action, Call, reply, resource, whole_number
from bidclient.sandbox.world import LotRow, TenderRow, World, new_id
from bidclient.stages.tender import Record

_PAGE = 50
_LARGEST_PAGE = 200


class RegistrationRow(Record):
    """A registration as it is kept."""

    id: str
    lot: str
    uscc: str
    contact: str
    phone: str
    at: str


def registration_of(world: World, lot: str, uscc: str) -> RegistrationRow | None:
    """An organisation's registration for a lot."""
    return world.database.row(
        RegistrationRow, "SELECT * FROM registrations WHERE lot = ? AND uscc = ?", lot, uscc
    )


def all_lots(call: Call) -> Response:
    """GET /v1/lots: in the order of their announcement; `next` is the last id of a full page."""
    query = call.request.query_params
    limit = whole_number(query.get("limit"), "limit", _PAGE, _LARGEST_PAGE, 1)
    after, state = query.get("after", ""), query.get("state", "")
    start = call.world.lot(after).position if after else 0
    found = call.world.database.rows(
        LotRow,
        "SELECT * FROM lots WHERE position > ? AND (? = '' OR state = ?) ORDER BY position LIMIT ?",
        start,
        state,
        state,
        limit + 1,
    )
    page = found[:limit]
    more = len(found) > limit
    rows = tuple(_summary(lot, call.world.tender(lot)) for lot in page)
    return reply(LotPage(lots=rows, next=page[-1].id if more else None))


def one_lot(call: Call) -> Response:
    """GET /v1/lots/{lot}."""
    lot = call.world.lot(call.step("lot"))
    row = call.world.tender(lot)
    tender = row.parsed
    summary = {name: getattr(_summary(lot, row), name) for name in LotSummary.__struct_fields__}
    return reply(
        LotView(
            **summary,
            tender_sha256=row.sha256,
            tender_size=row.size,
            submission=tender.submission,
            opening=lot.opening,
            registered=registration_of(call.world, lot.id, call.organization.uscc) is not None,
            sign_in_from=tender.sign_in_from,
            upload_until=tender.upload_until,
        )
    )


def tender_package(call: Call) -> Response:
    """GET /v1/lots/{lot}/tender[?version=N]: the signed package."""
    lot = call.world.lot(call.step("lot"))
    asked = call.request.query_params.get("version")
    version = None if asked is None else whole_number(asked, "version", 0, 10**6)
    row = call.world.tender(lot, version)
    etag = f'"{row.sha256}"'
    headers = {"ETag": etag, "Cache-Control": "no-cache"}
    if etag in call.request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return FileResponse(call.world.tender_path(lot.id, row.version), 200, headers, TENDER_TYPE)


def register(call: Call) -> Response:
    """POST /v1/lots/{lot}/registrations: registering twice is registering once."""
    world, lot = call.world, call.world.lot(call.step("lot"))
    asked = call.json(RegistrationRequest)
    uscc = call.organization.uscc
    with world.database.writing():
        if registration_of(world, lot.id, uscc) is None:
            tender = world.tender(lot).parsed
            now = instant_text(call.arrived)
            if now >= tender.deadline:
                raise Refusal("deadline-passed", deadline=tender.deadline)
            world.database.run(
                "INSERT INTO registrations VALUES (?, ?, ?, ?, ?, ?)",
                new_id("R"),
                lot.id,
                uscc,
                asked.contact,
                asked.phone,
                now,
            )
    return reply(_registration(world, lot.id, uscc), 201)


def my_registration(call: Call) -> Response:
    """GET /v1/lots/{lot}/registrations/mine."""
    return reply(_registration(call.world, call.world.lot(call.step("lot")).id, call.organization.uscc))


def _registration(world: World, lot: str, uscc: str) -> Registration:
    row = registration_of(world, lot, uscc)
    if row is None:
        raise Refusal("not-registered")
    return Registration(id=row.id, lot=lot, uscc=uscc, state="accepted", at=row.at)


def _summary(lot: LotRow, row: TenderRow) -> LotSummary:
    tender = row.parsed
    return LotSummary(
        id=lot.id,
        code=tender.lot.code,
        name=tender.lot.name,
        project=tender.project.name,
        tenderer=tender.tenderer.name,
        region_code=tender.project.region_code,
        board=tender.project.board,
        state=lot.state,
        tender_version=lot.version,
        deadline=tender.deadline,
        opening_at=tender.opening_at,
    )


ROUTES: list[Route] = [
    resource("/v1/lots", GET=Action(all_lots)),
    resource("/v1/lots/{lot}", GET=Action(one_lot)),
    resource("/v1/lots/{lot}/tender", GET=Action(tender_package)),
    resource("/v1/lots/{lot}/registrations", POST=Action(register, keyed=True)),
    resource("/v1/lots/{lot}/registrations/mine", GET=Action(my_registration)),
]
