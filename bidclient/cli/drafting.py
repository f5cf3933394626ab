"""new, import, add, remove, set, prices, link, status, check: the clerk's verbs."""

from collections.abc import Iterator
from pathlib import Path

import click

from bidclient.checks.finding import Finding
from bidclient.cli.say import Lines, Say, lines_of, money_text, size_text, table
from bidclient.cli.terminal import FILE, FOLDER, Refusal, Terminal, command
from bidclient.cli.times import deadline_text, time_text
from bidclient.desk.checking import CheckReport
from bidclient.desk.preparing import Added, BidStatus, Edited
from bidclient.errors import BadCommandLine, FileProblem, UnknownField
from bidclient.formats.money import amount_in_words
from bidclient.network.clock import system_now
from bidclient.stages.draft import ClauseLink

_FIELDS_LIMIT = 1024 * 1024
_HANDED_IN = ("submitted", "opened")


@command
@click.argument("tender", type=FILE)
@click.argument("folder", type=FOLDER)
def new(terminal: Terminal, tender: Path, folder: Path) -> BidStatus:
    """由招标文件新建投标文件夹 / start a bid folder from a TENDER."""
    with terminal.desk() as desk:
        return desk.preparing.new(tender, folder)


@command
@click.argument("folder", type=FOLDER)
@click.argument("tender", type=FILE)
def import_tender(terminal: Terminal, folder: Path, tender: Path) -> BidStatus:
    """导入新版招标文件（答疑澄清） / take a newer version of the TENDER."""
    with terminal.desk() as desk:
        return desk.preparing.import_tender(folder, tender)


@command
@click.argument("folder", type=FOLDER)
@click.argument("part")
@click.argument("files", type=FILE, nargs=-1, required=True)
@click.option("--name", help="对应招标文件要求的哪一份 / which required document it is")
def add(
    terminal: Terminal, folder: Path, part: str, files: tuple[Path, ...], name: str | None
) -> list[Added]:
    """把文件放进某一部分 / copy documents into a PART."""
    with terminal.desk() as desk:
        return desk.preparing.add(folder, part, files, name)


@command
@click.argument("folder", type=FOLDER)
@click.argument("part")
@click.argument("name")
def remove(terminal: Terminal, folder: Path, part: str, name: str) -> Edited:
    """移出一份文件 / take a document out."""
    with terminal.desk() as desk:
        return desk.preparing.remove(folder, part, name)


@command
@click.argument("folder", type=FOLDER)
@click.argument("assignments", nargs=-1, metavar="FIELD=VALUE...")
@click.option("--from", "file", type=FILE, help="每行一个 FIELD=VALUE 的文件 / a file of such lines")
def set_fields(terminal: Terminal, folder: Path, assignments: tuple[str, ...], file: Path | None) -> Edited:
    """填写开标一览表和投标人信息 / set fields of the opening form."""
    values = {}
    lines = () if file is None else _lines_of_file(file)
    if not (lines or assignments):
        raise BadCommandLine("give FIELD=VALUE or --from FILE")
    for assignment in (*lines, *assignments):
        name, found, value = assignment.partition("=")
        if not found:
            raise UnknownField(assignment, "FIELD=VALUE")
        values[name.strip()] = value
    with terminal.desk() as desk:
        return desk.preparing.set_fields(folder, values)


@command
@click.argument("folder", type=FOLDER)
@click.argument("price_file", type=FILE)
def prices(terminal: Terminal, folder: Path, price_file: Path) -> Edited:
    """从 CSV 导入已标价工程量清单 / take the price list from a CSV file."""
    with terminal.desk() as desk:
        return desk.preparing.import_prices(folder, price_file)


@command
@click.argument("folder", type=FOLDER)
@click.argument("links", nargs=-1, required=True, metavar="CLAUSE=PART/FILE:PAGE...")
def link(terminal: Terminal, folder: Path, links: tuple[str, ...]) -> Edited:
    """评审条款关联到页 / link evaluation clauses to pages."""
    with terminal.desk() as desk:
        return desk.preparing.link(folder, [_link(one) for one in links])


@command
@click.argument("folder", type=FOLDER)
def status(terminal: Terminal, folder: Path) -> BidStatus:
    """进度、缺项、截止时间 / stage, what is missing, deadline."""
    with terminal.desk() as desk:
        return desk.preparing.status(folder)


@command
@click.argument("folder", type=FOLDER)
def check(terminal: Terminal, folder: Path) -> CheckReport | Refusal:
    """完整性、报价、PDF、有效期 / completeness, price, PDFs, validity."""
    with terminal.desk() as desk:
        report = desk.checking.check(folder)
    return report if report.passed else Refusal(report, 1)


VERBS = {
    "new": new,
    "import": import_tender,
    "add": add,
    "remove": remove,
    "set": set_fields,
    "prices": prices,
    "link": link,
    "status": status,
    "check": check,
}


def _lines_of_file(path: Path) -> list[str]:
    """The lines of a small text file that say something. Raises FileProblem."""
    try:
        with path.open("rb") as file:
            text = file.read(_FIELDS_LIMIT + 1).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise FileProblem(str(path), getattr(error, "strerror", "") or str(error)) from error
    if len(text) > _FIELDS_LIMIT:
        raise FileProblem(str(path), f"more than {_FIELDS_LIMIT} bytes")
    return [line for line in text.splitlines() if line.strip()]


def _link(text: str) -> ClauseLink:
    clause, _, place = text.partition("=")
    document, _, page = place.rpartition(":")
    part, _, file = document.partition("/")
    if not (clause and part and file and page.isdecimal() and int(page) > 0):
        raise BadCommandLine(f"{text}: CLAUSE=PART/FILE:PAGE")
    return ClauseLink(clause, part, file, int(page))


@lines_of.register
def _status(value: BidStatus, say: Say) -> Lines:
    price = money_text(value.price_fen, say)
    if value.price_fen is not None and say.language == "zh":
        price += f"（{amount_in_words(value.price_fen)}）"
    yield from table(
        [
            (say("项目", "Project"), value.project),
            (say("标段", "Lot"), f"{value.lot}  {value.lot_code}"),
            (
                say("招标文件", "Tender"),
                say(f"第 {value.tender_version} 版", f"version {value.tender_version}"),
            ),
            (say("投标截止", "Deadline"), _deadline(value, say)),
            (say("开标时间", "Opening"), time_text(value.opening_at, say)),
            (say("投标人", "Bidder"), value.bidder or say("未填写", "not set")),
            (say("报价", "Price"), price),
            (say("阶段", "Stage"), say.stage(value.stage) + _rehearsed(value, say)),
            (say("回执", "Receipt"), value.receipt_no or say("无", "none")),
        ]
    )
    if value.tender_origin != "verified":
        yield say(
            "无法判断招标文件是否由交易网络签发：设置中没有交易网络或其身份证书。",
            "Whether the network signed this tender cannot be told: no network, or no identity, is set.",
        )
    if value.in_force:
        yield say(
            f"已递交并仍然有效的投标文件在 {value.in_force}；这里是尚未递交的新稿。",
            f"The submission in force lies in {value.in_force}; what is here has not been submitted.",
        )
    for document in value.documents:
        pages = _pages(document.pages, say)
        yield f"  {document.part}/{document.file}  {size_text(document.size)}  {pages}"
    for stale in value.stale:
        reason = say.reason(stale.reason, stale.error)
        yield say(f"已过期：{stale.name}（{reason}）", f"Stale: {stale.name} ({reason})")
    for finding in value.missing:
        yield from _finding_lines(finding, say)


def _pages(count: int, say: Say) -> str:
    return say(f"{count} 页", f"{count} p")


def _deadline(value: BidStatus, say: Say) -> str:
    """With what is left by this computer's clock, as long as that matters."""
    if value.stage in _HANDED_IN:
        return time_text(value.deadline, say)
    return deadline_text(value.deadline, system_now(), say)


def _rehearsed(value: BidStatus, say: Say) -> str:
    if value.stage != "sealed":
        return ""
    return say("，已试解密", ", rehearsed") if value.rehearsed else say("，未试解密", ", not rehearsed")


@lines_of.register
def _report(value: CheckReport, say: Say) -> Lines:
    for finding in value.findings:
        yield from _finding_lines(finding, say)
    yield say("检查通过。", "Passed.") if value.passed else say("检查未通过。", "Not passed.")


def _finding_lines(finding: Finding, say: Say) -> Iterator[str]:
    marks = {
        "blocking": say("必须改正", "blocking"),
        "warning": say("注意", "warning"),
        "info": say("提示", "info"),
    }
    yield f"[{marks[finding.severity]}] {finding.rule} {say(finding.message_zh, finding.message_en)}"
    advice = say(finding.advice_zh, finding.advice_en)
    if advice:
        yield f"    → {advice}"


@lines_of.register
def _added(value: Added, say: Say) -> Lines:
    document = value.document
    facts = f"{document.title}, {_pages(document.pages, say)}, {size_text(document.size)}"
    yield say("已加入 ", "Added ") + f"{document.part}/{document.file}: {facts}"
    yield from _superseded(value.superseded, say)


@lines_of.register
def _edited(value: Edited, say: Say) -> Lines:
    yield say(f"已更改 {len(value.changed)} 项。", f"Changed {len(value.changed)}.")
    yield from _superseded(value.superseded, say)


def _superseded(names: tuple[str, ...], say: Say) -> Iterator[str]:
    for name in names:
        yield say(f"  原有成果移至 {name}", f"  moved aside: {name}")
