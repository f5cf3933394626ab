"""What others say is shown, and the terminal never obeys it."""

import ast
import io
import json
import unicodedata
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bidclient import cli
from bidclient.cli.screen import echo, echo_json, shown
from bidclient.cli.terminal import print_error, to_json
from bidclient.errors import BadFormat

HOSTILE = "标段\x1b[2J\x1b]0;owned\x07\r一\u202e段\u2066\x9b31m\x7f\u2028\n中标"


def test_escape_sequences_and_bidi_controls_are_replaced() -> None:
    assert shown(HOSTILE) == "标段�[2J�]0;owned��一�段��31m���中标"
    assert shown("投标人　示例（集团） «é» 👍") == "投标人　示例（集团） «é» 👍"


@settings(deadline=None, max_examples=200)
@given(st.text(st.characters()))
def test_a_line_stays_a_line_and_says_nothing_to_the_terminal(text: str) -> None:
    line = shown(text)
    assert not {unicodedata.category(character) for character in line} & {"Cc", "Cf", "Zl", "Zp"}
    assert len(line) == len(text)
    assert len(line.splitlines()) <= 1


def test_what_is_printed_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    echo(HOSTILE)
    print_error(BadFormat("招标文件", HOSTILE), [])
    said = capsys.readouterr()
    for text in (said.out, said.err):
        assert "中标" in text
        assert not set(text) & set("\x1b\x07\r\u202e\u2066\x9b\x7f\u2028")


@settings(deadline=None, max_examples=100)
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_json_keeps_its_meaning(text: str) -> None:
    with redirect_stdout(io.StringIO()) as printed:
        echo_json(to_json({"name": text + HOSTILE}))
    document = printed.getvalue()
    assert json.loads(document) == {"name": text + HOSTILE}
    assert {unicodedata.category(one) for one in document if one != "\n"} & {"Cc", "Cf", "Zl", "Zp"} == set()


def test_there_is_no_other_way_to_the_terminal() -> None:
    """But for what is ours from end to end: click's texts, the progress line, the cursor above a QR code."""
    folder = Path(cli.__file__).parent
    allowed = {
        ("__init__.py", "click.echo"),
        ("person.py", "sys.stderr.write"),
        ("phone.py", "sys.stderr.write"),
    }
    found = set()
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                name = ast.unparse(node.func)
                if name in ("print", "click.echo", "click.secho", "sys.stderr.write", "sys.stdout.write"):
                    found.add((path.name, name))
    assert {place for place in found if place[0] != "screen.py"} == allowed
