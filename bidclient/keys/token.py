"""Keys on USB tokens and cards: every slot of every vendor library, each library in a key host of its own."""

import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bidclient.ask import Ask
from bidclient.crypto.private_key import PrivateKey
from bidclient.errors import (
    BidError,
    DriverMissing,
    KeyProblem,
    PinLocked,
    TokenRemoved,
    TokenSwapped,
)
from bidclient.keys.child import ChildHost, Deadlines
from bidclient.keys.frames import (
    NO_HINT,
    Api,
    CloseKey,
    Done,
    ListTokens,
    Opened,
    OpenKey,
    TokenRow,
    Tokens,
    wipe,
)
from bidclient.keys.info import KeyInfo, issuers, key_id
from bidclient.keys.modules import Module, all_modules
from bidclient.keys.token_key import TokenKey, asked, certificates_of, fingerprints_of, pin_state_of

_LOG = logging.getLogger(__name__)


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
                if module.is_named:
                    _LOG.warning("%s", DriverMissing(str(module.paths[0])))
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
        pin = bytearray(ask.pin(key.label, pin_state_of(row)))
        request = OpenKey(serial=key.token_serial, fingerprint=key.certificate.sha256, pin=pin)
        try:
            opened = asked(host, request, Opened, self._deadlines.login, key)
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
        row = next((row for row in alike if key.certificate.sha256 in fingerprints_of(row)), None)
        if row is None:
            found = [fingerprint for other in alike for fingerprint in fingerprints_of(other)]
            raise TokenSwapped(key.certificate.sha256, ", ".join(found))
        if row.pin_locked:
            raise PinLocked(row.label or row.serial)
        return row

    def _keys_of(self, path: Path, row: TokenRow) -> Iterator[KeyInfo]:
        found = list(certificates_of(row))
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
                pin=pin_state_of(row),
                pin_locked=row.pin_locked,
                pin_must_change=row.pin_must_change,
                chain=issuers(certificate, (other for other, _ in found)),
            )

    def _state(self, module: Module) -> ModuleState:
        path = module.installed
        if path is None:
            missing = DriverMissing(str(module.paths[0])) if module.is_named else None
            return ModuleState(module.name, None, module.hint.api, (), missing)
        try:
            tokens = tuple(f"{row.label} {row.serial}".strip() for row in self._look(path))
        except KeyProblem as error:
            return ModuleState(module.name, path, self._apis.get(path, module.hint.api), (), error)
        return ModuleState(module.name, path, self._apis[path], tokens, None)
