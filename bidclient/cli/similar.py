"""similar: the self-check before anyone else looks, its reports, and what a person has accepted and why."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bidclient.cli.say import Lines, Say, lines_of
from bidclient.cli.terminal import FILE, FOLDER, Refusal, Terminal, command
from bidclient.desk.self_check import AcceptedFinding, SelfCheckOrder, SelfCheckReport, kind_of

if TYPE_CHECKING:
    from bidclient.similarity.report.self_check import Found, SamePassage, SelfCheck
    from bidclient.similarity.report.words import Words

_CHECK = "check"
_SHOWN_FINDINGS = 40
_SHOWN_PASSAGES = 5
_SHOWN_PROOFS = 2
_SHOWN_LETTERS = 60
_ID = 12


@dataclass(frozen=True)
class NoReport:
    """No self-check of this bid folder was ever made."""

    folder: str


class _Similar(click.Group):
    """`similar DIR` is `similar check DIR`."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        """Put the verb in where only a folder and options stand."""
        if args and args[0] not in self.commands and args[0] not in ("-h", "--help"):
            args = [_CHECK, *args]
        return super().parse_args(context, args)


@click.group(cls=_Similar)
def similar() -> None:
    """自查：bidclient similar 文件夹 / the self-check: bidclient similar DIR."""


_REPORT = click.option(
    "--report",
    "reports",
    type=FILE,
    multiple=True,
    help="写出报告 .html、.pdf 或 .json，可多次 / write a report, can be repeated",
)


@command
@click.argument("folder", type=FOLDER)
@click.option(
    "--with",
    "named",
    type=FOLDER,
    multiple=True,
    help="另外比对的文件或文件夹，可多次 / compare with this too, can be repeated",
)
@_REPORT
@click.option("--no-archive", is_flag=True, help="不与投标文件库比对 / leave the archive out")
@click.option("--ocr", is_flag=True, help="用 tesseract 识别扫描件 / recognise scans with tesseract")
def check(
    terminal: Terminal,
    folder: Path,
    named: tuple[Path, ...],
    reports: tuple[Path, ...],
    no_archive: bool,
    ocr: bool,
) -> SelfCheckReport | Refusal:
    """查雷同、痕迹、报价和完整性，一次列全 / likeness, traces, prices, completeness, all at once.

    只收本单位可以使用的文件；同一标段其他单位的投标文件会被拒收 / own material only
    """
    for out in reports:
        kind_of(out)
    with terminal.desk() as desk:
        order = SelfCheckOrder(named, not no_archive, ocr)
        report = desk.self_checking.run(folder, order, terminal.progress, terminal.ask.cancelled)
        for out in reports:
            desk.self_checking.write(report, out, terminal.say.language)
    return report if report.record.passed else Refusal(report, 1)


@command
@click.argument("folder", type=FOLDER)
@_REPORT
def show(terminal: Terminal, folder: Path, reports: tuple[Path, ...]) -> SelfCheckReport | NoReport:
    """最近一次的报告 / the newest report."""
    for out in reports:
        kind_of(out)
    with terminal.desk() as desk:
        report = desk.self_checking.latest(folder)
        if report is None:
            return NoReport(str(folder))
        for out in reports:
            desk.self_checking.write(report, out, terminal.say.language)
    return report


@command
@click.argument("folder", type=FOLDER)
@click.argument("finding")
@click.option("--reason", required=True, help="为什么没有问题 / why it is in order")
def accept(terminal: Terminal, folder: Path, finding: str, reason: str) -> AcceptedFinding:
    """说明一项结果的理由，以后的报告照列并注明 / explain a finding; it stays in the reports."""
    with terminal.desk() as desk:
        return desk.self_checking.accept(folder, finding, reason)


similar.add_command(check, _CHECK)
similar.add_command(show, "show")
similar.add_command(accept, "accept")
VERBS = {"similar": similar}


# ------------------------------------------------------------------------------------------ on the screen


@lines_of.register
def _report(value: SelfCheckReport, say: Say) -> Lines:
    from bidclient.similarity.report.words import Words

    record, words = value.record, Words(say.language)
    yield from _summary(record, say, words)
    for finding in record.findings[:_SHOWN_FINDINGS]:
        yield from _finding(finding, say, words)
    more = len(record.findings) - _SHOWN_FINDINGS
    if more > 0:
        yield say(f"……另有 {more} 项，见报告。", f"... and {more} more in the report.")
    yield from _passages(record, say, words)
    yield from _coverage(record, say, words)
    yield from _not_checked(record, say)
    page = value.folder / "report.html"
    yield say(f"报告（只存本机，不上传）：{page}", f"Report (kept here, never uploaded): {page}")
    yield say(record.notice_zh, record.notice_en)


def _summary(record: "SelfCheck", say: Say, words: "Words") -> Lines:
    counts = "  ".join(
        f"{words.severity(severity)} {record.count(severity)}" for severity in ("blocking", "warning", "info")
    )
    accepted = sum(one.accepted is not None for one in record.findings)
    told = say(f"（其中已说明 {accepted}）", f" ({accepted} of them explained)") if accepted else ""
    yield say(f"自查结果：{counts}{told}", f"Self-check: {counts}{told}")


def _finding(one: "Found", say: Say, words: "Words") -> Lines:
    mark = say("，已说明", ", explained") if one.accepted else ""
    yield f"[{words.severity(one.severity)}{mark}] {one.rule} {words.message(one)}"
    if one.accepted:
        yield say(f"    理由：{one.accepted.reason}", f"    reason: {one.accepted.reason}")
    elif words.advice(one):
        yield f"    → {words.advice(one)}"
    if words.basis(one):
        yield say(f"    依据：{words.basis(one)}", f"    basis: {words.basis(one)}")
    for proof in one.evidence[:_SHOWN_PROOFS]:
        yield f"    {words.place(proof.here)} {_short(proof.here.quote or proof.fact)}"
        if proof.there is not None:
            yield f"      ≈ {words.place(proof.there)} {_short(proof.there.quote)}"
    yield say(f"    编号 {one.id[:_ID]}", f"    id {one.id[:_ID]}")


def _passages(record: "SelfCheck", say: Say, words: "Words") -> Lines:
    counted = [one for one in record.passages if not one.excused]
    if counted:
        yield say(f"相似文字 {len(counted)} 处，最长的：", f"{len(counted)} passages are alike, the longest:")
    for one in counted[:_SHOWN_PASSAGES]:
        yield from _passage(one, words)
    if record.left_out:
        yield say(
            f"  另有 {record.left_out} 处报告中也未列出。",
            f"  {record.left_out} more are not in the report either.",
        )


def _passage(one: "SamePassage", words: "Words") -> Lines:
    yield f"  {words.owner(one.owner)} · {words.likeness(one)}{words.also(one)}"
    yield f"    {words.place(one.here)}  {_short(one.here.quote)}"
    yield f"    {words.place(one.there)}  {_short(one.there.quote)}"


def _coverage(record: "SelfCheck", say: Say, words: "Words") -> Lines:
    from bidclient.similarity.report.words import share_row

    labels = [words.excuse(one) for one in ("", "tender", "public", "template")]
    yield say("相同文字占比：", "Share of text that stands elsewhere:")
    for share in record.coverage:
        cells = "  ".join(f"{name} {value}" for name, value in zip(labels, share_row(share), strict=True))
        yield f"  {share.document or say('合计', 'in total')}  {cells}"


def _not_checked(record: "SelfCheck", say: Say) -> Lines:
    for one in record.skipped:
        yield say(
            f"! 未检查 {one.document}：{one.reason_zh}", f"! Not checked: {one.document}: {one.reason_en}"
        )
    for refused in record.refused:
        yield say(
            f"! 拒收 {refused.name}：{refused.reason_zh}  SHA-256 {refused.sha256}",
            f"! Refused: {refused.name}: {refused.reason_en}  SHA-256 {refused.sha256}",
        )
    if not record.archive.used:
        yield say("! 未与本单位投标文件库比对。", "! The archive was not compared with.")


@lines_of.register
def _accepted(value: AcceptedFinding, say: Say) -> Lines:
    from bidclient.similarity.report.words import Words

    one = value.finding
    reason = one.accepted.reason if one.accepted else ""
    yield say(
        f"已说明 {one.rule} {Words('zh').message(one)}（理由：{reason}）；以后的报告照列。",
        f"Explained: {one.rule} {Words('en').message(one)} (reason: {reason}); it stays in the reports.",
    )


@lines_of.register
def _none(value: NoReport, say: Say) -> Lines:
    yield say(
        f"还没有报告：bidclient similar {value.folder}",
        f"There is no report yet: bidclient similar {value.folder}",
    )


def _short(text: str) -> str:
    line = " ".join(text.split())
    return f"“{line if len(line) <= _SHOWN_LETTERS else line[:_SHOWN_LETTERS] + '…'}”" if line else ""
