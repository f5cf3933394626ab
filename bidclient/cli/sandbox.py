"""sandbox: a trading network of one's own on this computer, and the hand on its clock and its faults."""

import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

import click
import msgspec

from bidclient.cli.say import Lines, Say, lines_of
from bidclient.cli.screen import echo
from bidclient.cli.terminal import FOLDER, Terminal, command
from bidclient.cli.times import opening_state, time_text
from bidclient.errors import BadCommandLine, BadFormat, PartMissing, SettingProblem
from bidclient.formats.instant import parse_instant
from bidclient.sandbox.samples import sample_ids
from bidclient.store.settings import MobileSettings, NetworkSettings, read_settings, write_settings

if TYPE_CHECKING:
    from bidclient.sandbox.certificates import KeyType
    from bidclient.sandbox.practice import PracticeKeys
    from bidclient.sandbox.process import Levers

_DATA = click.option("--data", type=FOLDER, help="模拟网络的数据文件夹 / the sandbox's folder")
_AFTER = timedelta(seconds=1)
_START_SECONDS = 60.0
_PATIENCE_SECONDS = 5.0
KEY_TYPES: tuple["KeyType", ...] = ("rsa-2048", "rsa-3072", "p-256", "sm2")
_RUNNING = ("decrypting", "read-out", "objection")


@dataclass(frozen=True)
class SandboxLot:
    """A lot as the person who runs the sandbox sees it; `submissions` counts what is in force."""

    id: str
    code: str
    name: str
    deadline: str
    opening_at: str
    state: str
    opening_state: str
    submissions: int


@dataclass(frozen=True)
class SandboxState:
    """What goes on in a sandbox; times are its own."""

    address: str
    data: str
    now: str
    speed: float
    faults: dict[str, float]
    lots: tuple[SandboxLot, ...]


@dataclass(frozen=True)
class FaultList:
    """The faults that are on, and all that there are with what they do."""

    active: dict[str, float]
    known: dict[str, str]


@dataclass(frozen=True)
class SamplePapers:
    """A sample bid as a clerk would have it on the desk."""

    sample: str
    folder: str
    parts: tuple[str, ...]
    files: int
    fields: str
    prices: str
    links: str


@command
@click.option("--data", type=FOLDER, help="数据文件夹 / folder that holds everything")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="端口，0 为任意 / port, 0 for a free one"
)
@click.option("--speed", type=click.FloatRange(0, 100_000), help="时钟速度 / speed of its clock")
@click.option(
    "--competitors",
    type=click.IntRange(0, 5),
    default=3,
    show_default=True,
    help="陪练的投标人数，少于 2 家会流标 / companies that bid too",
)
@click.option(
    "--sample",
    type=click.Choice(sample_ids()),
    default="construction",
    show_default=True,
    help="签发哪个示例投标人的证书 / whose bidder gets practice keys",
)
@click.option("--token", is_flag=True, help="证书放进 SoftHSM 加密锁 / keys on a SoftHSM token")
@click.option(
    "--key-type",
    type=click.Choice(KEY_TYPES),
    default=KEY_TYPES[0],
    show_default=True,
    help="练习证书的算法 / kind of the practice keys",
)
def serve(
    terminal: Terminal,
    data: Path | None,
    port: int,
    speed: float | None,
    competitors: int,
    sample: str,
    token: bool,
    key_type: "KeyType",
) -> None:
    """启动模拟交易网络，Ctrl-C 结束；子命令拨动它的时钟 / run a sandbox network until Ctrl-C."""
    if click.get_current_context().invoked_subcommand is not None:
        return
    _require_sandbox()
    from bidclient.sandbox.practice import Rivalry, practice_keys, practice_phone
    from bidclient.sandbox.serve import run

    folder = (data or Path(tempfile.mkdtemp(prefix="bidclient-sandbox-"))).resolve()

    with ExitStack() as stack:

        def on_ready(url: str) -> None:
            keys = practice_keys(folder, sample, token=token, key_type=key_type)
            practice_phone(folder, sample, key_type)
            _write_settings(folder, url, keys.pfx_files)
            _announce(terminal.say, url, folder, keys, competitors)
            rivalry = Rivalry(url, folder, competitors)
            stack.callback(rivalry.stop)
            rivalry.start()

        run(folder, port, speed, on_ready=on_ready)


sandbox = click.Group(
    callback=serve.callback, params=serve.params, help=serve.help, invoke_without_command=True
)
"""Alone it serves; followed by a verb it acts on a sandbox that is running."""


@command
@_DATA
def state(terminal: Terminal, data: Path | None) -> SandboxState:
    """标段、时钟、故障；等到网络就绪 / lots, clock, faults; waits until it answers."""
    return _state(_levers(terminal, data, _START_SECONDS))


@command
@click.argument("when", metavar="WHEN")
@click.option("--lot", default="", help="只对这个标段（编号） / this lot only")
@_DATA
def jump(terminal: Terminal, when: str, lot: str, data: Path | None) -> SandboxState:
    """拨动时钟 / move its clock.

    WHEN: 一个带时区的时间（2026-12-01T09:00:00.000+08:00），+分钟数，opening（最近一场开标开始），
    end-step（正在进行的步骤立即结束） / a time with zone, +MINUTES, `opening` (the next one begins)
    or `end-step` (whatever runs now ends).
    """
    levers = _levers(terminal, data)
    seen = levers.state()
    lots = [one for one in seen.lots if lot in ("", one.id, one.code)]
    if not lots:
        raise BadCommandLine(f"--lot {lot}: no such lot")
    if when == "end-step":
        running = [one for one in lots if one.opening_state in _RUNNING]
        if not running:
            raise BadCommandLine(f"{when}: no opening is running")
        for one in running:
            levers.end_step(one.opening, one.opening_state)
    else:
        now = parse_instant(seen.now)
        openings = [parse_instant(one.opening_at) for one in lots]
        levers.jump(_moment(when, now, [one for one in openings if one > now]))
    return _state(levers)


@command
@click.argument("settings", nargs=-1, metavar="[NAME=NUMBER]...")
@_DATA
def faults(terminal: Terminal, settings: tuple[str, ...], data: Path | None) -> FaultList:
    """制造网络故障，0 为关闭；不带参数则列出 / make trouble, 0 ends it; without arguments: list."""
    levers = _levers(terminal, data)
    from bidclient.sandbox.faults import KNOWN

    for setting in settings:
        name, _, number = setting.partition("=")
        try:
            value = float(number)
        except ValueError as error:
            raise BadCommandLine(f"{setting}: NAME=NUMBER") from error
        if name not in KNOWN:
            raise BadCommandLine(f"{name}: {', '.join(KNOWN)}")
        levers.set_fault(name, value)
    return FaultList(levers.state().faults, KNOWN)


@command
@click.argument("sample", type=click.Choice(sample_ids()))
@click.argument("folder", type=FOLDER)
@click.option(
    "--contaminated",
    is_flag=True,
    help="混入抄录、遗留名称和他人作者，供自查练习 / spoiled, for practice with the self-check",
)
def sample_documents(_terminal: Terminal, sample: str, folder: Path, contaminated: bool) -> SamplePapers:
    """把一份示例投标的 PDF、报价表、填写内容复制到新文件夹 / copy a sample bid's papers to FOLDER."""
    _require_sandbox()
    from bidclient.sandbox.contaminated import contaminate
    from bidclient.sandbox.practice import write_papers

    papers = write_papers(sample, folder)
    if contaminated:
        contaminate(sample, folder)
    return SamplePapers(
        sample=sample,
        folder=str(folder),
        parts=papers.parts,
        files=papers.files,
        fields=str(papers.fields),
        prices=str(papers.prices),
        links=str(papers.links),
    )


for _name, _verb in (
    ("state", state),
    ("jump", jump),
    ("faults", faults),
    ("sample-documents", sample_documents),
):
    sandbox.add_command(_verb, _name)
VERBS = {"sandbox": sandbox}

_FAULTS_ZH = {
    "slow": "除控制接口外，每个答复延迟的秒数",
    "drop-after-commit": "建立、确认递交、解密、确认的答复在提交之后丢失的次数",
    "reset-every-n": "上传的连接每传这么多字节中断一次",
    "clock-skew": "网络时钟偏差的秒数",
    "late-by-1-ms": "这么多次确认递交算作迟到 1 毫秒",
    "cert-revoked": "1：所有投标人的证书都算作已被签发机构吊销",
    "platform-fault": "1：除校时外一律答复 503，开标失败算平台原因",
    "qr-expired": "这么多次扫码按二维码过期拒绝",
    "phone-slow": "手机确认之后，结果延迟的秒数",
    "phone-wrong-signature": "这么多次手机签名结果是错的",
}


def _require_sandbox() -> None:
    """Raises PartMissing where the program was installed without the sandbox."""
    try:
        import bidclient.sandbox.practice
        import bidclient.sandbox.serve  # noqa: F401 - what matters is that both can be imported
    except ModuleNotFoundError as error:
        raise PartMissing("sandbox", error.name or "") from error


def _write_settings(folder: Path, url: str, pfx_files: tuple[Path, ...]) -> None:
    """Settings for the client beside the sandbox's data; what the person has changed there stays."""
    from bidclient.sandbox.pki import trust_files

    path = folder / "settings.toml"
    network = NetworkSettings(
        address=url,
        kind="sandbox",
        trust=tuple(map(str, trust_files(folder / "trust"))),
        stamp_address=f"{url}/tsa",
        ocsp=(f"{url}/ocsp",),
        identity=str(folder / "trust" / "identity.pem"),
        seal_makers=(str(folder / "trust" / "seal-maker.pem"),),
    )
    names, phone = tuple(map(str, pfx_files)), MobileSettings(address=url)
    write_settings(
        path, msgspec.structs.replace(read_settings(path), network=network, mobile=phone, pfx_files=names)
    )


def _announce(say: Say, url: str, folder: Path, keys: "PracticeKeys", competitors: int) -> None:
    """Tell the person where everything is; the environment as lines for a shell."""
    lines = [
        say(f"模拟交易网络：{url}", f"Sandbox network: {url}"),
        say(f"客户端设置：--home {folder}", f"Settings for the client: --home {folder}"),
        say(f"练习证书的密码：{keys.pin_file}", f"PIN of the practice keys: {keys.pin_file}"),
        say(f"手机页面：{url}/phone/", f"Phone page: {url}/phone/"),
        say(f"陪练投标人：{competitors} 家", f"Competitors: {competitors}"),
        say("另开一个终端：", "In another terminal:"),
        f"  export BIDCLIENT_HOME={quote(str(folder))}",
        *(f"  export {name}={quote(value)}" for name, value in keys.environment.items()),
        say("Ctrl-C 结束。", "Ctrl-C ends it."),
    ]
    for line in lines:
        echo(line, err=True)


def _levers(terminal: Terminal, data: Path | None, patience: float = _PATIENCE_SECONDS) -> "Levers":
    """The controls of the sandbox in `data`, else of the one whose settings are in use.

    Raises SettingProblem when there is none, Unreachable when it does not answer within `patience` seconds.
    """
    _require_sandbox()
    from bidclient.sandbox.process import find_levers

    before = click.get_current_context().parent
    said = before.params.get("data") if before else None
    folder = (data or said or terminal.paths.settings).resolve()
    if data is None and said is None and not (folder / "sandbox.db").exists():
        raise SettingProblem("--data", "no sandbox has been started there")
    return find_levers(folder, patience)


def _state(levers: "Levers") -> SandboxState:
    seen = levers.state()
    return SandboxState(
        address=levers.url,
        data=str(levers.data),
        now=seen.now,
        speed=seen.rate,
        faults=seen.faults,
        lots=tuple(
            SandboxLot(
                id=lot.id,
                code=lot.code,
                name=lot.name,
                deadline=lot.deadline,
                opening_at=lot.opening_at,
                state=lot.state,
                opening_state=lot.opening_state,
                submissions=lot.in_force,
            )
            for lot in seen.lots
        ),
    )


def _moment(when: str, now: datetime, openings: list[datetime]) -> datetime:
    """The time that `when` means; `openings` are those to come. Raises BadCommandLine."""
    if when == "opening":
        if not openings:
            raise BadCommandLine(f"{when}: every opening has begun")
        return min(openings) + _AFTER
    try:
        if when.startswith("+") and when[1:].isdecimal():
            return now + timedelta(minutes=int(when[1:]))
        return parse_instant(when)
    except (BadFormat, ValueError, OverflowError) as error:
        known = "2026-12-01T09:00:00.000+08:00, +MINUTES, opening, end-step"
        raise BadCommandLine(f"{when}: {known}") from error


@lines_of.register
def _shown_state(value: SandboxState, say: Say) -> Lines:
    yield say(
        f"模拟网络 {value.address}，时间 {time_text(value.now, say)}，速度 {value.speed:g}",
        f"Sandbox {value.address}, its time {time_text(value.now, say)}, speed {value.speed:g}",
    )
    for name, number in value.faults.items():
        yield say(f"  故障 {name}={number:g}", f"  fault {name}={number:g}")
    for lot in value.lots:
        yield f"{lot.code}  {lot.name}"
        opening = time_text(lot.opening_at, say)
        state_name = opening_state(lot.opening_state, say)
        yield say(
            f"    开标 {opening}  [{state_name}]  已递交 {lot.submissions}",
            f"    opening {opening}  [{state_name}]  submissions {lot.submissions}",
        )


@lines_of.register
def _shown_faults(value: FaultList, say: Say) -> Lines:
    for name, what in value.known.items():
        yield f"{name}={value.active.get(name, 0):g}  {say(_FAULTS_ZH.get(name, what), what)}"


@lines_of.register
def _shown_papers(value: SamplePapers, say: Say) -> Lines:
    yield say(
        f"示例 {value.sample}：{value.files} 份 PDF，放在 {value.folder} 的 {'、'.join(value.parts)} 里。",
        f"Sample {value.sample}: {value.files} PDFs in {', '.join(value.parts)} under {value.folder}.",
    )
    yield say("填写投标信息、报价，加入文件：", "Fields, prices and documents:")
    yield f"  bidclient set DIR --from {quote(value.fields)}"
    yield f"  bidclient prices DIR {quote(value.prices)}"
    for part in value.parts:
        yield f"  bidclient add DIR {part} {quote(value.folder)}/{part}/*.pdf"
    yield f"  bidclient link DIR $(cat {quote(value.links)})"
