"""Chinese texts that nobody of this project wrote, fetched by the Makefile: statutes, Debian's manuals."""

import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pypdfium2

_ROOT = Path(__file__).resolve().parents[2]


def fetched(name: str) -> Path:
    """build/NAME, made by the target of that name when it is not here yet."""
    folder = _ROOT / "build" / name
    if not folder.is_dir():
        subprocess.run(["make", f"build/{name}"], cwd=_ROOT, check=True, capture_output=True)
    return folder


def statutes(count: int) -> list[list[str]]:
    """The articles of the first laws of a package of public statutes, each with a line end."""
    with closing(sqlite3.connect(f"file:{fetched('laws') / 'laws.db'}?mode=ro", uri=True)) as opened:
        rows = opened.execute("SELECT law_id, article_text FROM articles ORDER BY id").fetchall()
    laws: dict[str, list[str]] = {}
    for law, text in rows:
        laws.setdefault(law, []).append(text.strip() + "\n")
    return list(laws.values())[:count]


def prose(length: int) -> str:
    """So many characters of the manuals, or all; no tables of contents, which a comparison leaves out."""
    text: str = ""
    for path in sorted(fetched("manuals").glob("*.pdf")):
        with closing(pypdfium2.PdfDocument(path)) as document:
            for page in document:
                lines = str(page.get_textpage().get_text_range()).splitlines(keepends=True)
                text += "".join(line for line in lines if ". . . ." not in line).replace("\r", "")
            if len(text) >= length:
                break
    return text[:length]
