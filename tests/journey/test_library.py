"""A bid travels from tender to opened through the desk, with a token in the socket."""

from pathlib import Path

import msgspec
import pytest

from bidclient.desk import build
from bidclient.errors import Unreachable, WrongKey
from bidclient.network.clock import system_now
from bidclient.sandbox.pki import KeyType
from bidclient.sandbox.samples import sample_bid
from bidclient.stages.opened import Readout, ReleaseStatement
from bidclient.stages.submitted import read_statement
from bidclient.store.bids import BidFolder
from tests.support.desks import Bidder, make_bidder
from tests.support.journey import attend, hall, other_keys, strays, submissions, token_bidder
from tests.support.sandbox import Sandbox, running_sandbox

RIVAL = ("陇右别家有限公司", "91629999TBX000028U")


@pytest.mark.parametrize(
    ("sample", "signing", "encryption"),
    [
        pytest.param("construction", "rsa-2048", "rsa-2048", id="upload"),
        pytest.param("goods", "rsa-2048", "rsa-2048", id="hash-first"),
        pytest.param("services", "rsa-2048", "rsa-2048", id="joint-control"),
        pytest.param("construction", "p-256", "rsa-3072", id="p-256-signs-rsa-3072-opens"),
        pytest.param("goods", "rsa-3072", "p-256", id="rsa-3072-signs-p-256-opens"),
    ],
)
def test_a_bid_travels_from_tender_to_opened(
    sandbox: Sandbox, tmp_path: Path, sample: str, signing: KeyType, encryption: KeyType
) -> None:
    bidder, _ = token_bidder(tmp_path, sandbox, sample, signing, encryption)
    desk, bid, key, ask = bidder.desk, bidder.bid, bidder.signing, bidder.ask
    with desk:
        lot = bidder.lot()
        bidder.drafted(lot)
        stages = [_stage(bidder)]
        assert desk.checking.check(bid).passed
        desk.signing.pack(bid)
        stages.append(_stage(bidder))
        desk.signing.sign(bid, key, ask)
        stages.append(_stage(bidder))
        sealed = desk.sealing.seal(bid, key, ask)
        stages.append(_stage(bidder))
        assert sealed.rehearsal is not None
        assert sealed.rehearsal.complete
        assert sealed.rehearsal.alone == (sample != "services")
        with hall(sandbox, lot, bid / "tender.tender") as room:
            submitted = desk.submitting.submit(bid, key, ask)
            assert submitted.uploaded == sealed.size
            stages.append(_stage(bidder))
            confirmed = attend(bidder, room, lambda: desk.opening.release(bid, key, ask))
            stages.append(_stage(bidder))
            assert room.state == "closed"
        assert stages == ["draft", "package", "signed", "sealed", "submitted", "opened"]
        assert confirmed.own_row.price_fen == sample_bid(sample).total_fen
        assert len(confirmed.readout.rows) == 3
        assert {row.state for row in confirmed.readout.rows} == {"opened"}
        (view,) = submissions(bidder, lot)
        assert (view.receipt_no, view.state) == (submitted.receipt_no, "confirmed")
        events = desk.opening.watch(bid, key, ask, lambda _: None)
        assert events[-1].type == "closed"
        desk.evidence.export(bid, tmp_path / "evidence")
        assert desk.evidence.verify(tmp_path / "evidence", sandbox.trust).holds
        assert desk.verifying.verify(bid).holds
    assert BidFolder.open(bid).journal.latest("confirm") is not None
    assert strays(tmp_path) == []


def test_the_second_lock_opens_when_the_first_is_lost(sandbox: Sandbox, tmp_path: Path) -> None:
    bidder = make_bidder(tmp_path, sandbox, "construction")
    second, settings = other_keys(bidder, tmp_path / "second")
    with bidder.desk:
        lot = bidder.lot()
        bidder.signed(lot)
    files = (*bidder.settings.pfx_files, *settings.pfx_files)
    with build(msgspec.structs.replace(settings, pfx_files=files), now=system_now) as both:
        both.sealing.seal(bidder.bid, bidder.signing, bidder.ask, second_lock=second.encryption_cert.sha256)
        both.submitting.submit(bidder.bid, bidder.signing, bidder.ask)
    # From here on the first lock is gone: the second one signs and opens.
    bidder.keys, bidder.desk = second, build(settings, now=system_now)
    with bidder.desk as desk, hall(sandbox, lot, bidder.bid / "tender.tender") as room:
        confirmed = attend(bidder, room, lambda: desk.opening.release(bidder.bid, bidder.signing, bidder.ask))
    assert _method(bidder) == "second-lock"
    assert _own_state(confirmed.readout, bidder) == "opened"


def test_the_recovery_code_opens_when_all_locks_are_lost(sandbox: Sandbox, tmp_path: Path) -> None:
    bidder = make_bidder(tmp_path, sandbox, "construction")
    code = tmp_path / "code.txt"
    with bidder.desk as desk:
        lot = bidder.lot()
        bidder.signed(lot)
        desk.sealing.seal(bidder.bid, bidder.signing, bidder.ask, recovery_file=code)
        desk.submitting.submit(bidder.bid, bidder.signing, bidder.ask)
    assert code.stat().st_mode & 0o777 == 0o600
    bidder.keys, settings = other_keys(bidder, tmp_path / "replacement")
    bidder.desk = build(settings, now=system_now)
    with bidder.desk as desk, hall(sandbox, lot, bidder.bid / "tender.tender") as room:

        def release() -> None:
            with pytest.raises(WrongKey):
                desk.opening.release(bidder.bid, bidder.signing, bidder.ask)
            desk.opening.release_with_code(bidder.bid, bidder.signing, bidder.ask, code.read_text("ascii"))

        confirmed = attend(bidder, room, release)
    assert _method(bidder) == "recovery-code"
    assert _own_state(confirmed.readout, bidder) == "opened"


def test_the_wrong_token_is_found_without_the_network(tmp_path: Path) -> None:
    with running_sandbox(tmp_path / "sandbox", samples="") as sandbox:
        bidder = make_bidder(tmp_path / "company", sandbox, "construction")
        with bidder.desk:
            bidder.submitted(bidder.lot())
        wrong, settings = other_keys(bidder, tmp_path / "wrong", *RIVAL)
    # The network is gone by now. Whoever asks it first hears Unreachable.
    with build(settings, now=system_now) as desk:
        with pytest.raises(WrongKey):
            desk.opening.release(
                bidder.bid, wrong.signing_cert.sha256, bidder.ask, wrong.encryption_cert.sha256
            )
        with pytest.raises(WrongKey):
            desk.opening.release(bidder.bid, wrong.signing_cert.sha256, bidder.ask)
    with build(bidder.settings, now=system_now) as desk, pytest.raises(Unreachable):
        desk.opening.release(bidder.bid, bidder.signing, bidder.ask)
    assert not (bidder.bid / "opening" / "release.p7s").exists()


def _stage(bidder: Bidder) -> str:
    return bidder.desk.preparing.status(bidder.bid).stage


def _method(bidder: Bidder) -> str:
    statement = (bidder.bid / "opening" / "release.p7s").read_bytes()
    return read_statement(statement, ReleaseStatement)[0].method


def _own_state(readout: Readout, bidder: Bidder) -> str:
    (row,) = [row for row in readout.rows if row.bidder == sample_bid(bidder.sample).bidder.uscc]
    return row.state
