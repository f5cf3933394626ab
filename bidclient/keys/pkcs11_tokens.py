"""PKCS#11 as the key host sees it: the tokens of one library, and what each shows without a PIN."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bidclient.keys import pkcs11
from bidclient.keys.frames import Api, CertificateRow, Description, MechanismRow, TokenRow
from bidclient.keys.library import StoredCertificate

if TYPE_CHECKING:
    from bidclient.keys.hosted_key import HostedKey
    from bidclient.keys.memory import Memory


class Pkcs11Library:
    """One loaded PKCS#11 library."""

    api: Api = "pkcs11"

    def __init__(self, path: Path) -> None:
        """Load and initialize. Raises DriverMissing when there is no such file, DriverFailed."""
        self._library = pkcs11.Library(path)

    def refresh(self) -> None:
        """Finalize and initialize again: many libraries see a newly plugged token only then."""
        self._library.refresh()

    def tokens(self) -> Sequence["Pkcs11Token"]:
        """The initialized tokens of all slots. Raises DriverFailed."""
        return [Pkcs11Token(self._library, token) for token in self._library.tokens()]

    def close(self) -> None:
        """Nothing: the sessions are closed, and the process ends."""


@dataclass(frozen=True)
class Pkcs11Token:
    """One token of a PKCS#11 library."""

    library: pkcs11.Library
    token: pkcs11.Token

    @property
    def serial(self) -> str:
        """CK_TOKEN_INFO.serialNumber."""
        return self.token.serial

    @property
    def slot(self) -> int:
        """CK_SLOT_ID."""
        return self.token.slot

    def check_pin(self, pin: bytearray) -> None:
        """Raise PinInvalid for a PIN that this token cannot have, so that no attempt is spent on it."""
        self.token.check_pin(pin)

    def session(self) -> pkcs11.Session:
        """A new read-only session. Raises TokenRemoved, DriverFailed."""
        return self.library.session(self.token)

    def key(self, stored: StoredCertificate, memory: "Memory") -> "HostedKey":
        """The key of a certificate. Raises KeyRefused, TokenRemoved, DriverFailed."""
        # Imported late: what it draws in is most of the start, and a host that only lists tokens needs none.
        from bidclient.keys.hosted_key import HostedKey

        return HostedKey(self.library, self.token, stored, memory)

    def row(self) -> TokenRow:
        """Everything to be seen without a PIN. Raises TokenRemoved, DriverFailed."""
        session = self.session()
        try:
            certificates = tuple(
                CertificateRow(stored.der, stored.label, _shows_always(session, stored))
                for stored in session.certificates()
            )
        finally:
            session.close()
        token = self.token
        return TokenRow(
            serial=token.serial,
            label=token.label,
            pin_wrong_before=token.pin_wrong_before,
            pin_last_try=token.pin_last_try,
            pin_locked=token.pin_locked,
            pin_must_change=token.pin_must_change,
            pin_pad=token.pin_pad,
            pin_shortest=token.shortest_pin,
            pin_longest=token.longest_pin,
            certificates=certificates,
        )

    def description(self) -> Description:
        """What library and token say of themselves. Raises TokenRemoved, DriverFailed."""
        library, slot = self.library, self.token.slot
        rows = tuple(
            MechanismRow(number, pkcs11.mechanism_name(number), library.mechanism_flags(slot, number))
            for number in library.mechanisms(slot)
        )
        return Description(
            api="pkcs11",
            library=library.description,
            manufacturer=self.token.manufacturer,
            model=self.token.model,
            firmware=self.token.firmware,
            mechanisms=rows,
        )


def _shows_always(session: pkcs11.Session, stored: StoredCertificate) -> bool:
    """CKA_ALWAYS_AUTHENTICATE of a key that shows itself without a login."""
    keys = session.private_keys(stored.id) if stored.id else []
    return any(session.always_authenticates(key) for key in keys)
