"""Canonical JSON (RFC 8785): everything that is hashed or signed has exactly one spelling.

Narrower than the RFC: no floating point numbers, integers below 2^53, strings in Unicode NFC.
"""

import json
import unicodedata
from typing import Any, NoReturn, TypeVar

import msgspec
import rfc8785

from bidclient.errors import BadFormat, NotCanonical

_T = TypeVar("_T")
_LIMIT = 2**53
_DEPTH = 32
_MOST_VALUES = 1_000_000
"""A few bytes of JSON can take a hundred in memory: `[[],[],[],…` must not get further than this."""
DEFAULT_SIZE_LIMIT = 16 * 1024 * 1024


def dumps(value: Any) -> bytes:
    """The canonical bytes of a JSON value or of a msgspec Struct.

    Raises ValueError, a fault of the caller, for floats, integers from 2^53 on and strings that are not NFC.
    """
    plain = msgspec.to_builtins(value, str_keys=True)
    _check(plain, 0)
    return rfc8785.dumps(plain)


def loads(data: bytes, kind: type[_T], what: str, limit: int = DEFAULT_SIZE_LIMIT) -> _T:
    """The value of type `kind` in `data`, which must be canonical to the byte.

    `what` names the artefact in errors. Raises NotCanonical for another spelling (white space, key order,
    duplicate keys, floats, non-NFC), BadFormat for more than `limit` bytes, too many values, or a value that
    is not a `kind`.
    """
    if len(data) > limit:
        raise BadFormat(what, f"{len(data)} bytes, at most {limit} allowed")
    if sum(map(data.count, (b",", b"[", b"{"))) > _MOST_VALUES:
        raise BadFormat(what, f"more than {_MOST_VALUES} values")
    try:
        plain = json.loads(data.decode("utf-8"), parse_float=_no_float, parse_constant=_no_float)
        _check(plain, 0)
        again = rfc8785.dumps(plain)
    except (ValueError, RecursionError) as error:
        raise NotCanonical(what, str(error)) from error
    if again != data:
        raise NotCanonical(what, "not in canonical form")
    try:
        return msgspec.convert(plain, kind)
    except msgspec.ValidationError as error:
        raise BadFormat(what, str(error)) from error


def _no_float(text: str) -> NoReturn:
    raise ValueError(f"number {text} is not an integer")


def _check(value: Any, depth: int) -> None:
    if depth > _DEPTH:
        raise ValueError("nested too deeply")
    match value:
        case None | bool():
            pass
        case str():
            _check_text(value)
        case int():
            if not -_LIMIT < value < _LIMIT:
                raise ValueError(f"integer {value} is out of range")
        case list() | tuple():
            for item in value:
                _check(item, depth + 1)
        case dict():
            for key, item in value.items():
                _check_text(key)
                _check(item, depth + 1)
        case _:
            raise ValueError(f"{type(value).__name__} has no canonical form")


def _check_text(text: str) -> None:
    if not unicodedata.is_normalized("NFC", text):
        raise ValueError("a string is not in Unicode NFC")
