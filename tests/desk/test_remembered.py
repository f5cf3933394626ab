"""A login that the system's key store remembers is used while it holds; when it has ended, we log in anew."""

from collections.abc import Iterator

import keyring
import msgspec
import pytest
from jeepney import (  # type: ignore[import-untyped]
    DBusAddress,
    DBusErrorResponse,
    new_error,
    new_method_call,
)
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked
from secretstorage.exceptions import ItemNotFoundException

from bidclient.desk import build
from bidclient.desk.connection import Connections
from bidclient.errors import Rejected
from bidclient.network.client import Network
from bidclient.network.clock import system_now
from bidclient.store import sessions
from bidclient.store.settings import Settings
from tests.support.desks import Bidder

ASKED = new_method_call(DBusAddress("/", "org.freedesktop.secrets"), "SearchItems")
ASKED.header.serial = 1


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


def test_who_logs_out_is_forgotten_here_and_on_the_network(bidder: Bidder, store: Store) -> None:
    hall, settings = bidder.desk.hall, bidder.settings.network
    assert settings is not None
    assert not hall.log_out().had_session
    hall.log_in(bidder.signing, bidder.ask)
    (token,) = store.kept.values()
    done = hall.log_out()
    assert (done.had_session, done.ended, store.kept) == (True, True, {})
    profile = Connections(settings, bidder.desk.keychain, system_now).profile
    with Network(profile) as network, pytest.raises(Rejected) as refused:
        network.login.resume(token)
    assert refused.value.problem == "unauthorized"
    # A session that has ended by itself is no trouble, and neither is a network that is away.
    sessions.remember(settings.address, token)
    assert (hall.log_out().ended, store.kept) == (True, {})
    away = msgspec.structs.replace(settings, address="http://127.0.0.1:9")
    sessions.remember(away.address, token)
    with build(Settings(network=away), sources=()) as desk:
        assert not desk.hall.log_out().ended
    assert store.kept == {}


@pytest.mark.parametrize(
    "error",
    [
        KeyringLocked("locked"),
        DBusErrorResponse(new_error(ASKED, "org.freedesktop.DBus.Error.Failed")),
        ItemNotFoundException("gone"),
        ConnectionResetError("EOF"),
        RuntimeError("no backend"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_key_store_that_fails_costs_a_login_and_nothing_else(store: Store, error: Exception) -> None:
    class Failing(Store):
        __module__ = Store.__module__

        def get_password(self, service: str, username: str) -> str | None:
            raise error

        def set_password(self, service: str, username: str, password: str) -> None:
            raise error

    keyring.set_keyring(Failing())
    assert sessions.recall("https://bid.example") is None
    assert not sessions.remember("https://bid.example", "token")
    sessions.forget("https://bid.example")


def test_a_fault_of_ours_is_not_taken_for_one_of_the_key_store(store: Store) -> None:
    class Wrong(Store):
        __module__ = Store.__module__

        def get_password(self, service: str, username: str) -> str | None:
            raise ZeroDivisionError

    keyring.set_keyring(Wrong())
    with pytest.raises(ZeroDivisionError):
        sessions.recall("https://bid.example")


def test_plain_files_are_no_key_store(store: Store) -> None:
    class Plain(Store):
        __module__ = "keyrings.alt.file"

    assert sessions.remember("https://bid.example", "token")
    plain = Plain()
    keyring.set_keyring(plain)
    assert not sessions.remember("https://bid.example", "token")
    assert sessions.recall("https://bid.example") is None
    assert plain.kept == {}
