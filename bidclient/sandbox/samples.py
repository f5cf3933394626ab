"""Sample tenders and the demo bidder's complete bids, so that the whole journey needs no input at all.

The data lie in resources/samples/<id>/: sample.toml (terms, parts, forms, parties), bill.json (what is
priced) and the PDFs that resources/samples/make.py sets from the texts there. All parties are fictional.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

from bidclient.formats.instant import instant_text
from bidclient.formats.money import yuan_text
from bidclient.resource import find, read_bytes
from bidclient.stages.draft import Bidder, PricedItem
from bidclient.stages.tender import (
    Clause,
    Fen,
    FormField,
    Lot,
    Name,
    Part,
    Party,
    PriceItem,
    PriceSchedule,
    Project,
    Record,
    RemedyPolicy,
    SimilarityPolicy,
    Slug,
    Tender,
    TenderFile,
)

_IDS = ("construction", "goods", "services")
_SIGN_IN_WINDOW = timedelta(minutes=1440)


class LotTerms(Record):
    """The lot as the tenderer plans it; the network adds its own identifier."""

    code: str
    name: Name
    content: str


class Terms(Record):
    """How the lot is run: times in minutes and days, size in bytes."""

    submission: Literal["upload", "hash-first"]
    policy: Literal["any", "all"]
    suites: tuple[str, ...]
    decrypt_minutes: int
    confirm_minutes: int
    objection_minutes: int
    bid_validity_days: int
    size_limit: int


class PriceTerms(Record):
    """The ceiling in fen and the form field that carries the total."""

    ceiling_fen: Fen
    field: Slug


class SampleFile(Record):
    """A PDF of the tender; `file` lies in the sample's folder tender/."""

    file: Name
    title: Name


class SampleLink(Record):
    """A clause of the tender and what answers it in the demo's bid: `heading` on `page` of `document`."""

    clause: Slug
    document: Slug
    heading: str
    page: int


class BidTerms(Record):
    """What the demo's bidder writes into the opening form, and the links of its clauses.

    `cost_engineer` is who has priced the bill (造价工程师), where the tender wants to know.
    """

    bidder: Bidder
    form: dict[str, str]
    links: tuple[SampleLink, ...]
    cost_engineer: str = ""


class Sample(Record):
    """sample.toml."""

    project: Project
    lot: LotTerms
    tenderer: Party
    agency: Party
    terms: Terms
    parts: tuple[Part, ...]
    form: tuple[FormField, ...]
    price: PriceTerms
    clauses: tuple[Clause, ...]
    remedy: RemedyPolicy
    similarity: SimilarityPolicy
    files: tuple[SampleFile, ...]
    bid: BidTerms


class BillLine(msgspec.Struct, frozen=True, array_like=True):
    """A row of bill.json; quantity and unit price in yuan as decimal text."""

    group: str
    code: str
    name: str
    features: str
    unit: str
    quantity: str
    unit_price_yuan: str


class Bill(Record):
    """bill.json: the bill of quantities or price list with the demo bidder's unit prices."""

    currency: Literal["CNY"]
    columns: tuple[str, ...]
    items: tuple[BillLine, ...]


@dataclass(frozen=True)
class SampleDocument:
    """A finished document of a bid, to be added to `part` under `name`."""

    part: str
    name: str
    title: str
    path: Path


@dataclass(frozen=True)
class SampleBid:
    """Everything that a complete draft needs. Form values are what a person types: money in yuan."""

    bidder: Bidder
    form: Mapping[str, str]
    prices: tuple[PricedItem, ...]
    total_fen: int
    documents: tuple[SampleDocument, ...]
    links: tuple[SampleLink, ...]
    cost_engineer: str

    @property
    def typed(self) -> dict[str, str]:
        """All that the clerk types, by field: the bidder and the opening form."""
        bidder = {f"bidder.{name}": value for name, value in msgspec.structs.asdict(self.bidder).items()}
        return {name: value for name, value in {**bidder, **self.form}.items() if value}


def sample_ids() -> tuple[str, ...]:
    """The samples: construction (施工), goods (货物) and services (服务)."""
    return _IDS


@cache
def load_sample(sample_id: str) -> Sample:
    """The terms of a sample. Raises KeyError for an unknown one."""
    return msgspec.toml.decode(read_bytes(f"{_folder(sample_id)}/sample.toml"), type=Sample)


@cache
def load_bill(sample_id: str) -> Bill:
    """The lines to be priced, with the demo bidder's unit prices. Raises KeyError for an unknown sample."""
    return msgspec.json.decode(read_bytes(f"{_folder(sample_id)}/bill.json"), type=Bill)


def priced(lines: tuple[BillLine, ...], factor: Decimal = Decimal(1)) -> tuple[PricedItem, ...]:
    """The lines at `factor` times the demo bidder's unit prices; amounts are rounded half up to the fen."""
    items = []
    for line in lines:
        unit_fen = _whole(Decimal(line.unit_price_yuan) * factor * 100)
        items.append(PricedItem(line.code, unit_fen, _whole(Decimal(line.quantity) * unit_fen)))
    return tuple(items)


def make_sample_tender(
    sample_id: str,
    *,
    network: str,
    lot_id: str,
    issued_at: datetime,
    deadline: datetime,
    opening_certificate: str,
    joint_certificate: str | None = None,
    tender_version: int = 1,
    replaces: str | None = None,
    change_summary: str = "",
) -> tuple[Tender, dict[str, Path]]:
    """The tender of a sample on a network, ready to be signed, and its documents by entry path.

    The bids are opened at the deadline. `opening_certificate` and `joint_certificate` are PEM; the latter is
    needed by samples of policy "all" and ignored by the others. `replaces` is the SHA-256 of the tender.json
    that this version replaces. Raises KeyError for an unknown sample, ValueError without a joint certificate.
    """
    sample = load_sample(sample_id)
    joint = sample.terms.policy == "all"
    if joint and joint_certificate is None:
        raise ValueError("policy all needs the tenderer's certificate")
    documents = {
        f"documents/{number:02d}-{file.title}.pdf": find(f"{_folder(sample_id)}/tender/{file.file}")
        for number, file in enumerate(sample.files, start=1)
    }
    titles = [file.title for file in sample.files]
    files = [
        _tender_file(path, title, documents[path]) for path, title in zip(documents, titles, strict=True)
    ]
    tender = msgspec.structs.replace(
        _first_version(sample, load_bill(sample_id), network, lot_id, opening_certificate),
        **_times(sample.terms, issued_at, deadline),
        joint_certificate=joint_certificate if joint else None,
        tender_version=tender_version,
        replaces=replaces,
        change_summary=change_summary,
        files=tuple(files),
    )
    return tender, documents


def _times(terms: Terms, issued_at: datetime, deadline: datetime) -> dict[str, str]:
    """The tender's fields that are points in time."""
    upload_until = deadline
    if terms.submission == "hash-first":
        upload_until += timedelta(minutes=terms.decrypt_minutes)
    return {
        "issued_at": instant_text(issued_at),
        "deadline": instant_text(deadline),
        "opening_at": instant_text(deadline),
        "sign_in_from": instant_text(max(issued_at, deadline - _SIGN_IN_WINDOW)),
        "upload_until": instant_text(upload_until),
    }


def _first_version(sample: Sample, bill: Bill, network: str, lot: str, opening_certificate: str) -> Tender:
    """The tender without its times and files."""
    terms = sample.terms
    return Tender(
        format="bidclient/tender",
        version=1,
        network=network,
        project=sample.project,
        lot=Lot(id=lot, code=sample.lot.code, name=sample.lot.name, content=sample.lot.content),
        tenderer=sample.tenderer,
        agency=sample.agency,
        tender_version=1,
        replaces=None,
        change_summary="",
        issued_at="",
        deadline="",
        opening_at="",
        sign_in_from="",
        upload_until="",
        decrypt_minutes=terms.decrypt_minutes,
        confirm_minutes=terms.confirm_minutes,
        objection_minutes=terms.objection_minutes,
        bid_validity_days=terms.bid_validity_days,
        submission=terms.submission,
        opening_certificate=opening_certificate,
        suites=terms.suites,
        policy=terms.policy,
        joint_certificate=None,
        size_limit=terms.size_limit,
        parts=sample.parts,
        form=sample.form,
        price=_schedule(sample, bill),
        clauses=sample.clauses,
        remedy=sample.remedy,
        similarity=sample.similarity,
        files=(),
    )


def sample_bid(sample_id: str) -> SampleBid:
    """The demo bidder's complete bid for a sample: form, prices and documents. Raises KeyError."""
    sample = load_sample(sample_id)
    prices = priced(load_bill(sample_id).items)
    total = sum(item.total_fen for item in prices)
    form = {**sample.bid.form, sample.price.field: yuan_text(total)}
    documents = tuple(
        SampleDocument(
            part=part.id,
            name=document.name,
            title=document.title,
            path=find(f"{_folder(sample_id)}/bid/{document.name}.pdf"),
        )
        for part in sample.parts
        for document in part.documents
    )
    own = sample.bid
    return SampleBid(own.bidder, form, prices, total, documents, own.links, own.cost_engineer)


def _folder(sample_id: str) -> str:
    if sample_id not in _IDS:
        raise KeyError(sample_id)
    return f"samples/{sample_id}"


def _schedule(sample: Sample, bill: Bill) -> PriceSchedule:
    items = tuple(PriceItem(line.code, line.name, line.unit, line.quantity) for line in bill.items)
    return PriceSchedule(bill.currency, sample.price.ceiling_fen, sample.price.field, items)


def _tender_file(entry: str, title: str, path: Path) -> TenderFile:
    data = path.read_bytes()
    return TenderFile(entry, title, len(data), hashlib.sha256(data).hexdigest())


def _whole(value: Decimal) -> int:
    return int(value.quantize(Decimal(1), ROUND_HALF_UP))
