"""SIGKILL at any instant leaves the old state or the new one; the next run ends well and clears up."""

import os
import random
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest

from bidclient.crypto.pdf_verify import find_signatures
from bidclient.desk import build
from bidclient.formats.instant import parse_instant
from bidclient.network.clock import system_now
from bidclient.sandbox.competitors import Competitors
from bidclient.sandbox.samples import sample_bid
from bidclient.stages.submitted import digest
from bidclient.store.bids import BidFolder
from tests.support.desks import Bidder, make_bidder
from tests.support.journey import Hall, attend, hall, heavy, strays, submissions, token_bidder
from tests.support.kills import Worker, linked_copy
from tests.support.sandbox import Sandbox

INSTANTS = 20
DOCUMENT_BYTES = 6 * 1024 * 1024
HEAVY = ("legal-representative", "project-team", "priced-bill")
SLOW = 0.025
"""Seconds that each answer of the network waits, so that there is time to be killed."""
OPENINGS = 5
BATCHES = 6
SEED = int(os.environ.get("BIDCLIENT_TEST_SEED", "0")) or random.SystemRandom().randrange(1, 2**32)


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
            path = heavy(document.path, folder / document.path.name, DOCUMENT_BYTES)
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


@pytest.fixture(scope="module")
def big(network: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A bid of 18 MB, to be opened long after all others."""
    network.set_clock(system_now(), 1)
    made = bench(tmp_path_factory.mktemp("big"), network, HEAVY, days=300)
    with made.bidder.desk:
        yield made


@pytest.fixture(scope="module")
def small(network: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A bid of half a megabyte, to be opened long after those of two hours."""
    network.set_clock(system_now(), 1)
    made = bench(tmp_path_factory.mktemp("small"), network, (), days=30)
    with made.bidder.desk:
        yield made


def test_a_batch_of_seals(big: Bench, sandbox: Sandbox, tmp_path: Path) -> None:
    chance, desk = random.Random(SEED), big.bidder.desk
    seconds = big.worker.finish("stamp", big.at("unsealed", tmp_path / "measured"))
    seals = _signature_counts(tmp_path / "measured")
    for number in range(BATCHES):
        after = chance.uniform(0, seconds)
        told = f"seed {SEED}, instant {number}: stamp killed after {after:.4f} of {seconds:.4f} s"
        bid = big.at("unsealed", tmp_path / f"bid-{number}")
        big.worker.kill("stamp", bid, after)
        assert big.stage(bid) == "draft", told
        assert "SEAL-002" not in {finding.rule for finding in desk.checking.check(bid).findings}, told
        big.worker.finish("stamp", bid)
        assert desk.checking.check(bid).passed, told
        # Sealed once and not again, whatever the killed run had done already.
        assert _signature_counts(bid) == seals, told
        assert strays(bid) == [], told


def _signature_counts(bid: Path) -> dict[str, int]:
    found = {}
    for path in (bid / "parts").rglob("*.pdf"):
        with path.open("rb") as file:
            found[path.name] = len(find_signatures(file, path.name))
    return found


@pytest.mark.parametrize(
    ("verb", "old", "new"),
    [("pack", "draft", "package"), ("sign", "package", "signed"), ("seal", "signed", "sealed")],
)
def test_a_verb_that_makes_an_artefact(
    big: Bench, sandbox: Sandbox, tmp_path: Path, verb: str, old: str, new: str
) -> None:
    chance = random.Random(SEED)
    seconds = big.worker.finish(verb, big.at(old, tmp_path / "measured"))
    shutil.rmtree(tmp_path / "measured")
    for number in range(INSTANTS):
        after = chance.uniform(0, seconds)
        told = f"seed {SEED}, instant {number}: {verb} killed after {after:.4f} of {seconds:.4f} s"
        bid = big.at(old, tmp_path / "bid")
        big.worker.kill(verb, bid, after)
        assert big.stage(bid) in (old, new), told
        big.worker.finish(verb, bid)
        status = big.bidder.desk.preparing.status(bid)
        assert (status.stage, status.stale) == (new, ()), told
        assert status.rehearsed == (new == "sealed"), told
        assert strays(bid) == [], told
        shutil.rmtree(bid)


def test_an_upload(big: Bench, sandbox: Sandbox, tmp_path: Path) -> None:
    chance = random.Random(SEED)
    measured = big.at("sealed", tmp_path / "measured")
    with slowly(sandbox):
        seconds = big.worker.finish("submit", measured)
    big.withdraw(measured)
    for number in range(INSTANTS):
        after = chance.uniform(0, seconds)
        told = f"seed {SEED}, instant {number}: killed after {after:.4f} of {seconds:.4f} s"
        bid = big.at("sealed", tmp_path / "bid")
        with slowly(sandbox):
            big.worker.kill("submit", bid, after)
        assert big.stage(bid) in ("sealed", "submitted"), told
        _submitted_once(big, bid, number + 2, told)
        big.withdraw(bid)
        shutil.rmtree(bid)


def test_a_finalize(small: Bench, sandbox: Sandbox, tmp_path: Path) -> None:
    chance = random.Random(SEED)
    for number in range(INSTANTS):
        after = chance.uniform(0, 2 * SLOW)
        told = f"seed {SEED}, instant {number}: killed {after:.4f} s behind the intention"
        bid = small.at("sealed", tmp_path / f"bid-{number}")
        if number % 2:
            # The creation's answer is lost and asked for again, then the finalize's.
            sandbox.fault("drop-after-commit", 2)
        with slowly(sandbox):
            small.worker.kill_when(partial(_is_noted, bid, "finalize-intended"), "submit", bid, after)
        assert small.stage(bid) in ("sealed", "submitted"), told
        said = _finalizes(bid)
        assert len(said) == 1, told
        _submitted_once(small, bid, number + 1, told)
        assert _finalizes(bid) == said, told
        sandbox.fault("drop-after-commit", 0)
        if number + 1 < INSTANTS:
            small.withdraw(bid)
    _opened(small.bidder, bid, small.lot)


def test_a_release(small: Bench, sandbox: Sandbox, tmp_path: Path) -> None:
    chance = random.Random(SEED)
    firms = [_submitted_elsewhere(small, tmp_path / f"firm-{number}") for number in range(OPENINGS)]
    lots = [lot for _, lot in firms]
    with Competitors(sandbox.url, sandbox.data, lots, 2) as rivals:
        rivals.submit_all()
        halls = [_hall(sandbox, firm, lot, rivals) for firm, lot in firms]
        halls[-1].sign_in_time()
        halls[-1].begin()
        seconds = 20 * SLOW
        for number in range(INSTANTS):
            firm, _ = firms[number % OPENINGS]
            after = chance.uniform(0, seconds)
            told = f"seed {SEED}, instant {number}: killed after {after:.4f} of {seconds:.4f} s"
            with slowly(sandbox):
                small.worker.kill("release", firm.bid, after)
            assert small.stage(firm.bid) in ("submitted", "opened"), told
        for firm, _ in firms:
            small.worker.finish("release", firm.bid)
            assert small.stage(firm.bid) == "opened"
            assert strays(firm.bid) == []
        for room, (firm, _) in zip(halls, firms, strict=True):
            told = f"seed {SEED}, lot {room.lot}"
            room.end_step("decrypting")
            desk = small.bidder.desk
            confirmed = desk.opening.confirm(firm.bid, firm.signing, firm.ask)
            assert confirmed.own_row.state == "opened", told
            room.close()
            events = desk.opening.watch(firm.bid, firm.signing, firm.ask, lambda _: None)
            own = confirmed.own_row.submission
            released = [one for one in events if one.type == "released" and one.data["submission"] == own]
            assert len(released) == 1, told
            BidFolder.open(firm.bid).journal.entries()


def test_the_token_is_let_go(sandbox: Sandbox, tmp_path: Path) -> None:
    bidder, environment = token_bidder(tmp_path, sandbox, "goods")
    with bidder.desk:
        bidder.drafted(bidder.lot())
        bidder.desk.signing.pack(bidder.bid)
    worker = Worker(bidder.settings, bidder.signing, environment)
    seen: list[str] = []

    def hosts_run() -> bool:
        seen.extend(_hosts(environment))
        return bool(seen)

    worker.kill_when(hosts_run, "sign", bidder.bid)
    assert seen
    end = time.monotonic() + 20
    while _hosts(environment):
        assert time.monotonic() < end, "a key host outlives its program"
        time.sleep(0.01)
    worker.finish("sign", bidder.bid)
    with build(bidder.settings, environment, now=system_now) as desk:
        assert desk.preparing.status(bidder.bid).stage == "signed"


def _submitted_once(bench: Bench, bid: Path, submitted: int, told: str) -> None:
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
    (said,) = _finalizes(bid)
    assert kept.receipt.receipt.statement_sha256 == digest(said), told
    folder.journal.entries()


def _is_noted(bid: Path, event: str) -> bool:
    """Whether the journal names this event, be it in a line that is not whole yet."""
    return f'"event":"{event}"'.encode() in (bid / "journal.jsonl").read_bytes()


def _finalizes(bid: Path) -> list[bytes]:
    """The finalize statements that this folder has ever signed."""
    return [path.read_bytes() for path in BidFolder.open(bid).records.statements("finalize")]


def _opened(bidder: Bidder, bid: Path, lot: str) -> None:
    """A bid that was killed on its way takes part in the opening like any other."""
    shutil.rmtree(bidder.bid)
    linked_copy(bid, bidder.bid)
    with hall(bidder.sandbox, lot, bid / "tender.tender") as room:
        confirmed = attend(
            bidder, room, lambda: bidder.desk.opening.release(bidder.bid, bidder.signing, bidder.ask)
        )
    assert confirmed.own_row.state == "opened"


def _submitted_elsewhere(bench: Bench, folder: Path) -> tuple[Bidder, str]:
    """The same company with a submitted bid for another lot."""
    firm = replace(bench.bidder, folder=folder)
    folder.mkdir()
    lot = firm.lot()
    firm.submitted(lot)
    return firm, lot


def _hall(sandbox: Sandbox, firm: Bidder, lot: str, rivals: Competitors) -> Hall:
    opening_at = firm.desk.preparing.status(firm.bid).opening_at
    return Hall(sandbox, lot, parse_instant(opening_at), rivals)


def _hosts(environment: dict[str, str]) -> list[str]:
    """The key hosts, of whatever parent, that were given this environment."""
    wanted = {f"{name}={value}".encode() for name, value in environment.items()}
    found = []
    for process in Path("/proc").iterdir():
        try:
            given = set((process / "environ").read_bytes().split(b"\0"))
            command = (process / "cmdline").read_bytes()
        except OSError:
            continue
        if wanted <= given and b"bidclient.keys.host" in command:
            found.append(process.name)
    return found
