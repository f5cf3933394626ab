"""The one place that calls PyKCS11, and knows where its edges are sharp; it runs only inside a key host."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from hashlib import file_digest
from pathlib import Path
from typing import Any

import PyKCS11
from PyKCS11 import LowLevel, PyKCS11Error, PyKCS11Lib

from bidclient.errors import BidError, DriverFailed, DriverMissing, KeyRefused, PinInvalid, PinLocked
from bidclient.keys.ckr import PIN_INCORRECT, TokenFacts, named
from bidclient.keys.frames import wipe
from bidclient.keys.library import StoredCertificate, decoded

_LONGEST_PIN = 255
_NO_TOKEN = TokenFacts("")


@dataclass(frozen=True)
class Token:
    """What C_GetTokenInfo says, in our words."""

    slot: int
    serial: str
    label: str
    flags: int
    shortest_pin: int
    longest_pin: int
    manufacturer: str
    model: str
    firmware: str
    """Major and minor number with a point between."""

    def has(self, flag: int) -> bool:
        """Whether a CKF_ flag is set."""
        return bool(self.flags & flag)

    @property
    def name(self) -> str:
        """What a person knows the token by."""
        return self.label or self.serial

    @property
    def pin_wrong_before(self) -> bool:
        return self.has(PyKCS11.CKF_USER_PIN_COUNT_LOW)

    @property
    def pin_last_try(self) -> bool:
        return self.has(PyKCS11.CKF_USER_PIN_FINAL_TRY)

    @property
    def pin_locked(self) -> bool:
        return self.has(PyKCS11.CKF_USER_PIN_LOCKED)

    @property
    def pin_must_change(self) -> bool:
        return self.has(PyKCS11.CKF_USER_PIN_TO_BE_CHANGED)

    @property
    def pin_pad(self) -> bool:
        return self.has(PyKCS11.CKF_PROTECTED_AUTHENTICATION_PATH)

    @property
    def facts(self) -> TokenFacts:
        """What errors about this token carry."""
        return TokenFacts(self.name, self.pin_last_try, self.shortest_pin, self.longest_pin)

    def check_pin(self, pin: bytearray) -> None:
        """Raise PinInvalid for a PIN that this token cannot have, so that no attempt is spent on it."""
        if not self.pin_pad and not self.shortest_pin <= len(pin) <= self.longest_pin:
            raise PinInvalid(self.name, self.shortest_pin, self.longest_pin)


class Library:
    """One loaded vendor library."""

    def __init__(self, path: Path) -> None:
        """Load and initialize. Raises DriverMissing when there is no such file, DriverFailed."""
        if not path.is_file():
            raise DriverMissing(str(path))
        self._path = path
        self._lib = PyKCS11Lib()
        try:
            self._lib.load(str(path))
        except PyKCS11Error as error:
            raise DriverFailed("load", f"{path} cannot be loaded") from error

    @cached_property
    def sha256(self) -> str:
        """The digest of the library's file, hex."""
        with self._path.open("rb") as file:
            return file_digest(file, "sha256").hexdigest()

    @property
    def description(self) -> str:
        """What the library calls itself. Raises DriverFailed."""
        with _errors("C_GetInfo", _NO_TOKEN):
            info = self._lib.getInfo()
        version = ".".join(map(str, info.libraryVersion))
        return f"{_text(info.manufacturerID)} {_text(info.libraryDescription)} {version}".strip()

    def refresh(self) -> None:
        """Finalize and initialize again: many libraries see a newly plugged token only then.

        Must not be called while keys are open. Raises DriverFailed.
        """
        self._lib.lib.C_Finalize()
        with _errors("C_Initialize", _NO_TOKEN):
            _ok(self._lib.lib.C_Initialize())

    def tokens(self) -> list[Token]:
        """The initialized tokens of all slots; one that cannot be read is left out. Raises DriverFailed."""
        with _errors("C_GetSlotList", _NO_TOKEN):
            slots = self._slots()
        found = []
        for slot in slots:
            with suppress(BidError):
                token = self.token(slot)
                if token.has(PyKCS11.CKF_TOKEN_INITIALIZED):
                    found.append(token)
        return found

    def _slots(self) -> list[int]:
        try:
            return list(self._lib.getSlotList(tokenPresent=True))
        except PyKCS11Error as error:
            if error.value != PyKCS11.CKR_BUFFER_TOO_SMALL:
                raise
        # A token came between the question for their number and the list; it is there by now.
        return list(self._lib.getSlotList(tokenPresent=True))

    def token(self, slot: int) -> Token:
        """The token in one slot. Raises TokenRemoved, DriverFailed."""
        with _errors("C_GetTokenInfo", _NO_TOKEN):
            info = self._lib.getTokenInfo(slot)
        longest = info.ulMaxPinLen if 0 < info.ulMaxPinLen <= _LONGEST_PIN else _LONGEST_PIN
        return Token(
            slot=slot,
            serial=_text(info.serialNumber),
            label=_text(info.label),
            flags=info.flags,
            shortest_pin=min(max(1, info.ulMinPinLen), longest),
            longest_pin=longest,
            manufacturer=_text(info.manufacturerID),
            model=_text(info.model),
            firmware=".".join(map(str, info.firmwareVersion)),
        )

    def mechanisms(self, slot: int) -> tuple[int, ...]:
        """The CKM_ numbers that a slot offers.

        PyKCS11's own list is avoided: it adds one that the token never named.
        """
        numbers = LowLevel.ckulonglist()
        with _errors("C_GetMechanismList", _NO_TOKEN):
            _ok(self._lib.lib.C_GetMechanismList(slot, numbers))
        return tuple(numbers)

    def mechanism_flags(self, slot: int, number: int) -> int:
        """The CKF_ bits of a mechanism; 0 where the library does not tell."""
        info = LowLevel.CK_MECHANISM_INFO()
        code = self._lib.lib.C_GetMechanismInfo(slot, number, info)
        return int(info.flags) if code == PyKCS11.CKR_OK else 0

    def session(self, token: Token) -> "Session":
        """A new read-only session. Raises TokenRemoved, DriverFailed."""
        with _errors("C_OpenSession", token.facts):
            return Session(self, token, self._lib.openSession(token.slot))


class Session:
    """One PKCS#11 session on one token. After an error it is not to be used again: close it, open another."""

    def __init__(self, library: Library, token: Token, session: Any) -> None:
        self._library = library
        self._session = session
        self._low = session.lib
        self.token = token

    def close(self) -> None:
        """Close; a token that is gone has closed it already."""
        with suppress(PyKCS11Error):
            self._session.closeSession()

    def certificates(self) -> list[StoredCertificate]:
        """Every X.509 certificate to be seen. Raises TokenRemoved, DriverFailed."""
        wanted = [PyKCS11.CKA_VALUE, PyKCS11.CKA_LABEL, PyKCS11.CKA_ID]
        found = []
        with _errors("C_FindObjects", self.token.facts):
            for handle in self._session.findObjects([(PyKCS11.CKA_CLASS, PyKCS11.CKO_CERTIFICATE)]):
                value, label, key = self._session.getAttributeValue(handle, wanted, allAsBinary=True)
                if value:
                    found.append(
                        StoredCertificate(bytes(value), decoded(bytes(label or b"")), bytes(key or b""))
                    )
        return found

    def login(self, pin: bytearray) -> None:
        """Log in with a PIN whose length was checked, or on the PIN pad with an empty one.

        Raises PinWrong, PinLocked, PinInvalid, Cancelled, TokenRemoved, DriverFailed.
        """
        self._login(pin, PyKCS11.CKU_USER)

    def logout(self) -> None:
        """Log out; not being logged in is as good."""
        with suppress(PyKCS11Error):
            self._session.logout()

    def private_keys(self, key_id: bytes) -> list[Any]:
        """The handles of the private keys with this CKA_ID; without a login most tokens show none."""
        template = [(PyKCS11.CKA_CLASS, PyKCS11.CKO_PRIVATE_KEY), (PyKCS11.CKA_ID, key_id)]
        with _errors("C_FindObjects", self.token.facts):
            return list(self._session.findObjects(template))

    def always_authenticates(self, key: Any) -> bool:
        """CKA_ALWAYS_AUTHENTICATE; a token that does not know the attribute does not."""
        with _errors("C_GetAttributeValue", self.token.facts):
            (value,) = self._session.getAttributeValue(key, [PyKCS11.CKA_ALWAYS_AUTHENTICATE])
        return bool(value)

    def key_type(self, key: Any) -> int | None:
        """CKA_KEY_TYPE; None for a key that does not tell it."""
        with _errors("C_GetAttributeValue", self.token.facts):
            (value,) = self._session.getAttributeValue(key, [PyKCS11.CKA_KEY_TYPE])
        return None if value is None else int(value)

    def sign(self, key: Any, mechanism: Any, data: bytes, size: int, pin: bytearray | None) -> bytes:
        """C_Sign; `size` is that of the signature in bytes.

        A `pin` is for keys that want it each time (empty for a PIN pad), None for all others.
        """
        return self._operate("C_Sign", key, mechanism, data, size, pin)

    def decrypt(self, key: Any, mechanism: Any, data: bytes, size: int, pin: bytearray | None) -> bytes:
        """C_Decrypt; `size` is the most that can come out, in bytes. `pin` as for sign()."""
        return self._operate("C_Decrypt", key, mechanism, data, size, pin)

    def derive(self, key: Any, point: bytes, size: int) -> bytes:
        """CKM_ECDH1_DERIVE without a key derivation function: the shared x coordinate, `size` bytes."""
        mechanism = PyKCS11.ECDH1_DERIVE_Mechanism(point, PyKCS11.CKD_NULL)
        template = [
            (PyKCS11.CKA_CLASS, PyKCS11.CKO_SECRET_KEY),
            (PyKCS11.CKA_KEY_TYPE, PyKCS11.CKK_GENERIC_SECRET),
            (PyKCS11.CKA_TOKEN, PyKCS11.CK_FALSE),
            (PyKCS11.CKA_SENSITIVE, PyKCS11.CK_FALSE),
            (PyKCS11.CKA_EXTRACTABLE, PyKCS11.CK_TRUE),
            (PyKCS11.CKA_VALUE_LEN, size),
        ]
        with _errors("C_DeriveKey", self.token.facts):
            shared = self._session.deriveKey(key, template, mechanism)
            (value,) = self._session.getAttributeValue(shared, [PyKCS11.CKA_VALUE], allAsBinary=True)
            self._session.destroyObject(shared)
        if not value:
            raise KeyRefused("C_DeriveKey", "the token does not give out the shared secret")
        return bytes(value)

    def _operate(
        self, operation: str, key: Any, mechanism: Any, data: bytes, size: int, pin: bytearray | None
    ) -> bytes:
        """Init, the context-specific login if a PIN is given, and the operation itself in one call.

        The room for the result is known, so the size is not asked for: some tokens carry out the whole
        operation, or use up the login, on that question.
        """
        start: Callable[..., int] = getattr(self._low, f"{operation}Init")
        finish: Callable[..., int] = getattr(self._low, operation)
        with _errors(f"{operation}Init", self.token.facts):
            _ok(start(self._session.session, mechanism.to_native(), key))
        if pin is not None:
            self._login(pin, PyKCS11.CKU_CONTEXT_SPECIFIC)
        result = LowLevel.ckbytelist(size)
        with _errors(operation, self.token.facts):
            _ok(finish(self._session.session, PyKCS11.ckbytelist(data), result))
        if not result:
            raise KeyRefused(operation, "an empty result")
        return bytes(result)

    def _login(self, pin: bytearray, who: int) -> None:
        # PyKCS11's own login would copy the PIN into an immutable bytes object.
        native = LowLevel.ckbytelist(len(pin))
        for index, byte in enumerate(pin):
            native[index] = byte
        try:
            code = self._low.C_Login(self._session.session, who, native)
        finally:
            for index in range(len(native)):
                native[index] = 0
            wipe(pin)
        if code == PIN_INCORRECT:
            # The flags tell now whether this was the last attempt, or the last but one.
            self.token = self._library.token(self.token.slot)
            if self.token.pin_locked:
                raise PinLocked(self.token.name)
        with _errors("C_Login", self.token.facts):
            _ok(code)


def rsa_pkcs1() -> Any:
    """CKM_RSA_PKCS: signs a DigestInfo, or opens RSAES-PKCS1-v1_5."""
    return PyKCS11.Mechanism(PyKCS11.CKM_RSA_PKCS)


def rsa_pss() -> Any:
    """CKM_RSA_PKCS_PSS over a SHA-256 digest, MGF1-SHA-256, salt of 32 bytes."""
    return PyKCS11.RSA_PSS_Mechanism(
        PyKCS11.CKM_RSA_PKCS_PSS, PyKCS11.CKM_SHA256, PyKCS11.CKG_MGF1_SHA256, 32
    )


def rsa_oaep_sha1() -> Any:
    """CKM_RSA_PKCS_OAEP with SHA-1 and MGF1-SHA-1."""
    return PyKCS11.RSAOAEPMechanism(PyKCS11.CKM_SHA_1, PyKCS11.CKG_MGF1_SHA1)


def rsa_oaep_sha256() -> Any:
    """CKM_RSA_PKCS_OAEP with SHA-256 and MGF1-SHA-256."""
    return PyKCS11.RSAOAEPMechanism(PyKCS11.CKM_SHA256, PyKCS11.CKG_MGF1_SHA256)


def rsa_raw() -> Any:
    """CKM_RSA_X_509: the bare RSA operation."""
    return PyKCS11.Mechanism(PyKCS11.CKM_RSA_X_509)


def ecdsa() -> Any:
    """CKM_ECDSA over a digest; the result is r and s, one after the other."""
    return PyKCS11.Mechanism(PyKCS11.CKM_ECDSA)


def by_number(mechanism: int) -> Any:
    """A mechanism without parameters that only its vendor has a name for."""
    return PyKCS11.Mechanism(mechanism)


def mechanism_name(number: int) -> str:
    """CKM_ and so on where the standard has a name for the number, else nothing."""
    name = PyKCS11.CKM.get(number, "")
    return name if isinstance(name, str) and not name.startswith("CKM_VENDOR_DEFINED") else ""


def _ok(code: int) -> None:
    if code != PyKCS11.CKR_OK:
        raise PyKCS11Error(code)


@contextmanager
def _errors(operation: str, token: TokenFacts) -> Iterator[None]:
    try:
        yield
    except PyKCS11Error as error:
        raise named(error.value, str(error), operation, token) from error


def _text(padded: str) -> str:
    """A text field of the library. PyKCS11 has read it as UTF-8 and dropped what is not."""
    return padded.replace("\0", " ").strip()
