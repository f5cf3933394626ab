"""login, lots, register, tender: the network's hall."""

from dataclasses import dataclass
from pathlib import Path

import click

from bidclient.cli.say import Lines, Say, lines_of, size_text, table
from bidclient.cli.terminal import FILE, Terminal, command
from bidclient.desk.hall import FetchedTender, LoggedIn
from bidclient.network.wire import LotSummary, Registration
from bidclient.stages.tender import TenderPackage, read_tender

_KEY = click.option("--key", "key_id", help="证书编号 / key id, see `bidclient keys`")


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
    parts: dict[str, tuple[str, ...]]
    form: tuple[str, ...]
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
    """报名 / register for a LOT."""
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
    """下载现行招标文件 / fetch the tender in force."""
    with terminal.desk() as desk:
        return desk.hall.download_tender(lot, out, key_id, terminal.ask)


tender.add_command(show, "show")
tender.add_command(download, "download")
VERBS = {"login": login, "lots": lots, "register": register, "tender": tender}


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
        parts={part.id: tuple(f"{one.name} {one.title}" for one in part.documents) for part in told.parts},
        form=tuple(f"{field.name} {field.title}" for field in told.form),
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
            (say("投标截止", "Deadline"), value.deadline),
            (say("开标时间", "Opening"), value.opening_at),
            (say("递交方式", "Submission"), value.submission),
            (say("最高投标限价", "Ceiling"), f"¥{value.ceiling_fen / 100:,.2f}"),
            (say("大小上限", "Size limit"), size_text(value.size_limit)),
        ]
    )
    for part, documents in value.parts.items():
        yield f"{part}:"
        yield from (f"  {document}" for document in documents)
    yield say("开标一览表：", "Opening form:")
    yield from (f"  {field}" for field in value.form)


@lines_of.register
def _logged_in(value: LoggedIn, say: Say) -> Lines:
    yield say(
        f"已登录 {value.network}：{value.organization} {value.uscc}",
        f"Logged in to {value.network}: {value.organization} {value.uscc}",
    )
    yield say(
        f"服务器时间 {value.server_time} ± {value.clock_bound_ms} 毫秒",
        f"Server time {value.server_time} ± {value.clock_bound_ms} ms",
    )
    if not value.remembered:
        yield say("本机没有安全的密钥库，会话不保存。", "No safe key store here: the session is not kept.")


@lines_of.register
def _lots(value: LotList, say: Say) -> Lines:
    for lot in value.lots:
        yield f"{lot.id}  [{lot.state}]  {lot.name}"
        yield say(f"    截止 {lot.deadline}", f"    deadline {lot.deadline}")


@lines_of.register
def _registered(value: Registration, say: Say) -> Lines:
    yield say(f"已报名：{value.lot}（{value.at}）", f"Registered for {value.lot} ({value.at})")


@lines_of.register
def _fetched(value: FetchedTender, say: Say) -> Lines:
    yield say(
        f"已下载第 {value.tender_version} 版并核验签名（{value.signer}）：{value.path}",
        f"Fetched version {value.tender_version}, signature verified ({value.signer}): {value.path}",
    )
