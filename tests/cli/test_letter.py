"""letter, as a person types it, in both languages."""

from pathlib import Path
from zipfile import is_zipfile

import pytest

from bidclient.formats import atomic
from bidclient.stages.draft import draft_bytes
from bidclient.store.bids import BidFolder
from tests.cli.conftest import Program
from tests.support.bids import BIDDER, make_draft, make_pki, make_tender


@pytest.fixture
def bid(tmp_path: Path) -> Path:
    package = make_tender(tmp_path, make_pki())
    folder = BidFolder.create(tmp_path / "bid", package.path)
    draft, _ = make_draft(folder.path, package)
    atomic.write(folder.draft, draft_bytes(draft))
    return folder.path


def test_a_letter_is_written_once(bid: Path, tmp_path: Path) -> None:
    clerk, out = Program(tmp_path / "home"), tmp_path / "投标函.docx"
    done = clerk.run("letter", bid, "-o", out)
    assert done.returncode == 0, done.stderr
    for said in (f"已写出投标函与开标一览表：{out}", f"作者：{BIDDER}", "导出为 PDF"):
        assert said in done.stdout
    assert "留空待填" not in done.stdout
    assert is_zipfile(out)
    assert clerk.error(2, "letter", bid, "-o", out)["code"] == "E-BID-EXISTS"
    assert clerk.error(2, "letter", bid, "-o", tmp_path / "letter.doc")["code"] == "E-VALUE"


def test_what_is_left_blank_is_said(bid: Path, tmp_path: Path) -> None:
    clerk = Program(tmp_path / "home")
    assert clerk.run("set", bid, "quality=", "manager=").returncode == 0
    done = clerk.run("letter", bid, "-o", tmp_path / "letter.docx", "--language", "en")
    assert "left blank: 质量、项目负责人" in done.stdout, done.stderr
    assert clerk.json("letter", bid, "-o", tmp_path / "again.docx")["blank"] == ["质量", "项目负责人"]
