"""The only way to the terminal: what networks, tenders and files say is shown, and never obeyed by it."""

import json
import re
import sys
import unicodedata

import click

REPLACEMENT = "\ufffd"
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Controls, with ESC among them, format characters such as the bidi controls, and what else breaks lines."""
_NOT_PLAIN = re.compile(r"[^\x00-\x7e]")


def shown(text: str) -> str:
    """`text` on one line: every character that would steer the terminal or reorder the line is replaced."""
    return "".join(
        REPLACEMENT if unicodedata.category(character) in _UNSEEN else character for character in text
    )


def echo(text: str, *, err: bool = False) -> None:
    """Print one line."""
    click.echo(shown(text), err=err)


def tell(text: str, end: str = "\n") -> None:
    """Write to the person in the middle of a question, on stderr."""
    sys.stderr.write(shown(text) + end)
    sys.stderr.flush()


def echo_json(document: str) -> None:
    """Print a JSON document, with everything in it escaped that a terminal might obey."""
    click.echo(_NOT_PLAIN.sub(lambda found: _escaped(found[0]), document))


def _escaped(character: str) -> str:
    if shown(character) == character:
        return character
    return "\\u007f" if character == "\x7f" else json.dumps(character)[1:-1]
