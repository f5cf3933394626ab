"""The cryptographic suites by name and by number, so that no format spells out algorithms of its own."""

import hashlib
from dataclasses import dataclass
from typing import Protocol

from bidclient.errors import BadFormat

Readable = bytes | bytearray | memoryview


class RunningDigest(Protocol):
    """What is used of a digest of hashlib."""

    def update(self, data: Readable, /) -> None:
        """Take in more bytes."""

    def digest(self) -> bytes:
        """The 32-byte digest so far."""

    def hexdigest(self) -> str:
        """The same in hex."""


@dataclass(frozen=True)
class Suite:
    """One fixed choice of algorithms; `number` is its byte in binary headers, `name` its word in JSON."""

    number: int
    name: str
    digest: str
    """"sha256" or "sm3": 32 bytes both."""
    payload: str
    key_size: int
    """Bytes of the payload's key."""
    key_derivation: str
    envelope: str
    """The content cipher of envelopes to certificates of this suite's own kind."""

    def new_digest(self) -> RunningDigest:
        """A running digest by the suite's hash."""
        if self.digest == "sm3":
            # Imported late: it looks for a C library that suite intl-1 does without.
            from bidclient.crypto.sm_stream import new_sm3

            return new_sm3()
        return hashlib.sha256()

    def hash(self, data: Readable) -> bytes:
        """The digest of `data` by the suite's hash."""
        running = self.new_digest()
        running.update(data)
        return running.digest()


INTERNATIONAL = Suite(
    number=1,
    name="intl-1",
    digest="sha256",
    payload="aes-256-gcm",
    key_size=32,
    key_derivation="hkdf-sha256",
    envelope="aes-256-cbc",
)

GM = Suite(
    number=2,
    name="gm-1",
    digest="sm3",
    payload="sm4-gcm",
    key_size=16,
    key_derivation="hkdf-sm3",
    envelope="sm4-cbc",
)

SUITES: tuple[Suite, ...] = (INTERNATIONAL, GM)
"""Every suite that this version can make and read."""


def suite(name: str) -> Suite:
    """The suite called `name`, for example "intl-1". Raises BadFormat for one that we do not know."""
    for candidate in SUITES:
        if candidate.name == name:
            return candidate
    raise BadFormat("suite", f"unknown suite {name!r}")


def suite_by_number(number: int) -> Suite:
    """The suite with this number in a binary header. Raises BadFormat for one that we do not know."""
    for candidate in SUITES:
        if candidate.number == number:
            return candidate
    raise BadFormat("suite", f"unknown suite number {number}")
