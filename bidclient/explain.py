"""What an error means to a person: title, cause and next step, in Chinese and English.

The sentences are templates over the error's facts and lie in resources/explain/; a test proves that every
class of errors/ has its own and that each renders.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

from bidclient import resource
from bidclient.errors import BidError

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
    templates: Mapping[str, Mapping[str, str]]
    words: Mapping[str, str]
    values: Mapping[str, str]


def explain(error: BidError, language: Language) -> Explanation:
    """The explanation of `error`, with its facts filled in; a class without sentences takes its parent's."""
    phrases = _phrases(language)
    template = next(
        phrases.templates[kind.__name__] for kind in type(error).__mro__ if kind.__name__ in phrases.templates
    )
    facts = {name: _fact_text(value, phrases) for name, value in error.facts.items()} | {"code": error.code}
    return Explanation(
        code=error.code,
        title=template["title"].format_map(facts).strip(),
        cause=template["cause"].format_map(facts).strip(),
        next_step=template["next_step"].format_map(facts).strip(),
    )


def explained_classes(language: Language) -> frozenset[str]:
    """Names of the error classes that have sentences of their own."""
    return frozenset(_phrases(language).templates)


def _fact_text(value: object, phrases: _Phrases) -> str:
    match value:
        case None:
            return phrases.words["unknown"]
        case bool():
            return phrases.words["yes" if value else "no"]
        case tuple() | list():
            items = [_fact_text(item, phrases) for item in value]
            return phrases.words["separator"].join(items) or phrases.words["empty"]
        case _:
            text = " ".join(str(value).split()).rstrip(".。")
            text = phrases.values.get(text, text)
            return text if len(text) <= _LONGEST_FACT else text[:_LONGEST_FACT] + "…"


@cache
def _phrases(language: Language) -> _Phrases:
    data = tomllib.loads(resource.read_bytes(f"explain/{language}.toml").decode("utf-8"))
    words = data.pop("words")
    values = words.pop("values")
    return _Phrases(templates=data, words=words, values=values)
