"""One run over a draft: what is copied, left over or another's is found; what is ours and clean is not."""

import hashlib
import shutil
from pathlib import Path

import pytest

from bidclient.ask import silent
from bidclient.desk import Desk
from bidclient.desk.archive import Request
from bidclient.desk.self_check import SelfCheckOrder
from bidclient.desk.self_check_inputs import Gathering, Inputs, who_we_are
from bidclient.desk.self_check_texts import Texts
from bidclient.errors import (
    BadCommandLine,
    Cancelled,
    NoSuchFinding,
)
from bidclient.similarity.findings.examined import Counterpart, Examined
from bidclient.similarity.findings.thresholds import Thresholds
from bidclient.similarity.reading.document import Extract, Page
from bidclient.similarity.reading.limits import LIMITS, Limits
from bidclient.similarity.report.self_check import read_self_check
from bidclient.stages.draft import read_draft
from bidclient.stages.package import pack
from bidclient.stages.signed import sign
from bidclient.stages.tender import TenderPackage, read_tender
from bidclient.store.archive_records import Kept, PastBid
from bidclient.store.bids import BidFolder
from bidclient.store.check_cache import CheckCache
from bidclient.store.journal import Journal
from tests.support.archives import AT, filed
from tests.support.bids import (
    BIDDER,
    BIDDER_USCC,
    CLIENT,
    DEVICE,
    make_pdf,
    make_pki,
    zip_contents,
)
from tests.support.checked_bids import (
    COMPANY,
    EARLIER,
    OWN_WORDS,
    QUOTED,
    RIVAL,
    RIVAL_USCC,
    check,
    desk_in,
    of,
    pages,
    prose,
    readd,
    rewrite,
    rules,
)
from tests.support.pdf_files import encoded, make_nested_forms, make_scan, picture
from tests.support.pki import NOW
from tests.support.word_files import make_docx
from tests.support.word_files import paragraph as textparagraph

# ------------------------------------------------------------------------------------------- what is found


def test_a_clean_draft_has_nothing_but_hints(desk: Desk, bid: Path) -> None:
    report = check(desk, bid)
    record = report.record
    assert rules(record) == set()
    assert record.passed
    assert [one for one in record.passages if not one.excused] == []
    # What it quotes from the tender is there, in grey.
    (quoted,) = [one for one in record.passages if one.excused == "tender"]
    assert quoted.here.document == "technical/施工组织设计.pdf"
    assert quoted.there.document == "招标文件.pdf"
    assert quoted.here.page >= 3
    assert record.total.tender > 500
    assert record.total.counted == 0
    roles = [(one.role, one.name) for one in record.inputs]
    assert ("tender", "招标文件.pdf") in roles
    assert len([role for role, _ in roles if role == "draft"]) == 4
    assert read_self_check((report.folder / "report.json").read_bytes(), "") == record


def test_what_was_copied_left_over_and_made_elsewhere_is_found(desk: Desk, bid: Path, tmp_path: Path) -> None:
    earlier = make_pdf(
        tmp_path / "去年.pdf", pages("项目名称：庆阳市北大街道路工程\n投标文件", EARLIER), author=BIDDER
    )
    desk.archive.add(Request((earlier,), project="P-2024", lot="L-2024", name="去年的标书"))
    copied = EARLIER[100:1300].replace("检查", "巡视")
    plan = pages(f"施工组织设计\n项目名称：庆阳市北大街道路工程\n{OWN_WORDS}", copied, QUOTED)
    rewrite(bid, "施工组织设计.pdf", plan, author=RIVAL)
    record = check(desk, bid).record
    longest = next(one for one in record.passages if not one.excused)
    assert longest.owner == "own"
    assert longest.there.document == "[1] 去年的标书/去年.pdf"
    assert longest.here.end - longest.here.start > 1000
    assert longest.here.page == 4
    assert longest.there.page == 2
    assert longest.here.quote[:8] in EARLIER.replace("检查", "巡视")
    assert {"META-001", "TXT-002"} <= rules(record, "blocking", "warning", "info")
    leftover = of(record, "TXT-002")
    assert leftover.evidence[0].here.page == 1
    assert "庆阳市北大街道路工程" in leftover.message_zh
    assert RIVAL in of(record, "META-001").message_zh
    assert "第四十条" in of(record, "META-001").basis_zh
    assert 0.2 < record.total.counted / record.total.characters < 0.45
    # Quoting the tender stays in order beside it.
    assert record.total.tender > 500
    assert check(desk, bid, archive=False).record.total.counted == 0


def test_pictures_persons_and_copied_projects_are_looked_at_too(
    desk: Desk, bid: Path, tmp_path: Path
) -> None:
    shown = encoded(picture(7), "JPEG")
    path = rewrite(bid, "营业执照.pdf", ["营业执照"])
    make_scan(path, [shown], "营业执照")
    readd(bid, path)
    rewrite(bid, "投标函.pdf", pages(f"投标函\n投标人：{BIDDER}\n联系人：钱多多 13912345678"), BIDDER)
    make_scan(tmp_path / "样张.pdf", [shown], "样张")
    (tmp_path / "顾问.txt").write_text(f"另一项目\n投标人：{RIVAL}\n联系人：钱多多 13912345678", "utf-8")
    copied = PastBid("own", "二标段", AT, uscc=BIDDER_USCC, project="P", lot="lot-2", creation_code="BC-0001")
    with desk.archive.opened() as archive:
        archive.add(copied, [filed(prose(31, 200))], "1")
    record = check(desk, bid, tmp_path / "样张.pdf", tmp_path / "顾问.txt").record
    assert {"IMG-001", "PER-001", "GUID-001"} <= rules(record, "blocking", "warning", "info")
    there = of(record, "IMG-001").evidence[0].there
    assert there is not None
    assert there.document == "样张.pdf"
    assert "[1] 二标段" in of(record, "GUID-001").message_zh
    # Whose number it is is told, the number itself is not.
    assert RIVAL in of(record, "PER-001").message_zh
    assert "13912345678" not in "".join(one.message_zh for one in record.findings)


def test_a_draft_whose_code_the_ledger_knows_from_another_company_is_found(
    desk: Desk, bid: Path, tender: TenderPackage
) -> None:
    assert "GUID-001" not in rules(check(desk, bid).record)
    desk.workplace.note("packed", RIVAL_USCC, tender.tender, creation_code="BC-0001")
    found = of(check(desk, bid).record, "GUID-001")
    assert found.severity == "blocking"
    assert RIVAL_USCC in found.message_zh
    assert "设备台账" in found.message_zh


def test_templates_and_public_texts_may_be_quoted(desk: Desk, bid: Path, tmp_path: Path) -> None:
    texts = {"template": prose(21, 400), "public": prose(22, 400)}
    owners: tuple[Kept, ...] = ("template", "public")
    for owner in owners:
        path = tmp_path / f"{owner}.txt"
        path.write_text(texts[owner], "utf-8")
        desk.archive.add(Request((path,), owner=owner))
    rewrite(bid, "施工组织设计.pdf", pages(OWN_WORDS, texts["template"], texts["public"]))
    record = check(desk, bid).record
    assert {one.excused for one in record.passages} == {"template", "public"}
    assert (record.total.counted, record.archive.quotable) == (0, 2)
    assert min(record.total.template, record.total.public) > 350


def test_thresholds_are_those_of_the_settings_and_stand_in_the_report(bid: Path, tmp_path: Path) -> None:
    path = make_pdf(tmp_path / "顾问.pdf", pages(prose(23, 900)))
    rewrite(bid, "施工组织设计.pdf", pages(prose(23, 900), OWN_WORDS[:600]))
    usual = check(desk_in(tmp_path), bid, path).record
    strict = check(desk_in(tmp_path, thresholds=Thresholds(blocks=1)), bid, path).record
    assert "TXT-003" not in {one.rule for one in usual.findings}
    assert "TXT-003" in {one.rule for one in strict.findings}
    assert {one.value for one in strict.parameters if one.name == "blocks"} == {"1"}


def test_another_company_on_this_computer_blocks(desk: Desk, bid: Path, tender: TenderPackage) -> None:
    assert check(desk, bid).record.passed
    desk.workplace.note("packed", RIVAL_USCC, tender.tender)
    record = check(desk, bid).record
    assert rules(record, "blocking") == {"DEV-001"}
    assert not record.passed


def test_what_cannot_be_read_is_named(desk: Desk, bid: Path) -> None:
    path = next((bid / "parts").rglob("营业执照.pdf"))
    make_scan(path, [encoded(picture(1), "JPEG")])
    (next((bid / "parts").rglob("已标价工程量清单.pdf"))).write_bytes(b"%PDF-1.7\nnothing")
    record = check(desk, bid).record
    told = {one.document: one.reason_zh for one in record.skipped}
    assert "扫描件" in told["qualification/营业执照.pdf"]
    assert "损坏" in told["price/已标价工程量清单.pdf"]
    assert all(one.reason_zh != one.reason_en for one in record.skipped)
    assert not record.passed  # both were changed since they were added


# ------------------------------------------------------------------------------------ again and explained


def test_only_what_changed_is_read_and_compared_again(bid: Path, tmp_path: Path) -> None:
    desk = desk_in(tmp_path)
    named = make_pdf(tmp_path / "顾问.pdf", pages(prose(12, 200)))
    first = check(desk, bid, named)
    assert (first.read, first.compared) == (6, 4)
    again = check(desk, bid, named)
    assert (again.read, again.compared, again.record) == (0, 0, first.record)
    rewrite(bid, "投标函.pdf", pages("投标函\n" + EARLIER[:400]), author=BIDDER)
    changed = check(desk, bid, named)
    assert (changed.read, changed.compared) == (1, 1)
    # Another archive is another comparison, and still nothing is read again but what is new.
    make_pdf(tmp_path / "去年.pdf", pages(EARLIER))
    desk.archive.add(Request((tmp_path / "去年.pdf",), project="P", lot="L"))
    anew = check(desk, bid, named)
    assert (anew.read, anew.compared) == (0, 4)
    assert anew.record.total.counted > 350
    # As if nothing had ever been known.
    shutil.rmtree(tmp_path / "cache")
    fresh = check(desk, bid, named)
    assert (fresh.read, fresh.compared) == (6, 4)
    assert fresh.record == anew.record


def test_a_file_that_was_read_otherwise_is_compared_anew(tmp_path: Path) -> None:
    """With text recognition a scan has a text: what was said of it without is said of another text."""
    cache = CheckCache(tmp_path / "cache")
    consultant = Extract("顾问.txt", "1" * 64, "txt", EARLIER, (Page(1, 0, len(EARLIER), "text"),))
    for text, counted in (("", 0), (EARLIER, 1)):
        scan = Extract("方案.pdf", "2" * 64, "pdf", text, (Page(1, 0, len(text), "ocr"),))
        inputs = Inputs(
            documents=[Examined("technical/方案.pdf", "方案", scan)],
            named=[Counterpart("named", "顾问.txt", "", consultant)],
        )
        texts = Texts(inputs, None, cache)
        found = texts.comparison(silent, lambda: False)
        assert (texts.compared_anew, len(found.passages)) == (1, counted)


def test_what_was_read_in_a_hurry_is_read_again(bid: Path, tmp_path: Path) -> None:
    draft, tender = read_draft((bid / "draft.json").read_bytes()), read_tender(bid / "tender.tender").tender
    us = who_we_are(draft, tender, COMPANY)
    path = make_pdf(tmp_path / "长.pdf", ["正文"] * 50)
    for limits, reads in ((Limits(seconds=0.0), 1), (LIMITS, 1), (LIMITS, 0)):
        with Gathering(us, CheckCache(tmp_path / "cache"), None, silent, limits) as gathering:
            gathering.named([path], BidFolder.open(bid), "2026-11-23T17:30:00.000+08:00")
        assert gathering.inputs.read == reads
        hurried = [one.reason_en for one in gathering.inputs.skipped if "time for this file" in one.reason_en]
        assert len(hurried) == (limits is not LIMITS)


def test_what_stalls_its_reader_is_not_opened_again(bid: Path, tmp_path: Path) -> None:
    """Forms that draw forms: whoever opens the page in this process would be at it for days."""
    draft, tender = read_draft((bid / "draft.json").read_bytes()), read_tender(bid / "tender.tender").tender
    us = who_we_are(draft, tender, COMPANY)
    make_nested_forms(next((bid / "parts").rglob("投标函.pdf")), 12, 10)
    with Gathering(us, CheckCache(tmp_path / "cache"), None, silent, Limits(silence=2.0)) as gathering:
        gathering.draft(BidFolder.open(bid), draft)
    unread = gathering.inputs.unread
    assert list(unread) == ["commercial/投标函.pdf"]
    report = desk_in(tmp_path).checking.check(bid, with_keys=False, unread=unread)
    assert not report.passed
    assert [one.rule for one in report.findings].count("DOC-004") == 1


def test_names_inside_files_cannot_spoil_the_report(desk: Desk, bid: Path, tmp_path: Path) -> None:
    odd = "e\u0301\u202e\x1b[2J.docx"
    path = make_docx(tmp_path / "顾问.docx", textparagraph("正文"), {f"word/embeddings/{odd}": b"x"})
    report = check(desk, bid, path)
    (told,) = [one.reason_en for one in report.record.skipped if one.document == "顾问.docx"]
    assert told.endswith("\u00e9\ufffd\ufffd[2J.docx")
    assert read_self_check((report.folder / "report.json").read_bytes(), "") == report.record


def test_what_of_the_archive_has_no_text_is_told(desk: Desk, bid: Path, tmp_path: Path) -> None:
    (tmp_path / "图.dwg").write_bytes(b"AC1027")
    (tmp_path / "去年.txt").write_text(EARLIER, "utf-8")
    files = (tmp_path / "图.dwg", tmp_path / "去年.txt")
    desk.archive.add(Request(files, project="P", lot="L"))
    record = check(desk, bid).record
    assert (record.archive.bids, record.archive.texts) == (1, 1)
    (told,) = [one for one in record.skipped if one.document == "投标文件库"]
    assert "1 documents and 0 pages" in told.reason_en


def test_what_is_explained_stays_in_the_reports_until_its_evidence_changes(desk: Desk, bid: Path) -> None:
    rewrite(bid, "施工组织设计.pdf", pages(OWN_WORDS), author=RIVAL)
    one = of(check(desk, bid).record, "META-001")
    accepted = desk.self_checking.accept(bid, one.id[:12], "  合作设计院\n代为排版 ").finding
    assert accepted.accepted is not None
    again = check(desk, bid).record
    assert of(again, "META-001").accepted == accepted.accepted
    assert accepted.accepted.reason == "合作设计院 代为排版"
    rewrite(bid, "施工组织设计.pdf", pages(OWN_WORDS), author="第三家有限公司")
    assert of(check(desk, bid).record, "META-001").accepted is None
    events = [entry.event for entry in Journal(bid / "journal.jsonl").entries()]
    assert events == ["self-checked", "finding-accepted", "self-checked", "self-checked"]
    for finding, reason in (("", "x"), ("0" * 12, "x"), (one.id[:4], "x")):
        with pytest.raises(NoSuchFinding):
            desk.self_checking.accept(bid, finding, reason)
    with pytest.raises(BadCommandLine):
        desk.self_checking.accept(bid, one.id, " \n")


def test_the_reports_stay_with_the_bid_and_out_of_the_package(
    desk: Desk, bid: Path, tender: TenderPackage, tmp_path: Path
) -> None:
    assert desk.self_checking.latest(bid) is None
    report = check(desk, bid)
    kept = desk.self_checking.latest(bid)
    assert kept is not None
    assert (kept.record, kept.folder) == (report.record, bid / "self-check" / "001")
    # The journal, which others see in a dispute, proves the report and tells nothing of it.
    (entry,) = Journal(bid / "journal.jsonl").entries()
    digest = hashlib.sha256((kept.folder / "report.json").read_bytes()).hexdigest()
    assert entry.data == {"report": "self-check/001", "sha256": digest}
    draft = read_draft((bid / "draft.json").read_bytes())
    package = pack(draft, tender.tender, bid / "parts", tmp_path / "bid.zip", DEVICE, CLIENT)
    signed = sign(package, make_pki().bidder, None, NOW, tmp_path / "bid.asice")
    for path in (package.path, signed.path):
        contents = zip_contents(path)
        assert not [name for name in contents if "self-check" in name or "report" in name]
        assert not [name for name, data in contents.items() if b"bidclient/self-check" in data]


def test_who_has_waited_enough_gets_away_and_nothing_is_kept(desk: Desk, bid: Path) -> None:
    asked: list[int] = []

    def tired() -> bool:
        asked.append(1)
        return len(asked) > 3

    with pytest.raises(Cancelled):
        desk.self_checking.run(bid, SelfCheckOrder(with_keys=False), cancelled=tired)
    assert not (bid / "self-check").exists()
    assert not (bid / "journal.jsonl").exists()


def test_a_report_is_written_as_its_name_says(desk: Desk, bid: Path, tmp_path: Path) -> None:
    report = check(desk, bid)
    beginnings = {".html": b"<!DOCTYPE html>", ".pdf": b"%PDF-", ".json": b'{"archive":'}
    for suffix, beginning in beginnings.items():
        out = tmp_path / f"报告{suffix}"
        desk.self_checking.write(report, out, "zh")
        assert out.read_bytes().startswith(beginning)
    with pytest.raises(BadCommandLine):
        desk.self_checking.write(report, tmp_path / "报告.docx", "zh")
