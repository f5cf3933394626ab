"""The README's journey by hand, typed as it stands: a newcomer's first hour must not end in an error."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.support.journey import ROOT, CommandLine

SECONDS = 240


def block() -> str:
    """The commands after "The same by hand" in README.md."""
    _, _, after = (ROOT / "README.md").read_text("utf-8").partition("The same by hand")
    _, fence, rest = after.partition("\n```\n")
    commands, end, _ = rest.partition("\n```\n")
    assert fence
    assert end
    return commands


def test_the_block_of_the_readme_leads_to_an_opened_bid(tmp_path: Path) -> None:
    commands = block()
    assert commands.count("bidclient ") > 20
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    for name in ("BIDCLIENT_HOME", "BIDCLIENT_PIN", "BIDCLIENT_LANGUAGE"):
        environment.pop(name, None)
    with (tmp_path / "typed.log").open("wb") as log:
        done = subprocess.run(
            ["bash", "-e", "-c", commands],
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            timeout=SECONDS,
            check=False,
        )
    told = (tmp_path / "typed.log").read_text("utf-8")
    assert done.returncode == 0, told
    assert "递交成功" in told
    assert "本单位一行与本地投标文件逐项一致" in told
    assert "全部有效" in told

    status = CommandLine(tmp_path / "net").run("status", tmp_path / "my-bid")
    assert status["stage"] == "opened"
    rows = json.loads((tmp_path / "my-bid" / "opening" / "readout.json").read_bytes())["rows"]
    assert [row["state"] for row in rows] == ["opened"] * 4
    assert status["price_fen"] in [row["price_fen"] for row in rows]
