"""SIGKILL while a statement is on its way: in the end it is said once, and no token stays in use."""

import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from bidclient.desk import build
from bidclient.formats.instant import parse_instant
from bidclient.network.clock import system_now
from bidclient.sandbox.competitors import Competitors
from bidclient.store.bids import BidFolder
from tests.support.desks import Bidder
from tests.support.journey import Hall, attend, hall, strays, token_bidder
from tests.support.kills import Worker, linked_copy
from tests.support.rounds import (
    INSTANTS,
    SEED,
    SLOW,
    Bench,
    bench,
    finalizes,
    instants,
    slowly,
    submitted_once,
)
from tests.support.sandbox import Sandbox

OPENINGS = 4
"""Fewer than instants, so that each release is killed more than once."""


@pytest.fixture(scope="module")
def small(network: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A bid of half a megabyte, to be opened long after those of two hours."""
    network.set_clock(system_now(), 1)
    made = bench(tmp_path_factory.mktemp("small"), network, (), days=30)
    with made.bidder.desk:
        yield made


def test_a_finalize(small: Bench, sandbox: Sandbox, tmp_path: Path) -> None:
    for number, after in instants(2 * SLOW):
        told = f"seed {SEED}, instant {number}: killed {after:.4f} s behind the intention"
        bid = small.at("sealed", tmp_path / f"bid-{number}")
        if number % 2:
            # The creation's answer is lost and asked for again, then the finalize's.
            sandbox.fault("drop-after-commit", 2)
        with slowly(sandbox):
            small.worker.kill_when(partial(_is_noted, bid, "finalize-intended"), "submit", bid, after)
        assert small.stage(bid) in ("sealed", "submitted"), told
        said = finalizes(bid)
        assert len(said) == 1, told
        submitted_once(small, bid, number + 1, told)
        assert finalizes(bid) == said, told
        sandbox.fault("drop-after-commit", 0)
        if number + 1 < INSTANTS:
            small.withdraw(bid)
    _opened(small.bidder, bid, small.lot)


def test_a_release(small: Bench, sandbox: Sandbox, tmp_path: Path) -> None:
    firms = [_submitted_elsewhere(small, tmp_path / f"firm-{number}") for number in range(OPENINGS)]
    lots = [lot for _, lot in firms]
    with Competitors(sandbox.url, sandbox.data, lots, 2) as rivals:
        rivals.submit_all()
        halls = [_hall(sandbox, firm, lot, rivals) for firm, lot in firms]
        halls[-1].sign_in_time()
        halls[-1].begin()
        seconds = 20 * SLOW
        for number, after in instants(seconds):
            firm, _ = firms[number % OPENINGS]
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


def _is_noted(bid: Path, event: str) -> bool:
    """Whether the journal names this event, be it in a line that is not whole yet."""
    return f'"event":"{event}"'.encode() in (bid / "journal.jsonl").read_bytes()


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
