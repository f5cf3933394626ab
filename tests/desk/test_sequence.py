"""What must follow what: receipts, rehearsals, and the company and network that a bid speaks of."""

from pathlib import Path

import msgspec
import pytest

from bidclient.desk import build
from bidclient.errors import Mismatch, NotRehearsed, Unreachable
from bidclient.formats import canonical
from bidclient.store.bids import BidFolder
from bidclient.store.settings import Settings
from bidclient.store.state import RehearsalRecord
from tests.support.desks import PIN, Bidder, make_bidder
from tests.support.sandbox import Sandbox

ALL_RETRIES = 10


def test_a_withdrawal_whose_answer_was_lost_is_settled_by_the_next_submission(bidder: Bidder) -> None:
    folder = bidder.submitted(bidder.lot())
    bidder.sandbox.fault("drop-after-commit", ALL_RETRIES)
    with pytest.raises(Unreachable):
        bidder.desk.submitting.withdraw(folder, bidder.signing, bidder.ask)
    bidder.sandbox.fault("drop-after-commit", 0)
    done = bidder.desk.submitting.submit(folder, bidder.signing, bidder.ask)
    assert done.replaces is None
    receipts = [kept.receipt.receipt for kept in BidFolder.open(folder).records.receipts()]
    assert [receipt.kind for receipt in receipts] == ["submission", "withdrawal", "submission"]
    assert bidder.desk.preparing.status(folder).receipt_no == done.receipt_no


def test_the_key_of_another_company_takes_no_seat(bidder: Bidder) -> None:
    folder = bidder.submitted(bidder.lot())
    rival = bidder.sandbox.issue("别的公司", "91629999TBX000028U")
    pfx, _ = rival.write(bidder.folder / "rival", "rival", PIN)
    settings = Settings(network=bidder.settings.network, pfx_files=(str(pfx),))
    with build(settings) as desk, pytest.raises(Mismatch) as caught:
        desk.opening.look(folder, rival.signing_cert.sha256, bidder.ask)
    assert caught.value.field == "bidder"
    assert not (folder / "opening").exists()


def test_a_rehearsal_of_a_part_is_none(bidder: Bidder) -> None:
    folder = bidder.sealed()
    path = folder / "rehearsal.json"
    record = canonical.loads(path.read_bytes(), RehearsalRecord, path.name)
    assert record.complete
    path.write_bytes(canonical.dumps(msgspec.structs.replace(record, complete=False)))
    assert not bidder.desk.preparing.status(folder).rehearsed
    with pytest.raises(NotRehearsed):
        bidder.desk.submitting.submit(folder, bidder.signing, bidder.ask)


def test_under_joint_control_the_whole_bid_is_rehearsed_too(shared_sandbox: Sandbox, tmp_path: Path) -> None:
    bidder = make_bidder(tmp_path, shared_sandbox, "services")
    with bidder.desk as desk:
        folder = bidder.signed(bidder.lot())
        done = desk.sealing.seal(folder, bidder.signing, bidder.ask, rehearse_now=False)
        assert done.rehearsal is None
        assert not desk.preparing.status(folder).rehearsed
        rehearsed = desk.sealing.rehearse(folder, None, bidder.ask)
        assert (rehearsed.complete, rehearsed.alone) == (True, False)
        assert desk.preparing.status(folder).rehearsed
