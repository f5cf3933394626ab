"""sandbox at the command line: it serves, lists its keys in the settings, and takes a hand on its levers."""

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bidclient.formats.instant import parse_instant
from bidclient.sandbox.samples import sample_bid
from tests.cli.conftest import Program


@contextmanager
def serving(data: Path, *options: str) -> Iterator[Program]:
    """`bidclient sandbox` in a process, answering; the program beside it uses its settings."""
    command = [sys.executable, "-m", "bidclient", "sandbox", "--data", str(data), *options]
    environment = {**os.environ, "BIDCLIENT_HOME": str(data.parent / "elsewhere")}
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, env=environment) as process:
        try:
            program = Program(data, b"")
            program.json("sandbox", "state", "--data", str(data))
            program.pin = (data / "practice" / "pin.txt").read_bytes()
            yield program
        finally:
            process.terminate()
            assert process.wait(30) == 0


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A sandbox without competitors for all tests of this file that leave no trace in it."""
    with serving(tmp_path_factory.mktemp("served") / "net", "--competitors", "0") as program:
        yield program


def test_its_settings_list_the_practice_keys(served: Program) -> None:
    keys = served.json("keys")["keys"]
    files = [key for key in keys if key["source"] != "pkcs11"]
    assert {key["uscc"] for key in files} == {sample_bid("construction").bidder.uscc}
    signing = next(key["id"] for key in files if key["uses"] == ["sign"])
    tested = served.json("keys", "test", signing, "--pin-stdin")
    assert tested["sign_seconds"] > 0


def test_lots_are_named_by_their_code(served: Program, tmp_path: Path) -> None:
    lot = served.json("lots", "--pin-stdin")["lots"][0]
    registered = served.json(
        *("register", lot["code"], "--contact", "张三", "--phone", "0934-0000000", "--pin-stdin")
    )
    assert registered["lot"] == lot["id"]
    out = tmp_path / "lot.tender"
    served.json("tender", "download", lot["code"], "-o", str(out), "--pin-stdin")
    told = served.run("tender", "show", str(out)).stdout
    assert "北京时间，还剩" in told
    assert "资格审查文件" in told
    english = served.run("tender", "show", str(out), "--language", "en").stdout
    assert "UTC+8 (1 h" in english
    error = served.error(4, "register", "no-such-lot", "--contact", "a", "--phone", "1", "--pin-stdin")
    assert error["facts"]["problem"] == "not-found"


def test_state_speaks_both_languages(served: Program) -> None:
    assert "可以签到" in served.run("sandbox", "state").stdout
    assert "opening" in served.run("sandbox", "state", "--language", "en").stdout


def test_faults_are_listed_set_and_ended(served: Program) -> None:
    assert served.json("sandbox", "faults")["active"] == {}
    assert served.json("sandbox", "faults", "slow=0.01")["active"] == {"slow": 0.01}
    assert "每个答复延迟的秒数" in served.run("sandbox", "faults", "slow=0").stdout
    assert served.json("sandbox", "faults")["active"] == {}
    for wrong in ("slow", "no-such-fault=1"):
        assert served.error(2, "sandbox", "faults", wrong)["code"] == "E-COMMAND-LINE"


def test_jumps_that_mean_nothing_are_refused(served: Program) -> None:
    for arguments in (("yesterday",), ("+" + "9" * 30,), ("end-step",), ("opening", "--lot", "none")):
        assert served.error(2, "sandbox", "jump", *arguments)["code"] == "E-COMMAND-LINE"


def test_the_clock_jumps_to_the_opening(tmp_path: Path) -> None:
    data = tmp_path / "net"
    with serving(data, "--competitors", "0", "--sample", "goods") as program:
        before = program.json("sandbox", "state")
        later = program.json("sandbox", "jump", "+30")
        moved = parse_instant(later["now"]) - parse_instant(before["now"])
        assert moved.total_seconds() >= 30 * 60
        opened = program.json("sandbox", "--data", str(data), "jump", "opening")
        # Nobody has submitted anything: with fewer than three bidders the lots have failed.
        assert {lot["opening_state"] for lot in opened["lots"]} == {"failed"}
        assert program.error(2, "sandbox", "jump", "opening")["code"] == "E-COMMAND-LINE"
        exact = "2030-01-01T09:00:00.000+08:00"
        assert program.json("sandbox", "jump", exact)["now"].startswith("2030-01-01T09:00:0")


def test_a_restart_keeps_keys_and_what_was_set_by_hand(tmp_path: Path) -> None:
    data = tmp_path / "net"
    settings = data / "settings.toml"
    with serving(data, "--competitors", "0") as program:
        first = program.json("keys")["keys"]
        settings.write_text(settings.read_text("utf-8").replace('"zh"', '"en"'), "utf-8")
    with serving(data, "--competitors", "0") as program:
        assert program.json("keys")["keys"] == first
        assert tomllib.loads(settings.read_text("utf-8"))["language"] == "en"


def test_a_lever_without_a_sandbox_says_what_to_do(tmp_path: Path) -> None:
    done = Program(tmp_path, b"").run("sandbox", "jump", "opening")
    assert done.returncode == 2
    assert "--data" in done.stderr


def test_sample_documents_say_how_they_are_used(tmp_path: Path) -> None:
    program = Program(tmp_path / "home", b"")
    told = program.run("sandbox", "sample-documents", "goods", str(tmp_path / "papers"))
    assert told.returncode == 0, told.stderr
    assert "bidclient set DIR --from" in told.stdout
    again = program.error(2, "sandbox", "sample-documents", "goods", str(tmp_path / "papers"))
    assert again["code"] == "E-BID-EXISTS"


def test_common_options_are_taken_before_the_verb_too(tmp_path: Path) -> None:
    program = Program(tmp_path / "home", b"")
    assert "Not a bid folder" in program.run("--language", "en", "status", "nowhere").stderr
    assert "Not a bid folder" in program.run("--language=en", "status", "nowhere").stderr
    document = json.loads(program.run("--json", "keys").stdout)
    assert "keys" in document
    done = Program(tmp_path / "unused", b"").run("--home", str(tmp_path / "other"), "diag", "--json")
    assert json.loads(done.stdout)["settings"].startswith(str(tmp_path / "other"))


def test_a_command_line_that_does_not_parse_is_explained(tmp_path: Path) -> None:
    program = Program(tmp_path / "home", b"")
    assert program.error(2, "no-such-verb")["code"] == "E-COMMAND-LINE"
    done = program.run("set", "nowhere")
    assert done.returncode == 2
    assert "--help" in done.stderr
    assert "命令行无法理解" in done.stderr
