import hashlib

import pytest

from bidclient.crypto.suite import GM, INTERNATIONAL, SUITES, suite, suite_by_number
from bidclient.errors import BadFormat


def test_every_suite_is_found_by_name_and_number() -> None:
    assert suite("intl-1") is suite_by_number(1) is INTERNATIONAL
    assert suite("gm-1") is suite_by_number(2) is GM
    assert all(suite(one.name) is suite_by_number(one.number) is one for one in SUITES)


@pytest.mark.parametrize("name", ["", "INTL-1", "gm-2"])
def test_an_unknown_name_is_refused(name: str) -> None:
    with pytest.raises(BadFormat):
        suite(name)


@pytest.mark.parametrize("number", [-1, 0, 3, 256])
def test_an_unknown_number_is_refused(number: int) -> None:
    with pytest.raises(BadFormat):
        suite_by_number(number)


def test_each_suite_has_its_hash() -> None:
    assert INTERNATIONAL.hash(b"abc") == hashlib.sha256(b"abc").digest()
    known = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"  # GB/T 32905, appendix A.1
    assert GM.hash(b"abc").hex() == known
    for one in SUITES:
        running = one.new_digest()
        running.update(b"a")
        running.update(memoryview(b"bc"))
        assert running.hexdigest() == one.hash(b"abc").hex()
