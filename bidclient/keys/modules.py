"""Which vendor libraries may be on this computer: the rows of resources/tokens and those of the user."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bidclient import resource
from bidclient.keys.frames import NO_HINT, Hint

_SYSTEMS = {"win32": "windows", "darwin": "macos"}


class _Paths(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    linux: tuple[str, ...]
    windows: tuple[str, ...]
    macos: tuple[str, ...]


class _Row(Hint, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A file of resources/tokens; the interface of its library is PKCS#11 unless it says another."""

    name: str
    paths: _Paths


@dataclass(frozen=True)
class Module:
    """A vendor library by the name of the product and the places where its installer puts it here."""

    name: str
    paths: tuple[Path, ...]
    hint: Hint = NO_HINT
    is_named: bool = False
    """The user has named the file: it should be there."""

    @property
    def installed(self) -> Path | None:
        """The library's file, None when the product is not installed."""
        return next((path for path in self.paths if path.is_file()), None)


def known_modules(platform: str = sys.platform) -> tuple[Module, ...]:
    """The products that we know by name, with their places on this operating system."""
    system = _SYSTEMS.get(platform, "linux")
    files = sorted(resource.find("tokens").iterdir(), key=lambda node: node.name)
    rows = [
        msgspec.toml.decode(node.read_bytes(), type=_Row) for node in files if node.name.endswith(".toml")
    ]
    return tuple(
        Module(
            row.name,
            tuple(map(Path, getattr(row.paths, system))),
            Hint(row.api or "pkcs11", row.ulong, row.pack),
        )
        for row in rows
    )


def all_modules(added: Sequence[Path], known: tuple[Module, ...] | None = None) -> tuple[Module, ...]:
    """The user's own libraries first, then the known ones; a file that comes up twice is listed once."""
    own = [Module(path.stem, (path,), is_named=True) for path in added]
    modules: list[Module] = []
    seen: set[Path] = set()
    for module in (*own, *(known_modules() if known is None else known)):
        file = module.installed
        if file is None or file.resolve() not in seen:
            modules.append(module)
        if file is not None:
            seen.add(file.resolve())
    return tuple(modules)
