"""Whatever file is handed in has its own verdict, and people read each verdict in their language."""

import re
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from bidclient.cli.say import Say, lines_of
from bidclient.desk import Desk, build
from bidclient.network.clock import system_now
from bidclient.sandbox.seal_maker import write_practice_seal
from bidclient.stages.evidence import Verdict
from bidclient.store.settings import Settings
from tests.support.desks import Bidder
from tests.support.pki import Authority

ENGLISH = re.compile(r"[a-z]{2,} [a-z]{2,}")
"""Two words in a row: names of files and settings have no spaces."""


@pytest.fixture
def submitted(bidder: Bidder) -> Path:
    return bidder.submitted(bidder.lot())


def told(desk: Desk, path: Path) -> set[str]:
    return {one.verdict for one in desk.verifying.verify(path).verdicts}


def spoilt(path: Path, at: int = -20) -> Path:
    """The same file with one bit turned over."""
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)
    return path


def test_what_the_network_has_sent_is_judged_file_by_file(bidder: Bidder, submitted: Path) -> None:
    files = [f"receipt.{suffix}" for suffix in ("p7s", "tsr", "json")]
    for name in files:
        report = bidder.desk.verifying.verify(submitted / name)
        assert report.holds, report
        assert any(one.item.endswith(": revocation") for one in report.verdicts)
    assert bidder.desk.verifying.verify(submitted / "receipt.tsr").kind == "timestamp"
    assert told(bidder.desk, spoilt(submitted / "receipt.json")) == {"valid", "invalid"}
    assert told(bidder.desk, spoilt(submitted / "receipt.tsr")) == {"invalid"}
    (page,) = bidder.desk.verifying.verify(submitted / "receipt.pdf").verdicts
    assert page.verdict == "cannot-tell"
    assert chinese(page).endswith("这一页是回执的打印件，不能作为凭据；请核验 receipt.p7s")
    (submitted / "receipt.p7s").unlink()
    for name in ("receipt.json", "receipt.tsr"):
        assert told(bidder.desk, submitted / name) == {"cannot-tell"}


def test_a_statement_is_no_receipt_and_not_called_a_false_one(bidder: Bidder, submitted: Path) -> None:
    (statement,) = (submitted / "statements").iterdir()
    assert told(bidder.desk, statement) == {"cannot-tell"}
    assert "invalid" in told(bidder.desk, spoilt(statement))


def test_an_unknown_kind_is_not_judged_and_spoils_nothing(bidder: Bidder, tmp_path: Path) -> None:
    note = tmp_path / "note.txt"
    note.write_text("x")
    (verdict,) = bidder.desk.verifying.verify(note).verdicts
    assert verdict.verdict == "cannot-tell"
    assert ".tender" in verdict.reason
    assert told(bidder.desk, tmp_path) == {"cannot-tell"}
    upper = Path(shutil.copy(bidder.signed() / "bid.zip", tmp_path / "BID.ZIP"))
    assert told(bidder.desk, upper) == {"valid"}


@pytest.mark.parametrize("name", ["bid.asice", "receipt.p7s", "journal.jsonl", "bid.stub", "x.tender"])
def test_a_file_that_cannot_be_read_here_is_not_called_false(
    bidder: Bidder, tmp_path: Path, name: str
) -> None:
    # It opens, and every read of it fails, as on a medium that is failing.
    (tmp_path / name).symlink_to("/proc/self/mem")
    assert told(bidder.desk, tmp_path / name) == {"cannot-tell"}


def test_an_electronic_seal_is_judged_before_it_is_used(bidder: Bidder, tmp_path: Path) -> None:
    seal, now = tmp_path / "company.esl", system_now()
    signer = bidder.sandbox.issue("示范公司", "91620000MA00000000", "sm2").signing_cert
    write_practice_seal(bidder.sandbox.data, signer, "示范公司", "", "company", seal, now)
    for desk in desk_of(bidder, seal_makers=()):
        assert told(desk, seal) == {"valid", "cannot-tell"}
    assert told(bidder.desk, seal) == {"valid"}
    assert told(bidder.desk, spoilt(seal)) == {"invalid"}


def desk_of(bidder: Bidder, ahead: timedelta = timedelta(0), **network: object) -> Iterator[Desk]:
    settings = bidder.settings.network
    assert settings is not None
    changed = Settings(network=msgspec.structs.replace(settings, **network))
    with build(changed, now=lambda: system_now() + ahead, sources=()) as desk:
        yield desk


def chinese(verdict: Verdict) -> str:
    """What is shown: verdict, file and aspect, and after a colon the reason."""
    (line,) = lines_of(verdict, Say("zh"))
    # The authorities of the sandbox have English names, and a seal is named by its file and its field.
    line = line.replace(verdict.item.partition(": ")[0], "文件")
    return re.sub("bidclient sandbox( [a-zA-Z0-9-]+)*", "", line)


def test_no_english_sentence_is_shown_to_a_chinese_reader(bidder: Bidder, submitted: Path) -> None:
    strangers: dict[str, object] = {"trust": (str(bidder.folder / "other.pem"),), "identity": ""}
    root = Authority.root("bidclient sandbox 邻省", 1002).certificate
    (bidder.folder / "other.pem").write_bytes(root.pem)
    shown: list[str] = []
    settings: tuple[dict[str, object], ...] = ({}, {"identity": ""}, strangers, {"identity": ""})
    for number, network in enumerate(settings):
        for desk in desk_of(bidder, timedelta(days=4000 if number == 3 else 0), **network):
            reports = [desk.verifying.verify(submitted)]
            reports += [
                desk.verifying.verify(path) for path in (submitted / "parts" / "commercial").glob("*.pdf")
            ]
            shown += [chinese(one) for report in reports for one in report.verdicts]
    with build(Settings(), sources=()) as desk:
        shown += [chinese(one) for one in desk.verifying.verify(submitted).verdicts]
    for name in ("tender.tender", "bid.zip", "bid.asice", "bid.sealed", "bid.stub", "receipt.p7s"):
        spoilt(submitted / name, (submitted / name).stat().st_size // 2)
        shown += [chinese(one) for one in bidder.desk.verifying.verify(submitted / name).verdicts]
    shown += [chinese(one) for one in bidder.desk.verifying.verify(submitted).verdicts]
    assert {line.split("]")[0] for line in shown} == {"  [有效", "  [无效", "  [无法判断"}
    assert [line for line in shown if ENGLISH.search(line.partition(": ")[2])] == []
