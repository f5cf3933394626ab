"""What can go wrong on the way, and that it is told, changes nothing, and can be mended."""

import json
import shutil
import threading
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
import requests

from bidclient.crypto.cms import sign_attached
from bidclient.desk import Desk
from bidclient.errors import (
    BadReceipt,
    DeadlinePassed,
    IntegrityProblem,
    NotRehearsed,
    StaleTender,
    Untrusted,
)
from bidclient.formats import canonical
from bidclient.formats.instant import parse_instant
from bidclient.network.clock import system_now
from bidclient.sandbox.samples import sample_bid
from bidclient.stages.submitted import read_receipt
from bidclient.store.bids import BidFolder
from tests.support.desks import Bidder, make_bidder, soft_desk
from tests.support.journey import heavy, logged_in, other_keys, submissions
from tests.support.loopback import Answer, Asked, answering
from tests.support.pki import Authority
from tests.support.sandbox import Sandbox

NOT_FORWARDED = {"connection", "content-length", "host", "transfer-encoding"}


@pytest.fixture
def bidder(sandbox: Sandbox, tmp_path: Path) -> Iterator[Bidder]:
    """A bidder of the sandbox."""
    made = make_bidder(tmp_path, sandbox, "construction")
    with made.desk:
        yield made


def test_a_bid_whose_rehearsal_is_gone_is_not_submitted(bidder: Bidder) -> None:
    lot = bidder.lot()
    bid = bidder.sealed(lot)
    (bid / "rehearsal.json").unlink()
    with pytest.raises(NotRehearsed):
        bidder.desk.submitting.submit(bid, bidder.signing, bidder.ask)
    (bid / "rehearsal.json").write_bytes(b"{}")
    with pytest.raises(NotRehearsed):
        bidder.desk.submitting.submit(bid, bidder.signing, bidder.ask)
    assert submissions(bidder, lot) == []
    bidder.desk.sealing.rehearse(bid, None, bidder.ask)
    assert bidder.desk.submitting.submit(bid, bidder.signing, bidder.ask).kind == "submission"


def test_a_bid_that_was_touched_behind_its_rehearsal_is_not_sent(bidder: Bidder) -> None:
    lot = bidder.lot()
    bid = bidder.sealed(lot)
    sealed = bid / "bid.sealed"
    content = sealed.read_bytes()
    sealed.write_bytes(content[:-100] + bytes([content[-100] ^ 1]) + content[-99:])
    with pytest.raises(IntegrityProblem):
        bidder.desk.submitting.submit(bid, bidder.signing, bidder.ask)
    assert submissions(bidder, lot) == []
    sealed.write_bytes(content)
    assert bidder.desk.submitting.submit(bid, bidder.signing, bidder.ask).kind == "submission"


@pytest.mark.parametrize("verb", ["pack", "sign", "seal", "submit"])
def test_a_newer_tender_stops_every_verb(bidder: Bidder, verb: str) -> None:
    """The newer version has come, the draft has not been carried over: a kill may leave it so."""
    lot = bidder.lot()
    bid = bidder.sealed(lot)
    bidder.sandbox.control(f"lots/{lot}/amend", {"change_summary": "第一次澄清"})
    newer = bidder.folder / "newer.tender"
    bidder.desk.hall.download_tender(lot, newer, bidder.signing, bidder.ask)
    shutil.copy(newer, bid / "tender.tender")
    desk, key, ask = bidder.desk, bidder.signing, bidder.ask
    verbs: dict[str, Callable[[], object]] = {
        "pack": lambda: desk.signing.pack(bid),
        "sign": lambda: desk.signing.sign(bid, key, ask),
        "seal": lambda: desk.sealing.seal(bid, key, ask),
        "submit": lambda: desk.submitting.submit(bid, key, ask),
    }
    with pytest.raises(StaleTender) as caught:
        verbs[verb]()
    assert (caught.value.bid_version, caught.value.tender_version) == (1, 2)
    assert submissions(bidder, lot) == []
    status = desk.preparing.import_tender(bid, newer)
    assert (status.stage, status.tender_version) == ("draft", 2)
    desk.signing.pack(bid)


def test_a_bid_against_a_clarified_tender_is_made_again(bidder: Bidder) -> None:
    lot = bidder.lot()
    bid = bidder.sealed(lot)
    desk, key, ask = bidder.desk, bidder.signing, bidder.ask
    bidder.sandbox.control(f"lots/{lot}/amend", {"change_summary": "第一次澄清"})
    with pytest.raises(StaleTender):
        desk.submitting.submit(bid, key, ask)
    newer = bidder.folder / "newer.tender"
    desk.hall.download_tender(lot, newer, key, ask)
    assert desk.preparing.import_tender(bid, newer).tender_version == 2
    desk.signing.pack(bid)
    desk.signing.sign(bid, key, ask)
    desk.sealing.seal(bid, key, ask)
    receipt = desk.submitting.submit(bid, key, ask)
    assert [view.receipt_no for view in submissions(bidder, lot)] == [receipt.receipt_no]


def test_while_a_bid_is_replaced_exactly_one_is_in_force(bidder: Bidder) -> None:
    lot = bidder.lot()
    bid = bidder.submitted(lot)
    desk, key, ask = bidder.desk, bidder.signing, bidder.ask
    _with_heavy_document(bidder)
    desk.signing.pack(bid)
    desk.signing.sign(bid, key, ask)
    desk.sealing.seal(bid, key, ask)
    seen: list[list[str]] = []
    over = threading.Event()

    def look() -> None:
        with logged_in(bidder) as network:
            while not over.is_set():
                seen.append([view.state for view in network.submissions.mine(lot)])

    observer = threading.Thread(target=look)
    bidder.sandbox.fault("slow", 0.02)
    observer.start()
    try:
        desk.submitting.submit(bid, key, ask)
    finally:
        over.set()
        observer.join()
    assert {states.count("sealed") for states in seen} == {1}
    assert ["uploading", "sealed"] in seen
    assert [view.state for view in submissions(bidder, lot)] == ["sealed", "superseded"]


def test_a_bid_goes_out_and_in_again(bidder: Bidder) -> None:
    lot = bidder.lot()
    bid = bidder.submitted(lot)
    desk, key, ask = bidder.desk, bidder.signing, bidder.ask
    first = desk.preparing.status(bid).receipt_no
    assert desk.submitting.withdraw(bid, key, ask).kind == "withdrawal"
    status = desk.preparing.status(bid)
    assert (status.stage, status.receipt_no) == ("sealed", None)
    assert [view.state for view in submissions(bidder, lot)] == ["withdrawn"]
    again = desk.submitting.submit(bid, key, ask)
    assert again.receipt_no != first
    assert desk.preparing.status(bid).receipt_no == again.receipt_no
    assert [view.state for view in submissions(bidder, lot)] == ["sealed", "withdrawn"]
    assert len(BidFolder.open(bid).records.receipts()) == 3


def test_the_deadline_passes_while_the_bytes_are_on_their_way(bidder: Bidder) -> None:
    lot = bidder.lot()
    bid = bidder.drafted(lot)
    desk, key, ask = bidder.desk, bidder.signing, bidder.ask
    _with_heavy_document(bidder)
    desk.signing.pack(bid)
    desk.signing.sign(bid, key, ask)
    desk.sealing.seal(bid, key, ask)
    deadline = parse_instant(desk.preparing.status(bid).deadline)
    progressed: list[int] = []

    def progress(step: str, done: int, total: int) -> None:
        if step == "upload" and 0 < done < total and not progressed:
            progressed.append(done)
            bidder.sandbox.set_clock(deadline + timedelta(seconds=1))

    with pytest.raises(DeadlinePassed):
        desk.submitting.submit(bid, key, ask, progress)
    assert progressed
    _not_submitted(bidder)
    assert not any(view.receipt_no for view in submissions(bidder, lot))


def test_the_deadline_passes_before_the_bid_is_final(bidder: Bidder) -> None:
    lot = bidder.lot()
    bid = bidder.sealed(lot)
    deadline = parse_instant(bidder.desk.preparing.status(bid).deadline)

    def progress(step: str, done: int, total: int) -> None:
        if step == "upload" and done == total:
            bidder.sandbox.set_clock(deadline)

    with pytest.raises(DeadlinePassed):
        bidder.desk.submitting.submit(bid, bidder.signing, bidder.ask, progress)
    _not_submitted(bidder)
    assert not any(view.receipt_no for view in submissions(bidder, lot))


Tamper = Callable[[dict[str, str], Bidder], None]


def of_a_stranger(reply: dict[str, str], bidder: Bidder) -> None:
    """The same receipt, signed by somebody else whom the authority knows."""
    content = canonical.dumps(read_receipt(b64decode(reply["receipt"])).receipt)
    keys, _ = other_keys(bidder, bidder.folder / "stranger", "陇右别家有限公司", "91629999TBX000028U")
    forged = sign_attached(content, keys.signer(), system_now())
    reply["receipt"] = b64encode(forged).decode()


def with_another_time(reply: dict[str, str], _: Bidder) -> None:
    """A time-stamp in which one byte is another."""
    token = bytearray(b64decode(reply["timestamp"]))
    token[-40] ^= 1
    reply["timestamp"] = b64encode(token).decode()


def with_another_content(reply: dict[str, str], _: Bidder) -> None:
    """A receipt that was received a day earlier."""
    receipt = b64decode(reply["receipt"])
    place = receipt.index(b'"received_at":"') + len(b'"received_at":"') + 3
    reply["receipt"] = b64encode(receipt[:place] + b"0" + receipt[place + 1 :]).decode()


def with_no_paper(reply: dict[str, str], _: Bidder) -> None:
    """No PDF."""
    reply["pdf"] = b64encode(b"<html>").decode()


@pytest.mark.parametrize("tamper", [of_a_stranger, with_another_time, with_another_content, with_no_paper])
def test_a_receipt_that_was_changed_on_its_way_is_an_alarm(bidder: Bidder, tamper: Tamper) -> None:
    lot = bidder.lot()
    bid = bidder.sealed(lot)
    with _line(bidder, tamper) as desk, pytest.raises(IntegrityProblem) as caught:
        desk.submitting.submit(bid, bidder.signing, bidder.ask)
    assert caught.value.exit_code == 5
    _not_submitted(bidder)
    # Over an honest line the next run finds the receipt that the network has given all along.
    receipt = bidder.desk.submitting.submit(bid, bidder.signing, bidder.ask)
    assert [view.receipt_no for view in submissions(bidder, lot)] == [receipt.receipt_no]
    assert bidder.desk.preparing.status(bid).stage == "submitted"


def test_the_receipt_of_another_bid_is_an_alarm(bidder: Bidder) -> None:
    kept: dict[str, str] = {}

    def keep(reply: dict[str, str], _: Bidder) -> None:
        kept.update(reply)

    def swap(reply: dict[str, str], _: Bidder) -> None:
        reply.update(kept)

    other = make_bidder(bidder.folder / "other", bidder.sandbox, "construction")
    with other.desk:
        other.sealed(other.lot())
        with _line(other, keep) as desk:
            desk.submitting.submit(other.bid, other.signing, other.ask)
    bid = bidder.sealed(bidder.lot())
    with _line(bidder, swap) as desk, pytest.raises(BadReceipt):
        desk.submitting.submit(bid, bidder.signing, bidder.ask)
    _not_submitted(bidder)


def test_a_network_of_another_root_is_not_spoken_to(bidder: Bidder, tmp_path: Path) -> None:
    bid = bidder.sealed(bidder.lot())
    (tmp_path / "other.pem").write_bytes(Authority.root("别处的根证书").certificate.pem)
    network = bidder.settings.network
    assert network is not None
    trusting = msgspec.structs.replace(network, trust=(str(tmp_path / "other.pem"),))
    settings = msgspec.structs.replace(bidder.settings, network=trusting)
    with soft_desk(settings) as desk, pytest.raises(Untrusted):
        desk.submitting.submit(bid, bidder.signing, bidder.ask)
    _not_submitted(bidder)


def _with_heavy_document(bidder: Bidder) -> None:
    """A document so big that its bid travels in more than one piece."""
    document = sample_bid(bidder.sample).documents[0]
    path = heavy(document.path, bidder.folder / "heavy.pdf", 9 * 1024 * 1024)
    bidder.desk.preparing.add(bidder.bid, document.part, [path], document.name)
    bidder.stamp()


def _not_submitted(bidder: Bidder) -> None:
    """The folder says so everywhere."""
    status = bidder.desk.preparing.status(bidder.bid)
    assert (status.stage, status.receipt_no, status.in_force) == ("sealed", None, None)
    folder = BidFolder.open(bidder.bid)
    assert folder.journal.latest("submitted") is None
    assert folder.records.receipts() == []
    assert not (bidder.bid / "receipt.json").exists()


@contextmanager
def _line(bidder: Bidder, tamper: Tamper) -> Iterator[Desk]:
    """A desk whose line to the network leads past somebody who changes receipts."""
    address = bidder.sandbox.url

    def pass_on(asked: Asked) -> Answer:
        headers = {name: value for name, value in asked.headers.items() if name.lower() not in NOT_FORWARDED}
        reply = requests.request(
            asked.method, address + asked.path, data=asked.body, headers=headers, timeout=30
        )
        told = {name: value for name, value in reply.headers.items() if name.lower() not in NOT_FORWARDED}
        body = reply.content
        if reply.ok and asked.path.endswith(("/finalize", "/receipt")):
            receipt = reply.json()
            tamper(receipt, bidder)
            body = json.dumps(receipt).encode()
        return Answer(reply.status_code, body, told)

    with answering(pass_on) as (line, _):
        network = bidder.settings.network
        assert network is not None
        tapped = msgspec.structs.replace(network, address=line)
        with soft_desk(msgspec.structs.replace(bidder.settings, network=tapped)) as desk:
            yield desk
