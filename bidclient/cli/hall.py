"""login, logout, lots, register, tender: the network's hall."""

from dataclasses import dataclass
from pathlib import Path

import click

from bidclient.cli.say import Lines, Say, lines_of, money_text, size_text, table
from bidclient.cli.terminal import FILE, Terminal, command
from bidclient.cli.times import deadline_text, lot_state, time_text
from bidclient.desk.hall import FetchedTender, LoggedIn, LoggedOut
from bidclient.network.clock import system_now
from bidclient.network.wire import LotSummary, Registration
from bidclient.stages.tender import Clause, FormField, RequiredDocument, TenderPackage, read_tender

_KEY = click.option("--key", "key_id", help="证书编号 / key id, see `bidclient keys`")


@dataclass(frozen=True)
class PartView:
    """A part of the bid, and the documents that it takes."""

    id: str
    title: str
    blind: bool
    documents: tuple[RequiredDocument, ...]


@dataclass(frozen=True)
class TenderView:
    """What a tender says, in short; its signature and documents were verified, its signer's chain not."""

    path: str
    sha256: str
    signer: str
    project: str
    lot: str
    lot_id: str
    lot_code: str
    tenderer: str
    tender_version: int
    deadline: str
    opening_at: str
    submission: str
    policy: str
    ceiling_fen: int
    size_limit: int
    parts: tuple[PartView, ...]
    form: tuple[FormField, ...]
    clauses: tuple[Clause, ...]
    files: tuple[str, ...]


@dataclass(frozen=True)
class LotList:
    """The lots of the network."""

    lots: tuple[LotSummary, ...]


@command
@_KEY
def login(terminal: Terminal, key_id: str | None) -> LoggedIn:
    """用证书登录 / log in with a certificate."""
    with terminal.desk() as desk:
        return desk.hall.log_in(key_id, terminal.ask)


@command
def logout(terminal: Terminal) -> LoggedOut:
    """退出登录，忘掉保存的会话 / end the session and forget it."""
    with terminal.desk() as desk:
        return desk.hall.log_out()


@command
@_KEY
@click.option("--state", default="", help="只看某一状态 / only lots in this state")
def lots(terminal: Terminal, key_id: str | None, state: str) -> LotList:
    """标段列表 / the lots."""
    with terminal.desk() as desk:
        return LotList(desk.hall.lots(state, key_id, terminal.ask))


@command
@click.argument("lot")
@_KEY
@click.option("--contact", required=True, help="联系人 / contact")
@click.option("--phone", required=True, help="联系电话 / telephone")
def register(terminal: Terminal, lot: str, key_id: str | None, contact: str, phone: str) -> Registration:
    """报名，LOT 为标段编号 / register for a LOT, named by its code."""
    with terminal.desk() as desk:
        return desk.hall.register(lot, contact, phone, key_id, terminal.ask)


@click.group()
def tender() -> None:
    """招标文件：查看、下载 / show or download a tender."""


@command
@click.argument("file", type=FILE)
def show(terminal: Terminal, file: Path) -> TenderView:
    """查看招标文件 / what a tender FILE says."""
    return _view(read_tender(file))


@command
@click.argument("lot")
@_KEY
@click.option("-o", "--out", type=FILE, required=True, help="保存为 / output")
def download(terminal: Terminal, lot: str, key_id: str | None, out: Path) -> FetchedTender:
    """下载现行招标文件，LOT 为标段编号 / fetch the tender in force of a LOT."""
    with terminal.desk() as desk:
        return desk.hall.download_tender(lot, out, key_id, terminal.ask)


tender.add_command(show, "show")
tender.add_command(download, "download")
_SUBMISSION_ZH = {
    "upload": "截止前上传加密文件",
    "hash-first": "截止前递交存证文件，加密文件可随后上传",
}
VERBS = {"login": login, "logout": logout, "lots": lots, "register": register, "tender": tender}


def _view(package: TenderPackage) -> TenderView:
    told = package.tender
    return TenderView(
        path=str(package.path),
        sha256=package.sha256,
        signer=package.signer.common_name,
        project=told.project.name,
        lot=told.lot.name,
        lot_id=told.lot.id,
        lot_code=told.lot.code,
        tenderer=told.tenderer.name,
        tender_version=told.tender_version,
        deadline=told.deadline,
        opening_at=told.opening_at,
        submission=told.submission,
        policy=told.policy,
        ceiling_fen=told.price.ceiling_fen,
        size_limit=told.size_limit,
        parts=tuple(PartView(part.id, part.title, part.blind, part.documents) for part in told.parts),
        form=told.form,
        clauses=told.clauses,
        files=tuple(file.path for file in told.files),
    )


@lines_of.register
def _tender(value: TenderView, say: Say) -> Lines:
    yield from table(
        [
            (say("项目", "Project"), value.project),
            (say("标段", "Lot"), f"{value.lot}  {value.lot_code}  {value.lot_id}"),
            (say("招标人", "Tenderer"), value.tenderer),
            (say("版本", "Version"), f"{value.tender_version}  SHA-256 {value.sha256}"),
            (say("签名", "Signed by"), value.signer),
            (say("投标截止", "Deadline"), deadline_text(value.deadline, system_now(), say)),
            (say("开标时间", "Opening"), time_text(value.opening_at, say)),
            (say("递交方式", "Submission"), say(_SUBMISSION_ZH[value.submission], value.submission)),
            (say("最高投标限价", "Ceiling"), money_text(value.ceiling_fen, say)),
            (say("大小上限", "Size limit"), size_text(value.size_limit)),
        ]
    )
    yield say("投标文件组成（部分、文件）：", "Parts of the bid and their documents:")
    for part in value.parts:
        yield f"  {part.id}  {part.title}"
        for document in part.documents:
            most = say(f"最多 {document.max_pages} 页", f"at most {document.max_pages} pages")
            yield f"    {document.name}  {document.title}  {most}{_optional(document.required, say)}"
    yield say("开标一览表（字段）：", "Fields of the opening form:")
    for field in value.form:
        yield f"  {field.name}  {field.title}{_optional(field.required, say)}"
    if value.clauses:
        yield say("评审条款：", "Evaluation clauses:")
    for clause in value.clauses:
        points = say(f"{clause.points} 分", f"{clause.points} points")
        yield f"  {clause.id}  {clause.title}  {points}  {clause.part}"


def _optional(required: bool, say: Say) -> str:
    return "" if required else say("  （可不填）", "  (optional)")


@lines_of.register
def _logged_in(value: LoggedIn, say: Say) -> Lines:
    yield say(
        f"已登录 {value.network}：{value.organization} {value.uscc}",
        f"Logged in to {value.network}: {value.organization} {value.uscc}",
    )
    yield say(
        f"服务器时间 {time_text(value.server_time, say)} ± {value.clock_bound_ms} 毫秒",
        f"Server time {time_text(value.server_time, say)} ± {value.clock_bound_ms} ms",
    )
    if not value.remembered:
        yield say("本机没有安全的密钥库，会话不保存。", "No safe key store here: the session is not kept.")


@lines_of.register
def _logged_out(value: LoggedOut, say: Say) -> Lines:
    if not value.had_session:
        yield say(f"没有保存 {value.network} 的会话。", f"No session is kept for {value.network}.")
    elif value.ended:
        yield say(f"已退出 {value.network}。", f"Logged out of {value.network}.")
    else:
        yield say(
            f"已忘掉 {value.network} 的会话；没能通知平台，会话在平台上到期才结束。",
            f"The session of {value.network} is forgotten here; the network could not be told and ends it "
            "when it expires.",
        )


@lines_of.register
def _lots(value: LotList, say: Say) -> Lines:
    for lot in value.lots:
        yield f"{lot.code}  [{lot_state(lot.state, say)}]  {lot.name}"
        deadline = time_text(lot.deadline, say)
        yield say(f"    截止 {deadline}  标识 {lot.id}", f"    deadline {deadline}  id {lot.id}")


@lines_of.register
def _registered(value: Registration, say: Say) -> Lines:
    at = time_text(value.at, say)
    yield say(f"已报名：{value.lot}，{at}", f"Registered for {value.lot}, {at}")


@lines_of.register
def _fetched(value: FetchedTender, say: Say) -> Lines:
    yield say(
        f"已下载第 {value.tender_version} 版并核验签名（{value.signer}）：{value.path}",
        f"Fetched version {value.tender_version}, signature verified ({value.signer}): {value.path}",
    )
    deadline = deadline_text(value.deadline, system_now(), say)
    yield say(f"  投标截止 {deadline}", f"  deadline {deadline}")
