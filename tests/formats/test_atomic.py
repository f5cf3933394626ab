"""Either the old content or the new."""

import stat
from pathlib import Path

import pytest

from bidclient.errors import DiskProblem
from bidclient.formats import atomic


def test_new_content_takes_the_place_of_the_old(tmp_path: Path) -> None:
    path = tmp_path / "草稿.json"
    atomic.write(path, b"old")
    atomic.write(path, b"new")
    assert path.read_bytes() == b"new"
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_error_leaves_the_old_content_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a"
    atomic.write(path, b"old")
    with pytest.raises(UnicodeEncodeError), atomic.replacing(path) as file:
        file.write(b"half" + "标".encode("ascii"))
    assert path.read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["a"]


def test_until_the_end_others_see_the_old_content(tmp_path: Path) -> None:
    path = tmp_path / "a"
    atomic.write(path, b"old")
    with atomic.replacing(path) as file:
        file.write(b"new")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DiskProblem) as caught:
        atomic.write(tmp_path / "none" / "a", b"")
    assert caught.value.path.endswith("a")


def test_a_folder_cannot_be_replaced_by_a_file(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(DiskProblem):
        atomic.write(tmp_path / "a", b"")
    assert [each.name for each in tmp_path.iterdir()] == ["a"]


def test_what_a_kill_has_left_half_written_is_cleared(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    left = tmp_path / "parts" / f"{atomic.TEMPORARY_PREFIX}a1b2c3_d-方案.pdf"
    left.write_bytes(b"half")
    building = tmp_path / f"{atomic.TEMPORARY_PREFIX}002"
    building.mkdir()
    (building / "receipt.p7s").write_bytes(b"half")
    own = tmp_path / "parts" / f"{atomic.TEMPORARY_PREFIX}方案.pdf"
    own.write_bytes(b"of the user")
    atomic.clear_unfinished(tmp_path)
    assert [path.name for path in tmp_path.rglob("*")] == ["parts", own.name]
