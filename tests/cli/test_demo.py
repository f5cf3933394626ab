"""The demonstration walks the whole way and leaves what a stranger can verify."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Program
from tests.support.demonstration import KEPT, told


def assert_passed(report: Any, sample: str, key_type: str, suite: str) -> None:
    """It came to its end in time, and proved what it did on the way."""
    assert report["passed"]
    assert report["seconds"] < 60
    names = [step["name"] for step in report["steps"]]
    assert names[0] == "sandbox"
    assert names[-1] == "evidence"
    assert all(step["verified"] for step in report["steps"] if step["name"] not in ("sandbox", "competitors"))
    assert (report["sample"], report["key_type"], report["suite"]) == (sample, key_type, suite)


@pytest.mark.parametrize(
    ("sample", "options", "keys", "key_type", "suite"),
    [
        ("goods", ["--soft-keys"], "pfx", "rsa-2048", "intl-1"),
        ("services", ["--key-type", "sm2"], "key-file", "sm2", "gm-1"),
    ],
    ids=["goods", "services"],
)
def test_the_demo_passes(
    tmp_path: Path, sample: str, options: list[str], keys: str, key_type: str, suite: str
) -> None:
    report = Program(tmp_path / "home", b"").json("demo", "--sample", sample, *options)
    assert_passed(report, sample, key_type, suite)
    assert report["keys"] == keys
    assert report["folder"] is None


def test_what_the_demo_keeps_is_read_by_others_and_not_overwritten(
    demonstration: Path, tmp_path: Path
) -> None:
    report, program = told(demonstration), Program(tmp_path / "home", b"")
    assert_passed(report, "construction", "rsa-2048", "intl-1")
    assert report["keys"] == "softhsm"
    assert report["folder"] == str(demonstration / KEPT)
    kept = tmp_path / "demo"
    shutil.copytree(demonstration / KEPT, kept, ignore=shutil.ignore_patterns("sandbox", "token*"))
    done = subprocess.run(
        [
            *("bash", kept / "evidence" / "verify.sh"),
            *(kept / "trust" / "ca.pem", kept / "trust" / "identity.pem"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert program.json("status", kept / "bid")["stage"] == "opened"
    assert program.error(2, "demo", "--keep", str(kept))["code"] == "E-BID-EXISTS"


def test_the_sandbox_writes_settings_for_the_client(tmp_path: Path) -> None:
    with subprocess.Popen(
        [
            sys.executable,
            "-m",
            "bidclient",
            "sandbox",
            "--data",
            str(tmp_path),
            "--home",
            str(tmp_path / "h"),
        ],
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        try:
            assert "http://127.0.0.1:" in process.stderr.readline()
            assert str(tmp_path) in process.stderr.readline()
            report = Program(tmp_path, b"").run("diag", "--json")
            assert json.loads(report.stdout)["network"].startswith("sandbox http://127.0.0.1:")
        finally:
            process.terminate()
        process.wait(20)
