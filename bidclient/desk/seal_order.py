"""What is ordered of the seal keeper, and what comes of it; light, for everybody to know."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from bidclient.checks.finding import Finding
from bidclient.crypto.pdf_places import SealKind

Outcome = Literal["sealed", "already", "failed"]


@dataclass(frozen=True)
class SealOrder:
    """Which seals are to be put on, and what they look like."""

    kinds: tuple[SealKind, ...] = ()
    """Empty: every kind that the tender wants."""
    documents: tuple[str, ...] = ()
    """"part/name"; empty: all."""
    picture: Path | None = None
    """The company's seal, PNG or JPEG, where `pictures` has none; a person's seal gets a plain panel."""
    pictures: Mapping[SealKind, Path] = field(default_factory=dict)
    electronic_seal: Path | None = None
    """A DER SESeal (GB/T 38540): what an SM2 key signs with."""


@dataclass(frozen=True)
class StampPlan:
    """What a batch will take, told before the first PIN is asked for."""

    key: str
    documents: int
    signatures: int
    pin_each_time: bool
    """The key wants its PIN for every one of the signatures."""


@dataclass(frozen=True)
class StampedFile:
    """What became of one document; a failed one is as it was."""

    document: str
    outcome: Outcome
    kinds: tuple[str, ...]
    reason: str = ""
    kept: str = ""
    """Where the file without the new seals lies."""


@dataclass(frozen=True)
class Stamped:
    """A batch. `complete`: nothing has failed."""

    signer: str
    complete: bool
    files: tuple[StampedFile, ...]
    superseded: tuple[str, ...]
    warnings: tuple[Finding, ...] = ()
    """What must be said about the signer's certificate."""
