"""What a rule of a check says: filled in with the facts of a case, it becomes a finding."""

from dataclasses import dataclass

from bidclient.checks.finding import Severity


@dataclass(frozen=True)
class Rule:
    """A severity, four templates over the facts of a finding, and the law or rule that it rests on."""

    severity: Severity
    message_zh: str
    message_en: str
    advice_zh: str
    advice_en: str
    basis_zh: str = ""
    basis_en: str = ""
