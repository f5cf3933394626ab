"""What is known of a key before it is unlocked, and the interface of every place that keys live in."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Literal, Protocol

from bidclient.ask import Ask, PinState
from bidclient.crypto.certificate import Certificate
from bidclient.crypto.private_key import PrivateKey

Use = Literal["sign", "decrypt"]


@dataclass(frozen=True)
class KeyInfo:
    """One certificate whose private key is somewhere near, told without PIN and without dialog."""

    id: str
    """"serial-or-path:fingerprint8", stable across restarts and readers."""
    source: Literal["token", "pfx", "phone"]
    label: str
    token_serial: str
    token_label: str
    module: str
    """Path of the vendor library; empty for a PFX."""
    certificate: Certificate
    can_sign: bool
    can_decrypt: bool
    always_authenticate: bool
    """The key wants its PIN, or the phone its approval, for every operation; tokens that hide keys tell only
    after the first unlock."""
    pin: PinState = field(default_factory=PinState)
    pin_locked: bool = False
    pin_must_change: bool = False
    chain: tuple[Certificate, ...] = field(default=(), compare=False)
    """The issuers that lie beside the certificate, nearest first; nothing is trusted yet."""

    def can(self, use: Use) -> bool:
        """Whether the certificate is meant for this use."""
        return self.can_sign if use == "sign" else self.can_decrypt


class KeySource(Protocol):
    """A place that keys live in: tokens, files, the phone."""

    def keys(self) -> list[KeyInfo]:
        """Every key to be seen now. Asks for nothing; a source that is not installed has no keys."""

    def unlock(self, key: KeyInfo, ask: Ask) -> AbstractContextManager[PrivateKey]:
        """The usable key for the length of a `with`; asks for the PIN once. Raises KeyProblem, Cancelled."""

    def close(self) -> None:
        """Let go of everything held open; the source may be used again afterwards."""


def key_id(place: str, certificate: Certificate) -> str:
    """The id of a key: where it lives and the first eight hex digits of its certificate's SHA-256."""
    return f"{place}:{certificate.sha256[:8]}"


def issuers(certificate: Certificate, others: Iterable[Certificate]) -> tuple[Certificate, ...]:
    """The issuers of `certificate` among `others`, nearest first; by name only, nothing is trusted yet."""
    rest = [other for other in others if other.is_ca and other.der != certificate.der]
    chain: list[Certificate] = []
    current = certificate
    while current.issuer != current.subject:
        above = next((other for other in rest if other.subject == current.issuer), None)
        if above is None:
            break
        rest.remove(above)
        chain.append(above)
        current = above
    return tuple(chain)
