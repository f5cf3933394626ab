"""Which names may stand in our ZIP files: those that mean the same file on every system and every screen."""

import re
import unicodedata
from collections.abc import Iterable

from bidclient.errors import BadArchive

STEP_BYTES = 255
PATH_BYTES = 512
DEPTH = 6

_FORBIDDEN_CHARACTERS = frozenset('\\:*?"<>|')
# Cc controls, Cf format characters (bidi overrides and isolates, zero-width joiners), Cs lone surrogates,
# Zl and Zp separators of lines: whatever could make a name look like another one, or not appear at all.
_FORBIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])", re.IGNORECASE)


def name_problem(path: str) -> str | None:
    """Why `path` cannot be the name of an entry; None when it can.

    A good name is relative, steps divided by "/", in Unicode NFC, free of "..", of control, bidi and
    Windows-forbidden characters and of Windows device names; no step ends in a dot or a space; at most
    255 bytes a step, 512 bytes in all, six steps deep.
    """
    if not unicodedata.is_normalized("NFC", path):
        return "not in Unicode NFC"
    for character in path:
        if character in _FORBIDDEN_CHARACTERS or unicodedata.category(character) in _FORBIDDEN_CATEGORIES:
            return f"contains the character U+{ord(character):04X}"
    if len(path.encode("utf-8")) > PATH_BYTES:
        return f"longer than {PATH_BYTES} bytes"
    steps = path.split("/")
    if len(steps) > DEPTH:
        return f"more than {DEPTH} steps deep"
    return next((problem for problem in map(_step_problem, steps) if problem), None)


def check_entry_name(path: str, what: str) -> str:
    """`path`, when it can be the name of an entry. `what` names the archive. Raises BadArchive."""
    problem = name_problem(path)
    if problem:
        raise BadArchive(what, f"name {_printable(path)}: {problem}")
    return path


def check_distinct(paths: Iterable[str], what: str) -> None:
    """Raises BadArchive when two paths mean the same file on some system, or one is a folder of another.

    Compared after Unicode case folding and NFC, as Windows and macOS would.
    """
    seen: dict[str, str] = {}
    for path in paths:
        key = folded(path)
        if key in seen:
            raise BadArchive(
                what, f"two entries mean one file: {_printable(seen[key])} and {_printable(path)}"
            )
        seen[key] = path
    for key, path in seen.items():
        steps = key.split("/")
        for depth in range(1, len(steps)):
            if "/".join(steps[:depth]) in seen:
                raise BadArchive(what, f"an entry is both a file and a folder: {_printable(path)}")


def folded(path: str) -> str:
    """The form in which two names are compared: NFC of the case-folded NFC."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def _step_problem(step: str) -> str | None:
    if step == "":
        return "absolute, or with an empty step"
    if step in (".", ".."):
        return "leaves its folder"
    if step[-1] in ". ":
        return "a step ends in a dot or a space"
    if len(step.encode("utf-8")) > STEP_BYTES:
        return f"a step is longer than {STEP_BYTES} bytes"
    if _DEVICE.fullmatch(step.split(".", 1)[0].rstrip(" ")):
        return "a device name of Windows"
    return None


def _printable(path: str) -> str:
    return ascii(path[:120])
