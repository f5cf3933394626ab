"""Access tokens between two commands: in the system's key store where there is a real one, else nowhere.

keyring is imported where it is used: it takes a while, and most verbs never ask for a token.
"""

_NAME = "bidclient"
_REAL = (
    "keyring.backends.Windows",
    "keyring.backends.macOS",
    "keyring.backends.SecretService",
    "keyring.backends.kwallet",
)
"""Backends that encrypt. Plain files, as keyrings.alt has them, do not count."""


def can_remember() -> bool:
    """Whether this system has a key store that encrypts."""
    import keyring
    from keyring.backends import chainer

    found = keyring.get_keyring()
    used = found.backends if isinstance(found, chainer.ChainerBackend) else [found]
    return bool(used) and all(type(one).__module__.startswith(_REAL) for one in used)


def remember(address: str, token: str) -> bool:
    """Keep the access token for a network; False when there is nowhere safe to keep it."""
    import keyring
    from keyring.errors import KeyringError

    if not can_remember():
        return False
    try:
        keyring.set_password(_NAME, address, token)
    except KeyringError:
        return False
    return True


def recall(address: str) -> str | None:
    """The access token kept for a network."""
    import keyring
    from keyring.errors import KeyringError

    if not can_remember():
        return None
    try:
        return keyring.get_password(_NAME, address)
    except KeyringError:
        return None


def forget(address: str) -> None:
    """Drop the access token of a network."""
    import keyring
    from keyring.errors import KeyringError

    if recall(address) is None:
        return
    try:
        keyring.delete_password(_NAME, address)
    except KeyringError:
        return
