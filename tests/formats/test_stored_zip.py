"""The ZIP that we write: the same bytes for the same content, and readable by everybody."""

import hashlib
import io
import subprocess
import zipfile
import zlib
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bidclient.errors import BadArchive, FileProblem, TooLarge
from bidclient.formats import stored_zip
from bidclient.formats.names import folded, name_problem
from bidclient.formats.stored_zip import Entry, Writer

CONTENT = {"mimetype": b"text/plain", "parts/投标函.pdf": b"%PDF" * 1000, "empty": b""}
_step = st.text(st.characters(codec="utf-8", exclude_characters="/"), min_size=1, max_size=8)
_name = st.lists(_step, min_size=1, max_size=3).map("/".join).filter(lambda name: name_problem(name) is None)
_files = st.lists(
    st.tuples(_name, st.binary(max_size=300)), min_size=1, max_size=8, unique_by=lambda pair: folded(pair[0])
)


def write(content: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    writer = Writer(file)
    for name, data in content.items():
        writer.add(name, io.BytesIO(data), len(data))
    writer.finish()
    return file.getvalue()


@settings(max_examples=100, deadline=None)
@given(_files)
def test_what_was_written_is_read_and_python_agrees(files: list[tuple[str, bytes]]) -> None:
    content = dict(files)
    if any(folded(other).startswith(folded(name) + "/") for name, other in permutations(content, 2)):
        with pytest.raises(BadArchive, match="file and a folder"):
            write(content)
        return
    data = write(content)
    file = io.BytesIO(data)
    entries = stored_zip.read_entries(file, "test")
    assert {entry.name: stored_zip.read_small(file, entry, 1000) for entry in entries} == content
    assert [entry.name for entry in entries] == list(content)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == content


def test_the_same_content_gives_the_same_bytes_streamed_or_not() -> None:
    file = io.BytesIO()
    writer = Writer(file)
    for name, data in CONTENT.items():
        writer.add_bytes(name, data)
    writer.finish()
    assert file.getvalue() == write(CONTENT) == write(CONTENT)


def test_unzip_finds_no_fault_and_keeps_chinese_names(tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    archive.write_bytes(write(CONTENT))
    assert subprocess.run(["unzip", "-t", archive], capture_output=True, check=False).returncode == 0
    subprocess.run(["unzip", "-q", archive, "-d", tmp_path / "out"], check=True)
    assert (tmp_path / "out/parts/投标函.pdf").read_bytes() == CONTENT["parts/投标函.pdf"]


def test_unzip_finds_the_fault_of_a_tampered_file(tmp_path: Path) -> None:
    data = bytearray(write(CONTENT))
    data[data.index(b"%PDF")] ^= 1
    archive = tmp_path / "a.zip"
    archive.write_bytes(data)
    assert subprocess.run(["unzip", "-t", archive], capture_output=True, check=False).returncode != 0


def test_changed_content_is_found_by_its_crc() -> None:
    data = bytearray(write(CONTENT))
    data[data.index(b"%PDF")] ^= 1
    file = io.BytesIO(data)
    entry = stored_zip.read_entries(file, "test")[1]
    with pytest.raises(BadArchive, match="CRC"):
        stored_zip.read_small(file, entry, 10_000)


def test_the_blocks_pass_by_the_digest_once() -> None:
    content = bytes(range(256)) * 10_000
    digest = hashlib.sha256()
    entry = Writer(io.BytesIO()).add("a", io.BytesIO(content), len(content), digest.update)
    assert digest.digest() == hashlib.sha256(content).digest()
    assert entry == Entry("a", len(content), zlib.crc32(content), stored_zip.local_header_size("a"))


@pytest.mark.parametrize("size", [0, 3, 5])
def test_a_source_of_another_size_is_refused(size: int) -> None:
    with pytest.raises(BadArchive):
        Writer(io.BytesIO()).add("a", io.BytesIO(b"1234"), size)


def test_more_entries_behind_a_copied_prefix(tmp_path: Path) -> None:
    first = tmp_path / "first.zip"
    first.write_bytes(write(CONTENT))
    seen: list[int] = []
    with first.open("rb") as source, (tmp_path / "second.zip").open("w+b") as target:
        entries = stored_zip.read_entries(source, "first")
        stored_zip.copy_prefix(source, target, entries[-1].end, seen.append)
        writer = Writer.continuing(target, entries)
        writer.add_bytes("more", b"1")
        assert writer.finish()[:-1] == entries
    assert (tmp_path / "second.zip").read_bytes() == write({**CONTENT, "more": b"1"})
    assert seen[-1] == entries[-1].end


def test_a_prefix_that_is_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "short").write_bytes(b"123")
    with (
        (tmp_path / "short").open("rb") as source,
        (tmp_path / "target").open("w+b") as target,
        pytest.raises(BadArchive),
    ):
        stored_zip.copy_prefix(source, target, 4, lambda done: None)


def test_the_copy_by_hand_gives_the_same_as_the_kernels() -> None:
    source, target = io.BytesIO(b"12345"), io.BytesIO()
    stored_zip.copy_prefix(source, target, 4, lambda done: None)
    assert target.getvalue() == b"1234"


def test_one_entry_reads_like_a_file() -> None:
    file = io.BytesIO(write(CONTENT))
    entry = stored_zip.read_entries(file, "test")[1]
    with stored_zip.open_entry(file, entry) as reader:
        assert reader.read() == CONTENT[entry.name]
        assert reader.seek(-3, io.SEEK_END) == entry.size - 3
        assert reader.read(10) == b"PDF"
        reader.seek(4)
        assert reader.seek(1, io.SEEK_CUR) == 5
        assert reader.read(2) == b"PD"
        with pytest.raises(OSError, match="negative"):
            reader.seek(-1)


def test_a_large_entry_is_not_read_into_memory() -> None:
    file = io.BytesIO(write(CONTENT))
    entry = stored_zip.read_entries(file, "test")[1]
    with pytest.raises(BadArchive, match="at most 10 allowed"):
        stored_zip.read_small(file, entry, 10)


def test_four_gibibytes_are_too_large() -> None:
    with pytest.raises(TooLarge):
        Writer(io.BytesIO()).add("a", io.BytesIO(), stored_zip.SIZE_LIMIT - 31)


def test_too_many_entries_are_too_large() -> None:
    file = io.BytesIO()
    entries = [Entry(f"{number}", 0, 0, 40 * number + 40) for number in range(65_534)]
    writer = Writer.continuing(file, entries)
    with pytest.raises(TooLarge):
        writer.add_bytes("one more", b"")


def test_a_bad_name_is_not_written() -> None:
    with pytest.raises(BadArchive):
        Writer(io.BytesIO()).add_bytes("../x", b"")


def test_two_names_for_one_file_are_not_finished() -> None:
    writer = Writer(io.BytesIO())
    writer.add_bytes("a", b"")
    writer.add_bytes("A", b"")
    with pytest.raises(BadArchive):
        writer.finish()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileProblem) as caught, stored_zip.open_archive(tmp_path / "none.zip"):
        pass
    assert caught.value.path.endswith("none.zip")
