"""The command line: every capability has a verb; this file finds the verb and turns failures into exit codes.

Exit codes: 0 done, 1 refused by a check, 2 usage, 3 key or PIN, 4 network, 5 integrity.
"""

import importlib
import logging
import os
import sys
from collections.abc import Sequence

import click

from bidclient import __version__
from bidclient.cli.options import common_options
from bidclient.errors import BadCommandLine, BidError, Cancelled, DiskProblem

_log = logging.getLogger(__name__)
# Before the settings are read there is no log file, and Python would print tracebacks to the person instead.
logging.getLogger("bidclient").addHandler(logging.NullHandler())

_VERBS = {
    "demo": ("demo", "演示：一份真实的投标走完全程 / a real bid travels from tender to opened"),
    "sandbox": ("sandbox", "启动模拟交易网络 / run a sandbox network"),
    "tender": ("hall", "招标文件：查看、下载 / show or download a tender"),
    "new": ("drafting", "由招标文件新建投标文件夹 / start a bid folder from a TENDER"),
    "import": ("drafting", "导入新版招标文件（答疑澄清） / take a newer version of the TENDER"),
    "add": ("drafting", "把文件放进某一部分 / copy documents into a PART"),
    "remove": ("drafting", "移出一份文件 / take a document out"),
    "set": ("drafting", "填写开标一览表和投标人信息 / set fields of the opening form"),
    "prices": ("drafting", "从 CSV 导入已标价工程量清单 / take the price list from a CSV file"),
    "link": ("drafting", "评审条款关联到页 / link evaluation clauses to pages"),
    "letter": ("letter", "写出投标函与开标一览表（DOCX） / write bid letter and opening form as DOCX"),
    "status": ("drafting", "进度、缺项、截止时间 / stage, what is missing, deadline"),
    "check": ("drafting", "完整性、报价、PDF、有效期 / completeness, price, PDFs, validity"),
    "similar": ("similar", "自查：雷同、痕迹、报价、完整性 / the self-check before anyone else looks"),
    "stamp": ("stamping", "电子签章 / seal the documents where the tender wants it"),
    "seal-image": ("stamping", "画一枚演示印章 / draw a seal for practice, marked 演示"),
    "keys": ("keys", "证书列表、测试、绑定手机 / list keys, test one, pair the phone"),
    "certificates": ("certificates", "证书一览及依赖它的标书 / certificates and the bids that need them"),
    "pack": ("sealing", "固化：检查并冻结内容 / check and freeze the draft"),
    "sign": ("sealing", "签章：CAdES 签名加时间戳 / sign the package"),
    "seal": ("sealing", "加密并立即试解密 / seal, then rehearse the opening"),
    "rehearse": ("sealing", "试解密：确认开标时打得开 / open the sealed bid to nowhere"),
    "verify": ("sealing", "核验任何成果：有效、无效、无法判断 / judge any artefact or bid folder"),
    "unseal": ("sealing", "投标人自己解密查看 / the bidder's own reading"),
    "login": ("hall", "用证书登录 / log in with a certificate"),
    "logout": ("hall", "退出登录，忘掉保存的会话 / end the session and forget it"),
    "lots": ("hall", "标段列表 / the lots"),
    "register": ("hall", "报名，LOT 为标段编号 / register for a LOT, named by its code"),
    "submit": ("submitting", "递交，或从断点继续 / submit, or go on where it stopped"),
    "withdraw": ("submitting", "截止前撤回 / withdraw before the deadline"),
    "receipt": ("submitting", "重新下载并核验回执 / fetch and verify the receipt again"),
    "opening": ("opening", "开标：签到、解密、确认、异议 / the opening"),
    "evidence": ("evidence", "证据：导出、离线核验 / export or verify evidence"),
    "archive": ("archive", "本单位历次投标文件库 / the company's earlier bids, for the self-check"),
    "diag": ("diag", "诊断报告，可直接发给技术支持 / a report for support"),
}
"""Verb → the file of its family, and what --help says of it. A file is imported when its verb is used."""


class Verbs(click.Group):
    """Finds verbs by name in the files of their families."""

    def list_commands(self, _context: click.Context) -> list[str]:
        """All verbs in the order of the work."""
        return list(_VERBS)

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        """The verb, imported now; None when there is none."""
        if name not in _VERBS:
            return None
        family = importlib.import_module(f"{__name__}.{_VERBS[name][0]}")
        found: click.Command = family.VERBS[name]
        found.name = name
        return found

    def format_commands(self, _context: click.Context, formatter: click.HelpFormatter) -> None:
        """The list in --help, for which no file of a family is imported."""
        with formatter.section("Commands"):
            formatter.write_dl([(verb, told) for verb, (_, told) in _VERBS.items()])


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="bidclient")
def program(**_common: object) -> None:
    """投标客户端：编制、固化、签章、加密、递交、开标 / prepare, seal, submit and open bids."""


program.params += common_options()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code. Prints the result to stdout, everything else to stderr."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        outcome = program.main(args=given, prog_name="bidclient", standalone_mode=False)
        return outcome if isinstance(outcome, int) else _printed(outcome)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 0
    except click.ClickException as error:
        return _misused(error, given)
    except (click.Abort, KeyboardInterrupt):
        return _failed(Cancelled(), given)
    except BrokenPipeError:
        # Whoever read our output has seen enough; nothing is left to be said to them.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except BidError as error:
        _log.warning("%s", error, exc_info=True)
        return _failed(error, given)
    except OSError as error:
        # A full disk, a folder that cannot be read: what no code of ours has named.
        _log.critical("unexpected", exc_info=True)
        return _failed(DiskProblem(str(error.filename or ""), error.strerror or str(error)), given)
    except Exception:  # noqa: BLE001 - the outermost edge
        # Whatever went wrong ends in a visible state and in the log.
        _log.critical("unexpected", exc_info=True)
        return _failed(BidError(), given)


def _printed(outcome: object) -> int:
    # Imported late, as the verbs are: --help and --version need none of it.
    from bidclient.cli.terminal import print_result

    return print_result(outcome)


def _misused(error: click.ClickException, arguments: list[str]) -> int:
    """A command line that does not parse; the exit code is 2."""
    if isinstance(error, click.UsageError) and error.ctx is not None:
        click.echo(error.ctx.get_usage(), err=True)
    return _failed(BadCommandLine(error.format_message()), arguments)


def _failed(error: BidError, arguments: list[str]) -> int:
    from bidclient.cli.terminal import print_error

    return print_error(error, arguments)
