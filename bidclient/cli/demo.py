"""demo: the whole journey on a fresh sandbox, with nothing but this program."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bidclient.cli.sandbox import KEY_TYPES
from bidclient.cli.say import Lines, Say, lines_of
from bidclient.cli.screen import echo
from bidclient.cli.terminal import FOLDER, Terminal, command
from bidclient.cli.times import METHODS_ZH, event_name
from bidclient.errors import BidExists, PartMissing
from bidclient.sandbox.demo_steps import DemoReport, Step
from bidclient.sandbox.samples import sample_ids

if TYPE_CHECKING:
    from bidclient.sandbox.certificates import KeyType


@command
@click.option("--keep", type=FOLDER, help="把投标文件夹、证据等留在此处 / keep everything in DIR")
@click.option("--documents", type=FOLDER, help="用此文件夹里的 PDF / use the PDFs in DIR")
@click.option(
    "--sample", type=click.Choice(sample_ids()), default="construction", help="示例 / sample tender"
)
@click.option("--soft-keys", is_flag=True, help="用密钥文件代替加密锁 / key files instead of a token")
@click.option(
    "--key-type",
    type=click.Choice(KEY_TYPES),
    default=KEY_TYPES[0],
    show_default=True,
    help="投标人密钥的算法；sm2 用国密套件，密钥为文件 / the bidder's keys; sm2: suite gm-1, in files",
)
def demo(
    terminal: Terminal,
    keep: Path | None,
    documents: Path | None,
    sample: str,
    soft_keys: bool,
    key_type: "KeyType",
) -> DemoReport:
    """演示：一份真实的投标走完全程 / a real bid travels from tender to opened."""
    try:
        from bidclient.sandbox import demo as journey
        from bidclient.sandbox.demo_documents import pdf_files
    except ModuleNotFoundError as error:
        raise PartMissing("sandbox", error.name or "") from error

    def on_step(step: Step) -> None:
        for line in lines_of(step, terminal.say):
            echo(line, err=terminal.as_json)

    own = pdf_files(documents) if documents else ()
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="bidclient-demo-", ignore_cleanup_errors=True) as folder:
            return journey.run_demo(
                Path(folder), sample, own, on_step, keep=False, soft=soft_keys, key_type=key_type
            )
    if keep.exists() and any(keep.iterdir()):
        raise BidExists(str(keep))
    keep.mkdir(parents=True, exist_ok=True)
    return journey.run_demo(
        keep.resolve(), sample, own, on_step, keep=True, soft=soft_keys, key_type=key_type
    )


VERBS = {"demo": demo}

_FIGURES_ZH = {
    "address": "地址",
    "keys": "密钥",
    "key_type": "密钥算法",
    "suite": "密码套件",
    "sign_ms": "签名耗时（毫秒）",
    "lot": "标段",
    "deadline": "截止时间",
    "clock_bound_ms": "时钟误差上限（毫秒）",
    "documents": "文件数",
    "own_documents": "其中自备文件",
    "pages": "页数",
    "price": "报价（元）",
    "bytes": "字节数",
    "sealed": "已签章文件",
    "manifest": "清单 SHA-256",
    "signer": "签名人",
    "signed_at": "签名时间",
    "sha256": "SHA-256",
    "chunks": "分块数",
    "recipients": "可解密方",
    "competitors": "其他投标人",
    "receipt": "回执编号",
    "received_at": "收到时间",
    "uploaded": "已上传字节",
    "event": "记录序号",
    "method": "方式",
    "table": "唱标表 SHA-256",
    "last": "最后一条",
    "files": "文件数",
}


@lines_of.register
def _step(value: Step, say: Say) -> Lines:
    yield f"✓ {say(value.title_zh, value.title_en)}  ({value.seconds:.1f} s)"
    for proof in value.verified:
        yield f"    {say(proof.zh, proof.en)}"
    for name, figure in value.figures.items():
        shown = say.in_china(str(figure))
        if name == "last":
            shown = event_name(shown, say)
        elif name == "method":
            shown = say(METHODS_ZH.get(shown, shown), shown)
        yield f"      {say(_FIGURES_ZH.get(name, name), name)}: {shown}"


@lines_of.register
def _report(value: DemoReport, say: Say) -> Lines:
    yield say(
        f"全程完成（密钥 {value.key_type}，套件 {value.suite}），用时 {value.seconds:.1f} 秒，"
        "每一步都经过核验。",
        f"The whole journey ({value.key_type} keys, suite {value.suite}) in {value.seconds:.1f} s, "
        "every step verified.",
    )
    if value.folder is not None:
        yield say(f"投标文件夹：{value.folder}/bid", f"Bid folder: {value.folder}/bid")
        trust = f"{value.folder}/trust/roots.pem {value.folder}/trust/identity.pem"
        yield say(
            f"第三方核验：bash {value.folder}/evidence/verify.sh {trust}",
            f"Third-party check: bash {value.folder}/evidence/verify.sh {trust}",
        )
