"""Names that mean one file everywhere."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bidclient.errors import BadArchive
from bidclient.formats.names import PATH_BYTES, check_distinct, check_entry_name, name_problem

GOOD = [
    "a",
    "投标函.pdf",
    "parts/technical/施工组织设计.pdf",
    "a/b/c/d/e/f",
    "é.txt",
    ".hidden",
    "con1",
    "x" * 255,
]
BAD = {
    "empty": "",
    "absolute": "/etc/passwd",
    "traversal": "parts/../../x",
    "dot": "parts/./x",
    "only dots": "..",
    "empty step": "a//b",
    "folder": "a/",
    "backslash": "a\\b",
    "drive": "C:/x",
    "stream": "a.pdf:hidden",
    "wildcard": "a*.pdf",
    "question": "a?.pdf",
    "quote": 'a".pdf',
    "pipe": "a|b",
    "angle": "a<b",
    "newline": "a\nb",
    "nul": "a\0b",
    "delete": "a\x7fb",
    "right-to-left override": "a\u202efdp.exe",
    "isolate": "a\u2066b",
    "arabic letter mark": "a\u061cb",
    "zero-width joiner": "a\u200db",
    "line separator": "a\u2028b",
    "not NFC": "e\u0301.txt",
    "device": "parts/CON",
    "device with ending": "aux.pdf",
    "device with space": "nul .txt",
    "superscript device": "COM¹.pdf",
    "trailing dot": "a.",
    "trailing space": "a /b",
    "long step": "x" * 256,
    "long Chinese step": "标" * 86,
    "long path": "/".join(["标" * 40] * 5),
    "deep": "a/b/c/d/e/f/g",
}


@pytest.mark.parametrize("name", GOOD)
def test_a_good_name_is_given_back(name: str) -> None:
    assert check_entry_name(name, "test.zip") == name


@pytest.mark.parametrize("name", BAD.values(), ids=BAD.keys())
def test_a_bad_name_is_refused(name: str) -> None:
    with pytest.raises(BadArchive) as caught:
        check_entry_name(name, "test.zip")
    assert caught.value.what == "test.zip"
    assert caught.value.reason.isprintable()


@pytest.mark.parametrize(
    "paths",
    [
        ("a", "a"),
        ("Straße.pdf", "STRASSE.pdf"),
        ("parts/Bid.pdf", "parts/bid.PDF"),
        ("Ａ.pdf", "ａ.pdf"),
        ("a", "a/b"),
        ("x/y/z", "X/Y"),
    ],
)
def test_two_names_for_one_file_are_refused(paths: tuple[str, str]) -> None:
    with pytest.raises(BadArchive):
        check_distinct(paths, "test.zip")
    with pytest.raises(BadArchive):
        check_distinct(reversed(paths), "test.zip")


def test_neighbours_are_distinct() -> None:
    check_distinct(["a/b", "a/c", "ab", "a-b/c"], "test.zip")
    assert name_problem("a/b") is None


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=40))
def test_what_is_accepted_is_harmless(name: str) -> None:
    if name_problem(name) is None:
        assert unicodedata.is_normalized("NFC", name)
        assert not set(name) & set('\\:*?"<>|')
        assert all(step not in ("", ".", "..") for step in name.split("/"))
        assert len(name.encode()) <= PATH_BYTES
