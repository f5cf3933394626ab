"""What an error means to a person: title, cause and next step, in Chinese and English.

The sentences are templates over the error's facts and lie in resources/explain/; a test proves that every
class of errors/ has its own and that each renders. The reasons among the facts are English in the code; their
Chinese is found by the English, as gettext does it, and another test proves that none is wanting.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from bidclient import resource
from bidclient.errors import BidError
from bidclient.errors.sentence import Sentence

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")
_LONGEST_FACT = 400


@dataclass(frozen=True)
class Explanation:
    """An error in words. `code` is stable and the same in every language."""

    code: str
    title: str
    cause: str
    next_step: str


@dataclass(frozen=True)
class _Phrases:
    language: Language
    templates: Mapping[str, Mapping[str, str]]
    additions: Mapping[str, Mapping[str, str]]
    """By class and fact what is added to the cause where the fact is known, and not false."""
    words: Mapping[str, str]
    values: Mapping[str, str]
    """Whole texts, and patterns of texts with {} for each hole."""
    patterns: tuple[tuple[tuple[str, ...], str], ...]
    """The patterns of `values` in pieces between their holes, the most particular first."""


def explain(error: BidError, language: Language) -> Explanation:
    """The explanation of `error`, with its facts filled in; a class without sentences takes its parent's."""
    phrases = _phrases(language)
    template = next(
        phrases.templates[kind.__name__] for kind in type(error).__mro__ if kind.__name__ in phrases.templates
    )
    facts = {name: _fact_text(value, phrases) for name, value in error.facts.items()} | {"code": error.code}
    cause = [template["cause"], *_added(error, phrases)]
    return Explanation(
        code=error.code,
        title=template["title"].format_map(facts).strip(),
        cause=phrases.words["sentences"].join(cause).format_map(facts).strip(),
        next_step=template["next_step"].format_map(facts).strip(),
    )


def _added(error: BidError, phrases: _Phrases) -> Iterator[str]:
    sentences = phrases.additions.get(type(error).__name__, {})
    for name, sentence in sentences.items():
        if error.facts[name] is not None and error.facts[name] is not False:
            yield sentence


def explained_classes(language: Language) -> frozenset[str]:
    """Names of the error classes that have sentences of their own."""
    return frozenset(_phrases(language).templates)


def in_words(text: str, language: Language) -> str:
    """A reason in the words of a language; one that nobody has foreseen stays as it is.

    What fills the holes of a reason is looked up as well, and so are the parts of a list that "; " divides.
    """
    return _in_words(text[:_LONGEST_FACT], _phrases(language)) + ("…" if len(text) > _LONGEST_FACT else "")


def known_phrases(language: Language) -> frozenset[str]:
    """The reasons that have words in this language, with {} for what the code fills in."""
    return frozenset(_phrases(language).values)


def _in_words(text: str, phrases: _Phrases) -> str:
    if text in phrases.values:
        return phrases.values[text]
    for is_list in (True, False):
        for pieces, words in phrases.patterns:
            if any("; " in piece for piece in pieces) is is_list:
                holes = _holes(pieces, text)
                if holes is not None:
                    return words.format(*(_in_words(hole, phrases) for hole in holes))
        divider = "; " if is_list else ": "
        parts = text.split(divider, -1 if is_list else 1)
        said = [_in_words(part, phrases) for part in parts if len(parts) > 1]
        if said and said != parts:
            return phrases.words["separator" if is_list else "colon"].join(said)
    return text


def _holes(pieces: tuple[str, ...], text: str) -> list[str] | None:
    """What lies between the pieces, each hole as short as it can be and never empty; None when it differs."""
    first, *middle, last = pieces
    start, end = len(first), len(text) - len(last)
    if not text.startswith(first) or not text.endswith(last):
        return None
    holes = []
    for piece in middle:
        found = text.find(piece, start + 1, end)
        if found < 0:
            return None
        holes.append(text[start:found])
        start = found + len(piece)
    return [*holes, text[start:end]] if start < end else None


def _fact_text(value: object, phrases: _Phrases) -> str:
    match value:
        case None:
            return phrases.words["unknown"]
        case Sentence():
            return (value.zh if phrases.language == "zh" else value.en).rstrip(".。")
        case BidError():
            return explain(value, phrases.language).cause.rstrip(".。")
        case bool():
            return phrases.words["yes" if value else "no"]
        case tuple() | list():
            items = [_fact_text(item, phrases) for item in value]
            return phrases.words["separator"].join(items) or phrases.words["empty"]
        case _:
            text = " ".join(str(value).split()).rstrip(".。")
            said = _in_words(text[:_LONGEST_FACT], phrases)
            return said if len(text) <= _LONGEST_FACT else f"{said}…"


@cache
def _phrases(language: Language) -> _Phrases:
    data = _table(f"{language}.toml")
    words, additions = data.pop("words"), data.pop("additions")
    values = words.pop("values") | (_table("reasons.zh.toml") if language == "zh" else {})
    patterns = [(tuple(text.split("{}")), said) for text, said in values.items() if "{}" in text]
    patterns.sort(key=lambda one: -sum(map(len, one[0])))
    return _Phrases(
        language,
        templates=data,
        additions=additions,
        words=words,
        values=values,
        patterns=tuple(patterns),
    )


def _table(name: str) -> dict[str, Any]:
    return tomllib.loads(resource.read_bytes(f"explain/{name}").decode("utf-8"))
