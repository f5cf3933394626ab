"""Our client and the sandbox over real HTTP: from login to confirmed read-out, and through the faults."""

from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bidclient.errors import BadReceipt, DeadlinePassed, NotRegistered, OpeningClosed, Rejected, Untrusted
from bidclient.network.client import Network
from bidclient.network.opening import OpeningRoom
from bidclient.network.profile import Profile
from bidclient.network.submitting import ReceiptFiles
from bidclient.network.transport import new_idempotency_key
from bidclient.network.wire import SubmissionView
from bidclient.stages.chain import Chain
from bidclient.stages.opened import check_row
from bidclient.stages.stub import read_stub
from bidclient.stages.submitted import (
    SignedReceipt,
    check_receipt,
    digest,
    finalize_statement,
    withdraw_statement,
)
from bidclient.stages.tender import Tender, read_tender, verify_tender
from tests.support.firms import USCCS, Bid, Firm, make_bid, small_tender
from tests.support.loopback import answering, json_answer
from tests.support.sandbox import LocalSandbox, local_sandbox

NOW = datetime(2026, 12, 1, 1, 0, tzinfo=UTC)
DEADLINE = NOW + timedelta(hours=3)
ONE_MS = timedelta(milliseconds=1)
MEBIBYTE = 1024 * 1024


@dataclass
class Company:
    """A bidder: `network` is the client under test, `firm` only writes and signs statements."""

    network: Network
    firm: Firm
    tender: Tender
    folder: Path

    def log_in(self) -> None:
        at = self.network.measure_clock().now().at
        self.network.login.with_certificate(self.network.info.id, self.firm.keys.signer(), at)

    def register(self) -> None:
        self.network.hall.register(self.tender.lot.id, "李经办", "0934-8000001", new_idempotency_key())

    def bid(self, size: int = 9000) -> Bid:
        count = len(list(self.folder.glob("*"))) if self.folder.exists() else 0
        return make_bid(self.folder / f"bid-{count}", self.tender, self.firm.keys, NOW, size=size)

    def create(self, bid: Bid) -> SubmissionView:
        return self.network.submissions.create(self.tender.lot.id, bid.stub, new_idempotency_key())

    def uploaded(self, bid: Bid) -> SubmissionView:
        view = self.create(bid)
        upload = self.network.submissions.upload(view.upload_url, self.network.info.limits.max_patch)
        upload.send(bid.sealed.path, patience=20)
        return view

    def statement(self, bid: Bid, view: SubmissionView) -> bytes:
        stub = read_stub(bid.stub).stub
        return self.firm.signed(finalize_statement(stub, digest(bid.stub), view.id, view.nonce))

    def checked(self, bid: Bid, statement: bytes, files: ReceiptFiles) -> SignedReceipt:
        trusted = self.network.profile.anchors
        return check_receipt(
            files.receipt,
            files.timestamp,
            bid.stub,
            [statement],
            trusted,
            trusted,
            self.network.identity,
            deadline=self.tender.deadline,
            before=None,
        )

    def submitted(self, bid: Bid) -> tuple[SignedReceipt, ReceiptFiles]:
        view = self.uploaded(bid)
        statement = self.statement(bid, view)
        files = self.network.submissions.finalize(view.id, statement)
        return self.checked(bid, statement, files), files


@dataclass
class Market:
    """A lot in a sandbox, and companies that are logged in and registered."""

    sandbox: LocalSandbox
    companies: list[Company]
    opening: str


@pytest.fixture
def new_market(tmp_path: Path) -> Iterator[Callable[[int], Market]]:
    with ExitStack() as stack:

        def make(count: int) -> Market:
            sandbox = stack.enter_context(local_sandbox(tmp_path / "data", NOW))
            tender = sandbox.world.announce(small_tender(sandbox.world, DEADLINE), {}).tender
            anchors = sandbox.world.authority.anchors
            companies = []
            for number, uscc in enumerate(USCCS[:count]):
                network = stack.enter_context(Network(Profile(sandbox.url, "sandbox", anchors, anchors)))
                firm = Firm(sandbox.url, sandbox.issue(f"第{number}示范建设有限公司", uscc), NOW)
                stack.callback(firm.http.close)
                company = Company(network, firm.log_in(), tender, tmp_path / uscc)
                company.log_in()
                company.register()
                companies.append(company)
            return Market(sandbox, companies, sandbox.world.lot(tender.lot.id).opening)

        yield make


def test_a_bid_goes_all_the_way_from_login_to_the_confirmed_readout(
    new_market: Callable[[int], Market], tmp_path: Path
) -> None:
    market = new_market(3)
    lot, opening = market.companies[0].tender.lot.id, market.opening
    bids, replies, rooms, receipts = [], [], [], []
    for company in market.companies:
        assert lot in [item.id for item in company.network.hall.lots()]
        assert company.network.hall.registration(lot).state == "accepted"
        out = tmp_path / f"{company.firm.uscc}.tender"
        named = company.network.hall.download_tender(lot, out)
        package = verify_tender(read_tender(out), company.network.profile.anchors, NOW)
        assert (package.sha256, package.tender) == (named, company.tender)
        bids.append(company.bid())
        receipt, files = company.submitted(bids[-1])
        receipts.append(receipt)
        replies.append({"submission": files.submission, "receipt": b64encode(files.receipt).decode()})
        assert company.network.submissions.receipt(files.submission) == files
        assert files.pdf.startswith(b"%PDF")

    market.sandbox.at(DEADLINE - timedelta(minutes=30))
    signed_in = []
    for company, reply in zip(market.companies, replies, strict=True):
        company.log_in()
        rooms.append(company.network.opening(opening))
        with pytest.raises(OpeningClosed, match="not-yet"):
            rooms[-1].readout()
        signed_in.append(company.firm.signed(company.firm.sign_in_statement(opening, reply)))
        answer = rooms[-1].sign_in(signed_in[-1])
        assert rooms[-1].sign_in(signed_in[-1]) == answer
    before = rooms[0].catch_up()
    assert "signed-in" not in [event.type for event in before], "nobody may count the bidders yet"
    assert rooms[0].view().total == 0

    market.sandbox.at(DEADLINE)
    said = list(signed_in)
    for company, reply, bid, room in zip(market.companies, replies, bids, rooms, strict=True):
        company.log_in()
        said.append(company.firm.signed(company.firm.release_statement(opening, reply, bid)))
        room.release(said[-1])
    for company, reply, bid, room, receipt in zip(
        market.companies, replies, bids, rooms, receipts, strict=True
    ):
        readout = room.readout()
        row = next(row for row in readout.rows if row.submission == receipt.receipt.submission)
        check_row(row, bid.signed.manifest, bid.signed.manifest_sha256, company.tender.price.field)
        said.append(company.firm.signed(company.firm.confirm_statement(opening, reply)))
        room.confirm(said[-1])

    market.sandbox.at(DEADLINE + timedelta(days=1))
    market.companies[0].log_in()
    types = [event.type for event in rooms[0].follow(lambda: False, wait=0)]
    assert types[-1] == "closed"
    for statement in said:
        assert rooms[0].chain.recorded(digest(statement)).type in ("signed-in", "released", "confirmed")
    fresh = market.companies[0].network.opening(opening)
    fresh.catch_up()
    assert fresh.chain.head == rooms[0].chain.head


@pytest.fixture
def market(new_market: Callable[[int], Market]) -> Market:
    return new_market(1)


def test_a_replacement_and_a_withdrawal_have_receipts_of_their_own(market: Market) -> None:
    company = market.companies[0]
    first, _ = company.submitted(company.bid())
    newer = company.bid()
    second, _ = company.submitted(newer)
    assert second.receipt.replaces == first.receipt.submission
    views = company.network.submissions.mine(company.tender.lot.id)
    assert [view.state for view in views] == ["sealed", "superseded"]
    nonce = company.network.submissions.view(second.receipt.submission).nonce
    statement = company.firm.signed(withdraw_statement(second, nonce))
    files = company.network.submissions.withdraw(second.receipt.submission, statement)
    withdrawal = company.checked(newer, statement, files).receipt
    assert (withdrawal.kind, withdrawal.previous_receipt_sha256) == ("withdrawal", second.sha256)


def test_lost_replies_are_asked_again_and_give_one_submission_and_one_receipt(market: Market) -> None:
    company, bid = market.companies[0], market.companies[0].bid()
    market.sandbox.fault("drop-after-commit", 2)
    view = company.uploaded(bid)
    statement = company.statement(bid, view)
    market.sandbox.fault("drop-after-commit", 2)
    files = company.network.submissions.finalize(view.id, statement)
    company.checked(bid, statement, files)
    assert len(company.network.submissions.mine(company.tender.lot.id)) == 1
    market.sandbox.at(DEADLINE + ONE_MS)
    company.log_in()
    assert company.network.submissions.finalize(view.id, statement).receipt == files.receipt


def test_an_upload_over_a_line_that_is_reset_arrives_whole(market: Market) -> None:
    company, bid = market.companies[0], market.companies[0].bid(size=5 * MEBIBYTE)
    market.sandbox.fault("reset-every-n", 700 * 1024)
    receipt, _ = company.submitted(bid)
    assert receipt.receipt.sealed_size == bid.sealed.path.stat().st_size > 5 * MEBIBYTE


@pytest.mark.parametrize(("before", "late"), [(ONE_MS, False), (timedelta(0), True), (-ONE_MS, True)])
def test_the_deadline_is_strict_to_the_millisecond(market: Market, before: timedelta, late: bool) -> None:
    company, bid = market.companies[0], market.companies[0].bid()
    view = company.uploaded(bid)
    statement = company.statement(bid, view)
    market.sandbox.at(DEADLINE - before)
    company.log_in()
    if not late:
        files = company.network.submissions.finalize(view.id, statement)
        company.checked(bid, statement, files)
        return
    with pytest.raises(DeadlinePassed) as caught:
        company.network.submissions.finalize(view.id, statement)
    assert caught.value.deadline == company.tender.deadline


def test_an_upload_that_is_running_at_the_deadline_says_so(market: Market) -> None:
    company, bid = market.companies[0], market.companies[0].bid(size=MEBIBYTE)
    view = company.create(bid)
    market.sandbox.at(DEADLINE)
    company.log_in()
    with pytest.raises(DeadlinePassed):
        company.network.submissions.upload(view.upload_url).send(bid.sealed.path, patience=5)


def test_what_the_network_refuses_has_its_own_errors(new_market: Callable[[int], Market]) -> None:
    market = new_market(2)
    company, other = market.companies
    with pytest.raises(Rejected, match="not-found"):
        company.network.hall.lot("none")
    bid = company.bid()
    receipt, _ = company.submitted(bid)
    with pytest.raises(Rejected, match="not-yours"):
        other.network.submissions.view(receipt.receipt.submission)
    other.network.login.logout()
    with pytest.raises(Rejected, match="unauthorized"):
        other.network.submissions.view(receipt.receipt.submission)
    room: OpeningRoom = company.network.opening(market.opening, Chain(market.opening))
    assert room.view().state == "scheduled"


def test_an_unregistered_company_is_told_which_lot(market: Market) -> None:
    company = market.companies[0]
    tender = market.sandbox.world.announce(small_tender(market.sandbox.world, DEADLINE), {}).tender
    company.tender = tender
    with pytest.raises(NotRegistered) as caught:
        company.create(company.bid())
    assert caught.value.lot == tender.lot.id


def test_a_sandbox_behind_a_production_profile_is_refused(market: Market) -> None:
    anchors = market.sandbox.world.authority.anchors
    with pytest.raises(Untrusted):
        Profile("https://bid.example", "production", anchors, anchors)
    told = market.companies[0].network.info
    pretending = {name: getattr(told, name) for name in ("name", "id", "api_version", "min_client_version")}
    reply = {**pretending, "kind": "production", "identity": told.identity, "features": []}
    limits = {"max_patch": 1, "max_sealed": 1, "max_stub": 1}
    with (
        answering(lambda _: json_answer({**reply, "limits": limits})) as (address, _),
        Network(Profile(address, "sandbox", anchors, anchors)) as network,
        pytest.raises(Untrusted),
    ):
        assert network.info


def test_another_companys_receipt_is_not_taken_for_ours(new_market: Callable[[int], Market]) -> None:
    market = new_market(2)
    company, other = market.companies
    bid, foreign = company.bid(), other.bid()
    _, files = company.submitted(bid)
    view = other.uploaded(foreign)
    with pytest.raises(BadReceipt):
        other.checked(foreign, other.statement(foreign, view), files)
