"""No English sentence reaches a Chinese message: every reason that the code can give has its Chinese.

Reasons are English in the code and in JSON. Whatever literal or f-string is handed on as one is looked for in
the sentences of explain, with {} for what an f-string fills in.
"""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

import bidclient
from bidclient import errors, resource
from bidclient.crypto.revocation import Cause
from bidclient.errors import BadDocument, BadReceipt, BadSignature, BidError
from bidclient.explain import explain, in_words, known_phrases

PACKAGE = Path(bidclient.__file__).parent
CHINESE = re.compile("[\u4e00-\u9fff]")
WORD = re.compile("[A-Za-z]{2,}")
NO_SENTENCE = re.compile(r"(C|SKF)_\w+|Init|\w+://\S+")
"""Functions of libraries, and the spelling of an address."""
CALLS = {
    "Verdict": 2,
    "undecided": 1,
    "_undecided": 1,
    "Standing": 1,
}
TURNED_INTO_REASONS = {"ValueError": 0, "EOFError": 0}
"""Taken over as a reason where they are caught; elsewhere they are mistakes of ours."""
TURNING = ("crypto", "formats")
"""What else takes a reason, and at which place."""
SPOKEN = {"reason", "operation"}
"""Facts that are words of ours even when they are one word; in others only phrases are, the rest is data."""
TABLES = ("REASONS", "CAUSES", "PROBLEMS")
"""How constants are called that hold reasons by number."""


def facts_of(kind: type[BidError]) -> list[str]:
    names: list[str] = []
    for one in reversed(kind.__mro__):
        names += [name for name in vars(one).get("__annotations__", {}) if issubclass(one, BidError)]
    return [name for name in names if name not in ("code", "exit_code", "retryable")]


FACTS = {name: facts_of(getattr(errors, name)) for name in errors.__all__}


class Module:
    """One file, in which names are looked up by what is assigned to them anywhere in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.tree = ast.parse(path.read_text("utf-8"))
        self.assigned: dict[str, list[ast.expr]] = {}
        self.functions: dict[str, ast.FunctionDef] = {}
        self.judges = False
        self.calls = CALLS | (TURNED_INTO_REASONS if path.parent.name in TURNING else {})
        for node in ast.walk(self.tree):
            self._look_at(node)

    def _look_at(self, node: ast.AST) -> None:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self.assigned.setdefault(name, []).append(value)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                self.assigned.setdefault(name, []).append(value)
            case ast.FunctionDef(name=name):
                self.functions[name] = node
            case ast.Name(id="Verdict"):
                self.judges = True

    def texts(self, node: ast.expr | None, seen: frozenset[str] = frozenset()) -> Iterator[str]:
        """The texts that an expression can be, as far as they stand in this file."""
        match node:
            case ast.Constant(value=str() as text):
                yield text
            case ast.JoinedStr(values=values):
                yield "".join(str(one.value) if isinstance(one, ast.Constant) else "{}" for one in values)
            case ast.IfExp(body=body, orelse=other):
                yield from self.texts(body, seen)
                yield from self.texts(other, seen)
            case ast.BoolOp(values=values) | ast.Dict(values=values) | ast.Tuple(elts=values):
                for value in values:
                    yield from self.texts(value, seen)
            case ast.Name(id=name) if name not in seen:
                for value in self.assigned.get(name, []):
                    yield from self.texts(value, seen | {name})
            case ast.Call(func=ast.Name(id="next"), args=[inner, *_]):
                yield from self.texts(inner, seen)
            case ast.Call(func=ast.Name(id=name)) if name in self.functions and name not in seen:
                yield from self._results(self.functions[name], seen | {name})

    def _results(self, function: ast.FunctionDef, seen: frozenset[str] = frozenset()) -> Iterator[str]:
        for node in ast.walk(function):
            if isinstance(node, ast.Return | ast.Yield):
                yield from self.texts(node.value, seen)

    def reasons(self) -> Iterator[tuple[int, str]]:
        """Line and text of everything that is handed on as a reason, or as a fact that is a phrase."""
        for node in ast.walk(self.tree):
            match node:
                case ast.Call():
                    for argument, is_word in self._spoken(node):
                        for text in self.texts(argument):
                            if is_word or " " in text.strip():
                                yield node.lineno, text
                case ast.FunctionDef() if self.judges:
                    yield from ((node.lineno, text) for text in self._results(node) if " " in text)
                case ast.Lambda(body=body) if self.judges:
                    yield from ((node.lineno, text) for text in self.texts(body) if " " in text)
                case ast.Assign(targets=[ast.Name(id=name)], value=value) if name.endswith(TABLES):
                    yield from ((node.lineno, text) for text in self.texts(value) if " " in text)
                case ast.AnnAssign(target=ast.Name(id=name), value=value) if name.endswith(TABLES):
                    yield from ((node.lineno, text) for text in self.texts(value) if " " in text)

    def _spoken(self, call: ast.Call) -> Iterator[tuple[ast.expr, bool]]:
        """The arguments that people read, and whether a single word in them is one of ours."""
        called = getattr(call.func, "id", getattr(call.func, "attr", ""))
        names = FACTS.get(called, [])
        if called in self.functions:
            names = [one.arg for one in self.functions[called].args.args]
            names = [name if name in SPOKEN else "" for name in names]
        for number, argument in enumerate(call.args):
            name = names[number] if number < len(names) else ""
            if name or self.calls.get(called) == number:
                yield argument, name in SPOKEN
        for keyword in call.keywords:
            if keyword.arg in SPOKEN and (names or called in self.calls):
                yield keyword.value, True


CHINESE_OF = tomllib.loads(resource.read_bytes("explain/reasons.zh.toml").decode("utf-8"))
FILES = sorted(PACKAGE.rglob("*.py"))


def needs_words(text: str) -> bool:
    """Whether a text is English: it has a word, nothing Chinese beside it, and is no name."""
    said = text.replace("{}", " ")
    is_name = NO_SENTENCE.fullmatch(said.strip()) is not None
    return WORD.search(said) is not None and CHINESE.search(said) is None and not is_name


def test_every_reason_has_its_chinese() -> None:
    known = known_phrases("zh")
    wanting = [
        f"{path.relative_to(PACKAGE)}:{line}: {text}"
        for path in FILES
        for line, text in Module(path).reasons()
        if needs_words(text) and text not in known
    ]
    assert wanting == []


def test_no_reason_about_a_document_speaks_two_languages() -> None:
    kinds = {BadDocument.__name__, *(one.__name__ for one in BadDocument.__subclasses__())}
    said = [
        text
        for path in FILES
        for module in [Module(path)]
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in kinds
        for text in module.texts(node.args[1])
    ]
    assert len(said) > 20
    assert [text for text in said if CHINESE.search(text)] == []


def test_a_file_with_a_reason_that_nobody_has_translated_is_found(tmp_path: Path) -> None:
    module = tmp_path / "new.py"
    module.write_text(
        "why = 'first fault'\n"
        "def check(holds, reason): ...\n"
        "def fail(count):\n"
        "    check(False, 'second fault')\n"
        "    raise BadSignature('x', why if count else f'{count} faults')\n"
    )
    assert {text for _, text in Module(module).reasons()} == {"second fault", "first fault", "{} faults"}
    assert all(needs_words(text) for _, text in Module(module).reasons())


@pytest.mark.parametrize("phrase", [one for one in CHINESE_OF if "{}" in one])
def test_no_pattern_hides_another_and_none_loses_what_fills_it(phrase: str) -> None:
    fillings = [f"某{number}" for number in range(phrase.count("{}"))]
    pieces = phrase.split("{}")
    filled = "".join(piece + filling for piece, filling in zip(pieces, [*fillings, ""], strict=True))
    said = in_words(filled, "zh")
    assert said == CHINESE_OF[phrase].format(*fillings)
    assert CHINESE.search(re.sub("某[0-9]", "", said)) or phrase.startswith("[Errno")


def test_every_cause_of_not_knowing_has_its_chinese() -> None:
    for cause in filter(None, get_args(Cause)):
        assert "某" in in_words(f"{cause}: HTTP 503 (某公司)", "zh")
        assert not WORD.search(in_words(f"{cause}: HTTP 503 (某公司)", "zh").replace("HTTP", ""))


@pytest.mark.parametrize(
    ("reason", "chinese"),
    [
        ("expired, at issuer 1", "已过有效期（证书链第 1 级签发者）"),
        ("header: 9 bytes, at most 8 allowed", "文件头：9 字节，最多 8 字节"),
        ("[Errno 28] No space left on device: '/x/y'", "磁盘已满"),
        ("ConnectionRefusedError: [Errno 111] Connection refused", "连接被拒绝"),
        ("甲 not revoked as of T1; 乙 revoked later, T2", "甲，截至 T1 未吊销；乙，此后于 T2 被吊销"),
        ("company: covers the whole file", "公章：覆盖整个文件"),
        ("revoked: 某 公司 since T, keyCompromise", "已被吊销：某 公司，自 T 起，原因：私钥泄露"),
        ("nobody foresaw this: really", "nobody foresaw this: really"),
        ("{0}: {} bytes", "{0}: {} bytes"),
        ("", ""),
    ],
)
def test_a_reason_is_put_into_words_with_what_fills_it(reason: str, chinese: str) -> None:
    assert in_words(reason, "zh") == chinese
    assert in_words(reason, "en") == reason


def test_an_error_that_is_the_reason_of_another_is_explained() -> None:
    error = BadReceipt(BadSignature("receipt", "the signature is wrong"))
    assert "签名验证没有通过" in explain(error, "zh").cause
    assert "E-SIGNATURE" not in explain(error, "zh").cause
    assert "the signature is wrong" in explain(error, "en").cause
