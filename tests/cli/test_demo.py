"""The demonstration walks the whole way and leaves what a stranger can verify."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Program


@pytest.mark.parametrize(
    ("sample", "options"),
    [("construction", ["--keep"]), ("goods", ["--soft-keys"]), ("services", ["--key-type", "sm2"])],
    ids=["construction", "goods", "services"],
)
def test_the_demo_passes(tmp_path: Path, sample: str, options: list[str]) -> None:
    program = Program(tmp_path / "home", b"")
    kept = tmp_path / "demo"
    if options == ["--keep"]:
        options = ["--keep", str(kept)]
    report = program.json("demo", "--sample", sample, *options)
    assert report["passed"]
    assert report["seconds"] < 60
    names = [step["name"] for step in report["steps"]]
    assert names[0] == "sandbox"
    assert names[-1] == "evidence"
    assert all(step["verified"] for step in report["steps"] if step["name"] not in ("sandbox", "competitors"))
    is_sm2 = "sm2" in options
    assert (report["key_type"], report["suite"]) == (("sm2", "gm-1") if is_sm2 else ("rsa-2048", "intl-1"))
    if is_sm2:
        assert report["keys"] == "key-file"
    if sample != "construction":
        assert report["folder"] is None
        return
    assert report["keys"] == "softhsm"
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
