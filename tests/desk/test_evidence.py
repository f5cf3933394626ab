"""The evidence convinces without us, and neither our judge nor the stock tools let a changed file pass."""

import shutil
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from bidclient.desk import build
from bidclient.errors import BidExists, FileProblem
from bidclient.formats.instant import parse_instant
from bidclient.sandbox.competitors import Competitors
from bidclient.store.settings import Settings
from tests.support.desks import Bidder, make_bidder
from tests.support.sandbox import running_sandbox


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Bidder, Path]]:
    """A bid that was opened and confirmed, and its evidence."""
    folder = tmp_path_factory.mktemp("opened")
    with running_sandbox(folder / "sandbox", samples="") as sandbox:
        bidder = make_bidder(folder, sandbox)
        lot, ask, key = bidder.lot(), bidder.ask, bidder.signing
        with bidder.desk as desk, Competitors(sandbox.url, sandbox.data, (lot,), 2) as others:
            bid = bidder.submitted(lot)
            others.submit_all()
            sandbox.set_clock(parse_instant(desk.preparing.status(bid).opening_at) - timedelta(minutes=1))
            desk.opening.sign_in(bid, key, ask)
            sandbox.set_clock(parse_instant(desk.preparing.status(bid).opening_at) + timedelta(seconds=1))
            desk.opening.release(bid, key, ask)
            others.release_all()
            desk.opening.confirm(bid, key, ask)
            desk.evidence.export(bid, folder / "evidence")
            yield bidder, folder / "evidence"


def stock_tools(evidence: Path, trust: Path) -> subprocess.CompletedProcess[str]:
    """What verify.sh says."""
    trusted = [str(trust / name) for name in ("ca.pem", "identity.pem")]
    return subprocess.run(
        ["bash", "verify.sh", *trusted], cwd=evidence, capture_output=True, text=True, check=False
    )


def test_everything_is_valid_by_the_files_alone(opened: tuple[Bidder, Path]) -> None:
    bidder, evidence = opened
    with build(Settings()) as stranger:
        judgement = stranger.evidence.verify(evidence, bidder.sandbox.trust)
        assert judgement.holds
        assert {"bid.stub", "receipt-001.p7s", "chain.jsonl", "readout.json", "journal.jsonl"} <= {
            verdict.item for verdict in judgement.verdicts
        }
        blind = stranger.evidence.verify(evidence)
        assert not blind.holds
        assert "invalid" not in {verdict.verdict for verdict in blind.verdicts}


def test_stock_tools_agree(opened: tuple[Bidder, Path]) -> None:
    bidder, evidence = opened
    done = stock_tools(evidence, bidder.sandbox.trust)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "all hold"
    assert "before the deadline" in done.stdout


TAMPERED = [
    ("tender.json", b'"tender_version":1', b'"tender_version":2'),
    ("bid.stub", b'"sealed_size":', b'"sealed_sizf":'),
    ("receipt-001.p7s", b'"receipt_no":"', b'"receipt_no":"X'),
    ("receipt-001.json", b'"receipt_no":"', b'"receipt_no":"X'),
    ("release.p7s", b'"method":"key"', b'"method":"kex"'),
    ("acknowledgement-release.p7s", b'"seq":', b'"sex":'),
    ("chain.jsonl", b'"seq":3', b'"seq":4'),
    ("readout.json", b'"price_fen":', b'"price_fem":'),
    ("journal.jsonl", b'"event":"packed"', b'"event":"forged"'),
]


@pytest.mark.parametrize(("name", "old", "new"), TAMPERED, ids=[row[0] for row in TAMPERED])
def test_a_changed_file_is_found_by_both_judges(
    opened: tuple[Bidder, Path], tmp_path: Path, name: str, old: bytes, new: bytes
) -> None:
    bidder, evidence = opened
    copy = tmp_path / "evidence"
    shutil.copytree(evidence, copy)
    content = (copy / name).read_bytes()
    assert old in content
    (copy / name).write_bytes(content.replace(old, new, 1))
    with build(Settings()) as stranger:
        judgement = stranger.evidence.verify(copy, bidder.sandbox.trust)
    assert "invalid" in {verdict.verdict for verdict in judgement.verdicts}
    done = stock_tools(copy, bidder.sandbox.trust)
    assert done.returncode != 0
    assert "FAILED" in done.stdout


def test_another_root_is_not_trusted(opened: tuple[Bidder, Path], tmp_path: Path) -> None:
    _, evidence = opened
    with running_sandbox(tmp_path / "other", samples="") as other:
        done = stock_tools(evidence, other.trust)
        assert done.returncode != 0
        with build(Settings()) as stranger:
            assert not stranger.evidence.verify(evidence, other.trust).holds


def test_evidence_is_never_written_over(opened: tuple[Bidder, Path], tmp_path: Path) -> None:
    bidder, evidence = opened
    with pytest.raises(BidExists):
        bidder.desk.evidence.export(bidder.bid, evidence)
    with pytest.raises(FileProblem):
        bidder.desk.evidence.verify(tmp_path / "nothing")


def test_every_artefact_can_be_verified_alone(opened: tuple[Bidder, Path]) -> None:
    bidder, _ = opened
    names = [
        "tender.tender",
        "bid.zip",
        "bid.asice",
        "bid.sealed",
        "bid.stub",
        "receipt.p7s",
        "journal.jsonl",
    ]
    for name in names:
        report = bidder.desk.verifying.verify(bidder.bid / name)
        assert report.holds, report
    assert bidder.desk.verifying.verify(bidder.bid).holds
    with build(Settings()) as stranger:
        report = stranger.verifying.verify(bidder.bid)
        assert {verdict.verdict for verdict in report.verdicts} == {"valid", "cannot-tell"}
