"""The draft: pure edits, each checked against the tender."""

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from bidclient.errors import (
    BadDocument,
    BadFormat,
    BadValue,
    BidError,
    NotCanonical,
    UnknownDocument,
    UnknownField,
    UnknownPart,
)
from bidclient.formats.instant import instant_text
from bidclient.stages.draft import (
    ClauseLink,
    Draft,
    DraftDocument,
    PricedItem,
    document_path,
    draft_bytes,
    draft_sha256,
    new_draft,
    read_draft,
    with_document,
    with_field,
    with_link,
    with_prices,
    without_document,
    without_links,
)
from bidclient.stages.tender import TenderPackage
from tests.support.bids import make_draft, make_pki, make_tender
from tests.support.pki import NOW

LATER = NOW + timedelta(hours=1)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> TenderPackage:
    return make_tender(tmp_path_factory.mktemp("tender"), make_pki())


@pytest.fixture(scope="module")
def complete(package: TenderPackage, tmp_path_factory: pytest.TempPathFactory) -> Draft:
    return make_draft(tmp_path_factory.mktemp("draft"), package)[0]


def document(**changes: object) -> DraftDocument:
    made = DraftDocument("technical", "plan", "新方案.pdf", "施工组织设计", 5, "0" * 64, 2, instant_text(NOW))
    return msgspec.structs.replace(made, **changes)


def test_a_new_draft_names_its_tender_and_nothing_else(package: TenderPackage) -> None:
    draft = new_draft(package, "BC-1", bytes(32), NOW)
    assert (draft.tender_sha256, draft.tender_version, draft.lot) == (package.sha256, 1, "lot-1")
    assert (draft.form, draft.documents, draft.prices) == ({}, (), ())
    assert draft.salt == "00" * 32
    with pytest.raises(ValueError, match="32 bytes"):
        new_draft(package, "BC-1", b"short", NOW)


def test_the_draft_comes_back_from_its_bytes(complete: Draft) -> None:
    data = draft_bytes(complete)
    assert read_draft(data) == complete
    assert draft_sha256(complete) == draft_sha256(read_draft(data))
    with pytest.raises(NotCanonical):
        read_draft(data + b"\n")
    with pytest.raises(BadFormat):
        read_draft(data.replace(b'"bidclient/draft"', b'"bidclient/other"'))


def test_edits_leave_the_old_draft_alone(complete: Draft, package: TenderPackage) -> None:
    before = draft_bytes(complete)
    edited = with_field(complete, package.tender, "duration", "100", LATER)
    assert draft_bytes(complete) == before
    assert edited.form["duration"] == "100"
    assert (edited.created_at, edited.edited_at) == (complete.created_at, instant_text(LATER))


def test_fields_keep_one_form(complete: Draft, package: TenderPackage) -> None:
    assert complete.form["total-price"] == "26550000"
    edited = with_field(complete, package.tender, "bidder.uscc", "91629999tbx000028u", LATER)
    assert edited.bidder.uscc == "91629999TBX000028U"
    assert "duration" not in with_field(complete, package.tender, "duration", " ", LATER).form
    assert with_field(complete, package.tender, "bidder.agent", "", LATER).bidder.agent == ""
    assert with_field(complete, package.tender, "quality", "e\u0301", LATER).form["quality"] == "é"


@pytest.mark.parametrize(
    ("name", "error"), [("nothing", UnknownField), ("bidder.salt", UnknownField), ("duration", BadValue)]
)
def test_a_field_that_does_not_fit_is_refused(
    complete: Draft, package: TenderPackage, name: str, error: type[BidError]
) -> None:
    with pytest.raises(error) as caught:
        with_field(complete, package.tender, name, "无", LATER)
    if isinstance(caught.value, UnknownField):
        assert "total-price" in caught.value.known
        assert "bidder.name" in caught.value.known


def test_a_document_takes_the_place_of_the_old_one(complete: Draft, package: TenderPackage) -> None:
    edited = with_document(complete, package.tender, document(), LATER)
    assert len(edited.documents) == len(complete.documents)
    assert [each.file for each in edited.documents if each.part == "technical"] == ["新方案.pdf"]
    assert [each.part for each in edited.documents] == ["qualification", "commercial", "technical", "price"]
    assert document_path(edited.documents[2]) == "parts/technical/新方案.pdf"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"part": "fifth"}, UnknownPart),
        ({"name": "other"}, UnknownDocument),
        ({"file": "../x.pdf"}, BadDocument),
        ({"file": "a/b.pdf"}, BadDocument),
        ({"file": "CON.pdf"}, BadDocument),
        ({"file": "a\u202eb.pdf"}, BadDocument),
        ({"file": "a" * 230 + ".pdf"}, BadDocument),
    ],
)
def test_a_document_without_a_place_is_refused(
    complete: Draft, package: TenderPackage, changes: dict[str, object], error: type[BidError]
) -> None:
    with pytest.raises(error):
        with_document(complete, package.tender, document(**changes), LATER)


def test_a_document_without_a_place_in_a_newer_tender_does_not_stop_the_next(
    complete: Draft, package: TenderPackage
) -> None:
    parts = tuple(
        msgspec.structs.replace(part, documents=tuple(one for one in part.documents if one.name != "licence"))
        for part in package.tender.parts
    )
    edited = with_document(complete, msgspec.structs.replace(package.tender, parts=parts), document(), LATER)
    assert [each.name for each in edited.documents] == ["bid-letter", "plan", "priced-boq", "licence"]


def test_two_documents_cannot_share_a_file(complete: Draft, package: TenderPackage) -> None:
    second = document(part="qualification", name="extra", file="营业执照.PDF")
    with pytest.raises(BadDocument):
        with_document(complete, package.tender, second, LATER)


def test_a_document_taken_away_takes_its_links_along(complete: Draft) -> None:
    edited = without_document(complete, "technical", "plan", LATER)
    assert [link.clause for link in complete.clause_links] == ["quality", "licence"]
    assert [link.clause for link in edited.clause_links] == ["licence"]
    with pytest.raises(UnknownDocument):
        without_document(edited, "technical", "plan", LATER)


def test_links_to_pages_that_are_gone_fall_away(complete: Draft, package: TenderPackage) -> None:
    shorter = document(file="施工组织设计.pdf", pages=1)
    assert len(with_document(complete, package.tender, shorter, LATER).clause_links) == 1
    assert len(with_document(complete, package.tender, document(file=shorter.file), LATER).clause_links) == 2


def test_links_are_checked(complete: Draft, package: TenderPackage) -> None:
    tender = package.tender
    with pytest.raises(UnknownField):
        with_link(complete, tender, ClauseLink("nothing", "technical", "施工组织设计.pdf", 1), LATER)
    with pytest.raises(UnknownDocument):
        with_link(complete, tender, ClauseLink("quality", "technical", "无.pdf", 1), LATER)
    for page in (0, 4):
        with pytest.raises(BadValue):
            with_link(complete, tender, ClauseLink("quality", "technical", "施工组织设计.pdf", page), LATER)
    more = with_link(complete, tender, ClauseLink("quality", "technical", "施工组织设计.pdf", 3), LATER)
    assert [link.page for link in more.clause_links if link.clause == "quality"] == [2, 3]
    assert with_link(more, tender, more.clause_links[0], LATER).clause_links[-1] == more.clause_links[0]
    assert len(without_links(more, "quality", LATER).clause_links) == 1


def test_prices_follow_the_order_of_the_tender(complete: Draft, package: TenderPackage) -> None:
    turned = with_prices(complete, package.tender, complete.prices[::-1], LATER)
    assert turned.prices == complete.prices
    with pytest.raises(UnknownField):
        with_prices(complete, package.tender, [PricedItem("99", 1, 1)], LATER)
    with pytest.raises(BadValue):
        with_prices(complete, package.tender, complete.prices * 2, LATER)


def test_a_draft_survives_the_disk(complete: Draft, tmp_path: Path) -> None:
    (tmp_path / "draft.json").write_bytes(draft_bytes(complete))
    assert read_draft((tmp_path / "draft.json").read_bytes()) == complete
