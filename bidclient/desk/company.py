"""What the company says of itself in the settings, where that must not stand there as it is."""

import secrets
from dataclasses import dataclass

from bidclient.crypto.blinded import SALT_BYTES, blinded
from bidclient.errors import BadValue

_SHORTEST, _LONGEST = 8, 34
"""Digits and letters of an account number; 34 is the longest IBAN (ISO 13616)."""


@dataclass(frozen=True)
class BlindedAccount:
    """A line for [company] of settings.toml, by which the account is recognised and not read."""

    line: str


def blinded_account(number: str) -> BlindedAccount:
    """The basic account (基本户) for the settings. Raises BadValue for what is no account number."""
    plain = [character for character in number if character.isalnum()]
    if not _SHORTEST <= len(plain) <= _LONGEST or not any(map(str.isdigit, plain)):
        raise BadValue("basic_account", "不是银行账号 (not an account number)")
    return BlindedAccount(f'basic_account = "{blinded(number, secrets.token_bytes(SALT_BYTES))}"')
