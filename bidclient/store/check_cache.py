"""What was read and compared before: a second self-check looks only at what has changed.

Files are named by what went into them, so none is ever out of date; the folder may be deleted at any time.
"""

import hashlib
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import msgspec

from bidclient.errors import DiskProblem
from bidclient.formats import atomic
from bidclient.similarity.passages.compare import Coverage
from bidclient.similarity.passages.passage import Passage
from bidclient.similarity.reading.document import Extract

_EFFORT = 3
_MOST_BYTES = 512 * 1024 * 1024
"""On the disk; what was used longest ago goes first."""
_Kind = TypeVar("_Kind")


class Compared(msgspec.Struct, frozen=True):
    """What a comparison said of one document."""

    passages: tuple[Passage, ...]
    coverage: Coverage


class CheckCache:
    """Extracts and comparisons, each in a file of its own. Without a folder nothing is kept."""

    def __init__(self, folder: Path | None, most_bytes: int = _MOST_BYTES) -> None:
        self._folder = folder
        self._most_bytes = most_bytes

    def extract(self, name: str, key: Sequence[str]) -> Extract | None:
        """What was read from a file under this key, now called `name`; None when it was not."""
        found = self._read("extract", key, Extract)
        return None if found is None else replace(found, name=name)

    def keep_extract(self, key: Sequence[str], extract: Extract) -> None:
        """Keep what was read from a file: `key` is its digest, and all else that the reading depends on."""
        self._write("extract", key, extract)

    def compared(self, document: str, key: Sequence[str]) -> Compared | None:
        """What a comparison under this key said of a document, now called `document`; None for none."""
        found = self._read("compared", key, Compared)
        if found is None:
            return None
        passages = tuple(replace(one, document=document) for one in found.passages)
        return Compared(passages, replace(found.coverage, document=document))

    def keep_compared(self, key: Sequence[str], compared: Compared) -> None:
        """Keep it: `key` names the document and everything that it was compared with."""
        self._write("compared", key, compared)

    def _read(self, kind: str, key: Sequence[str], made: type[_Kind]) -> _Kind | None:
        """A file that is damaged, or another version's, counts as none."""
        path = self._path(kind, key)
        if path is None:
            return None
        with suppress(OSError, zlib.error, msgspec.DecodeError):
            content = zlib.decompress(path.read_bytes())
            path.touch()
            return msgspec.msgpack.decode(content, type=made)
        return None

    def _write(self, kind: str, key: Sequence[str], value: object) -> None:
        """A cache that cannot be written costs time, never a check."""
        path = self._path(kind, key)
        if path is None:
            return
        with suppress(OSError, DiskProblem, UnicodeEncodeError):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            atomic.write(path, zlib.compress(msgspec.msgpack.encode(value), _EFFORT))
            self._forget_oldest(path.parent)

    def _path(self, kind: str, key: Sequence[str]) -> Path | None:
        name = hashlib.sha256("\0".join((kind, *key)).encode("utf-8", "surrogatepass")).hexdigest()
        return None if self._folder is None else self._folder / f"{kind}-{name}"

    def _forget_oldest(self, folder: Path) -> None:
        files = [(one.stat().st_mtime_ns, one.stat().st_size, one) for one in folder.iterdir()]
        room = self._most_bytes - sum(size for _, size, _ in files)
        for _, size, path in sorted(files):
            if room >= 0:
                return
            path.unlink(missing_ok=True)
            room += size
