"""What people type into fields, and what is kept."""

import pytest

from bidclient.errors import BadValue
from bidclient.formats.field import BIDDER_FIELDS, bidder_value, field_value


@pytest.mark.parametrize(
    ("kind", "typed", "kept"),
    [
        ("text", "合格\n优良", "合格\n优良"),
        ("money", "9,800,000.00", "980000000"),
        ("money", "¥1", "100"),
        ("days", "0120", "120"),
        ("percent", "3.50%", "3.5"),
        ("percent", "-10", "-10"),
        ("percent", "100.0000", "100"),
        ("percent", "0", "0"),
        ("date", "2026-12-01", "2026-12-01"),
        ("date", "20261201", "2026-12-01"),
        ("person", "王经理", "王经理"),
    ],
)
def test_a_value_is_kept_in_its_one_form(kind: str, typed: str, kept: str) -> None:
    assert field_value("f", kind, 200, typed) == kept


@pytest.mark.parametrize(
    ("kind", "typed"),
    [
        ("text", "a\x00b"),
        ("text", "a\u202eb"),
        ("text", "x" * 201),
        ("money", "12.345"),
        ("money", "很多"),
        ("days", "0"),
        ("days", "-3"),
        ("days", "1.5"),
        ("days", "三十"),
        ("days", "99999"),
        ("percent", "101"),
        ("percent", "1.23456"),
        ("percent", "x"),
        ("date", "2026-02-30"),
        ("date", "明天"),
        ("person", "x" * 61),
    ],
)
def test_a_value_that_does_not_fit_is_refused(kind: str, typed: str) -> None:
    with pytest.raises(BadValue) as caught:
        field_value("duration", kind, 200, typed)
    assert caught.value.field == "duration"


def test_a_number_without_an_end_is_refused() -> None:
    with pytest.raises(BadValue):
        field_value("duration", "days", 10_000, "9" * 5000)


@pytest.mark.parametrize(
    ("name", "typed", "kept"),
    [
        ("bidder.uscc", "91629999tbx00001xu", "91629999TBX00001XU"),
        ("bidder.phone", "+86 934-8000001", "+86 934-8000001"),
        ("bidder.name", "示范公司", "示范公司"),
        ("bidder.agent", "", ""),
    ],
)
def test_the_bidders_own_fields(name: str, typed: str, kept: str) -> None:
    assert name in BIDDER_FIELDS
    assert bidder_value(name, typed) == kept


@pytest.mark.parametrize(
    ("name", "typed"), [("bidder.uscc", "123"), ("bidder.phone", "打我电话"), ("bidder.name", "x" * 201)]
)
def test_the_bidders_wrong_fields(name: str, typed: str) -> None:
    with pytest.raises(BadValue):
        bidder_value(name, typed)
