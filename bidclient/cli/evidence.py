"""evidence: what a third party needs, exported, and judged offline."""

from pathlib import Path

import click

from bidclient.cli.say import Lines, Say, lines_of
from bidclient.cli.terminal import FOLDER, Refusal, Terminal, command, judged
from bidclient.desk.evidence import Exported, Judgement


@click.group()
def evidence() -> None:
    """证据：导出、离线核验 / export or verify evidence."""


@command
@click.argument("folder", type=FOLDER)
@click.argument("out", type=FOLDER)
def export(terminal: Terminal, folder: Path, out: Path) -> Exported:
    """导出证据到新文件夹 / write the evidence of a bid to OUT."""
    with terminal.desk() as desk:
        return desk.evidence.export(folder, out)


@command
@click.argument("folder", type=FOLDER)
@click.option("--trust", type=FOLDER, help="信任证书文件夹 / folder of trusted certificates")
def verify(terminal: Terminal, folder: Path, trust: Path | None) -> Refusal:
    """离线核验证据，退出码同 verify / judge an evidence folder offline, with the exit codes of verify."""
    with terminal.desk() as desk:
        judgement = desk.evidence.verify(folder, trust)
    return judged(judgement, judgement.verdicts)


evidence.add_command(export, "export")
evidence.add_command(verify, "verify")
VERBS = {"evidence": evidence}


@lines_of.register
def _exported(value: Exported, say: Say) -> Lines:
    yield say(f"已导出 {len(value.files)} 个文件：{value.path}", f"{len(value.files)} files: {value.path}")


@lines_of.register
def _judgement(value: Judgement, say: Say) -> Lines:
    for verdict in value.verdicts:
        yield from lines_of(verdict, say)
    if value.holds:
        yield say("全部有效。", "Everything holds.")
    else:
        yield say("有项目无效或无法判断。", "Something is invalid or cannot be told.")
