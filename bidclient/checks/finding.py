"""What a check has found, in both languages, with what to do about it."""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["blocking", "warning", "info"]


@dataclass(frozen=True)
class Place:
    """Where in a file: characters `start` to `end` of its text, on `page` (from 1; 0: the file as a whole).

    `document` is part/file of the draft, or names the file it was compared with; `quote` is what it says.
    """

    document: str
    page: int = 0
    start: int = 0
    end: int = 0
    quote: str = ""


@dataclass(frozen=True)
class Evidence:
    """What a finding rests on: a place in the draft and, where two are compared, the other place."""

    here: Place
    there: Place | None = None
    fact: str = ""
    """The value that was found, for what has no words to quote: a serial number, a ratio, a digest."""


@dataclass(frozen=True)
class Finding:
    """One thing that a person should know before the bid is packed.

    `rule` is stable and machine readable (PRC-001); `subject` is the field, document or code it is about.
    "blocking" would get the bid rejected or is impossible to pack; "warning" may; "info" is a reminder.
    `basis` is the law or rule that it rests on, in both languages, empty where common sense is enough.
    """

    rule: str
    severity: Severity
    subject: str
    message_zh: str
    message_en: str
    advice_zh: str
    advice_en: str
    basis_zh: str = ""
    basis_en: str = ""
    evidence: tuple[Evidence, ...] = ()


def blocks(findings: list[Finding]) -> bool:
    """Whether one of them is blocking."""
    return any(finding.severity == "blocking" for finding in findings)
