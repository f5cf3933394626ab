"""The options that every verb takes, before its name or after it."""

from pathlib import Path
from typing import TypedDict

import click


class Common(TypedDict):
    """What the common options say."""

    as_json: bool
    language: str | None
    pin_stdin: bool
    home: Path | None
    log_traffic: bool


def common_options() -> list[click.Parameter]:
    """The options anew: a click command may change its own."""
    folder = click.Path(path_type=Path)
    return [
        click.Option(["--json", "as_json"], is_flag=True, help="一个 JSON 文档 / one JSON document"),
        click.Option(["--language"], type=click.Choice(["zh", "en"]), help="语言 / language"),
        click.Option(["--pin-stdin"], is_flag=True, help="从标准输入读密码 / read the PIN from stdin"),
        click.Option(["--home"], type=folder, help="设置所在文件夹 / folder of the settings"),
        click.Option(["--log-traffic"], is_flag=True, help="记录网络通信 / log network traffic"),
    ]


def merged(own: Common, context: click.Context) -> Common:
    """What was said after the verb, completed by what was said before it."""
    before = context.find_root().params
    return Common(
        as_json=own["as_json"] or bool(before.get("as_json")),
        language=own["language"] or before.get("language"),
        pin_stdin=own["pin_stdin"] or bool(before.get("pin_stdin")),
        home=own["home"] or before.get("home"),
        log_traffic=own["log_traffic"] or bool(before.get("log_traffic")),
    )
