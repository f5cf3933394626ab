"""journal.jsonl: every step of a bid, appended and hash-chained, so that it is evidence and survives a kill.

One canonical JSON object (RFC 8785) per line. `prev` is the SHA-256 of the line before, without its line
feed; for the first line it is GENESIS. Change, loss or reordering of an earlier line breaks the chain at a
line with a number.
"""

import hashlib
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec

from bidclient.errors import BadFormat, DiskProblem, JournalBroken, NotCanonical
from bidclient.formats import atomic, canonical
from bidclient.formats.instant import Instant, instant_text
from bidclient.stages.tender import Hex32, Record

GENESIS = hashlib.sha256(b"bidclient/journal/1\0").hexdigest()
Fact = str | int | bool | None
_LINE_LIMIT = 1024 * 1024


class JournalEntry(Record):
    """One line. `at` is this computer's time, `server_at` the network's where it is known."""

    seq: Annotated[int, msgspec.Meta(ge=1)]
    prev: Hex32
    at: Instant
    server_at: Instant | None
    event: str
    data: dict[str, Fact]


class Journal:
    """The journal of one bid folder. Only the holder of the folder's lock may append."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def entries(self) -> list[JournalEntry]:
        """All entries, the chain verified. A last line torn by a kill does not count as one.

        Raises JournalBroken with the line number, DiskProblem.
        """
        return self._read()[0]

    def append(
        self, event: str, data: Mapping[str, Fact], at: datetime, server_at: datetime | None = None
    ) -> JournalEntry:
        """Write one more entry and sync it to the disk before returning; never a secret in `data`.

        Raises JournalBroken, DiskProblem; ValueError for data that has no canonical form.
        """
        entries, prev, length = self._read()
        entry = JournalEntry(
            seq=len(entries) + 1,
            prev=prev,
            at=instant_text(at),
            server_at=None if server_at is None else instant_text(server_at),
            event=event,
            data=dict(data),
        )
        line = canonical.dumps(entry) + b"\n"
        try:
            is_new = not self._path.exists()
            with self._path.open("ab") as file:
                # What a kill has left after the last whole line goes away here, and only here.
                file.truncate(length)
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
            if is_new:
                atomic.sync_folder(self._path.parent)
        except OSError as error:
            raise DiskProblem(str(self._path), str(error)) from error
        return entry

    def latest(self, *events: str) -> JournalEntry | None:
        """The newest entry whose event is one of `events`."""
        return next((entry for entry in reversed(self.entries()) if entry.event in events), None)

    def _read(self) -> tuple[list[JournalEntry], str, int]:
        """Entries, digest of the last line, and the length in bytes of all whole lines."""
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return [], GENESIS, 0
        except OSError as error:
            raise DiskProblem(str(self._path), str(error)) from error
        whole = content[: content.rfind(b"\n") + 1]
        entries: list[JournalEntry] = []
        prev = GENESIS
        for number, line in enumerate(whole.split(b"\n")[:-1], start=1):
            entries.append(self._parse(line, number, prev))
            prev = hashlib.sha256(line).hexdigest()
        return entries, prev, len(whole)

    def _parse(self, line: bytes, number: int, prev: str) -> JournalEntry:
        try:
            entry = canonical.loads(line, JournalEntry, "journal", limit=_LINE_LIMIT)
        except (BadFormat, NotCanonical) as error:
            raise JournalBroken(str(self._path), number) from error
        if entry.seq != number or entry.prev != prev:
            raise JournalBroken(str(self._path), number)
        return entry
