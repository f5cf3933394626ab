"""Measures whole commands, one round of all after the other, and compares them round by round."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Work:
    """A command, what it reads and what it makes (a file or a folder each), and the tool that it needs."""

    command: Sequence[str]
    reads: str
    makes: str
    tool: str = "sh"


@dataclass(frozen=True)
class Run:
    """One run: wall clock and processor seconds of it and its children, peak resident memory in MiB."""

    wall: float
    cpu: float
    rss: float


@dataclass(frozen=True)
class Target:
    """`ours` should take at most `limit` times the wall clock time of `peer`."""

    ours: str
    peer: str
    limit: float


@dataclass(frozen=True)
class Bench:
    """What a bench found, ready to be shown; `memory` is the most MiB that each of its verbs may take."""

    title: str
    runs: Mapping[str, Sequence[Run]]
    targets: Sequence[Target]
    notes: Sequence[str] = ()
    memory: Mapping[str, float] = field(default_factory=dict)


def asked(mebibytes: int, rounds: int) -> tuple[int, int]:
    """Size in MiB and number of rounds: BENCH_MIB and BENCH_ROUNDS, else these."""
    return int(os.environ.get("BENCH_MIB", mebibytes)), int(os.environ.get("BENCH_ROUNDS", rounds))


@contextmanager
def work_folder() -> Iterator[Path]:
    """A temporary folder on the disk of this checkout: /tmp may lie in memory."""
    build = ROOT / "build"
    build.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=build) as name:
        yield Path(name)


def program(module: str, *arguments: str) -> list[str]:
    """The command that runs a module beside this file, in whatever folder."""
    path = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from tests.bench.{module} import main;"
    return [sys.executable, "-c", f"{path} main(*sys.argv[1:])", *arguments]


def alternate(works: Mapping[str, Work], folder: Path, rounds: int) -> dict[str, list[Run]]:
    """`rounds` runs of each, all of them in every round, after one round that does not count.

    When a command starts, what it reads is in the page cache, nothing of the command before is still on its
    way to the disk, and memory for what it writes has just been in use: otherwise a virtual machine that gets
    its memory from the host page by page would be measured instead.
    """
    there = {name: work for name, work in works.items() if shutil.which(work.tool)}
    runs: dict[str, list[Run]] = {name: [] for name in there}
    for number in range(rounds + 1):
        for name, work in there.items():
            _remove(folder / work.makes)
            _warm(folder / work.reads, folder / "scratch")
            run = _once(work.command, folder)
            if number:
                runs[name].append(run)
    return runs


def show(bench: Bench) -> str:
    """The table and the targets as text."""
    lines = [bench.title, "", f"{'':34}{'wall s':>8}{'min':>8}{'max':>8}{'CPU s':>8}{'RSS MiB':>9}"]
    for name, runs in bench.runs.items():
        walls = [run.wall for run in runs]
        line = f"{name:34}{median(walls):8.2f}{min(walls):8.2f}{max(walls):8.2f}"
        cpu, rss = median(run.cpu for run in runs), max(run.rss for run in runs)
        lines.append(line + f"{cpu:8.2f}{rss:9.0f}")
    lines += ["", f"{'ratios of wall clock, by round':60}{'median':>8}{'min':>8}{'max':>8}{'target':>9}"]
    for target in bench.targets:
        if target.ours in bench.runs and target.peer in bench.runs:
            lines.append(_ratio(bench, target))
    for name, limit in bench.memory.items():
        if name in bench.runs:
            lines.append(_peak(name, bench.runs[name], limit))
    return "\n".join([*lines, "", *bench.notes]) + "\n"


def _ratio(bench: Bench, target: Target) -> str:
    pairs = zip(bench.runs[target.ours], bench.runs[target.peer], strict=True)
    ratios = [ours.wall / peer.wall for ours, peer in pairs]
    verdict = "reached" if median(ratios) <= target.limit else "missed"
    name = f"{target.ours} / {target.peer}"
    figures = f"{median(ratios):8.2f}{min(ratios):8.2f}{max(ratios):8.2f}"
    return f"{name:60}{figures}{target.limit:9.2f}  {verdict}"


def _peak(name: str, runs: Sequence[Run], limit: float) -> str:
    peaks = [run.rss for run in runs]
    verdict = "reached" if max(peaks) <= limit else "missed"
    figures = f"{median(peaks):8.0f}{min(peaks):8.0f}{max(peaks):8.0f}"
    return f"{f'peak memory of {name}, MiB':60}{figures}{limit:9.0f}  {verdict}"


def _once(command: Sequence[str], folder: Path) -> Run:
    begin = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    complaint = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stderr.close()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)}: {complaint.decode(errors='replace')}")
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def _warm(path: Path, scratch: Path) -> None:
    buffer = bytearray(1024 * 1024)
    with scratch.open("wb", buffering=0) as writing:
        for file in [path] if path.is_file() else path.rglob("*"):
            if file.is_file():
                with file.open("rb", buffering=0) as reading:
                    while count := reading.readinto(buffer):
                        writing.write(memoryview(buffer)[:count])
    scratch.unlink()
    os.sync()


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
