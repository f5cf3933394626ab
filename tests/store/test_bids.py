"""The bid folder: nothing is written over, nothing gets lost, and half-done moves are finished."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from bidclient.errors import BidExists, DiskProblem, FileProblem, NotABidFolder
from bidclient.store.bids import BidFolder
from bidclient.store.numbered import new_folder, next_number, numbered
from bidclient.store.state import Stage, state
from tests.support.desks import Bidder


@pytest.fixture
def folder(tmp_path: Path) -> BidFolder:
    (tmp_path / "a.tender").write_bytes(b"a tender")
    return BidFolder.create(tmp_path / "bid", tmp_path / "a.tender")


def test_a_folder_is_made_once(folder: BidFolder, tmp_path: Path) -> None:
    assert BidFolder.open(folder.path).tender.read_bytes() == b"a tender"
    with pytest.raises(BidExists):
        BidFolder.create(tmp_path / "a.tender", tmp_path / "a.tender")
    (tmp_path / "b.tender").write_bytes(b"another")
    with pytest.raises(BidExists):
        BidFolder.create(folder.path, tmp_path / "b.tender")
    folder.draft.write_bytes(b"{}")
    with pytest.raises(BidExists):
        BidFolder.create(folder.path, tmp_path / "a.tender")
    with pytest.raises(NotABidFolder):
        BidFolder.open(tmp_path)
    with pytest.raises(FileProblem):
        BidFolder.create(tmp_path / "other", tmp_path / "absent.tender")


def test_a_folder_that_was_killed_before_its_draft_is_taken_up_again(tmp_path: Path) -> None:
    (tmp_path / "a.tender").write_bytes(b"a tender")
    path = tmp_path / "bid"
    for left_behind in ((), ("parts",), ("parts", ".lock", ".new-abcd1234-draft.json")):
        folder = BidFolder.create(path, tmp_path / "a.tender")
        assert folder.tender.read_bytes() == b"a tender"
        for name in left_behind:
            (path / name).mkdir(exist_ok=True) if name == "parts" else (path / name).write_bytes(b"")
    BidFolder.create(path, tmp_path / "a.tender")
    (path / "parts" / "business").mkdir()
    with pytest.raises(BidExists):
        BidFolder.create(path, tmp_path / "a.tender")


def test_what_is_set_aside_is_numbered_and_kept(folder: BidFolder) -> None:
    names: list[str] = []
    for content in (b"one", b"two"):
        folder.artefacts.package.write_bytes(content)
        names += folder.set_aside([folder.artefacts.package, folder.artefacts.signed])
    assert names == ["superseded/001-bid.zip", "superseded/002-bid.zip"]
    assert [(folder.path / name).read_bytes() for name in names] == [b"one", b"two"]
    assert folder.set_aside([folder.artefacts.package]) == ()


def test_an_older_tender_stays(folder: BidFolder, tmp_path: Path) -> None:
    (tmp_path / "b.tender").write_bytes(b"newer")
    folder.replace_tender(tmp_path / "b.tender", 1)
    assert folder.tender.read_bytes() == b"newer"
    assert (folder.path / "tender-v1.tender").read_bytes() == b"a tender"


def test_numbered_folders_appear_whole(tmp_path: Path) -> None:
    parent = tmp_path / "things"

    def fail(folder: Path) -> None:
        (folder / "half").write_bytes(b"half")
        raise KeyError

    with pytest.raises(KeyError):
        new_folder(parent, fail)
    assert numbered(parent) == []
    made = new_folder(parent, lambda folder: (folder / "whole").touch())
    assert made.name == "001"
    assert [path.name for path in made.iterdir()] == ["whole"]
    assert next_number(parent) == "002"


def test_numbers_go_on_beyond_three_digits(tmp_path: Path) -> None:
    for name in ("002", "999-a", "1000-b", "1000", "²²²-c", "12-d", "999", ".new-1001", "readme"):
        (tmp_path / name).mkdir()
    assert next_number(tmp_path) == "1001"
    assert [path.name for path in numbered(tmp_path)] == ["002", "999", "1000"]
    assert [path.name for path in numbered(tmp_path, "-b")] == ["1000-b"]


def test_a_name_with_brackets_is_kept_once(folder: BidFolder) -> None:
    file = folder.parts / "commercial" / "投标函[盖章]*.pdf"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"before")
    assert (
        folder.keep_before(file) == folder.keep_before(file) == "superseded/001-parts-commercial-" + file.name
    )


def test_a_receipt_that_cannot_be_read_is_named(folder: BidFolder) -> None:
    (folder.path / "receipts" / "001").mkdir(parents=True)
    with pytest.raises(DiskProblem, match=r"001/receipt\.p7s"):
        folder.records.receipts()


def test_a_move_that_a_kill_interrupted_is_finished(bidder: Bidder) -> None:
    path = bidder.submitted(bidder.lot())
    folder = BidFolder.open(path)
    before = {file.name: file.read_bytes() for file in folder.artefacts.in_order()}
    with folder.locked():
        kept = folder.keep_submitted()
    assert kept is not None
    # As after a kill: some files linked in both places, and a copy of the receipt missing.
    for name in ("bid.zip", "bid.stub"):
        os.link(kept / name, path / name)
    (path / "receipt.pdf").unlink()
    assert state(folder).kept in (None, "submitted/001")
    with folder.locked():
        pass
    assert {file.name: file.read_bytes() for file in kept.iterdir()} == before
    assert not any(file.exists() for file in folder.artefacts.in_order())
    assert (path / "receipt.pdf").is_file()
    assert state(folder).kept == "submitted/001"
    with folder.locked():
        assert folder.keep_submitted() is None


@pytest.mark.parametrize("verb", ["pack", "sign", "seal"])
def test_a_kill_leaves_the_old_or_the_new_state(bidder: Bidder, verb: str) -> None:
    made = bidder.signed() if verb == "seal" else bidder.drafted()
    if verb == "sign":
        bidder.desk.signing.pack(made)
    old, new = {
        "pack": (Stage.DRAFT, Stage.PACKAGE),
        "sign": (Stage.PACKAGE, Stage.SIGNED),
        "seal": (Stage.SIGNED, Stage.SEALED),
    }[verb]
    secret = () if verb == "pack" else ("--key", bidder.signing, "--pin-stdin")
    environment = {**os.environ, "BIDCLIENT_HOME": str(bidder.folder / "home")}
    seen = set()
    for delay in (0.5, 0.7, 0.9, 1.1):
        command = [sys.executable, "-m", "bidclient", verb, str(made), *secret]
        with subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
        ) as process:
            assert process.stdin is not None
            process.stdin.write(b"desk-4821")
            process.stdin.close()
            threading.Event().wait(delay)
            os.kill(process.pid, signal.SIGKILL)
        found = state(BidFolder.open(made))
        assert found.stage in (old, new)
        seen.add(found.stage)
        BidFolder.open(made).journal.entries()
    if verb == "pack":
        bidder.desk.signing.pack(made)
    elif verb == "sign":
        bidder.desk.signing.sign(made, bidder.signing, bidder.ask)
    else:
        bidder.desk.sealing.seal(made, bidder.signing, bidder.ask)
    assert state(BidFolder.open(made)).stage is new
    assert seen <= {old, new}
