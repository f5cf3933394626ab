"""The opening over HTTP: sign-in, escrow, read-out, confirmation, the chain, and what can go wrong."""

import secrets
from base64 import b64decode, b64encode
from datetime import timedelta
from typing import Any

import msgspec
import pytest
import requests

from bidclient.crypto.certificate import Certificate
from bidclient.formats.instant import instant_text
from bidclient.stages.chain import Chain, Event, check_acknowledgement
from bidclient.stages.opened import Readout, check_row, read_readout, release_context, wrap_release
from tests.sandbox.conftest import DEADLINE, Market, NewMarket
from tests.support.firms import Bid, Firm, code_of

Submitted = list[tuple[Firm, Bid, dict[str, Any]]]


def events_of(firm: Firm, opening: str, after: int = 0) -> list[Event]:
    """The log, its chain verified from the beginning."""
    page = firm.call("GET", f"/v1/openings/{opening}/log?after=0").json()
    chain = Chain(opening)
    for event in page["events"]:
        chain.append(msgspec.convert(event, Event))
    chain.check_head(page["head_seq"], page["head"])
    assert chain.seq == page["head_seq"]
    return list(chain.events[after:])


def types_of(firm: Firm, opening: str) -> list[str]:
    """The types of all events."""
    return [event.type for event in events_of(firm, opening)]


def opened_market(new_market: NewMarket, count: int = 3, **changes: object) -> tuple[Market, Submitted]:
    """A market whose opening has come, with so many bids."""
    market = new_market(count, **changes)
    made = market.submitted(count)
    market.sandbox.at(DEADLINE)
    return market, made


def release_all(market: Market, made: Submitted) -> None:
    for firm, bid, receipt in made:
        firm.said(market.opening, "releases", firm.release_statement(market.opening, receipt, bid))


def readout_of(firm: Firm, opening: str) -> Readout:
    reply = firm.call("GET", f"/v1/openings/{opening}/readout").json()
    return read_readout(b64decode(reply["readout"]), opening, reply["table_sha256"])


def test_the_whole_opening(new_market: NewMarket) -> None:
    market = new_market(3)
    made = market.submitted(3)
    opening = market.opening
    anchors = (Certificate.from_pem((market.sandbox.trust / "ca.pem").read_bytes()),)
    identity = Certificate.from_pem((market.sandbox.trust / "identity.pem").read_bytes())
    market.sandbox.at(DEADLINE - timedelta(minutes=30))
    for firm, _, receipt in made:
        statement = firm.signed(firm.sign_in_statement(opening, receipt))
        acknowledged = firm.said(opening, "sign-ins", statement)
        head = check_acknowledgement(b64decode(acknowledged["proof"]), opening, statement, anchors, identity)
        assert (head.seq, head.head) == (acknowledged["seq"], acknowledged["head"])
    market.sandbox.at(DEADLINE)
    assert made[0][0].room(opening)["total"] == 3
    release_all(market, made)
    market.sandbox.at(DEADLINE + timedelta(minutes=1))
    room = made[0][0].room(opening)
    assert room["state"] == "read-out"
    readout = readout_of(made[0][0], opening)
    assert [row.price_fen for row in readout.rows] == [98_000_000, 98_000_001, 98_000_002]
    for firm, bid, receipt in made:
        row = next(row for row in readout.rows if row.bidder == firm.uscc)
        check_row(row, bid.signed.manifest, bid.signed.manifest_sha256, "price")
        firm.said(opening, "confirmations", firm.confirm_statement(opening, receipt))
    assert made[0][0].room(opening)["state"] == "objection"
    objection = made[1][0].objection_statement(opening, made[1][2], "解密顺序有异议")
    made[1][0].said(opening, "objections", objection)
    market.sandbox.at(DEADLINE + timedelta(hours=1))
    firm = made[2][0]
    assert firm.room(opening)["state"] == "closed"
    assert types_of(firm, opening) == [
        "opening-scheduled",
        *["signed-in"] * 3,
        "list-announced",
        "decrypting",
        *["released"] * 3,
        "window-closed",
        *["opened"] * 3,
        "readout",
        *["confirmed"] * 3,
        "objected",
        "closed",
    ]
    states = {view["state"] for view in _mine(market, made)}
    assert states == {"confirmed", "objected"}


def _mine(market: Market, made: Submitted) -> list[dict[str, Any]]:
    return [firm.call("GET", f"/v1/submissions/{receipt['submission']}").json() for firm, _, receipt in made]


def test_before_the_opening_nobody_can_count_the_bidders(new_market: NewMarket) -> None:
    market = new_market(3)
    made = market.submitted(3)
    opening, (watcher, _, _) = market.opening, made[2]
    market.sandbox.at(DEADLINE - timedelta(minutes=10))
    before = watcher.room(opening)
    for firm, _, receipt in made[:2]:
        acknowledged = firm.said(opening, "sign-ins", firm.sign_in_statement(opening, receipt))
        assert acknowledged["seq"] == before["head_seq"]
    after = watcher.room(opening)
    for room in (before, after):
        room.pop("server_time")
    assert before == after
    assert (after["total"], after["released"]) == (0, 0)
    assert types_of(watcher, opening) == ["opening-scheduled"]
    market.sandbox.at(DEADLINE)
    told = events_of(watcher, opening)
    assert [event.type for event in told].count("signed-in") == 2
    announced = next(event for event in told if event.type == "list-announced")
    assert announced.data["total"] == 3


def test_fewer_than_three_bidders_and_there_is_no_opening(new_market: NewMarket) -> None:
    market, made = opened_market(new_market, 2)
    firm, bid, receipt = made[0]
    assert firm.room(market.opening)["state"] == "failed"
    assert types_of(firm, market.opening)[-2:] == ["list-announced", "failed"]
    assert firm.call("GET", f"/v1/lots/{market.lot}").json()["state"] == "failed"
    answer = firm.say(
        f"/v1/openings/{market.opening}/releases", firm.release_statement(market.opening, receipt, bid)
    )
    assert code_of(answer) == "decrypt-window-closed"
    assert [view["state"] for view in _mine(market, made)] == ["locked"] * 2


def test_sign_in_has_its_times(new_market: NewMarket) -> None:
    market = new_market(3)
    made = market.submitted(3)
    opening, (firm, _, receipt) = market.opening, made[0]
    path = f"/v1/openings/{opening}/sign-ins"
    assert code_of(firm.say(path, firm.sign_in_statement(opening, receipt))) == "not-yet"
    market.sandbox.at(DEADLINE + timedelta(minutes=5))
    late = firm.said(opening, "sign-ins", firm.sign_in_statement(opening, receipt))
    assert events_of(firm, opening)[-1].seq == late["seq"]
    assert code_of(firm.say(path, firm.sign_in_statement(opening, receipt))) == "wrong-state"
    market.sandbox.at(DEADLINE + timedelta(minutes=45))
    other, _, theirs = made[1]
    assert code_of(other.say(path, other.sign_in_statement(opening, theirs))) == "wrong-state"


def test_the_same_release_gets_the_same_answer_even_after_a_lost_reply(new_market: NewMarket) -> None:
    market, made = opened_market(new_market)
    firm, bid, receipt = made[0]
    path = f"/v1/openings/{market.opening}/releases"
    statement = firm.signed(firm.release_statement(market.opening, receipt, bid))
    market.sandbox.fault("drop-after-commit")
    with pytest.raises(requests.exceptions.ConnectionError):
        firm.say(path, statement, "release-key")
    answers = [firm.say(path, statement, "release-key"), firm.say(path, statement), firm.say(path, statement)]
    assert len({answer.content for answer in answers}) == 1
    assert types_of(firm, market.opening).count("released") == 1
    newer = firm.release_statement(market.opening, receipt, bid)
    assert code_of(firm.say(path, newer)) == "already-released"
    market.sandbox.at(DEADLINE + timedelta(hours=2))
    assert firm.say(path, statement).content == answers[0].content


def test_a_lost_reply_to_a_confirmation_is_found_again(new_market: NewMarket) -> None:
    market, made = opened_market(new_market)
    release_all(market, made)
    firm, _, receipt = made[0]
    path = f"/v1/openings/{market.opening}/confirmations"
    firm.room(market.opening)
    statement = firm.signed(firm.confirm_statement(market.opening, receipt))
    market.sandbox.fault("drop-after-commit")
    with pytest.raises(requests.exceptions.ConnectionError):
        firm.say(path, statement)
    answer = firm.say(path, statement)
    assert answer.status_code == 201
    assert types_of(firm, market.opening).count("confirmed") == 1


def test_only_the_right_key_for_this_very_bid_is_taken(new_market: NewMarket) -> None:
    market, made = opened_market(new_market)
    opening, (firm, bid, receipt), (other, theirs, their_receipt) = market.opening, made[0], made[1]
    path = f"/v1/openings/{opening}/releases"
    certificate = market.sandbox.world.authority.opening.certificate
    context = release_context(firm.network, opening, receipt["submission"], market.lot, firm.uscc)
    wrong_key = b64encode(wrap_release(secrets.token_bytes(32), certificate, context)).decode()
    true = firm.release_statement(opening, receipt, bid)
    swapped = other.release_statement(opening, their_receipt, theirs).wrapped_key
    assert code_of(firm.say(path, msgspec.structs.replace(true, wrapped_key=wrong_key))) == "key-mismatch"
    assert code_of(firm.say(path, msgspec.structs.replace(true, wrapped_key=swapped))) == "unwrap-failed"
    assert code_of(firm.say(path, msgspec.structs.replace(true, wrapped_key="AAAA"))) == "unwrap-failed"
    assert code_of(firm.say(path, msgspec.structs.replace(true, wrapped_key="?"))) == "unwrap-failed"
    assert code_of(firm.say(path, msgspec.structs.replace(true, nonce="n"))) == "nonce-invalid"
    for name in ("opening", "receipt_sha256", "opening_certificate_sha256"):
        changed = msgspec.structs.replace(true, **{name: "0" * 64})
        assert code_of(firm.say(path, changed)) == "statement-mismatch"
    stolen = other.signed(msgspec.structs.replace(true, bidder=other.uscc))
    assert code_of(other.say(path, stolen)) == "not-yours"
    assert code_of(firm.say(path, other.signed(true))) == "cert-not-bound"
    assert firm.room(opening)["released"] == 0
    firm.said(opening, "releases", true)
    assert firm.room(opening)["released"] == 1


def test_guessing_is_limited(new_market: NewMarket) -> None:
    market, made = opened_market(new_market)
    firm, bid, receipt = made[0]
    path = f"/v1/openings/{market.opening}/releases"
    wrong = firm.release_statement(market.opening, receipt, bid, wrapped_key="AAAA")
    codes = [code_of(firm.say(path, wrong)) for _ in range(12)]
    assert codes == ["unwrap-failed"] * 10 + ["rate-limited"] * 2


def test_who_does_not_release_is_read_out_as_such(new_market: NewMarket) -> None:
    market, made = opened_market(new_market, 4)
    release_all(market, made[:3])
    silent = made[3][0]
    statement = silent.release_statement(market.opening, made[3][2], made[3][1])
    market.sandbox.at(DEADLINE + timedelta(minutes=30))
    answer = silent.say(f"/v1/openings/{market.opening}/releases", statement)
    assert code_of(answer) == "decrypt-window-closed"
    rows = {row.bidder: row for row in readout_of(silent, market.opening).rows}
    assert rows[silent.uscc].state == "not-released"
    event = next(event for event in events_of(silent, market.opening) if event.type == "not-released")
    assert (event.data["cause"], event.data["treated_as"]) == ("bidder", "视为撤销")
    market.sandbox.at(DEADLINE + timedelta(minutes=41))
    assert types_of(silent, market.opening)[-3:] == ["confirmed-by-silence"] * 3
    assert [view["state"] for view in _mine(market, made)] == ["confirmed-by-silence"] * 3 + ["not-released"]


def test_pausing_keeps_the_time_that_is_left_and_extending_gives_more(new_market: NewMarket) -> None:
    market, made = opened_market(new_market)
    opening, (firm, bid, receipt) = market.opening, made[0]
    path = f"/v1/openings/{opening}/releases"
    market.sandbox.at(DEADLINE + timedelta(minutes=10))
    market.sandbox.control(f"openings/{opening}/pause", {})
    market.sandbox.at(DEADLINE + timedelta(hours=5))
    assert firm.room(opening)["state"] == "paused"
    assert code_of(firm.say(path, firm.release_statement(opening, receipt, bid))) == "paused"
    market.sandbox.control(f"openings/{opening}/resume", {})
    left = DEADLINE + timedelta(hours=5, minutes=20)
    assert firm.room(opening)["decrypt_until"] == instant_text(left)
    market.sandbox.control(f"openings/{opening}/extend", {"minutes": 5})
    market.sandbox.at(left + timedelta(minutes=5) - timedelta(milliseconds=1))
    firm.said(opening, "releases", firm.release_statement(opening, receipt, bid))
    market.sandbox.at(left + timedelta(minutes=5))
    assert firm.room(opening)["state"] == "read-out"
    assert types_of(firm, opening)[3:6] == ["paused", "resumed", "extended"]


def test_joint_control_needs_the_tenderers_share(new_market: NewMarket) -> None:
    market, made = opened_market(new_market, 3, policy="all")
    assert made[0][1].sealed.header.policy == "all"
    release_all(market, made)
    assert {row.state for row in readout_of(made[0][0], market.opening).rows} == {"opened"}


def test_a_bid_whose_bytes_never_came_fails_alone(new_market: NewMarket) -> None:
    until = instant_text(DEADLINE + timedelta(minutes=20))
    market = new_market(3, submission="hash-first", upload_until=until)
    made = []
    for number, firm in enumerate(market.firms):
        bid = market.bid(firm)
        firm.register(market.lot)
        view = firm.create(market.lot, bid.stub).json()
        if number:
            firm.upload(view, bid.sealed.path)
        made.append((firm, bid, firm.finalize(view, bid.stub).json()))
    market.sandbox.at(DEADLINE)
    release_all(market, made)
    assert made[0][0].room(market.opening)["state"] == "decrypting"
    market.sandbox.at(DEADLINE + timedelta(minutes=20))
    rows = readout_of(made[0][0], market.opening).rows
    assert [row.state for row in rows] == ["failed", "opened", "opened"]


def test_a_mismatch_is_an_objection(new_market: NewMarket) -> None:
    market, made = opened_market(new_market)
    release_all(market, made)
    firm, _, receipt = made[0]
    firm.room(market.opening)
    wrong = firm.confirm_statement(market.opening, receipt)
    path = f"/v1/openings/{market.opening}/confirmations"
    lie = msgspec.structs.replace(wrong, table_sha256="0" * 64)
    assert code_of(firm.say(path, lie)) == "statement-mismatch"
    firm.said(market.opening, "confirmations", firm.confirm_statement(market.opening, receipt, "mismatch"))
    assert events_of(firm, market.opening)[-1].type == "objected"


def test_who_was_silent_may_still_object(new_market: NewMarket) -> None:
    market, made = opened_market(new_market)
    release_all(market, made)
    firm, _, receipt = made[0]
    firm.room(market.opening)
    assert market.sandbox.control(f"openings/{market.opening}/advance", {})["state"] == "objection"
    assert {view["state"] for view in _mine(market, made)} == {"confirmed-by-silence"}
    firm.said(market.opening, "objections", firm.objection_statement(market.opening, receipt, "计时有误"))
    assert [view["state"] for view in _mine(market, made)] == ["objected", *["confirmed-by-silence"] * 2]


def test_an_opening_that_cannot_go_on_stops_no_other(
    new_market: NewMarket, caplog: pytest.LogCaptureFixture
) -> None:
    broken, market = new_market(1), new_market(3)
    made = market.submitted(3)
    with market.sandbox.world.database.writing():
        market.sandbox.world.database.run("DELETE FROM tenders WHERE lot = ?", broken.lot)
    market.sandbox.at(DEADLINE)
    release_all(market, made)
    assert made[0][0].room(market.opening)["state"] == "read-out"
    assert broken.opening in caplog.text


def test_a_revoked_certificate_releases_nothing(new_market: NewMarket) -> None:
    market, made = opened_market(new_market)
    firm, bid, receipt = made[0]
    market.sandbox.control(f"certificates/{firm.keys.signing_cert.sha256}/revoke", {})
    answer = firm.say(
        f"/v1/openings/{market.opening}/releases", firm.release_statement(market.opening, receipt, bid)
    )
    assert code_of(answer) == "cert-revoked"


def test_long_poll_and_push_tell_the_same(new_market: NewMarket) -> None:
    market, made = opened_market(new_market)
    firm, bid, receipt = made[0]
    opening = market.opening
    seq = firm.room(opening)["head_seq"]
    with firm.call(
        "GET", f"/v1/openings/{opening}/events", stream=True, headers={"Last-Event-ID": "1"}
    ) as push:
        lines = push.iter_lines()
        assert push.headers["Content-Type"].startswith("text/event-stream")
        statement = firm.release_statement(opening, receipt, bid)
        other = Firm(firm.url, firm.keys, firm.now)
        other.http.headers["Authorization"] = firm.http.headers["Authorization"]
        other.said(opening, "releases", statement)
        page = other.call("GET", f"/v1/openings/{opening}/log?after={seq}&wait=5").json()
        assert [event["type"] for event in page["events"]] == ["released"]
        pushed: list[Event] = []
        while len(pushed) < page["head_seq"] - 1:
            line = next(lines).decode()
            if line.startswith("data: "):
                pushed.append(msgspec.json.decode(line.removeprefix("data: "), type=Event))
    assert pushed == events_of(firm, opening)[1:]


def test_a_clarification_may_move_the_deadline_and_the_opening(new_market: NewMarket) -> None:
    market = new_market(1)
    firm, later = market.firms[0], DEADLINE + timedelta(days=1)
    answer = market.sandbox.control(
        f"lots/{market.lot}/amend", {"change_summary": "延期", "deadline": instant_text(later)}
    )
    assert answer["tender_version"] == 2
    market.sandbox.at(DEADLINE + timedelta(hours=1))
    room = firm.room(market.opening)
    assert (room["state"], room["opening_at"]) == ("scheduled", instant_text(later))
    assert types_of(firm, market.opening) == ["opening-scheduled", "extended"]


def test_the_host_can_end_a_step(new_market: NewMarket) -> None:
    market, made = opened_market(new_market)
    release_all(market, made[:2])
    skipped = market.sandbox.control(f"openings/{market.opening}/advance", {"step": "objection"})["state"]
    assert skipped not in ("objection", "closed")
    states = [market.sandbox.control(f"openings/{market.opening}/advance", {})["state"] for _ in range(3)]
    assert states == ["read-out", "objection", "closed"]
    row = readout_of(made[2][0], market.opening).rows[2]
    assert row.state == "not-released"


def test_a_failure_of_the_platform_counts_as_withdrawal(new_market: NewMarket) -> None:
    market, made = opened_market(new_market)
    release_all(market, made[:2])
    market.sandbox.fault("platform-fault")
    market.sandbox.at(DEADLINE + timedelta(minutes=31))
    market.sandbox.fault("platform-fault", 0)
    event = next(event for event in events_of(made[0][0], market.opening) if event.type == "not-released")
    assert (event.data["cause"], event.data["treated_as"]) == ("platform", "视为撤回")
