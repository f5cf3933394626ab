"""Keys on USB tokens and cards: every slot of every vendor library, each library in a key host of its own."""

import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bidclient.ask import Ask, PinState
from bidclient.crypto import cms
from bidclient.crypto.certificate import Certificate
from bidclient.crypto.private_key import PrivateKey, SignatureScheme, WrapScheme
from bidclient.errors import (
    BadCertificate,
    BidError,
    Cancelled,
    DriverMissing,
    KeyProblem,
    PinLocked,
    TokenRemoved,
    TokenSwapped,
)
from bidclient.keys.child import ChildHost, Deadlines
from bidclient.keys.frames import (
    Agree,
    CloseKey,
    Decrypt,
    Done,
    ListMechanisms,
    ListTokens,
    Mechanisms,
    Opened,
    OpenKey,
    Result,
    SignDigest,
    TokenRow,
    Tokens,
    wipe,
)
from bidclient.keys.info import KeyInfo, issuers, key_id
from bidclient.keys.modules import Module, all_modules

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class ModuleState:
    """What became of one vendor library, for diagnosis."""

    name: str
    path: Path | None
    """None when the product is not installed."""
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
    ) -> None:
        """`modules`: libraries of the user; `known`: the others, by default those of resources/tokens.

        `environment` goes to the key hosts on top of our own.
        """
        self._modules = all_modules(modules, known)
        self._environment = dict(environment or {})
        self._deadlines = deadlines or Deadlines()
        self._hosts: dict[Path, ChildHost] = {}
        self._lock = threading.Lock()
        self._seen: dict[Path, frozenset[str]] = {}
        """By library: the serials of the last look, to tell a swapped token from one that was pulled out."""
        self._always: set[str] = set()
        """Ids of keys that turned out to want the PIN every time: most tokens tell only after a login."""

    def keys(self) -> list[KeyInfo]:
        """Every certificate of every token; a library that fails is logged and hides nothing but itself."""
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
        return [self._state(module) for module in self._modules]

    def mechanisms(self, key: KeyInfo) -> tuple[int, ...]:
        """The CKM_ numbers of the token that holds `key`. Raises KeyProblem."""
        request = ListMechanisms(serial=key.token_serial)
        return self._host(Path(key.module)).ask(request, Mechanisms, self._deadlines.look).numbers

    @contextmanager
    def unlock(self, key: KeyInfo, ask: Ask) -> Iterator[PrivateKey]:
        """The key for the length of a `with`. The PIN is asked for once and never tried twice.

        Before it is asked for, and again before the token gets it, the certificate is compared with `key`.
        Raises DriverMissing, TokenRemoved, TokenSwapped, PinWrong, PinLocked, PinInvalid, Cancelled,
        TokenTimedOut, KeyRefused, DriverFailed.
        """
        path = Path(key.module)
        host = self._host(path)
        row = self._same_token(path, key)
        pin = bytearray(ask.pin(key.label, _pin_state(row)))
        request = OpenKey(serial=key.token_serial, fingerprint=key.certificate.sha256, pin=pin)
        try:
            opened = host.ask(request, Opened, self._deadlines.login)
        finally:
            wipe(pin)
        if opened.always_authenticate:
            self._always.add(key.id)
        try:
            yield TokenKey(host, opened, key, row, ask, self._deadlines)
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

    def _host(self, path: Path) -> ChildHost:
        if not path.is_file():
            raise DriverMissing(str(path))
        with self._lock:
            host = self._hosts.get(path)
            if host is None or not host.alive:
                host = self._hosts[path] = ChildHost(path, self._environment)
            return host

    def _look(self, path: Path) -> tuple[TokenRow, ...]:
        rows = self._host(path).ask(ListTokens(), Tokens, self._deadlines.look).tokens
        self._seen[path] = frozenset(row.serial for row in rows)
        return rows

    def _same_token(self, path: Path, key: KeyInfo) -> TokenRow:
        """What the token of `key` says now. Raises TokenRemoved, TokenSwapped, PinLocked."""
        before = self._seen.get(path, frozenset())
        rows = self._look(path)
        row = next((row for row in rows if row.serial == key.token_serial), None)
        if row is None:
            new = [other.serial for other in rows if other.serial not in before]
            if new:
                raise TokenSwapped(key.token_serial, ", ".join(new))
            raise TokenRemoved(key.token_label or key.token_serial)
        found = [certificate.sha256 for certificate, _ in _certificates(row)]
        if key.certificate.sha256 not in found:
            raise TokenSwapped(key.certificate.sha256, ", ".join(found))
        if row.pin_locked:
            raise PinLocked(row.label or row.serial)
        return row

    def _keys_of(self, path: Path, row: TokenRow) -> Iterator[KeyInfo]:
        for certificate, always in _certificates(row):
            if certificate.is_ca:
                continue
            name = key_id(row.serial, certificate)
            yield KeyInfo(
                id=name,
                source="token",
                label=f"{row.label or row.serial} · {certificate.common_name}",
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
            )

    def _state(self, module: Module) -> ModuleState:
        path = module.installed
        if path is None:
            return ModuleState(module.name, None, (), None)
        try:
            tokens = tuple(f"{row.label} {row.serial}".strip() for row in self._look(path))
        except KeyProblem as error:
            return ModuleState(module.name, path, (), error)
        return ModuleState(module.name, path, tokens, None)


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

    def sign(self, digests: Sequence[bytes], scheme: SignatureScheme) -> list[bytes]:
        """One verified signature for each SHA-256 digest, ECDSA as DER.

        Raises Cancelled between two signatures when the person wants that, KeyProblem.
        """
        return [self._sign(digest, scheme) for digest in digests]

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

    def _sign(self, digest: bytes, scheme: SignatureScheme) -> bytes:
        if self._ask.cancelled():
            raise Cancelled
        pin = self._pin_again()
        request = SignDigest(handle=self._opened.handle, digest=digest, scheme=scheme, pin=pin)
        return self._result(request, pin)

    def _pin_again(self) -> bytearray | None:
        if not self._opened.always_authenticate:
            return None
        return bytearray(self._ask.pin(self._key.label, self._pin_state))

    def _result(self, request: SignDigest | Decrypt | Agree, pin: bytearray | None) -> bytes:
        seconds = self._deadlines.use if pin is None else self._deadlines.login
        try:
            return self._host.ask(request, Result, seconds).data
        finally:
            wipe(pin or bytearray())


def _pin_state(row: TokenRow) -> PinState:
    return PinState(
        wrong_before=row.pin_wrong_before,
        last_try=row.pin_last_try,
        pin_pad=row.pin_pad,
        shortest=row.pin_shortest,
        longest=row.pin_longest,
    )


def _certificates(row: TokenRow) -> Iterator[tuple[Certificate, bool]]:
    """The certificates of a token that can be read, each with what it shows of always-authenticate."""
    for found in row.certificates:
        with suppress(BadCertificate):
            yield Certificate.from_der(found.der), found.always_authenticate
