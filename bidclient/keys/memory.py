"""What was found out about a token model is kept, so that only its first use pays for the search."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import msgspec

from bidclient.errors import DiskProblem
from bidclient.formats import atomic
from bidclient.keys.dialect import Dialect


class Model(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a dialect belongs to: another library or firmware may speak another one."""

    module: str
    """SHA-256 of the vendor library's file, hex."""
    manufacturer: str
    model: str
    firmware: str


class _Page(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    model: Model
    dialect: Dialect


@dataclass(frozen=True)
class Memory:
    """A folder with one file per model; without a folder nothing is remembered."""

    folder: Path | None = None

    def recall(self, model: Model) -> Dialect:
        """What is remembered; nothing, if the file cannot be read: it is found out again."""
        path = self._path(model)
        if path is None:
            return Dialect()
        try:
            page = msgspec.json.decode(path.read_bytes(), type=_Page)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            return Dialect()
        return page.dialect if page.model == model else Dialect()

    def keep(self, model: Model, dialect: Dialect) -> None:
        """Remember `dialect`; a disk that does not take it costs only time."""
        path = self._path(model)
        if path is None:
            return
        content = msgspec.json.format(msgspec.json.encode(_Page(model, dialect)), indent=2)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            atomic.write(path, content)
        except (OSError, DiskProblem):
            return

    def _path(self, model: Model) -> Path | None:
        if self.folder is None:
            return None
        return self.folder / f"{sha256(msgspec.json.encode(model)).hexdigest()[:32]}.json"
