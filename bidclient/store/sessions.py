"""Access tokens between two commands: in the system's key store where there is a real one, else nowhere.

keyring is imported where it is used: it takes a while, and most verbs never ask for a token. Whatever a key
store does, a token that cannot be had only means that we log in anew.
"""

import logging
import sys
from types import TracebackType

_NAME = "bidclient"
_REAL = (
    "keyring.backends.Windows",
    "keyring.backends.macOS",
    "keyring.backends.SecretService",
    "keyring.backends.kwallet",
)
"""Backends that encrypt. Plain files, as keyrings.alt has them, do not count."""
_FOREIGN = (
    ("jeepney.wrappers", "DBusErrorResponse"),
    ("secretstorage.exceptions", "SecretStorageException"),
    ("dbus.exceptions", "DBusException"),
    ("win32ctypes.pywin32.pywintypes", "error"),
)
"""What the libraries under those backends raise and keyring lets through: module and name."""
_log = logging.getLogger(__name__)


def can_remember() -> bool:
    """Whether this system has a key store that encrypts."""
    with _KeyStore():
        import keyring
        from keyring.backends import chainer

        found = keyring.get_keyring()
        used = found.backends if isinstance(found, chainer.ChainerBackend) else [found]
        return bool(used) and all(type(one).__module__.startswith(_REAL) for one in used)
    return False


def remember(address: str, token: str) -> bool:
    """Keep the access token for a network; False when there is nowhere safe to keep it."""
    if not can_remember():
        return False
    with _KeyStore():
        import keyring

        keyring.set_password(_NAME, address, token)
        return True
    return False


def recall(address: str) -> str | None:
    """The access token kept for a network."""
    if not can_remember():
        return None
    with _KeyStore():
        import keyring

        return keyring.get_password(_NAME, address)
    return None


def forget(address: str) -> None:
    """Drop the access token of a network, if one is kept."""
    if recall(address) is None:
        return
    with _KeyStore():
        import keyring

        keyring.delete_password(_NAME, address)


class _KeyStore:
    """A block in which the key store may fail; then what follows the block is done."""

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> bool:
        if kind is None or not issubclass(kind, _failures()):
            return False
        # Not the text: a library might put the token into it.
        _log.warning("the key store of the system fails: %s", kind.__name__)
        return True


def _failures() -> tuple[type[BaseException], ...]:
    from keyring.errors import KeyringError

    found: list[type[BaseException]] = [KeyringError, OSError, RuntimeError, ImportError]
    for module, name in _FOREIGN:
        # Whoever has raised one has imported its module.
        kind = getattr(sys.modules.get(module), name, None)
        if isinstance(kind, type) and issubclass(kind, BaseException):
            found.append(kind)
    return tuple(found)
