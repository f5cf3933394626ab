"""What two companies take out of this program has no mark in common: no number, no identifier, no moment.

The tender that both answer is in common, of course, and what a format fixes: the entries of a ZIP are dated
1980-01-01 in every one, which says nothing of who made it, and lets equal content be equal bytes.
"""

import hashlib
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pikepdf
import pytest
from reportlab.pdfgen.canvas import Canvas

from bidclient.ask import Ask, Nobody
from bidclient.checks.finding import Finding
from bidclient.crypto.private_key import PrivateKey
from bidclient.desk import Desk, build
from bidclient.desk.seal_order import SealOrder
from bidclient.desk.self_check import SelfCheckOrder
from bidclient.formats.instant import instant_text
from bidclient.formats.money import amount_in_words
from bidclient.formats.pdf_origin import date
from bidclient.formats.typeface import draw
from bidclient.keys.info import KeyInfo, key_id
from bidclient.sandbox.receipt_pdf import receipt_pdf
from bidclient.similarity.findings.ancestry import check_ancestry
from bidclient.similarity.findings.examined import Examined
from bidclient.similarity.findings.traces import Traces
from bidclient.similarity.reading.document import Extract
from bidclient.similarity.reading.office_traits import traits as office_traits
from bidclient.similarity.reading.pdf_traits import traits as pdf_traits
from bidclient.similarity.report.self_check import SelfCheck
from bidclient.stages.draft import ClauseLink, PricedItem
from bidclient.stages.submitted import Receipt
from bidclient.stages.tender import SealPosition, TenderPackage
from bidclient.store.settings import CompanySettings, Settings
from tests.support.bids import BIDDER, BIDDER_USCC, make_pki, make_tender, tender_record
from tests.support.office_files import sessions
from tests.support.pki import NOW, InMemoryKey
from tests.support.word_files import entries_of, make_zip

RIVAL, RIVAL_USCC = "另一家有限公司", "91629999TBX000028U"
_MARK = re.compile(
    r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"  # GUIDs
    r"|(?<![0-9A-Za-z])[0-9A-Fa-f]{8,}(?![0-9A-Za-z])"  # revision marks, digests, identifiers
    r"|\d{4}-\d\d-\d\d[T ]\d\d:\d\d[0-9:.]*"
    r"|D:\d{14}"
)
_SEALED = (SealPosition("company", 1, 30, 0, "投标人"),)


@dataclass(frozen=True)
class Firm:
    """A company: its name, its key, when it works, and what it asks per unit."""

    name: str
    uscc: str
    key: InMemoryKey
    now: datetime
    unit_fen: int


@dataclass(frozen=True)
class Exports:
    """What a company has taken out, in `folder`, and the self-check that its reports show."""

    firm: Firm
    folder: Path
    checked: SelfCheck


@dataclass
class Shelf:
    """A source with one key in memory."""

    held: InMemoryKey

    def keys(self) -> list[KeyInfo]:
        certificate = self.held.certificate
        return [
            KeyInfo(
                id=key_id("shelf", certificate),
                source="token",
                label=certificate.common_name,
                token_serial="1",
                token_label="锁",
                module="",
                certificate=certificate,
                can_sign=True,
                can_decrypt=False,
                always_authenticate=False,
            )
        ]

    @contextmanager
    def unlock(self, _key: KeyInfo, _ask: Ask) -> Iterator[PrivateKey]:
        yield self.held

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture(scope="module")
def tender(tmp_path_factory: pytest.TempPathFactory) -> TenderPackage:
    parts = [
        msgspec.structs.replace(part, documents=(msgspec.structs.replace(part.documents[0], seals=_SEALED),))
        if part.id == "commercial"
        else part
        for part in tender_record(make_pki()).parts
    ]
    return make_tender(tmp_path_factory.mktemp("tender"), make_pki(), parts=tuple(parts))


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory, tender: TenderPackage) -> tuple[Exports, Exports]:
    """Two companies at two desks, at two times, with the same tender."""
    pki = make_pki()
    ours = Firm(BIDDER, BIDDER_USCC, pki.bidder, NOW, 2_000)
    theirs = Firm(RIVAL, RIVAL_USCC, pki.rival, NOW + timedelta(hours=27, minutes=3, seconds=11), 1_970)
    one, other = (exported(tmp_path_factory.mktemp("firm"), firm, tender) for firm in (ours, theirs))
    return one, other


def desk_of(folder: Path, firm: Firm) -> Desk:
    return build(
        Settings(company=CompanySettings(name=firm.name, uscc=firm.uscc)),
        environment={},
        now=lambda: firm.now,
        sources=(Shelf(firm.key),),
        archive=folder / "archive",
    )


def exported(folder: Path, firm: Firm, tender: TenderPackage) -> Exports:
    """All exports, each made by the verb that a clerk uses."""
    bid, made = folder / "bid", folder / "made"
    with desk_of(folder, firm) as desk:
        desk.preparing.new(tender.path, bid)
        prices = [
            PricedItem(item.code, firm.unit_fen, round(float(item.quantity) * firm.unit_fen))
            for item in tender.tender.price.items
        ]
        desk.preparing.set_prices(bid, prices)
        total = sum(price.total_fen for price in prices)
        values = {
            "duration": str(firm.unit_fen % 97 + 60),
            "quality": "合格",
            "manager": f"{firm.name[:2]}平",
        }
        person = {"bidder.legal_representative": firm.name[2:4], "bidder.phone": f"0934-8{firm.unit_fen}"}
        named = {"bidder.name": firm.name, "bidder.uscc": firm.uscc, "total-price": f"{total / 100:.2f}"}
        desk.preparing.set_fields(bid, values | person | named)
        words = amount_in_words(total)
        for part, name, lines in (
            ("qualification", "营业执照", f"营业执照\n{firm.name}"),
            ("commercial", "投标函", f"投标函\n投标总报价：{words}\n投标人：{firm.name}"),
            ("technical", "施工组织设计", f"施工组织设计\n按 {firm.unit_fen} 的顺序施工"),
            ("price", "已标价工程量清单", f"工程量清单\n{total}"),
        ):
            path = written(made / f"{name}.pdf", lines, "" if part == "technical" else firm.name, firm.now)
            desk.preparing.add(bid, part, [path])
        desk.preparing.link(bid, [ClauseLink("quality", "technical", "施工组织设计.pdf", 1)])
        desk.preparing.letter(bid, made / "letter.docx")
        report = desk.self_checking.run(bid, SelfCheckOrder(with_keys=False))
        for kind in ("html", "pdf"):
            desk.self_checking.write(report, made / f"report.{kind}", "zh")
        stamped = desk.stamping.stamp(bid, None, SealOrder(), Nobody(b"1"), timestamp=False)
        assert stamped.complete
        desk.signing.pack(bid)
        desk.signing.sign(bid, None, Nobody(b"1"), timestamp=False)
    (bid / "parts/commercial/投标函.pdf").rename(made / "stamped.pdf")
    for name in ("bid.zip", "bid.asice"):
        (bid / name).rename(made / name)
    signed = hashlib.sha256(firm.name.encode()).hexdigest()
    (made / "receipt.pdf").write_bytes(receipt_pdf(receipt(firm, tender), signed, tender.tender, firm.name))
    return Exports(firm, made, report.record)


def written(path: Path, text: str, author: str, at: datetime) -> Path:
    """A document of the company's own without an identifier: whoever changes it first gives it one."""
    path.parent.mkdir(exist_ok=True)
    page = Canvas(str(path), invariant=1)
    page.setAuthor(author)
    date(page, at)
    for number, line in enumerate(text.splitlines()):
        draw(page, 72, 760 - 22 * number, line, 14)
    page.save()
    path.write_bytes(path.read_bytes().replace(b"/ID", b"/XX"))
    return path


def receipt(firm: Firm, tender: TenderPackage) -> Receipt:
    """What the network says of this company's bid."""
    own = [hashlib.sha256(f"{firm.name}{number}".encode()).hexdigest() for number in range(4)]
    return Receipt(
        format="bidnet/receipt",
        version=1,
        kind="submission",
        network=tender.tender.network,
        receipt_no=f"HZ{firm.unit_fen:08d}",
        submission=f"S-{firm.unit_fen}",
        lot=tender.tender.lot.id,
        lot_code=tender.tender.lot.code,
        tender_version=1,
        bidder=firm.uscc,
        stub_sha256=own[0],
        sealed_sha256=own[1],
        sealed_size=firm.unit_fen,
        file_root=own[2],
        statement_sha256=own[3],
        received_at=instant_text(firm.now),
        deadline=tender.tender.deadline,
        rule="strictly-before",
        log_index=firm.unit_fen,
        checks=("stub", "lot"),
        replaces=None,
        previous_receipt_sha256=None,
    )


# ----------------------------------------------------------------------------------------------- judges


def texts(path: Path) -> str:
    """All that a file says as text: the entries of a ZIP but for PDFs, of a PDF what is about the file."""
    if path.suffix == ".pdf":
        with pikepdf.open(path) as pdf:
            signed = [str(one.M) for one in pdf.objects if is_signature(one)]
            # In a sealed file pyHanko notes the clock of this computer, which is the same for both here.
            left_out = {"/ModDate"} if signed else set()
            information = [str(value) for name, value in pdf.docinfo.items() if name not in left_out]
            halves = [bytes(half).hex() for half in pdf.trailer.ID]
            xmp = pdf.Root.get("/Metadata")
            packet = xmp.read_bytes().decode() if isinstance(xmp, pikepdf.Stream) else ""
        return "\n".join((*information, *halves, *signed, packet))
    if not zipfile.is_zipfile(path):
        return path.read_text("utf-8")
    return "\n".join(
        content if isinstance(content, str) else content.decode("utf-8")
        for name, content in entries_of(path).items()
        if not name.endswith((".pdf", ".p7s"))
    )


def is_signature(one: pikepdf.Object) -> bool:
    return isinstance(one, pikepdf.Dictionary) and one.get("/Type") == "/Sig"


def marks_in_common(one: Path, other: Path, tender: TenderPackage) -> set[str]:
    """Numbers, digests and moments that two files share, and the tender has not given to both."""
    given = {*_MARK.findall(texts(tender.path)), tender.sha256}
    return {*_MARK.findall(texts(one))} & {*_MARK.findall(texts(other))} - given


def kinship(one: Path, other: Path) -> list[Finding]:
    """What the self-check says of the two when one is in a draft and the other is named."""
    ours, theirs = (
        tuple(office_traits(path) if path.suffix == ".docx" else pdf_traits(path)) for path in (one, other)
    )
    extract = Extract(one.name, "0" * 64, one.suffix[1:], "", (), (), ours)
    return check_ancestry(
        [Examined("draft", "draft", extract)], [Traces("named", "other", "other", (), theirs)]
    )


# ------------------------------------------------------------------------------------------------ exports


@pytest.mark.parametrize(
    "name", ["letter.docx", "report.pdf", "receipt.pdf", "stamped.pdf", "bid.zip", "bid.asice"]
)
def test_two_companies_share_no_mark(
    name: str, two: tuple[Exports, Exports], tender: TenderPackage, tmp_path: Path
) -> None:
    one, other = (company.folder / name for company in two)
    assert marks_in_common(one, other, tender) == set()
    copy = tmp_path / name
    copy.write_bytes(one.read_bytes())
    assert marks_in_common(one, copy, tender)
    if name.endswith(("docx", "pdf")):
        assert kinship(one, other) == []
        assert [finding.rule for finding in kinship(one, copy)] == ["META-005"]
    else:
        # A format fixes these, and they are the same whoever writes it.
        with zipfile.ZipFile(one) as archive:
            assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_pages_of_two_reports_share_only_the_names_of_equal_findings(
    two: tuple[Exports, Exports], tender: TenderPackage
) -> None:
    one, other = (company.folder / "report.html" for company in two)
    ids = [{finding.id[:16] for finding in company.checked.findings} for company in two]
    archives = {company.checked.archive.state for company in two}
    shared = marks_in_common(one, other, tender)
    assert shared == (ids[0] & ids[1]) | archives
    assert marks_in_common(one, one, tender) > shared


def test_marks_of_one_editing_session_would_be_found(
    two: tuple[Exports, Exports], tender: TenderPackage, tmp_path: Path
) -> None:
    marks = [f"00A7{number:04X}" for number in range(9)]
    planted = [
        make_zip(
            tmp_path / f"{number}.docx",
            {**entries_of(company.folder / "letter.docx"), **sessions(marks[0], marks)},
        )
        for number, company in enumerate(two)
    ]
    one, other = planted
    assert marks_in_common(one, other, tender) == set(marks)
    assert "00A70000" in kinship(one, other)[0].message_zh


def test_each_export_says_whose_it_is_and_when_it_was_made(two: tuple[Exports, Exports]) -> None:
    for company in two:
        name, at = company.firm.name, f"{company.firm.now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        letter = {trait.key: trait.value for trait in office_traits(company.folder / "letter.docx")}
        assert letter == {
            "docx.title": "投标函",
            "docx.creator": name,
            "docx.lastModifiedBy": name,
            "docx.company": name,
            "docx.application": "bidclient",
            "docx.created": at,
            "docx.modified": at,
        }
        report = {trait.key: trait.value for trait in pdf_traits(company.folder / "report.pdf")}
        assert (report["pdf.author"], report["pdf.created"], report["pdf.modified"]) == (name, at, at)
        paper = {trait.key: trait.value for trait in pdf_traits(company.folder / "receipt.pdf")}
        assert (paper["pdf.created"], paper["pdf.modified"]) == (at, at)
