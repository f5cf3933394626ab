"""Who is who: what the network says of itself, nonces, login with a certificate, sessions."""

import hashlib

from starlette.responses import Response
from starlette.routing import Route

from bidclient.formats.instant import instant_text
from bidclient.network.wire import (
    API_VERSION,
    CertificateLogin,
    Challenge,
    Limits,
    NetworkInfo,
    Session,
    Time,
)
from bidclient.sandbox import statements
from bidclient.sandbox.clock import machine_time
from bidclient.sandbox.problems import Refusal
from bidclient.sandbox.web import Action, Call, expires, new_token, plain_bytes, reply, resource
from bidclient.sandbox.world import NETWORK_NAME
from bidclient.stages.stub import STUB_LIMIT
from bidclient.stages.submitted import LoginStatement

MAX_PATCH = 8 * 1024 * 1024
MAX_SEALED = 4 * 1024**3
CHALLENGE_SECONDS = 300
MOST_CHALLENGES = 4096
"""Anybody may ask for one: a flood pushes out the oldest, and an honest login takes no time."""
SESSION_SECONDS = 8 * 3600
FEATURES = ("certificate-login", "tus", "hash-first", "joint-control", "recovery-code", "log", "events")


def network(call: Call) -> Response:
    """GET /v1/network."""
    return reply(
        NetworkInfo(
            name=NETWORK_NAME,
            id=call.world.network,
            kind="sandbox",
            api_version=API_VERSION,
            min_client_version="0.1.0",
            identity=call.world.authority.identity.certificate.pem.decode(),
            limits=Limits(max_patch=MAX_PATCH, max_sealed=MAX_SEALED, max_stub=STUB_LIMIT),
            features=FEATURES,
        )
    )


def time(call: Call) -> Response:
    """GET /v1/time."""
    return reply(Time(now=instant_text(call.world.now())))


def challenge(call: Call) -> Response:
    """POST /v1/challenges."""
    database = call.world.database
    nonce = new_token()
    with database.writing():
        database.run("DELETE FROM challenges WHERE expires <= ?", instant_text(machine_time()))
        database.run(
            "DELETE FROM challenges WHERE rowid IN "
            "(SELECT rowid FROM challenges ORDER BY expires DESC, rowid DESC LIMIT -1 OFFSET ?)",
            MOST_CHALLENGES - 1,
        )
        database.run("INSERT INTO challenges VALUES (?, ?)", nonce, expires(CHALLENGE_SECONDS))
    return reply(Challenge(nonce=nonce, expires_in=CHALLENGE_SECONDS), 201)


def log_in(call: Call) -> Response:
    """POST /v1/login/certificate: the first login binds the certificate to its organisation."""
    world, database = call.world, call.world.database
    data = plain_bytes(call.json(CertificateLogin).statement)
    statement, signed = statements.read(world, data, LoginStatement, call.arrived)
    if statement.network != world.network:
        raise Refusal("statement-mismatch", "network")
    signer, token = signed.signer, new_token()
    uscc, name, at = signer.uscc or "", signer.organization, instant_text(call.arrived)
    with database.writing():
        live = database.run(
            "DELETE FROM challenges WHERE nonce = ? AND expires > ?",
            statement.nonce,
            instant_text(machine_time()),
        )
        if not live:
            raise Refusal("nonce-invalid")
        database.run("DELETE FROM sessions WHERE expires <= ?", instant_text(machine_time()))
        database.run("INSERT OR IGNORE INTO organizations VALUES (?, ?, ?)", uscc, name, at)
        database.run(
            "INSERT OR IGNORE INTO certificates VALUES (?, ?, ?, ?)", signer.sha256, uscc, signer.der, at
        )
        database.run(
            "INSERT INTO sessions VALUES (?, ?, ?, ?)",
            hashlib.sha256(token.encode()).hexdigest(),
            uscc,
            name,
            expires(SESSION_SECONDS),
        )
    return reply(Session(organization=name, uscc=uscc, access_token=token, expires_in=SESSION_SECONDS))


def session(call: Call) -> Response:
    """GET /v1/session."""
    return reply(Session(organization=call.organization.name, uscc=call.organization.uscc))


def log_out(call: Call) -> Response:
    """DELETE /v1/session."""
    token = call.request.headers["authorization"].partition(" ")[2].strip()
    with call.world.database.writing():
        call.world.database.run(
            "DELETE FROM sessions WHERE token_sha256 = ?", hashlib.sha256(token.encode()).hexdigest()
        )
    return Response(status_code=204)


ROUTES: list[Route] = [
    resource("/v1/network", GET=Action(network, public=True)),
    resource("/v1/time", GET=Action(time, public=True)),
    resource("/v1/challenges", POST=Action(challenge, public=True)),
    resource("/v1/login/certificate", POST=Action(log_in, public=True)),
    resource("/v1/session", GET=Action(session), DELETE=Action(log_out)),
]
