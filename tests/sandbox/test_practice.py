"""A sandbox to practise in: keys that are found again, papers of a whole bid, rivals that play on."""

import csv
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from bidclient.ask import Nobody
from bidclient.errors import BidExists, Rejected, SettingProblem, Unreachable
from bidclient.keys.soft import SoftSource
from bidclient.keys.token import TokenSource
from bidclient.sandbox.clock import machine_time
from bidclient.sandbox.pki import KeyType, issue_bidder, read_kept
from bidclient.sandbox.practice import Rivalry, practice_keys, write_papers
from bidclient.sandbox.process import LotState, find_levers
from bidclient.sandbox.rivals import RIVALS
from bidclient.sandbox.rooms import find_opening
from bidclient.sandbox.samples import sample_bid, sample_ids
from bidclient.sandbox.world import LotRow
from bidclient.stages.opened import Readout
from tests.sandbox.conftest import Template
from tests.support.sandbox import LocalSandbox, Sandbox, local_sandbox, running_sandbox

PATIENCE_SECONDS = 60.0
TO_DEADLINE = 2 * 3600


def wait_for(holds: Callable[[], bool]) -> None:
    """Until something is so; a minute at most."""
    end, pause = time.monotonic() + PATIENCE_SECONDS, threading.Event()
    while not holds():
        assert time.monotonic() < end, "it did not happen in time"
        pause.wait(0.05)


@contextmanager
def rivalry(sandbox: LocalSandbox | Sandbox, count: int) -> Iterator[None]:
    """Companies that play along."""
    playing = Rivalry(sandbox.url, sandbox.data, count)
    playing.start()
    try:
        yield
    finally:
        playing.stop()


def lots(sandbox: LocalSandbox | Sandbox) -> list[LotState]:
    """The lots, as the person at the levers sees them."""
    return [msgspec.convert(lot, LotState) for lot in sandbox.control("state")["lots"]]


# ------------------------------------------------------------------------------------------------ keys


@pytest.mark.parametrize("key_type", ["rsa-2048", "sm2"])
def test_practice_keys_are_made_once_and_open_with_the_pin(
    template: Template, tmp_path: Path, key_type: KeyType
) -> None:
    data = template.copy(tmp_path / "data")
    keys = practice_keys(data, "construction", key_type=key_type)
    assert practice_keys(data, "construction") == keys
    assert keys.environment == {}
    pin = keys.pin_file.read_bytes().strip()
    assert keys.pin_file.stat().st_mode & 0o077 == 0
    source = SoftSource(keys.pfx_files)
    listed = source.keys()
    assert [(key.can_sign, key.can_decrypt) for key in listed] == [(True, False), (False, True)]
    assert {key.certificate.uscc for key in listed} == {sample_bid("construction").bidder.uscc}
    for key in listed:
        assert key.certificate.key_algorithm == key_type
        with source.unlock(key, Nobody(pin)) as private:
            assert private.certificate == key.certificate


def test_another_sample_gets_keys_beside_the_first(template: Template, tmp_path: Path) -> None:
    data = template.copy(tmp_path / "data")
    first = practice_keys(data, "construction")
    both = practice_keys(data, "goods")
    assert set(first.pfx_files) < set(both.pfx_files)
    assert len(both.pfx_files) == 4
    assert both.pin_file.read_bytes() == first.pin_file.read_bytes()


def test_practice_keys_on_a_token(template: Template, tmp_path: Path) -> None:
    data = template.copy(tmp_path / "data")
    keys = practice_keys(data, "services", token=True)
    assert keys.pfx_files == ()
    source = TokenSource(environment=keys.environment)
    try:
        listed = source.keys()
        own = [key for key in listed if key.certificate.uscc == sample_bid("services").bidder.uscc]
        assert sorted((key.can_sign, key.can_decrypt) for key in own) == [(False, True), (True, False)]
    finally:
        source.close()
    assert practice_keys(data, "services") == keys


def test_a_token_is_refused_where_files_have_been_made(template: Template, tmp_path: Path) -> None:
    data = template.copy(tmp_path / "data")
    practice_keys(data, "construction")
    with pytest.raises(SettingProblem):
        practice_keys(data, "construction", token=True)


def test_sm2_keys_go_on_no_softhsm_token(template: Template, tmp_path: Path) -> None:
    data = template.copy(tmp_path / "data")
    with pytest.raises(SettingProblem, match="SM2"):
        practice_keys(data, "construction", token=True, key_type="sm2")


@pytest.mark.parametrize("key_type", ["p-256", "sm2"])
def test_kept_keys_are_found_again_only_when_whole(
    template: Template, tmp_path: Path, key_type: KeyType
) -> None:
    data = template.copy(tmp_path / "data")
    rival = RIVALS[0]
    keys = issue_bidder(data, rival.name, rival.uscc, key_type)
    assert read_kept(data, tmp_path / "kept") is None
    keys.keep(tmp_path / "kept")
    found = read_kept(data, tmp_path / "kept")
    assert found is not None
    assert (found.signing_cert, found.encryption_cert) == (keys.signing_cert, keys.encryption_cert)
    assert found.opener().certificate == keys.encryption_cert
    assert found.chain == keys.chain
    assert (tmp_path / "kept" / "keys").stat().st_mode & 0o077 == 0
    (tmp_path / "kept" / "trust" / "sign.pem").unlink()
    assert read_kept(data, tmp_path / "kept") is None


# ---------------------------------------------------------------------------------------------- papers


@pytest.mark.parametrize("sample", sample_ids())
def test_papers_are_the_whole_bid(tmp_path: Path, sample: str) -> None:
    bid = sample_bid(sample)
    papers = write_papers(sample, tmp_path / "papers")
    for document in bid.documents:
        copy = papers.folder / document.part / f"{document.name}.pdf"
        assert copy.read_bytes() == document.path.read_bytes()
    assert papers.files == len(list(papers.folder.rglob("*.pdf")))
    fields = dict(line.split("=", 1) for line in papers.fields.read_text("utf-8").splitlines())
    assert fields == bid.typed
    with papers.prices.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["编码"] for row in rows] == [item.code for item in bid.prices]
    assert len(papers.links.read_text("utf-8").splitlines()) == len(bid.links)


def test_papers_write_over_nothing(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine", "utf-8")
    with pytest.raises(BidExists):
        write_papers("goods", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


# --------------------------------------------------------------------------------------------- rivalry


def test_rivals_go_the_whole_way_by_themselves(tmp_path: Path) -> None:
    with (
        local_sandbox(tmp_path / "data", machine_time(), samples=("goods",)) as sandbox,
        rivalry(sandbox, 3),
    ):
        wait_for(lambda: lots(sandbox)[0].in_force == 3)
        sandbox.jump(TO_DEADLINE + 1)
        wait_for(lambda: lots(sandbox)[0].opening_state in ("objection", "closed"))
        row = sandbox.world.database.rows(LotRow, "SELECT * FROM lots")[0]
        readout = msgspec.json.decode(find_opening(sandbox.world, row.opening).readout or b"", type=Readout)
        assert {one.bidder for one in readout.rows} == {rival.uscc for rival in RIVALS[:3]}
        assert {one.state for one in readout.rows} == {"opened"}


def test_rivals_bid_for_new_lots_and_answer_a_clarification(tmp_path: Path) -> None:
    with local_sandbox(tmp_path / "data", machine_time(), samples=()) as sandbox, rivalry(sandbox, 1):
        lot = sandbox.control("lots", {"sample": "services", "minutes": 60})["lot"]
        wait_for(lambda: lots(sandbox)[0].in_force == 1)
        sandbox.control(f"lots/{lot}/amend", {"change_summary": "澄清"})
        sealed = "SELECT COUNT(*) FROM submissions WHERE state = 'sealed'"
        wait_for(lambda: lots(sandbox)[0].submissions == 2 and sandbox.world.database.number(sealed) == 1)


def test_rivals_go_on_after_a_restart_of_the_sandbox(tmp_path: Path) -> None:
    with running_sandbox(tmp_path / "data", samples="goods") as sandbox:
        with rivalry(sandbox, 3):
            wait_for(lambda: lots(sandbox)[0].in_force == 3)
        sandbox.restart()
        with rivalry(sandbox, 3):
            sandbox.jump(TO_DEADLINE + 1)
            wait_for(lambda: lots(sandbox)[0].opening_state in ("objection", "closed"))
        assert lots(sandbox)[0].in_force == 3


def test_rivals_survive_a_platform_that_fails_for_a_while(tmp_path: Path) -> None:
    with local_sandbox(tmp_path / "data", machine_time(), samples=("goods",)) as sandbox:
        sandbox.fault("platform-fault")
        with rivalry(sandbox, 1):
            assert lots(sandbox)[0].in_force == 0
            sandbox.fault("platform-fault", 0)
            wait_for(lambda: lots(sandbox)[0].in_force == 1)


def test_rivals_that_find_no_sandbox_can_be_stopped(template: Template, tmp_path: Path) -> None:
    playing = Rivalry("http://127.0.0.1:9", template.copy(tmp_path / "data"), 1)
    playing.start()
    playing.stop()
    assert not [thread for thread in threading.enumerate() if thread.name == "rivalry"]


# ---------------------------------------------------------------------------------------------- levers


def test_levers_are_found_by_the_data_folder(tmp_path: Path) -> None:
    with running_sandbox(tmp_path / "data", samples="goods") as sandbox:
        levers = find_levers(sandbox.data)
        assert levers.url == sandbox.url
        levers.set_fault("slow", 0.01)
        assert levers.state().faults == {"slow": 0.01}
        with pytest.raises(Rejected) as caught:
            levers.set_fault("fire", 1)
        assert caught.value.problem == "bad-request"
        assert [lot.opening_state for lot in levers.lots()] == ["sign-in"]
    with pytest.raises(Unreachable):
        find_levers(tmp_path / "data", patience=0)


def test_nothing_is_found_where_no_sandbox_was(tmp_path: Path) -> None:
    with pytest.raises(Unreachable):
        find_levers(tmp_path, patience=0)
