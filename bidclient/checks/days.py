"""Days and periods as the documents write them: 2026年5月1日, 2026-05-01, 2026.5.1."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone

DAY = r"(?<![\d.])(\d{4})(?:年|[-./])(\d{1,2})(?:月|[-./])(\d{1,2})(?!\d)日?"
"""Year, month and day, in a text without white space around Chinese characters."""
_DAY = re.compile(DAY)
_PERIOD = re.compile(rf"{DAY}起?(?:至|到|~|—+|–|-+){DAY}")
_TRADE_ZONE = timezone(timedelta(hours=8))
_YEARS = range(1900, 2200)


@dataclass(frozen=True)
class WrittenDay:
    """A day as it is written; `day` is None when the calendar has no such day."""

    text: str
    start: int
    end: int
    day: date | None


def days_in(text: str) -> Iterator[WrittenDay]:
    """The days in a text, in its order."""
    for match in _DAY.finditer(text):
        if int(match[1]) in _YEARS:
            yield WrittenDay(match[0], match.start(), match.end(), calendar_day(*match.groups()))


def reversed_periods(text: str) -> Iterator[str]:
    """Periods that end before they begin, as they are written."""
    for match in _PERIOD.finditer(text):
        parts = match.groups()
        first, last = calendar_day(*parts[:3]), calendar_day(*parts[3:])
        if first is not None and last is not None and last < first:
            yield match[0]


def without_days(text: str) -> str:
    """The text with a mark in place of each day, so that its figures are no number of days."""
    return _DAY.sub("※", text)


def calendar_day(year: str, month: str, day: str) -> date | None:
    """The day of the calendar; None when there is no such day."""
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def day_of(moment: datetime) -> date:
    """The day of a moment in China, where the tender's times are meant."""
    return moment.astimezone(_TRADE_ZONE).date()
