"""A number that is recognised when it is met again, but cannot be read: so an account stands in settings."""

import hashlib
import hmac
from collections.abc import Iterable

from bidclient.errors import BadFormat

_NAME = "scrypt"
_COST, _BLOCK, _LANES = 2**14, 8, 1
SALT_BYTES, _DIGEST_BYTES = 16, 32
_WHAT = "blinded number"


def blinded(number: str, salt: bytes) -> str:
    """`number` as "scrypt:SALT:DIGEST" (RFC 7914, N 16384, r 8, p 1), hex; only its digits and letters count.

    `salt` is 16 fresh random bytes. Slow on purpose: an account number has few digits that are hard to guess.
    """
    if len(salt) != SALT_BYTES:
        raise ValueError("the salt is 16 bytes")
    return f"{_NAME}:{salt.hex()}:{_digest(number, salt).hex()}"


def recognised(numbers: Iterable[str], kept: str) -> str | None:
    """The first of the numbers that `kept` was made from; None when none is. Raises BadFormat for `kept`."""
    name, _, rest = kept.partition(":")
    salt_text, _, digest_text = rest.partition(":")
    try:
        salt, digest = bytes.fromhex(salt_text), bytes.fromhex(digest_text)
    except ValueError as error:
        raise BadFormat(_WHAT, "not hex") from error
    if name != _NAME or len(salt) != SALT_BYTES or len(digest) != _DIGEST_BYTES:
        raise BadFormat(_WHAT, "scrypt:SALT:DIGEST")
    return next((one for one in numbers if hmac.compare_digest(_digest(one, salt), digest)), None)


def _digest(number: str, salt: bytes) -> bytes:
    plain = "".join(filter(str.isalnum, number)).upper().encode("utf-8")
    return hashlib.scrypt(plain, salt=salt, n=_COST, r=_BLOCK, p=_LANES, dklen=_DIGEST_BYTES)
