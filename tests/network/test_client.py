"""The rooms of a network, against a server that says exactly what each test tells it to."""

import dataclasses
import itertools
import json
from base64 import b64decode, b64encode
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from bidclient.crypto.certificate import Certificate
from bidclient.errors import (
    BadFormat,
    NotRegistered,
    Rejected,
    Unreachable,
    Untrusted,
)
from bidclient.network.client import Network
from bidclient.network.profile import Profile
from bidclient.network.wire import TENDER_TYPE, CertificateLogin, Session
from bidclient.stages.submitted import LoginStatement, read_statement
from tests.support.greeted import Route, T, network
from tests.support.loopback import SANDBOX_ROOT, Answer, Asked, json_answer, problem
from tests.support.network_world import LOT, NETWORK, OPENING, SUBMISSION, World, build, hex32
from tests.support.pki import Authority


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return build(tmp_path_factory.mktemp("tsa"), Authority.root(SANDBOX_ROOT))


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


@pytest.mark.parametrize("token", ["", "a\nb", "令牌", "a b"])
def test_what_is_no_access_token_is_not_sent(world: World, token: str) -> None:
    routes: dict[str, Route] = {
        "POST /v1/challenges": json_answer({"nonce": "n-9", "expires_in": 60}, 201),
        "POST /v1/login/certificate": json_answer({"organization": "", "uscc": "U", "access_token": token}),
    }
    with network(world, routes) as (client, _), pytest.raises(BadFormat):
        client.login.with_certificate(client.info.id, world.bidder, world.now)


def test_a_session_shows_no_token_when_it_is_printed() -> None:
    assert "opaque" not in repr(Session("示例", "U", "opaque"))


@pytest.mark.parametrize("version", ["²", "9" * 5000, "one", ""])
def test_a_version_that_is_no_number_asks_for_nothing(world: World, version: str) -> None:
    with network(world, {}, min_client_version=version) as (client, _):
        assert client.info.id == NETWORK


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


def test_the_anchors_of_the_profile_decide(world: World) -> None:
    stranger: Certificate = Authority.root("sandbox 别家", 1002).certificate
    with (
        network(world, {}) as (first, _),
        Network(Profile(first.profile.address, "sandbox", (stranger,), (stranger,))) as client,
        pytest.raises(Untrusted),
    ):
        client.opening(OPENING)
