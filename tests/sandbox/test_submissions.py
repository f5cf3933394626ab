"""Submissions over HTTP: the deadline to the millisecond, one receipt, replacing, withdrawing, secrecy."""

from base64 import b64decode
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import requests

from bidclient.crypto.certificate import Certificate
from bidclient.formats.instant import instant_text
from bidclient.sandbox import host
from bidclient.stages.submitted import check_receipt, digest, read_receipt
from tests.sandbox.conftest import DEADLINE, Market, NewMarket
from tests.support.firms import Firm, code_of

MS = timedelta(milliseconds=1)


def uploaded(market: Market, firm: Firm) -> tuple[dict[str, object], bytes]:
    """A submission with all its bytes, and its stub."""
    bid = market.bid(firm)
    firm.register(market.lot)
    view = firm.create(market.lot, bid.stub).json()
    firm.upload(view, bid.sealed.path)
    return view, bid.stub


def test_a_bid_gets_a_receipt_that_the_bidder_can_verify(market: Market) -> None:
    firm = market.firms[0]
    bid = market.bid(firm)
    firm.register(market.lot)
    view = firm.create(market.lot, bid.stub).json()
    assert view["state"] == "uploading"
    assert view["size"] == bid.sealed.size
    firm.upload(view, bid.sealed.path)
    statement = firm.finalize_statement(view, bid.stub)
    reply = firm.say(f"/v1/submissions/{view['id']}/finalize", statement).json()
    anchors = (Certificate.from_pem((market.sandbox.trust / "ca.pem").read_bytes()),)
    identity = Certificate.from_pem((market.sandbox.trust / "identity.pem").read_bytes())
    verified = check_receipt(
        b64decode(reply["receipt"]),
        b64decode(reply["timestamp"]),
        bid.stub,
        [statement],
        anchors,
        anchors,
        identity,
        deadline=market.tender.deadline,
        before=None,
    )
    assert verified.receipt.submission == view["id"]
    assert verified.receipt.replaces is None
    assert b64decode(reply["pdf"]).startswith(b"%PDF-")
    assert reply["state"] == "sealed"


def test_one_millisecond_early_is_in_time(market: Market) -> None:
    view, stub = uploaded(market, market.firms[0])
    market.sandbox.at(DEADLINE - MS)
    answer = market.firms[0].finalize(view, stub)
    assert answer.status_code == 200
    receipt = read_receipt(b64decode(answer.json()["receipt"])).receipt
    assert receipt.received_at < receipt.deadline
    assert receipt.received_at.endswith("59.999+08:00")


def test_equal_is_late_and_so_is_a_millisecond_more(market: Market) -> None:
    firm = market.firms[0]
    view, stub = uploaded(market, firm)
    for moment in (DEADLINE, DEADLINE + MS):
        market.sandbox.world.clock.set(moment, 0)
        answer = firm.finalize(view, stub)
        assert answer.status_code == 403
        assert code_of(answer) == "deadline-passed"
        assert answer.json()["deadline"] == market.tender.deadline


def test_the_fault_late_by_1_ms_counts_as_late(market: Market) -> None:
    view, stub = uploaded(market, market.firms[0])
    market.sandbox.fault("late-by-1-ms")
    assert code_of(market.firms[0].finalize(view, stub)) == "deadline-passed"
    assert market.firms[0].finalize(view, stub).status_code == 200


def test_nothing_can_be_created_or_withdrawn_after_the_deadline(market: Market) -> None:
    firm = market.firms[0]
    receipt = firm.submit(market.lot, market.bid(firm))
    statement = firm.withdraw_statement(receipt)
    bid = market.bid(firm)
    market.sandbox.world.clock.set(DEADLINE, 0)
    assert code_of(firm.create(market.lot, bid.stub)) == "deadline-passed"
    # Whether or not the host has locked the bid meanwhile.
    for _ in range(2):
        answer = firm.say(f"/v1/submissions/{receipt['submission']}/withdraw", statement)
        assert code_of(answer) == "deadline-passed"
        host.advance(market.sandbox.world, host.PATIENCE)


def test_forty_finalizes_at_once_give_one_receipt(market: Market) -> None:
    firm = market.firms[0]
    view, stub = uploaded(market, firm)
    statements = [firm.finalize_statement(view, stub) for _ in range(40)]
    assert len({digest(statement) for statement in statements}) > 1

    def post(statement: bytes) -> requests.Response:
        other = Firm(firm.url, firm.keys, firm.now)
        other.http.headers["Authorization"] = firm.http.headers["Authorization"]
        return other.say(f"/v1/submissions/{view['id']}/finalize", statement)

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(post, statements))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["receipt"] for answer in answers}) == 1
    assert market.sandbox.world.database.number("SELECT COUNT(*) FROM receipts") == 1


def test_a_lost_reply_to_create_and_finalize_is_found_again(market: Market) -> None:
    firm = market.firms[0]
    bid = market.bid(firm)
    firm.register(market.lot)
    market.sandbox.fault("drop-after-commit", 1)
    lost = []
    try:
        firm.create(market.lot, bid.stub, "key-1")
    except requests.exceptions.ConnectionError as error:
        lost.append(error)
    again = firm.create(market.lot, bid.stub, "key-1")
    assert len(lost) == 1
    assert again.headers["Idempotency-Replayed"] == "true"
    view = again.json()
    firm.upload(view, bid.sealed.path)
    statement = firm.finalize_statement(view, bid.stub)
    market.sandbox.fault("drop-after-commit", 1)
    try:
        firm.say(f"/v1/submissions/{view['id']}/finalize", statement, "key-2")
    except requests.exceptions.ConnectionError as error:
        lost.append(error)
    assert len(lost) == 2
    market.sandbox.world.clock.set(DEADLINE + timedelta(minutes=1), 0)
    path = f"/v1/submissions/{view['id']}/finalize"
    replayed = firm.say(path, statement, "key-2")
    by_content = firm.say(path, statement)
    newer = firm.finalize(firm.call("GET", f"/v1/submissions/{view['id']}").json(), bid.stub)
    assert [answer.status_code for answer in (replayed, by_content, newer)] == [200, 200, 200]
    assert len({answer.json()["receipt"] for answer in (replayed, by_content, newer)}) == 1
    mine = firm.call("GET", f"/v1/lots/{market.lot}/submissions/mine").json()["submissions"]
    assert len(mine) == 1


def test_a_replacement_supersedes_in_the_same_moment(market: Market) -> None:
    firm = market.firms[0]
    first = firm.submit(market.lot, market.bid(firm))
    second = firm.submit(market.lot, market.bid(firm))
    receipt = read_receipt(b64decode(second["receipt"])).receipt
    assert receipt.replaces == first["submission"]
    assert receipt.previous_receipt_sha256 == digest(b64decode(first["receipt"]))
    mine = firm.call("GET", f"/v1/lots/{market.lot}/submissions/mine").json()["submissions"]
    assert [view["state"] for view in mine] == ["sealed", "superseded"]


def test_withdrawing_gives_a_receipt_and_room_for_another_bid(market: Market) -> None:
    firm = market.firms[0]
    bid = market.bid(firm)
    receipt = firm.submit(market.lot, bid)
    path = f"/v1/submissions/{receipt['submission']}/withdraw"
    statement = firm.withdraw_statement(receipt)
    withdrawn = firm.say(path, statement)
    assert withdrawn.status_code == 200
    content = read_receipt(b64decode(withdrawn.json()["receipt"])).receipt
    assert (content.kind, content.previous_receipt_sha256) == (
        "withdrawal",
        digest(b64decode(receipt["receipt"])),
    )
    assert firm.say(path, statement).json() == withdrawn.json()
    assert firm.submit(market.lot, bid)["submission"] != receipt["submission"]


def test_bytes_must_be_complete_and_the_promised_ones(market: Market) -> None:
    firm = market.firms[0]
    bid = market.bid(firm)
    firm.register(market.lot)
    view = firm.create(market.lot, bid.stub).json()
    data = bytearray(bid.sealed.path.read_bytes())
    assert firm.patch(view["upload_url"], 0, bytes(data[:4500])).status_code == 204
    answer = firm.finalize(view, bid.stub)
    assert code_of(answer) == "upload-incomplete"
    assert answer.json()["offset"] == 4500
    data[-1] ^= 1
    assert firm.patch(view["upload_url"], 4500, bytes(data[4500:])).status_code == 204
    assert code_of(firm.finalize(view, bid.stub)) == "digest-mismatch"


def test_a_head_other_than_the_stubs_is_refused_while_it_arrives(market: Market) -> None:
    firm = market.firms[0]
    bid = market.bid(firm)
    firm.register(market.lot)
    view = firm.create(market.lot, bid.stub).json()
    data = bytearray(bid.sealed.path.read_bytes())
    data[100] ^= 1
    answer = firm.patch(view["upload_url"], 0, bytes(data))
    assert code_of(answer) == "digest-mismatch"
    assert firm.call("GET", f"/v1/submissions/{view['id']}").json()["offset"] == 0
    data[100] ^= 1
    assert firm.patch(view["upload_url"], 0, bytes(data)).status_code == 204
    assert firm.finalize(view, bid.stub).status_code == 200


def test_only_registered_firms_open_submissions(market: Market) -> None:
    firm = market.firms[0]
    bid = market.bid(firm)
    assert code_of(firm.create(market.lot, bid.stub)) == "not-registered"
    assert code_of(firm.call("GET", f"/v1/lots/{market.lot}/registrations/mine")) == "not-registered"
    first, second = firm.register(market.lot).json(), firm.register(market.lot).json()
    assert first == second
    assert firm.call("GET", f"/v1/lots/{market.lot}/registrations/mine").json() == first


def test_nobody_touches_anothers_submission(new_market: NewMarket) -> None:
    market = new_market(2)
    owner, other = market.firms
    bid = market.bid(owner)
    receipt = owner.submit(market.lot, bid)
    other.register(market.lot)
    path = f"/v1/submissions/{receipt['submission']}"
    view = owner.call("GET", path).json()
    tus = {"Tus-Resumable": "1.0.0"}
    answers = [
        other.call("GET", path),
        other.call("GET", f"{path}/receipt"),
        other.finalize(view, bid.stub),
        other.patch(view["upload_url"], 0, b"x"),
        other.call("DELETE", view["upload_url"], headers=tus),
    ]
    assert [code_of(answer) for answer in answers] == ["not-yours"] * 5
    assert code_of(other.create(market.lot, bid.stub)) == "cert-not-bound"
    assert other.call("GET", f"/v1/lots/{market.lot}/submissions/mine").json() == {"submissions": []}


def test_a_stub_must_be_for_this_lot_and_the_tender_in_force(new_market: NewMarket) -> None:
    market, elsewhere = new_market(1), new_market(1)
    firm = market.firms[0]
    bid = market.bid(firm)
    firm.register(elsewhere.lot)
    assert code_of(firm.create(elsewhere.lot, bid.stub)) == "statement-mismatch"
    firm.register(market.lot)
    view = firm.create(market.lot, bid.stub).json()
    firm.upload(view, bid.sealed.path)
    market.sandbox.control(f"lots/{market.lot}/amend", {"change_summary": "工期由120天改为150天"})
    assert code_of(firm.finalize(view, bid.stub)) == "stale-documents"
    assert code_of(firm.create(market.lot, market.bid(firm).stub)) == "stale-documents"
    assert code_of(firm.create(market.lot, b"not a stub")) == "bad-stub"


def test_a_statement_must_fit_and_its_nonce_counts_once(market: Market) -> None:
    firm = market.firms[0]
    view, stub = uploaded(market, firm)
    path = f"/v1/submissions/{view['id']}/finalize"
    wrong_nonce = firm.finalize_statement({**view, "nonce": "n"}, stub)
    assert code_of(firm.say(path, wrong_nonce)) == "nonce-invalid"
    other_id = firm.finalize_statement({**view, "id": "S" + "0" * 32}, stub)
    assert code_of(firm.say(path, other_id)) == "statement-mismatch"
    damaged = bytearray(firm.finalize_statement(view, stub))
    damaged[-1] ^= 1
    assert code_of(firm.say(path, bytes(damaged))) in ("bad-signature", "statement-mismatch")
    assert firm.finalize(view, stub).status_code == 200


def test_hash_first_takes_the_stub_before_and_the_bytes_after_the_deadline(new_market: NewMarket) -> None:
    until = DEADLINE + timedelta(minutes=20)
    market = new_market(3, submission="hash-first", upload_until=instant_text(until))
    made = []
    for firm in market.firms:
        bid = market.bid(firm)
        firm.register(market.lot)
        view = firm.create(market.lot, bid.stub).json()
        assert firm.finalize(view, bid.stub).status_code == 200
        made.append((firm, bid, view))
    market.sandbox.at(DEADLINE + timedelta(minutes=1))
    for firm, bid, view in made:
        firm.upload(view, bid.sealed.path)
        assert firm.call("GET", f"/v1/submissions/{view['id']}").json()["state"] == "locked"
    market.sandbox.world.clock.set(until, 0)
    assert code_of(made[0][0].patch(made[0][2]["upload_url"], 0, b"x")) == "deadline-passed"


def test_the_keys_of_requests_are_kept(market: Market) -> None:
    firm = market.firms[0]
    path, body = f"/v1/lots/{market.lot}/registrations", {"contact": "甲", "phone": "1"}
    first = firm.post(path, body, "k")
    again = firm.post(path, body, "k")
    assert first.json() == again.json()
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert code_of(firm.post(path, {"contact": "乙", "phone": "1"}, "k")) == "idempotency-key-reused"
    assert code_of(firm.call("POST", path, json=body)) == "idempotency-key-missing"
