"""SKF (GM/T 0016) as the key host sees it: an application on a device is a token, a container two keys.

A login belongs to a device and its application, so both stay open, shared by all that use them, until the
next look at which no key is open.
"""

import ctypes
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bidclient.errors import BidError, DriverFailed, KeyRefused, PinInvalid, TokenRemoved
from bidclient.keys import sar
from bidclient.keys.api import loaded
from bidclient.keys.ckr import TokenFacts
from bidclient.keys.frames import Api, CertificateRow, Description, Hint, MechanismRow, TokenRow, wipe
from bidclient.keys.library import StoredCertificate, decoded
from bidclient.keys.skf import Cell, Functions, Handle, word
from bidclient.keys.skf_layout import DEVICE_ROOM, Layout, device_text, device_version, layout_of

if TYPE_CHECKING:
    from bidclient.keys.memory import Memory
    from bidclient.keys.skf_key import SkfKey

_USER = 1
_SHORTEST_PIN, _LONGEST_PIN = 6, 255
"""GM/T 0016 wants six characters at least and names no most."""
_MOST_ATTEMPTS = 255
_UNSAID = 0xFFFFFFFF
_HALVES = {b"sign": 1, b"encrypt": 0}
"""The two keys of a container, and what bSignFlag is for each."""


class SkfLibrary:
    """One loaded SKF library."""

    api: Api = "skf"

    def __init__(self, path: Path, hint: Hint) -> None:
        """Load; `hint` is what a row of resources/tokens says of it. Raises DriverMissing, DriverFailed."""
        self._functions = Functions(loaded(path), TokenFacts(""))
        self._name = path.name
        self._hint = hint
        self._devices: dict[bytes, Device] = {}

    def refresh(self) -> None:
        """Let go of all devices, so that the next look connects to what is there now."""
        self.close()

    def tokens(self) -> Sequence["SkfToken"]:
        """The applications of all devices that are plugged in, looked for anew.

        A device that cannot be read is left out. Raises DriverFailed when none can.
        """
        names = self._device_names()
        for name in [name for name in self._devices if name not in names]:
            self._devices.pop(name).close()
        found: list[SkfToken] = []
        problem: BidError | None = None
        for name in names:
            try:
                found += self._tokens_of(name)
            except TokenRemoved:
                continue
            except BidError as error:
                problem = error
        if problem is not None and not found:
            raise problem
        return found

    def close(self) -> None:
        """Disconnect all devices."""
        for device in self._devices.values():
            device.close()
        self._devices.clear()

    def _device_names(self) -> list[bytes]:
        try:
            return self._functions.names("SKF_EnumDev", word(1))
        except TokenRemoved:  # what some libraries say when there is no device
            return []

    def _tokens_of(self, name: bytes) -> list["SkfToken"]:
        device = self._devices.get(name)
        if device is not None:
            try:
                return device.tokens()
            except BidError:
                # It was out meanwhile, or is another one: what was open on it is of no use any more.
                self._devices.pop(name).close()
        device = Device(self._functions, self._name, name, self._hint)
        try:
            tokens = device.tokens()
        except BidError:
            device.close()
            raise
        self._devices[name] = device
        return tokens


class Device:
    """A connected device with its applications; once closed it stays closed."""

    def __init__(self, functions: Functions, library: str, name: bytes, hint: Hint) -> None:
        """Connect. Raises KeyProblem."""
        self.library = library
        self.name = name
        self.functions = functions.about(TokenFacts(decoded(name)))
        self._handle: Handle | None = self.functions.handle("SKF_ConnectDev", name)
        self._hint = hint
        self._applications: dict[bytes, Handle] = {}
        self._serial: bytes | None = None

    @property
    def handle(self) -> Handle:
        """Raises TokenRemoved once the device is closed."""
        if self._handle is None:
            raise TokenRemoved(self.functions.token.label)
        return self._handle

    def tokens(self) -> list["SkfToken"]:
        """The applications with a certificate, else the first one, if any. Raises KeyProblem."""
        information = self.functions.structure("SKF_GetDevInfo", self.handle, room=DEVICE_ROOM)
        serial, layout = device_text(information, "serial"), layout_of(information, self._hint)
        if self._serial not in (None, serial):
            raise TokenRemoved(decoded(self._serial or b""))
        self._serial = serial
        name = decoded(serial)
        if not name or not name.isascii() or not name.isprintable():
            raise DriverFailed("SKF_GetDevInfo", f"no serial number that can be one ({layout.text})")
        self.functions = self.functions.about(_facts(decoded(device_text(information, "label")) or name))
        applications = [
            Application(self, one) for one in self.functions.names("SKF_EnumApplication", self.handle)
        ]
        stored = [(application, application.certificates()) for application in applications]
        shown = [pair for pair in stored if pair[1]] or stored[:1]
        return [
            SkfToken(
                application=application,
                # With the name of the application only where the device alone does not tell.
                serial=name if len(shown) == 1 else f"{name}/{decoded(application.name)}",
                certificates=tuple(certificates),
                information=information,
                layout=layout,
            )
            for application, certificates in shown
        ]

    def application(self, name: bytes) -> Handle:
        """The application, opened once. Raises KeyProblem."""
        device = self.handle
        if name not in self._applications:
            self._applications[name] = self.functions.handle("SKF_OpenApplication", device, name)
        return self._applications[name]

    def close(self) -> None:
        """Close the applications and disconnect; a device that is gone has done so already."""
        for application in self._applications.values():
            with suppress(BidError):
                self.functions.call("SKF_CloseApplication", application)
        self._applications.clear()
        handle, self._handle = self._handle, None
        if handle is not None:
            with suppress(BidError):
                self.functions.call("SKF_DisConnectDev", handle)


@dataclass(frozen=True)
class Application:
    """One application: it has a PIN of its own, and containers."""

    device: Device
    name: bytes

    @property
    def functions(self) -> Functions:
        """Those of the library."""
        return self.device.functions

    @property
    def handle(self) -> Handle:
        """Opened when needed. Raises KeyProblem."""
        return self.device.application(self.name)

    @contextmanager
    def container(self, name: bytes) -> Iterator[Handle]:
        """An open container for the length of a `with`. Raises KeyProblem."""
        handle = self.functions.handle("SKF_OpenContainer", self.handle, name)
        try:
            yield handle
        finally:
            with suppress(BidError):
                self.functions.call("SKF_CloseContainer", handle)

    def certificates(self) -> list[StoredCertificate]:
        """The certificates of all containers; what cannot be read hides nothing else. Raises TokenRemoved."""
        found: list[StoredCertificate] = []
        for name in self.functions.names("SKF_EnumContainer", self.handle):
            with suppress(KeyRefused, DriverFailed), self.container(name) as container:
                for half, flag in _HALVES.items():
                    # A container without a certificate says so in many ways.
                    with suppress(KeyRefused, DriverFailed):
                        der = self.functions.data("SKF_ExportCertificate", container, word(flag))
                        if der and all(der != other.der for other in found):
                            found.append(StoredCertificate(der, decoded(name), name + b"\0" + half))
        return found

    def attempts(self) -> tuple[int, int] | None:
        """How many attempts the PIN has, and how many are left; None where the library does not tell."""
        try:
            most, left, _ = self.functions.numbers("SKF_GetPINInfo", self.handle, word(_USER), count=3)
        except (KeyRefused, DriverFailed):
            return None
        return (most, left) if left <= most <= _MOST_ATTEMPTS else None

    def verify(self, pin: bytearray) -> None:
        """Prove the PIN; it is wiped. Raises PinWrong, PinLocked, PinInvalid, TokenRemoved, DriverFailed."""
        handle, left = self.handle, Cell(_UNSAID)
        text = (ctypes.c_ubyte * (len(pin) + 1))()
        try:
            for index, byte in enumerate(pin):
                text[index] = byte
            code = self.functions.code("SKF_VerifyPIN", handle, word(_USER), text, ctypes.byref(left))
        finally:
            ctypes.memset(text, 0, len(text))
            wipe(pin)
        if code != sar.OK:
            raise sar.named(code, "SKF_VerifyPIN", self.functions.token, self._left(left.value))

    def clear(self) -> None:
        """Log out; not being logged in is as good."""
        with suppress(BidError):
            self.functions.call("SKF_ClearSecureState", self.handle)

    def _left(self, said: int) -> int | None:
        if said <= _MOST_ATTEMPTS:
            return said
        attempts = self.attempts()
        return None if attempts is None else attempts[1]


@dataclass(frozen=True)
class SkfToken:
    """One application as it was at the last look."""

    application: Application
    serial: str
    certificates: tuple[StoredCertificate, ...]
    information: bytes
    """The DEVINFO of its device."""
    layout: Layout

    @property
    def slot(self) -> tuple[bytes, bytes]:
        """The names of device and application."""
        return self.application.device.name, self.application.name

    @property
    def label(self) -> str:
        """The label of the device."""
        return self._text("label")

    def check_pin(self, pin: bytearray) -> None:
        """Raise PinInvalid for a PIN that this token cannot have, so that no attempt is spent on it.

        A zero byte would end it early: the device would count another PIN than was typed.
        """
        if not _SHORTEST_PIN <= len(pin) <= _LONGEST_PIN or 0 in pin:
            raise PinInvalid(self.label or self.serial, _SHORTEST_PIN, _LONGEST_PIN)

    def session(self) -> "SkfSession":
        """A login, once it is made."""
        return SkfSession(self.application)

    def key(self, stored: StoredCertificate, memory: "Memory") -> "SkfKey":
        """The key of a certificate; nothing about it is remembered.

        Raises KeyRefused, TokenRemoved, DriverFailed.
        """
        # Imported late: what it draws in is most of the start, and a host that only lists tokens needs none.
        from bidclient.keys.skf_key import SkfKey

        return SkfKey(self, stored)

    def row(self) -> TokenRow:
        """Everything to be seen without a PIN. Raises TokenRemoved."""
        attempts = self.application.attempts()
        most, left = attempts or (0, None)
        return TokenRow(
            serial=self.serial,
            label=self.label,
            pin_wrong_before=left is not None and left < most,
            pin_last_try=left == 1,
            pin_locked=left == 0,
            pin_must_change=False,
            pin_pad=False,
            pin_shortest=_SHORTEST_PIN,
            pin_longest=_LONGEST_PIN,
            certificates=tuple(CertificateRow(one.der, one.label, False) for one in self.certificates),
            pin_attempts_left=left,
        )

    def description(self) -> Description:
        """What library and device say of themselves; as mechanisms, the bits of what the device can do."""
        able = self.layout.capabilities(self.information)
        names = {"AlgSymCap": able.symmetric, "AlgAsymCap": able.asymmetric, "AlgHashCap": able.hash}
        return Description(
            api="skf",
            library=self.application.device.library,
            manufacturer=self._text("manufacturer"),
            model=f"{self._text('issuer')} {device_version(self.information, 'hardware')}".strip(),
            firmware=device_version(self.information, "firmware"),
            mechanisms=tuple(MechanismRow(number, name, 0) for name, number in names.items()),
            layout=self.layout.text,
        )

    def _text(self, field: str) -> str:
        return decoded(device_text(self.information, field))


@dataclass(frozen=True)
class SkfSession:
    """The login of an application. It lasts until it is ended, or the device is let go of."""

    application: Application

    def certificates(self) -> Sequence[StoredCertificate]:
        """Every certificate, read anew. Raises TokenRemoved, DriverFailed."""
        return self.application.certificates()

    def login(self, pin: bytearray) -> None:
        """Log in. Raises PinWrong, which tells the attempts left, PinLocked, PinInvalid, TokenRemoved,
        DriverFailed.
        """
        self.application.verify(pin)

    def logout(self) -> None:
        """Log out; not being logged in is as good."""
        self.application.clear()

    def close(self) -> None:
        """Nothing: the library lets go of the device."""


def _facts(label: str) -> TokenFacts:
    return TokenFacts(label, shortest=_SHORTEST_PIN, longest=_LONGEST_PIN)
