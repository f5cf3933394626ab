"""The key host: a child process that alone loads a vendor's library; its crashes and stalls stay there.

Started as `python -m bidclient.keys.host MODULE`; requests come in by stdin, answers go out by stdout.
"""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path

from bidclient.errors import BidError, DriverFailed, KeyRefused, TokenRemoved, TokenSwapped
from bidclient.keys.frames import (
    Agree,
    AnyAnswer,
    AnyRequest,
    CertificateRow,
    CloseKey,
    Decrypt,
    Done,
    ListMechanisms,
    ListTokens,
    Mechanisms,
    Opened,
    OpenKey,
    Result,
    Shutdown,
    SignDigest,
    TokenRow,
    Tokens,
    failed,
    numbered,
    read_request,
    wipe,
    write_frame,
)
from bidclient.keys.hosted_key import HostedKey
from bidclient.keys.pkcs11 import Library, Session, StoredCertificate, Token


class KeyHost:
    """One vendor library with the keys that are open on its tokens."""

    def __init__(self, module: Path) -> None:
        self._module = module
        self._library: Library | None = None
        self._keys: dict[int, HostedKey] = {}
        self._logins: dict[str, Session] = {}
        """By token serial: the session that keeps the token logged in while keys are open."""
        self._last_handle = 0

    def answer(self, request: AnyRequest) -> AnyAnswer:
        """Do what is asked. Raises KeyProblem, BadEnvelope, Cancelled."""
        match request:
            case OpenKey() | CloseKey() | SignDigest() | Decrypt() | Agree():
                return self._about_key(request)
            case ListMechanisms(serial=serial):
                return Mechanisms(numbers=self._loaded().mechanisms(self._token(serial).slot))
            case ListTokens():
                return Tokens(tokens=self._tokens())
            case Shutdown():
                self.close()
                return Done()

    def close(self) -> None:
        """Close every key and log out everywhere."""
        for serial in list(self._logins):
            self._log_out(serial)

    def _about_key(self, request: OpenKey | CloseKey | SignDigest | Decrypt | Agree) -> AnyAnswer:
        match request:
            case OpenKey(serial=serial, fingerprint=fingerprint, pin=pin):
                return self._open(serial, fingerprint, pin)
            case CloseKey(handle=handle):
                self._close(handle)
                return Done()
            case SignDigest(handle=handle, digest=digest, scheme=scheme, pin=again):
                key = self._key(handle)
                with _checked(key, again):
                    return Result(data=key.sign(digest, scheme, again))
            case Decrypt(handle=handle, ciphertext=ciphertext, scheme=wrap, pin=again):
                key = self._key(handle)
                with _checked(key, again):
                    return Result(data=key.decrypt(ciphertext, wrap, again))
            case Agree(handle=handle, point=point):
                return Result(data=self._key(handle).agree(point))

    def _loaded(self) -> Library:
        if self._library is None:
            self._library = Library(self._module)
        return self._library

    def _tokens(self) -> tuple[TokenRow, ...]:
        library = self._loaded()
        if not self._keys:
            library.refresh()
        rows = []
        for token in library.tokens():
            with suppress(BidError):  # a token that cannot be read must not hide the others
                rows.append(_row(library, token))
        return tuple(rows)

    def _token(self, serial: str) -> Token:
        for token in self._loaded().tokens():
            if token.serial == serial:
                return token
        raise TokenRemoved(serial)

    def _open(self, serial: str, fingerprint: str, pin: bytearray) -> Opened:
        library = self._loaded()
        token = self._token(serial)
        session = library.session(token)
        try:
            stored = _same_certificate(session, fingerprint)
            token.check_pin(pin)
            self._log_in(session, pin)
        except BidError:
            session.close()
            raise
        finally:
            wipe(pin)
        try:
            key = HostedKey(library, token, stored)
        except BidError:
            self._log_out_unused(serial)
            raise
        self._last_handle += 1
        self._keys[self._last_handle] = key
        return Opened(handle=self._last_handle, always_authenticate=key.always_authenticate)

    def _log_in(self, session: Session, pin: bytearray) -> None:
        """Prove the PIN anew even if the token is open already: nobody gets in on another's login.

        The keys that are open on the token outlive this, unless the PIN is wrong.
        """
        serial = session.token.serial
        before = self._logins.get(serial)
        if before is not None:
            before.logout()
        try:
            session.login(pin)
        except BidError:
            self._log_out(serial)
            raise
        if before is not None:
            before.close()
        self._logins[serial] = session

    def _close(self, handle: int) -> None:
        key = self._keys.pop(handle, None)
        if key is None:
            return
        key.close()
        self._log_out_unused(key.token.serial)

    def _log_out_unused(self, serial: str) -> None:
        if all(key.token.serial != serial for key in self._keys.values()):
            self._log_out(serial)

    def _log_out(self, serial: str) -> None:
        """Log a token out, and close every key on it: they are worth nothing without the login."""
        for handle, key in list(self._keys.items()):
            if key.token.serial == serial:
                key.close()
                del self._keys[handle]
        session = self._logins.pop(serial, None)
        if session is not None:
            session.logout()
            session.close()

    def _key(self, handle: int) -> HostedKey:
        key = self._keys.get(handle)
        if key is None:
            raise KeyRefused("use", "the key is not open")
        return key


def serve(module: Path, requests: FileIO, answers: FileIO) -> None:
    """Answer requests until there are no more. Raises BadFormat when the other side talks nonsense."""
    host = KeyHost(module)
    while (request := read_request(requests)) is not None:
        write_frame(answers, numbered(_answered(host, request), request.number))
        if isinstance(request, Shutdown):
            break
    host.close()


def private_pipes() -> tuple[FileIO, FileIO]:
    """Our two pipes under numbers that nobody else knows; a library that prints or reads meets no frame.

    What goes to standard output lands on standard error, and standard input is at its end.
    """
    requests, answers = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return FileIO(requests, "rb"), FileIO(answers, "wb")


def main(arguments: list[str]) -> int:
    """Run the host for the library named in `arguments`; the exit code."""
    requests, answers = private_pipes()
    # Ctrl-C in a terminal reaches the whole group; it is the parent who decides what becomes of us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with requests, answers:
        serve(Path(arguments[0]), requests, answers)
    return 0


def _answered(host: KeyHost, request: AnyRequest) -> AnyAnswer:
    try:
        return host.answer(request)
    except BidError as error:
        return failed(error)
    except Exception as error:  # noqa: BLE001 -- whatever a library does to us, the program gets an answer
        # The text stays here: nobody knows what a foreign exception quotes.
        return failed(DriverFailed(type(request).__name__, type(error).__name__))


@contextmanager
def _checked(key: HostedKey, pin: bytearray | None) -> Iterator[None]:
    """A PIN for one operation: of possible length, and wiped afterwards."""
    if pin is None:
        yield
        return
    try:
        key.token.check_pin(pin)
        yield
    finally:
        wipe(pin)


def _same_certificate(session: Session, fingerprint: str) -> StoredCertificate:
    """The chosen certificate, if it is still on the token. Raises TokenSwapped."""
    certificates = session.certificates()
    for stored in certificates:
        if stored.fingerprint == fingerprint:
            return stored
    raise TokenSwapped(fingerprint, ", ".join(stored.fingerprint for stored in certificates))


def _row(library: Library, token: Token) -> TokenRow:
    session = library.session(token)
    try:
        certificates = tuple(
            CertificateRow(stored.der, stored.label, _shows_always(session, stored))
            for stored in session.certificates()
        )
    finally:
        session.close()
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


def _shows_always(session: Session, stored: StoredCertificate) -> bool:
    """CKA_ALWAYS_AUTHENTICATE of a key that shows itself without a login."""
    keys = session.private_keys(stored.id) if stored.id else []
    return any(session.always_authenticates(key) for key in keys)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
