"""A platform that turns against its bidders, and what the bidder's desk makes of it."""

import dataclasses
from base64 import b64decode
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from bidclient.ask import Nobody, PinState
from bidclient.crypto.private_key import PrivateKey
from bidclient.errors import BadChain, BadReceipt, BadSignature, Mismatch, Untrusted
from bidclient.formats import canonical
from bidclient.formats.instant import instant_text, parse_instant
from bidclient.keys.soft import SoftKey
from bidclient.network.clock import system_now
from bidclient.sandbox import host
from bidclient.sandbox.competitors import Competitors
from bidclient.sandbox.pki import issue_bidder
from bidclient.sandbox.rooms import find_opening
from bidclient.sandbox.unsealing import unseal_all
from bidclient.sandbox.world import World
from bidclient.stages.opened import Readout
from bidclient.stages.submitted import read_receipt
from tests.sandbox.conftest import DEADLINE, NewMarket
from tests.support.desks import PIN, Bidder, make_bidder
from tests.support.pki import Authority
from tests.support.sandbox import local_sandbox


@dataclasses.dataclass(frozen=True)
class Table:
    """A bidder, and the inside of the platform in front of it."""

    bidder: Bidder
    world: World

    def swap(self, name: str, key: PrivateKey) -> None:
        """Give the platform another key for its `identity` or its `opening`."""
        self.world.authority = dataclasses.replace(self.world.authority, **{name: key})  # type: ignore[arg-type]

    def another(self) -> SoftKey:
        """The signing key of some company that this authority knows."""
        return issue_bidder(self.world.data, "另一家有限公司", "91629999TBX000028U", "p-256").signer()

    def another_opener(self) -> SoftKey:
        """An encryption key of the same kind."""
        return issue_bidder(self.world.data, "另一家有限公司", "91629999TBX000028U", "p-256").opener()


@pytest.fixture
def table(tmp_path: Path) -> Iterator[Table]:
    with local_sandbox(tmp_path / "data", system_now()) as sandbox:
        bidder = make_bidder(tmp_path, sandbox)
        with bidder.desk:
            yield Table(bidder, sandbox.world)


def test_an_opening_key_that_is_not_the_tenders_gets_no_secret(table: Table) -> None:
    bidder, desk = table.bidder, table.bidder.desk
    folder = bidder.submitted(bidder.lot())
    table.swap("opening", table.another_opener())
    with pytest.raises(Mismatch) as caught:
        desk.opening.release(folder, bidder.signing, bidder.ask)
    assert caught.value.field == "opening_certificate"
    assert not (folder / "opening" / "release.p7s").exists()
    assert table.world.database.number("SELECT COUNT(*) FROM statements") == 0


class Distracted(Nobody):
    """A person during whose typing of the PIN, after the greeting, something happens."""

    def __init__(self, happens: Callable[[], None]) -> None:
        super().__init__(PIN)
        self._happens = happens

    def pin(self, label: str, state: PinState) -> bytes:
        """The PIN."""
        self._happens()
        return super().pin(label, state)


def test_a_receipt_by_another_hand_is_an_alarm_and_no_receipt(table: Table) -> None:
    """The stranger's certificate is of the same authority, and takes the platform's place in the middle."""
    bidder, desk = table.bidder, table.bidder.desk
    folder = bidder.sealed(bidder.lot())
    stranger = table.another()
    ask = Distracted(lambda: table.swap("identity", stranger))
    with pytest.raises(BadReceipt) as caught:
        desk.submitting.submit(folder, bidder.signing, ask)
    assert "另一家有限公司" in str(caught.value.reason)
    assert desk.preparing.status(folder).receipt_no is None
    assert not list(folder.glob("receipt*"))


def test_a_tender_that_a_bidder_signed_is_not_the_networks(table: Table) -> None:
    bidder = table.bidder
    true = table.world.authority.identity
    table.swap("identity", table.another())
    lot = bidder.lot()
    table.swap("identity", true)
    out = bidder.folder / "forged.tender"
    with pytest.raises(BadSignature) as caught:
        bidder.desk.hall.download_tender(lot, out, bidder.signing, bidder.ask)
    assert "not by the network" in caught.value.reason
    assert not list(bidder.folder.glob("forged*"))


def test_a_platform_of_another_authority_is_not_trusted(table: Table, tmp_path: Path) -> None:
    stranger = Authority.root("bidclient sandbox 假冒", 1002).issue("signing", "p-256", 17, name="交易网")
    table.swap("identity", stranger)
    with pytest.raises(Untrusted):
        table.bidder.desk.hall.log_in(table.bidder.signing, table.bidder.ask)


def test_another_certificate_of_the_authority_is_not_the_pinned_network(table: Table) -> None:
    table.swap("identity", table.another())
    with pytest.raises(Untrusted) as caught:
        table.bidder.desk.hall.log_in(table.bidder.signing, table.bidder.ask)
    assert "pinned" in caught.value.reason


def test_a_deadline_that_the_tender_does_not_name_is_an_alarm(table: Table) -> None:
    """The platform gives itself an hour more than it announced."""
    bidder, database = table.bidder, table.world.database
    lot = bidder.lot()
    folder = bidder.sealed(lot)
    tender = table.world.tender(table.world.lot(lot)).parsed
    later = instant_text(parse_instant(tender.deadline) + timedelta(hours=1))
    changed = msgspec.json.encode(msgspec.structs.replace(tender, deadline=later))
    with database.writing():
        database.run("UPDATE tenders SET tender = ? WHERE lot = ?", changed, lot)
    with pytest.raises(BadReceipt) as caught:
        bidder.desk.submitting.submit(folder, bidder.signing, bidder.ask)
    assert tender.deadline in str(caught.value.reason)
    assert bidder.desk.preparing.status(folder).receipt_no is None


def test_a_replacement_that_forgets_what_it_replaces_is_an_alarm(table: Table) -> None:
    bidder, desk, database = table.bidder, table.bidder.desk, table.world.database
    folder = bidder.submitted(bidder.lot())
    number = desk.preparing.status(folder).receipt_no
    desk.preparing.set_fields(folder, {"bidder.phone": "0934-7654321"})
    desk.signing.pack(folder)
    desk.signing.sign(folder, bidder.signing, bidder.ask)
    desk.sealing.seal(folder, bidder.signing, bidder.ask)
    with database.writing():
        database.run("UPDATE submissions SET state = 'expired' WHERE state = 'sealed'")
    with pytest.raises(BadReceipt) as caught:
        desk.submitting.submit(folder, bidder.signing, bidder.ask)
    assert "replaces None" in str(caught.value.reason)
    assert desk.preparing.status(folder).receipt_no == number


def test_a_readout_that_was_not_announced_to_everybody_is_not_confirmed(table: Table) -> None:
    """The platform shows us a table, true in our row, that it has not put into the chain."""
    bidder, desk, world = table.bidder, table.bidder.desk, table.world
    lot = bidder.lot()
    folder = bidder.submitted(lot)
    with Competitors(bidder.sandbox.url, bidder.sandbox.data, (lot,), 2) as others:
        others.submit_all()
        opening_at = parse_instant(desk.preparing.status(folder).opening_at)
        bidder.sandbox.set_clock(opening_at + timedelta(seconds=1))
        desk.opening.release(folder, bidder.signing, bidder.ask)
        room = find_opening(world, world.lot(lot).opening)
        rows = tuple(outcome.row for outcome in unseal_all(world, room, world.tender(world.lot(lot)).parsed))
        readout = Readout(format="bidnet/readout", version=1, opening=room.id, lot=lot, rows=rows)
        until = instant_text(opening_at + timedelta(minutes=20))
        with world.database.writing():
            world.database.run(
                "UPDATE openings SET state = 'read-out', readout = ?, confirm_until = ?, objection_until = ?",
                canonical.dumps(readout),
                until,
                until,
            )
        with pytest.raises(BadChain) as caught:
            desk.opening.confirm(folder, bidder.signing, bidder.ask)
    assert "not in the chain" in caught.value.reason
    assert not (folder / "opening" / "confirm.p7s").exists()


def test_a_bid_that_the_platform_changed_is_found_out_by_its_receipt(new_market: NewMarket) -> None:
    """Other bytes in the place of the received ones: the opening says which digest they lack."""
    market = new_market(3)
    made = market.submitted(3)
    firm, bid, receipt = made[0]
    market.sandbox.at(DEADLINE)
    world = market.sandbox.world
    upload = firm.call("GET", f"/v1/submissions/{receipt['submission']}").json()["upload_url"]
    path = world.upload_path(upload.rpartition("/")[2])
    data = bytearray(path.read_bytes())
    assert bytes(data) == bid.sealed.path.read_bytes()
    data[-1] ^= 1
    path.write_bytes(bytes(data))
    world.transfers.forget(path.name)
    for each, its_bid, its_receipt in made:
        each.said(market.opening, "releases", each.release_statement(market.opening, its_receipt, its_bid))
    host.advance(world, 60.0)
    events = firm.call("GET", f"/v1/openings/{market.opening}/log").json()["events"]
    failed = [event["data"] for event in events if event["type"] == "open-failed"]
    assert [event["submission"] for event in failed] == [receipt["submission"]]
    assert "sealed_sha256" in failed[0]["reason"]
    promised = read_receipt(b64decode(receipt["receipt"])).receipt
    assert promised.sealed_sha256 == bid.sealed.sha256
