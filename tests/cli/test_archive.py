"""archive add, list, show, remove, reindex, as a person types them, in both languages."""

import re
import shutil
from pathlib import Path

import pytest

from bidclient.crypto.blinded import recognised
from bidclient.store.settings import CompanySettings, Settings, read_settings, write_settings
from tests.cli.conftest import Program
from tests.support.bids import BIDDER, BIDDER_USCC


@pytest.fixture
def clerk(tmp_path: Path) -> Program:
    """The program of a company whose settings say who it is, and nothing else."""
    settings = Settings(company=CompanySettings(name=BIDDER, uscc=BIDDER_USCC))
    write_settings(tmp_path / "home" / "settings.toml", settings)
    return Program(tmp_path / "home")


def plan(folder: Path, name: str = "方案.txt", words: str = "施工方案") -> Path:
    path = folder / name
    path.write_text(words, "utf-8")
    return path


def test_the_verbs_in_turn(clerk: Program, tmp_path: Path) -> None:
    path = plan(tmp_path)
    empty = clerk.run("archive", "list")
    assert "还是空的" in empty.stdout, empty.stderr
    added = clerk.run(
        "archive", "add", path, "--project", "道路工程", "--lot", "一标段", "--name", "去年的标书"
    )
    assert added.returncode == 0, added.stderr
    assert "已加入 [1] 去年的标书  本单位标书  1 个文件 1 页（新读取 1 个文件，0 个已读过）" in added.stdout
    again = clerk.run(
        "archive",
        "add",
        path,
        "--project",
        "道路工程",
        "--lot",
        "一标段",
        "--name",
        "去年的标书",
        "--language",
        "en",
    )
    assert "Added [1] 去年的标书  own bid  1 documents, 1 pages (0 read, 1 known)" in again.stdout
    listed = clerk.run("archive", "list", "--language", "en").stdout
    assert f"Archive: {clerk.home / 'data' / 'archive'}" in listed
    assert "[1] 去年的标书  own bid" in listed
    shown = clerk.run("archive", "show", "1").stdout
    assert "项目 道路工程  标段 一标段" in shown
    assert "方案.txt  txt  1 页  SHA-256" in shown
    assert "0 份文本" in clerk.run("archive", "reindex").stdout
    assert "已移出 [1] 去年的标书" in clerk.run("archive", "remove", "1").stdout
    assert path.exists()
    assert clerk.error(2, "archive", "show", "1")["code"] == "E-NO-SUCH-BID"


def test_as_json(clerk: Program, tmp_path: Path) -> None:
    added = clerk.json("archive", "add", plan(tmp_path), "--as", "template")
    (filed,) = added["filed"]
    assert (filed["read"], filed["bid"]["bid"]["owner"], added["refused"]) == (1, "template", [])
    page = clerk.json("archive", "list")
    assert page["bids"] == [filed["bid"]]
    assert page["outdated"] == {"fingerprints": 0, "documents": 0}
    shown = clerk.json("archive", "show", str(filed["bid"]["id"]))
    assert shown["documents"] == filed["documents"]


def test_another_companys_bid_ends_with_1_and_leaves_no_content(clerk: Program, tmp_path: Path) -> None:
    own = plan(tmp_path)
    theirs = plan(tmp_path, "theirs.txt", "投标文件\n投标人：另一家有限公司（盖章）\n秘密的报价")
    done = clerk.run("archive", "add", own, theirs, "--project", "P", "--lot", "L")
    assert done.returncode == 1
    assert "拒收（其他单位的投标文件）：theirs.txt" in done.stdout
    assert "只记下文件名、摘要和时间" in done.stdout
    assert "已加入" in done.stdout
    assert "秘密的报价" not in done.stdout + done.stderr
    english = clerk.run("archive", "list", "--language", "en").stdout
    assert "Refused (another company's bid): theirs.txt" in english


def test_the_basic_account_is_not_to_be_read_in_the_settings(clerk: Program) -> None:
    number = "6222 0212 3456 7890"
    done = clerk.run("archive", "account", pin=f"{number}\n".encode())
    assert done.returncode == 0, done.stderr
    line = done.stdout.splitlines()[-1]
    assert not re.search("7890|3456", done.stdout.replace(line, "") + done.stderr)
    settings = clerk.home / "settings.toml"
    settings.write_text(settings.read_text("utf-8").replace('basic_account = ""', line), "utf-8")
    kept = read_settings(settings).company
    assert kept.name == BIDDER
    assert recognised(["6222021234567891", "6222021234567890"], kept.basic_account) == "6222021234567890"
    assert clerk.run("archive", "account", pin=b"no number\n").returncode == 2


def test_what_is_wanted_and_what_cannot_be(clerk: Program, tmp_path: Path) -> None:
    assert clerk.error(2, "archive", "add", plan(tmp_path))["code"] == "E-COMMAND-LINE"
    assert clerk.error(2, "archive", "add", tmp_path / "nothing")["code"] == "E-FILE"
    assert clerk.error(2, "archive", "add")["code"] == "E-COMMAND-LINE"
    settings = clerk.home / "settings.toml"
    settings.write_text('archive = "postgresql://clerk:secret-word@localhost/bids"\n', "utf-8")
    done = clerk.run("archive", "list", "--json")
    assert done.returncode == 2
    assert "E-SETTING" in done.stdout
    assert "secret-word" not in done.stdout + done.stderr
    settings.write_text('archive = "postgresql://clerk@127.0.0.1:1/bids"\n', "utf-8")
    error = clerk.error(5, "archive", "list")
    assert (error["code"], error["retryable"]) == ("E-ARCHIVE-UNREACHABLE", True)
    settings.write_text(f'archive = "{tmp_path / "elsewhere"}"\n', "utf-8")
    assert clerk.json("archive", "list")["place"] == str(tmp_path / "elsewhere")
    assert (tmp_path / "elsewhere" / "archive.sqlite").exists()
    shutil.rmtree(tmp_path / "elsewhere")
