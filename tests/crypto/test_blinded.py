"""A blinded number is recognised, and tells nothing else."""

import pytest
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from bidclient.crypto.blinded import blinded, recognised
from bidclient.errors import BadFormat

ACCOUNT, SALT = "6222 0212 3456 7890 123", bytes(range(16))


def test_it_is_scrypt_as_another_library_makes_it() -> None:
    plain = ACCOUNT.replace(" ", "").encode()
    digest = Scrypt(salt=SALT, length=32, n=2**14, r=8, p=1).derive(plain)
    assert blinded(ACCOUNT, SALT) == f"scrypt:{SALT.hex()}:{digest.hex()}"


def test_it_is_recognised_however_it_is_grouped() -> None:
    kept = blinded(ACCOUNT, SALT)
    assert recognised(["6222021234567890124", "6222-0212-3456-7890-123"], kept) == "6222-0212-3456-7890-123"
    assert recognised(["6222021234567890124", ""], kept) is None
    assert "7890" not in kept
    assert blinded(ACCOUNT, bytes(16)) != kept


@pytest.mark.parametrize(
    "kept", ["", "6222021234567890123", "scrypt:00:11", "md5:" + "00" * 16 + ":" + "00" * 32]
)
def test_what_is_no_blinded_number_is_refused(kept: str) -> None:
    with pytest.raises(BadFormat):
        recognised([ACCOUNT], kept)


def test_a_salt_has_16_bytes() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        blinded(ACCOUNT, b"short")
