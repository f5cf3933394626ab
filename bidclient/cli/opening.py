"""opening: sign in, release the key, confirm, object, watch."""

from dataclasses import dataclass
from pathlib import Path

import click

from bidclient.cli.say import Lines, Say, lines_of, money_text
from bidclient.cli.screen import echo
from bidclient.cli.sealing import read_code, warning_lines
from bidclient.cli.terminal import FILE, FOLDER, Terminal, command
from bidclient.cli.times import EVENTS_ZH, METHODS_ZH, event_name, time_text
from bidclient.desk.opening import Confirmed
from bidclient.desk.seat import Said
from bidclient.errors import BadCommandLine
from bidclient.stages.chain import Event
from bidclient.stages.opened import Readout, Subject

_KEY = click.option("--key", "key_id", help="签名证书编号 / id of the signing key")


@dataclass(frozen=True)
class Watched:
    """The events of an opening, every link verified."""

    events: tuple[Event, ...]


@click.group()
def opening() -> None:
    """开标：签到、解密、确认、异议 / the opening."""


@command
@click.argument("folder", type=FOLDER)
@_KEY
@click.option("--agent", default="", help="委托代理人 / authorised agent")
def sign_in(terminal: Terminal, folder: Path, key_id: str | None, agent: str) -> Said:
    """签到 / sign in."""
    with terminal.desk() as desk:
        return desk.opening.sign_in(folder, key_id, terminal.ask, agent)


@command
@click.argument("folder", type=FOLDER)
@_KEY
@click.option("--open-with", help="用这把锁解密（备用锁） / the encryption key to use")
@click.option("--recovery-code", type=FILE, help="信封码所在文件 / FILE with the recovery code")
def release(
    terminal: Terminal, folder: Path, key_id: str | None, open_with: str | None, recovery_code: Path | None
) -> Said:
    """解密：提交密钥 / release the key."""
    if open_with and recovery_code:
        raise BadCommandLine("--open-with and --recovery-code exclude each other")
    with terminal.desk() as desk:
        if recovery_code is None:
            return desk.opening.release(folder, key_id, terminal.ask, open_with)
        return desk.opening.release_with_code(folder, key_id, terminal.ask, read_code(recovery_code))


@command
@click.argument("folder", type=FOLDER)
@_KEY
@click.option("--note", default="", help="附言 / note")
def confirm(terminal: Terminal, folder: Path, key_id: str | None, note: str) -> Confirmed:
    """核对本单位一行并确认唱标结果 / compare our row and confirm the read-out."""
    with terminal.desk() as desk:
        return desk.opening.confirm(folder, key_id, terminal.ask, note)


@command
@click.argument("folder", type=FOLDER)
@click.argument("text")
@_KEY
@click.option(
    "--subject",
    type=click.Choice(["procedure", "read-out", "identity", "other"]),
    default="other",
    help="异议事项 / subject",
)
def object_(terminal: Terminal, folder: Path, text: str, key_id: str | None, subject: Subject) -> Said:
    """提出异议 / object."""
    with terminal.desk() as desk:
        return desk.opening.object(folder, key_id, terminal.ask, subject, text)


@command
@click.argument("folder", type=FOLDER)
@_KEY
@click.option(
    "--until",
    type=click.Choice(tuple(EVENTS_ZH)),
    metavar="EVENT",
    help="看到此事件即结束，如 readout（唱标） / end with this event, such as readout",
)
def watch(terminal: Terminal, folder: Path, key_id: str | None, until: str | None) -> Watched:
    """实时查看开标进程，逐条核验 / follow the opening, every event verified."""

    def on_event(event: Event) -> None:
        name, at = event_name(event.type, terminal.say), time_text(event.at, terminal.say)
        who = event.data.get("bidder") or ""
        echo(f"{event.seq:>4}  {at}  {name}  {who}".rstrip(), err=True)

    with terminal.desk() as desk:
        return Watched(desk.opening.watch(folder, key_id, terminal.ask, on_event, until=until))


for _name, _verb in (
    ("sign-in", sign_in),
    ("release", release),
    ("confirm", confirm),
    ("object", object_),
    ("watch", watch),
):
    opening.add_command(_verb, _name)
VERBS = {"opening": opening}

_ACTIONS_ZH = {"sign-in": "已签到", "release": "密钥已提交", "confirm": "已确认", "objection": "异议已提交"}


@lines_of.register
def _said(value: Said, say: Say) -> Lines:
    what = say(_ACTIONS_ZH.get(value.action, value.action), value.action)
    detail = f" ({value.detail})" if value.detail else ""
    method = f"（{METHODS_ZH.get(value.detail, value.detail)}）" if value.detail else ""
    yield say(
        f"{what}{method}：开标记录第 {value.seq} 条，{time_text(value.at, say)}",
        f"{what}{detail}: event {value.seq}, {time_text(value.at, say)}",
    )
    yield f"  {value.head}"
    yield from warning_lines(value.warnings, say)


@lines_of.register
def _confirmed(value: Confirmed, say: Say) -> Lines:
    yield from lines_of(value.readout, say)
    yield say("本单位一行与本地投标文件逐项一致。", "Our row agrees with our own package.")
    yield from lines_of(value.said, say)


@lines_of.register
def _readout(value: Readout, say: Say) -> Lines:
    states = {
        "opened": "",
        "not-released": say("未解密", "not released"),
        "failed": say("解密失败", "failed"),
    }
    for row in value.rows:
        amount = money_text(row.price_fen, say) if row.state == "opened" else states[row.state]
        yield f"  {row.bidder_name}  {row.bidder}  {amount}"


@lines_of.register
def _watched(value: Watched, say: Say) -> Lines:
    yield say(
        f"共 {len(value.events)} 条，哈希链连续。", f"{len(value.events)} events, the hash chain is whole."
    )
