"""The sample tenders and bids look like the real thing, hold together, and can be made again."""

import hashlib
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pypdfium2
import pytest
from pypdf import PdfReader
from reportlab.pdfgen.canvas import Canvas

from bidclient.checks.draft import check_draft
from bidclient.checks.pdf import preflight
from bidclient.checks.seal_places import seal_places
from bidclient.desk.seal_panel import WIDTH_MM
from bidclient.formats.codes import deal_code_problem, parse_lot_code, uscc_problem
from bidclient.formats.instant import parse_instant
from bidclient.formats.money import amount_in_words, parse_yuan
from bidclient.sandbox.pki import Authority, create_authority, issue_bidder
from bidclient.sandbox.rivals import RIVALS
from bidclient.sandbox.samples import (
    load_bill,
    load_sample,
    make_sample_tender,
    priced,
    sample_bid,
    sample_ids,
)
from bidclient.stages.draft import (
    ClauseLink,
    Draft,
    DraftDocument,
    new_draft,
    with_document,
    with_field,
    with_link,
    with_prices,
)
from bidclient.stages.tender import SealPosition, TenderPackage, write_tender

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "resources" / "samples"
NOW = datetime.now(UTC).replace(microsecond=0)  # noqa: TID251 - certificates are issued by today's date
SIZE_LIMIT = 8 * 1024 * 1024
every_sample = pytest.mark.parametrize("sample_id", sample_ids())
every_pdf = pytest.mark.parametrize(
    "path", sorted(SAMPLES.glob("*/*/*.pdf")), ids=lambda path: str(path.relative_to(SAMPLES))
)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return create_authority(tmp_path_factory.mktemp("authority"), NOW)


def announced(sample_id: str, authority: Authority, folder: Path) -> TenderPackage:
    """The sample as the network would publish it, deadline in thirty days."""
    tender, documents = make_sample_tender(
        sample_id,
        network="sandbox-test",
        lot_id="lot-1",
        issued_at=NOW,
        deadline=NOW + timedelta(days=30),
        opening_certificate=authority.opening.certificate.pem.decode(),
        joint_certificate=authority.tenderer.certificate.pem.decode(),
    )
    return write_tender(tender, documents, authority.identity, NOW, folder / f"{sample_id}.tender")


def complete_draft(sample_id: str, package: TenderPackage, parts: Path) -> Draft:
    """The demo bidder's bid as a draft, its documents under `parts`."""
    tender, bid = package.tender, sample_bid(sample_id)
    draft = new_draft(package, "creation-code", bytes(32), NOW)
    for document in bid.documents:
        target = parts / document.part / f"{document.name}.pdf"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(document.path, target)
        data = target.read_bytes()
        added = DraftDocument(
            part=document.part,
            name=document.name,
            file=target.name,
            title=document.title,
            size=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
            pages=preflight(target).pages,
            added_at=draft.created_at,
        )
        draft = with_document(draft, tender, added, NOW)
    bidder = {f"bidder.{name}": getattr(bid.bidder, name) for name in bid.bidder.__struct_fields__}
    for name, value in {**bidder, **bid.form}.items():
        draft = with_field(draft, tender, name, value, NOW)
    draft = with_prices(draft, tender, bid.prices, NOW)
    part_of = {document.name: document.part for document in bid.documents}
    for link in bid.links:
        place = ClauseLink(link.clause, part_of[link.document], f"{link.document}.pdf", link.page)
        draft = with_link(draft, tender, place, NOW)
    return draft


def text_of(path: Path, page: int | None = None) -> str:
    """The text of a PDF, or of one page counted from 1, without line ends."""
    with pypdfium2.PdfDocument(path) as document:
        numbers = range(len(document)) if page is None else [page - 1]
        text = "".join(document[number].get_textpage().get_text_range() for number in numbers)
    return "".join(text.split())


def test_the_three_kinds_are_there() -> None:
    terms = {name: load_sample(name).terms for name in sample_ids()}
    assert list(terms) == ["construction", "goods", "services"]
    assert [one.submission for one in terms.values()] == ["upload", "hash-first", "upload"]
    assert [one.policy for one in terms.values()] == ["any", "any", "all"]
    assert len(load_bill("construction").items) >= 80
    assert {part.blind for part in load_sample("construction").parts} == {True, False}


@every_sample
def test_a_sample_tender_can_be_published(sample_id: str, authority: Authority, tmp_path: Path) -> None:
    tender = announced(sample_id, authority, tmp_path).tender
    assert tender.opening_at == tender.deadline
    assert parse_instant(tender.sign_in_from) == NOW + timedelta(days=29)
    assert (tender.upload_until > tender.deadline) == (tender.submission == "hash-first")
    assert (tender.joint_certificate is None) == (tender.policy == "any")
    assert {file.path.endswith(".pdf") for file in tender.files} == {True}


def test_joint_control_needs_the_tenderers_certificate(authority: Authority) -> None:
    with pytest.raises(ValueError, match="certificate"):
        make_sample_tender(
            "services", network="n", lot_id="l", issued_at=NOW, deadline=NOW, opening_certificate="PEM"
        )


def test_an_unknown_sample_is_refused() -> None:
    with pytest.raises(KeyError, match="nothing"):
        load_sample("nothing")


@every_sample
def test_codes_of_a_sample_are_well_formed(sample_id: str) -> None:
    sample = load_sample(sample_id)
    assert [uscc_problem(party.uscc) for party in (sample.tenderer, sample.agency)] == [None, None]
    assert uscc_problem(sample.bid.bidder.uscc) is None
    assert deal_code_problem(sample.project.unified_deal_code) is None
    assert parse_lot_code(sample.lot.code) is not None
    assert sample.lot.code.startswith(sample.project.code)


def test_all_companies_are_fictional_and_differ() -> None:
    codes = [rival.uscc for rival in RIVALS] + [load_sample(name).bid.bidder.uscc for name in sample_ids()]
    assert len(set(codes)) == len(codes)
    assert {code[2:8] for code in codes} == {"629999"}  # a region that is not assigned
    assert {uscc_problem(code) for code in codes} == {None}


@every_sample
def test_prices_add_up_below_the_ceiling(sample_id: str) -> None:
    sample, bid = load_sample(sample_id), sample_bid(sample_id)
    assert sum(item.total_fen for item in bid.prices) == bid.total_fen
    assert parse_yuan(bid.form[sample.price.field]) == bid.total_fen
    assert bid.form["price-in-words"] == amount_in_words(bid.total_fen)
    assert bid.total_fen < sample.price.ceiling_fen


def test_amounts_are_rounded_half_up() -> None:
    line = load_bill("construction").items[0]
    item = priced((line,), Decimal("0.5"))[0]
    assert item.unit_price_fen == 731
    assert item.total_fen == 731 * 6480


@every_sample
def test_the_demo_bid_lacks_nothing_but_its_seals(
    sample_id: str, authority: Authority, tmp_path: Path
) -> None:
    package = announced(sample_id, authority, tmp_path)
    draft = complete_draft(sample_id, package, tmp_path / "parts")
    keys = issue_bidder(authority.data, draft.bidder.name, draft.bidder.uscc, "p-256")
    certificates = [keys.signing_cert, keys.encryption_cert]
    unsealed = check_draft(draft, package.tender, tmp_path / "parts", NOW, certificates)
    assert {finding.rule for finding in unsealed} == {"SEAL-001"}
    short = with_field(draft, package.tender, "price-in-words", "", NOW)
    findings = check_draft(short, package.tender, tmp_path / "parts", NOW, certificates)
    more = [finding for finding in findings if finding not in unsealed]
    assert [finding.severity for finding in more] == ["blocking"]


@every_sample
def test_links_point_to_the_page_that_answers(sample_id: str) -> None:
    bid = sample_bid(sample_id)
    paths = {document.name: document.path for document in bid.documents}
    assert {link.clause for link in bid.links} == {clause.id for clause in load_sample(sample_id).clauses}
    for link in bid.links:
        assert link.heading in text_of(paths[link.document], link.page)


@every_sample
def test_seals_lie_where_the_documents_are_signed(sample_id: str) -> None:
    """Each on a text of its own that asks for it, and none on another."""
    heights = {**WIDTH_MM, "cost-engineer": 26}
    for part in load_sample(sample_id).parts:
        for document in part.documents:
            path = SAMPLES / sample_id / "bid" / f"{document.name}.pdf"
            positions = [seal for seal in document.seals if seal.kind != "cross-page"]
            asked = SealPosition(kind="company", page=1, x_mm=0, y_mm=0, anchor="（电子签章）")
            free = list(seal_places(path, [asked])[0][1]) if positions else []
            boxes: list[tuple[float, float, float, float]] = []
            for position, (place,) in seal_places(path, positions):
                near = [one for one in free if abs(one.x_mm - place.x_mm) < 10 > abs(one.y_mm - place.y_mm)]
                assert near, f"{document.name}: {position.kind}"
                free.remove(near[0])
                wide, high = WIDTH_MM[position.kind] / 2, heights[position.kind] / 2
                x, y = place.x_mm, place.y_mm
                assert not [
                    b
                    for b in boxes
                    if b[0] < x + wide and x - wide < b[2] and b[1] < y + high and y - high < b[3]
                ], f"{document.name}: {position.kind}"
                boxes.append((x - wide, y - high, x + wide, y + high))
            assert free == [], f"{document.name} invites a seal that the tender does not ask for"


@every_pdf
def test_a_pdf_is_sound_chinese_and_embeds_its_fonts(path: Path) -> None:
    facts = preflight(path)
    assert facts.pages == len(PdfReader(path).pages) >= 1
    assert sum("\u4e00" <= letter <= "\u9fff" for letter in text_of(path)) > 100
    checked = subprocess.run(["qpdf", "--check", path], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    fonts = embedded(path)
    assert fonts
    assert all(fonts.values()), fonts


def embedded(path: Path) -> dict[str, bool]:
    """Each font of a PDF by name, and whether it is in the file, as pdffonts says."""
    listing = subprocess.run(["pdffonts", path], capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in listing.splitlines()[2:]]
    return {row[0]: row[-5] == "yes" for row in rows}


def test_the_judges_of_pdfs_can_say_no(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.pdf"
    damaged.write_bytes((SAMPLES / "services" / "bid" / "staffing.pdf").read_bytes()[:-400])
    checked = subprocess.run(["qpdf", "--check", damaged], capture_output=True, check=False)
    assert checked.returncode != 0
    bare = Canvas(str(tmp_path / "bare.pdf"))
    bare.drawString(72, 720, "standard font, not embedded")
    bare.save()
    assert embedded(tmp_path / "bare.pdf") == {"Helvetica": False}


def test_page_counts_are_those_of_real_tenders() -> None:
    pages = {
        sample_id: preflight(SAMPLES / sample_id / "tender" / "tender-document.pdf").pages
        for sample_id in sample_ids()
    }
    assert pages["construction"] >= 200
    assert 20 <= pages["goods"] <= 80
    assert 20 <= pages["services"] <= 80


@every_sample
def test_a_tender_document_has_an_outline(sample_id: str) -> None:
    outline = PdfReader(SAMPLES / sample_id / "tender" / "tender-document.pdf").outline
    titles = [entry.title for entry in outline if not isinstance(entry, list)]
    assert titles[0] == "投标人须知"
    assert titles[-1] == "投标文件格式"
    assert len(titles) >= 6


def test_the_blind_part_tells_nothing_of_the_bidder() -> None:
    sample = load_sample("construction")
    blind = SAMPLES / "construction" / "bid" / "construction-plan.pdf"
    named = SAMPLES / "construction" / "bid" / "project-team.pdf"
    bidder = sample.bid.bidder
    secrets = (
        bidder.name,
        bidder.uscc,
        bidder.legal_representative,
        bidder.agent,
        "砚岭",
        "阮长川",
        "米若溪",
    )
    assert not [word for word in secrets if word in text_of(blind)]
    assert [word for word in secrets if word in text_of(named)]
    facts = PdfReader(blind).metadata
    assert facts is not None
    assert not any(facts.get(name) for name in ("/Author", "/Company", "/Creator", "/Producer", "/Keywords"))
    assert PdfReader(blind).xmp_metadata is None
    other = PdfReader(named).metadata
    assert other is not None
    assert other.author == bidder.name


def test_the_pdfs_stay_small() -> None:
    assert sum(path.stat().st_size for path in SAMPLES.glob("*/*/*.pdf")) < SIZE_LIMIT


def test_the_script_makes_the_same_bytes_again(tmp_path: Path) -> None:
    wanted = "services/bid/power-of-attorney.pdf"
    command = [sys.executable, str(SAMPLES / "make.py"), "--only", wanted, "--out", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True, timeout=120)
    made = [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.pdf")]
    assert made == [wanted]
    assert (tmp_path / wanted).read_bytes() == (SAMPLES / wanted).read_bytes()
