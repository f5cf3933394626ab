"""Submitting: whatever is lost or killed on the way, the next run finds the truth, and a bid is in once."""

import os
import signal
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from bidclient.desk import build
from bidclient.desk.connection import Connections
from bidclient.errors import (
    ArtefactLocked,
    BadReceipt,
    DeadlinePassed,
    Mismatch,
    Unreachable,
    WrongStage,
)
from bidclient.formats.instant import parse_instant
from bidclient.network.clock import system_now
from bidclient.stages.submitted import read_receipt
from bidclient.store.bids import BidFolder
from bidclient.store.journal import Journal
from bidclient.store.settings import Settings
from tests.support.desks import PIN, Bidder, make_bidder
from tests.support.sandbox import Sandbox

ALL_RETRIES = 10
"""More than the library tries by itself."""


def submissions(bidder: Bidder, lot: str) -> list[str]:
    """The states of our submissions as the network sees them, newest first."""
    connections = Connections(bidder.settings.network, bidder.desk.keychain, system_now)
    with connections.bidder(bidder.signing, bidder.ask) as known:
        return [view.state for view in known.network.submissions.mine(lot)]


def test_a_submitted_bid_has_a_receipt_that_agrees(bidder: Bidder) -> None:
    lot = bidder.lot()
    folder = bidder.sealed(lot)
    done = bidder.desk.submitting.submit(folder, bidder.signing, bidder.ask)
    receipt = read_receipt((folder / "receipt.p7s").read_bytes()).receipt
    assert receipt.receipt_no == done.receipt_no
    assert parse_instant(done.received_at) < parse_instant(done.deadline)
    assert done.uploaded == (folder / "bid.sealed").stat().st_size
    assert (folder / "receipt.pdf").read_bytes().startswith(b"%PDF-")
    status = bidder.desk.preparing.status(folder)
    assert (status.stage, status.receipt_no) == ("submitted", done.receipt_no)
    assert submissions(bidder, lot) == ["sealed"]
    events = [entry.event for entry in Journal(folder / "journal.jsonl").entries()]
    order = ["submission-intended", "submission-created", "uploaded", "finalize-intended", "submitted"]
    assert [event for event in events if event in order] == order


def test_submitting_again_gives_the_same_receipt(bidder: Bidder) -> None:
    lot = bidder.lot()
    folder = bidder.submitted(lot)
    first = (folder / "receipt.p7s").read_bytes()
    bidder.desk.submitting.submit(folder, bidder.signing, bidder.ask)
    bidder.desk.submitting.fetch_receipt(folder, bidder.signing, bidder.ask)
    assert (folder / "receipt.p7s").read_bytes() == first
    assert len(BidFolder.open(folder).records.receipts()) == 1
    assert submissions(bidder, lot) == ["sealed"]


def test_a_lost_creation_is_found_by_the_next_run(bidder: Bidder) -> None:
    lot = bidder.lot()
    folder = bidder.sealed(lot)
    bidder.sandbox.fault("drop-after-commit", ALL_RETRIES)
    with pytest.raises(Unreachable):
        bidder.desk.submitting.submit(folder, bidder.signing, bidder.ask)
    bidder.sandbox.fault("drop-after-commit", 0)
    assert submissions(bidder, lot) == ["uploading"]
    bidder.desk.submitting.submit(folder, bidder.signing, bidder.ask)
    assert submissions(bidder, lot) == ["sealed"]


def test_a_lost_finalize_is_found_by_the_next_run(bidder: Bidder) -> None:
    lot = bidder.lot()
    folder = bidder.sealed(lot)

    def lose_what_follows(step: str, done: int, total: int) -> None:
        if step == "upload" and done == total:
            bidder.sandbox.fault("drop-after-commit", ALL_RETRIES)

    with pytest.raises(Unreachable):
        bidder.desk.submitting.submit(folder, bidder.signing, bidder.ask, lose_what_follows)
    bidder.sandbox.fault("drop-after-commit", 0)
    assert submissions(bidder, lot) == ["sealed"]
    assert bidder.desk.preparing.status(folder).stage == "sealed"
    with pytest.raises(ArtefactLocked):
        bidder.desk.preparing.set_fields(folder, {"bidder.phone": "0934-7654321"})
    done = bidder.desk.submitting.submit(folder, bidder.signing, bidder.ask)
    assert done.kind == "submission"
    assert submissions(bidder, lot) == ["sealed"]
    assert len(BidFolder.open(folder).records.receipts()) == 1


def test_the_receipt_alone_settles_a_lost_finalize(bidder: Bidder) -> None:
    folder = bidder.submitted(bidder.lot())
    for path in [*folder.glob("receipt.*"), *(folder / "receipts").rglob("receipt.*")]:
        path.unlink()
    (folder / "receipts" / "001").rmdir()
    assert bidder.desk.preparing.status(folder).stage == "sealed"
    bidder.desk.submitting.fetch_receipt(folder, bidder.signing, bidder.ask)
    assert bidder.desk.preparing.status(folder).stage == "submitted"


def test_a_killed_submit_goes_on_where_it_stopped(lone_bidder: Bidder) -> None:
    bidder = lone_bidder
    lot = bidder.lot()
    folder = bidder.sealed(lot)
    bidder.sandbox.fault("slow", 0.3)
    journal = Journal(folder / "journal.jsonl")
    command = [
        sys.executable,
        "-m",
        "bidclient",
        "submit",
        str(folder),
        "--key",
        bidder.signing,
        "--pin-stdin",
    ]
    home = {**os.environ, "BIDCLIENT_HOME": str(bidder.folder / "home")}
    with subprocess.Popen(command, stdin=subprocess.PIPE, env=home, stdout=subprocess.DEVNULL) as process:
        assert process.stdin is not None
        process.stdin.write(PIN)
        process.stdin.close()
        pause = threading.Event()
        while journal.latest("submission-created") is None:
            assert process.poll() is None
            pause.wait(0.01)
        os.kill(process.pid, signal.SIGKILL)
    bidder.sandbox.fault("slow", 0)
    assert journal.latest("submitted") is None
    done = bidder.desk.submitting.submit(folder, bidder.signing, bidder.ask)
    assert done.kind == "submission"
    assert submissions(bidder, lot) == ["sealed"]
    assert len([entry for entry in journal.entries() if entry.event == "submission-created"]) == 1


def test_a_bid_that_arrives_late_is_not_in(bidder: Bidder) -> None:
    folder = bidder.sealed(bidder.lot())
    bidder.sandbox.fault("late-by-1-ms", 1)
    with pytest.raises(DeadlinePassed):
        bidder.desk.submitting.submit(folder, bidder.signing, bidder.ask)
    bidder.sandbox.fault("late-by-1-ms", 0)
    assert bidder.desk.preparing.status(folder).stage == "sealed"
    journal = Journal(folder / "journal.jsonl")
    last = journal.latest("finalize-refused")
    assert last is not None
    assert last.data["code"] == "E-DEADLINE"
    bidder.desk.preparing.set_fields(folder, {"bidder.phone": "0934-7654321"})


def test_a_replacement_leaves_no_moment_without_a_bid(bidder: Bidder) -> None:
    lot = bidder.lot()
    folder = bidder.submitted(lot)
    first = {path.name: path.read_bytes() for path in folder.glob("bid.*")}
    number = bidder.desk.preparing.status(folder).receipt_no
    bidder.desk.preparing.set_fields(folder, {"bidder.phone": "0934-7654321"})
    status = bidder.desk.preparing.status(folder)
    assert (status.stage, status.in_force, status.receipt_no) == ("draft", "submitted/001", number)
    kept = {path.name: path.read_bytes() for path in (folder / "submitted" / "001").glob("bid.*")}
    assert kept == first
    bidder.desk.signing.pack(folder)
    bidder.desk.signing.sign(folder, bidder.signing, bidder.ask)
    bidder.desk.sealing.seal(folder, bidder.signing, bidder.ask)
    assert bidder.desk.preparing.status(folder).in_force == "submitted/001"
    done = bidder.desk.submitting.submit(folder, bidder.signing, bidder.ask)
    assert done.replaces is not None
    assert submissions(bidder, lot) == ["sealed", "superseded"]
    status = bidder.desk.preparing.status(folder)
    assert (status.stage, status.in_force, status.receipt_no) == ("submitted", None, done.receipt_no)
    assert len(BidFolder.open(folder).records.receipts()) == 2


def test_submitted_artefacts_are_not_made_again(bidder: Bidder) -> None:
    folder = bidder.submitted(bidder.lot())
    for verb in (
        lambda: bidder.desk.signing.sign(folder, bidder.signing, bidder.ask),
        lambda: bidder.desk.signing.co_sign(folder, bidder.signing, bidder.ask),
        lambda: bidder.desk.sealing.seal(folder, bidder.signing, bidder.ask),
    ):
        with pytest.raises(ArtefactLocked):
            verb()
    assert bidder.desk.preparing.status(folder).stage == "submitted"


def test_a_withdrawn_bid_can_be_submitted_again(bidder: Bidder) -> None:
    lot = bidder.lot()
    folder = bidder.submitted(lot)
    gone = bidder.desk.submitting.withdraw(folder, bidder.signing, bidder.ask)
    assert gone.kind == "withdrawal"
    status = bidder.desk.preparing.status(folder)
    assert (status.stage, status.receipt_no) == ("sealed", None)
    assert submissions(bidder, lot) == ["withdrawn"]
    with pytest.raises(WrongStage):
        bidder.desk.submitting.withdraw(folder, bidder.signing, bidder.ask)
    again = bidder.desk.submitting.submit(folder, bidder.signing, bidder.ask)
    assert again.receipt_no != gone.receipt_no
    assert bidder.desk.preparing.status(folder).stage == "submitted"
    assert submissions(bidder, lot) == ["sealed", "withdrawn"]


def test_the_key_of_another_company_submits_nothing(bidder: Bidder) -> None:
    folder = bidder.sealed(bidder.lot())
    rival = bidder.sandbox.issue("别的公司", "91629999TBX000028U")
    pfx, _ = rival.write(bidder.folder / "rival", "rival", PIN)
    settings = Settings(network=bidder.settings.network, pfx_files=(str(pfx),))
    with build(settings) as desk, pytest.raises(Mismatch):
        desk.submitting.submit(folder, rival.signing_cert.sha256, bidder.ask)
    assert bidder.desk.preparing.status(folder).stage == "sealed"


def test_a_receipt_that_was_tampered_with_is_an_alarm(bidder: Bidder) -> None:
    folder = bidder.submitted(bidder.lot())
    kept = folder / "receipts" / "001" / "receipt.p7s"
    content = bytearray(kept.read_bytes())
    content[200] ^= 1
    kept.write_bytes(content)
    with pytest.raises(BadReceipt):
        bidder.desk.preparing.status(folder)


def test_the_clock_is_the_networks(lone_bidder: Bidder) -> None:
    bidder = lone_bidder
    folder = bidder.sealed(bidder.lot())
    deadline = parse_instant(bidder.desk.preparing.status(folder).deadline)
    bidder.sandbox.set_clock(deadline + timedelta(milliseconds=1))
    with pytest.raises(DeadlinePassed):
        bidder.desk.submitting.submit(folder, bidder.signing, bidder.ask)
    assert bidder.desk.preparing.status(folder).stage == "sealed"


def test_a_hash_first_lot_takes_the_bytes_after_the_receipt(shared_sandbox: Sandbox, tmp_path: Path) -> None:
    bidder = make_bidder(tmp_path, shared_sandbox, "goods")
    with bidder.desk:
        folder = bidder.sealed(bidder.lot())
        done = bidder.desk.submitting.submit(folder, bidder.signing, bidder.ask)
        assert done.uploaded == (folder / "bid.sealed").stat().st_size
        events = [entry.event for entry in Journal(folder / "journal.jsonl").entries()]
        assert events.index("submitted") < events.index("uploaded")
