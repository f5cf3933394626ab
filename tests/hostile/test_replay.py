"""Whatever was said once, said again: to the same place, elsewhere, by another, after it was taken back."""

import msgspec
import requests

from bidclient.stages.opened import SignInStatement
from bidclient.stages.submitted import FinalizeStatement, WithdrawStatement, login_statement, read_statement
from tests.sandbox.conftest import DEADLINE, NewMarket
from tests.support.firms import Firm, code_of


def state_of(firm: Firm, submission: str) -> str:
    """The state of a submission, as its bidder sees it."""
    return str(firm.call("GET", f"/v1/submissions/{submission}").json()["state"])


def test_a_login_counts_once_and_for_its_network_only(new_market: NewMarket) -> None:
    firm = new_market(1).firms[0]
    path = "/v1/login/certificate"

    def nonce() -> str:
        return str(firm.call("POST", "/v1/challenges", json={}).json()["nonce"])

    said = firm.signed(login_statement(firm.network, nonce()))
    assert firm.say(path, said).status_code == 200
    assert code_of(firm.say(path, said)) == "nonce-invalid"
    assert code_of(firm.say(path, login_statement(firm.network, "n" * 43))) == "nonce-invalid"
    elsewhere = login_statement("other-net", nonce())
    assert code_of(firm.say(path, elsewhere)) == "statement-mismatch"


def test_a_finalize_statement_counts_for_one_submission_of_one_bidder(new_market: NewMarket) -> None:
    market = new_market(2)
    firm, rival = market.firms
    first, second = market.bid(firm), market.bid(firm)
    receipt = firm.submit(market.lot, first)
    view = firm.create(market.lot, second.stub).json()
    firm.upload(view, second.sealed.path)
    old = firm.finalize_statement(receipt_view(firm, receipt), first.stub)
    path = f"/v1/submissions/{view['id']}/finalize"
    assert code_of(firm.say(path, old)) == "statement-mismatch"
    assert code_of(rival.say(path, old)) == "not-yours"
    assert state_of(firm, view["id"]) == "uploaded"
    assert state_of(firm, receipt["submission"]) == "sealed"
    assert firm.finalize(view, second.stub).status_code == 200
    superseded = f"/v1/submissions/{receipt['submission']}/finalize"
    assert firm.say(superseded, old).json()["receipt"] == receipt["receipt"]
    assert state_of(firm, receipt["submission"]) == "superseded"
    assert state_of(firm, view["id"]) == "sealed"


def test_a_withdrawn_bid_does_not_come_back(new_market: NewMarket) -> None:
    market = new_market(1)
    firm = market.firms[0]
    bid = market.bid(firm)
    firm.register(market.lot)
    view = firm.create(market.lot, bid.stub).json()
    firm.upload(view, bid.sealed.path)
    said = firm.finalize_statement(view, bid.stub)
    finalize, withdraw = (f"/v1/submissions/{view['id']}/{verb}" for verb in ("finalize", "withdraw"))
    receipt = firm.say(finalize, said).json()
    taken_back = firm.withdraw_statement(receipt)
    assert firm.say(withdraw, taken_back).status_code == 200
    assert code_of(firm.say(finalize, said)) == "wrong-state"
    assert state_of(firm, view["id"]) == "withdrawn"
    again = market.bid(firm)
    receipt = firm.submit(market.lot, again)
    other = f"/v1/submissions/{receipt['submission']}/withdraw"
    assert code_of(firm.say(other, taken_back)) == "statement-mismatch"
    assert firm.say(withdraw, taken_back).json()["submission"] == view["id"]
    assert state_of(firm, receipt["submission"]) == "sealed"


def receipt_view(firm: Firm, receipt: dict[str, object]) -> dict[str, object]:
    """The submission of a receipt."""
    view: dict[str, object] = firm.call("GET", f"/v1/submissions/{receipt['submission']}").json()
    return view


def test_a_stub_of_another_company_opens_no_submission(new_market: NewMarket) -> None:
    market = new_market(2)
    firm, rival = market.firms
    bid = market.bid(firm)
    rival.register(market.lot)
    assert code_of(rival.create(market.lot, bid.stub)) == "cert-not-bound"


def test_what_is_said_in_an_opening_counts_there_once_and_for_one_thing(new_market: NewMarket) -> None:
    market = new_market(3)
    made = market.submitted(3)
    (firm, bid, receipt), (rival, _, theirs) = made[0], made[1]
    market.sandbox.at(DEADLINE)
    room = f"/v1/openings/{market.opening}"
    said = firm.signed(firm.sign_in_statement(market.opening, receipt))
    first = firm.say(f"{room}/sign-ins", said)
    again = firm.say(f"{room}/sign-ins", said)
    assert (first.status_code, again.content) == (201, first.content)
    assert code_of(firm.say(f"{room}/releases", said)) == "statement-mismatch"
    assert code_of(rival.say(f"{room}/sign-ins", said)) == "cert-not-bound"
    old, _ = read_statement(said, SignInStatement)
    used = msgspec.structs.replace(firm.release_statement(market.opening, receipt, bid), nonce=old.nonce)
    assert code_of(firm.say(f"{room}/releases", used)) == "nonce-invalid"
    for_rival = rival.sign_in_statement(market.opening, theirs)
    assert code_of(firm.say(f"{room}/sign-ins", for_rival)) == "not-yours"
    as_rival = msgspec.structs.replace(firm.sign_in_statement(market.opening, receipt), bidder=rival.uscc)
    assert code_of(firm.say(f"{room}/sign-ins", as_rival)) == "statement-mismatch"
    elsewhere = new_market(1)
    assert elsewhere.opening != market.opening
    assert code_of(firm.say(f"/v1/openings/{elsewhere.opening}/sign-ins", said)) == "statement-mismatch"
    released = firm.say(f"{room}/releases", firm.release_statement(market.opening, receipt, bid))
    assert released.status_code == 201
    again = firm.say(f"{room}/releases", firm.release_statement(market.opening, receipt, bid))
    assert code_of(again) == "already-released"
    events = firm.call("GET", f"{room}/log").json()["events"]
    types = [event["type"] for event in events]
    assert (types.count("signed-in"), types.count("released")) == (1, 1)


def test_nothing_of_another_company_can_be_seen_or_touched(new_market: NewMarket) -> None:
    market = new_market(2)
    firm, rival = market.firms
    bid = market.bid(firm)
    receipt = firm.submit(market.lot, bid)
    view = receipt_view(firm, receipt)
    said = rival.signed(read_statement(firm.finalize_statement(view, bid.stub), FinalizeStatement)[0])
    submission, upload = f"/v1/submissions/{view['id']}", str(view["upload_url"])
    tus = {"Tus-Resumable": "1.0.0"}
    answers: list[requests.Response] = [
        rival.call("GET", submission),
        rival.call("GET", f"{submission}/receipt"),
        rival.say(f"{submission}/finalize", said),
        rival.say(
            f"{submission}/withdraw",
            rival.signed(read_statement(firm.withdraw_statement(receipt), WithdrawStatement)[0]),
        ),
        rival.call("DELETE", upload, headers=tus),
        rival.patch(upload, 0, b"x"),
    ]
    assert {code_of(answer) for answer in answers} == {"not-yours"}
    assert rival.call("HEAD", upload, headers=tus).status_code == 403
    mine = rival.call("GET", f"/v1/lots/{market.lot}/submissions/mine").json()
    assert mine == {"submissions": []}
