"""The key host: a child process that alone loads a vendor's library; its crashes and stalls stay there.

Started as `python -m bidclient.keys.host MODULE [MEMORY [HINT]]`; requests come by stdin, answers by stdout.
"""

import os
import signal
import sys
from collections.abc import Hashable, Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path

import msgspec

from bidclient.errors import BidError, DriverFailed, KeyRefused, TokenRemoved, TokenSwapped
from bidclient.keys.frames import (
    NO_HINT,
    Agree,
    AnyAnswer,
    AnyRequest,
    CloseKey,
    Decrypt,
    Describe,
    Done,
    Hint,
    Learn,
    ListTokens,
    OpenContent,
    Opened,
    OpenKey,
    Result,
    Shutdown,
    SignMessage,
    TokenRow,
    Tokens,
    UseKey,
    failed,
    numbered,
    read_request,
    wipe,
    write_frame,
)
from bidclient.keys.library import Key, Library, Session, StoredCertificate, Token


class KeyHost:
    """One vendor library with the keys that are open on its tokens."""

    def __init__(self, module: Path, memory: Path | None = None, hint: Hint = NO_HINT) -> None:
        """`memory`: the folder for what is found out about token models, None to forget it."""
        self._module = module
        self._memory = memory
        self._hint = hint
        self._library: Library | None = None
        self._keys: dict[int, Key] = {}
        self._logins: dict[Hashable, Session] = {}
        """By slot: the session that keeps the token logged in while keys are open."""
        self._last_handle = 0

    def answer(self, request: AnyRequest) -> AnyAnswer:
        """Do what is asked. Raises KeyProblem, BadEnvelope, Cancelled."""
        match request:
            case OpenKey(serial=serial, fingerprint=fingerprint, pin=pin):
                return self._open(serial, fingerprint, pin)
            case CloseKey(handle=handle):
                self._close(handle)
                return Done()
            case SignMessage() | Decrypt() | Agree() | OpenContent():
                return Result(data=self._used(request))
            case Learn(handle=handle, anew=anew, pin=again):
                key = self._key(handle)
                with _checked(key, again):
                    return key.learn(anew, again)
            case Describe(serial=serial, fingerprint=fingerprint):
                return self._token(serial, fingerprint).description()
            case ListTokens():
                return Tokens(tokens=self._tokens(), api=self._loaded().api)
            case Shutdown():
                self.close()
                return Done()

    def close(self) -> None:
        """Close every key, log out everywhere and let go of the library."""
        for slot in list(self._logins):
            self._log_out(slot)
        if self._library is not None:
            self._library.close()

    def _used(self, request: UseKey) -> bytes:
        key = self._key(request.handle)
        match request:
            case SignMessage(message=message, scheme=scheme, pin=again):
                with _checked(key, again):
                    return key.sign(message, scheme, again)
            case Decrypt(ciphertext=ciphertext, scheme=wrap, pin=again):
                with _checked(key, again):
                    return key.decrypt(ciphertext, wrap, again)
            case Agree(point=point):
                return key.agree(point)
            case OpenContent(encrypted_key=encrypted_key, vector=vector, ciphertext=ciphertext, pin=again):
                with _checked(key, again):
                    return key.open_content(encrypted_key, vector, ciphertext, again)

    def _loaded(self) -> Library:
        if self._library is None:
            self._library = _library(self._module, self._hint)
        return self._library

    def _tokens(self) -> tuple[TokenRow, ...]:
        library = self._loaded()
        if not self._keys:
            library.refresh()
        rows = []
        for token in library.tokens():
            with suppress(BidError):  # a token that cannot be read must not hide the others
                rows.append(token.row())
        return tuple(rows)

    def _token(self, serial: str, fingerprint: str) -> Token:
        """The token of this serial that has the certificate, else the first one that cannot be it.

        Raises TokenRemoved when there is none of this serial.
        """
        alike = [token for token in self._loaded().tokens() if token.serial == serial]
        if not alike:
            raise TokenRemoved(serial)
        if len(alike) == 1:
            return alike[0]
        return next((token for token in alike if _holds(token, fingerprint)), alike[0])

    def _open(self, serial: str, fingerprint: str, pin: bytearray) -> Opened:
        # Imported late: what it draws in is most of the start, and a host that only lists tokens needs none.
        from bidclient.keys.memory import Memory

        token = self._token(serial, fingerprint)
        session = token.session()
        try:
            stored = _same_certificate(session, fingerprint)
            token.check_pin(pin)
            self._log_in(token.slot, session, pin)
        except BidError:
            session.close()
            raise
        finally:
            wipe(pin)
        try:
            key = token.key(stored, Memory(self._memory))
        except BidError:
            self._log_out_unused(token.slot)
            raise
        self._last_handle += 1
        self._keys[self._last_handle] = key
        return Opened(
            handle=self._last_handle,
            always_authenticate=key.always_authenticate,
            must_learn=key.must_learn,
        )

    def _log_in(self, slot: Hashable, session: Session, pin: bytearray) -> None:
        """Prove the PIN anew even if the token is open already: nobody gets in on another's login.

        The keys that are open on the token outlive this, unless the PIN is wrong.
        """
        before = self._logins.get(slot)
        if before is not None:
            before.logout()
        try:
            session.login(pin)
        except BidError:
            self._log_out(slot)
            raise
        if before is not None:
            before.close()
        self._logins[slot] = session

    def _close(self, handle: int) -> None:
        key = self._keys.pop(handle, None)
        if key is None:
            return
        key.close()
        self._log_out_unused(key.token.slot)

    def _log_out_unused(self, slot: Hashable) -> None:
        if all(key.token.slot != slot for key in self._keys.values()):
            self._log_out(slot)

    def _log_out(self, slot: Hashable) -> None:
        """Log a token out, and close every key on it: they are worth nothing without the login."""
        for handle, key in list(self._keys.items()):
            if key.token.slot == slot:
                key.close()
                del self._keys[handle]
        session = self._logins.pop(slot, None)
        if session is not None:
            session.logout()
            session.close()

    def _key(self, handle: int) -> Key:
        key = self._keys.get(handle)
        if key is None:
            raise KeyRefused("use", "the key is not open")
        return key


def serve(host: KeyHost, requests: FileIO, answers: FileIO) -> None:
    """Answer requests until there are no more. Raises BadFormat when the other side talks nonsense."""
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
    """Run the host for the library that `arguments` begin with; the exit code.

    A second argument is the folder for what is found out about token models, empty for none; a third one
    is a Hint as JSON.
    """
    module, memory, hint = [*arguments, *[""] * 2][:3]
    host = KeyHost(
        Path(module),
        Path(memory) if memory else None,
        msgspec.json.decode(hint, type=Hint) if hint else NO_HINT,
    )
    requests, answers = private_pipes()
    # Ctrl-C in a terminal reaches the whole group; it is the parent who decides what becomes of us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with requests, answers:
        serve(host, requests, answers)
    return 0


def _library(module: Path, hint: Hint) -> Library:
    """The library by the interface that it has. Only that one's adapter is imported."""
    # Imported here: PyKCS11, or ctypes, is most of what a host is made of.
    api = hint.api
    if api is None:
        from bidclient.keys.api import api_of

        api = api_of(module)
    if api == "skf":
        from bidclient.keys.skf_tokens import SkfLibrary

        return SkfLibrary(module, hint)
    from bidclient.keys.pkcs11_tokens import Pkcs11Library

    return Pkcs11Library(module)


def _answered(host: KeyHost, request: AnyRequest) -> AnyAnswer:
    try:
        return host.answer(request)
    except BidError as error:
        return failed(error)
    except Exception as error:  # noqa: BLE001 -- whatever a library does to us, the program gets an answer
        # The text stays here: nobody knows what a foreign exception quotes.
        return failed(DriverFailed(type(request).__name__, type(error).__name__))


@contextmanager
def _checked(key: Key, pin: bytearray | None) -> Iterator[None]:
    """A PIN for one operation: of possible length, and wiped afterwards."""
    if pin is None:
        yield
        return
    try:
        key.token.check_pin(pin)
        yield
    finally:
        wipe(pin)


def _holds(token: Token, fingerprint: str) -> bool:
    """Whether the certificate can be read on the token."""
    with suppress(BidError):
        session = token.session()
        try:
            return any(stored.fingerprint == fingerprint for stored in session.certificates())
        finally:
            session.close()
    return False


def _same_certificate(session: Session, fingerprint: str) -> StoredCertificate:
    """The chosen certificate, if it is still on the token. Raises TokenSwapped."""
    certificates = session.certificates()
    for stored in certificates:
        if stored.fingerprint == fingerprint:
            return stored
    raise TokenSwapped(fingerprint, ", ".join(stored.fingerprint for stored in certificates))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
