"""The program as its users start it: a process, with its settings in a folder of their own."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.demonstration import demonstration
from tests.support.desk_fixtures import bidder, company, shared_sandbox
from tests.support.desks import PIN, Bidder

__all__ = ["Program", "bidder", "company", "demonstration", "program", "shared_sandbox"]


@dataclass
class Program:
    """bidclient in a process."""

    home: Path
    pin: bytes = PIN

    def run(self, *arguments: str | Path, pin: bytes | None = None) -> subprocess.CompletedProcess[str]:
        """Run it; the PIN goes in by stdin when a command takes one."""
        environment = {**os.environ, "BIDCLIENT_HOME": str(self.home)}
        for name in ("BIDCLIENT_PIN", "BIDCLIENT_LANGUAGE"):
            environment.pop(name, None)
        return subprocess.run(
            [sys.executable, "-m", "bidclient", *map(str, arguments)],
            input=(pin if pin is not None else self.pin).decode(),
            capture_output=True,
            text=True,
            env=environment,
            timeout=120,
            check=False,
        )

    def json(self, *arguments: str | Path) -> Any:
        """Its one JSON document; it must have succeeded."""
        done = self.run(*arguments, "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    def error(self, code: int, *arguments: str | Path) -> Any:
        """The error that it prints as JSON with this exit code."""
        done = self.run(*arguments, "--json")
        assert done.returncode == code, done.stdout + done.stderr
        return json.loads(done.stdout)["error"]


@pytest.fixture
def program(bidder: Bidder) -> Program:
    """The program with the bidder's settings."""
    return Program(bidder.folder / "home")
