"""Files that somebody else has made are read only as far as they may go, and never through a link."""

from pathlib import Path

import pytest

from bidclient.desk import build
from bidclient.errors import FileProblem, TooLarge
from bidclient.store.settings import Settings

MIB = 1024 * 1024


def sparse(path: Path, size: int) -> Path:
    """A file of this size that takes no room."""
    with path.open("wb") as file:
        file.truncate(size)
    return path


def test_a_link_in_an_evidence_folder_is_refused(tmp_path: Path) -> None:
    secret, folder = tmp_path / "secret", tmp_path / "evidence"
    secret.write_bytes(b"not yours")
    folder.mkdir()
    (folder / "bid.stub").symlink_to(secret)
    with build(Settings()) as desk, pytest.raises(FileProblem, match="symbolic link"):
        desk.evidence.verify(folder)
    (folder / "bid.stub").unlink()
    (folder / "certificates").symlink_to(tmp_path)
    with build(Settings()) as desk, pytest.raises(FileProblem, match="symbolic link"):
        desk.evidence.verify(folder)


@pytest.mark.parametrize("sizes", [[65 * MIB], [60 * MIB] * 5], ids=["one file", "all together"])
def test_an_evidence_folder_has_a_largest_size(tmp_path: Path, sizes: list[int]) -> None:
    for number, size in enumerate(sizes):
        sparse(tmp_path / f"{number}.p7s", size)
    with build(Settings()) as desk, pytest.raises(TooLarge):
        desk.evidence.verify(tmp_path)


def test_an_evidence_folder_has_so_many_files_at_most(tmp_path: Path) -> None:
    for number in range(10_001):
        (tmp_path / f"{number}").touch()
    with build(Settings()) as desk, pytest.raises(TooLarge):
        desk.evidence.verify(tmp_path)


@pytest.mark.parametrize(("name", "size"), [("bid.stub", 2 * MIB), ("receipt.p7s", 40 * MIB)])
def test_a_stub_or_receipt_beyond_its_limit_is_invalid_unread(tmp_path: Path, name: str, size: int) -> None:
    with build(Settings()) as desk:
        report = desk.verifying.verify(sparse(tmp_path / name, size))
    (first, *_) = report.verdicts
    assert first.verdict == "invalid"
    assert "E-TOO-LARGE" in first.reason
