"""Two programs never change one bid folder at the same time, and a killed one leaves no lock behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bidclient.errors import Busy
from bidclient.store.lock import locked

HOLDER = """
import sys, time
from pathlib import Path
from bidclient.store.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_the_second_is_told_at_once_and_a_kill_frees(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(Busy) as caught, locked(tmp_path):
            pass
        assert caught.value.retryable
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()
    with locked(tmp_path):
        assert (tmp_path / ".lock").exists()
