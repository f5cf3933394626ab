"""What the demonstration tells about itself: its steps, each with what was verified in it."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Proof:
    """What a step has verified, in both languages."""

    zh: str
    en: str


@dataclass(frozen=True)
class Step:
    """One step: what was done, what was verified in it, and figures."""

    name: str
    title_zh: str
    title_en: str
    verified: tuple[Proof, ...]
    figures: dict[str, str | int]
    seconds: float


@dataclass(frozen=True)
class DemoReport:
    """The whole journey. `folder` is None when nothing was kept."""

    passed: bool
    sample: str
    keys: str
    """"softhsm", "pfx" or "key-file"."""
    key_type: str
    suite: str
    """The suite that the bid was sealed with."""
    steps: tuple[Step, ...]
    seconds: float
    folder: str | None


@dataclass
class Notes:
    """What a step wants to be told about itself."""

    verified: list[Proof] = field(default_factory=list)
    figures: dict[str, str | int] = field(default_factory=dict)

    def proven(self, chinese: str, english: str) -> None:
        """Add what was verified."""
        self.verified.append(Proof(chinese, english))
