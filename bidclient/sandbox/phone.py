"""The sandbox's phone authority: what programs ask of it (resources/mobile-ca.yaml), and the phone's page."""

from typing import get_args

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from bidclient.errors import BadCertificate
from bidclient.keys.phone_wire import SESSIONS, NewSession, OpenedSession, SessionState, State, Text
from bidclient.resource import read_bytes
from bidclient.sandbox import phone_keys
from bidclient.sandbox.phone_sessions import LINK_SECONDS, SESSION_SECONDS, PhoneSession
from bidclient.sandbox.phone_wallet import Identity
from bidclient.sandbox.pki import KeyType
from bidclient.sandbox.problems import Refusal
from bidclient.sandbox.web import Action, Call, plain_bytes, reply, resource, whole_number

LONGEST_WAIT = 25
_PAGE = "/phone/"
_FILES = {
    "": ("index.html", "text/html"),
    "phone.css": ("phone.css", "text/css"),
    "phone.js": ("phone.js", "text/javascript"),
}
_POLICY = "; ".join(
    ("default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "img-src data:")
)
"""Content-Security-Policy: nothing runs in the page but its own script."""


class Scan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """POST /phone/v1/scans: a device has read a link (its token, seconds and check) for an identity."""

    token: Text
    elapsed: int
    check: Text
    device: Text
    identity: Text


class Decision(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """POST /phone/v1/decisions; `code` is the one that the person has chosen."""

    token: Text
    device: Text
    approve: bool
    code: Text = ""


class Card(msgspec.Struct, frozen=True):
    """An identity as the phone's page shows it."""

    id: str
    name: str
    kind: str
    province: str
    phone: str


class Shown(msgspec.Struct, frozen=True):
    """A scanned request as the phone's page shows it."""

    state: str
    operation: str
    display: tuple[str, ...]
    items: tuple[str, ...]
    codes: tuple[str, ...]
    holder: str
    expires_in: int
    """Seconds until nobody can approve it any more."""


class NewIdentity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """POST /sandbox/v1/phone/identities: one more company in the phone."""

    name: Text
    uscc: Text
    key_type: KeyType = "p-256"


# --------------------------------------------------------------------------------- what programs ask


def create(call: Call) -> Response:
    """POST /mobile/v1/sessions."""
    asker = call.request.client
    session = call.world.phone.open(call.json(NewSession), asker.host if asker is not None else "")
    opened = OpenedSession(
        id=session.id,
        token=session.token,
        secret=session.secret,
        link_base=str(call.request.base_url).rstrip("/") + _PAGE,
        expires_in=SESSION_SECONDS,
        link_seconds=LINK_SECONDS,
    )
    return reply(opened, 201, f"{SESSIONS}/{session.id}")


def state(call: Call) -> Response:
    """GET /mobile/v1/sessions/{session}?wait=&seen=."""
    query = call.request.query_params
    wait = whole_number(query.get("wait"), "wait", 0, LONGEST_WAIT)
    seen = query.get("seen")
    if seen is not None and seen not in get_args(State):
        raise Refusal("bad-request", f"seen: one of {', '.join(get_args(State))} is expected")
    return reply(call.world.phone.state(call.step("session"), _secret(call), seen or "", wait))


def close(call: Call) -> Response:
    """DELETE /mobile/v1/sessions/{session}."""
    call.world.phone.close(call.step("session"), _secret(call))
    return Response(status_code=204)


def _secret(call: Call) -> str:
    scheme, _, secret = call.request.headers.get("authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else ""


# -------------------------------------------------------------------------------------- on the phone


def page(call: Call) -> Response:
    """GET /phone/ and what the page needs."""
    name = call.request.path_params.get("file", "")
    if name not in _FILES:
        raise Refusal("not-found", "page")
    file, media_type = _FILES[name]
    headers = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": _POLICY,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(read_bytes(f"phone/{file}"), 200, headers, media_type)


def identities(call: Call) -> Response:
    """GET /phone/v1/identities."""
    return reply([_card(one) for one in call.world.phone.wallet.identities()])


def scan(call: Call) -> Response:
    """POST /phone/v1/scans."""
    asked, phone = call.json(Scan), call.world.phone
    identity = phone.wallet.identity(asked.identity)
    if identity is None:
        raise Refusal("not-found", "identity")
    if call.world.faults.strike("qr-expired"):
        raise Refusal("gone", "the link is too old")
    with phone.scanned(asked.token, asked.elapsed, asked.check, asked.device, identity) as session:
        _end_if_revoked(call, session)
        return reply(_shown(call, session))


def decide(call: Call) -> Response:
    """POST /phone/v1/decisions."""
    asked, phone = call.json(Decision), call.world.phone
    with phone.decided(asked.token, asked.device) as session:
        if session.is_open:
            _end_if_revoked(call, session)
        if session.is_open:
            result = _decided(call, session, asked)
            phone.end(session, result, call.world.faults.value("phone-slow"))
        return reply(_shown(call, session))


def add(call: Call) -> Response:
    """POST /sandbox/v1/phone/identities."""
    asked = call.json(NewIdentity)
    return reply(_card(call.world.phone.wallet.add(asked.name, asked.uscc, asked.key_type)), 201)


def _decided(call: Call, session: PhoneSession, asked: Decision) -> SessionState:
    if not asked.approve:
        return SessionState("REFUSED")
    if asked.code != session.code:
        return SessionState("WRONG_CODE")
    spoil = call.world.faults.strike("phone-wrong-signature")
    request, wallet = session.request, call.world.phone.wallet
    if session.identity is None:
        raise Refusal("wrong-state", session.state)
    if request.operation == "login":
        keys = wallet.keys(session.identity)
        if keys is None:
            raise Refusal("wrong-state", "no keys")
        return phone_keys.logged_in(keys, plain_bytes(request.nonce), spoil)
    found = wallet.key(session.identity, request.certificate or "")
    if found is None:
        raise Refusal("cert-not-bound")
    key, certificate = found
    if request.operation == "sign":
        return phone_keys.signed(key, request, spoil)
    return phone_keys.opened(key, certificate, session.id, request)


def _end_if_revoked(call: Call, session: PhoneSession) -> None:
    """The certificate that is meant, or at a login both of the company, must not be revoked."""
    phone = call.world.phone
    if session.identity is None or not session.is_open:
        return
    keys = phone.wallet.keys(session.identity)
    owned = () if keys is None else (keys.signing_cert, keys.encryption_cert)
    meant = session.request.certificate
    try:
        for certificate in owned:
            if meant in (None, certificate.sha256):
                call.world.authority.check_revocation(certificate)
    except BadCertificate:
        phone.end(session, SessionState("REVOKED"))


def _card(identity: Identity) -> Card:
    return Card(identity.id, identity.name, identity.kind, identity.province, identity.masked_phone)


def _shown(call: Call, session: PhoneSession) -> Shown:
    return Shown(
        state=session.state,
        operation=session.request.operation,
        display=session.request.display,
        items=tuple(item.hex() for item in session.items),
        codes=session.codes if session.is_open else (),
        holder=session.identity.name if session.identity is not None else "",
        expires_in=call.world.phone.seconds_left(session),
    )


ROUTES: list[Route] = [
    resource(SESSIONS, POST=Action(create, public=True, keyed=True, commits=True)),
    resource(SESSIONS + "/{session}", GET=Action(state, public=True), DELETE=Action(close, public=True)),
    resource(_PAGE.rstrip("/"), GET=Action(page, public=True)),
    resource(_PAGE, GET=Action(page, public=True)),
    resource("/phone/{file}", GET=Action(page, public=True)),
    resource("/phone/v1/identities", GET=Action(identities, public=True)),
    resource("/phone/v1/scans", POST=Action(scan, public=True, commits=True)),
    resource("/phone/v1/decisions", POST=Action(decide, public=True, commits=True)),
    resource("/sandbox/v1/phone/identities", POST=Action(add, public=True)),
]
