"""Keys on USB tokens and cards: every slot of every vendor library, each library in a key host of its own."""

import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from bidclient.ask import Ask, PinState
from bidclient.crypto import cms
from bidclient.crypto.certificate import Certificate
from bidclient.crypto.private_key import PrivateKey, SignatureScheme, WrapScheme
from bidclient.errors import (
    BadCertificate,
    BidError,
    Cancelled,
    DriverFailed,
    DriverMissing,
    KeyProblem,
    PinLocked,
    TokenRemoved,
    TokenSwapped,
)
from bidclient.keys.child import ChildHost, Deadlines
from bidclient.keys.frames import (
    NO_HINT,
    Agree,
    AnyRequest,
    Api,
    CloseKey,
    Decrypt,
    Describe,
    Description,
    Done,
    Learn,
    Learned,
    ListTokens,
    OpenContent,
    Opened,
    OpenKey,
    Result,
    SignMessage,
    TokenRow,
    Tokens,
    TryRow,
    UseKey,
    wipe,
)
from bidclient.keys.info import KeyInfo, issuers, key_id
from bidclient.keys.modules import Module, all_modules
from bidclient.keys.probe import TokenReport

_LOG = logging.getLogger(__name__)
_SECOND_LOOK_SECONDS = 5.0
_Kind = TypeVar("_Kind")


@dataclass(frozen=True)
class ModuleState:
    """What became of one vendor library, for diagnosis."""

    name: str
    path: Path | None
    """None when the product is not installed."""
    api: Api | None
    """The interface that it is used by, None when it is not known yet."""
    tokens: tuple[str, ...]
    """Labels and serials of the tokens that it sees."""
    problem: BidError | None


class TokenSource:
    """All tokens that any vendor library on this computer can see."""

    def __init__(
        self,
        modules: Sequence[Path] = (),
        *,
        environment: Mapping[str, str] | None = None,
        known: tuple[Module, ...] | None = None,
        deadlines: Deadlines | None = None,
        memory: Path | None = None,
    ) -> None:
        """`modules`: libraries of the user; `known`: the others, by default those of resources/tokens.

        `environment` goes to the key hosts on top of our own; `memory` is the folder where they keep what
        they find out about token models.
        """
        self._modules = all_modules(modules, known)
        self._environment = dict(environment or {})
        self._deadlines = deadlines or Deadlines()
        self._memory = memory
        self._hosts: dict[Path, ChildHost] = {}
        self._lock = threading.Lock()
        self._seen: dict[Path, frozenset[str]] = {}
        """By library: the serials of the last look, to tell a swapped token from one that was pulled out."""
        self._apis: dict[Path, Api] = {}
        """By library: what its host said it is used by."""
        self._always: set[str] = set()
        """Ids of keys that turned out to want the PIN every time: most tokens tell only after a login."""

    def keys(self) -> list[KeyInfo]:
        """Every certificate of every token; a library that fails is logged and hides nothing but itself."""
        self._start_hosts()
        found: dict[str, KeyInfo] = {}
        for module in self._modules:
            path = module.installed
            if path is None:
                continue
            try:
                rows = self._look(path)
            except KeyProblem as error:
                _LOG.warning("%s: %s", path, error)
                continue
            for key in (key for row in rows for key in self._keys_of(path, row)):
                found.setdefault(key.id, key)
        return sorted(
            found.values(), key=lambda key: (key.token_label, key.token_serial, not key.can_sign, key.id)
        )

    def survey(self) -> list[ModuleState]:
        """Every known library: installed or not, working or not, and its tokens."""
        self._start_hosts()
        return [self._state(module) for module in self._modules]

    @contextmanager
    def unlock(self, key: KeyInfo, ask: Ask) -> Iterator[PrivateKey]:
        """The key for the length of a `with`. The PIN is asked for once and never tried twice.

        Before it is asked for, and again before the token gets it, the certificate is compared with `key`.
        The first time that a model with an SM2 key is met, it is found out how the model uses SM2, unless
        that would cost further PINs. Raises DriverMissing, TokenRemoved, TokenSwapped, PinWrong, PinLocked,
        PinInvalid, Cancelled, TokenTimedOut, KeyRefused, DialectUnknown, DriverFailed.
        """
        path = Path(key.module)
        host = self._host(path)
        row = self._same_token(path, key)
        pin = bytearray(ask.pin(key.label, _pin_state(row)))
        request = OpenKey(serial=key.token_serial, fingerprint=key.certificate.sha256, pin=pin)
        try:
            opened = _asked(host, request, Opened, self._deadlines.login, key)
        finally:
            wipe(pin)
        if opened.always_authenticate:
            self._always.add(key.id)
        try:
            private = TokenKey(host, opened, key, row, ask, self._deadlines)
            if opened.must_learn and not opened.always_authenticate:
                private.learn()
            yield private
        finally:
            with suppress(KeyProblem):
                host.ask(CloseKey(handle=opened.handle), Done, self._deadlines.look)

    def close(self) -> None:
        """End all key hosts; they start again when asked."""
        with self._lock:
            hosts = list(self._hosts.values())
            self._hosts.clear()
        for host in hosts:
            host.close()

    def _start_hosts(self) -> None:
        """Let the hosts of all libraries load side by side, before the first is asked and waited for."""
        for module in self._modules:
            if module.installed is not None:
                with suppress(KeyProblem):  # whoever asks it is told
                    self._host(module.installed)

    def _host(self, path: Path) -> ChildHost:
        if not path.is_file():
            raise DriverMissing(str(path))
        with self._lock:
            host = self._hosts.get(path)
            if host is None or not host.alive:
                hint = next((module.hint for module in self._modules if path in module.paths), NO_HINT)
                host = self._hosts[path] = ChildHost(path, self._environment, self._memory, hint)
            return host

    def _look(self, path: Path) -> tuple[TokenRow, ...]:
        answer = self._host(path).ask(ListTokens(), Tokens, self._deadlines.look)
        self._seen[path] = frozenset(row.serial for row in answer.tokens)
        self._apis[path] = answer.api
        return answer.tokens

    def _same_token(self, path: Path, key: KeyInfo) -> TokenRow:
        """What the token of `key` says now. Raises TokenRemoved, TokenSwapped, PinLocked."""
        before = self._seen.get(path, frozenset())
        rows = self._look(path)
        alike = [row for row in rows if row.serial == key.token_serial]
        if not alike:
            new = [other.serial for other in rows if other.serial not in before]
            if new:
                raise TokenSwapped(key.token_serial, ", ".join(new))
            raise TokenRemoved(key.token_label or key.token_serial)
        # Some vendors give several tokens one serial, or none at all.
        row = next((row for row in alike if key.certificate.sha256 in _fingerprints(row)), None)
        if row is None:
            found = [fingerprint for other in alike for fingerprint in _fingerprints(other)]
            raise TokenSwapped(key.certificate.sha256, ", ".join(found))
        if row.pin_locked:
            raise PinLocked(row.label or row.serial)
        return row

    def _keys_of(self, path: Path, row: TokenRow) -> Iterator[KeyInfo]:
        found = list(_certificates(row))
        for certificate, always in found:
            if certificate.is_ca:
                continue
            name = key_id(row.serial, certificate)
            yield KeyInfo(
                id=name,
                source="token",
                # With the serial: who is asked for a PIN must be able to tell two tokens of one name apart.
                label=f"{f'{row.label} {row.serial}'.strip()} · {certificate.common_name}",
                token_serial=row.serial,
                token_label=row.label,
                module=str(path),
                certificate=certificate,
                can_sign=certificate.can_sign,
                can_decrypt=certificate.can_encrypt,
                always_authenticate=always or name in self._always,
                pin=_pin_state(row),
                pin_locked=row.pin_locked,
                pin_must_change=row.pin_must_change,
                chain=issuers(certificate, (other for other, _ in found)),
            )

    def _state(self, module: Module) -> ModuleState:
        path = module.installed
        if path is None:
            return ModuleState(module.name, None, module.hint.api, (), None)
        try:
            tokens = tuple(f"{row.label} {row.serial}".strip() for row in self._look(path))
        except KeyProblem as error:
            return ModuleState(module.name, path, self._apis.get(path, module.hint.api), (), error)
        return ModuleState(module.name, path, self._apis[path], tokens, None)


class TokenKey:
    """A PrivateKey whose private half stays in the token; valid while its `with` lasts and its host lives."""

    def __init__(
        self, host: ChildHost, opened: Opened, key: KeyInfo, row: TokenRow, ask: Ask, deadlines: Deadlines
    ) -> None:
        self._host = host
        self._opened = opened
        self._key = key
        self._ask = ask
        self._pin_state = _pin_state(row)
        self._deadlines = deadlines
        self._tried: tuple[TryRow, ...] = ()
        self._chain = issuers(key.certificate, [certificate for certificate, _ in _certificates(row)])

    @property
    def certificate(self) -> Certificate:
        """The certificate of this key."""
        return self._key.certificate

    @property
    def chain(self) -> tuple[Certificate, ...]:
        """The issuers that lie on the same token, nearest first."""
        return self._chain

    @property
    def always_authenticate(self) -> bool:
        """Whether the person is asked for the PIN at every single operation."""
        return self._opened.always_authenticate

    def sign(self, messages: Sequence[bytes], scheme: SignatureScheme) -> list[bytes]:
        """One verified signature for each message, ECDSA and SM2 as DER.

        Raises Cancelled between two signatures when the person wants that, KeyProblem.
        """
        return [self._sign(message, scheme) for message in messages]

    def unwrap(self, envelope: bytes) -> bytes:
        """The content of a CMS EnvelopedData made to this certificate.

        Raises WrongKey, BadEnvelope, KeyProblem.
        """
        return cms.open_envelope(envelope, self.certificate, self)

    def decrypt(self, ciphertext: bytes, scheme: WrapScheme) -> bytes:
        """The bare RSA decryption, for the envelope code. Raises BadEnvelope, KeyProblem."""
        pin = self._pin_again()
        request = Decrypt(handle=self._opened.handle, ciphertext=ciphertext, scheme=scheme, pin=pin)
        return self._result(request, pin)

    def agree(self, point: bytes) -> bytes:
        """The bare ECDH, for the envelope code. Raises KeyProblem."""
        return self._result(Agree(handle=self._opened.handle, point=point), None)

    def open_content(self, encrypted_key: bytes, vector: bytes, ciphertext: bytes) -> bytes:
        """The bare SM2 and SM4 decryption, for the envelope code. Raises BadEnvelope, KeyProblem."""
        pin = self._pin_again()
        request = OpenContent(
            handle=self._opened.handle,
            encrypted_key=encrypted_key,
            vector=vector,
            ciphertext=ciphertext,
            pin=pin,
        )
        return self._result(request, pin)

    def learn(self, anew: bool = False) -> Learned:
        """Find out how the token uses this key, where that is not known, and all that was tried for it.

        `anew` forgets what is known, and then a key that wants its PIN for each use is asked for one PIN
        after the other; without it such a key is left alone. Raises DialectUnknown, KeyProblem, Cancelled.
        """
        learned = self._learned(anew, self._pin_again() if anew else None)
        while learned.left and anew:
            learned = self._learned(False, self._pin_again())
        return learned

    def report(self) -> TokenReport:
        """Everything that support wants to know of the token. Raises KeyProblem."""
        request = Describe(serial=self._key.token_serial, fingerprint=self._key.certificate.sha256)
        said = self._host.ask(request, Description, self._deadlines.look)
        learned = self.learn()
        return TokenReport(
            module=self._key.module,
            api=said.api,
            layout=said.layout,
            library=said.library,
            manufacturer=said.manufacturer,
            model=said.model,
            firmware=said.firmware,
            mechanisms=said.mechanisms,
            tried=learned.tried,
            ways=learned.ways,
        )

    def _learned(self, anew: bool, pin: bytearray | None) -> Learned:
        if self._ask.cancelled():
            raise Cancelled
        request = Learn(handle=self._opened.handle, anew=anew, pin=pin)
        try:
            learned = _asked(self._host, request, Learned, self._deadlines.learn, self._key)
        finally:
            wipe(pin or bytearray())
        self._tried += learned.tried
        return msgspec.structs.replace(learned, tried=self._tried)

    def _sign(self, message: bytes, scheme: SignatureScheme) -> bytes:
        if self._ask.cancelled():
            raise Cancelled
        pin = self._pin_again()
        request = SignMessage(handle=self._opened.handle, message=message, scheme=scheme, pin=pin)
        return self._result(request, pin)

    def _pin_again(self) -> bytearray | None:
        if not self._opened.always_authenticate:
            return None
        return bytearray(self._ask.pin(self._key.label, self._pin_state))

    def _result(self, request: UseKey, pin: bytearray | None) -> bytes:
        # Only a person at a PIN pad needs the time of a login.
        on_pad = pin is not None and self._pin_state.pin_pad
        seconds = self._deadlines.login if on_pad else self._deadlines.use
        try:
            return _asked(self._host, request, Result, seconds, self._key).data
        finally:
            wipe(pin or bytearray())


def _asked(host: ChildHost, request: AnyRequest, kind: type[_Kind], seconds: float, key: KeyInfo) -> _Kind:
    """The answer of a host that is to use `key`. Raises KeyProblem, BadEnvelope, Cancelled.

    What libraries say when a token is pulled out in the middle is anything, so after a failure without a
    name a fresh host looks whether the token is still there: the old one may hang on that question.
    """
    try:
        return host.ask(request, kind, seconds)
    except DriverFailed as error:
        if _is_gone(host, key):
            raise TokenRemoved(key.token_label or key.token_serial) from error
        raise


def _is_gone(host: ChildHost, key: KeyInfo) -> bool:
    try:
        with closing(host.another()) as fresh:
            rows = fresh.ask(ListTokens(), Tokens, _SECOND_LOOK_SECONDS).tokens
    except KeyProblem:
        return False
    alike = (row for row in rows if row.serial == key.token_serial)
    return not any(key.certificate.sha256 in _fingerprints(row) for row in alike)


def _pin_state(row: TokenRow) -> PinState:
    return PinState(
        wrong_before=row.pin_wrong_before,
        last_try=row.pin_last_try,
        attempts_left=row.pin_attempts_left,
        pin_pad=row.pin_pad,
        shortest=row.pin_shortest,
        longest=row.pin_longest,
    )


def _fingerprints(row: TokenRow) -> list[str]:
    return [certificate.sha256 for certificate, _ in _certificates(row)]


def _certificates(row: TokenRow) -> Iterator[tuple[Certificate, bool]]:
    """The certificates of a token that can be read, each with what it shows of always-authenticate."""
    for found in row.certificates:
        with suppress(BadCertificate):
            yield Certificate.from_der(found.der), found.always_authenticate
