"""What the sandbox keeps for others is bounded, and a share goes to the tenderer or nowhere."""

import dataclasses
import secrets
from datetime import timedelta

import msgspec

from bidclient.formats import bseal
from bidclient.formats.instant import instant_text
from bidclient.formats.wraps import Recipient, wrap_secret
from bidclient.sandbox.clock import machine_time
from bidclient.sandbox.login import MOST_CHALLENGES
from bidclient.stages.stub import make_stub
from tests.sandbox.conftest import NOW, Market, NewMarket
from tests.support.firms import code_of
from tests.support.sandbox import LocalSandbox


def test_a_flood_of_challenges_is_bounded_and_an_honest_login_goes_on(market: Market) -> None:
    database = market.sandbox.world.database
    soon = instant_text(machine_time() + timedelta(seconds=200))
    with database.writing():
        for number in range(MOST_CHALLENGES + 500):
            database.run("INSERT INTO challenges VALUES (?, ?)", f"n-{number}", soon)
        database.run("INSERT INTO challenges VALUES ('old', ?)", instant_text(machine_time()))
    market.firms[0].log_in()
    left = database.number("SELECT COUNT(*) FROM challenges")
    assert left == MOST_CHALLENGES - 1
    assert database.number("SELECT COUNT(*) FROM challenges WHERE nonce = 'old'") == 0
    assert database.number("SELECT COUNT(*) FROM challenges WHERE nonce = 'n-0'") == 0


def test_sessions_that_have_ended_are_forgotten(market: Market) -> None:
    database = market.sandbox.world.database
    with database.writing():
        database.run("UPDATE sessions SET expires = ?", instant_text(machine_time()))
    market.firms[0].log_in()
    assert database.number("SELECT COUNT(*) FROM sessions") == 1


def test_a_reply_is_repeated_for_two_days_and_then_forgotten(market: Market) -> None:
    firm, database = market.firms[0], market.sandbox.world.database
    path = f"/v1/lots/{market.lot}/registrations"
    body = {"contact": "李经办", "phone": "0934-8000001"}
    assert firm.post(path, body, "key-1").status_code == 201
    kept = database.text("SELECT expires FROM replies WHERE key = 'key-1'")
    assert kept >= instant_text(machine_time() + timedelta(hours=48))
    firm.post(path, body, "key-2")
    assert firm.post(path, body, "key-1").headers["Idempotency-Replayed"] == "true"
    with database.writing():
        ended = instant_text(machine_time())
        database.run("UPDATE replies SET expires = ? WHERE key = 'key-1'", ended)
    firm.post(path, body, "key-3")
    keys = ["key-1", "key-2", "key-3"]
    left = [database.number("SELECT COUNT(*) FROM replies WHERE key = ?", key) for key in keys]
    assert left == [0, 1, 1]


def test_a_share_for_somebody_else_than_the_tenderer_is_refused(
    new_market: NewMarket, sandbox: LocalSandbox
) -> None:
    """The bidder gives the second share to an accomplice: the tenderer could never open the bid."""
    market = new_market(1, policy="all")
    firm = market.firms[0]
    firm.register(market.lot)
    bid = market.bid(firm)
    accomplice = sandbox.issue("另一家有限公司", "91629999TBX000028U").encryption_cert
    bare = msgspec.structs.replace(bid.sealed.header, wraps=(), shares=())
    secret = bytearray(secrets.token_bytes(32))
    header, wraps = wrap_secret(
        bare, [Recipient("bidder", firm.keys.encryption_cert)], accomplice, None, secret
    )
    frame, _ = bseal.new_frame(header, wraps, secret)
    forged = dataclasses.replace(bid.sealed, header=header, prefix=frame.prefix, size=frame.size)
    answer = firm.create(market.lot, make_stub(forged, bid.signed, firm.keys.signer(), NOW))
    assert answer.status_code == 422
    assert code_of(answer) == "bad-stub"
    assert firm.create(market.lot, bid.stub).status_code == 201
