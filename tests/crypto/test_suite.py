import pytest

from bidclient.crypto.suite import INTERNATIONAL, SUITES, suite, suite_by_number
from bidclient.errors import BadFormat


def test_every_suite_is_found_by_name_and_number() -> None:
    assert suite("intl-1") is suite_by_number(1) is INTERNATIONAL
    assert all(suite(one.name) is suite_by_number(one.number) is one for one in SUITES)


@pytest.mark.parametrize("name", ["", "INTL-1", "gm-1"])
def test_an_unknown_name_is_refused(name: str) -> None:
    with pytest.raises(BadFormat):
        suite(name)


@pytest.mark.parametrize("number", [-1, 0, 2, 256])
def test_an_unknown_number_is_refused(number: int) -> None:
    with pytest.raises(BadFormat):
        suite_by_number(number)
