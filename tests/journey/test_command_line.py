"""The same journey in commands: one JSON document each, progress on stderr, an exit code at the end."""

import json
import os
import pty
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bidclient.sandbox.samples import SampleBid, sample_bid
from bidclient.store.settings import write_settings
from tests.support.desks import PIN, Bidder, make_bidder
from tests.support.journey import CommandLine, hall, token_bidder
from tests.support.sandbox import Sandbox, running_sandbox

CONTACT = ("--contact", "演示联系人", "--phone", "0934-0000000")


def typed(wanted: SampleBid) -> list[str]:
    """What the clerk types behind `bidclient set DIR`."""
    company = {f"bidder.{name}": getattr(wanted.bidder, name) for name in wanted.bidder.__struct_fields__}
    return [f"{name}={value}" for name, value in {**company, **wanted.form}.items() if value]


def price_file(wanted: SampleBid, path: Path) -> Path:
    """The priced list as a spreadsheet program saves it."""
    lines = [f"{item.code},{item.unit_price_fen / 100:.2f}" for item in wanted.prices]
    path.write_text("\ufeff项目编码,综合单价\r\n" + "\r\n".join(lines) + "\r\n", "utf-8")
    return path


def drafted(run: CommandLine, bid: Path, tender: Path, sample: str, work: Path) -> None:
    """A complete draft, command by command."""
    wanted = sample_bid(sample)
    assert run.run("new", tender, bid)["stage"] == "draft"
    run.run("set", bid, *typed(wanted))
    run.run("prices", bid, price_file(wanted, work / "prices.csv"))
    for part in dict.fromkeys(document.part for document in wanted.documents):
        files = {document.name: document.path for document in wanted.documents if document.part == part}
        added = run.run("add", bid, part, *files.values())
        assert [one["document"]["name"] for one in added] == list(files)
    kept = {one["name"]: one for one in run.run("status", bid)["documents"]}
    links = [
        f"{link.clause}={kept[link.document]['part']}/{kept[link.document]['file']}:{link.page}"
        for link in wanted.links
    ]
    run.run("link", bid, *links)


def test_the_journey_in_commands(sandbox: Sandbox, tmp_path: Path) -> None:
    bidder, environment = token_bidder(tmp_path, sandbox, "construction")
    bidder.desk.keychain.close()
    home, tender, bid = tmp_path / "home", tmp_path / "fetched.tender", bidder.bid
    write_settings(home / "settings.toml", bidder.settings)
    run, lot = CommandLine(home, environment), bidder.lot()
    key = ("--key", bidder.signing)

    listed = run.run("keys")["keys"]
    assert {use for row in listed for use in row["uses"]} == {"sign", "decrypt"}
    assert run.run("keys", "test", bidder.signing)["sign_seconds"] > 0
    assert run.run("login", *key)["uscc"] == bidder.keys.signing_cert.uscc
    assert lot in [one["id"] for one in run.run("lots", *key)["lots"]]
    assert run.run("register", lot, *key, *CONTACT)["lot"] == lot
    fetched = run.run("tender", "download", lot, *key, "--out", tender)
    assert run.run("tender", "show", tender)["sha256"] == fetched["sha256"]

    drafted(run, bid, tender, "construction", tmp_path)
    assert run.run("stamp", bid, *key)["complete"]
    assert run.run("check", bid)["passed"]
    packed = run.run("pack", bid)
    signed = run.run("sign", bid, *key)
    assert signed["manifest_sha256"] == packed["manifest_sha256"]
    sealed = run.run("seal", bid, *key, "--recovery-code", tmp_path / "code.txt")
    assert run.run("rehearse", bid)["sealed_sha256"] == sealed["sha256"]
    (report,) = run.run("verify", bid)
    assert report["holds"]
    again = tmp_path / "again.asice"
    run.run("unseal", bid / "bid.sealed", "--out", again)
    assert again.read_bytes() == (bid / "bid.asice").read_bytes()

    with hall(sandbox, lot, tender) as room:
        submitted = run.run("submit", bid, *key)
        assert submitted["sealed_sha256"] == sealed["sha256"]
        assert run.run("receipt", bid, *key)["receipt_no"] == submitted["receipt_no"]
        room.sign_in_time()
        assert run.run("opening", "sign-in", bid, *key)["action"] == "sign-in"
        room.begin()
        assert run.run("opening", "release", bid, *key)["detail"] == "key"
        room.read_out()
        confirmed = run.run("opening", "confirm", bid, *key)
        assert confirmed["own_row"]["price_fen"] == sample_bid("construction").total_fen
        assert run.run("opening", "object", bid, "计时有误", *key)["action"] == "objection"
        room.close()
        events = run.run("opening", "watch", bid, *key)["events"]
        assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
        assert events[-1]["type"] == "closed"
    assert run.run("status", bid)["stage"] == "opened"
    run.run("evidence", "export", bid, tmp_path / "evidence")
    assert run.run("evidence", "verify", tmp_path / "evidence", "--trust", sandbox.trust)["holds"]
    assert run.run("diag")["problems"] == []


@dataclass(frozen=True)
class Company:
    """A bidder at the command line, whose bid is sealed."""

    bidder: Bidder
    lot: str
    run: CommandLine

    @property
    def bid(self) -> Path:
        """The bid folder."""
        return self.bidder.bid


@pytest.fixture
def company(sandbox: Sandbox, tmp_path: Path) -> Iterator[Company]:
    """A company with PFX files."""
    bidder = make_bidder(tmp_path, sandbox, "construction")
    with bidder.desk:
        lot = bidder.lot()
        yield Company(bidder, lot, CommandLine(tmp_path / "home"))


def test_exit_code_1_when_a_check_refuses(company: Company, tmp_path: Path) -> None:
    company.bidder.drafted(company.lot)
    document = sample_bid("construction").documents[0]
    company.run.run("remove", company.bid, document.part, document.name)
    report = company.run.run("check", company.bid, code=1)
    assert not report["passed"]
    assert any(document.name in finding["subject"] for finding in report["findings"])
    assert company.run.failure("pack", company.bid, code=1) == "E-INCOMPLETE"


def test_exit_code_2_for_a_wrong_request(company: Company, tmp_path: Path) -> None:
    assert company.run.failure("status", tmp_path / "nothing", code=2) == "E-NOT-A-BID-FOLDER"
    assert company.run.failure("pack", "--unknown", code=2) == "E-COMMAND-LINE"
    done = company.run.start("pack", "--unknown")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"--unknown" in done.stderr


def test_exit_code_3_for_a_wrong_pin(company: Company) -> None:
    company.bidder.drafted(company.lot)
    company.run.run("pack", company.bid)
    key = ("--key", company.bidder.signing)
    assert company.run.failure("sign", company.bid, *key, code=3, pin=b"not-the-pin") == "E-PIN-WRONG"
    assert company.run.run("status", company.bid)["stage"] == "package"


def test_exit_code_4_when_nobody_answers(tmp_path: Path) -> None:
    with running_sandbox(tmp_path / "sandbox", samples="") as sandbox:
        make_bidder(tmp_path, sandbox).desk.keychain.close()
    run = CommandLine(tmp_path / "home")
    assert run.failure("lots", code=4) == "E-UNREACHABLE"


def test_exit_code_5_for_a_tampered_bid(company: Company) -> None:
    company.bidder.sealed(company.lot)
    sealed = company.bid / "bid.sealed"
    content = bytearray(sealed.read_bytes())
    content[-100] ^= 1
    sealed.write_bytes(content)
    assert company.run.failure("rehearse", company.bid, code=5) == "E-SEAL-CHUNK"
    (report,) = company.run.run("verify", sealed, code=5)
    assert [verdict["verdict"] for verdict in report["verdicts"]] == ["invalid"]


def test_errors_are_told_in_the_language_that_was_asked_for(company: Company, tmp_path: Path) -> None:
    told = {
        language: company.run.start("status", tmp_path / "nothing", "--language", language)
        for language in ("zh", "en")
    }
    assert "原因" in told["zh"].stderr.decode()
    assert "Cause" in told["en"].stderr.decode()
    assert {done.returncode for done in told.values()} == {2}
    assert {done.stdout for done in told.values()} == {b""}


def test_progress_is_shown_on_a_terminal_and_stays_out_of_stdout(company: Company) -> None:
    company.bidder.drafted(company.lot)
    controlling, terminal = pty.openpty()
    try:
        done = company.run.start("pack", company.bid, "--json", stderr=terminal)
        shown = os.read(controlling, 65536).decode()
    finally:
        os.close(terminal)
        os.close(controlling)
    assert done.returncode == 0
    assert json.loads(done.stdout)["documents"] == len(sample_bid("construction").documents)
    assert "100%" in shown


def test_a_pin_in_the_environment_serves_too(company: Company) -> None:
    company.bidder.drafted(company.lot)
    company.run.run("pack", company.bid)
    quiet = CommandLine(company.run.home, {"BIDCLIENT_PIN": PIN.decode()})
    done = quiet.start("sign", company.bid, "--key", company.bidder.signing, "--json", pin=b"")
    assert done.returncode == 0
    assert json.loads(done.stdout)["timestamped"]


def run_demo(folder: Path, *arguments: str | Path) -> dict[str, Any]:
    """`bidclient demo --json`, which must hold its time."""
    done = CommandLine(folder).start("demo", "--json", *arguments)
    assert done.returncode == 0, done.stderr.decode("utf-8", "replace")[-2000:]
    report: dict[str, Any] = json.loads(done.stdout)
    assert report["seconds"] < 60
    assert [step["name"] for step in report["steps"]][-1] == "evidence"
    assert "✓" in done.stderr.decode()
    return report


def test_the_demo_needs_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    report = run_demo(tmp_path)
    assert report["passed"]
    assert report["folder"] is None
    assert [path.name for path in tmp_path.iterdir()] == ["log"]


def test_the_demo_takes_documents_that_nobody_here_wrote(tmp_path: Path, manuals: Path) -> None:
    kept = tmp_path / "kept"
    report = run_demo(tmp_path, "--keep", kept, "--documents", manuals)
    (draft,) = [step for step in report["steps"] if step["name"] == "draft"]
    assert draft["figures"]["own_documents"] == len(list(manuals.glob("*.pdf")))
    assert report["folder"] == str(kept)
    for name in ("bid/bid.sealed", "bid/receipt.pdf", "evidence/verify.sh", "trust/ca.pem"):
        assert (kept / name).is_file()
    # A seal only adds to a file.
    with_them = [path.read_bytes() for path in (kept / "bid" / "parts").rglob("*.pdf")]
    for path in manuals.glob("*.pdf"):
        assert any(content.startswith(path.read_bytes()) for content in with_them), path.name
    again = CommandLine(tmp_path).start("demo", "--keep", kept, "--json")
    assert (again.returncode, json.loads(again.stdout)["error"]["code"]) == (2, "E-BID-EXISTS")


@pytest.fixture
def manuals() -> Path:
    """Debian's PDF manuals; fetched by the Makefile when they are not here yet."""
    folder = Path(__file__).resolve().parents[2] / "build" / "manuals"
    if not folder.is_dir():
        subprocess.run(["make", "build/manuals"], cwd=folder.parents[1], check=True, capture_output=True)
    return folder
