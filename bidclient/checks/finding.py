"""What a check has found, in both languages, with what to do about it."""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["blocking", "warning", "info"]


@dataclass(frozen=True)
class Finding:
    """One thing that a person should know before the bid is packed.

    `rule` is stable and machine readable (PRC-001); `subject` is the field, document or code it is about.
    "blocking" would get the bid rejected or is impossible to pack; "warning" may; "info" is a reminder.
    """

    rule: str
    severity: Severity
    subject: str
    message_zh: str
    message_en: str
    advice_zh: str
    advice_en: str


def blocks(findings: list[Finding]) -> bool:
    """Whether one of them is blocking."""
    return any(finding.severity == "blocking" for finding in findings)
