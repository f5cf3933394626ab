"""Where anybody asks the sandbox's authority what is revoked: POST /ocsp, GET /crl/{name}; no bidnet/1.

The authority is not the trading network: it has the machine's time, whatever the network's clock says.
"""

from datetime import datetime, timedelta

import msgspec
from starlette.responses import Response

from bidclient.crypto.certificate import Certificate
from bidclient.sandbox import revocation_answers
from bidclient.sandbox.clock import machine_time
from bidclient.sandbox.faults import CERT_REVOKED
from bidclient.sandbox.problems import Refusal
from bidclient.sandbox.web import Action, Call, resource
from bidclient.sandbox.world import World

_REQUEST_TYPE = "application/ocsp-request"
_REPLY_TYPE = "application/ocsp-response"
_LIST_TYPE = "application/pkix-crl"
_LIST_HOLDS = timedelta(minutes=1)
"""Short, so that a lever shows its effect."""
_REQUEST_LIMIT = 16 * 1024


class _Known(msgspec.Struct, frozen=True):
    der: bytes


def answer(call: Call) -> Response:
    """POST /ocsp (RFC 6960 §A.1)."""
    media_type = call.request.headers.get("content-type", "").partition(";")[0].strip()
    if media_type != _REQUEST_TYPE:
        raise Refusal("unsupported-media-type", _REQUEST_TYPE)
    authority, now = call.world.authority, machine_time()
    revoked = authority.revoked()
    if call.world.faults.value(CERT_REVOKED):
        asked = revocation_answers.asked_serials(call.body)
        own = {int(certificate.serial, 16) for certificate in authority.own}
        revoked |= {serial: revoked.get(serial, now) for serial in asked if serial not in own}
    roots = (authority.root, authority.sm2_root)
    return Response(revocation_answers.ocsp_answer(call.body, roots, revoked, now), media_type=_REPLY_TYPE)


def revocation_list(call: Call) -> Response:
    """GET /crl/{name}: the list of one of the roots."""
    authority = call.world.authority
    roots = {"ca.crl": authority.root, "ca-sm2.crl": authority.sm2_root}
    issuer = roots.get(call.step("name"))
    if issuer is None:
        raise Refusal("not-found", "revocation list")
    now = machine_time()
    revoked = authority.revoked() | _by_fault(call.world, issuer.certificate, now)
    data = revocation_answers.revocation_list(issuer, revoked, now, now + _LIST_HOLDS)
    return Response(data, media_type=_LIST_TYPE)


def _by_fault(world: World, issuer: Certificate, now: datetime) -> dict[int, datetime]:
    """While the fault is on: every certificate of `issuer` that has ever logged in."""
    if not world.faults.value(CERT_REVOKED):
        return {}
    rows = world.database.rows(_Known, "SELECT der FROM certificates")
    known = [Certificate.from_der(row.der) for row in rows]
    return {int(one.serial, 16): now for one in known if one.issuer == issuer.subject}


ROUTES = [
    resource("/ocsp", POST=Action(answer, public=True, limit=_REQUEST_LIMIT)),
    resource("/crl/{name}", GET=Action(revocation_list, public=True)),
]
