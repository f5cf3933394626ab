"""How SM2 signatures and ciphertexts are written: strict DER (GM/T 0009), and raw as devices do."""

from typing import Literal, TypeVar

from asn1crypto import core

from bidclient.crypto import der
from bidclient.errors import BadFormat

CipherOrder = Literal["C1C3C2", "C1C2C3"]
"""C1 is the ephemeral point, C3 the check value, C2 the text; GB/T 32918.4-2016 has the first order."""

ORDER = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
"""The order n of the base point (GB/T 32918.5)."""

_FIELD = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
_A = _FIELD - 3
_B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
_BASE_X = 0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7
_BASE_Y = 0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0
_NUMBER = 32
_PAIR = 2 * _NUMBER
_HASH = 32
_UNCOMPRESSED = b"\x04"
_SIGNATURE_LIMIT = 80
_CIPHER_LIMIT = 64 * 1024

CURVE = b"".join(number.to_bytes(_NUMBER, "big") for number in (_A, _B, _BASE_X, _BASE_Y))
"""a ‖ b ‖ Gx ‖ Gy, the part of Z that is the same for all keys (GB/T 32918.2 §5.5)."""


class _Signature(core.Sequence):  # type: ignore[misc]
    _fields = [("r", core.Integer), ("s", core.Integer)]  # noqa: RUF012


class _Cipher(core.Sequence):  # type: ignore[misc]
    _fields = [  # noqa: RUF012
        ("x", core.Integer),
        ("y", core.Integer),
        ("hash", core.OctetString),
        ("text", core.OctetString),
    ]


_Form = TypeVar("_Form", _Signature, _Cipher)


def check_point(point: bytes) -> None:
    """Refuse anything but the 65 bytes 04‖X‖Y of a point on the SM2 curve. Raises ValueError."""
    if len(point) != 1 + _PAIR or point[:1] != _UNCOMPRESSED or not _on_curve(point[1:]):
        raise ValueError("not a point of the SM2 curve in uncompressed form")


def signature_from_raw(raw: bytes) -> bytes:
    """DER SEQUENCE {r, s} (GM/T 0009 §7.3) of the 64 bytes r‖s. Raises ValueError."""
    if len(raw) != _PAIR:
        raise ValueError(f"an SM2 signature of {len(raw)} bytes, {_PAIR} expected")
    numbers = [int.from_bytes(half, "big") for half in (raw[:_NUMBER], raw[_NUMBER:])]
    if not all(0 < number < ORDER for number in numbers):
        raise ValueError("an SM2 signature with a number out of range")
    return bytes(_Signature({"r": numbers[0], "s": numbers[1]}).dump())


def signature_to_raw(signature: bytes) -> bytes:
    """The 64 bytes r‖s of DER SEQUENCE {r, s}. Raises ValueError for anything but the one right spelling."""
    parsed = _parse(_Signature, signature, "SM2 signature", _SIGNATURE_LIMIT)
    raw = _number(parsed["r"].native) + _number(parsed["s"].native)
    signature_from_raw(raw)
    return raw


def cipher_from_raw(raw: bytes, order: CipherOrder) -> bytes:
    """DER SM2Cipher (GM/T 0009 §7.2) of a ciphertext as devices write it, with or without the 04.

    Which of the two follows from the point: it lies on the curve in one reading only. Raises ValueError.
    """
    readings = [raw[1:]] if raw[:1] == _UNCOMPRESSED else []
    bodies = [body for body in [*readings, raw] if len(body) > _PAIR + _HASH and _on_curve(body[:_PAIR])]
    if len(bodies) != 1:
        raise ValueError("not an SM2 ciphertext: the point is not on the curve, or it is cut short")
    pair, rest = bodies[0][:_PAIR], bodies[0][_PAIR:]
    check, text = (rest[:_HASH], rest[_HASH:]) if order == "C1C3C2" else (rest[-_HASH:], rest[:-_HASH])
    x, y = (int.from_bytes(half, "big") for half in (pair[:_NUMBER], pair[_NUMBER:]))
    return bytes(_Cipher({"x": x, "y": y, "hash": check, "text": text}).dump())


def cipher_to_raw(cipher: bytes, order: CipherOrder, prefix: bool) -> bytes:
    """A DER SM2Cipher as devices read it; `prefix` puts 04 before the point. Raises ValueError."""
    parsed = _parse(_Cipher, cipher, "SM2 ciphertext", _CIPHER_LIMIT)
    pair = _number(parsed["x"].native) + _number(parsed["y"].native)
    check, text = parsed["hash"].native, parsed["text"].native
    if len(check) != _HASH or not text or not _on_curve(pair):
        raise ValueError("not an SM2 ciphertext: a part of the wrong size, or the point is not on the curve")
    rest = check + text if order == "C1C3C2" else text + check
    return bytes((_UNCOMPRESSED if prefix else b"") + pair + rest)


def _on_curve(pair: bytes) -> bool:
    """Whether X‖Y are reduced coordinates with y² = x³ + ax + b; public data, so time may depend on it."""
    x, y = (int.from_bytes(half, "big") for half in (pair[:_NUMBER], pair[_NUMBER:_PAIR]))
    return x < _FIELD and y < _FIELD and (y * y - (x * x * x + _A * x + _B)) % _FIELD == 0


def _number(value: int) -> bytes:
    if not 0 <= value < 1 << 8 * _NUMBER:
        raise ValueError("a negative or too long number")
    return value.to_bytes(_NUMBER, "big")


def _parse(form: type[_Form], data: bytes, what: str, limit: int) -> _Form:
    """`data` as `form`, refused unless writing it again gives the same bytes. Raises ValueError."""
    try:
        der.check(data, what, limit)
        with der.reading(what):
            parsed: _Form = form.load(data, strict=True)
            again = form({name: parsed[name].native for name in parsed}).dump()
    except BadFormat as error:
        raise ValueError(f"{what}: {error.reason}") from error
    if again != data:
        raise ValueError(f"{what}: not the one DER spelling")
    return parsed
