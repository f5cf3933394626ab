"""A login that the system's key store remembers is used while it holds; when it has ended, we log in anew."""

from collections.abc import Iterator

import keyring
import pytest
from keyring.backend import KeyringBackend

from bidclient.store import sessions
from tests.support.desks import Bidder


class Store(KeyringBackend):
    """A key store in memory. It says that it is one of the system's, as only those are trusted."""

    __module__ = "keyring.backends.SecretService"
    priority = 1.0

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # keyring leaves it so
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        """The password."""
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keep it."""
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        """Forget it."""
        del self.kept[service, username]


@pytest.fixture
def store() -> Iterator[Store]:
    before, store = keyring.get_keyring(), Store()
    keyring.set_keyring(store)
    yield store
    keyring.set_keyring(before)


def test_a_remembered_login_asks_for_no_pin_until_it_has_ended(bidder: Bidder, store: Store) -> None:
    lot, hall = bidder.lot(), bidder.desk.hall
    assert hall.log_in(bidder.signing, bidder.ask).remembered
    (token,) = store.kept.values()
    assert lot in {one.id for one in hall.lots("", None, bidder.ask)}
    assert list(store.kept.values()) == [token]
    assert bidder.settings.network is not None
    sessions.remember(bidder.settings.network.address, "a-token-that-has-ended")
    assert lot in {one.id for one in hall.lots("", None, bidder.ask)}
    assert store.kept == {}


def test_plain_files_are_no_key_store(store: Store) -> None:
    class Plain(Store):
        __module__ = "keyrings.alt.file"

    assert sessions.remember("https://bid.example", "token")
    plain = Plain()
    keyring.set_keyring(plain)
    assert not sessions.remember("https://bid.example", "token")
    assert sessions.recall("https://bid.example") is None
    assert plain.kept == {}
