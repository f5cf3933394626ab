"""Every known trick with ZIP files is refused by name."""

import io
import stat
import struct
import zipfile
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bidclient.errors import BadArchive
from bidclient.formats.stored_zip import Writer, read_entries, read_small

FILES = {"first.txt": b"1" * 50, "folder/second.txt": b"2" * 60}
LOCAL, CENTRAL, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"


def good(files: dict[str, bytes] = FILES) -> bytes:
    file = io.BytesIO()
    writer = Writer(file)
    for name, data in files.items():
        writer.add_bytes(name, data)
    writer.finish()
    return file.getvalue()


def pythons(change: Callable[[zipfile.ZipFile, zipfile.ZipInfo], None], name: str = "second.txt") -> bytes:
    """A ZIP by Python's zipfile that is in our form but for what `change` does to its second entry."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for each in ("first.txt", name):
            info = zipfile.ZipInfo(each)
            info.create_system, info.external_attr = 3, 0o100644 << 16
            if each == name:
                change(archive, info)
            archive.writestr(info, b"1" * 200)
    return file.getvalue()


def patched(signature: bytes, offset: int, shape: str, value: int, which: int = 0) -> bytes:
    data = bytearray(good())
    position = -1
    for _ in range(which + 1):
        position = data.index(signature, position + 1)
    struct.pack_into(shape, data, position + offset, value)
    return bytes(data)


def renamed(old: bytes, new: bytes) -> bytes:
    assert len(old) == len(new)
    return good().replace(old, new)


def both(offset_local: int, offset_central: int, value: int) -> bytes:
    data = bytearray(good())
    struct.pack_into("<H", data, data.index(LOCAL) + offset_local, value)
    struct.pack_into("<H", data, data.index(CENTRAL) + offset_central, value)
    return bytes(data)


def shifted(before: bytes = b"", between: bytes = b"", mend: bool = True) -> bytes:
    """Bytes put in front of the archive or before its directory, the offsets mended or not."""
    data = bytearray(good())
    start = data.index(CENTRAL)
    if mend:
        for position in (start, data.index(CENTRAL, start + 1)):
            offset = struct.unpack_from("<L", data, position + 42)[0]
            struct.pack_into("<L", data, position + 42, offset + len(before))
        struct.pack_into("<L", data, data.index(END) + 16, start + len(before) + len(between))
    return before + bytes(data[:start]) + between + bytes(data[start:])


def gap() -> bytes:
    """A byte between the two entries, all offsets right."""
    data = bytearray(good())
    second = data.index(LOCAL, 1)
    directory = data.index(CENTRAL)
    struct.pack_into("<L", data, data.index(CENTRAL, directory + 1) + 42, second + 1)
    struct.pack_into("<L", data, data.index(END) + 16, directory + 1)
    return bytes(data[:second]) + b"x" + bytes(data[second:])


def overlapping() -> bytes:
    """Two directory entries for the same bytes: more content than the file is long (a zip bomb's kernel)."""
    data = good({"a": b"1" * 50})
    directory = data[data.index(CENTRAL) : data.index(END)]
    twice = directory + directory.replace(b"a", b"b")
    end = struct.pack("<4s4H2LH", END, 0, 0, 2, 2, len(twice), data.index(CENTRAL), 0)
    return data[: data.index(CENTRAL)] + twice + end


def grown() -> bytes:
    """An entry that, by both headers, reaches far into the directory."""
    return good({"a": b"1" * 9}).replace(struct.pack("<2L", 9, 9), struct.pack("<2L", 240, 240))


def set_field(name: str, value: object) -> Callable[[zipfile.ZipFile, zipfile.ZipInfo], None]:
    return lambda archive, info: setattr(info, name, value)


def unsized(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> None:
    """From here on zipfile cannot seek and writes data descriptors."""
    archive._seekable = False  # type: ignore[attr-defined]


HOSTILE: dict[str, tuple[bytes, str]] = {
    "NUL in a name": (renamed(b"folder/second.txt", b"first.txt\0\0\0\0\0\0\0\0"), "U\\+0000"),
    "duplicate names": (good({"aa": b"1", "ab": b"2"}).replace(b"ab", b"aa"), "two entries mean one file"),
    "case duplicates": (good({"aa": b"1", "ab": b"2"}).replace(b"ab", b"AA"), "two entries mean one file"),
    "file and folder": (good({"a": b"1", "b/c": b"2"}).replace(b"b/c", b"a/c"), "both a file and a folder"),
    "local name differs": (good().replace(b"first.txt", b"other.txt", 1), "name in the local header"),
    "local size differs": (patched(LOCAL, 22, "<L", 49), "'size'"),
    "local CRC differs": (patched(LOCAL, 14, "<L", 1), "'crc'"),
    "central size differs": (patched(CENTRAL, 24, "<L", 49), "'compressed size'"),
    "traversal": (renamed(b"folder/second.txt", b"../../../../x.txt"), "leaves its folder"),
    "absolute": (renamed(b"folder/second.txt", b"/etc/cron.d/x.txt"), "absolute"),
    "drive": (renamed(b"folder/second.txt", b"C:\\dir\\second.txt"), "U\\+003A"),
    "backslash": (renamed(b"folder/second.txt", b"folder\\second.txt"), "U\\+005C"),
    "device": (renamed(b"first.txt", b"con.3.txt"), "device name"),
    "bidi": (good({"aaa\u4e00.txt": b""}).replace("\u4e00".encode(), "\u202e".encode()), "U\\+202E"),
    "not UTF-8": (good({"aaa\u4e00.txt": b""}).replace("\u4e00".encode(), b"\xff\xfe\xfd"), "not UTF-8"),
    "UTF-8 flag missing": (good({"\u4e00": b""}).replace(b"\0\x08" + bytes(4), bytes(6)), "'flags'"),
    "UTF-8 flag without need": (both(6, 8, 1 << 11), "'flags'"),
    "encrypted flag": (both(6, 8, 1), "'flags'"),
    "strong encryption flag": (both(6, 8, 1 << 6), "'flags'"),
    "local flags only": (patched(LOCAL, 6, "<H", 1), "'flags'"),
    "symbolic link": (patched(CENTRAL, 38, "<L", (stat.S_IFLNK | 0o777) << 16), "external attributes"),
    "folder attribute": (patched(CENTRAL, 38, "<L", (stat.S_IFDIR | 0o755) << 16), "external attributes"),
    "executable": (patched(CENTRAL, 38, "<L", (stat.S_IFREG | 0o755) << 16), "external attributes"),
    "made by DOS": (patched(CENTRAL, 4, "<H", 20), "'made by'"),
    "compressed entry": (pythons(set_field("compress_type", zipfile.ZIP_DEFLATED)), "'method'"),
    "extra field": (pythons(set_field("extra", b"\x99\x99\x01\x00x")), "'extra length'"),
    "entry comment": (pythons(set_field("comment", b"hello")), "'comment length'"),
    "other date": (pythons(set_field("date_time", (2026, 1, 1, 0, 0, 0))), "'date'"),
    "data descriptor": (pythons(unsized), "'flags'"),
    "ZIP64 size": (patched(CENTRAL, 24, "<L", 0xFFFFFFFF), "'compressed size'"),
    "other disk": (patched(CENTRAL, 34, "<H", 1), "'disk'"),
    "archive comment": (good()[:-2] + b"\x05\0hello", "end record"),
    "bytes behind": (good() + b"x", "end record"),
    "second archive behind": (good() + good({"other": b"1"}), "must be"),
    "second archive in front": (good({"other": b"1"}) + good(), "must be"),
    "bytes in front, offsets mended": (shifted(before=b"#!/bin/sh\n"), "between entries"),
    "bytes in front, offsets not mended": (shifted(before=b"x", mend=False), "must be"),
    "bytes before the directory": (shifted(between=b"hidden"), "before the directory"),
    "gap": (gap(), "between entries"),
    "overlapping entries": (overlapping(), "overlap"),
    "entry into the directory": (grown(), "runs into"),
    "cut short": (good()[:-1], "end record"),
    "count too high": (patched(END, 10, "<H", 3), "must be"),
    "empty archive": (struct.pack("<4s4H2LH", END, 0, 0, 0, 0, 0, 0, 0), "0 entries"),
    "nothing": (b"", "too short"),
    "oversized directory": (patched(END, 12, "<L", 60_000), "central directory of"),
    "directory cut": (patched(END, 12, "<L", 100), "must be|cut short"),
}  # fmt: skip


@pytest.mark.parametrize(("data", "reason"), HOSTILE.values(), ids=HOSTILE.keys())
def test_a_trick_is_refused_by_name(data: bytes, reason: str) -> None:
    with pytest.raises(BadArchive, match=reason):
        read_entries(io.BytesIO(data), "bid.zip")


def test_the_untouched_file_is_read() -> None:
    assert read_whole(io.BytesIO(good())) == FILES
    assert [entry.name for entry in read_entries(io.BytesIO(pythons(lambda a, i: None)), "x")] == [
        "first.txt",
        "second.txt",
    ]


def test_too_many_entries_are_refused() -> None:
    data = good({f"{number}": b"" for number in range(11)})
    assert len(read_entries(io.BytesIO(data), "bid.zip", max_entries=11)) == 11
    with pytest.raises(BadArchive, match="1 to 10 allowed"):
        read_entries(io.BytesIO(data), "bid.zip", max_entries=10)


def read_whole(file: io.BytesIO) -> dict[str, bytes]:
    return {entry.name: read_small(file, entry, 1000) for entry in read_entries(file, "bid.zip")}


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_changed_byte_goes_unnoticed(data: st.DataObject) -> None:
    changed = bytearray(good())
    position = data.draw(st.integers(0, len(changed) - 1))
    changed[position] ^= data.draw(st.integers(1, 255))
    with pytest.raises(BadArchive):
        read_whole(io.BytesIO(changed))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_noise_is_refused(data: bytes) -> None:
    with pytest.raises(BadArchive):
        read_entries(io.BytesIO(data), "bid.zip")
