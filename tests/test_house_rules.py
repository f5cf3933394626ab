"""The rules of ARCHITECTURE.md that a program can check; ruff, mypy and import-linter check the others."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted((ROOT / "bidclient").rglob("*.py"))
ALL_PYTHON = SOURCES + sorted((ROOT / "tests").rglob("*.py"))
EMPTY_WORDS = re.compile(r"(Manager|Helper|Utils?|Base|Handler|Service|Controller|Impl)$")
BROAD_EXCEPT_EDGES = {"bidclient/cli/__init__.py", "bidclient/keys/host.py"}
PROMISES = re.compile(r"\b(TODO|FIXME|XXX)\b|NotImplementedError|pragma: no cover|# type: ignore(?!\[)")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", ALL_PYTHON, ids=name_of)
def test_a_file_stays_within_500_lines(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= 500


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_a_function_fits_a_screen(path: Path) -> None:
    long = [
        f"{node.name} ({(node.end_lineno or 0) - node.lineno + 1} lines)"
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno + 1 > 60
    ]
    assert long == []


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_classes_are_named_for_the_trade(path: Path) -> None:
    classes = [
        node.name for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.ClassDef)
    ]
    assert [name for name in classes if EMPTY_WORDS.search(name)] == []


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_broad_excepts_stand_only_at_the_edges(path: Path) -> None:
    broad = [
        node.lineno
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in {"Exception", "BaseException"})
    ]
    assert not broad or name_of(path) in BROAD_EXCEPT_EDGES, broad


@pytest.mark.parametrize("path", [path for path in ALL_PYTHON if path != Path(__file__)], ids=name_of)
def test_nothing_is_promised_instead_of_done(path: Path) -> None:
    assert PROMISES.findall(path.read_text("utf-8")) == []


def test_there_is_no_folder_without_a_meaning() -> None:
    folders = {path.parent.name for path in ALL_PYTHON}
    assert not folders & {"utils", "helpers", "common", "misc"}


def test_no_option_of_the_command_line_takes_a_secret() -> None:
    options = [
        option
        for path in (ROOT / "bidclient" / "cli").rglob("*.py")
        for option in re.findall(r'"(--[a-z-]+)"', path.read_text("utf-8"))
    ]
    assert options
    secret = {option for option in options if re.search(r"pin|password|secret", option)}
    assert secret <= {"--pin-stdin"}


def test_the_readme_names_its_two_commands_and_the_makefile_has_them() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for language in ("README.md", "README.zh-CN.md"):
        readme = (ROOT / language).read_text("utf-8")
        for target in ("demo", "test"):
            assert f"make {target}" in readme
            assert re.search(rf"^{target}:", makefile, re.MULTILINE)


def test_every_test_that_security_md_names_exists() -> None:
    text = (ROOT / "SECURITY.md").read_text("utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text)
    assert len(named) >= 22
    missing = [
        f"{file}::{test}"
        for file, test in named
        if not (ROOT / file).is_file() or f"def {test}(" not in (ROOT / file).read_text("utf-8")
    ]
    assert missing == []
