"""Which key is meant, and which two belong together."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from bidclient.ask import Ask
from bidclient.crypto.private_key import PrivateKey
from bidclient.errors import NoSuchKey
from bidclient.explain import explain
from bidclient.keys.choice import find_key, partner
from bidclient.keys.info import KeyInfo, issuers, key_id
from tests.support.pki import Authority, InMemoryKey


class Shelf:
    """A source with a fixed listing and nothing to unlock."""

    def __init__(self, keys: Sequence[KeyInfo]) -> None:
        self._keys = list(keys)

    def keys(self) -> list[KeyInfo]:
        return list(self._keys)

    @contextmanager
    def unlock(self, key: KeyInfo, ask: Ask) -> Iterator[PrivateKey]:
        raise AssertionError("choosing a key unlocks nothing")
        yield

    def close(self) -> None:
        """Nothing is open."""


def info(owner: InMemoryKey, serial: str, place: str = "") -> KeyInfo:
    certificate = owner.certificate
    return KeyInfo(
        id=key_id(serial or place, certificate),
        source="token" if serial else "pfx",
        label=certificate.common_name,
        token_serial=serial,
        token_label="",
        module="",
        certificate=certificate,
        can_sign=certificate.can_sign,
        can_decrypt=certificate.can_encrypt,
        always_authenticate=False,
    )


@pytest.fixture(scope="session")
def ours(authority: Authority) -> list[InMemoryKey]:
    return [authority.issue(use, "p-256", number=30) for use in ("signing", "encryption")]


@pytest.fixture(scope="session")
def theirs(authority: Authority) -> list[InMemoryKey]:
    name, uscc = "另一家有限公司", "91310000607203699D"
    return [
        authority.issue(use, "p-256", number=31, name=name, uscc=uscc) for use in ("signing", "encryption")
    ]


@pytest.fixture(scope="session")
def shelf(ours: list[InMemoryKey], theirs: list[InMemoryKey]) -> Shelf:
    return Shelf([info(key, "A100") for key in ours] + [info(key, "B200") for key in theirs])


@pytest.mark.parametrize("use", ["sign", "decrypt"])
def test_a_key_is_found_by_each_of_its_names(shelf: Shelf, theirs: list[InMemoryKey], use: str) -> None:
    certificate = theirs[0 if use == "sign" else 1].certificate
    for wanted in (
        f"B200:{certificate.sha256[:8]}",
        certificate.sha256,
        certificate.sha256[:6].upper(),
        "B200",
        "另一家有限公司",
    ):
        source, key = find_key([Shelf([]), shelf], wanted, "sign" if use == "sign" else "decrypt")
        assert source is shelf
        assert key.certificate == certificate


def test_nothing_wanted_is_the_only_one_for_the_use(ours: list[InMemoryKey], shelf: Shelf) -> None:
    own = Shelf([info(key, "A100") for key in ours])
    assert find_key([own], None, "sign")[1].certificate == ours[0].certificate
    assert find_key([own], None, "decrypt")[1].certificate == ours[1].certificate
    with pytest.raises(NoSuchKey) as caught:
        find_key([shelf], None, "sign")
    assert "“任意一张”" in explain(caught.value, "zh").cause
    assert caught.value.known.count("A100:") == caught.value.known.count("B200:") == 1


@pytest.mark.parametrize("wanted", ["", "C300", "没有这家公司", "00000000", "abc"])
def test_an_unknown_name_lists_what_there_is(shelf: Shelf, wanted: str) -> None:
    with pytest.raises(NoSuchKey) as caught:
        find_key([shelf], wanted, "sign")
    assert caught.value.key == wanted
    assert "另一家有限公司" in caught.value.known


def test_a_name_that_fits_several_is_not_guessed(shelf: Shelf, ours: list[InMemoryKey]) -> None:
    twice = Shelf([info(ours[0], "C300")])
    with pytest.raises(NoSuchKey):
        find_key([shelf, twice], ours[0].certificate.common_name, "sign")
    assert find_key([shelf, twice], "C300", "sign")[1].token_serial == "C300"


def test_a_key_for_another_use_is_no_answer(shelf: Shelf, ours: list[InMemoryKey]) -> None:
    with pytest.raises(NoSuchKey):
        find_key([shelf], ours[0].certificate.sha256, "decrypt")


def test_the_partner_is_the_encryption_key_of_the_same_token(shelf: Shelf, ours: list[InMemoryKey]) -> None:
    keys = [*shelf.keys(), info(ours[1], "C300")]
    assert partner(keys, keys[0]) == keys[1]
    assert partner(keys, keys[1]) == keys[1]


def test_the_partner_of_a_lonely_key_is_of_the_same_company(
    shelf: Shelf, ours: list[InMemoryKey], theirs: list[InMemoryKey]
) -> None:
    signing = info(ours[0], "", "one.pfx")
    assert partner([signing, info(theirs[1], "B200"), info(ours[1], "", "two.pfx")], signing).id.startswith(
        "two"
    )
    with pytest.raises(NoSuchKey) as caught:
        partner([signing, info(theirs[1], "B200")], signing)
    assert "B200" in caught.value.known


def test_of_a_renewed_pair_the_one_that_lasts_longer_is_taken(
    authority: Authority, ours: list[InMemoryKey]
) -> None:
    later = authority.issue("encryption", "p-256", number=32, not_after=datetime(2060, 1, 1, tzinfo=UTC))
    keys = [info(key, "A100") for key in (*ours, later)]
    assert partner(keys, keys[0]).certificate == later.certificate


def test_the_chain_goes_up_by_name_and_stops(authority: Authority, ours: list[InMemoryKey]) -> None:
    root = Authority.root().certificate
    others = [root, ours[1].certificate, authority.certificate]
    assert issuers(ours[0].certificate, others) == (authority.certificate, root)
    assert issuers(root, others) == ()
    assert issuers(ours[0].certificate, [root]) == ()
