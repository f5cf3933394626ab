"""The device ledger (设备台账): which company made a bid for which lot on this computer.

It is only ever appended to: NNN-uses.jsonl is a hash chain as a bid's journal is. A second file, in another
folder, says how long each chain was: so a lost end is noticed too. A damaged chain stays where it is and a
new one is begun, and the damage is told from then on. Who removes both places at once is not found out: this
is a memory, not a lock.
"""

import hashlib
import re
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

from bidclient.errors import BadFormat, DiskProblem, JournalBroken, NotCanonical
from bidclient.formats import atomic, canonical
from bidclient.formats.instant import parse_instant
from bidclient.formats.shapes import END
from bidclient.similarity.findings.device import DeviceUse, Ledger
from bidclient.stages.tender import Hex32, Record
from bidclient.store.journal import Fact, Journal, JournalEntry
from bidclient.store.lock import locked
from bidclient.store.numbered import next_number, numbered

_SUFFIX = "-uses.jsonl"
_FORMAT: Final = "bidclient/device-ledger-ends"
_KINDS = ("mac", "disk", "board", "cpu", "host", "lock")
_LINE_LIMIT = 64 * 1024


class ChainEnd(Record):
    """How far a chain had come: its number of entries and the digest of the last one."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{3,9}" + re.escape(_SUFFIX) + END)]
    entries: Annotated[int, msgspec.Meta(ge=1)]
    sha256: Hex32


class Ends(Record):
    """What the second file says."""

    format: Literal["bidclient/device-ledger-ends"]
    version: Literal[1]
    chains: tuple[ChainEnd, ...]


class DeviceLedger:
    """The ledger in `folder`, one per account; `ends` is the file that says how long it is."""

    def __init__(self, folder: Path, ends: Path) -> None:
        self._folder = folder
        self._ends = ends

    def read(self) -> Ledger:
        """All entries, and where it is damaged; entries of a damaged chain that can be read count too.

        Raises DiskProblem.
        """
        ends, damage = self._known_ends()
        uses: list[DeviceUse] = []
        paths = numbered(self._folder, _SUFFIX)
        for path in paths:
            entries, flaw = _chain(path)
            flaw = flaw or _cut_short(path.name, entries, ends)
            uses += [_use(entry) for entry in entries]
            damage += [flaw] if flaw else []
        damage += [_gone(name) for name in ends if name not in {path.name for path in paths}]
        return Ledger(tuple(uses), tuple(damage))

    def append(self, use: DeviceUse) -> None:
        """Write one more entry and sync it. Raises DiskProblem."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._ends.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise DiskProblem(str(self._folder), str(error)) from error
        with locked(self._folder, wait=True):
            ends, _ = self._known_ends()
            path = self._open_chain(ends)
            entry = Journal(path).append(use.action, _facts(use), parse_instant(use.at))
            ends[path.name] = ChainEnd(path.name, entry.seq, _digest(entry))
            kept = Ends(_FORMAT, 1, tuple(ends[name] for name in sorted(ends)))
            atomic.write(self._ends, canonical.dumps(kept))

    def _open_chain(self, ends: dict[str, ChainEnd]) -> Path:
        """The newest chain when it is whole, else a new one that is none of those that are known."""
        paths = numbered(self._folder, _SUFFIX)
        if paths:
            entries, flaw = _chain(paths[-1])
            if not flaw and not _cut_short(paths[-1].name, entries, ends):
                return paths[-1]
        number = max([int(next_number(self._folder)), *(int(name.partition("-")[0]) + 1 for name in ends)])
        return self._folder / f"{number:03d}{_SUFFIX}"

    def _known_ends(self) -> tuple[dict[str, ChainEnd], list[tuple[str, str]]]:
        """By name, how long the chains were; and what is wrong with the file that says it."""
        try:
            content = self._ends.read_bytes()
        except FileNotFoundError:
            return {}, []
        except OSError as error:
            raise DiskProblem(str(self._ends), str(error)) from error
        try:
            ends = canonical.loads(content, Ends, "device ledger")
        except (BadFormat, NotCanonical):
            return {}, [(f"{self._ends.name} 已损坏", f"{self._ends.name} is damaged")]
        return {end.name: end for end in ends.chains}, []


def _chain(path: Path) -> tuple[list[JournalEntry], tuple[str, str] | None]:
    """The entries of a chain, and where it breaks; then those of its lines that can be read alone."""
    try:
        return Journal(path).entries(), None
    except JournalBroken as error:
        return _readable(path), (
            f"{path.name} 第 {error.line} 行被改动",
            f"{path.name} was changed at line {error.line}",
        )


def _readable(path: Path) -> list[JournalEntry]:
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise DiskProblem(str(path), str(error)) from error
    entries: list[JournalEntry] = []
    for line in lines:
        try:
            entries.append(canonical.loads(line, JournalEntry, "device ledger", limit=_LINE_LIMIT))
        except (BadFormat, NotCanonical):
            continue
    return entries


def _cut_short(name: str, entries: list[JournalEntry], ends: dict[str, ChainEnd]) -> tuple[str, str] | None:
    """Why a chain that is whole is not what it was. A kill may have left one entry that is not counted."""
    end = ends.get(name)
    if end is None:
        return (f"{name} 的长度没有记录", f"how long {name} was is not known") if len(entries) > 1 else None
    if len(entries) < end.entries:
        lost = end.entries - len(entries)
        return f"{name} 缺少最后 {lost} 条", f"{name} lacks its last {lost} entries"
    if _digest(entries[end.entries - 1]) != end.sha256:
        return f"{name} 被换成了另一份", f"{name} was replaced by another"
    return None


def _gone(name: str) -> tuple[str, str]:
    return f"{name} 不见了", f"{name} is gone"


def _digest(entry: JournalEntry) -> str:
    """Hex SHA-256 of an entry's line."""
    return hashlib.sha256(canonical.dumps(entry)).hexdigest()


def _facts(use: DeviceUse) -> dict[str, Fact]:
    marks = {kind: " ".join(sorted(use.marks.get(kind, ()))) for kind in _KINDS}
    return {
        "uscc": use.uscc,
        "network": use.network,
        "project": use.project,
        "lot": use.lot,
        "creation_code": use.creation_code,
        **marks,
    }


def _use(entry: JournalEntry) -> DeviceUse:
    def text(name: str) -> str:
        return str(entry.data.get(name) or "")

    marks = {kind: frozenset(text(kind).split()) for kind in _KINDS}
    return DeviceUse(
        entry.at,
        entry.event,
        text("uscc"),
        text("network"),
        text("project"),
        text("lot"),
        marks,
        text("creation_code"),
    )
