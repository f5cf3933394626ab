"""keys: which certificates and tokens are here, and whether they work."""

from dataclasses import dataclass

import click

from bidclient.cli.say import Lines, Say, lines_of
from bidclient.cli.terminal import Terminal, command
from bidclient.errors import BadCommandLine
from bidclient.keys import KeyInfo
from bidclient.keys.probe import Probe
from bidclient.keys.token import ModuleState
from bidclient.network.clock import ticks


@dataclass(frozen=True)
class KeyRow:
    """One key as it is shown."""

    id: str
    source: str
    label: str
    token_serial: str
    holder: str
    uscc: str | None
    algorithm: str
    uses: tuple[str, ...]
    not_after: str
    sha256: str
    always_authenticate: bool
    attempts_left: int | None
    last_try: bool
    locked: bool


@dataclass(frozen=True)
class ModuleRow:
    """One vendor library as it is shown."""

    name: str
    path: str | None
    tokens: tuple[str, ...]
    problem: str | None


@dataclass(frozen=True)
class KeyList:
    """All keys, and with --all the libraries that were looked for."""

    keys: tuple[KeyRow, ...]
    modules: tuple[ModuleRow, ...]


@dataclass(frozen=True)
class TestedKey:
    """What a key did when it was tried; seconds, None for what it is not for."""

    id: str
    sha256: str
    scheme: str | None
    sign_seconds: float | None
    open_seconds: float | None


@command
@click.argument("action", required=False, type=click.Choice(["test"]))
@click.argument("key_id", required=False, metavar="ID")
@click.option("--all", "everything", is_flag=True, help="连同驱动一起列出 / with every driver")
def keys(terminal: Terminal, action: str | None, key_id: str | None, everything: bool) -> KeyList | TestedKey:
    """列出证书，或测试其中一个 / list the keys, or `keys test ID`."""
    with terminal.desk() as desk:
        if action is None:
            listed = tuple(_row(key) for key in desk.keychain.listed())
            modules = module_rows(desk.keychain.modules()) if everything else ()
            return KeyList(listed, modules)
        if key_id is None:
            raise BadCommandLine("bidclient keys test ID")
        return _tested(key_id, desk.keychain.test(key_id, terminal.ask, ticks))


VERBS = {"keys": keys}


def module_rows(states: list[ModuleState]) -> tuple[ModuleRow, ...]:
    """Vendor libraries as they are shown."""
    return tuple(
        ModuleRow(
            state.name,
            None if state.path is None else str(state.path),
            state.tokens,
            None if state.problem is None else str(state.problem),
        )
        for state in states
    )


def _row(key: KeyInfo) -> KeyRow:
    certificate = key.certificate
    uses = [name for name, is_for in (("sign", key.can_sign), ("decrypt", key.can_decrypt)) if is_for]
    return KeyRow(
        id=key.id,
        source=key.source,
        label=key.label,
        token_serial=key.token_serial,
        holder=certificate.common_name,
        uscc=certificate.uscc,
        algorithm=certificate.key_algorithm,
        uses=tuple(uses),
        not_after=certificate.not_after.isoformat(),
        sha256=certificate.sha256,
        always_authenticate=key.always_authenticate,
        attempts_left=key.pin.attempts_left,
        last_try=key.pin.last_try,
        locked=key.pin_locked,
    )


def _tested(key_id: str, probe: Probe) -> TestedKey:
    scheme = None if probe.scheme is None else probe.scheme.value
    return TestedKey(key_id, probe.fingerprint, scheme, probe.sign_seconds, probe.open_seconds)


@lines_of.register
def _list(value: KeyList, say: Say) -> Lines:
    if not value.keys:
        yield say("没有找到任何证书。", "No keys found.")
    uses_zh = {"sign": "签名", "decrypt": "加密"}
    for row in value.keys:
        uses = "+".join(say(uses_zh[use], use) for use in row.uses)
        yield f"{row.id}  [{uses}]  {row.holder}  {row.algorithm}"
        ends = row.not_after[:10]
        yield say(f"    有效期至 {ends}", f"    valid until {ends}") + _warnings(row, say)
    for module in value.modules:
        where = module.path or say("未安装", "not installed")
        yield f"{module.name}: {where}  {', '.join(module.tokens)}  {module.problem or ''}".rstrip()


def _warnings(row: KeyRow, say: Say) -> str:
    told = [
        (row.locked, say("密码已锁死", "PIN locked")),
        (row.last_try, say("只剩最后一次机会", "last try")),
        (row.always_authenticate, say("每次签名都要输密码", "wants its PIN for every signature")),
    ]
    return "".join(f"  ! {text}" for is_so, text in told if is_so)


@lines_of.register
def _test(value: TestedKey, say: Say) -> Lines:
    yield say("证书工作正常：", "The key works: ") + value.id
    if value.sign_seconds is not None:
        yield say("  签名", "  signing") + f" {value.scheme} {value.sign_seconds * 1000:.0f} ms"
    if value.open_seconds is not None:
        yield say("  解密", "  decrypting") + f" {value.open_seconds * 1000:.0f} ms"
