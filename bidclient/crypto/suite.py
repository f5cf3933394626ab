"""The cryptographic suites by name and by number, so that no format spells out algorithms of its own."""

from dataclasses import dataclass

from bidclient.errors import BadFormat


@dataclass(frozen=True)
class Suite:
    """One fixed choice of algorithms; `number` is its byte in binary headers, `name` its word in JSON."""

    number: int
    name: str
    digest: str
    """The name that hashlib knows."""
    payload: str
    key_derivation: str
    envelope: str
    """The content cipher of CMS EnvelopedData."""


INTERNATIONAL = Suite(
    number=1,
    name="intl-1",
    digest="sha256",
    payload="aes-256-gcm",
    key_derivation="hkdf-sha256",
    envelope="aes-256-cbc",
)

SUITES: tuple[Suite, ...] = (INTERNATIONAL,)
"""Every suite that this version can make and read; number 2, gm-1, is kept for the national ones."""


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
