"""keys: which certificates and tokens are here, and whether they work."""

from dataclasses import dataclass

import click

from bidclient.cli.say import Lines, Say, lines_of
from bidclient.cli.terminal import Terminal, command
from bidclient.errors import BadCommandLine, BidError
from bidclient.formats.instant import instant_text
from bidclient.keys.info import KeyInfo
from bidclient.keys.probe import Probe, TokenReport
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
    wrong_before: bool
    """A wrong PIN was entered since the last right one."""
    last_try: bool
    locked: bool
    must_change: bool
    """The token wants another PIN before it is used."""
    pin_pad: bool


@dataclass(frozen=True)
class ModuleRow:
    """One vendor library as it is shown."""

    name: str
    path: str | None
    api: str | None
    tokens: tuple[str, ...]
    problem: str | None
    error: BidError | None = None
    """What `problem` was made from, for explain to put into words."""


@dataclass(frozen=True)
class KeyList:
    """All keys, and with --all the libraries that were looked for."""

    keys: tuple[KeyRow, ...]
    modules: tuple[ModuleRow, ...]
    phone_unpaired: bool = False
    """A phone authority is set, and no phone is paired."""


@dataclass(frozen=True)
class Mechanism:
    """A mechanism as it is shown; the name is empty where only the vendor knows one."""

    number: str
    name: str


@dataclass(frozen=True)
class Way:
    """How the token uses SM2: found now, or remembered from an earlier time."""

    use: str
    mechanism: str
    form: str
    remembered: bool


@dataclass(frozen=True)
class Try:
    """One try of finding that out; the reason is empty when it worked."""

    use: str
    mechanism: str
    form: str
    seconds: float
    reason: str


@dataclass(frozen=True)
class TestedToken:
    """The token of a tested key, in its own words."""

    module: str
    api: str
    layout: str
    library: str
    manufacturer: str
    model: str
    firmware: str
    mechanisms: tuple[Mechanism, ...]
    ways: tuple[Way, ...]
    tried: tuple[Try, ...]


@dataclass(frozen=True)
class TestedKey:
    """What a key did when it was tried; seconds, None for what it is not for."""

    id: str
    sha256: str
    scheme: str | None
    sign_seconds: float | None
    open_seconds: float | None
    token: TestedToken | None


@command
@click.argument("action", required=False, type=click.Choice(["test", "pair"]))
@click.argument("key_id", required=False, metavar="ID")
@click.option("--all", "everything", is_flag=True, help="连同驱动一起列出 / with every driver")
@click.option(
    "--probe",
    "anew",
    is_flag=True,
    help="重新探测该锁的 SM2 用法（有的锁每次尝试都要输密码） / find out anew how the token uses SM2",
)
def keys(
    terminal: Terminal, action: str | None, key_id: str | None, everything: bool, anew: bool
) -> KeyList | TestedKey:
    """列出证书；test 测试其中一个；pair 绑定手机证书 / list the keys, test one, or pair the phone."""
    if anew and action != "test":
        raise BadCommandLine("--probe goes with test: bidclient keys test ID --probe")
    with terminal.desk() as desk:
        if action is None:
            listed = tuple(_row(key) for key in desk.keychain.listed())
            modules = module_rows(desk.keychain.modules()) if everything else ()
            return KeyList(listed, modules, desk.keychain.unpaired_phone())
        if action == "pair":
            return KeyList(tuple(_row(key) for key in desk.keychain.pair(terminal.ask)), ())
        if key_id is None:
            raise BadCommandLine("name the key: bidclient keys test ID")
        return _tested(key_id, desk.keychain.test(key_id, terminal.ask, ticks, anew))


VERBS = {"keys": keys}
_APIS = {"pkcs11": "PKCS#11", "skf": "SKF"}


def module_rows(states: list[ModuleState]) -> tuple[ModuleRow, ...]:
    """Vendor libraries as they are shown."""
    return tuple(
        ModuleRow(
            state.name,
            None if state.path is None else str(state.path),
            None if state.api is None else _APIS[state.api],
            state.tokens,
            None if state.problem is None else str(state.problem),
            state.problem,
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
        not_after=instant_text(certificate.not_after),
        sha256=certificate.sha256,
        always_authenticate=key.always_authenticate,
        attempts_left=key.pin.attempts_left,
        wrong_before=key.pin.wrong_before,
        last_try=key.pin.last_try,
        locked=key.pin_locked,
        must_change=key.pin_must_change,
        pin_pad=key.pin.pin_pad,
    )


def _tested(key_id: str, probe: Probe) -> TestedKey:
    scheme = None if probe.scheme is None else probe.scheme.value
    token = None if probe.token is None else _tested_token(probe.token)
    return TestedKey(key_id, probe.fingerprint, scheme, probe.sign_seconds, probe.open_seconds, token)


def _tested_token(report: TokenReport) -> TestedToken:
    return TestedToken(
        module=report.module,
        api=_APIS[report.api],
        layout=report.layout,
        library=report.library,
        manufacturer=report.manufacturer,
        model=report.model,
        firmware=report.firmware,
        mechanisms=tuple(Mechanism(_hex(row.number), row.name) for row in report.mechanisms),
        ways=tuple(Way(row.use, _hex(row.mechanism), row.form, row.remembered) for row in report.ways),
        tried=tuple(
            Try(row.use, _hex(row.mechanism), row.form, row.seconds, row.reason) for row in report.tried
        ),
    )


def _hex(number: int) -> str:
    return f"0x{number:08X}"


@lines_of.register
def _list(value: KeyList, say: Say) -> Lines:
    if not value.keys:
        yield say(
            "没有找到任何证书。插好加密锁再试；bidclient keys --all 列出各驱动和出错的原因。",
            "No keys found. Plug the token in and try again; bidclient keys --all lists the drivers and what"
            " is wrong with them.",
        )
    uses_zh = {"sign": "签名", "decrypt": "加密"}
    for row in value.keys:
        uses = "+".join(say(uses_zh[use], use) for use in row.uses)
        yield f"{row.id}  [{uses}]  {row.holder}  {row.algorithm}"
        ends = row.not_after[:10]
        yield say(f"    有效期至 {ends}", f"    valid until {ends}") + _warnings(row, say)
    for module in value.modules:
        where = module.path or say("未安装", "not installed")
        problem = say.reason(module.problem or "", module.error)
        told = (f"{module.name}:", where, module.api, ", ".join(module.tokens), problem)
        yield "  ".join(text for text in told if text)
    if value.phone_unpaired:
        yield say(
            "已设置手机证书平台，但还没有绑定手机：bidclient keys pair",
            "A phone authority is set, but no phone is paired: bidclient keys pair",
        )


def _warnings(row: KeyRow, say: Say) -> str:
    told = [
        (row.locked, say("密码已锁死", "PIN locked")),
        (row.last_try and not row.locked, say("只剩最后一次机会", "last try")),
        _few_attempts(row, say),
        (row.must_change, say("须先用锁的工具修改密码", "change its PIN with the vendor's tool first")),
        (row.pin_pad, say("在锁的键盘上输密码", "PIN is entered on its own pad")),
        (row.always_authenticate, _each_time(row, say)),
    ]
    return "".join(f"  ! {text}" for is_so, text in told if is_so)


def _each_time(row: KeyRow, say: Say) -> str:
    if row.source == "phone":
        return say("每次使用都要在手机上确认", "approved on the phone each time")
    return say("每次签名都要输密码", "wants its PIN for every signature")


def _few_attempts(row: KeyRow, say: Say) -> tuple[bool, str]:
    """How many attempts are left where the token tells it; most tell only that it was wrong before."""
    left = row.attempts_left
    if row.last_try or row.locked:
        return False, ""
    if left is None:
        return row.wrong_before, say("此前输错过密码", "a wrong PIN was entered before")
    return True, say(f"密码还可试 {left} 次", f"{left} PIN attempts left")


@lines_of.register
def _test(value: TestedKey, say: Say) -> Lines:
    yield say("证书工作正常：", "The key works: ") + value.id
    if value.sign_seconds is not None:
        yield say("  签名", "  signing") + f" {value.scheme} {value.sign_seconds * 1000:.0f} ms"
    if value.open_seconds is not None:
        yield say("  解密", "  decrypting") + f" {value.open_seconds * 1000:.0f} ms"
    if value.token is not None:
        yield from _token(value.token, say)


def _token(token: TestedToken, say: Say) -> Lines:
    yield (
        say("  驱动", "  driver") + f" {token.module}  {token.library}  {token.api} {token.layout}".rstrip()
    )
    yield (
        say("  型号", "  model")
        + f" {token.manufacturer} {token.model}"
        + say("  固件 ", "  firmware ")
        + (token.firmware)
    )
    offered = ", ".join(row.name or row.number for row in token.mechanisms)
    yield (
        say(f"  机制（{len(token.mechanisms)} 个）", f"  mechanisms ({len(token.mechanisms)})")
        + f" {offered}"
    )
    uses = {"sign": say("签名", "sign"), "decrypt": say("解密", "decrypt")}
    for tried in token.tried:
        outcome = say.reason(tried.reason) or say("可用", "works")
        yield say("  探测 ", "  tried ") + (
            f"{uses[tried.use]} {tried.mechanism} {tried.form}  {tried.seconds * 1000:.1f} ms  {outcome}"
        )
    for way in token.ways:
        known = say("已记住", "remembered") if way.remembered else say("已验证", "proven now")
        yield say("  SM2 用法 ", "  SM2 by ") + f"{uses[way.use]} {way.mechanism} {way.form}  {known}"
