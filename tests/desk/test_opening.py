"""The opening from the bidder's seat: wrong keys are found at home, lost replies harm nobody."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from bidclient.desk import Desk, build
from bidclient.errors import (
    ArtefactLocked,
    BadChain,
    Mismatch,
    OpeningClosed,
    Unreachable,
    WrongKey,
)
from bidclient.formats.instant import parse_instant
from bidclient.sandbox.competitors import Competitors
from bidclient.sandbox.pki import BidderKeys
from bidclient.stages.opened import ReleaseStatement
from bidclient.stages.submitted import read_statement
from bidclient.store.settings import Settings
from tests.support.desks import PIN, Bidder
from tests.support.sandbox import Sandbox

ALL_RETRIES = 10


@dataclass
class Room:
    """A bid that is in, with two others, and every means to open it."""

    bidder: Bidder
    desk: Desk
    folder: Path
    second: BidderKeys
    code: Path
    competitors: Competitors

    def at_opening(self) -> None:
        """Everybody signs in, then the clock moves to the opening."""
        opening_at = parse_instant(self.desk.preparing.status(self.folder).opening_at)
        self.bidder.sandbox.set_clock(opening_at - timedelta(minutes=5))
        self.desk.opening.sign_in(self.folder, self.bidder.signing, self.bidder.ask, "代理人")
        self.competitors.sign_in_all()
        self.bidder.sandbox.set_clock(opening_at + timedelta(seconds=1))

    def state(self) -> str:
        """The state of the opening."""
        (lot,) = self.bidder.sandbox.control("state")["lots"]
        return str(lot["opening_state"])

    def end_step(self) -> None:
        """The running step of the opening ends."""
        (lot,) = self.bidder.sandbox.control("state")["lots"]
        self.bidder.sandbox.control(f"openings/{lot['opening']}/advance", {"step": lot["opening_state"]})


@pytest.fixture
def room(lone_bidder: Bidder, own_sandbox: Sandbox, tmp_path: Path) -> Iterator[Room]:
    bidder, lot = lone_bidder, lone_bidder.lot()
    folder = bidder.signed(lot)
    mine = bidder.keys.signing_cert
    second = own_sandbox.issue(mine.common_name, mine.uscc or "")
    _, pfx = second.write(tmp_path / "second", "second", PIN)
    settings = Settings(network=bidder.settings.network, pfx_files=(*bidder.settings.pfx_files, str(pfx)))
    with ExitStack() as stack:
        desk = stack.enter_context(build(settings))
        lock, code = second.encryption_cert.sha256, tmp_path / "code.txt"
        desk.sealing.seal(folder, bidder.signing, bidder.ask, second_lock=lock, recovery_file=code)
        desk.submitting.submit(folder, bidder.signing, bidder.ask)
        others = stack.enter_context(Competitors(own_sandbox.url, own_sandbox.data, (lot,), 2))
        others.submit_all()
        yield Room(bidder, desk, folder, second, code, others)


def released_by(folder: Path) -> str:
    """The method in the release statement."""
    return read_statement((folder / "opening" / "release.p7s").read_bytes(), ReleaseStatement)[0].method


def test_the_whole_opening(room: Room) -> None:
    desk, folder, key, ask = room.desk, room.folder, room.bidder.signing, room.bidder.ask
    room.at_opening()
    said = desk.opening.release(folder, key, ask)
    assert (released_by(folder), said.detail) == ("key", "key")
    assert desk.preparing.status(folder).stage == "opened"
    assert desk.opening.release(folder, key, ask).seq == said.seq
    with pytest.raises(ArtefactLocked):
        desk.preparing.set_fields(folder, {"bidder.phone": "0934-1"})
    room.competitors.release_all()
    confirmed = desk.opening.confirm(folder, key, ask)
    assert len(confirmed.readout.rows) == 3
    assert confirmed.own_row.price_fen == desk.preparing.status(folder).price_fen
    room.competitors.confirm_all()
    objected = desk.opening.object(folder, key, ask, "procedure", "测试异议")
    assert objected.seq > confirmed.said.seq
    while room.state() != "closed":
        room.end_step()
    events = desk.opening.watch(folder, key, ask, lambda _event: None)
    assert events[-1].type == "closed"
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    lines = (folder / "opening" / "chain.jsonl").read_bytes().count(b"\n")
    assert lines == len(events)


def test_the_second_lock_releases(room: Room) -> None:
    room.at_opening()
    folder, key, ask = room.folder, room.bidder.signing, room.bidder.ask
    said = room.desk.opening.release(folder, key, ask, room.second.encryption_cert.sha256)
    assert said.detail == released_by(folder) == "second-lock"


def test_the_recovery_code_releases(room: Room) -> None:
    room.at_opening()
    text = room.code.read_text("ascii")
    said = room.desk.opening.release_with_code(room.folder, room.bidder.signing, room.bidder.ask, text)
    assert said.detail == released_by(room.folder) == "recovery-code"
    room.competitors.release_all()
    assert len(room.desk.opening.confirm(room.folder, room.bidder.signing, room.bidder.ask).readout.rows) == 3


def test_a_wrong_key_is_found_without_the_network(room: Room, tmp_path: Path) -> None:
    mine = room.bidder.keys.signing_cert
    other = room.bidder.sandbox.issue(mine.common_name, mine.uscc or "")
    _, pfx = other.write(tmp_path / "other", "other", PIN)
    assert isinstance(room.bidder.sandbox, Sandbox)
    room.bidder.sandbox.kill()
    settings = Settings(
        network=room.bidder.settings.network, pfx_files=(*room.bidder.settings.pfx_files, str(pfx))
    )
    with build(settings) as desk:
        with pytest.raises(WrongKey):
            desk.opening.release(
                room.folder, room.bidder.signing, room.bidder.ask, other.encryption_cert.sha256
            )
        with pytest.raises(Unreachable):
            desk.opening.release(room.folder, room.bidder.signing, room.bidder.ask)


def test_before_the_opening_nothing_is_released(room: Room) -> None:
    folder, key, ask = room.folder, room.bidder.signing, room.bidder.ask
    with pytest.raises(OpeningClosed):
        room.desk.opening.release(folder, key, ask)
    assert not (folder / "opening" / "release.p7s").exists()
    assert room.desk.preparing.status(folder).stage == "submitted"
    with pytest.raises(OpeningClosed):
        room.desk.opening.confirm(folder, key, ask)


def test_a_lost_answer_to_the_release_is_found_by_the_next_try(room: Room) -> None:
    room.at_opening()
    folder, key, ask = room.folder, room.bidder.signing, room.bidder.ask
    room.bidder.sandbox.fault("drop-after-commit", ALL_RETRIES)
    with pytest.raises(Unreachable):
        room.desk.opening.release(folder, key, ask)
    room.bidder.sandbox.fault("drop-after-commit", 0)
    statement = (folder / "opening" / "release.p7s").read_bytes()
    said = room.desk.opening.release(folder, key, ask)
    assert (folder / "opening" / "release.p7s").read_bytes() == statement
    room.competitors.release_all()
    room.desk.opening.confirm(folder, key, ask)
    chain = (folder / "opening" / "chain.jsonl").read_text("utf-8").splitlines()
    own = [line for line in chain if '"type":"released"' in line and said.submission in line]
    assert len(own) == 1


def test_a_rewritten_chain_is_an_alarm(room: Room) -> None:
    room.at_opening()
    path = room.folder / "opening" / "chain.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"opening-scheduled"', b'"opening-schedulex"'))
    with pytest.raises(BadChain):
        room.desk.opening.look(room.folder, room.bidder.signing, room.bidder.ask)


def test_a_row_that_is_not_ours_is_not_confirmed(room: Room, tmp_path: Path) -> None:
    folder, key, ask = room.folder, room.bidder.signing, room.bidder.ask
    room.at_opening()
    room.desk.opening.release(folder, key, ask)
    room.competitors.release_all()
    other = tmp_path / "other"
    shutil.copytree(
        folder, other, ignore=shutil.ignore_patterns("opening", "receipt*", "statements", "bid.*")
    )
    room.desk.preparing.set_fields(other, {"bidder.phone": "0934-7654321"})
    room.desk.signing.pack(other)
    room.desk.signing.sign(other, key, ask)
    shutil.copyfile(other / "bid.asice", folder / "bid.asice")
    with pytest.raises(Mismatch) as caught:
        room.desk.opening.confirm(folder, key, ask)
    assert caught.value.field == "manifest_sha256"
    assert not (folder / "opening" / "confirm.p7s").exists()
