"""similar, similar show and similar accept, as a person types them, in both languages."""

import json
import shutil
from pathlib import Path

import pytest

from bidclient.formats import atomic
from bidclient.stages.draft import draft_bytes
from bidclient.store.settings import CompanySettings, Settings, write_settings
from tests.cli.conftest import Program
from tests.support.bids import BIDDER, BIDDER_USCC, make_draft, make_pki, make_tender

RIVAL = "另一家有限公司"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with settings that say who we are, and a bid folder; the cache makes the later tests quick."""
    folder = tmp_path_factory.mktemp("similar")
    settings = Settings(company=CompanySettings(name=BIDDER, uscc=BIDDER_USCC))
    write_settings(folder / "home" / "settings.toml", settings)
    tender = make_tender(folder, make_pki())
    bid = folder / "bid"
    draft, parts = make_draft(folder / "making", tender)
    shutil.copytree(parts, bid / "parts")
    shutil.copy(tender.path, bid / "tender.tender")
    atomic.write(bid / "draft.json", draft_bytes(draft))
    return folder


@pytest.fixture
def clerk(place: Path) -> Program:
    return Program(place / "home")


@pytest.fixture
def bid(place: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(place / "bid", tmp_path / "bid"))


def test_the_summary_the_reports_and_what_is_explained(clerk: Program, bid: Path, tmp_path: Path) -> None:
    page, paper, data = (tmp_path / f"报告.{kind}" for kind in ("html", "pdf", "json"))
    none = clerk.run("similar", "show", bid)
    assert "还没有报告" in none.stdout, none.stderr
    done = clerk.run("similar", bid, "--report", page, "--report", paper, "--report", data)
    assert done.returncode == 0, done.stdout + done.stderr
    for said in ("自查结果：高 0", "相同文字占比", "自查提示，不构成雷同/串通认定；未命中不构成清白证明。"):
        assert said in done.stdout
    assert f"只存本机，不上传）：{bid / 'self-check' / '001' / 'report.html'}" in done.stdout
    assert page.read_text("utf-8").startswith("<!DOCTYPE html>")
    assert paper.read_bytes().startswith(b"%PDF-")
    record = json.loads(data.read_bytes())
    assert record["format"] == "bidclient/self-check"
    assert record == json.loads((bid / "self-check" / "001" / "report.json").read_bytes())

    number = record["findings"][0]["id"]
    assert number[:12] in done.stdout
    accepted = clerk.run("similar", "accept", bid, number[:12], "--reason", "已核对")
    assert "理由：已核对" in accepted.stdout, accepted.stderr
    again = clerk.run("similar", "check", bid, "--language", "en")
    assert "(1 of them explained)" in again.stdout
    assert "reason: 已核对" in again.stdout
    assert "A hit is not a finding of collusion" in again.stdout
    shown = clerk.json("similar", "show", bid)
    assert shown["folder"].endswith("002")
    assert [one["accepted"]["reason"] for one in shown["record"]["findings"] if one["accepted"]] == ["已核对"]


def test_what_blocks_ends_with_1_and_what_is_refused_is_said(
    clerk: Program, bid: Path, tmp_path: Path
) -> None:
    theirs = tmp_path / "theirs.txt"
    theirs.write_text(f"A016210022511010001001001\n投标人：{RIVAL}（盖章）\n秘密的报价", "utf-8")
    next((bid / "parts").rglob("投标函.pdf")).unlink()
    done = clerk.run("similar", bid, "--with", theirs, "--no-archive")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "[高] DOC-005" in done.stdout
    assert "! 拒收 theirs.txt" in done.stdout
    assert "! 未检查 commercial/投标函.pdf" in done.stdout
    assert "! 未与本单位投标文件库比对" in done.stdout
    assert "秘密的报价" not in done.stdout + done.stderr
    answer = clerk.run("similar", bid, "--with", theirs, "--no-archive", "--json")
    assert answer.returncode == 1
    record = json.loads(answer.stdout)["record"]
    assert [one["name"] for one in record["refused"]] == ["theirs.txt"]
    assert not record["archive"]["used"]


def test_what_cannot_be_done(clerk: Program, bid: Path, tmp_path: Path) -> None:
    wrong = clerk.error(2, "similar", bid, "--report", tmp_path / "report.docx")
    assert wrong["code"] == "E-COMMAND-LINE"
    assert not (bid / "self-check").exists()
    assert clerk.error(2, "similar", tmp_path)["code"] == "E-NOT-A-BID-FOLDER"
    assert clerk.error(2, "similar", bid, "--with", tmp_path / "none")["code"] == "E-FILE"
    assert clerk.error(2, "similar", "accept", bid, "0" * 12, "--reason", "x")["code"] == "E-NO-SUCH-FINDING"
    assert clerk.error(2, "similar", "accept", bid, "0" * 12)["code"] == "E-COMMAND-LINE"
    assert "similar" in clerk.run("similar", "--help").stdout
