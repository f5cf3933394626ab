"""Own material only: what is a rival's is refused and stays closed, what a partner hands in is compared."""

import hashlib
import shutil
import zlib
from pathlib import Path

import msgspec
import pytest

from bidclient.desk import Desk
from bidclient.desk.self_check_inputs import who_we_are
from bidclient.errors import (
    FileProblem,
    NotABidFolder,
    SettingProblem,
)
from bidclient.formats import atomic
from bidclient.similarity.reading.document import Extract, Page
from bidclient.stages.draft import draft_bytes, read_draft
from bidclient.stages.package import pack
from bidclient.stages.signed import sign
from bidclient.stages.stub import read_stub
from bidclient.stages.tender import TenderPackage, read_tender
from bidclient.store.settings import CompanySettings
from tests.support.bids import (
    BIDDER,
    CLIENT,
    DEVICE,
    make_draft,
    make_pdf,
    make_pki,
)
from tests.support.checked_bids import (
    COMPANY,
    FROZEN,
    OWN_WORDS,
    RIVAL,
    RIVAL_USCC,
    SECRET,
    check,
    desk_in,
    pages,
    prose,
    rewrite,
)
from tests.support.pki import NOW


def as_bidder(folder: Path, name: str, uscc: str) -> None:
    """Let a draft name another company as its bidder."""
    draft = read_draft((folder / "draft.json").read_bytes())
    bidder = msgspec.structs.replace(draft.bidder, name=name, uscc=uscc)
    atomic.write(folder / "draft.json", draft_bytes(msgspec.structs.replace(draft, bidder=bidder)))


def desk_lot(bid: Path) -> str:
    """The code of the lot that a bid folder is about."""
    return read_tender(bid / "tender.tender").tender.lot.code


def kept_with(cache: Path, words: str) -> list[Path]:
    """The files of a cache that hold these words."""
    return [one for one in cache.iterdir() if words.encode() in zlib.decompress(one.read_bytes())]


def rival_draft(tender: TenderPackage, folder: Path) -> Path:
    """A packed bid for the same lot by another company, damaged behind its manifest."""
    draft, parts = make_draft(folder, tender)
    bidder = msgspec.structs.replace(draft.bidder, name=RIVAL, uscc=RIVAL_USCC)
    package = pack(
        msgspec.structs.replace(draft, bidder=bidder),
        tender.tender,
        parts,
        folder / "bid.zip",
        DEVICE,
        CLIENT,
    )
    signed = sign(package, make_pki().rival, None, NOW, folder / "对手.asice")
    content = bytearray(signed.path.read_bytes())
    content[signed.entries[3].offset] ^= 1  # whoever looked further would see it
    signed.path.write_bytes(content)
    return signed.path


def test_a_rivals_bid_is_refused_and_nothing_of_it_is_kept(
    desk: Desk, bid: Path, tender: TenderPackage, tmp_path: Path
) -> None:
    (tmp_path / "rival").mkdir()
    package = rival_draft(tender, tmp_path / "rival")
    lot = tender.tender.lot.code
    letter = make_pdf(
        tmp_path / "信.pdf", pages(f"投标函\n标段编号 {lot}\n投标人：{RIVAL}（盖章）\n{SECRET}{OWN_WORDS}")
    )
    record = check(desk, bid, package, letter).record
    assert [(one.name, one.sha256) for one in record.refused] == [
        (path.name, hashlib.sha256(path.read_bytes()).hexdigest()) for path in (package, letter)
    ]
    assert [one for one in record.inputs if one.role == "named"] == []
    assert [one for one in record.passages if not one.excused] == []
    assert kept_with(tmp_path / "cache", SECRET) == []
    assert kept_with(tmp_path / "cache", OWN_WORDS[:9]) != []
    for kept in (bid / "self-check").rglob("*.*"):
        assert SECRET.encode() not in kept.read_bytes()
    assert desk_in(tmp_path / "second").self_checking.latest(bid) is not None


def test_a_rivals_folder_stub_and_sealed_bid_are_refused(
    desk: Desk, bid: Path, tender: TenderPackage, tmp_path: Path
) -> None:
    theirs = Path(shutil.copytree(bid, tmp_path / "theirs"))
    draft = read_draft((theirs / "draft.json").read_bytes())
    bidder = msgspec.structs.replace(draft.bidder, name=RIVAL, uscc=RIVAL_USCC)
    atomic.write(theirs / "draft.json", draft_bytes(msgspec.structs.replace(draft, bidder=bidder)))
    (tmp_path / "rival").mkdir()
    package = rival_draft(tender, tmp_path / "rival")
    broken = tmp_path / "bid.stub"
    broken.write_bytes(b"no stub")
    sealed = tmp_path / "bid.sealed"
    sealed.write_bytes(b"\x89BIDS\r\n\x1a and no more")
    record = check(desk, bid, theirs, package, broken, sealed).record
    assert [one.name for one in record.refused] == ["theirs", "对手.asice"]
    assert [one.document for one in record.skipped] == [str(broken), str(sealed)]
    # Seen from their desk, ours is the bid that nobody may look into.
    other = desk_in(tmp_path / "other", CompanySettings(name=RIVAL, uscc=RIVAL_USCC))
    seen = check(other, theirs, FROZEN / "bid.stub", FROZEN / "bid.sealed", FROZEN / "bid.asice").record
    assert [one.name for one in seen.refused] == ["bid.stub", "bid.sealed", "bid.asice"]


def test_our_own_sealed_bid_is_named_as_not_checked(bid: Path, tmp_path: Path) -> None:
    bidder = read_stub((FROZEN / "bid.stub").read_bytes()).stub.bidder
    draft = read_draft((bid / "draft.json").read_bytes())
    ours = msgspec.structs.replace(draft.bidder, uscc=bidder)
    atomic.write(bid / "draft.json", draft_bytes(msgspec.structs.replace(draft, bidder=ours)))
    desk = desk_in(tmp_path, CompanySettings(name=BIDDER, uscc=bidder))
    record = check(desk, bid, FROZEN / "bid.stub", FROZEN / "bid.sealed").record
    assert record.refused == ()
    assert {"bid.stub", "bid.sealed"} <= {one.document for one in record.skipped}


def test_partners_and_consultants_are_compared_with(
    desk: Desk, bid: Path, tender: TenderPackage, tmp_path: Path
) -> None:
    lot, project = tender.tender.lot.code, tender.tender.project.name
    partner = make_pdf(tmp_path / "合作方.pdf", pages(f"{project}\n施工方案\n{OWN_WORDS[:900]}"))
    joint = make_pdf(
        tmp_path / "联合体.pdf",
        pages(f"标段编号 {lot}\n投标人：{RIVAL}、{BIDDER}（联合体）\n{prose(8, 300)}"),
    )
    template = make_pdf(tmp_path / "顾问.pdf", pages(f"某某项目投标文件\n投标人：{RIVAL}\n{prose(9, 300)}"))
    record = check(desk, bid, partner, joint, template).record
    assert record.refused == ()
    assert {one.name for one in record.inputs if one.role == "named"} == {
        "合作方.pdf",
        "联合体.pdf",
        "顾问.pdf",
    }
    (passage,) = [one for one in record.passages if not one.excused]
    assert (passage.owner, passage.there.document, passage.likeness) == ("named", "合作方.pdf", "verbatim")


def test_a_folder_is_named_as_a_whole_and_our_own_bid_is_never_another(
    desk: Desk, bid: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "顾问"
    make_pdf(folder / "技术" / "方案.pdf", pages(prose(11, 200)))
    (folder / "图.dwg").write_bytes(b"AC1027")
    (folder / "人员.csv").write_text("姓名,职务\n张三,经理\n", "utf-8")
    record = check(desk, bid, folder, bid).record
    named = [one.name for one in record.inputs if one.role == "named"]
    assert named == ["顾问/人员.csv", "顾问/技术/方案.pdf"]
    told = {one.document: one.reason_zh for one in record.skipped}
    assert set(told) == {"顾问/图.dwg", "顾问/人员.csv"}
    assert told["顾问/人员.csv"].startswith("文字已检查，未作为报价文件检查")


def test_a_rivals_bid_is_refused_wherever_it_lies_in_a_folder(
    desk: Desk, bid: Path, tender: TenderPackage, tmp_path: Path
) -> None:
    stick = tmp_path / "U盘"
    theirs = Path(shutil.copytree(bid, stick / "资料" / "别家"))
    as_bidder(theirs, RIVAL, RIVAL_USCC)
    rewrite(theirs, "施工组织设计.pdf", pages(SECRET + OWN_WORDS))
    (tmp_path / "rival").mkdir()
    shutil.copy(rival_draft(tender, tmp_path / "rival"), stick / "资料")
    (stick / "图纸.zip").write_bytes(b"PK\x03\x04 and no bid")
    shutil.copytree(bid, stick / "本单位")
    make_pdf(stick / "模板.pdf", pages(prose(13, 200)))
    record = check(desk, bid, stick).record
    assert [one.name for one in record.refused] == ["别家", "对手.asice"]
    read = {one.name for one in record.inputs if one.role == "named"}
    assert {"U盘/模板.pdf"} < read
    assert not [name for name in read if "别家" in name or "draft.json" in name]
    assert {one.document for one in record.skipped} >= {"U盘/图纸.zip"}
    assert kept_with(tmp_path / "cache", SECRET) == []


def test_a_plan_beside_a_rivals_letter_is_the_rivals(
    desk: Desk, bid: Path, tender: TenderPackage, tmp_path: Path
) -> None:
    lot = tender.tender.lot.code
    letter = f"投标函\n标段编号 {lot}\n投标人：{RIVAL}（盖章）"
    theirs = tmp_path / "别家"
    make_pdf(theirs / "商务" / "信.pdf", pages(letter))
    make_pdf(theirs / "技术" / "方案.pdf", pages(SECRET + OWN_WORDS))
    record = check(desk, bid, theirs).record
    assert [one.name for one in record.refused] == ["别家/商务/信.pdf", "别家/技术/方案.pdf"]
    assert "投标人不是本单位" in record.refused[0].reason_zh
    assert "在同一文件夹" in record.refused[1].reason_zh
    assert [one for one in record.passages if not one.excused] == []
    assert kept_with(tmp_path / "cache", SECRET) == []
    # Beside a letter of our own it is one stray file.
    make_pdf(theirs / "本单位.pdf", pages(f"投标函\n标段编号 {lot}\n投标人：{BIDDER}"))
    mixed = check(desk, bid, theirs).record
    assert [one.name for one in mixed.refused] == ["别家/商务/信.pdf"]


def test_a_draft_without_a_code_goes_by_its_name(desk: Desk, bid: Path, tmp_path: Path) -> None:
    theirs, ours = (Path(shutil.copytree(bid, tmp_path / name)) for name in ("无码", "本单位"))
    as_bidder(theirs, RIVAL, "")
    as_bidder(ours, BIDDER, "")
    record = check(desk, bid, theirs, ours, theirs / "draft.json").record
    assert [one.name for one in record.refused] == ["无码"]
    unnamed = Path(shutil.copytree(bid, tmp_path / "无名"))
    as_bidder(unnamed, "", "")
    lot = desk_lot(bid)
    rewrite(unnamed, "投标函.pdf", pages(f"投标函\n标段编号 {lot}\n投标人：{RIVAL}"))
    assert {one.name for one in check(desk, bid, unnamed).record.refused} == {
        "无名/parts/commercial/投标函.pdf"
    }


def test_short_codes_still_tell_the_lot(bid: Path) -> None:
    draft = read_draft((bid / "draft.json").read_bytes())
    tender = read_tender(bid / "tender.tender").tender
    project = msgspec.structs.replace(tender.project, code="P-1", name="某路")
    lot = msgspec.structs.replace(tender.lot, code="L-1")
    us = who_we_are(draft, msgspec.structs.replace(tender, project=project, lot=lot), COMPANY)
    letter = f"某路投标函 L-1\n投标人：{RIVAL}"
    assert us.refuses(Extract("信.txt", "", "txt", letter, (Page(1, 0, len(letter), "text"),)))


def test_whose_material_it_is_must_be_known(desk: Desk, bid: Path, tmp_path: Path) -> None:
    with pytest.raises(FileProblem):
        check(desk, bid, tmp_path / "nothing")
    with pytest.raises(NotABidFolder):
        check(desk, tmp_path)
    other = desk_in(tmp_path / "other", CompanySettings(name=RIVAL, uscc=RIVAL_USCC))
    with pytest.raises(SettingProblem):
        check(other, bid)
    draft = read_draft((bid / "draft.json").read_bytes())
    nobody = msgspec.structs.replace(draft.bidder, name="", uscc="")
    atomic.write(bid / "draft.json", draft_bytes(msgspec.structs.replace(draft, bidder=nobody)))
    with pytest.raises(SettingProblem):
        check(desk_in(tmp_path / "third", CompanySettings()), bid, tmp_path)
    assert check(desk_in(tmp_path / "fourth", CompanySettings()), bid).record.subject.uscc == ""
