"""stamp, seal-image: electronic seals on the documents of a draft, and pictures of seals for practice."""

from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import get_args

import click

from bidclient.cli.say import Lines, Say, lines_of
from bidclient.cli.screen import tell
from bidclient.cli.sealing import warning_lines
from bidclient.cli.terminal import FILE, FOLDER, Refusal, Terminal, command
from bidclient.crypto.certificate import certificates_from_pem
from bidclient.crypto.pdf_places import SealKind
from bidclient.desk.seal_order import SealOrder, Stamped, StampPlan
from bidclient.errors import BadCommandLine, BidExists, FileProblem
from bidclient.formats.content import read_limited
from bidclient.network.clock import system_now

_KINDS = get_args(SealKind)
_PEM_LIMIT = 64 * 1024
_ENDINGS = (".svg", ".png", ".esl")
_KINDS_ZH = {
    "company": "公章",
    "legal-representative": "法定代表人章",
    "cost-engineer": "造价工程师章",
    "cross-page": "骑缝章",
}


@dataclass(frozen=True)
class Drawn:
    """A seal for practice, drawn into a file; millimetres on paper."""

    path: str
    kind: SealKind
    width_mm: float
    height_mm: float


@command
@click.argument("folder", type=FOLDER)
@click.option("--key", "key_id", help="证书编号 / key id, see `bidclient keys`")
@click.option("--kind", "kinds", multiple=True, type=click.Choice(_KINDS), help="只盖这种章 / only this kind")
@click.option(
    "--image",
    "images",
    multiple=True,
    metavar="[KIND=]FILE",
    help="印章图片，不写种类即公章 / picture of the seal, PNG or JPEG; the company's unless a kind is named",
)
@click.option(
    "--seal", "electronic_seal", type=FILE, help="国密电子印章 SESeal / electronic seal, for SM2 keys"
)
@click.option("--document", "documents", multiple=True, metavar="PART/NAME", help="只签这份 / only this one")
@click.option("--no-timestamp", is_flag=True, help="不加时间戳 / without a timestamp")
def stamp(
    terminal: Terminal,
    folder: Path,
    key_id: str | None,
    kinds: tuple[SealKind, ...],
    images: tuple[str, ...],
    electronic_seal: Path | None,
    documents: tuple[str, ...],
    no_timestamp: bool,
) -> Stamped | Refusal:
    """电子签章：在招标文件规定的位置盖章 / seal the documents where the tender wants it."""
    usual, pictures = _pictures(images)
    order = SealOrder(kinds, documents, usual, pictures, electronic_seal)
    with terminal.desk() as desk:
        _announce(desk.stamping.plan(folder, key_id, order), terminal.say)
        done = desk.stamping.stamp(
            folder, key_id, order, terminal.ask, terminal.progress, timestamp=not no_timestamp
        )
    return done if done.complete else Refusal(done, 1)


def _announce(plan: StampPlan, say: Say) -> None:
    """Before the first PIN: how often the key will ask for it."""
    if plan.pin_each_time and plan.signatures:
        tell(
            say(
                f"每次签名都要输入密码：{plan.documents} 份文件，共 {plan.signatures} 次。",
                f"This key wants its PIN each time: {plan.signatures} times, for {plan.documents} documents.",
            )
        )


def _pictures(images: tuple[str, ...]) -> tuple[Path | None, dict[SealKind, Path]]:
    """The company's picture, and those for one kind: FILE, KIND=FILE. Raises BadCommandLine, FileProblem."""
    usual: Path | None = None
    pictures: dict[SealKind, Path] = {}
    for image in images:
        kind = next((kind for kind in _KINDS if image.startswith(f"{kind}=")), None)
        if kind is not None:
            pictures[kind] = Path(image.removeprefix(f"{kind}="))
        elif usual is None:
            usual = Path(image)
        else:
            raise BadCommandLine("--image: more than one picture without a kind")
    for path in (*([usual] if usual else []), *pictures.values()):
        # Said once and by name, before any document is looked at.
        if not path.is_file():
            raise FileProblem(str(path), "not a file")
    return usual, pictures


@command
@click.argument("name")
@click.option("-o", "--out", type=FILE, required=True, help="输出 .svg .png .esl / output")
@click.option("--code", default="", help="下方的十八位代码 / the 18 characters below")
@click.option("--kind", type=click.Choice(_KINDS), default="company", help="印章种类 / kind of seal")
@click.option(
    "--certificate", type=FILE, help="国密签名证书 PEM / SM2 certificate the electronic seal is for"
)
@click.option(
    "--sandbox", type=FOLDER, help="模拟网络的文件夹，由它制章 / folder of the sandbox that makes it"
)
def seal_image(
    terminal: Terminal,
    name: str,
    out: Path,
    code: str,
    kind: SealKind,
    certificate: Path | None,
    sandbox: Path | None,
) -> Drawn:
    """画一枚演示印章 / draw a seal for practice, marked 演示.

    .svg、.png 为图片；.esl 为国密电子印章，须给出 --certificate 和 --sandbox /
    .esl is an electronic seal and needs both --certificate and --sandbox
    """
    from bidclient.sandbox.seal_image import write_seal_image

    if out.suffix.lower() not in _ENDINGS:
        raise BadCommandLine(f"-o: the name must end in {', '.join(_ENDINGS)}")
    if out.exists():
        raise BidExists(str(out))
    if out.suffix.lower() != ".esl":
        picture = write_seal_image(name, code, kind, out)
        return Drawn(picture.path, kind, picture.width_mm, picture.height_mm)
    if certificate is None or sandbox is None:
        raise BadCommandLine("an electronic seal needs --certificate and --sandbox")
    from bidclient.sandbox.seal_maker import write_practice_seal

    signer = certificates_from_pem(read_limited(certificate, _PEM_LIMIT))
    if not signer:
        raise FileProblem(str(certificate), "no certificate inside")
    made = write_practice_seal(sandbox, signer[0], name, code, kind, out, system_now())
    return Drawn(made.path, kind, made.width_mm, made.height_mm)


VERBS = {"stamp": stamp, "seal-image": seal_image}


@lines_of.register
def _drawn(value: Drawn, say: Say) -> Lines:
    size = f"{value.width_mm:g} × {value.height_mm:g} mm"
    yield say(f"演示印章（{size}）：{value.path}", f"Practice seal ({size}): {value.path}")
    ending = Path(value.path).suffix.lower()
    if ending == ".svg":
        yield say("  盖章用 PNG：bidclient seal-image … -o 文件.png", "  To stamp, draw a PNG: -o FILE.png")
        return
    # A picture without a kind is the company's seal.
    name = value.path if ending == ".esl" or value.kind == "company" else f"{value.kind}={value.path}"
    option = "--seal" if ending == ".esl" else "--image"
    yield f"  bidclient stamp {say('文件夹', 'FOLDER')} {option} {quote(name)}"


@lines_of.register
def _stamped(value: Stamped, say: Say) -> Lines:
    words = {
        "sealed": say("已签章", "sealed"),
        "already": say("已有签章", "sealed before"),
        "failed": say("未签章", "not sealed"),
    }
    if not value.files:
        yield say("没有需要签章的文件。", "No document wants a seal.")
    for file in value.files:
        kinds = say("、".join(_KINDS_ZH[kind] for kind in file.kinds), ", ".join(file.kinds))
        yield f"  [{words[file.outcome]}] {file.document}: {kinds}"
        if file.reason:
            yield f"    {say.reason(file.reason)}"
        if file.kept:
            yield say(f"    原文件保存为 {file.kept}", f"    the file as it was: {file.kept}")
    for name in value.superseded:
        yield say(f"  原有成果移至 {name}", f"  moved aside: {name}")
    yield from warning_lines(value.warnings, say)
