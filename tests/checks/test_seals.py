"""Where seals come to lie, and what the check says about those that are missing, broken or foreign."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers
from pyhanko.sign.fields import SigFieldSpec, append_signature_field

from bidclient.checks.added import read_documents
from bidclient.checks.finding import Finding
from bidclient.checks.pdf import preflight
from bidclient.checks.seal_places import MOST_STRIPS, seal_places, strips
from bidclient.checks.seals import SealJudge, check_seals, unflawed
from bidclient.crypto.pdf_places import Place, SealKind
from bidclient.crypto.pdf_verify import PdfSignature
from bidclient.errors import BadDocument
from bidclient.formats import canonical
from bidclient.stages.draft import Draft, DraftDocument
from bidclient.stages.tender import RequiredDocument, SealPosition, Tender, read_tender, write_tender
from tests.support.bids import make_draft, make_pdf, make_pki, make_tender, tender_record
from tests.support.pdf_seals import put_on, seal
from tests.support.pki import NOW


def position(
    kind: SealKind = "company", page: int = 1, x: int = 0, y: int = 0, anchor: str | None = None
) -> SealPosition:
    return SealPosition(kind, page, x, y, msgspec.UNSET if anchor is None else anchor)


@pytest.fixture
def pdf(tmp_path: Path) -> Path:
    return make_pdf(tmp_path / "a.pdf", ["第一页", "投标人（ 盖章）：\n投标人(盖章)", "", "投标人（盖章）"])


def test_pages_are_counted_from_both_ends(pdf: Path) -> None:
    wanted = [position(page=1, x=5, y=6), position(page=-1), position(page=0), position(page=-4)]
    (first, a), (_, last), (_, every), (_, fourth) = seal_places(pdf, wanted)
    assert first is wanted[0]
    assert a == (Place(0, 5, 6),)
    assert [place.page for place in last] == [3]
    assert [place.page for place in every] == [0, 1, 2, 3]
    assert [place.page for place in fourth] == [0]
    for page in (5, -5):
        with pytest.raises(BadDocument, match="has 4"):
            seal_places(pdf, [position(page=page)])


def test_a_text_is_found_however_it_is_spaced(pdf: Path) -> None:
    ((_, places),) = seal_places(pdf, [position(page=0, y=10, anchor="投标人（盖章）")])
    assert [place.page for place in places] == [1, 1, 3]
    # The first line stands 760 points above the foot of an A4 page, the next 22 points lower.
    assert places[0].y_mm == pytest.approx((842 - 760 - 5) / 72 * 25.4 + 10, abs=2)
    assert places[1].y_mm - places[0].y_mm == pytest.approx(22 / 72 * 25.4, abs=1)
    assert 25.4 < places[2].x_mm < 80
    with pytest.raises(BadDocument, match="not there"):
        seal_places(pdf, [position(page=1, anchor="投标人（盖章）")])
    with pytest.raises(BadDocument, match="not there"):
        seal_places(pdf, [position(page=0, anchor=" ")])


@pytest.mark.parametrize("pages", [1, 2, 19, 20, 21, 40, 41, 61, 1000])
def test_every_page_gets_one_strip_and_no_seal_gets_too_many(pages: int) -> None:
    places = list(strips(pages, 148))
    assert [place.page for place in places] == list(range(pages))
    found = [place.strip for place in places if place.strip is not None]
    assert len(found) == pages
    assert max(one.count for one in found) <= MOST_STRIPS
    assert max(one.count for one in found) - min(one.count for one in found) <= 1
    # The strips of each seal are there, from the left to the right.
    expected = [index for one in found if one.index == 0 for index in range(one.count)]
    assert [one.index for one in found] == expected


def test_a_tender_without_anchors_reads_and_writes_as_before(tmp_path: Path) -> None:
    pki = make_pki()
    old = b'{"kind":"company","page":1,"x_mm":130,"y_mm":225}'
    assert canonical.dumps(canonical.loads(old, SealPosition, "x")) == old
    part = tender_record(pki).parts[1]
    sealed = RequiredDocument("bid-letter", "投标函", seals=(position(page=-1, anchor="投标人（盖章）"),))
    record = tender_record(pki, parts=(msgspec.structs.replace(part, documents=(sealed,)),), clauses=())
    write_tender(record, {}, pki.network, NOW, tmp_path / "t.tender")
    assert read_tender(tmp_path / "t.tender").tender.parts[0].documents[0] == sealed


# --------------------------------------------------------------------------------------------- the check


@pytest.fixture
def drafted(tmp_path: Path) -> tuple[Draft, Tender, Path]:
    """A draft whose letter the tender wants sealed."""
    package = make_tender(tmp_path, make_pki())
    draft, parts = make_draft(tmp_path, package)
    seals = (position(x=100, y=100), position("cross-page", y=148))
    changed = []
    for part in package.tender.parts:
        if part.id == "commercial":
            letter = msgspec.structs.replace(part.documents[0], seals=seals)
            part = msgspec.structs.replace(part, documents=(letter, *part.documents[1:]))
        changed.append(part)
    return draft, msgspec.structs.replace(package.tender, parts=tuple(changed)), parts


def letter(draft: Draft, parts: Path) -> tuple[DraftDocument, Path]:
    found = next(one for one in draft.documents if one.name == "bid-letter")
    return found, parts / found.part / found.file


def checked(
    drafted: tuple[Draft, Tender, Path], flaw: Callable[[PdfSignature], str] = unflawed
) -> list[Finding]:
    """What is found about the seals of a draft."""
    draft, tender, parts = drafted
    documents, _ = read_documents(draft, tender, parts)
    return list(check_seals(documents, tender, parts, SealJudge(draft.bidder.uscc, flaw)))


def rules(drafted: tuple[Draft, Tender, Path]) -> list[str]:
    return [finding.rule for finding in checked(drafted)]


def test_a_missing_seal_is_named_until_it_is_there(drafted: tuple[Draft, Tender, Path]) -> None:
    draft, _, parts = drafted
    (missing,) = checked(drafted)
    assert (missing.rule, missing.severity) == ("SEAL-001", "blocking")
    assert "公章" in missing.message_zh
    assert "骑缝章" in missing.message_zh
    _, path = letter(draft, parts)
    put_on(path, [seal("company", Place(0, 100, 100))], make_pki().bidder)
    (_, missing) = checked(drafted)
    assert "cross-page" in missing.message_en
    assert "company" not in missing.message_en.split(":")[1]


def test_whole_seals_are_only_mentioned(drafted: tuple[Draft, Tender, Path]) -> None:
    _, path = letter(drafted[0], drafted[2])
    put_on(path, [seal("company", Place(0, 100, 100)), seal("cross-page", Place(0, 9, 9))], make_pki().bidder)
    (mention,) = checked(drafted)
    assert mention.rule == "SEAL-005"
    assert "1 个电子签名；一次签名可以盖多枚印章" in mention.message_zh
    content = bytearray(path.read_bytes())
    content[content.index(b"/MediaBox") + 1] ^= 1
    path.write_bytes(content)
    (broken,) = [finding for finding in checked(drafted) if finding.rule == "SEAL-002"]
    assert broken.message_zh.partition("：")[2] != broken.message_en.partition(": ")[2]


def test_an_empty_field_for_a_signature_is_no_seal(drafted: tuple[Draft, Tender, Path]) -> None:
    _, path = letter(drafted[0], drafted[2])
    with path.open("r+b") as file:
        writer = IncrementalPdfFileWriter(file)
        append_signature_field(writer, SigFieldSpec("Chairman", box=(10, 10, 90, 60)))
        writer.write_in_place()
    assert preflight(path).signatures == 0
    assert rules(drafted) == ["SEAL-001"]
    put_on(path, [seal("company", Place(0, 100, 100)), seal("cross-page", Place(0, 9, 9))], make_pki().bidder)
    assert preflight(path).signatures == 1
    assert rules(drafted) == ["SEAL-005"]


def test_another_companys_seal_is_refused(drafted: tuple[Draft, Tender, Path]) -> None:
    _, path = letter(drafted[0], drafted[2])
    put_on(path, [seal("company", Place(0, 100, 100)), seal("cross-page", Place(0, 9, 9))], make_pki().rival)
    assert rules(drafted) == ["SEAL-005", "SEAL-004"]


def test_the_legal_representative_of_another_company_is_refused(drafted: tuple[Draft, Tender, Path]) -> None:
    _, path = letter(drafted[0], drafted[2])
    put_on(path, [seal("legal-representative", Place(0, 100, 100))], make_pki().rival)
    assert "SEAL-004" in rules(drafted)


def test_a_signer_whom_nobody_vouches_for_is_refused(drafted: tuple[Draft, Tender, Path]) -> None:
    _, path = letter(drafted[0], drafted[2])
    put_on(path, [seal("company", Place(0, 100, 100)), seal("cross-page", Place(0, 9, 9))], make_pki().bidder)
    (_, finding) = checked(drafted, lambda signature: f"unknown: {signature.signer.subject}")
    assert (finding.rule, finding.severity) == ("SEAL-006", "blocking")
    assert "unknown" in finding.message_en


def test_a_seal_by_another_program_is_left_to_the_person(drafted: tuple[Draft, Tender, Path]) -> None:
    _, path = letter(drafted[0], drafted[2])
    bidder = make_pki().bidder
    (path.parent / "key.pem").write_bytes(bidder.pem)
    (path.parent / "cert.pem").write_bytes(bidder.certificate.pem)
    signer = signers.SimpleSigner.load(str(path.parent / "key.pem"), str(path.parent / "cert.pem"))
    assert signer is not None
    with path.open("r+b") as file:
        metadata = signers.PdfSignatureMetadata(field_name="Seal", reason="电子签章 company cross-page")
        signers.sign_pdf(IncrementalPdfFileWriter(file), metadata, signer=signer, in_place=True)
    (_, finding) = checked(drafted)
    assert (finding.rule, finding.severity) == ("SEAL-003", "warning")
    path.write_bytes(path.read_bytes().replace(b"/adbe.pkcs7.detached", b"/adbe.unheard.of.one"))
    (_, finding) = checked(drafted)
    assert finding.rule == "SEAL-003"
    assert "unheard" in finding.message_en
