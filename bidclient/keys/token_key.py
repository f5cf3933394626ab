"""An unlocked key on a token, as the program sees it: each use is a question to the key host."""

from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from typing import TypeVar

import msgspec

from bidclient.ask import Ask, PinState
from bidclient.crypto import cms
from bidclient.crypto.certificate import Certificate
from bidclient.crypto.private_key import SignatureScheme, WrapScheme
from bidclient.errors import BadCertificate, Cancelled, DriverFailed, KeyProblem, TokenRemoved
from bidclient.keys.child import ChildHost, Deadlines
from bidclient.keys.frames import (
    Agree,
    AnyRequest,
    Decrypt,
    Describe,
    Description,
    Learn,
    Learned,
    ListTokens,
    OpenContent,
    Opened,
    Result,
    SignMessage,
    TokenRow,
    Tokens,
    TryRow,
    UseKey,
    wipe,
)
from bidclient.keys.info import KeyInfo, issuers
from bidclient.keys.probe import TokenReport

_SECOND_LOOK_SECONDS = 5.0
_Kind = TypeVar("_Kind")


class TokenKey:
    """A PrivateKey whose private half stays in the token; valid while its `with` lasts and its host lives."""

    def __init__(
        self, host: ChildHost, opened: Opened, key: KeyInfo, row: TokenRow, ask: Ask, deadlines: Deadlines
    ) -> None:
        self._host = host
        self._opened = opened
        self._key = key
        self._ask = ask
        self._pin_state = pin_state_of(row)
        self._deadlines = deadlines
        self._tried: tuple[TryRow, ...] = ()
        self._chain = issuers(key.certificate, [certificate for certificate, _ in certificates_of(row)])

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
        learned = self._learned(anew, with_pin=anew)
        while learned.left and anew:
            learned = self._learned(False, with_pin=True)
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

    def _learned(self, anew: bool, with_pin: bool) -> Learned:
        if self._ask.cancelled():
            raise Cancelled
        pin = self._pin_again() if with_pin else None
        request = Learn(handle=self._opened.handle, anew=anew, pin=pin)
        try:
            learned = asked(self._host, request, Learned, self._deadlines.learn, self._key)
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
            return asked(self._host, request, Result, seconds, self._key).data
        finally:
            wipe(pin or bytearray())


def asked(host: ChildHost, request: AnyRequest, kind: type[_Kind], seconds: float, key: KeyInfo) -> _Kind:
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
    return not any(key.certificate.sha256 in fingerprints_of(row) for row in alike)


def pin_state_of(row: TokenRow) -> PinState:
    return PinState(
        wrong_before=row.pin_wrong_before,
        last_try=row.pin_last_try,
        attempts_left=row.pin_attempts_left,
        pin_pad=row.pin_pad,
        shortest=row.pin_shortest,
        longest=row.pin_longest,
    )


def fingerprints_of(row: TokenRow) -> list[str]:
    return [certificate.sha256 for certificate, _ in certificates_of(row)]


def certificates_of(row: TokenRow) -> Iterator[tuple[Certificate, bool]]:
    """The certificates of a token that can be read, each with what it shows of always-authenticate."""
    for found in row.certificates:
        with suppress(BadCertificate):
            yield Certificate.from_der(found.der), found.always_authenticate
