"""submit, withdraw, receipt: handing the bid in."""

from pathlib import Path

import click

from bidclient.cli.say import Lines, Say, lines_of, size_text
from bidclient.cli.terminal import FOLDER, Terminal, command
from bidclient.cli.times import time_text
from bidclient.desk.submitting import Submitted

_KEY = click.option("--key", "key_id", help="证书编号 / key id, see `bidclient keys`")


@command
@click.argument("folder", type=FOLDER)
@_KEY
def submit(terminal: Terminal, folder: Path, key_id: str | None) -> Submitted:
    """递交，或从断点继续 / submit, or go on where it stopped."""
    with terminal.desk() as desk:
        return desk.submitting.submit(folder, key_id, terminal.ask, terminal.progress)


@command
@click.argument("folder", type=FOLDER)
@_KEY
def withdraw(terminal: Terminal, folder: Path, key_id: str | None) -> Submitted:
    """截止前撤回 / withdraw before the deadline."""
    with terminal.desk() as desk:
        return desk.submitting.withdraw(folder, key_id, terminal.ask)


@command
@click.argument("folder", type=FOLDER)
@_KEY
def receipt(terminal: Terminal, folder: Path, key_id: str | None) -> Submitted:
    """重新下载并核验回执 / fetch and verify the receipt again."""
    with terminal.desk() as desk:
        return desk.submitting.fetch_receipt(folder, key_id, terminal.ask)


VERBS = {"submit": submit, "withdraw": withdraw, "receipt": receipt}


@lines_of.register
def _submitted(value: Submitted, say: Say) -> Lines:
    if value.kind == "withdrawal":
        yield say(f"已撤回，回执 {value.receipt_no}", f"Withdrawn, receipt {value.receipt_no}")
    else:
        yield say(f"递交成功，回执 {value.receipt_no}", f"Submitted, receipt {value.receipt_no}")
    yield say(
        f"  收到时间 {time_text(value.received_at, say)}，截止时间 {time_text(value.deadline, say)}",
        f"  received {time_text(value.received_at, say)}, deadline {time_text(value.deadline, say)}",
    )
    yield say("  回执已与本地摘要逐项核对。", "  The receipt agrees with our own digests.")
    yield f"  SHA-256 {value.sealed_sha256}  {size_text(value.uploaded)}"
    yield say(f"  回执：{value.receipt}", f"  receipt: {value.receipt}")
