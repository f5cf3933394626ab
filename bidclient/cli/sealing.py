"""pack, sign, seal, rehearse, verify, unseal: from a draft to a bid that nobody can read."""

from collections.abc import Iterable
from pathlib import Path

import click

from bidclient.checks.finding import Finding
from bidclient.cli.say import Lines, Say, lines_of, size_text
from bidclient.cli.terminal import FILE, FOLDER, Refusal, Terminal, command, judged
from bidclient.desk.sealing import Rehearsed, SealedResult
from bidclient.desk.signing import Packed, SignedResult
from bidclient.desk.verifying import FileReport
from bidclient.errors import FileProblem

_KEY = click.option("--key", "key_id", help="证书编号 / key id, see `bidclient keys`")
_CODE_LIMIT = 1000


@command
@click.argument("folder", type=FOLDER)
def pack(terminal: Terminal, folder: Path) -> Packed:
    """固化：检查并冻结内容 / check and freeze the draft."""
    with terminal.desk() as desk:
        return desk.signing.pack(folder, terminal.progress)


@command
@click.argument("folder", type=FOLDER)
@_KEY
@click.option("--also", is_flag=True, help="追加一个签名 / add a further signature")
@click.option("--no-timestamp", is_flag=True, help="不加时间戳 / without a timestamp")
def sign(
    terminal: Terminal, folder: Path, key_id: str | None, also: bool, no_timestamp: bool
) -> SignedResult:
    """签章：CAdES 签名加时间戳 / sign the package."""
    with terminal.desk() as desk:
        verb = desk.signing.co_sign if also else desk.signing.sign
        return verb(folder, key_id, terminal.ask, terminal.progress, timestamp=not no_timestamp)


@command
@click.argument("folder", type=FOLDER)
@_KEY
@click.option("--second-lock", help="备用锁的证书编号 / key id of the second lock")
@click.option("--recovery-code", type=FILE, help="把信封码写入此文件 / write a recovery code to FILE")
@click.option("--no-rehearsal", is_flag=True, help="暂不试解密 / rehearse later")
def seal(
    terminal: Terminal,
    folder: Path,
    key_id: str | None,
    second_lock: str | None,
    recovery_code: Path | None,
    no_rehearsal: bool,
) -> SealedResult:
    """加密并立即试解密 / seal, then rehearse the opening."""
    with terminal.desk() as desk:
        return desk.sealing.seal(
            folder,
            key_id,
            terminal.ask,
            terminal.progress,
            second_lock=second_lock,
            recovery_file=recovery_code,
            rehearse_now=not no_rehearsal,
        )


@command
@click.argument("folder", type=FOLDER)
@_KEY
def rehearse(terminal: Terminal, folder: Path, key_id: str | None) -> Rehearsed:
    """试解密：确认开标时打得开 / open the sealed bid to nowhere."""
    with terminal.desk() as desk:
        return desk.sealing.rehearse(folder, key_id, terminal.ask, terminal.progress)


@command
@click.argument("paths", type=click.Path(path_type=Path), nargs=-1, required=True)
def verify(terminal: Terminal, paths: tuple[Path, ...]) -> Refusal:
    """核验任何成果：有效、无效、无法判断 / judge any artefact or bid folder.

    退出码：0 全部有效，5 有无效的，1 没有无效的但有无法判断的 /
    exit code 0 when all is valid, 5 when something is invalid, else 1 when something cannot be told
    """
    for path in paths:
        if not path.exists():
            raise FileProblem(str(path), "No such file or directory")
    with terminal.desk() as desk:
        reports = tuple(desk.verifying.verify(path, terminal.progress) for path in paths)
    return judged(reports, [verdict for report in reports for verdict in report.verdicts])


@command
@click.argument("file", type=FILE)
@_KEY
@click.option("--recovery-code", type=FILE, help="信封码所在文件 / FILE with the recovery code")
@click.option("-o", "--out", type=FILE, required=True, help="输出的 .asice / output")
def unseal(
    terminal: Terminal, file: Path, key_id: str | None, recovery_code: Path | None, out: Path
) -> Refusal:
    """投标人自己解密查看 / the bidder's own reading."""
    with terminal.desk() as desk:
        if recovery_code is None:
            desk.sealing.unseal(file, out, key_id, terminal.ask, terminal.progress)
        else:
            code = read_code(recovery_code)
            desk.sealing.unseal_with_code(file, out, code, terminal.ask, terminal.progress)
        report = desk.verifying.verify(out, terminal.progress)
    # It is opened: that its signers cannot be told, without a network set, is no failure of this.
    return judged(report, report.verdicts, untold=0)


VERBS = {
    "pack": pack,
    "sign": sign,
    "seal": seal,
    "rehearse": rehearse,
    "verify": verify,
    "unseal": unseal,
}


_ROLES_ZH = {
    "bidder": "投标人证书",
    "second-lock": "备用锁",
    "recovery": "信封码",
    "tenderer": "招标人证书",
}


def read_code(path: Path) -> str:
    """A recovery code from a file: a code in an argument could be read by every user of the computer."""
    try:
        with path.open("rb") as file:
            return file.read(_CODE_LIMIT).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FileProblem(str(path), "cannot be read") from error


def warning_lines(findings: Iterable[Finding], say: Say) -> Lines:
    """What was gone on in spite of, each with whose certificate it is about and what to do."""
    for finding in findings:
        yield f"  ! {finding.subject}"
        yield f"    {say(finding.message_zh, finding.message_en)}"
        yield f"    → {say(finding.advice_zh, finding.advice_en)}"


@lines_of.register
def _packed(value: Packed, say: Say) -> Lines:
    yield say(
        f"已固化 {value.documents} 份文件，共 {size_text(value.size)}：{value.path}",
        f"Packed {value.documents} documents, {size_text(value.size)}: {value.path}",
    )
    yield say("  清单", "  manifest") + f" SHA-256 {value.manifest_sha256}"
    for name in value.superseded:
        yield say(f"  原有成果移至 {name}", f"  moved aside: {name}")


@lines_of.register
def _signed(value: SignedResult, say: Say) -> Lines:
    stamp = say("含时间戳", "with timestamp") if value.timestamped else say("无时间戳", "no timestamp")
    yield say(f"已签章（{stamp}）：{value.path}", f"Signed ({stamp}): {value.path}")
    for signer in value.signers:
        yield f"  {signer}"
    yield from warning_lines(value.warnings, say)


@lines_of.register
def _sealed(value: SealedResult, say: Say) -> Lines:
    yield say(
        f"已加密 {size_text(value.size)}：{value.path}", f"Sealed {size_text(value.size)}: {value.path}"
    )
    yield f"  SHA-256 {value.sha256}"
    for recipient in value.recipients:
        role, _, certificate = recipient.partition(" ")
        who = f"{_ROLES_ZH.get(role, role)} {certificate}".rstrip()
        yield say(f"  可解密：{who}", f"  opens: {recipient}")
    if value.rehearsal is None:
        yield say("  尚未试解密。", "  not rehearsed yet.")
    else:
        yield from lines_of(value.rehearsal, say)
    yield from warning_lines(value.warnings, say)


@lines_of.register
def _rehearsed(value: Rehearsed, say: Say) -> Lines:
    if value.alone:
        yield say(
            f"试解密成功：{value.key} 打开了全部 {value.chunks} 块，内容与签章文件一致。",
            f"Rehearsed: {value.key} opened all {value.chunks} chunks, equal to the signed bid.",
        )
    else:
        yield say(
            f"试解密：{value.key} 的密钥分量正确，加密时已全文比对；开标须与招标人共同解密。",
            f"Rehearsed: the share of {value.key} is right, the whole was compared when it was sealed; "
            "the tenderer holds the other share.",
        )


@lines_of.register
def _report(value: FileReport, say: Say) -> Lines:
    yield value.path
    for verdict in value.verdicts:
        yield from lines_of(verdict, say)
