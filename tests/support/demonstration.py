"""The demonstration that `bidclient demo --keep` leaves, made once for a whole run, because many judge it."""

import fcntl
import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.support.journey import ROOT, CommandLine

KEPT = Path("build") / "demo"
"""Where the demonstration lies in the folder that is laid out like the repository."""
_REPORT = "report.json"


@pytest.fixture(scope="session")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make demo` leaves, in a folder laid out like the repository; to be copied, not to be spoilt.

    The first process of a run that asks makes it, and the others wait for that one.
    """
    own = tmp_path_factory.getbasetemp()
    checkout = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "checkout"
    checkout.mkdir(exist_ok=True)
    with (checkout / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (checkout / _REPORT).exists():
            _make(checkout)
    return checkout


def told(checkout: Path) -> Any:
    """What the demonstration has said of itself."""
    return json.loads((checkout / _REPORT).read_bytes())


def _make(checkout: Path) -> None:
    (checkout / "build").mkdir()
    (checkout / "resources").symlink_to(ROOT / "resources")
    done = CommandLine(checkout / "home").start("demo", "--keep", checkout / KEPT, "--json")
    assert done.returncode == 0, done.stderr.decode("utf-8", "replace")[-2000:]
    (checkout / _REPORT).write_bytes(done.stdout)
