"""The README's journey by hand, typed as it stands: a newcomer's first hour must not end in an error."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.support.journey import ROOT, CommandLine

SECONDS = 240


def block(heading: str) -> str:
    """The commands after these words in README.md."""
    _, _, after = (ROOT / "README.md").read_text("utf-8").partition(heading)
    _, fence, rest = after.partition("\n```\n")
    commands, end, _ = rest.partition("\n```\n")
    assert fence
    assert end
    return commands


def typed(commands: str, folder: Path) -> str:
    """What a shell says that is given these commands in an empty folder; each must end well."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    for name in ("BIDCLIENT_HOME", "BIDCLIENT_PIN", "BIDCLIENT_LANGUAGE"):
        environment.pop(name, None)
    with (folder / "typed.log").open("wb") as log:
        done = subprocess.run(
            ["bash", "-e", "-c", commands],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            timeout=SECONDS,
            check=False,
        )
    told = (folder / "typed.log").read_text("utf-8")
    assert done.returncode == 0, told
    return told


def test_the_block_with_sm2_keys_leads_to_an_electronic_seal(tmp_path: Path) -> None:
    told = typed(block("With SM2 keys"), tmp_path)
    assert told.count("[有效] company.esl") == 3
    assert (tmp_path / "company.esl").stat().st_size > 1000


def test_the_block_of_the_readme_leads_to_an_opened_bid(tmp_path: Path) -> None:
    commands = block("The same by hand")
    assert commands.count("bidclient ") > 20
    told = typed(commands, tmp_path)
    assert "递交成功" in told
    assert "本单位一行与本地投标文件逐项一致" in told
    assert "全部有效" in told

    status = CommandLine(tmp_path / "net").run("status", tmp_path / "my-bid")
    assert status["stage"] == "opened"
    rows = json.loads((tmp_path / "my-bid" / "opening" / "readout.json").read_bytes())["rows"]
    assert [row["state"] for row in rows] == ["opened"] * 4
    assert status["price_fen"] in [row["price_fen"] for row in rows]
