"""A small real tender, a complete answer to it with real PDFs, and the packed and signed bid."""

import hashlib
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import msgspec
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

from bidclient.checks.pdf import preflight
from bidclient.formats.instant import instant_text
from bidclient.formats.money import amount_in_words
from bidclient.formats.stored_zip import Writer
from bidclient.formats.typeface import draw
from bidclient.stages.draft import (
    ClauseLink,
    Draft,
    DraftDocument,
    PricedItem,
    new_draft,
    with_document,
    with_field,
    with_link,
    with_prices,
)
from bidclient.stages.package import DeviceStatement, Package, pack
from bidclient.stages.signed import SignedBid, sign
from bidclient.stages.tender import (
    Clause,
    FormField,
    Lot,
    Part,
    Party,
    PriceItem,
    PriceSchedule,
    Project,
    RemedyPolicy,
    RequiredDocument,
    SimilarityPolicy,
    Tender,
    TenderPackage,
    write_tender,
)
from tests.support.pki import NOW, Authority, InMemoryKey

BIDDER = "陇原示范建设工程有限公司"
BIDDER_USCC = "91629999TBX00001XU"
LEGAL_REPRESENTATIVE = "陈示范"
PHONE = "0934-8000001"
PRICE_FEN = 26_550_000
CEILING_FEN = 30_000_000
DEVICE = DeviceStatement("02:00:00:00:00:01", "CPU-1", "DISK-1", "BOARD-1", "投标室一号机")
CLIENT = "bidclient test"
_FONT = "STSong-Light"


@dataclass(frozen=True)
class Pki:
    """Who takes part: the network, the bidder and its legal representative, a rival, opening, time stamps."""

    root: Authority
    network: InMemoryKey
    bidder: InMemoryKey
    encryption: InMemoryKey
    legal_representative: InMemoryKey
    rival: InMemoryKey
    opening: InMemoryKey
    tsa: InMemoryKey


@cache
def make_pki() -> Pki:
    """One PKI for a whole test run."""
    root = Authority.root()
    middle = root.intermediate()
    return Pki(
        root,
        network=middle.issue("signing", "p-256", 10, name="演练交易网", uscc="12629999TBX001012L"),
        bidder=middle.issue("signing", number=11, name=BIDDER, uscc=BIDDER_USCC),
        encryption=middle.issue("encryption", number=12, name=BIDDER, uscc=BIDDER_USCC),
        legal_representative=middle.issue("signing", "p-256", 13, name=LEGAL_REPRESENTATIVE, uscc=None),
        rival=middle.issue("signing", "p-256", 14, name="另一家有限公司", uscc="91629999TBX000028U"),
        opening=middle.issue("encryption", "p-256", 15, name="开标密钥", uscc=None),
        tsa=middle.issue("tsa", "p-256", 16, name="测试时间戳服务", uscc=None),
    )


def make_pdf(path: Path, pages: Sequence[str], *, embedded: bool = False, **properties: str) -> Path:
    """A PDF with a page for each text, with `properties` such as author="…"; equal input, equal bytes.

    Its font is one that every reader of Chinese has; `embedded` puts the fonts of ours into the file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    pdfmetrics.registerFont(UnicodeCIDFont(_FONT))
    canvas = Canvas(str(path), invariant=1)
    for name, value in properties.items():
        setter: Callable[[str], None] = getattr(canvas, f"set{name.capitalize()}")
        setter(value)
    for text in pages:
        if not embedded:
            canvas.setFont(_FONT, 14)
        for number, line in enumerate(text.splitlines()):
            if embedded:
                draw(canvas, 72, 760 - 22 * number, line, 14)
            else:
                canvas.drawString(72, 760 - 22 * number, line)
        canvas.showPage()
    canvas.save()
    return path


def tender_record(pki: Pki, **changes: object) -> Tender:
    """A tender with four parts, one of them blind, three price items and two clauses, without documents."""
    tender = Tender(
        format="bidclient/tender",
        version=1,
        network="test-net",
        project=Project(
            "A016210022511010001",
            "西峰区示范道路改造工程",
            "A01-12629999TBX001012L-20251101-000001-9",
            "621002",
            "A",
        ),
        lot=Lot("lot-1", "A016210022511010001001001", "施工一标段", "路基、路面、排水"),
        tenderer=Party("示范建设管理处", "12629999TBX001012L"),
        agency=Party("示范招标代理有限公司", "91629999TBX000036N"),
        tender_version=1,
        replaces=None,
        change_summary="",
        issued_at=instant_text(NOW),
        deadline="2026-12-15T09:30:00.000+08:00",
        opening_at="2026-12-15T09:30:00.000+08:00",
        sign_in_from="2026-12-14T09:30:00.000+08:00",
        upload_until="2026-12-15T09:30:00.000+08:00",
        decrypt_minutes=30,
        confirm_minutes=10,
        objection_minutes=10,
        bid_validity_days=90,
        submission="upload",
        opening_certificate=pki.opening.certificate.pem.decode("ascii"),
        suites=("intl-1",),
        policy="any",
        joint_certificate=None,
        size_limit=64 * 1024 * 1024,
        parts=_PARTS,
        form=_FORM,
        price=PriceSchedule("CNY", CEILING_FEN, "total-price", _ITEMS),
        clauses=_CLAUSES,
        remedy=RemedyPolicy(),
        similarity=SimilarityPolicy(),
        files=(),
    )
    return msgspec.structs.replace(tender, **changes)


def make_tender(folder: Path, pki: Pki, **changes: object) -> TenderPackage:
    """The tender, signed by the network, with two documents; `changes` replace fields of the record."""
    sources = folder / "sources"
    documents = {
        "documents/招标文件.pdf": make_pdf(
            sources / "tender.pdf", ["西峰区示范道路改造工程\n招标文件", "投标人须知"]
        ),
        "documents/drawings/图纸目录.pdf": make_pdf(sources / "drawings.pdf", ["图纸目录"]),
    }
    return write_tender(tender_record(pki, **changes), documents, pki.network, NOW, folder / "tender.tender")


def add_document(
    draft: Draft,
    tender: Tender,
    parts: Path,
    part: str,
    name: str,
    title: str,
    pages: Sequence[str],
    /,
    **properties: str,
) -> Draft:
    """The draft with one more real PDF in its place under `parts`."""
    path = make_pdf(parts / part / f"{title}.pdf", pages, embedded=True, **properties)
    return add_file(draft, tender, path, name, title)


def add_file(draft: Draft, tender: Tender, path: Path, name: str, title: str) -> Draft:
    """The draft with the file at parts/<part>/<file> in the place `name`, unless it is damaged."""
    part, facts = path.parent.name, preflight(path)
    document = DraftDocument(
        part, name, path.name, title, facts.size, facts.sha256, facts.pages, instant_text(NOW)
    )
    return with_document(draft, tender, document, NOW)


def make_draft(folder: Path, package: TenderPackage) -> tuple[Draft, Path]:
    """A draft without any finding, and the folder with its parts."""
    tender, parts = package.tender, folder / "parts"
    draft = new_draft(package, "BC-0001", hashlib.sha256(b"salt").digest(), NOW)
    for name, value in _VALUES.items():
        draft = with_field(draft, tender, name, value, NOW)
    draft = with_prices(draft, tender, _PRICES, NOW)
    letter = f"投标函\n投标总报价：人民币贰拾陆万伍仟伍佰元整\n投标人：{BIDDER}"
    assert amount_in_words(PRICE_FEN) in letter
    draft = add_document(
        draft, tender, parts, "qualification", "licence", "营业执照", ["营业执照", BIDDER], author=BIDDER
    )
    draft = add_document(draft, tender, parts, "commercial", "bid-letter", "投标函", [letter], author=BIDDER)
    draft = add_document(
        draft,
        tender,
        parts,
        "technical",
        "plan",
        "施工组织设计",
        ["施工组织设计\n工期安排", "质量保证措施", "安全文明施工"],
    )
    draft = add_document(draft, tender, parts, "price", "priced-boq", "已标价工程量清单", ["工程量清单"])
    draft = with_link(draft, tender, ClauseLink("quality", "technical", "施工组织设计.pdf", 2), NOW)
    draft = with_link(draft, tender, ClauseLink("licence", "qualification", "营业执照.pdf", 1), NOW)
    return draft, parts


def make_package(folder: Path, package: TenderPackage) -> Package:
    """The complete draft, packed."""
    draft, parts = make_draft(folder, package)
    return pack(draft, package.tender, parts, folder / "bid.zip", DEVICE, CLIENT)


def make_signed(
    folder: Path, pki: Pki, package: TenderPackage, stamp: Callable[[bytes], bytes] | None = None
) -> SignedBid:
    """The complete draft, packed and signed by the bidder."""
    return sign(make_package(folder, package), pki.bidder, stamp, NOW, folder / "bid.asice")


def zip_contents(path: Path) -> dict[str, bytes]:
    """The entries of a ZIP, read with nothing of ours."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rewritten(path: Path, out: Path, change: Callable[[dict[str, bytes]], object]) -> Path:
    """The ZIP at `path` with changed content, itself without fault, at `out`."""
    files = zip_contents(path)
    change(files)
    with out.open("w+b") as file:
        writer = Writer(file)
        for name, data in files.items():
            writer.add_bytes(name, data)
        writer.finish()
    return out


_PARTS = (
    Part(
        "qualification",
        "资格审查文件",
        (
            RequiredDocument("licence", "营业执照", max_pages=10),
            RequiredDocument("extra", "其他资格材料", required=False),
        ),
    ),
    Part(
        "commercial",
        "商务标",
        (RequiredDocument("bid-letter", "投标函"),),
    ),
    Part("technical", "技术标", (RequiredDocument("plan", "施工组织设计"),), blind=True),
    Part("price", "报价文件", (RequiredDocument("priced-boq", "已标价工程量清单"),)),
)
_FORM = (
    FormField("total-price", "投标总报价", "money"),
    FormField("duration", "工期", "days"),
    FormField("quality", "质量", "text"),
    FormField("manager", "项目负责人", "person"),
    FormField("discount", "下浮率", "percent", required=False),
    FormField("start", "计划开工日期", "date", required=False),
)
_ITEMS = (
    PriceItem("040101001001", "挖一般土方", "m³", "1200.5"),
    PriceItem("040203007001", "水泥混凝土路面", "m²", "860"),
    PriceItem("040501001001", "混凝土管", "m", "75"),
)
_CLAUSES = (
    Clause("licence", "营业执照有效", "qualification"),
    Clause("quality", "质量保证措施", "technical", 10),
)
_VALUES = {
    "bidder.name": BIDDER,
    "bidder.uscc": BIDDER_USCC,
    "bidder.legal_representative": LEGAL_REPRESENTATIVE,
    "bidder.agent": "李代理",
    "bidder.phone": PHONE,
    "total-price": "265,500.00",
    "duration": "120",
    "quality": "合格",
    "manager": "王经理",
}
_PRICES = (
    PricedItem("040101001001", 2_000, 2_401_000),
    PricedItem("040203007001", 25_000, 21_500_000),
    PricedItem("040501001001", 35_320, 2_649_000),
)
