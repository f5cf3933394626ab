"""Shapes end where the text ends."""

from typing import Any

import msgspec
import pytest

from bidclient.formats.instant import Instant
from bidclient.formats.shapes import Fen, Hex32, Name, Slug, Uscc

GOOD: list[tuple[Any, Any]] = [
    (Hex32, "0a" * 32),
    (Uscc, "91629999TBX00001XU"),
    (Slug, "bid-letter"),
    (Name, "投标函"),
    (Fen, 0),
    (Instant, "2026-12-01T09:30:00.000+08:00"),
]
BAD: list[tuple[Any, Any]] = [
    *((shape, f"{value}\n") for shape, value in GOOD if shape not in (Name, Fen)),
    *((shape, f" {value}") for shape, value in GOOD if shape not in (Name, Fen)),
    (Instant, "２026-12-01T09:30:00.000+08:00"),
    (Hex32, "0A" * 32),
    (Uscc, "91629999TBX00001XI"),
    (Slug, "Bid"),
    (Slug, ""),
    (Slug, "a/b"),
    (Name, ""),
    (Name, "x" * 201),
    (Fen, -1),
    (Fen, 2**53),
    (Fen, "1"),
]


@pytest.mark.parametrize(("shape", "value"), GOOD)
def test_a_good_value_fits(shape: Any, value: object) -> None:
    assert msgspec.convert(value, shape) == value


@pytest.mark.parametrize(("shape", "value"), BAD)
def test_a_bad_value_does_not(shape: Any, value: object) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(value, shape)
