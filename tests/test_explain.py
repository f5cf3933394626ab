"""Every error has its sentences in both languages, and each of them renders with the error's own facts."""

import sys
import typing
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from bidclient import errors
from bidclient.errors import BidError, PinWrong, Rejected, WrongSecret, WrongStage
from bidclient.explain import LANGUAGES, Language, explain, explained_classes


def every_class(root: type[BidError] = BidError) -> Iterator[type[BidError]]:
    yield root
    for child in root.__subclasses__():
        if child.__module__.startswith("bidclient."):
            yield from every_class(child)


CLASSES = list(every_class())


def example(kind: type[BidError]) -> BidError:
    samples = {str: "sample-value", int: 7, float: 2.5, bool: True, tuple[str, ...]: ("one", "two")}
    hints = {name: hint for name, hint in typing.get_type_hints(kind).items() if name in fields_of(kind)}
    facts = {name: samples.get(hint) for name, hint in hints.items()}
    return kind(**facts)


def fields_of(kind: type[BidError]) -> set[str]:
    return set(typing.get_type_hints(kind)) - {"code", "exit_code", "retryable"}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_error_is_explained(kind: type[BidError], language: Language) -> None:
    assert kind.__name__ in explained_classes(language)
    error = example(kind)
    explanation = explain(error, language)
    assert explanation.code == kind.code
    for sentence in (explanation.title, explanation.cause, explanation.next_step):
        assert sentence
        assert "{" not in sentence
        assert "None" not in sentence
    said = explanation.cause + explanation.title + explanation.next_step
    for value in error.facts.values():
        if isinstance(value, str):
            assert "sample-value" in said


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_is_left_over(language: Language) -> None:
    assert explained_classes(language) == {kind.__name__ for kind in CLASSES}


def test_every_error_is_drawn_in_the_tree() -> None:
    drawn = errors.__doc__ or ""
    assert [kind.__name__ for kind in CLASSES if kind.__name__ not in drawn] == []


def test_every_error_is_imported_from_one_place() -> None:
    assert sorted(errors.__all__) == sorted(kind.__name__ for kind in CLASSES)
    assert all(getattr(errors, kind.__name__) is kind for kind in CLASSES)


def test_codes_are_unique() -> None:
    codes = [kind.code for kind in CLASSES]
    assert len(set(codes)) == len(codes)


def test_threads_that_meet_the_first_error_of_a_class_together_get_whole_errors() -> None:
    def made(kind: type[BidError], gate: Barrier) -> dict[str, object]:
        gate.wait()
        return kind(7, "x").facts

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            for _ in range(50):
                kind = type("Fresh", (BidError,), {"__annotations__": {"index": int, "reason": str}})
                gate = Barrier(4)
                results = [pool.submit(made, kind, gate) for _ in range(4)]
                assert [one.result() for one in results] == [{"index": 7, "reason": "x"}] * 4
    finally:
        sys.setswitchinterval(before)


def test_facts_become_words() -> None:
    stage = explain(WrongStage("draft", "sealed"), "zh")
    assert "编制" in stage.cause
    assert "加密" in stage.cause
    assert "信封码属于另一份" in explain(WrongSecret("the recovery code belongs to another bid"), "zh").cause
    refusal = explain(Rejected("stale-documents", 422, ""), "zh")
    assert "招标文件已更新" in refusal.cause


@pytest.mark.parametrize(
    ("left", "last", "chinese", "english"),
    [
        (None, False, "不接受这个密码。", "does not accept this PIN."),
        (None, True, "不接受这个密码。这是最后一次机会。", "does not accept this PIN. This is the last try."),
        (3, False, "不接受这个密码。剩余次数：3。", "does not accept this PIN. Attempts left: 3."),
        (0, False, "不接受这个密码。剩余次数：0。", "does not accept this PIN. Attempts left: 0."),
    ],
)
def test_tries_are_counted_where_they_are_known(
    left: int | None, last: bool, chinese: str, english: str
) -> None:
    wrong = PinWrong("锁 1", left, last)
    assert explain(wrong, "zh").cause == f"“锁 1”{chinese}"
    assert explain(wrong, "en").cause == f"“锁 1” {english}"


def test_the_chinese_is_chinese_and_the_english_is_english() -> None:
    for kind in CLASSES:
        chinese = explain(example(kind), "zh")
        english = explain(example(kind), "en")
        assert any("\u4e00" <= c <= "\u9fff" for c in chinese.title)
        assert not any("\u4e00" <= c <= "\u9fff" for c in english.title + english.cause + english.next_step)
