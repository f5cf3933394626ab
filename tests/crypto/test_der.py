from datetime import UTC, datetime

import pytest
from asn1crypto import core, parser
from hypothesis import given, settings
from hypothesis import strategies as st

from bidclient.crypto import der
from bidclient.errors import BadFormat

GOOD = [
    "0500",
    "30030101ff",
    "30030101 00",
    "020100",
    "02017f",
    "02020080",
    "0201 80",
    "0202 ff7f",
    "3000",
    "a003020101",
    "8003616263",
    "0481 80" + "00" * 128,
]
BAD = {
    "nothing": "",
    "one byte": "30",
    "bytes after the end": "050000",
    "cut short": "3003 0101",
    "child longer than its parent": "3003 0102ff",
    "indefinite length": "3080 0500 0000",
    "long form of a short length": "3081 02 0500",
    "leading zero in the length": "0482 0080" + "00" * 128,
    "length of five octets": "0485 0000000001 00",
    "long tag": "1f2100",
    "constructed octet string": "2403 040100",
    "primitive sequence": "1002 0500",
    "boolean 01": "010101",
    "boolean of two bytes": "0102ffff",
    "null with content": "050100",
    "empty integer": "0200",
    "integer with a spare zero": "02020001",
    "integer with a spare ff": "0202ff80",
    "enumerated with a spare zero": "0a020001",
}


@pytest.mark.parametrize("text", GOOD)
def test_der_passes_and_nothing_shorter(text: str) -> None:
    data = bytes.fromhex(text)
    der.check(data, "x", 1000)
    with pytest.raises(BadFormat):
        der.check(data[:-1], "x", 1000)


@pytest.mark.parametrize("text", BAD.values(), ids=BAD.keys())
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(BadFormat):
        der.check(bytes.fromhex(text), "x", 1000)


def test_size_and_depth_are_bounded() -> None:
    with pytest.raises(BadFormat) as caught:
        der.check(b"\x05\x00", "x", 1)
    assert caught.value.facts == {"what": "x", "reason": "2 bytes, at most 1 allowed"}
    nested = b""
    for _ in range(60):
        nested = bytes([0x30, len(nested)]) + nested if len(nested) < 128 else nested
    with pytest.raises(BadFormat, match="nested too deeply"):
        der.check(nested, "x", 1000)


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=64))
def test_noise_passes_only_in_the_encoding_that_asn1crypto_writes(noise: bytes) -> None:
    try:
        der.check(noise, "noise", 1000)
    except BadFormat:
        accepted = False
    else:
        accepted = True
    assert not accepted or parser.emit(*parser.parse(noise, strict=True)[:3], parser.parse(noise)[4]) == noise


@pytest.mark.parametrize(
    ("text", "hour"), [("20260101080000Z", 8), ("20260101080000+0800", 0), ("20260101080000.5Z", 8)]
)
def test_a_time_is_given_in_utc(text: str, hour: int) -> None:
    value = core.GeneralizedTime.load(b"\x18" + bytes([len(text)]) + text.encode())
    assert der.moment(value).replace(microsecond=0) == datetime(2026, 1, 1, hour, tzinfo=UTC)


@pytest.mark.parametrize("text", ["20260101080000", "2026010108", "20260101080000.5"])
def test_a_time_without_a_zone_is_refused(text: str) -> None:
    value = core.GeneralizedTime.load(b"\x18" + bytes([len(text)]) + text.encode())
    with pytest.raises(BadFormat), der.reading("x"):
        der.moment(value)


def test_octets_are_octets() -> None:
    assert der.octets(core.OctetString(b"abc")) == b"abc"
    for other in (core.Integer(3), core.UTF8String("abc"), core.Null(), core.BitString((1, 0))):
        with pytest.raises(BadFormat), der.reading("x"):
            der.octets(other)
