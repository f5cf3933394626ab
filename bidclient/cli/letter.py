"""letter: the bid letter and the opening form of a draft as a file for Word and WPS."""

from pathlib import Path

import click

from bidclient.cli.say import Lines, Say, lines_of
from bidclient.cli.terminal import FILE, FOLDER, Terminal, command
from bidclient.desk.letter import WrittenLetter
from bidclient.errors import BadValue


@command
@click.argument("folder", type=FOLDER)
@click.option("-o", "--out", type=FILE, required=True, help="输出的 .docx / output")
def letter(terminal: Terminal, folder: Path, out: Path) -> WrittenLetter:
    """写出投标函与开标一览表（DOCX） / write bid letter and opening form as DOCX."""
    if out.suffix.lower() != ".docx":
        raise BadValue("-o", "文件名应以 .docx 结尾 (must end in .docx)")
    with terminal.desk() as desk:
        return desk.preparing.letter(folder, out)


VERBS = {"letter": letter}


@lines_of.register
def _written(value: WrittenLetter, say: Say) -> Lines:
    yield say(f"已写出投标函与开标一览表：{value.path}", f"Wrote bid letter and opening form: {value.path}")
    yield say(f"  作者：{value.author}", f"  author: {value.author}")
    if value.blank:
        blank = "、".join(value.blank)
        yield say(f"  留空待填：{blank}", f"  left blank: {blank}")
    yield say(
        "  → 招标文件另有格式的以其为准；改好后导出为 PDF，用 bidclient add 加入。",
        "  → A form given by the tender comes first; edit, export as PDF, then `bidclient add` it.",
    )
