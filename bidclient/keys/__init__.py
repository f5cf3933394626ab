"""Who holds the private key: a token behind its vendor's library, or a file. Others see only PrivateKey."""

from bidclient.keys.choice import find_key, partner
from bidclient.keys.info import KeyInfo, KeySettings, KeySource, Use
from bidclient.keys.soft import SoftSource
from bidclient.keys.token import TokenSource


def key_sources(settings: KeySettings) -> tuple[KeySource, ...]:
    """Every place that keys may live in, in the order in which they are shown."""
    return (TokenSource(settings.modules), SoftSource(settings.pfx_files))


__all__ = [
    "KeyInfo",
    "KeySettings",
    "KeySource",
    "SoftSource",
    "TokenSource",
    "Use",
    "find_key",
    "key_sources",
    "partner",
]
