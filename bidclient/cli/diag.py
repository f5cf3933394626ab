"""diag: everything that support asks for first, without a secret in it."""

import platform
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from bidclient import __version__
from bidclient.cli.keys import ModuleRow, module_rows
from bidclient.cli.say import Lines, Say, lines_of, table
from bidclient.cli.terminal import Terminal, command
from bidclient.errors import BidError
from bidclient.log import FILE_NAME
from bidclient.store import sessions

_PARTS = (
    "cryptography",
    "asn1crypto",
    "pyOpenSSL",
    "PyKCS11",
    "requests",
    "pypdf",
    "pypdfium2",
    "msgspec",
    "click",
)


@dataclass(frozen=True)
class Diagnosis:
    """The state of this installation."""

    version: str
    python: str
    system: str
    parts: dict[str, str]
    settings: str
    log: str
    network: str
    key_store: bool
    modules: tuple[ModuleRow, ...]
    keys: tuple[str, ...]
    problems: tuple[str, ...]


@command
def diag(terminal: Terminal) -> Diagnosis:
    """诊断报告，可直接发给技术支持 / a report for support."""
    problems: list[str] = []
    modules: tuple[ModuleRow, ...] = ()
    keys: tuple[str, ...] = ()
    with terminal.desk() as desk:
        try:
            modules = module_rows(desk.keychain.modules())
            keys = tuple(key.id for key in desk.keychain.listed())
        except BidError as error:
            problems.append(str(error))
    network = terminal.settings.network
    return Diagnosis(
        version=__version__,
        python=sys.version.split()[0],
        system=platform.platform(),
        parts={name: _version(name) for name in _PARTS},
        settings=str(terminal.paths.settings_file),
        log=str(terminal.paths.logs / FILE_NAME),
        network="" if network is None else f"{network.kind} {network.address}",
        key_store=sessions.can_remember(),
        modules=modules,
        keys=keys,
        problems=tuple(problems),
    )


VERBS = {"diag": diag}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "-"


@lines_of.register
def _diagnosis(value: Diagnosis, say: Say) -> Lines:
    yield from table(
        [
            ("bidclient", value.version),
            ("Python", value.python),
            (say("系统", "System"), value.system),
            (say("设置", "Settings"), value.settings),
            (say("日志", "Log"), value.log),
            (say("网络", "Network"), value.network or say("未设置", "not set")),
            (say("密钥库", "Key store"), say("有", "yes") if value.key_store else say("无", "none")),
            *value.parts.items(),
        ]
    )
    for module in value.modules:
        told = (f"{module.name}:", module.path or "-", module.api, *module.tokens, module.problem)
        yield " ".join(text for text in told if text)
    yield from (f"{say('证书', 'Key')}: {key}" for key in value.keys)
    yield from (f"! {problem}" for problem in value.problems)
