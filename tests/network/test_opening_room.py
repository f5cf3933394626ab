"""The client's opening room: acknowledgements and the chained log are verified link by link."""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable

import msgspec
import pytest

from bidclient.errors import (
    BadChain,
    BadSignature,
    IntegrityProblem,
    Mismatch,
    Rejected,
)
from bidclient.formats import canonical
from bidclient.formats.instant import instant_text
from bidclient.stages.chain import Chain
from bidclient.stages.opened import Readout, table_sha256
from bidclient.stages.submitted import digest
from tests.support.greeted import Route, T, network
from tests.support.loopback import SANDBOX_ROOT, Answer, Asked, json_answer, problem
from tests.support.network_world import LOT, OPENING, World, build, chain_of, hex32
from tests.support.pki import Authority


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return build(tmp_path_factory.mktemp("tsa"), Authority.root(SANDBOX_ROOT))


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


def test_following_goes_on_after_an_outage_but_not_for_ever(world: World) -> None:
    chain = full_chain(world)
    path = f"GET /v1/openings/{OPENING}/log"
    outages = [problem("unavailable", 503), Answer(502, b"<html>", {"Content-Type": "text/html"})]

    def answer(asked: Asked) -> Answer:
        return outages.pop() if outages else log_of(chain)(asked)

    with network(world, {path: answer}) as (client, _):
        assert tuple(client.opening(OPENING).follow(lambda: False, wait=1)) == chain.events
        assert not outages
    with network(world, {path: problem("unavailable", 503)}) as (client, asked), pytest.raises(Rejected):
        list(client.opening(OPENING).follow(lambda: False, wait=1, patience=0.5))
    assert len(asked) > 3
    with network(world, {path: problem("forbidden", 403)}) as (client, asked), pytest.raises(Rejected):
        list(client.opening(OPENING).follow(lambda: False, wait=1))
    assert sum("/log" in one.path for one in asked) == 1


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
