"""Points in time as the files and the wire spell them: RFC 3339, milliseconds, China Standard Time."""

import re
from datetime import datetime, timedelta, timezone
from typing import Annotated

import msgspec

from bidclient.errors import BadFormat
from bidclient.formats.shapes import END

CHINA = timezone(timedelta(hours=8))
_PATTERN = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}\+08:00"
Instant = Annotated[str, msgspec.Meta(pattern=_PATTERN + END)]
"""A point in time as text: "2026-12-01T09:30:00.000+08:00"; texts sort as the times do."""


def instant_text(moment: datetime) -> str:
    """The text of an aware datetime, cut (not rounded) to milliseconds: a deadline is never moved forward."""
    if moment.tzinfo is None:
        raise ValueError("a point in time needs its zone")
    local = moment.astimezone(CHINA)
    return local.strftime("%Y-%m-%dT%H:%M:%S.") + f"{local.microsecond // 1000:03d}+08:00"


def parse_instant(text: str) -> datetime:
    """The aware datetime of such a text. Raises BadFormat."""
    if not re.match(_PATTERN + END, text):
        raise BadFormat("time", repr(text[:40]))
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise BadFormat("time", repr(text)) from error
