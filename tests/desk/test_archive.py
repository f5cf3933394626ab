"""What goes into the archive: our bids in each form they have, once, and nobody else's."""

import os
import shutil
from pathlib import Path

import msgspec
import pytest

from bidclient.desk.archive import ArchiveDesk, Request
from bidclient.desk.archive_intake import candidates
from bidclient.errors import BadCommandLine, BadManifest, Cancelled, FileProblem, NoSuchBid, SettingProblem
from bidclient.formats import atomic
from bidclient.stages.draft import draft_bytes, read_draft
from bidclient.stages.package import pack, read_package
from bidclient.stages.signed import SignedBid, sign
from bidclient.stages.tender import TenderPackage
from bidclient.store.bids import Artefacts, BidFolder
from bidclient.store.settings import CompanySettings, Settings
from tests.support.bids import (
    BIDDER,
    BIDDER_USCC,
    CLIENT,
    DEVICE,
    PRICE_FEN,
    make_draft,
    make_pdf,
    make_pki,
    make_signed,
    make_tender,
    rewritten,
)
from tests.support.desks import Bidder
from tests.support.pki import NOW

RIVAL = "另一家有限公司"
RIVAL_USCC = "91629999TBX000028U"
COMPANY = CompanySettings(name=BIDDER, uscc=BIDDER_USCC, aliases=("陇原示范建设集团有限公司",))


@pytest.fixture(scope="module")
def tender(tmp_path_factory: pytest.TempPathFactory) -> TenderPackage:
    return make_tender(tmp_path_factory.mktemp("tender"), make_pki())


@pytest.fixture(scope="module")
def drafted(tmp_path_factory: pytest.TempPathFactory, tender: TenderPackage) -> Path:
    """A bid folder with a complete draft of four documents."""
    folder = tmp_path_factory.mktemp("bids") / "一标段"
    folder.mkdir()
    draft, _ = make_draft(folder, tender)
    shutil.copy(tender.path, folder / "tender.tender")
    atomic.write(folder / "draft.json", draft_bytes(draft))
    return folder


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory, tender: TenderPackage) -> SignedBid:
    return make_signed(tmp_path_factory.mktemp("signed"), make_pki(), tender)


@pytest.fixture
def desk(tmp_path: Path) -> ArchiveDesk:
    return ArchiveDesk(Settings(company=COMPANY), tmp_path / "archive", lambda: NOW)


def rival_bid(tender: TenderPackage, folder: Path) -> SignedBid:
    """A bid for the same lot that names, and is signed by, another company."""
    draft, parts = make_draft(folder, tender)
    bidder = msgspec.structs.replace(draft.bidder, name=RIVAL, uscc=RIVAL_USCC)
    draft = msgspec.structs.replace(draft, bidder=bidder, creation_code="BC-9999")
    package = pack(draft, tender.tender, parts, folder / "bid.zip", DEVICE, CLIENT)
    return sign(package, make_pki().rival, None, NOW, folder / "bid.asice")


def contents(desk: ArchiveDesk) -> list[str]:
    with desk.opened() as archive:
        return [source.text() for source in archive.sources()]


def test_a_bid_folder_with_everything_that_it_says(
    desk: ArchiveDesk, drafted: Path, tender: TenderPackage
) -> None:
    (filed,) = desk.add(Request((drafted,))).filed
    bid, record = filed.bid.bid, tender.tender
    assert (bid.name, bid.uscc, bid.owner) == ("一标段", BIDDER_USCC, "own")
    assert (bid.project, bid.lot, bid.lot_code) == (record.project.code, record.lot.id, record.lot.code)
    assert (bid.tender_sha256, bid.creation_code, bid.total_fen) == (tender.sha256, "BC-0001", PRICE_FEN)
    assert [one.code for one in bid.prices] == [one.code for one in record.price.items]
    assert (filed.bid.documents, filed.bid.pages, filed.bid.unread, filed.read) == (4, 7, 0, 4)
    assert "parts/technical/施工组织设计.pdf" in {one.name for one in filed.documents}
    with desk.opened() as archive:
        plan = next(one for one in filed.documents if one.name.endswith("施工组织设计.pdf"))
        extract = archive.extract(plan.id)
        page = extract.pages[1]
        assert extract.text[page.start : page.end].strip() == "质量保证措施"
        bare = archive.sources(without_lots=[record.lot.code])
        assert list(bare) == []


def test_what_was_read_is_not_read_again(
    desk: ArchiveDesk, drafted: Path, signed: SignedBid, tmp_path: Path
) -> None:
    assert desk.add(Request((drafted,))).filed[0].read == 4
    copy = Path(shutil.copytree(drafted, tmp_path / "renamed"))
    again = desk.add(Request((copy,))).filed[0]
    assert again.read == 0
    # The signed package of that draft is the same bid, under its creation code.
    packed = desk.add(Request((signed.path,))).filed[0]
    assert (packed.read, packed.bid.id) == (0, again.bid.id)
    assert len(desk.page().bids) == 1
    assert desk.add(Request((drafted,), again=True)).filed[0].read == 4
    _replaced(copy, "施工组织设计.pdf", "另一份施工组织设计")
    changed = desk.add(Request((copy,))).filed[0]
    assert changed.read == 1
    assert any("另一份施工组织设计" in text for text in contents(desk))
    assert not any("安全文明施工" in text for text in contents(desk))


def test_a_package_is_read_from_inside(desk: ArchiveDesk, signed: SignedBid) -> None:
    (filed,) = desk.add(Request((signed.path,), name="一标段终稿")).filed
    assert (filed.read, filed.bid.bid.name) == (4, "一标段终稿")
    # Without its tender nobody says which field the total is in: the lines are summed.
    assert filed.bid.bid.total_fen == sum(one.total_fen for one in filed.bid.bid.prices)
    assert any("安全文明施工" in text for text in contents(desk))
    assert desk.add(Request((signed.path.with_name("bid.zip"),))).filed[0].read == 0


def test_a_document_of_a_package_is_private_and_gone_afterwards(signed: SignedBid) -> None:
    request = Request((signed.path,))
    (candidate,) = candidates(request, "2026-11-23T17:30:00.000+08:00")
    with candidate.documents()[0].at() as path:
        assert path.read_bytes().startswith(b"%PDF")
        if os.name == "posix":
            assert path.parent.stat().st_mode & 0o077 == 0
    assert not path.parent.exists()


def test_another_companys_bid_is_refused_and_not_looked_into(
    desk: ArchiveDesk, drafted: Path, tender: TenderPackage, tmp_path: Path
) -> None:
    rival = rival_bid(tender, tmp_path)
    # Damaged behind its manifest: whoever looked further would see it.
    content = bytearray(rival.path.read_bytes())
    content[rival.entries[3].offset] ^= 1
    rival.path.write_bytes(content)
    added = desk.add(Request((rival.path, drafted)))
    assert [one.bid.bid.name for one in added.filed] == ["一标段"]
    (refused,) = added.refused
    assert refused.name == tmp_path.name
    assert len(refused.sha256) == 64
    page = desk.page()
    assert page.refused == (refused,)
    assert not any(RIVAL in text for text in contents(desk))
    with (tmp_path / "archive" / "archive.sqlite").open("rb") as file:
        assert RIVAL.encode() not in file.read()


def test_another_companys_bid_folder_is_refused(desk: ArchiveDesk, drafted: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(drafted, tmp_path / "theirs"))
    draft = read_draft((copy / "draft.json").read_bytes())
    theirs = msgspec.structs.replace(draft, bidder=msgspec.structs.replace(draft.bidder, uscc=RIVAL_USCC))
    atomic.write(copy / "draft.json", draft_bytes(theirs))
    assert [one.name for one in desk.add(Request((copy,))).refused] == ["theirs"]
    # One that does not say yet is ours: nobody else writes drafts here.
    unsaid = msgspec.structs.replace(draft, bidder=msgspec.structs.replace(draft.bidder, uscc=""))
    atomic.write(copy / "draft.json", draft_bytes(unsaid))
    assert len(desk.add(Request((copy,))).filed) == 1


def test_a_plain_file_that_names_another_bidder_is_refused(desk: ArchiveDesk, tmp_path: Path) -> None:
    said = {
        "ours.txt": f"投标函\n投标人：{BIDDER}（盖章）",
        "former.txt": "投标文件\n投标人名称：陇原示范建设集团有限公司",
        "silent.txt": "施工方案\n投标人：________",
        "joint.txt": f"投标人：{RIVAL}、{BIDDER}（联合体）",
        "theirs.txt": f"投标文件\n投标人：{RIVAL}（盖单位公章）",
    }
    for name, words in said.items():
        (tmp_path / name).write_text(words, "utf-8")
    files = tuple(tmp_path / name for name in said)
    added = desk.add(Request(files, project="P", lot="L"))
    assert [one.name for one in added.refused] == ["theirs.txt"]
    assert [one.name for one in added.filed[0].documents] == list(said)[:4]
    assert not any("盖单位公章" in text for text in contents(desk))
    only = desk.add(Request((tmp_path / "theirs.txt",), project="P", lot="L2"))
    assert (only.filed, len(only.refused)) == ((), 1)


def test_a_rivals_folder_is_refused_whatever_it_is_called(
    desk: ArchiveDesk, drafted: Path, tender: TenderPackage, tmp_path: Path
) -> None:
    theirs = tmp_path / "U盘" / "别家"
    theirs.mkdir(parents=True)
    (theirs / "信.txt").write_text(f"投标函\n投标人：{RIVAL}", "utf-8")
    (theirs / "方案.txt").write_text("绝密施工方案", "utf-8")
    added = desk.add(Request((theirs,), project="P", lot="L"))
    assert (added.filed, [one.name for one in added.refused]) == ((), ["信.txt", "方案.txt"])
    (theirs / "rival").mkdir()
    rival_bid(tender, theirs / "rival")
    shutil.rmtree(theirs / "rival" / "parts")  # of which the letter names us
    copy = Path(shutil.copytree(drafted, theirs / "工程"))
    draft = read_draft((copy / "draft.json").read_bytes())
    bidder = msgspec.structs.replace(draft.bidder, name=RIVAL, uscc="")
    atomic.write(copy / "draft.json", draft_bytes(msgspec.structs.replace(draft, bidder=bidder)))
    for owner in ("own", "template"):
        added = desk.add(Request((tmp_path / "U盘",), owner, project="P", lot="L"))
        # bid.asice and the bid.zip that it was made from; the folder; then the plain files.
        assert (added.filed, len(added.refused)) == ((), 5)
    assert contents(desk) == []
    with desk.opened() as archive:
        assert list(archive.sources(("template", "public"))) == []


def test_a_stray_file_in_our_own_folder_is_refused_alone_each_time(desk: ArchiveDesk, tmp_path: Path) -> None:
    folder = tmp_path / "本单位"
    folder.mkdir()
    for name, words in {"信": f"投标人：{BIDDER}", "方案": "施工方案", "分包": f"投标人：{RIVAL}"}.items():
        (folder / f"{name}.txt").write_text(words, "utf-8")
    for _ in range(2):
        added = desk.add(Request((folder,), project="P", lot="L"))
        assert [one.name for one in added.refused] == ["分包.txt"]
        assert {one.name for one in added.filed[0].documents} == {"信.txt", "方案.txt"}


def test_plain_files_want_to_know_who_we_are(tmp_path: Path) -> None:
    (tmp_path / "方案.txt").write_text(f"投标人：{RIVAL}", "utf-8")
    nobody = ArchiveDesk(Settings(), tmp_path / "archive", lambda: NOW)
    with pytest.raises(SettingProblem):
        nobody.add(Request((tmp_path / "方案.txt",), project="P", lot="L"))
    assert nobody.page().bids == ()


def test_plain_files_and_folders_are_one_bid(desk: ArchiveDesk, tmp_path: Path) -> None:
    folder = tmp_path / "2024 道路"
    make_pdf(folder / "技术" / "方案.pdf", ["施工方案"])
    (folder / "说明.txt").write_text("编制说明", "utf-8")
    (folder / "图.dwg").write_bytes(b"AC1027 and so on")
    (folder / ".hidden").write_text("x", "utf-8")
    with pytest.raises(BadCommandLine):
        desk.add(Request((folder,)))
    (filed,) = desk.add(Request((folder,), project="P-2024", lot="L-1")).filed
    assert (filed.bid.bid.name, filed.bid.bid.project, filed.bid.bid.lot_code) == (
        "2024 道路",
        "P-2024",
        "L-1",
    )
    named = {one.name: one for one in filed.documents}
    assert set(named) == {"技术/方案.pdf", "说明.txt", "图.dwg"}
    # What cannot be read is there by name, with the reason in both languages.
    assert named["图.dwg"].reason_zh != named["图.dwg"].reason_en != ""
    assert filed.bid.unread == 1
    assert sorted(text.strip() for text in contents(desk)) == ["施工方案", "编制说明"]


def test_templates_and_public_texts_are_kept_apart(desk: ArchiveDesk, tmp_path: Path) -> None:
    (tmp_path / "house.txt").write_text("本公司质量方针", "utf-8")
    (tmp_path / "law.txt").write_text("中华人民共和国招标投标法", "utf-8")
    desk.add(Request((tmp_path / "house.txt",), owner="template", name="标准章节"))
    desk.add(Request((tmp_path / "law.txt",), owner="public"))
    assert contents(desk) == []
    with desk.opened() as archive:
        found = {
            source.owner: (source.text().strip(), source.project)
            for source in archive.sources(("template", "public"))
        }
    assert found == {"template": ("本公司质量方针", ""), "public": ("中华人民共和国招标投标法", "")}
    assert [one.bid.name for one in desk.page().bids] == ["标准章节", "law.txt"]


def test_who_we_are_is_told_by_the_settings_or_by_our_first_bid_folder(
    drafted: Path, signed: SignedBid, tender: TenderPackage, tmp_path: Path
) -> None:
    desk = ArchiveDesk(Settings(), tmp_path / "archive", lambda: NOW)
    with pytest.raises(SettingProblem):
        desk.add(Request((signed.path,)))
    desk.add(Request((drafted,)))
    assert len(desk.add(Request((signed.path,))).filed) == 1
    (tmp_path / "rival").mkdir()
    assert len(desk.add(Request((rival_bid(tender, tmp_path / "rival").path,))).refused) == 1


def test_what_was_submitted_counts_not_what_was_written_afterwards(bidder: Bidder, tmp_path: Path) -> None:
    folder = bidder.submitted(bidder.lot())
    name = read_draft((folder / "draft.json").read_bytes()).documents[0].file
    bidder.desk.preparing.set_fields(folder, {"bidder.agent": "后来的人"})
    desk = ArchiveDesk(
        Settings(company=CompanySettings(uscc=bidder.offer.bidder.uscc)), tmp_path / "a", lambda: NOW
    )
    (filed,) = desk.add(Request((folder,))).filed
    asked = read_package(_in_force(folder).package).manifest
    assert [one.sha256 for one in filed.documents] == [one.sha256 for one in asked.documents]
    assert any(one.name.endswith(name) for one in filed.documents)
    assert str(filed.bid.bid.total_fen) == asked.form["total-price"]


def test_a_package_with_a_changed_document_is_not_filed(
    desk: ArchiveDesk, signed: SignedBid, tmp_path: Path
) -> None:
    def change(files: dict[str, bytes]) -> None:
        name = next(name for name in files if name.endswith("投标函.pdf"))
        files[name] = files[name].replace(b"%PDF-1", b"%PDF-2")

    bad = rewritten(signed.path.with_name("bid.zip"), tmp_path / "bid.zip", change)
    with pytest.raises(BadManifest):
        desk.add(Request((bad,)))
    assert desk.page().bids == ()


def test_taking_out_showing_and_indexing_anew(desk: ArchiveDesk, drafted: Path) -> None:
    number = desk.add(Request((drafted,))).filed[0].bid.id
    shown = desk.show(number)
    assert (shown.bid.id, len(shown.documents)) == (number, 4)
    assert desk.reindex().texts == 0
    assert desk.remove(number).bid.bid.name == "一标段"
    assert (drafted / "draft.json").exists()
    for ask in (desk.show, desk.remove):
        with pytest.raises(NoSuchBid):
            ask(number)


def test_who_stops_it_finds_nothing_changed(desk: ArchiveDesk, drafted: Path) -> None:
    def stop(_step: str, _done: int, _total: int) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        desk.add(Request((drafted,)), stop)
    assert desk.page().bids == ()


def test_what_is_not_there_and_what_is_empty(desk: ArchiveDesk, tmp_path: Path) -> None:
    with pytest.raises(FileProblem):
        desk.add(Request((tmp_path / "nothing",), project="P", lot="L"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileProblem):
        desk.add(Request((tmp_path / "empty",), project="P", lot="L"))


def test_the_place_is_where_the_settings_say(tmp_path: Path) -> None:
    elsewhere = ArchiveDesk(Settings(archive=str(tmp_path / "x")), tmp_path / "y", lambda: NOW)
    assert elsewhere.page().place == str(tmp_path / "x")
    assert (tmp_path / "x" / "archive.sqlite").exists()
    assert not (tmp_path / "y").exists()
    shared = Settings(archive="postgresql://clerk@db.example/bids?sslmode=verify-full")
    assert ArchiveDesk(shared, tmp_path, lambda: NOW).place == "postgresql://clerk@db.example/bids"
    with pytest.raises(SettingProblem):
        ArchiveDesk(Settings(), None, lambda: NOW).page()


def _in_force(folder: Path) -> Artefacts:
    found = BidFolder.open(folder).in_force()
    assert found is not None
    return found[0]


def _replaced(folder: Path, name: str, words: str) -> None:
    """Another document in the place of one of the draft."""
    draft = read_draft((folder / "draft.json").read_bytes())
    path = make_pdf(next(folder.rglob(name)), [words])
    assert path.stat().st_size
    atomic.write(folder / "draft.json", draft_bytes(draft))
