"""Checks the entries of a stored ZIP while its bytes pass by once, on their way to somewhere else."""

import hashlib
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bidclient.errors import BadManifest


@dataclass(frozen=True)
class Expected:
    """Where an entry's data lies, how long it is, and its SHA-256 in hex; without one its CRC-32 counts."""

    name: str
    offset: int
    size: int
    crc32: int
    sha256: str | None


class EntryWatch:
    """Called with the file's bytes in order; raises BadManifest for an entry that is not what is expected."""

    def __init__(self, expected: Iterable[Expected]) -> None:
        self._running = map(_Running, sorted(expected, key=lambda entry: entry.offset))
        self._current = _next(self._running)
        self._position = 0

    def __call__(self, data: memoryview) -> None:
        """The next bytes of the file. Raises BadManifest."""
        start, end = self._position, self._position + len(data)
        while (entry := self._current) is not None and entry.start < end:
            entry.update(data[max(entry.start, start) - start : min(entry.end, end) - start])
            if entry.end > end:
                break
            entry.finish()
            self._current = _next(self._running)
        self._position = end

    def finish(self) -> None:
        """To be called after the last byte. Raises BadManifest when an entry has not passed."""
        if self._current is not None:
            raise BadManifest(self._current.name, "missing")


class _Running:
    """One entry on its way through."""

    def __init__(self, expected: Expected) -> None:
        self.name = expected.name
        self.start = expected.offset
        self.end = expected.offset + expected.size
        self._expected = expected
        self._digest = None if expected.sha256 is None else hashlib.sha256()
        self._crc = 0

    def update(self, data: memoryview) -> None:
        if self._digest is None:
            self._crc = zlib.crc32(data, self._crc)
        else:
            self._digest.update(data)

    def finish(self) -> None:
        if self._digest is None:
            same = self._crc == self._expected.crc32
        else:
            same = self._digest.hexdigest() == self._expected.sha256
        if not same:
            raise BadManifest(self.name, "changed since it was signed")


def _next(running: Iterator[_Running]) -> _Running | None:
    return next(running, None)
