"""The user's settings: declared once, here, with type and default; read from settings.toml."""

import tomllib
from pathlib import Path
from typing import Literal

import msgspec

from bidclient.errors import DiskProblem, FileProblem, SettingProblem
from bidclient.formats import atomic
from bidclient.similarity.findings.thresholds import Thresholds

_LIMIT = 1024 * 1024
_DATABASE = ("postgresql://", "postgres://")


class NetworkSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One trading network. `trust` and `stamp_trust` are PEM files or folders of them."""

    address: str
    kind: Literal["sandbox", "production"]
    trust: tuple[str, ...]
    stamp_address: str | tuple[str, ...]
    """One timestamp service, or several that are tried in this order."""
    stamp_trust: tuple[str, ...] = ()
    """Empty: the same as `trust`."""
    ca_file: str = ""
    """PEM file that alone is trusted for TLS; empty: the usual web roots."""
    identity: str = ""
    """PEM file with the certificate by which the network signs tenders and receipts. It pins the network;
    production does not do without."""
    seal_makers: tuple[str, ...] = ()
    """PEM files, or folders of them, with the certificates of those who make electronic seals (制章者)."""
    ocsp: tuple[str, ...] = ()
    """OCSP services to ask besides those that a certificate names."""
    crl: tuple[str, ...] = ()
    """Addresses of revocation lists to look at besides those that a certificate names."""

    @property
    def stamp_addresses(self) -> tuple[str, ...]:
        """The timestamp services in the order in which they are tried."""
        return (self.stamp_address,) if isinstance(self.stamp_address, str) else self.stamp_address


class MobileSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The authority that serves the company's phone."""

    address: str
    ca_file: str = ""
    """PEM file that alone is trusted for TLS; empty: the usual web roots."""


class CompanySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The company itself: what is its own, and what therefore is another's."""

    name: str = ""
    uscc: str = ""
    aliases: tuple[str, ...] = ()
    """Former and short names."""
    pricing_locks: tuple[str, ...] = ()
    """Serial numbers of its locks for pricing software (造价软件加密锁)."""
    basic_account: str = ""
    """Its basic account (基本户), blinded: `crypto.blinded`. The number itself never stands in this file."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that can be set."""

    language: Literal["zh", "en"] = "zh"
    network: NetworkSettings | None = None
    mobile: MobileSettings | None = None
    company: CompanySettings = CompanySettings()
    self_check: Thresholds = Thresholds()
    modules: tuple[str, ...] = ()
    """Vendors' libraries besides the known ones; each is asked whether it speaks PKCS#11 or SKF."""
    pfx_files: tuple[str, ...] = ()
    """Key files, PFX or for SM2 encrypted PKCS#8, each with its certificate as .pem or .crt beside it."""
    bids: str = ""
    """The folder in which the company keeps its bid folders."""
    archive: str = ""
    """A folder on this computer for the archive of earlier bids, or postgresql://USER@HOST/DATABASE without a
    password; empty: below the program's data."""

    @property
    def archive_is_shared(self) -> bool:
        """Whether the archive is a database that several clerks share."""
        return self.archive.startswith(_DATABASE)


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
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise DiskProblem(str(path), str(error)) from error
    lines = [f"{name} = {_toml(value)}" for name, value in _fields(settings)]
    company = settings.company if settings.company != CompanySettings() else None
    thresholds = settings.self_check if settings.self_check != Thresholds() else None
    for name, section in (
        ("network", settings.network),
        ("mobile", settings.mobile),
        ("company", company),
        ("self_check", thresholds),
    ):
        if section is not None:
            lines += ["", f"[{name}]"]
            lines += [f"{field} = {_toml(value)}" for field, value in _fields(section)]
    atomic.write(path, ("\n".join(lines) + "\n").encode("utf-8"))


def _fields(
    value: Settings | NetworkSettings | MobileSettings | CompanySettings | Thresholds,
) -> list[tuple[str, str | tuple[str, ...] | int | float]]:
    return [
        (name, content)
        for name, content in msgspec.structs.asdict(value).items()
        if isinstance(content, str | tuple | int | float)
    ]


def _toml(value: str | tuple[str, ...] | int | float) -> str:
    """A TOML basic string, an array of them, or a number: JSON spells them the same way, but for U+007F."""
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
            seal_makers=anchored(network.seal_makers),
        )
    mobile = settings.mobile
    if mobile is not None and mobile.ca_file:
        mobile = msgspec.structs.replace(mobile, ca_file=str(folder / mobile.ca_file))
    archive = settings.archive
    if archive and not settings.archive_is_shared:
        archive = str(folder / archive)
    return msgspec.structs.replace(
        settings,
        archive=archive,
        network=network,
        mobile=mobile,
        modules=anchored(settings.modules),
        pfx_files=anchored(settings.pfx_files),
        bids=str(folder / settings.bids) if settings.bids else "",
    )
