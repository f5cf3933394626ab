"""A proxy that loses an answer has refused nothing: what was signed is kept, and sent again to the byte."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from threading import Event as Signal

import msgspec
import pytest

from bidclient.errors import ArtefactLocked, DeadlinePassed, Rejected
from bidclient.formats.instant import parse_instant
from bidclient.stages.chain import Event
from bidclient.stages.opened import ObjectionStatement
from bidclient.stages.submitted import read_statement
from bidclient.store.bids import BidFolder
from bidclient.store.journal import Journal
from tests.support.desks import Bidder, soft_desk
from tests.support.gateway import Gateway, gateway
from tests.support.journey import hall
from tests.support.sandbox import Sandbox


@dataclass
class Behind:
    """A bidder who reaches the sandbox through a proxy only."""

    bidder: Bidder
    proxy: Gateway


@pytest.fixture
def behind(lone_bidder: Bidder, own_sandbox: Sandbox) -> Iterator[Behind]:
    network = lone_bidder.settings.network
    assert network is not None
    with gateway(own_sandbox.url) as proxy:
        settings = msgspec.structs.replace(
            lone_bidder.settings, network=msgspec.structs.replace(network, address=proxy.url)
        )
        with soft_desk(settings) as desk:
            yield Behind(replace(lone_bidder, settings=settings, desk=desk), proxy)


def test_a_finalize_whose_answer_a_proxy_lost_is_repeated(behind: Behind) -> None:
    bidder, lot = behind.bidder, behind.bidder.lot()
    folder = bidder.sealed(lot)
    behind.proxy.lost = "/finalize"
    with pytest.raises(Rejected) as caught:
        bidder.desk.submitting.submit(folder, bidder.signing, bidder.ask)
    assert (caught.value.problem, caught.value.status) == ("http-504", 504)
    (statement,) = BidFolder.open(folder).records.statements("finalize")
    said = statement.read_bytes()
    assert Journal(folder / "journal.jsonl").latest("finalize-refused") is None
    with pytest.raises(ArtefactLocked):
        bidder.desk.preparing.set_fields(folder, {"bidder.phone": "0934-7654321"})
    behind.proxy.lost = ""
    done = bidder.desk.submitting.submit(folder, bidder.signing, bidder.ask)
    assert done.kind == "submission"
    assert [path.read_bytes() for path in BidFolder.open(folder).records.statements("finalize")] == [said]


def test_a_release_whose_answer_a_proxy_lost_is_repeated(behind: Behind) -> None:
    bidder, lot = behind.bidder, behind.bidder.lot()
    folder = bidder.submitted(lot)
    with hall(bidder.sandbox, lot, folder / "tender.tender") as room:
        room.sign_in_time()
        bidder.desk.opening.sign_in(folder, bidder.signing, bidder.ask)
        room.begin()
        behind.proxy.lost = "/releases"
        with pytest.raises(Rejected):
            bidder.desk.opening.release(folder, bidder.signing, bidder.ask)
        behind.proxy.lost = ""
        statement = (folder / "opening" / "release.p7s").read_bytes()
        assert bidder.desk.preparing.status(folder).stage == "submitted"
        bidder.desk.opening.release(folder, bidder.signing, bidder.ask)
        assert (folder / "opening" / "release.p7s").read_bytes() == statement
        assert bidder.desk.preparing.status(folder).stage == "opened"


def test_another_objection_does_not_swallow_one_whose_answer_was_lost(behind: Behind) -> None:
    bidder, lot = behind.bidder, behind.bidder.lot()
    folder = bidder.submitted(lot)
    with hall(bidder.sandbox, lot, folder / "tender.tender") as room:
        room.sign_in_time()
        bidder.desk.opening.sign_in(folder, bidder.signing, bidder.ask)
        room.begin()
        objected = partial(bidder.desk.opening.object, folder, bidder.signing, bidder.ask, "procedure")
        behind.proxy.lost = "/objections"
        with pytest.raises(Rejected):
            objected("第一项异议")
        behind.proxy.lost = ""
        second = objected("第二项异议")
        events: list[Event] = []
        bidder.desk.opening.watch(folder, bidder.signing, bidder.ask, events.append, until="objected")
    mine = [event for event in events if event.type == "objected"]
    assert len(mine) == 2
    assert mine[-1].seq == second.seq
    proofs = set(folder.rglob("*acknowledgement-objection.p7s"))
    statements = set(folder.rglob("*objection.p7s")) - proofs
    kept = {read_statement(path.read_bytes(), ObjectionStatement)[0].text for path in statements}
    assert (kept, len(proofs)) == ({"第一项异议", "第二项异议"}, 2)


def test_who_watches_is_in_nobodys_way(behind: Behind) -> None:
    bidder, lot = behind.bidder, behind.bidder.lot()
    folder = bidder.submitted(lot)
    with hall(bidder.sandbox, lot, folder / "tender.tender") as room, ThreadPoolExecutor(1) as pool:
        room.sign_in_time()
        bidder.desk.opening.sign_in(folder, bidder.signing, bidder.ask)
        room.begin()
        seen: list[Event] = []
        watching = Signal()

        def note(event: Event) -> None:
            seen.append(event)
            watching.set()

        watch = pool.submit(
            bidder.desk.opening.watch, folder, bidder.signing, bidder.ask, note, until="released"
        )
        assert watching.wait(30)
        said = bidder.desk.opening.release(folder, bidder.signing, bidder.ask)
        assert watch.result(60)[-1].type == "released"
    lines = (folder / "opening" / "chain.jsonl").read_bytes().count(b"\n")
    assert lines >= said.seq


def test_a_withdrawal_that_was_refused_is_not_repeated(behind: Behind) -> None:
    bidder = behind.bidder
    folder = bidder.submitted(bidder.lot())
    bidder.sandbox.set_clock(parse_instant(bidder.desk.preparing.status(folder).deadline))
    with pytest.raises(DeadlinePassed):
        bidder.desk.submitting.withdraw(folder, bidder.signing, bidder.ask)
    assert BidFolder.open(folder).records.statements("withdraw") == []
    assert Journal(folder / "journal.jsonl").latest("withdraw-refused") is not None
    assert bidder.desk.preparing.status(folder).stage == "submitted"
