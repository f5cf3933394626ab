"""The strict door for DER: whatever two parsers could read differently is refused before parsing."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from asn1crypto import core

from bidclient.errors import BadFormat

PARSE_ERRORS = (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError)
"""What asn1crypto raises when a value is not what its type promises."""

_DEPTH = 40
_BOOLEAN, _INTEGER, _NULL, _ENUMERATED = 1, 2, 5, 10
_SEQUENCE, _SET = 16, 17


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Turn what asn1crypto raises while it reads `what` into BadFormat."""
    try:
        yield
    except PARSE_ERRORS as error:
        raise BadFormat(what, "not the expected ASN.1 structure") from error


def check(data: bytes, what: str, limit: int) -> None:
    """Refuse `data` unless it is exactly one DER element (X.690 §8–10) of at most `limit` bytes.

    Definite and shortest lengths, no constructed strings, shortest integers, TRUE as FF, nothing behind.
    The order of SETs and explicit defaults are not looked at: certificates in use get them wrong.
    Raises BadFormat.
    """
    if len(data) > limit:
        raise BadFormat(what, f"{len(data)} bytes, at most {limit} allowed")
    try:
        end = _check_element(data, 0, len(data), 0)
        if end != len(data):
            raise ValueError("bytes after the end")
    except ValueError as error:
        raise BadFormat(what, f"not DER: {error}") from error


def octets(value: core.Asn1Value) -> bytes:
    """The octets of a value that stands where anything may stand. Raises TypeError, see PARSE_ERRORS."""
    native = value.native
    if not isinstance(native, bytes):
        raise TypeError("not an OCTET STRING")
    return native


def moment(value: core.Asn1Value) -> datetime:
    """The time in a UTCTime or GeneralizedTime, as UTC. Raises ValueError, see PARSE_ERRORS.

    Without a zone (which DER forbids, X.690 §11.7) it would be another time on every computer.
    """
    native: datetime = value.native
    if native.tzinfo is None:
        raise ValueError("a time without a zone")
    return native.astimezone(UTC)


def _check_element(data: bytes, start: int, end: int, depth: int) -> int:
    """The offset after the element at `start`; `end` is where its parent ends. Raises ValueError."""
    if depth > _DEPTH:
        raise ValueError("nested too deeply")
    content, after = _content(data, start, end)
    constructed, tag, universal = data[start] & 0x20, data[start] & 0x1F, data[start] < 0x40
    if universal and bool(constructed) != (tag in (_SEQUENCE, _SET)):
        raise ValueError(f"tag {tag} in the wrong form")
    if constructed:
        while content < after:
            content = _check_element(data, content, after, depth + 1)
    elif universal:
        _check_primitive(tag, data[content : min(after, content + 2)], after - content)
    return after


def _content(data: bytes, start: int, end: int) -> tuple[int, int]:
    """Where the content of the element at `start` begins and ends. Raises ValueError."""
    content = start + 2
    if content > end:
        raise ValueError("cut short")
    if data[start] & 0x1F == 0x1F:
        raise ValueError("a long tag")
    length = data[start + 1]
    if length >= 0x80:
        octets = length & 0x7F
        content += octets
        if not 1 <= octets <= 4 or content > end:
            raise ValueError("an indefinite or overlong length")
        length = int.from_bytes(data[content - octets : content], "big")
        if length < 0x80 or length >> 8 * (octets - 1) == 0:
            raise ValueError("a length that is not the shortest")
    if length > end - content:
        raise ValueError("cut short")
    return content, content + length


def _check_primitive(tag: int, first: bytes, length: int) -> None:
    """Refuse a second spelling of a boolean or integer; `first` holds up to two bytes. Raises ValueError."""
    if tag == _BOOLEAN and (length != 1 or first[0] not in (0x00, 0xFF)):
        raise ValueError("a boolean that is neither 00 nor FF")
    if tag == _NULL and length != 0:
        raise ValueError("a null that is not empty")
    if tag in (_INTEGER, _ENUMERATED):
        if length == 0:
            raise ValueError("an empty integer")
        if length > 1 and first[0] in (0x00, 0xFF) and (first[0] ^ first[1]) < 0x80:
            raise ValueError("an integer that is not the shortest")
