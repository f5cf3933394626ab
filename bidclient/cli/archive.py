"""archive: the company's own earlier bids, which the self-check compares a draft with."""

import sys
from getpass import getpass
from pathlib import Path

import click

from bidclient.cli.say import Lines, Say, lines_of, money_text
from bidclient.cli.terminal import FOLDER, Refusal, Terminal, command
from bidclient.cli.times import time_text
from bidclient.desk.archive import (
    AddedToArchive,
    ArchivedBid,
    ArchivePage,
    FiledBid,
    Reindexed,
    RemovedFromArchive,
    Request,
)
from bidclient.desk.company import BlindedAccount, blinded_account
from bidclient.errors import Cancelled
from bidclient.store.archive_records import Kept, KeptBid, KeptDocument, Outdated, RefusedFile

_OWNERS: dict[Kept, str] = {"own": "本单位标书", "template": "本单位模板", "public": "公共文本"}
_OWNERS_EN: dict[Kept, str] = {"own": "own bid", "template": "own template", "public": "public text"}


@click.group()
def archive() -> None:
    """本单位历次投标文件库，供自查比对 / the company's earlier bids, for the self-check."""


@command
@click.argument("paths", type=FOLDER, nargs=-1, required=True, metavar="PATH...")
@click.option("--as", "owner", type=click.Choice(list(_OWNERS)), default="own", help="归类 / what it is")
@click.option("--project", default="", help="项目（普通文件必填） / project, for plain files")
@click.option("--lot", default="", help="标段（普通文件必填） / lot, for plain files")
@click.option("--name", default="", help="名称 / what to call it")
@click.option("--again", is_flag=True, help="重新读取已有的文件 / read known files anew")
def add(
    terminal: Terminal, paths: tuple[Path, ...], owner: Kept, project: str, lot: str, name: str, again: bool
) -> AddedToArchive | Refusal:
    """加入投标文件夹、bid.asice、bid.zip 或普通文件 / add bid folders, packages or plain files.

    只收本单位的文件；同一条命令里的普通文件算作一份标书 / ours only; plain files of one command are one bid
    """
    with terminal.desk() as desk:
        added = desk.archive.add(Request(paths, owner, project, lot, name, again), terminal.progress)
    return Refusal(added, 1) if added.refused else added


@command
def page(terminal: Terminal) -> ArchivePage:
    """列出全部 / list everything."""
    with terminal.desk() as desk:
        return desk.archive.page()


@command
@click.argument("number", type=int)
def show(terminal: Terminal, number: int) -> ArchivedBid:
    """一份标书的文件 / the documents of one bid."""
    with terminal.desk() as desk:
        return desk.archive.show(number)


@command
@click.argument("number", type=int)
def remove(terminal: Terminal, number: int) -> RemovedFromArchive:
    """移出文件库，不动原文件 / take a bid out; its files stay where they are."""
    with terminal.desk() as desk:
        return desk.archive.remove(number)


@command
def reindex(terminal: Terminal) -> Reindexed:
    """程序升级后重建指纹，不重读文件 / fingerprint anew after an update, without reading files."""
    with terminal.desk() as desk:
        return desk.archive.reindex(terminal.progress)


@command
def account(terminal: Terminal) -> BlindedAccount:
    """把基本户账号变成设置中的一行，账号本身不保存 / the basic account as a line for the settings.

    从标准输入读一行，或在终端上询问 / read from stdin, or asked for at the terminal
    """
    if not sys.stdin.isatty():
        return blinded_account(sys.stdin.readline())
    question = terminal.say("基本户账号（不显示）：", "Number of the basic account (not shown): ")
    try:
        return blinded_account(getpass(question, stream=sys.stderr))
    except (EOFError, KeyboardInterrupt) as error:
        raise Cancelled from error


archive.add_command(add)
archive.add_command(page, "list")
archive.add_command(show)
archive.add_command(remove)
archive.add_command(reindex)
archive.add_command(account)
VERBS = {"archive": archive}


@lines_of.register
def _added(value: AddedToArchive, say: Say) -> Lines:
    for one in value.filed:
        yield from lines_of(one, say)
    for refused in value.refused:
        yield from lines_of(refused, say)
    if value.refused:
        yield say(
            "  只收本单位的文件；内容没有保存，只记下文件名、摘要和时间。",
            "  Only your own: nothing of the content was kept, only name, digest and time.",
        )


@lines_of.register
def _filed(value: FiledBid, say: Say) -> Lines:
    known = len(value.documents) - value.read
    yield say(
        f"已加入 {_line(value.bid, say)}（新读取 {value.read} 个文件，{known} 个已读过）",
        f"Added {_line(value.bid, say)} ({value.read} read, {known} known)",
    )
    for document in value.documents:
        if document.reason_en or document.unread or document.skipped:
            yield from _document(document, say)


@lines_of.register
def _page(value: ArchivePage, say: Say) -> Lines:
    yield say(f"投标文件库：{value.place}", f"Archive: {value.place}")
    if not value.bids:
        yield say(
            "还是空的。用 bidclient archive add 加入以往的投标文件。",
            "It is empty. Add earlier bids: bidclient archive add",
        )
    for bid in value.bids:
        yield f"  {_line(bid, say)}"
    for refused in value.refused:
        yield from lines_of(refused, say)
    yield from lines_of(value.outdated, say)


@lines_of.register
def _shown(value: ArchivedBid, say: Say) -> Lines:
    bid = value.bid.bid
    yield _line(value.bid, say)
    if bid.owner == "own":
        yield say(
            f"  项目 {bid.project}  标段 {bid.lot_code}  总价 {money_text(bid.total_fen, say)}",
            f"  project {bid.project}  lot {bid.lot_code}  total {money_text(bid.total_fen, say)}",
        )
    yield say(f"  加入于 {time_text(bid.added_at, say)}", f"  added {time_text(bid.added_at, say)}")
    for document in value.documents:
        yield from _document(document, say)


@lines_of.register
def _removed(value: RemovedFromArchive, say: Say) -> Lines:
    yield say(
        f"已移出 {_line(value.bid, say)}；原文件没有改动。",
        f"Taken out: {_line(value.bid, say)}; its files are untouched.",
    )


@lines_of.register
def _reindexed(value: Reindexed, say: Say) -> Lines:
    yield say(f"重建了 {value.texts} 份文本的指纹。", f"{value.texts} texts were fingerprinted anew.")
    yield from lines_of(value.outdated, say)


@lines_of.register
def _account(value: BlindedAccount, say: Say) -> Lines:
    yield say("请写进 settings.toml 的 [company]，只留这一行：", "For [company] of settings.toml, once:")
    yield value.line


@lines_of.register
def _outdated(value: Outdated, say: Say) -> Lines:
    if value.fingerprints:
        yield say(
            f"! {value.fingerprints} 份文本的指纹出自其他版本，比对变慢：请运行 bidclient archive reindex。",
            f"! {value.fingerprints} texts were fingerprinted by another version, which slows comparing: "
            "bidclient archive reindex",
        )
    if value.documents:
        yield say(
            f"! {value.documents} 个文件由其他版本读取：请用 bidclient archive add 再加入一次。",
            f"! {value.documents} documents were read by another version: add them again.",
        )


@lines_of.register
def _refused(value: RefusedFile, say: Say) -> Lines:
    when = time_text(value.at, say)
    yield say(
        f"! 拒收（其他单位的投标文件）：{value.name}  {when}  SHA-256 {value.sha256}",
        f"! Refused (another company's bid): {value.name}  {when}  SHA-256 {value.sha256}",
    )


def _line(kept: KeptBid, say: Say) -> str:
    owner = say(_OWNERS[kept.bid.owner], _OWNERS_EN[kept.bid.owner])
    size = say(f"{kept.documents} 个文件 {kept.pages} 页", f"{kept.documents} documents, {kept.pages} pages")
    unread = say(f"，未检查 {kept.unread}", f", {kept.unread} not checked") if kept.unread else ""
    return f"[{kept.id}] {kept.bid.name}  {owner}  {size}{unread}"


def _document(one: KeptDocument, say: Say) -> Lines:
    if one.reason_en:
        yield say(f"    {one.name}：未检查，{one.reason_zh}", f"    {one.name}: not checked, {one.reason_en}")
        return
    stale = "" if one.current else say("  （由其他版本读取）", "  (read by another version)")
    pages = say(f"{one.pages} 页", f"{one.pages} pages")
    yield f"    {one.name}  {one.kind}  {pages}  SHA-256 {one.sha256[:16]}…{stale}"
    for chinese, english in one.skipped:
        yield f"      {say(chinese, english)}"
