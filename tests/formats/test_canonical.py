"""One spelling for everything that is hashed or signed."""

import json
import unicodedata
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bidclient.errors import BadFormat, NotCanonical
from bidclient.formats import canonical
from bidclient.formats.record import read_record

_text = st.text(max_size=12).map(lambda text: unicodedata.normalize("NFC", text))
_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | _text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_text, inner, max_size=4),
    max_leaves=12,
)


class Point(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    x: int
    name: str = ""


@settings(max_examples=200, deadline=None)
@given(_values)
def test_what_was_written_is_read(value: Any) -> None:
    data = canonical.dumps(value)
    assert canonical.loads(data, object, "test") == value
    assert canonical.dumps(json.loads(data)) == data


@settings(max_examples=200, deadline=None)
@given(_values)
def test_other_spellings_are_refused(value: Any) -> None:
    data = canonical.dumps(value)
    for other in (b" " + data, data + b"\n", json.dumps(value, indent=1).encode()):
        if other != data:
            with pytest.raises(NotCanonical):
                canonical.loads(other, object, "test")


@pytest.mark.parametrize(
    "data",
    [
        b'{"b":1,"a":2}',
        b'{"a":1,"a":1}',
        b'{"a": 1}',
        b'{"a":1.0}',
        b'{"a":1e3}',
        b'{"a":-0}',
        b'{"a":01}',
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":9007199254740992}',
        b'{"a":"\\u4e00"}',
        b'{"a":"\\/"}',
        '{"a":"e\u0301"}'.encode(),
        b'{"a":"\\ud800"}',
        b'{"a":"\xff"}',
        b"\xef\xbb\xbf{}",
        b"",
        b"{",
        b"[" * 40 + b"]" * 40,
        b"[" * 100_000,
    ],
)
def test_json_that_is_not_canonical_is_refused(data: bytes) -> None:
    with pytest.raises(NotCanonical) as caught:
        canonical.loads(data, object, "stub")
    assert caught.value.what == "stub"


@pytest.mark.parametrize("data", [b'{"name":"a"}', b'{"x":"1"}', b'{"x":1,"y":2}', b"[]", b"null"])
def test_canonical_json_of_another_shape_is_refused(data: bytes) -> None:
    with pytest.raises(BadFormat):
        canonical.loads(data, Point, "point")


def test_too_much_is_refused_before_it_is_parsed() -> None:
    with pytest.raises(BadFormat, match="at most 3"):
        canonical.loads(b'"aaaa"', str, "test", limit=3)


@pytest.mark.parametrize("value", [1.5, 2**53, "e\u0301", {"a": float("nan")}, {"e\u0301": 1}])
def test_what_has_no_canonical_form_is_the_callers_fault(value: Any) -> None:
    with pytest.raises(ValueError, match=r".+"):
        canonical.dumps(value)


def test_a_record_spells_out_its_defaults() -> None:
    data = canonical.dumps(Point(1))
    assert data == b'{"name":"","x":1}'
    assert read_record(data, Point, "point") == Point(1)
    assert canonical.loads(b'{"x":1}', Point, "point") == Point(1)
    with pytest.raises(NotCanonical, match="left out"):
        read_record(b'{"x":1}', Point, "point")
