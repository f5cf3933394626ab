"""How a token model speaks SM2: PKCS#11 has no mechanism for it, so each vendor has numbers of its own.

The rows of resources/tokens/sm2 are candidates from public headers, never promises: keys/sm2.py tries them.
"""

from collections.abc import Sequence
from functools import cache
from itertools import product
from typing import Literal, get_args

import msgspec

from bidclient import resource
from bidclient.crypto import sm

SigningInput = Literal["e", "z-message", "message"]
"""e = SM3(Z‖M); Z‖M for a token that only hashes; M for one that puts Z before it by itself."""
SigningOutput = Literal["raw", "der"]
OpeningInput = Literal["der", "04-C1C3C2", "C1C3C2", "04-C1C2C3", "C1C2C3"]

_VENDOR_DEFINED = 0x80000000
"""CKM_VENDOR_DEFINED (PKCS#11 v2.40, 6.1)."""
_CKF_DECRYPT = 0x200
_CKF_SIGN = 0x800
_MOST_GUESSES = 32


class SigningWay(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One way to sign: the number of a mechanism, what it is given and what it gives back."""

    mechanism: int
    takes: SigningInput
    gives: SigningOutput

    @property
    def form(self) -> str:
        """The way in a few characters."""
        return f"{self.takes} → {self.gives}"

    def prepared(self, point: bytes, message: bytes) -> bytes:
        """What the mechanism gets so that `message` is signed with the key of `point`."""
        if self.takes == "e":
            return sm.signing_digest(point, message)
        return sm.za(point) + message if self.takes == "z-message" else message

    def signature(self, given: bytes) -> bytes:
        """The DER signature in what the mechanism gave. Raises ValueError."""
        return sm.signature_from_raw(given) if self.gives == "raw" else given


class OpeningWay(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One way to decrypt: the number of a mechanism and the form of the ciphertext that it is given."""

    mechanism: int
    takes: OpeningInput

    @property
    def form(self) -> str:
        """The way in a few characters."""
        return self.takes

    def prepared(self, cipher: bytes) -> bytes:
        """What the mechanism gets for a DER SM2Cipher. Raises ValueError for one that is malformed."""
        if self.takes == "der":
            return cipher
        order: sm.CipherOrder = "C1C3C2" if self.takes.endswith("C1C3C2") else "C1C2C3"
        return sm.cipher_to_raw(cipher, order, prefix=self.takes.startswith("04-"))


class Dialect(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was found out about one model; None for what was not tried or not found."""

    signing: SigningWay | None = None
    opening: OpeningWay | None = None


class Family(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The candidates of one public header; `key_type` is its CKK_ number for SM2 keys."""

    name: str
    key_type: int
    signing: tuple[SigningWay, ...]
    opening: tuple[OpeningWay, ...]


class Mechanism(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One mechanism that a token lists; `flags` are its CKF_ bits, 0 when the token tells none."""

    number: int
    flags: int

    def may(self, flag: int) -> bool:
        """Whether the token does not deny this use."""
        return self.flags == 0 or bool(self.flags & flag)


@cache
def families() -> tuple[Family, ...]:
    """The rows of resources/tokens/sm2, by file name."""
    files = sorted(resource.find("tokens/sm2").iterdir(), key=lambda node: node.name)
    return tuple(
        msgspec.toml.decode(node.read_bytes(), type=Family) for node in files if node.name.endswith(".toml")
    )


def signing_candidates(mechanisms: Sequence[Mechanism], key_type: int | None) -> tuple[SigningWay, ...]:
    """Every way to sign that is worth a try on a token with these mechanisms, the likeliest first.

    First the families whose key type the key has, then the other families, both only where the token lists
    the number; last, for families that no row knows, whatever of the vendor's own the token says can sign.
    """
    known = [way for family in _by_likelihood(key_type) for way in family.signing]
    guesses = [
        SigningWay(number, takes, gives)
        for number in _of_the_vendor(mechanisms, _CKF_SIGN)
        for takes, gives in product(get_args(SigningInput), get_args(SigningOutput))
    ]
    listed = {mechanism.number for mechanism in mechanisms}
    return tuple(dict.fromkeys(way for way in (*known, *guesses) if way.mechanism in listed))


def opening_candidates(mechanisms: Sequence[Mechanism], key_type: int | None) -> tuple[OpeningWay, ...]:
    """The same for decryption."""
    known = [way for family in _by_likelihood(key_type) for way in family.opening]
    guesses = [
        OpeningWay(number, takes)
        for number in _of_the_vendor(mechanisms, _CKF_DECRYPT)
        for takes in get_args(OpeningInput)
    ]
    listed = {mechanism.number for mechanism in mechanisms}
    return tuple(dict.fromkeys(way for way in (*known, *guesses) if way.mechanism in listed))


def _by_likelihood(key_type: int | None) -> list[Family]:
    return sorted(families(), key=lambda family: family.key_type != key_type)


def _of_the_vendor(mechanisms: Sequence[Mechanism], flag: int) -> list[int]:
    """The vendor's own numbers for this use, as many as a person may wait for."""
    numbers = [one.number for one in mechanisms if one.number >= _VENDOR_DEFINED and one.may(flag)]
    return numbers[:_MOST_GUESSES]
