"""A fact of an error that is a sentence for people already: whoever raises it has it in both languages."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sentence:
    """One sentence in Chinese and English."""

    zh: str
    en: str

    def __str__(self) -> str:
        return f"{self.zh} {self.en}"
