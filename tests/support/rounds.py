"""What rounds of killing have in common: a bid that is kept at every stage, and the instants to kill at."""

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bidclient.sandbox.samples import sample_bid
from bidclient.stages.submitted import digest
from bidclient.store.bids import BidFolder
from tests.support.desks import Bidder, make_bidder
from tests.support.journey import heavy, strays, submissions
from tests.support.kills import Worker, linked_copy
from tests.support.sandbox import Sandbox

INSTANTS = 8
SLOW = 0.025
"""Seconds that each answer of the network waits, so that there is time to be killed."""
SEED = int(os.environ.get("BIDCLIENT_TEST_SEED", "0")) or random.SystemRandom().randrange(1, 2**32)
_DOCUMENT_BYTES = 6 * 1024 * 1024


def instants(seconds: float, count: int = INSTANTS) -> Iterator[tuple[int, float]]:
    """Numbers and instants: one somewhere in each of `count` equal parts of a run of so many seconds.

    So no part of a run is left out, as it may be when all instants are drawn from the whole.
    """
    chance, part = random.Random(SEED), seconds / count
    for number in range(count):
        yield number, chance.uniform(number * part, (number + 1) * part)


@dataclass(frozen=True)
class Bench:
    """A bidder, what its bid folder was at each stage, and processes that can be killed."""

    bidder: Bidder
    lot: str
    folder: Path
    worker: Worker

    def keep(self, stage: str) -> None:
        """Remember the bid folder at this stage."""
        linked_copy(self.bidder.bid, self.folder / stage)

    def at(self, stage: str, target: Path) -> Path:
        """The bid folder as it was at this stage."""
        return linked_copy(self.folder / stage, target)

    def stage(self, bid: Path) -> str:
        """The stage, told by a folder that opens and whose journal is whole."""
        BidFolder.open(bid).journal.entries()
        return self.bidder.desk.preparing.status(bid).stage

    def withdraw(self, bid: Path) -> None:
        """Take the bid back, so that the next round begins where this one did."""
        self.bidder.desk.submitting.withdraw(bid, self.bidder.signing, self.bidder.ask)


def bench(folder: Path, sandbox: Sandbox, documents: tuple[str, ...], days: int) -> Bench:
    """A bid at every stage up to sealed; `documents` of it are heavy."""
    bidder = make_bidder(folder, sandbox, "construction")
    lot = str(sandbox.control("lots", {"sample": bidder.sample, "minutes": days * 24 * 60})["lot"])
    made = Bench(bidder, lot, folder / "stages", Worker(bidder.settings, bidder.signing))
    bidder.drafted(lot)
    for document in sample_bid("construction").documents:
        if document.name in documents:
            path = heavy(document.path, folder / document.path.name, _DOCUMENT_BYTES)
            bidder.desk.preparing.add(bidder.bid, document.part, [path], document.name)
    made.folder.mkdir()
    made.keep("unsealed")
    bidder.stamp()
    made.keep("draft")
    for verb, stage in (("pack", "package"), ("sign", "signed"), ("seal", "sealed")):
        made.worker.finish(verb, bidder.bid)
        made.keep(stage)
    return made


@contextmanager
def slowly(sandbox: Sandbox) -> Iterator[None]:
    """Inside the block the network takes its time."""
    sandbox.fault("slow", SLOW)
    yield
    sandbox.fault("slow", 0)


def submitted_once(bench: Bench, bid: Path, submitted: int, told: str) -> None:
    """The next run ends well; this round has made one submission, and that one is in force."""
    bench.worker.finish("submit", bid)
    status = bench.bidder.desk.preparing.status(bid)
    assert status.stage == "submitted", told
    assert strays(bid) == [], told
    views = submissions(bench.bidder, bench.lot)
    assert [view.receipt_no for view in views if view.state == "sealed"] == [status.receipt_no], told
    assert len(views) == submitted, told
    folder = BidFolder.open(bid)
    (kept,) = folder.records.receipts()
    (said,) = finalizes(bid)
    assert kept.receipt.receipt.statement_sha256 == digest(said), told
    folder.journal.entries()


def finalizes(bid: Path) -> list[bytes]:
    """The finalize statements that this folder has ever signed."""
    return [path.read_bytes() for path in BidFolder.open(bid).records.statements("finalize")]
