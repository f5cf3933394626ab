"""The draft: everything that goes in is checked when it goes in, and nothing that was made gets lost."""

import shutil
from pathlib import Path

import pytest

from bidclient.errors import (
    ArtefactLocked,
    BadDocument,
    BadFormat,
    BadValue,
    BidExists,
    Busy,
    FileProblem,
    Incomplete,
    Mismatch,
    NetworkProblem,
    NotABidFolder,
    StaleTender,
    TooLarge,
    UnknownDocument,
    UnknownField,
    UnknownPart,
    WrongStage,
)
from bidclient.network.clock import system_now
from bidclient.sandbox.samples import load_bill, sample_bid
from bidclient.stages.tender import read_tender
from bidclient.store.bids import BidFolder
from bidclient.store.journal import Journal
from bidclient.store.lock import locked
from tests.support.desks import SAMPLE, Bidder
from tests.support.sealing import names


def test_a_complete_draft_has_no_findings(bidder: Bidder) -> None:
    folder = bidder.drafted()
    status = bidder.desk.preparing.status(folder)
    assert status.stage == "draft"
    assert status.missing == ()
    assert status.price_fen == sample_bid(SAMPLE).total_fen
    assert bidder.desk.checking.check(folder).passed


def test_a_new_folder_is_never_made_over_another(bidder: Bidder) -> None:
    folder = bidder.drafted()
    with pytest.raises(BidExists):
        bidder.desk.preparing.new(folder / "tender.tender", folder)
    with pytest.raises(NotABidFolder):
        bidder.desk.preparing.status(folder / "parts")
    with pytest.raises(FileProblem):
        bidder.desk.preparing.new(folder / "nothing.tender", bidder.folder / "other")


def test_what_the_tender_does_not_know_is_refused(bidder: Bidder, tmp_path: Path) -> None:
    folder, preparing = bidder.drafted(), bidder.desk.preparing
    document = sample_bid(SAMPLE).documents[0]
    before = (folder / "draft.json").read_bytes()
    with pytest.raises(UnknownPart):
        preparing.add(folder, "no-such-part", [document.path])
    with pytest.raises(UnknownDocument):
        preparing.add(folder, document.part, [document.path], "no-such-document")
    with pytest.raises(UnknownField):
        preparing.set_fields(folder, {"no-such-field": "1"})
    with pytest.raises(BadValue):
        preparing.set_fields(folder, {"bidder.uscc": "123"})
    broken = tmp_path / "broken.pdf"
    broken.write_bytes(document.path.read_bytes()[:200])
    with pytest.raises(BadDocument):
        preparing.add(folder, document.part, [broken], document.name)
    with pytest.raises(FileProblem):
        preparing.add(folder, document.part, [tmp_path / "absent.pdf"], document.name)
    assert (folder / "draft.json").read_bytes() == before


def test_a_replaced_document_is_kept_aside(bidder: Bidder) -> None:
    folder = bidder.drafted()
    document = sample_bid(SAMPLE).documents[0]
    (added,) = bidder.desk.preparing.add(folder, document.part, [document.path], document.name)
    assert added.replaced is not None
    assert added.document.file != added.replaced
    (name,) = added.superseded
    # The one that was replaced had been sealed, which only adds to a file.
    assert (folder / name).read_bytes().startswith(document.path.read_bytes())
    assert len(list((folder / "parts" / document.part).iterdir())) == len(
        [one for one in bidder.desk.preparing.status(folder).documents if one.part == document.part]
    )


def test_files_find_their_places_by_name(bidder: Bidder, tmp_path: Path) -> None:
    folder = bidder.drafted()
    by_part: dict[str, list[Path]] = {}
    tender = read_tender(folder / "tender.tender").tender
    titles = {(part.id, one.name): one.title for part in tender.parts for one in part.documents}
    for number, document in enumerate(sample_bid(SAMPLE).documents):
        copy = tmp_path / f"{number:02d} {titles[document.part, document.name]}.pdf"
        shutil.copyfile(document.path, copy)
        by_part.setdefault(document.part, []).insert(0, copy)
        bidder.desk.preparing.remove(folder, document.part, document.name)
    assert bidder.desk.preparing.status(folder).documents == ()
    for part, files in by_part.items():
        bidder.desk.preparing.add(folder, part, files)
    found = {(one.part, one.name): one.sha256 for one in bidder.desk.preparing.status(folder).documents}
    assert len(found) == len(titles)
    for placed in bidder.desk.preparing.status(folder).documents:
        assert titles[placed.part, placed.name] in placed.file


def test_prices_come_from_a_csv_file(bidder: Bidder, tmp_path: Path) -> None:
    folder, prices = bidder.drafted(), tmp_path / "prices.csv"
    lines = [f"{item.code},{item.unit_price_fen / 100:.2f}" for item in sample_bid(SAMPLE).prices]
    prices.write_text("\ufeff项目编码,综合单价\r\n" + "\r\n".join(lines) + "\r\n", "utf-8")
    edited = bidder.desk.preparing.import_prices(folder, prices)
    assert len(edited.changed) == len(load_bill(SAMPLE).items)
    assert bidder.desk.preparing.status(folder).price_fen == sample_bid(SAMPLE).total_fen
    for text, error in (
        ("code,unit_price\nno-such-code,1\n", UnknownField),
        ("code,unit_price\n,1\n", BadValue),
        (f"code,unit_price\n{lines[0].split(',')[0]},1.234\n", BadFormat),
    ):
        prices.write_text(text, "utf-8")
        with pytest.raises(error):
            bidder.desk.preparing.import_prices(folder, prices)
    prices.write_text('code,unit_price\n"' + "1" * 200_000 + '",1\n', "utf-8")
    with pytest.raises(FileProblem, match="field larger"):
        bidder.desk.preparing.import_prices(folder, prices)
    with prices.open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(TooLarge):
        bidder.desk.preparing.import_prices(folder, prices)
    with pytest.raises(FileProblem):
        bidder.desk.preparing.import_prices(folder, tmp_path / "absent.csv")


def test_an_edit_puts_later_artefacts_aside(bidder: Bidder) -> None:
    folder = bidder.sealed()
    sealed = (folder / "bid.sealed").read_bytes()
    edited = bidder.desk.preparing.set_fields(folder, {"bidder.phone": "0934-1234567"})
    status = bidder.desk.preparing.status(folder)
    assert status.stage == "draft"
    assert status.stale == ()
    assert not (folder / "bid.zip").exists()
    kept = {name.partition("-")[2]: folder / name for name in edited.superseded}
    assert kept["bid.sealed"].read_bytes() == sealed
    assert set(kept) == {"bid.zip", "bid.asice", "bid.sealed", "bid.leaves", "bid.stub", "rehearsal.json"}


def test_an_incomplete_draft_is_not_packed_and_all_gaps_are_named(bidder: Bidder) -> None:
    folder = bidder.drafted()
    documents = sample_bid(SAMPLE).documents[:2]
    for document in documents:
        bidder.desk.preparing.remove(folder, document.part, document.name)
    with pytest.raises(Incomplete) as caught:
        bidder.desk.signing.pack(folder)
    assert all(any(document.title in str(gap) for gap in caught.value.missing) for document in documents)
    assert not (folder / "bid.zip").exists()
    assert len(bidder.desk.preparing.status(folder).missing) >= 2


def test_steps_cannot_be_skipped(bidder: Bidder) -> None:
    folder = bidder.drafted()
    for step in (
        lambda: bidder.desk.signing.sign(folder, bidder.signing, bidder.ask),
        lambda: bidder.desk.signing.co_sign(folder, bidder.signing, bidder.ask),
        lambda: bidder.desk.sealing.seal(folder, bidder.signing, bidder.ask),
        lambda: bidder.desk.sealing.rehearse(folder, None, bidder.ask),
        lambda: bidder.desk.submitting.submit(folder, bidder.signing, bidder.ask),
        lambda: bidder.desk.submitting.withdraw(folder, bidder.signing, bidder.ask),
        lambda: bidder.desk.submitting.fetch_receipt(folder, bidder.signing, bidder.ask),
        lambda: bidder.desk.opening.sign_in(folder, bidder.signing, bidder.ask),
        lambda: bidder.desk.evidence.export(folder, bidder.folder / "evidence"),
    ):
        with pytest.raises(WrongStage):
            step()
    assert bidder.desk.preparing.status(folder).stage == "draft"


def test_a_clarification_makes_the_bid_stale_and_carries_the_draft_over(bidder: Bidder) -> None:
    lot = bidder.lot()
    folder = bidder.sealed(lot)
    bidder.sandbox.control(f"lots/{lot}/amend", {"change_summary": "第一次澄清"})
    with pytest.raises(StaleTender) as caught:
        bidder.desk.submitting.submit(folder, bidder.signing, bidder.ask)
    assert (caught.value.bid_version, caught.value.tender_version) == (1, 2)
    newer = bidder.folder / "newer.tender"
    bidder.desk.hall.download_tender(lot, newer, bidder.signing, bidder.ask)
    status = bidder.desk.preparing.import_tender(folder, newer)
    assert (status.tender_version, status.stage, status.missing) == (2, "draft", ())
    assert (folder / "tender-v1.tender").is_file()
    assert {path.name.partition("-")[2] for path in (folder / "superseded").iterdir()} >= {"bid.sealed"}
    bidder.desk.signing.pack(folder)
    bidder.desk.signing.sign(folder, bidder.signing, bidder.ask)
    bidder.desk.sealing.seal(folder, bidder.signing, bidder.ask)
    assert bidder.desk.submitting.submit(folder, bidder.signing, bidder.ask).kind == "submission"
    with pytest.raises(Mismatch):
        bidder.desk.preparing.import_tender(folder, folder / "tender-v1.tender")


def test_a_download_leaves_the_files_beside_it_alone(bidder: Bidder, tmp_path: Path) -> None:
    lot, folder = bidder.lot(), tmp_path / "downloads"
    folder.mkdir()
    out, other = folder / "lot.tender", folder / "lot.tender.part"
    other.write_bytes(b"mine")
    with pytest.raises(NetworkProblem):
        bidder.desk.hall.download_tender("no-such-lot", out, bidder.signing, bidder.ask)
    assert names(folder) == ["lot.tender.part"]
    bidder.desk.hall.download_tender(lot, out, bidder.signing, bidder.ask)
    assert (names(folder), other.read_bytes()) == (["lot.tender", "lot.tender.part"], b"mine")


def test_a_tender_of_another_lot_is_not_imported(bidder: Bidder) -> None:
    folder, other = bidder.drafted(), bidder.lot()
    path = bidder.folder / "other.tender"
    bidder.desk.hall.download_tender(other, path, bidder.signing, bidder.ask)
    with pytest.raises(Mismatch):
        bidder.desk.preparing.import_tender(folder, path)


def test_a_folder_is_changed_by_one_at_a_time(bidder: Bidder) -> None:
    folder = bidder.drafted()
    with locked(folder), pytest.raises(Busy):
        bidder.desk.preparing.set_fields(folder, {"bidder.phone": "1"})


def test_values_stay_out_of_the_journal(bidder: Bidder) -> None:
    folder = bidder.drafted()
    text = (folder / "journal.jsonl").read_text("utf-8")
    assert sample_bid(SAMPLE).bidder.phone not in text
    events = [entry.event for entry in Journal(folder / "journal.jsonl").entries()]
    assert events[0] == "created"
    assert "prices-set" in events


def test_a_finalize_without_an_answer_locks_the_draft(bidder: Bidder) -> None:
    folder = bidder.sealed()
    BidFolder.open(folder).journal.append("finalize-intended", {}, system_now())
    with pytest.raises(ArtefactLocked):
        bidder.desk.preparing.set_fields(folder, {"bidder.phone": "1"})
