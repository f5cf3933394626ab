"""What a key host needs of a vendor's library, whichever interface that has: tokens, sessions and keys."""

from collections.abc import Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Protocol

from bidclient.crypto.scheme import SignatureScheme, WrapScheme
from bidclient.keys.frames import Api, Description, Learned, TokenRow

if TYPE_CHECKING:
    from bidclient.keys.memory import Memory


@dataclass(frozen=True)
class StoredCertificate:
    """A certificate on a token; `id` leads to its private key: the CKA_ID, or the container with its half."""

    der: bytes
    label: str
    id: bytes

    @property
    def fingerprint(self) -> str:
        """SHA-256 in hex."""
        return sha256(self.der).hexdigest()


class KeyToken(Protocol):
    """The token of a key."""

    @property
    def slot(self) -> Hashable:
        """Where it sits: by which it is told from all others while it is in, whatever its serial is."""

    def check_pin(self, pin: bytearray) -> None:
        """Raise PinInvalid for a PIN that this token cannot have, so that no attempt is spent on it."""


class Key(Protocol):
    """A private key on a token that is logged in. Its methods raise KeyProblem; a `pin` is for one use."""

    @property
    def token(self) -> KeyToken:
        """Where it lies."""

    @property
    def always_authenticate(self) -> bool:
        """Whether it wants its PIN for every operation."""

    @property
    def must_learn(self) -> bool:
        """Whether it must be found out first how the token uses the key."""

    def learn(self, anew: bool, pin: bytearray | None) -> Learned:
        """Find that out."""

    def sign(self, message: bytes, scheme: SignatureScheme, pin: bytearray | None) -> bytes:
        """A signature that verifies with the certificate, ECDSA and SM2 as DER."""

    def decrypt(self, ciphertext: bytes, scheme: WrapScheme, pin: bytearray | None) -> bytes:
        """The secret in an RSA ciphertext. Raises BadEnvelope too."""

    def agree(self, point: bytes) -> bytes:
        """The x coordinate shared with an uncompressed point. Raises BadEnvelope too."""

    def open_content(
        self, encrypted_key: bytes, vector: bytes, ciphertext: bytes, pin: bytearray | None
    ) -> bytes:
        """SM4-CBC under a key that is encrypted with SM2; the padding stays on. Raises BadEnvelope too."""

    def close(self) -> None:
        """Let go of what it holds."""


class Session(Protocol):
    """What a login is made in; as long as it stays open the token is logged in."""

    def certificates(self) -> Sequence[StoredCertificate]:
        """Every certificate to be seen. Raises TokenRemoved, DriverFailed."""

    def login(self, pin: bytearray) -> None:
        """Log in with a PIN whose length was checked.

        Raises PinWrong, PinLocked, PinInvalid, Cancelled, TokenRemoved, DriverFailed.
        """

    def logout(self) -> None:
        """Log out; not being logged in is as good."""

    def close(self) -> None:
        """Close; a token that is gone has closed it already."""


class Token(KeyToken, Protocol):
    """A token in sight."""

    @property
    def serial(self) -> str:
        """By which people know it; some vendors give several tokens one and the same, or none."""

    def row(self) -> TokenRow:
        """Everything to be seen without a PIN. Raises TokenRemoved, DriverFailed."""

    def description(self) -> Description:
        """What library and token say of themselves. Raises TokenRemoved, DriverFailed."""

    def session(self) -> Session:
        """A new session. Raises TokenRemoved, DriverFailed."""

    def key(self, stored: StoredCertificate, memory: "Memory") -> Key:
        """The key of a certificate, once logged in; `memory` of what was found out about token models.

        Raises KeyRefused, TokenRemoved, DriverFailed.
        """


class Library(Protocol):
    """One loaded vendor library."""

    @property
    def api(self) -> Api:
        """The interface that it is used by."""

    def refresh(self) -> None:
        """See newly plugged tokens. Must not be called while keys are open. Raises DriverFailed."""

    def tokens(self) -> Sequence[Token]:
        """The tokens in sight; one that cannot be read is left out. Raises DriverFailed."""

    def close(self) -> None:
        """Let go of everything."""


def decoded(raw: bytes) -> str:
    """A text up to its first NUL: UTF-8 as the standards say, GB 18030 as some drivers do it."""
    raw = raw.split(b"\0")[0].strip()
    for encoding in ("utf-8", "gb18030"):
        with suppress(UnicodeDecodeError):
            return raw.decode(encoding)
    return raw.decode("ascii", "replace")
