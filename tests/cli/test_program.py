"""The program itself: help, versions, languages, exit codes, and secrets that stay out of sight."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bidclient import __version__
from bidclient.cli import _VERBS, program
from tests.cli.conftest import Program
from tests.support.desks import Bidder


@pytest.fixture
def bare(tmp_path: Path) -> Program:
    """The program of somebody who has set nothing."""
    return Program(tmp_path / "home", b"")


def test_every_verb_has_its_help(bare: Program) -> None:
    done = bare.run("--help")
    assert done.returncode == 0
    for verb, (_, told) in _VERBS.items():
        assert re.search(f"^  {verb} +{re.escape(told.split()[0])}", done.stdout, re.MULTILINE), verb
        assert " / " in told
        assert program.get_command(None, verb) is not None  # type: ignore[arg-type] # unused by ours
    assert bare.run("--version").stdout.strip().endswith(__version__)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["no-such-verb"], 2),
        (["new"], 2),
        (["status", "nowhere"], 2),
        (["verify", "nowhere"], 2),
        (["lots"], 2),
        (["evidence", "verify", "nowhere"], 2),
        (["keys", "test"], 2),
        (["keys", "--probe"], 2),
        (["keys", "pair", "--probe"], 2),
    ],
)
def test_exit_codes_of_usage(bare: Program, arguments: list[str], code: int) -> None:
    assert bare.run(*arguments).returncode == code


def test_errors_are_one_json_document_with_their_facts(bare: Program) -> None:
    error = bare.error(2, "status", "nowhere")
    assert error["code"] == "E-NOT-A-BID-FOLDER"
    assert error["facts"] == {"path": "nowhere"}
    assert error["title"]
    assert error["next_step"]


def test_errors_speak_the_language_that_is_asked_for(bare: Program) -> None:
    chinese, english = bare.run("status", "nowhere"), bare.run("status", "nowhere", "--language", "en")
    assert "下一步" in chinese.stderr
    assert chinese.stdout == ""
    assert "Not a bid folder" in english.stderr
    assert "下一步" not in english.stderr


def test_errors_speak_the_language_of_the_settings(bare: Program) -> None:
    bare.home.mkdir()
    (bare.home / "settings.toml").write_text('language = "en"\n', "utf-8")
    assert "Not a bid folder" in bare.run("status", "nowhere").stderr
    assert "下一步" in bare.run("status", "nowhere", "--language", "zh").stderr
    elsewhere = Program(bare.home.parent / "elsewhere", b"")
    assert "Not a bid folder" in elsewhere.run("status", "nowhere", "--home", str(bare.home)).stderr
    # A folder called "en" asks for no language.
    assert "下一步" in elsewhere.run("status", "en").stderr


def test_a_disk_that_does_not_play_along_is_named(bare: Program, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    error = bare.error(5, "demo", "--keep", str(tmp_path / "file" / "demo"))
    assert error["code"] == "E-DISK"
    assert error["facts"]["path"].startswith(str(tmp_path / "file"))


def test_settings_that_are_wrong_are_named(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "settings.toml").write_text('language = "xx"\n', "utf-8")
    error = Program(home).error(2, "keys")
    assert error["code"] == "E-SETTING"
    (home / "settings.toml").write_text("modules = 5\n", "utf-8")
    said = Program(home).run("keys").stderr
    assert "$.modules 的类型应为 array，实际为 int。" in said
    assert "Traceback" not in said


def test_a_drawn_seal_names_the_next_command_for_its_kind(bare: Program, tmp_path: Path) -> None:
    person = tmp_path / "person.png"
    told = bare.run("seal-image", "张三", "-o", person, "--kind", "legal-representative", "--language", "zh")
    assert f"--image legal-representative={person}" in told.stdout
    company = tmp_path / "company.png"
    assert f"--image {company}" in bare.run("seal-image", "某公司", "-o", company).stdout
    drawn = company.read_bytes()
    assert bare.error(2, "seal-image", "别的公司", "-o", company)["code"] == "E-BID-EXISTS"
    assert company.read_bytes() == drawn
    refused = bare.error(2, "seal-image", "某公司", "-o", tmp_path / "company.jpg")
    assert ".svg, .png, .esl" in refused["cause"]
    missing = bare.error(2, "stamp", tmp_path, "--image", "foo=seal.png")
    assert missing["facts"]["path"] == "foo=seal.png"


def test_without_a_terminal_it_says_how_a_pin_is_handed_in(program: Program, bidder: Bidder) -> None:
    error = program.error(1, "keys", "test", bidder.signing)
    assert error["code"] == "E-NO-TERMINAL"
    for way in ("--pin-stdin", "BIDCLIENT_PIN"):
        assert way in error["next_step"]
    assert "取消" not in error["title"] + error["cause"]


def test_a_phone_authority_without_a_phone_is_named_with_the_next_step(bare: Program) -> None:
    assert bare.json("keys", "--all")["phone_unpaired"] is False
    bare.home.mkdir(exist_ok=True)
    (bare.home / "settings.toml").write_text('[mobile]\naddress = "https://127.0.0.1:9"\n', "utf-8")
    assert bare.json("keys", "--all")["phone_unpaired"] is True
    assert "还没有绑定手机：bidclient keys pair" in bare.run("keys", "--all").stdout
    assert "no phone is paired" in bare.run("keys", "--all", "--language", "en").stdout


def test_diag_tells_what_support_needs_and_no_secret(bare: Program) -> None:
    report = bare.json("diag")
    assert report["version"] == __version__
    assert report["parts"]["cryptography"] != "-"
    assert {module["name"] for module in report["modules"]} >= {"SoftHSM2"}
    assert bare.run("diag").returncode == 0


def test_a_reader_that_has_seen_enough_is_no_fault(bare: Program) -> None:
    command = f"{sys.executable} -m bidclient diag | head -n 1"
    environment = {**os.environ, "BIDCLIENT_HOME": str(bare.home)}
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, env=environment, check=False
    )
    assert done.stdout.startswith("bidclient")
    assert "Traceback" not in done.stderr
    assert "E-BID" not in done.stderr


def test_traffic_is_logged_only_behind_a_warning(bare: Program) -> None:
    assert "WARNING" in bare.run("keys", "--log-traffic").stderr
    assert "WARNING" not in bare.run("keys").stderr


def test_the_pin_variable_is_not_inherited(bare: Program, tmp_path: Path) -> None:
    child = "import os, sys; sys.exit('BIDCLIENT_PIN' in os.environ)"
    code = (
        "import os, subprocess, sys\n"
        "from bidclient.cli.person import pin_source\n"
        "assert pin_source(False, os.environ) == ['1234']\n"
        f"sys.exit(subprocess.call([sys.executable, '-c', {child!r}]))\n"
    )
    environment = {**os.environ, "BIDCLIENT_PIN": "1234"}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0


def test_json_is_one_document_on_stdout(bare: Program) -> None:
    done = bare.run("keys", "--all", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["keys"] == []
    assert done.stderr == ""


def test_the_exit_code_of_verify_is_that_of_the_worst_verdict(program: Program, bidder: Bidder) -> None:
    folder, note = bidder.signed(), bidder.folder / "note.txt"
    note.write_text("x")
    bad = bidder.folder / "bad.zip"
    bad.write_bytes((folder / "bid.zip").read_bytes().replace(b"%PDF-1", b"%PDF-2", 1))
    assert program.run("verify", folder / "bid.zip").returncode == 0
    known = program.run("verify", note, folder / "bid.zip", "--json")
    assert known.returncode == 1
    reports = json.loads(known.stdout)
    assert [[one["verdict"] for one in report["verdicts"]] for report in reports] == [
        ["cannot-tell"],
        ["valid"],
    ]
    spoilt = program.run("verify", note, bad, folder / "bid.zip")
    assert spoilt.returncode == 5
    assert "文件与清单不一致" in spoilt.stdout
    assert spoilt.stdout.count("[有效]") == 1
    assert program.error(2, "verify", folder / "bid.zip", "nowhere")["code"] == "E-FILE"


def test_whoever_logs_out_without_a_session_is_told(program: Program) -> None:
    done = program.run("logout")
    assert done.returncode == 0
    assert "没有保存" in done.stdout
