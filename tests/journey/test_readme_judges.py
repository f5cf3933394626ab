"""The README's block of stock tools, run as it stands: a reader's first check must work, and can fail."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.journey import ROOT, CommandLine


def block() -> str:
    """The shell commands under "Verify with stock tools"."""
    _, _, after = (ROOT / "README.md").read_text("utf-8").partition("## Verify with stock tools")
    _, fence, rest = after.partition("\n```sh\n")
    commands, end, _ = rest.partition("\n```\n")
    assert fence
    assert end
    return commands


@pytest.fixture(scope="module")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make demo` leaves, in a folder laid out like the repository."""
    checkout = tmp_path_factory.mktemp("checkout")
    (checkout / "build").mkdir()
    (checkout / "resources").symlink_to(ROOT / "resources")
    done = CommandLine(checkout / "home").start("demo", "--keep", checkout / "build" / "demo", "--json")
    assert done.returncode == 0, done.stderr.decode("utf-8", "replace")[-2000:]
    return checkout


def run_block(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block()],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_block_passes_on_what_the_demo_leaves(demonstration: Path) -> None:
    done = run_block(demonstration / "build" / "demo")
    assert done.returncode == 0, done.stderr
    assert "all hold" in done.stdout


@pytest.mark.parametrize(
    "name",
    [
        "bid/tender.tender",
        "bid/bid.zip",
        "bid/bid.asice",
        "bid/bid.stub",
        "bid/bid.sealed",
        "bid/receipt.p7s",
        "bid/receipt.tsr",
        "evidence/chain.jsonl",
        "evidence/readout.json",
        "evidence/release.p7s",
        "evidence/journal.jsonl",
    ],
)
def test_the_block_fails_when_one_bit_is_changed(demonstration: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "build").mkdir()
    (tmp_path / "resources").symlink_to(ROOT / "resources")
    folder = tmp_path / "build" / "demo"
    shutil.copytree(
        demonstration / "build" / "demo", folder, ignore=shutil.ignore_patterns("sandbox", "tokens")
    )
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 0x01
    (folder / name).write_bytes(content)
    assert run_block(folder).returncode != 0
