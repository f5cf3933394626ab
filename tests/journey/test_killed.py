"""SIGKILL at any instant leaves the old state or the new one; the next run ends well and clears up."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from bidclient.crypto.pdf_verify import find_signatures
from bidclient.network.clock import system_now
from tests.support.journey import strays
from tests.support.rounds import SEED, Bench, bench, instants, slowly, submitted_once
from tests.support.sandbox import Sandbox

HEAVY = ("legal-representative", "project-team", "priced-bill")
BATCHES = 6


@pytest.fixture(scope="module")
def big(network: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A bid of 18 MB, to be opened long after all others."""
    network.set_clock(system_now(), 1)
    made = bench(tmp_path_factory.mktemp("big"), network, HEAVY, days=300)
    with made.bidder.desk:
        yield made


def test_a_batch_of_seals(big: Bench, sandbox: Sandbox, tmp_path: Path) -> None:
    desk = big.bidder.desk
    seconds = big.worker.finish("stamp", big.at("unsealed", tmp_path / "measured"))
    seals = _signature_counts(tmp_path / "measured")
    for number, after in instants(seconds, BATCHES):
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
    seconds = big.worker.finish(verb, big.at(old, tmp_path / "measured"))
    shutil.rmtree(tmp_path / "measured")
    for number, after in instants(seconds):
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
    measured = big.at("sealed", tmp_path / "measured")
    with slowly(sandbox):
        seconds = big.worker.finish("submit", measured)
    big.withdraw(measured)
    for number, after in instants(seconds):
        told = f"seed {SEED}, instant {number}: killed after {after:.4f} of {seconds:.4f} s"
        bid = big.at("sealed", tmp_path / "bid")
        with slowly(sandbox):
            big.worker.kill("submit", bid, after)
        assert big.stage(bid) in ("sealed", "submitted"), told
        submitted_once(big, bid, number + 2, told)
        big.withdraw(bid)
        shutil.rmtree(bid)
