"""The journal keeps every entry through kills and names the line where somebody has touched it."""

import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bidclient.errors import JournalBroken
from bidclient.store.journal import GENESIS, Journal

NOW = datetime(2026, 12, 1, 1, 30, tzinfo=UTC)
FACTS = st.dictionaries(
    st.text("abcdefgh_", min_size=1, max_size=8),
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**53) + 1, 2**53 - 1),
        st.text('ab 中文\n\r\u2028"\\', max_size=20),
    ),
    max_size=5,
)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.text("abc-", min_size=1, max_size=10), FACTS), min_size=1, max_size=8))
def test_what_is_appended_comes_back(steps: list[tuple[str, dict[str, str | int | bool | None]]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder) / "journal.jsonl")
        for event, data in steps:
            journal.append(event, data, NOW, NOW)
        entries = journal.entries()
        assert [(entry.event, entry.data) for entry in entries] == steps
        assert [entry.seq for entry in entries] == list(range(1, len(steps) + 1))
        assert entries[0].prev == GENESIS


def filled(folder: Path, count: int = 5) -> Path:
    path = folder / "journal.jsonl"
    for number in range(count):
        Journal(path).append("step", {"number": number}, NOW)
    return path


@pytest.mark.parametrize("cut", [1, 10, 100])
def test_a_torn_last_line_is_forgiven_and_repaired(tmp_path: Path, cut: int) -> None:
    path = filled(tmp_path)
    path.write_bytes(path.read_bytes()[:-cut])
    journal = Journal(path)
    assert len(journal.entries()) == 4
    journal.append("after", {}, NOW)
    assert [entry.event for entry in journal.entries()] == ["step"] * 4 + ["after"]
    assert path.read_bytes().count(b"\n") == 5


def changed(lines: list[bytes]) -> list[bytes]:
    return [lines[0], lines[1].replace(b'"number":1', b'"number":7'), *lines[2:]]


def swapped(lines: list[bytes]) -> list[bytes]:
    return [lines[0], lines[2], lines[1], *lines[3:]]


def dropped(lines: list[bytes]) -> list[bytes]:
    return [lines[0], *lines[2:]]


def doubled(lines: list[bytes]) -> list[bytes]:
    return [lines[0], lines[1], lines[1], *lines[2:]]


def spaced(lines: list[bytes]) -> list[bytes]:
    return [lines[0], lines[1].replace(b'":', b'": ', 1), *lines[2:]]


def returned(lines: list[bytes]) -> list[bytes]:
    return [line + b"\r" for line in lines]


def joined(lines: list[bytes]) -> list[bytes]:
    return [b"\r".join(lines)]


@pytest.mark.parametrize(
    ("touch", "line"),
    [(changed, 3), (swapped, 2), (dropped, 2), (doubled, 3), (spaced, 2), (returned, 1), (joined, 1)],
)
def test_a_touched_journal_names_the_line(tmp_path: Path, touch: object, line: int) -> None:
    path = filled(tmp_path)
    lines = path.read_bytes().split(b"\n")[:-1]
    assert callable(touch)
    path.write_bytes(b"\n".join(touch(lines)) + b"\n")
    with pytest.raises(JournalBroken) as caught:
        Journal(path).entries()
    assert caught.value.line == line
    with pytest.raises(JournalBroken):
        Journal(path).append("more", {}, NOW)


def test_the_chain_can_be_checked_with_sha256sum(tmp_path: Path) -> None:
    path = filled(tmp_path, 3)
    lines = path.read_bytes().split(b"\n")[:-1]
    for before, after in itertools.pairwise(lines):
        told = (
            subprocess.run(["sha256sum"], input=before, capture_output=True, check=True).stdout[:64].decode()
        )
        assert json.loads(after)["prev"] == told


WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from bidclient.store.journal import Journal
journal = Journal(Path(sys.argv[1]))
moment = datetime(2026, 12, 1, tzinfo=UTC)
for number in range(100000):
    journal.append("step", {"number": number, "filler": "x" * 2000}, moment)
    print(number, flush=True)
"""


def test_a_kill_loses_no_acknowledged_entry(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    for _ in range(3):
        before = len(Journal(path).entries())
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        acknowledged = [int(writer.stdout.readline()) for _ in range(15)][-1]
        os.kill(writer.pid, signal.SIGKILL)
        rest = writer.stdout.read().split("\n")
        writer.wait()
        writer.stdout.close()
        told = [int(line) for line in rest[:-1] if line]
        acknowledged = max([acknowledged, *told])
        assert len(Journal(path).entries()) >= before + acknowledged + 1
