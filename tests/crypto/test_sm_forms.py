"""The forms of SM2 values: each has one spelling, and every spelling of a device leads to it and back."""

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from bidclient.crypto.sm import (
    CipherOrder,
    cipher_from_raw,
    cipher_to_raw,
    signature_from_raw,
    signature_to_raw,
)

FIELD = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
ORDER = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
ORDERS: tuple[CipherOrder, ...] = ("C1C3C2", "C1C2C3")

numbers = st.integers(1, ORDER - 1) | st.integers(1, 1 << 16)


@st.composite
def pairs(draw: st.DrawFn) -> bytes:
    """X‖Y on the curve; small X for leading zeros, and X that begins like the prefix 04."""
    small, prefixed = st.integers(0, 1 << 200), st.integers(4 << 248, (5 << 248) - 1)
    x = draw(st.integers(0, FIELD - 1) | small | prefixed)
    square = (x**3 - 3 * x + B) % FIELD
    y = pow(square, (FIELD + 1) // 4, FIELD)
    assume(y * y % FIELD == square)
    return x.to_bytes(32, "big") + y.to_bytes(32, "big")


@given(numbers, numbers)
@example(1, 1)
@example(ORDER - 1, 0x80)
def test_signatures_go_from_raw_to_der_and_back(r: int, s: int) -> None:
    raw = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    assert signature_to_raw(signature_from_raw(raw)) == raw


@settings(deadline=None)
@given(pairs(), st.binary(min_size=32, max_size=32), st.binary(min_size=1, max_size=300))
def test_ciphertexts_go_through_all_forms_and_back(pair: bytes, check: bytes, text: bytes) -> None:
    raw = {"C1C3C2": pair + check + text, "C1C2C3": pair + text + check}
    expected = cipher_from_raw(pair + check + text, "C1C3C2")
    for order in ORDERS:
        assert cipher_from_raw(raw[order], order) == expected
        assert cipher_from_raw(b"\x04" + raw[order], order) == expected
        assert cipher_to_raw(expected, order, prefix=False) == raw[order]
        assert cipher_to_raw(expected, order, prefix=True) == b"\x04" + raw[order]


def sequence(*parts: str) -> bytes:
    body = bytes.fromhex("".join(parts))
    return b"\x30" + bytes([len(body)]) + body


BAD_SIGNATURES = {
    "nothing": b"",
    "r is 0": sequence("020100", "020101"),
    "s is 0": sequence("020101", "020100"),
    "r is negative": sequence("0201ff", "020101"),
    "r is n": sequence(f"022100{ORDER:x}", "020101"),
    "r has a spare zero": sequence("02020001", "020101"),
    "three numbers": sequence("020101", "020101", "020101"),
    "one number": sequence("020101"),
    "an octet string": sequence("020101", "040101"),
    "bytes behind": sequence("020101", "020101") + b"\0",
    "bytes inside": sequence("020101", "020101", "00"),
    "a long length": b"\x30\x81\x06\x02\x01\x01\x02\x01\x01",
    "an endless length": b"\x30\x80\x02\x01\x01\x02\x01\x01\0\0",
    "raw": bytes(range(1, 65)),
}


@pytest.mark.parametrize("signature", BAD_SIGNATURES.values(), ids=BAD_SIGNATURES.keys())
def test_other_spellings_of_signatures_are_refused(signature: bytes) -> None:
    with pytest.raises(ValueError, match=r"SM2 signature|negative or too long"):
        signature_to_raw(signature)


@pytest.mark.parametrize("raw", [b"", bytes(63), bytes(64), bytes(65), b"\xff" * 64])
def test_raw_signatures_out_of_range_are_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match="SM2 signature"):
        signature_from_raw(raw)


X = "32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7"
Y = "bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0"
GOOD_X, GOOD_Y, GOOD_CHECK, GOOD_TEXT = f"0220{X}", f"022100{Y}", "0420" + "ab" * 32, "0401cd"
BAD_CIPHERS = {
    "nothing": b"",
    "off the curve": sequence(GOOD_X, "020105", GOOD_CHECK, GOOD_TEXT),
    "y negative": sequence(GOOD_X, f"0220{Y}", GOOD_CHECK, GOOD_TEXT),
    "y overlong": sequence(GOOD_X, f"02220000{Y}", GOOD_CHECK, GOOD_TEXT),
    "y of 33 bytes": sequence(GOOD_X, f"022101{Y}", GOOD_CHECK, GOOD_TEXT),
    "short check value": sequence(GOOD_X, GOOD_Y, "041f" + "ab" * 31, GOOD_TEXT),
    "long check value": sequence(GOOD_X, GOOD_Y, "0421" + "ab" * 33, GOOD_TEXT),
    "no text": sequence(GOOD_X, GOOD_Y, GOOD_CHECK, "0400"),
    "text missing": sequence(GOOD_X, GOOD_Y, GOOD_CHECK),
    "a fifth part": sequence(GOOD_X, GOOD_Y, GOOD_CHECK, GOOD_TEXT, "0500"),
    "bytes behind": sequence(GOOD_X, GOOD_Y, GOOD_CHECK, GOOD_TEXT) + b"\0",
}


def test_the_good_ciphertext_among_the_bad_passes() -> None:
    cipher = sequence(GOOD_X, GOOD_Y, GOOD_CHECK, GOOD_TEXT)
    assert cipher_to_raw(cipher, "C1C3C2", prefix=True).hex() == f"04{X}{Y}{'ab' * 32}cd"


@pytest.mark.parametrize("cipher", BAD_CIPHERS.values(), ids=BAD_CIPHERS.keys())
def test_other_spellings_of_ciphertexts_are_refused(cipher: bytes) -> None:
    with pytest.raises(ValueError, match=r"SM2 ciphertext|negative or too long"):
        cipher_to_raw(cipher, "C1C3C2", prefix=True)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x04",
        bytes.fromhex(X + Y) + bytes(32),
        bytes.fromhex("04" + X + Y) + bytes(32),
        bytes.fromhex("02" + X) + bytes(40),
        bytes.fromhex(X + X) + bytes(33),
        bytes.fromhex("0404" + X + Y) + bytes(33),
    ],
)
def test_raw_ciphertexts_without_a_point_or_text_are_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match="SM2 ciphertext"):
        cipher_from_raw(raw, "C1C3C2")
