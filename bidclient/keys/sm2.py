"""An SM2 key on a token: the vendor's dialect is found by trying, proven by verifying and then remembered.

No number is trusted. A way to sign counts once a signature over random data verifies with the certificate, a
way to decrypt once it gives back a random value that was encrypted to the certificate.
"""

import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import InvalidSignature

from bidclient.crypto import sm
from bidclient.errors import (
    BadEnvelope,
    BidError,
    DialectUnknown,
    KeyRefused,
    ProbeCostsPin,
)
from bidclient.keys.ckr import CANNOT_OPEN
from bidclient.keys.dialect import (
    Dialect,
    Mechanism,
    OpeningWay,
    SigningWay,
    opening_candidates,
    signing_candidates,
)
from bidclient.keys.frames import KeyUse, Learned, TryRow
from bidclient.keys.memory import Memory, Model
from bidclient.keys.search import FAILURES, Search, Way

_SM4_KEY = 16
_MESSAGE = 32


class Operations(Protocol):
    """The key on its token, as the search needs it."""

    def operate(self, use: KeyUse, mechanism: int, data: bytes, pin: bytearray | None) -> bytes:
        """Use a mechanism once; after an error the next use has a new session.

        Raises KeyProblem, BadEnvelope.
        """

    def find(self) -> None:
        """Raise TokenRemoved unless the key is still there."""


@dataclass(frozen=True)
class Facts:
    """What is known of the key and its token before anything is tried."""

    token: str
    """Its name for a person."""
    model: Model
    mechanisms: tuple[Mechanism, ...]
    key_type: int | None
    point: bytes
    """The public key of the certificate, 65 bytes."""
    uses: tuple[KeyUse, ...]
    """What the certificate is for."""
    always_authenticate: bool


class Sm2Key:
    """One SM2 key. A PIN that is handed in belongs to an always-authenticate key and serves one use."""

    def __init__(self, operations: Operations, facts: Facts, memory: Memory) -> None:
        self._operations = operations
        self._facts = facts
        self._memory = memory
        known = memory.recall(facts.model)
        signing = signing_candidates(facts.mechanisms, facts.key_type)
        opening = opening_candidates(facts.mechanisms, facts.key_type)
        self._signing = Search("sign", signing, self._try_signing, operations.find, known.signing)
        self._opening = Search("decrypt", opening, self._try_opening, operations.find, known.opening)

    @property
    def must_learn(self) -> bool:
        """Whether a use of the certificate has no way yet."""
        return any(self._search(use).way is None for use in self._facts.uses)

    def sign(self, message: bytes, pin: bytearray | None) -> bytes:
        """A DER signature over `message` that verifies with the certificate.

        Raises DialectUnknown, ProbeCostsPin, KeyRefused, TokenRemoved, DriverFailed, PinWrong.
        """
        try:
            way, signature = self._signed(self._ways(self._signing), message, pin)
        except FAILURES as error:
            self._begin_again(self._signing, error)
            way, signature = self._signed(self._ways(self._signing), message, None)
        self._settled(self._signing, way)
        return signature

    def decrypt(self, cipher: bytes, pin: bytearray | None) -> bytes:
        """The 16 bytes in a DER SM2Cipher; every flaw of it is one and the same BadEnvelope.

        Raises BadEnvelope, DialectUnknown, ProbeCostsPin, KeyRefused, TokenRemoved, DriverFailed, PinWrong.
        """
        try:
            sm.cipher_to_raw(cipher, "C1C3C2", prefix=False)
        except ValueError as error:
            raise BadEnvelope(CANNOT_OPEN) from error
        try:
            way, secret = self._decrypted(self._ways(self._opening), cipher, pin)
        except FAILURES as error:
            self._begin_again(self._opening, error)
            way, secret = self._decrypted(self._ways(self._opening), cipher, None)
        self._settled(self._opening, way)
        return secret

    def learn(self, anew: bool, pin: bytearray | None) -> Learned:
        """Find a way for each use of the certificate that has none; with `anew` forget all ways first.

        A key that wants its PIN for each use is searched only with a `pin`, as far as that goes: `left` says
        how many questions remain. Raises DialectUnknown when no use has a way and none is left to try,
        TokenRemoved, PinWrong.
        """
        searches = [self._search(use) for use in self._facts.uses]
        if anew:
            for search in searches:
                search.restart()
        tried: list[TryRow] = []
        for search in searches:
            free = pin is not None or not self._facts.always_authenticate
            if free and search.way is None and search.left:
                tried += search.run(pin)
                self._keep()
                if pin is not None:
                    break
        left = sum(search.left for search in searches if search.way is None)
        if not left and all(search.way is None for search in searches):
            raise self._unknown(searches[0].use)
        ways = tuple(row for search in searches if (row := search.row) is not None)
        return Learned(tried=tuple(tried), ways=ways, left=left)

    def _search(self, use: KeyUse) -> Search[SigningWay] | Search[OpeningWay]:
        return self._signing if use == "sign" else self._opening

    def _ways(self, search: Search[Way]) -> Sequence[Way]:
        """The way of a use; where a try costs a PIN, the only question there is, asked by the use itself."""
        if search.way is not None:
            return (search.way,)
        if not self._facts.always_authenticate:
            search.run(None)
            self._keep()
            if search.way is None:
                raise self._unknown(search.use)
            return (search.way,)
        if search.left != 1:
            raise ProbeCostsPin(self._facts.token, search.use, search.left)
        return search.next_question

    def _begin_again(self, search: Search[Way], error: BidError) -> None:
        """Drop a way that was only remembered and has failed now. Raises `error` where it is not to blame."""
        self._operations.find()
        if search.proven:
            raise error
        if self._facts.always_authenticate:
            if search.use == "sign" and search.way is not None:
                search.restart()
                raise ProbeCostsPin(self._facts.token, search.use, search.left) from error
            raise error
        search.restart()

    def _signed(
        self, ways: Sequence[SigningWay], message: bytes, pin: bytearray | None
    ) -> tuple[SigningWay, bytes]:
        """One signature, read in each of these ways, which differ in nothing but their output."""
        point = self._facts.point
        given = self._operations.operate("sign", ways[0].mechanism, ways[0].prepared(point, message), pin)
        for way in ways:
            with suppress(ValueError, InvalidSignature):
                signature = way.signature(given)
                sm.verify(point, message, signature)
                return way, signature
        raise KeyRefused("sign", "the signature does not match the certificate")

    def _decrypted(
        self, ways: Sequence[OpeningWay], cipher: bytes, pin: bytearray | None
    ) -> tuple[OpeningWay, bytes]:
        secret = self._operations.operate("decrypt", ways[0].mechanism, ways[0].prepared(cipher), pin)
        if len(secret) != _SM4_KEY:
            raise BadEnvelope(CANNOT_OPEN)
        return ways[0], secret

    def _try_signing(self, ways: Sequence[SigningWay], pin: bytearray | None) -> SigningWay:
        way, _ = self._signed(ways, secrets.token_bytes(_MESSAGE), pin)
        return way

    def _try_opening(self, ways: Sequence[OpeningWay], pin: bytearray | None) -> OpeningWay:
        secret = secrets.token_bytes(_SM4_KEY)
        way, opened = self._decrypted(ways, sm.encrypt(self._facts.point, secret), pin)
        if not secrets.compare_digest(opened, secret):
            raise KeyRefused("decrypt", "another value came back")
        return way

    def _settled(self, search: Search[Way], way: Way) -> None:
        if not search.proven:
            search.way, search.proven = way, True
            self._keep()

    def _keep(self) -> None:
        """Remember what has changed; the other key of a double certificate may have found out its half."""
        known, uses = self._memory.recall(self._facts.model), self._facts.uses
        dialect = Dialect(
            self._signing.way if "sign" in uses else known.signing,
            self._opening.way if "decrypt" in uses else known.opening,
        )
        if dialect != known:
            self._memory.keep(self._facts.model, dialect)

    def _unknown(self, use: KeyUse) -> DialectUnknown:
        # The vendor's own numbers come first: a person sees only the beginning of a long list.
        numbers = sorted((one.number for one in self._facts.mechanisms), reverse=True)
        return DialectUnknown(self._facts.token, use, ", ".join(f"0x{number:08X}" for number in numbers))
