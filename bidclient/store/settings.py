"""The user's settings: declared once, here, with type and default; read from settings.toml."""

import tomllib
from pathlib import Path
from typing import Literal

import msgspec

from bidclient.errors import FileProblem, SettingProblem
from bidclient.formats import atomic

_LIMIT = 1024 * 1024


class NetworkSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One trading network. `trust` and `stamp_trust` are PEM files or folders of them."""

    address: str
    kind: Literal["sandbox", "production"]
    trust: tuple[str, ...]
    stamp_address: str
    stamp_trust: tuple[str, ...] = ()
    """Empty: the same as `trust`."""
    ca_file: str = ""
    """PEM file that alone is trusted for TLS; empty: the system's roots."""
    identity: str = ""
    """PEM file with the certificate by which the network signs tenders and receipts. It pins the network;
    production does not do without."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that can be set."""

    language: Literal["zh", "en"] = "zh"
    network: NetworkSettings | None = None
    modules: tuple[str, ...] = ()
    """PKCS#11 libraries besides the known ones."""
    pfx_files: tuple[str, ...] = ()
    """PFX files, each with its certificate as .pem or .crt beside it."""


def read_settings(path: Path) -> Settings:
    """The settings in `path`; the defaults when there is no such file.

    Relative paths in it are meant from its folder. Raises SettingProblem, FileProblem.
    """
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return Settings()
    except (OSError, UnicodeDecodeError) as error:
        raise FileProblem(str(path), str(error)) from error
    if len(text) > _LIMIT:
        raise SettingProblem(path.name, f"more than {_LIMIT} characters")
    try:
        settings = msgspec.convert(tomllib.loads(text), Settings)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise SettingProblem(path.name, str(error)) from error
    return _anchored(settings, path.parent)


def write_settings(path: Path, settings: Settings) -> None:
    """Replace settings.toml. Raises DiskProblem."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    lines = [f"{name} = {_toml(value)}" for name, value in _fields(settings)]
    if settings.network is not None:
        lines += ["", "[network]"]
        lines += [f"{name} = {_toml(value)}" for name, value in _fields(settings.network)]
    atomic.write(path, ("\n".join(lines) + "\n").encode("utf-8"))


def _fields(value: Settings | NetworkSettings) -> list[tuple[str, str | tuple[str, ...]]]:
    return [
        (name, content)
        for name, content in msgspec.structs.asdict(value).items()
        if isinstance(content, str | tuple)
    ]


def _toml(value: str | tuple[str, ...]) -> str:
    """A TOML basic string, or an array of them: JSON spells both the same way, but for U+007F."""
    return msgspec.json.encode(value).decode("utf-8").replace("\x7f", "\\u007f")


def _anchored(settings: Settings, folder: Path) -> Settings:
    """The same settings with absolute paths."""

    def anchored(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(str(folder / name) for name in names)

    network = settings.network
    if network is not None:
        network = msgspec.structs.replace(
            network,
            trust=anchored(network.trust),
            stamp_trust=anchored(network.stamp_trust),
            ca_file=str(folder / network.ca_file) if network.ca_file else "",
            identity=str(folder / network.identity) if network.identity else "",
        )
    return msgspec.structs.replace(
        settings,
        network=network,
        modules=anchored(settings.modules),
        pfx_files=anchored(settings.pfx_files),
    )
