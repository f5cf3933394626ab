"""The rooms of a network, against a server that says exactly what each test tells it to."""

import dataclasses
import itertools
import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from bidclient.crypto.certificate import Certificate
from bidclient.errors import (
    BadChain,
    BadFormat,
    BadSignature,
    IntegrityProblem,
    Mismatch,
    NotRegistered,
    Rejected,
    Unreachable,
    Untrusted,
)
from bidclient.formats import canonical
from bidclient.formats.instant import instant_text
from bidclient.network.client import Network
from bidclient.network.profile import Profile
from bidclient.network.wire import TENDER_TYPE, CertificateLogin
from bidclient.stages.opened import Chain, Readout, table_sha256
from bidclient.stages.submitted import LoginStatement, digest, read_statement
from tests.support.loopback import SANDBOX_ROOT, Answer, Asked, answering, json_answer, problem
from tests.support.network_world import LOT, NETWORK, OPENING, SUBMISSION, World, build, chain_of, hex32
from tests.support.pki import Authority

Route = Answer | Callable[[Asked], Answer]
T = "2026-12-01T09:30:00.000+08:00"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return build(tmp_path_factory.mktemp("tsa"), Authority.root(SANDBOX_ROOT))


def greeting(world: World, **changes: object) -> dict[str, object]:
    return {
        "name": NETWORK,
        "id": NETWORK,
        "kind": "sandbox",
        "api_version": "bidnet/1",
        "min_client_version": "0.0.1",
        "identity": world.identity.certificate.pem.decode(),
        "limits": {"max_patch": 4194304, "max_sealed": 2**31, "max_stub": 2**20},
        "features": [],
        **changes,
    }


@contextmanager
def network(
    world: World, routes: Mapping[str, Route], **changes: object
) -> Iterator[tuple[Network, list[Asked]]]:
    """A network behind a sandbox profile; `routes` maps "METHOD /path" to replies."""
    known: dict[str, Route] = {
        "GET /v1/network": json_answer(greeting(world, **changes)),
        "GET /v1/time": json_answer({"now": instant_text(world.now)}),
        **routes,
    }

    def answer(asked: Asked) -> Answer:
        route = known.get(f"{asked.method} {asked.path.partition('?')[0]}", problem("not-found", 404))
        return route if isinstance(route, Answer) else route(asked)

    trusted = (world.root.certificate,)
    with (
        answering(answer) as (address, asked),
        Network(Profile(address, "sandbox", trusted, trusted)) as client,
    ):
        yield client, asked


# ------------------------------------------------------------------------------------------ who is there


def test_a_network_is_greeted_once_and_its_identity_verified(world: World) -> None:
    with network(world, {}) as (client, asked):
        assert client.info.id == NETWORK
        assert client.identity == world.identity.certificate
        assert [item.path for item in asked].count("/v1/network") == 1


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"kind": "production"}, Untrusted),
        ({"api_version": "bidnet/2"}, Rejected),
        ({"min_client_version": "99.0"}, Rejected),
        ({"identity": "no certificate"}, Untrusted),
        ({"kind": "other"}, BadFormat),
    ],
    ids=["kind", "api", "version", "pem", "format"],
)
def test_what_does_not_fit_the_profile_is_refused(
    world: World, changes: dict[str, object], error: type[Exception]
) -> None:
    with network(world, {}, **changes) as (client, _), pytest.raises(error):
        assert client.info


def test_an_identity_of_other_roots_is_refused(world: World) -> None:
    stranger = Authority.root("sandbox 别家", 1002).issue("signing", number=11)
    with (
        network(world, {}, identity=stranger.certificate.pem.decode()) as (client, _),
        pytest.raises(Untrusted, match="unknown issuer"),
    ):
        assert client.identity


def test_a_pinned_identity_is_the_only_one(world: World) -> None:
    with network(world, {}) as (client, _):
        right = dataclasses.replace(client.profile, identity=world.identity.certificate)
        with Network(right) as again:
            assert again.identity == world.identity.certificate
        wrong = dataclasses.replace(client.profile, identity=world.rival.certificate)
        with Network(wrong) as again, pytest.raises(Untrusted, match="pinned"):
            assert again.info


def test_pages_without_an_end_are_not_followed_for_ever(world: World) -> None:
    numbers = itertools.count()

    def page(_asked: Asked) -> Answer:
        return json_answer({"lots": [], "next": f"page-{next(numbers)}"})

    with network(world, {"GET /v1/lots": page}) as (client, asked), pytest.raises(BadFormat, match="pages"):
        list(client.hall.lots())
    assert len(asked) == 1000


def test_the_networks_time_is_measured_and_measured_again_when_old(world: World) -> None:
    seconds = [100.0]
    with network(world, {}) as (first, asked):
        client = Network(first.profile, lambda: seconds[0])
        with client:
            assert client.now().at == world.now
            assert [item.path for item in asked] == ["/v1/time"] * 8
            seconds[0] += 10
            assert client.now().at == world.now + timedelta(seconds=10)
            assert len(asked) == 8
            seconds[0] += 60
            assert client.now().at == world.now
            assert len(asked) == 16


def test_a_certificate_login_signs_the_nonce_of_this_network(world: World) -> None:
    session = {"organization": "示例", "uscc": "U", "access_token": "opaque", "expires_in": 600}
    routes: dict[str, Route] = {
        "POST /v1/challenges": json_answer({"nonce": "n-9", "expires_in": 60}, 201),
        "POST /v1/login/certificate": json_answer(session),
        "GET /v1/session": json_answer({**session, "access_token": ""}),
        "DELETE /v1/session": Answer(204),
    }
    with network(world, routes) as (client, asked):
        found = client.login.with_certificate(client.info.id, world.bidder, world.now)
        assert found.organization == "示例"
        body = msgspec.json.decode(asked[-1].body, type=CertificateLogin)
        statement, signed = read_statement(b64decode(body.statement), LoginStatement)
        assert (statement.network, statement.nonce) == (NETWORK, "n-9")
        assert signed.signer == world.bidder.certificate
        client.login.with_certificate(client.info.id, world.bidder, world.now)
        keys = [item.headers["Idempotency-Key"] for item in asked if item.path == "/v1/challenges"]
        assert len(set(keys)) == 2
        client.login.resume("kept")
        assert asked[-1].headers["Authorization"] == "Bearer kept"
        client.login.logout()
        client.measure_clock()
        assert "Authorization" not in asked[-1].headers


# ---------------------------------------------------------------------------------------------- the hall


def summary(number: int) -> dict[str, object]:
    names = ("code", "name", "project", "tenderer", "region_code", "board", "state")
    lot = {name: name for name in names}
    return {**lot, "id": f"lot-{number}", "tender_version": 1, "deadline": T, "opening_at": T}


def test_lots_come_page_by_page(world: World) -> None:
    def page(asked: Asked) -> Answer:
        if "after=lot-2" in asked.path:
            return json_answer({"lots": [summary(3)], "next": None})
        return json_answer({"lots": [summary(1), summary(2)], "next": "lot-2"})

    with network(world, {"GET /v1/lots": page, "GET /v1/lots/lot-1": json_answer(summary(1))}) as (
        client,
        asked,
    ):
        assert [lot.id for lot in client.hall.lots("bidding")] == ["lot-1", "lot-2", "lot-3"]
        assert all("state=bidding" in item.path for item in asked)
        assert client.hall.lot("lot-1").submission == "upload"
    endless = json_answer({"lots": [], "next": "lot-2"})
    with network(world, {"GET /v1/lots": endless}) as (client, _), pytest.raises(BadFormat):
        list(client.hall.lots())


def test_a_lot_identifier_is_one_step_of_a_path(world: World) -> None:
    with network(world, {}) as (client, asked):
        with pytest.raises(Rejected):
            client.hall.lot("../session?x#y")
        assert asked[-1].path == "/v1/lots/..%2Fsession%3Fx%23y"


def test_a_tender_is_written_whole_or_not_at_all(world: World, tmp_path: Path) -> None:
    good = Answer(200, b"PK" * 100_000, {"Content-Type": TENDER_TYPE, "ETag": f'"{hex32("t")}"'})
    out = tmp_path / "a.tender"
    with network(world, {f"GET /v1/lots/{LOT}/tender": good}) as (client, asked):
        assert client.hall.download_tender(LOT, out, 2) == hex32("t")
        assert out.read_bytes() == good.body
        assert asked[-1].path.endswith("?version=2")
    for bad in (
        Answer(200, b"<html>", {"Content-Type": "text/html"}),
        Answer(200, b"PK", {"Content-Type": TENDER_TYPE, "Content-Length": "9", "Connection": "close"}),
    ):
        with (
            network(world, {f"GET /v1/lots/{LOT}/tender": bad}) as (client, _),
            pytest.raises((BadFormat, Unreachable)),
        ):
            client.hall.download_tender(LOT, tmp_path / "b.tender")
        assert [path.name for path in tmp_path.iterdir()] == ["a.tender"]


def test_registering_and_asking_for_it(world: World) -> None:
    accepted = json_answer({"id": "r", "lot": LOT, "uscc": "U", "state": "accepted", "at": T}, 201)
    path = f"/v1/lots/{LOT}/registrations"
    with network(world, {f"POST {path}": accepted, f"GET {path}/mine": problem("not-registered", 404)}) as (
        client,
        asked,
    ):
        assert client.hall.register(LOT, "张三", "13800000000", "key-1").state == "accepted"
        assert asked[-1].headers["Idempotency-Key"] == "key-1"
        with pytest.raises(NotRegistered) as caught:
            client.hall.registration(LOT)
        assert caught.value.lot == LOT


# ------------------------------------------------------------------------------------------- submitting


SUBMISSION_JSON = {
    "id": SUBMISSION,
    "lot": LOT,
    "uscc": "U",
    "state": "uploading",
    "upload_url": "/v1/uploads/u1",
    "offset": 0,
    "size": 4096,
    "nonce": "n",
    "deadline": T,
    "stub_sha256": hex32("s"),
}
RECEIPT_JSON = {
    "submission": SUBMISSION,
    "state": "sealed",
    "receipt": b64encode(b"cms").decode(),
    "timestamp": b64encode(b"tsr").decode(),
    "pdf": b64encode(b"pdf").decode(),
}


def test_a_submission_is_created_viewed_finalized_and_withdrawn(world: World) -> None:
    view, receipt = json_answer(SUBMISSION_JSON, 201), json_answer(RECEIPT_JSON)
    path = f"/v1/submissions/{SUBMISSION}"
    routes: dict[str, Route] = {
        f"POST /v1/lots/{LOT}/submissions": view,
        f"GET /v1/lots/{LOT}/submissions/mine": json_answer({"submissions": [SUBMISSION_JSON]}),
        f"GET {path}": view,
        f"POST {path}/finalize": receipt,
        f"POST {path}/withdraw": receipt,
        f"GET {path}/receipt": receipt,
    }
    with network(world, routes) as (client, asked):
        rooms = client.submissions
        created = rooms.create(LOT, b"stub", "key-1")
        assert json.loads(asked[-1].body) == {"stub": b64encode(b"stub").decode()}
        assert asked[-1].headers["Idempotency-Key"] == "key-1"
        assert created == rooms.view(SUBMISSION) == rooms.mine(LOT)[0]
        assert rooms.upload(created.upload_url).address.endswith("/v1/uploads/u1")
        files = [
            rooms.finalize(SUBMISSION, b"s"),
            rooms.withdraw(SUBMISSION, b"s"),
            rooms.receipt(SUBMISSION),
        ]
        assert {(item.receipt, item.timestamp, item.pdf) for item in files} == {(b"cms", b"tsr", b"pdf")}
        with pytest.raises(Untrusted):
            rooms.upload("https://example.org/u1")
    broken = {f"GET {path}/receipt": json_answer({**RECEIPT_JSON, "pdf": "not base64!"})}
    with network(world, broken) as (client, _), pytest.raises(BadFormat, match="PDF"):
        client.submissions.receipt(SUBMISSION)


# --------------------------------------------------------------------------------------------- opening


def view_of(chain: Chain) -> Answer:
    text = ("sign_in_from", "opening_at", "server_time")
    none = ("decrypt_until", "confirm_until", "objection_until")
    return json_answer(
        {
            **dict.fromkeys(text, T),
            **dict.fromkeys(none),
            "id": OPENING,
            "lot": LOT,
            "state": "decrypting",
            "opening_certificate": "",
            "nonce": "n",
            "head_seq": chain.seq,
            "head": chain.head,
            "released": 0,
            "total": 0,
        }
    )


def acknowledged(world: World, chain: Chain, **changes: object) -> Callable[[Asked], Answer]:
    def answer(asked: Asked) -> Answer:
        statement = b64decode(json.loads(asked.body)["statement"])
        key = changes.get("key", world.identity)
        assert key in (world.identity, world.rival)
        signer = world.rival if key == world.rival else world.identity
        proof = world.acknowledged(statement, chain, signer)
        told = {"seq": chain.seq, "head": chain.head, "at": instant_text(world.now)}
        return json_answer(
            {**told, "proof": b64encode(proof).decode(), **{k: v for k, v in changes.items() if k != "key"}},
            201,
        )

    return answer


def log_of(chain: Chain, page: int = 2) -> Callable[[Asked], Answer]:
    def answer(asked: Asked) -> Answer:
        after = int(asked.path.partition("after=")[2].partition("&")[0])
        events = [msgspec.to_builtins(event) for event in chain.events[after : after + page]]
        return json_answer({"events": events, "head_seq": chain.seq, "head": chain.head})

    return answer


def full_chain(world: World, total: int = 3) -> Chain:
    return chain_of(
        ("opening-scheduled", {"lot": LOT}),
        ("list-announced", {"total": total}),
        ("decrypting", {}),
        ("released", {"statement_sha256": digest(b"release")}),
        ("closed", {}),
        at=world.now,
    )


def test_every_statement_gets_a_verified_acknowledgement(world: World) -> None:
    chain = full_chain(world)
    base = f"/v1/openings/{OPENING}"
    actions = ("sign-ins", "releases", "confirmations", "objections")
    routes: dict[str, Route] = {f"POST {base}/{action}": acknowledged(world, chain) for action in actions}
    with network(world, routes) as (client, asked):
        room = client.opening(OPENING)
        for say, action in zip((room.sign_in, room.release, room.confirm, room.object), actions, strict=True):
            statement = action.encode()
            answer = say(statement)
            assert asked[-1].path.endswith(action)
            assert (answer.head.seq, answer.head.head) == (5, chain.head)
            assert answer.head.statement_sha256 == digest(statement)
            assert answer.proof


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"seq": 4}, Mismatch),
        ({"head": hex32("other")}, Mismatch),
        ({"proof": b64encode(b"x").decode()}, IntegrityProblem),
        ({"key": "rival"}, BadSignature),
    ],
    ids=["seq", "head", "proof", "signer"],
)
def test_an_acknowledgement_that_does_not_verify_is_not_taken(
    world: World, changes: dict[str, object], error: type[Exception]
) -> None:
    told = {**changes, "key": world.rival} if changes.get("key") == "rival" else changes
    routes: dict[str, Route] = {
        f"POST /v1/openings/{OPENING}/releases": acknowledged(world, full_chain(world), **told)
    }
    with network(world, routes) as (client, _), pytest.raises(error):
        client.opening(OPENING).release(b"release")


def test_the_log_is_followed_to_its_end_and_verified(world: World) -> None:
    chain = full_chain(world)
    routes: dict[str, Route] = {
        f"GET /v1/openings/{OPENING}/log": log_of(chain),
        f"GET /v1/openings/{OPENING}": view_of(chain),
    }
    with network(world, routes) as (client, asked):
        room = client.opening(OPENING)
        assert room.view().head == chain.head
        assert tuple(room.follow(lambda: False, wait=1)) == chain.events
        assert "wait=1" in asked[-1].path
        assert room.chain.recorded(digest(b"release")).seq == 4
        assert room.catch_up() == ()
        resumed = client.opening(OPENING, room.chain)
        assert resumed.view().head_seq == 5
    with network(world, routes) as (client, _):
        assert list(client.opening(OPENING).follow(lambda: True)) == []


def test_a_log_that_forks_from_what_was_acknowledged_is_found(world: World) -> None:
    seen, other = full_chain(world), full_chain(world, total=4)
    base = f"/v1/openings/{OPENING}"
    routes: dict[str, Route] = {
        f"POST {base}/releases": acknowledged(world, seen),
        f"GET {base}/log": log_of(other, 10),
        f"GET {base}": view_of(other),
    }
    with network(world, routes) as (client, _):
        room = client.opening(OPENING)
        room.release(b"release")
        with pytest.raises(BadChain, match="forked"):
            room.view()
        with pytest.raises(BadChain, match="fork"):
            room.catch_up()


def test_a_log_with_a_gap_is_found(world: World) -> None:
    chain = full_chain(world)
    gap = json_answer({"events": [msgspec.to_builtins(chain.events[1])], "head_seq": 5, "head": chain.head})
    with (
        network(world, {f"GET /v1/openings/{OPENING}/log": gap}) as (client, _),
        pytest.raises(BadChain, match="expected event 1"),
    ):
        client.opening(OPENING).catch_up()


def test_the_read_out_is_compared_with_its_digest(world: World) -> None:
    readout = Readout(format="bidnet/readout", version=1, opening=OPENING, lot=LOT, rows=())
    data = b64encode(canonical.dumps(readout)).decode()
    path = f"GET /v1/openings/{OPENING}/readout"
    good = json_answer({"readout": data, "table_sha256": table_sha256(readout)})
    with network(world, {path: good}) as (client, _):
        assert client.opening(OPENING).readout() == readout
    bad = json_answer({"readout": data, "table_sha256": hex32("other")})
    with network(world, {path: bad}) as (client, _), pytest.raises(Mismatch):
        client.opening(OPENING).readout()


def test_the_anchors_of_the_profile_decide(world: World) -> None:
    stranger: Certificate = Authority.root("sandbox 别家", 1002).certificate
    with (
        network(world, {}) as (first, _),
        Network(Profile(first.profile.address, "sandbox", (stranger,), (stranger,))) as client,
        pytest.raises(Untrusted),
    ):
        client.opening(OPENING)
