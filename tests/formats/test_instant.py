"""Points in time as text."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bidclient.errors import BadFormat
from bidclient.formats.instant import instant_text, parse_instant

_moments = st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@settings(max_examples=100, deadline=None)
@given(_moments, _moments)
def test_texts_sort_as_times_do_and_never_move_forward(one: datetime, other: datetime) -> None:
    assert timedelta() <= one - parse_instant(instant_text(one)) < timedelta(milliseconds=1)
    if one <= other:
        assert instant_text(one) <= instant_text(other)


def test_the_zone_is_chinas() -> None:
    moment = datetime(2026, 12, 1, 1, 30, 0, 999_999, UTC)
    assert instant_text(moment) == "2026-12-01T09:30:00.999+08:00"
    assert instant_text(moment.astimezone(timezone(timedelta(hours=-5)))) == instant_text(moment)


def test_a_time_without_zone_is_the_callers_fault() -> None:
    with pytest.raises(ValueError, match="zone"):
        instant_text(datetime(2026, 12, 1))  # noqa: DTZ001


@pytest.mark.parametrize(
    "text",
    ["", "2026-12-01", "2026-12-01T09:30:00+08:00", "2026-12-01T09:30:00.000Z",
     "2026-13-01T09:30:00.000+08:00", "2026-12-01T09:30:00.000+08:00\n", "2026-12-01T24:30:00.000+08:00"],
)  # fmt: skip
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(BadFormat):
        parse_instant(text)
