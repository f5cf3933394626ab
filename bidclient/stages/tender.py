"""The tender (招标文件): what a lot asks for, signed by the trading network, as `.tender` file."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, BinaryIO, Literal, dataclass_transform

import msgspec

from bidclient.crypto import cms
from bidclient.crypto.certificate import Certificate, verify_chain
from bidclient.crypto.private_key import PrivateKey
from bidclient.errors import BadArchive, BadCertificate, BadFormat, BadSignature
from bidclient.formats import atomic, canonical, stored_zip
from bidclient.formats.content import check_content, file_digest
from bidclient.formats.instant import Instant, parse_instant
from bidclient.formats.names import name_problem
from bidclient.formats.record import read_record
from bidclient.formats.shapes import Fen as Fen
from bidclient.formats.shapes import Hex32 as Hex32
from bidclient.formats.shapes import Name as Name
from bidclient.formats.shapes import Slug as Slug
from bidclient.formats.shapes import Uscc as Uscc

FORMAT = "bidclient/tender"
VERSION = 1


@dataclass_transform(frozen_default=True, field_specifiers=(msgspec.field,))
class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A value of ours in JSON: immutable, and refusing what it does not know."""


class Party(Record):
    """An organisation with its unified social credit code (统一社会信用代码)."""

    name: Name
    uscc: Uscc
    contact: str = ""
    phone: str = ""


class Project(Record):
    """招标项目."""

    code: str
    name: Name
    unified_deal_code: str
    region_code: str
    board: Literal["A", "B", "C", "D"]


class Lot(Record):
    """标段(包). `id` is the network's opaque identifier, `code` the 25-digit 标段编号."""

    id: str
    code: str
    name: Name
    content: str = ""


class SealPosition(Record):
    """Where a seal belongs on a document: 公章, 法人章, 造价师章, 骑缝章.

    `page` counts from 1, and from the last page (-1) backwards; 0 is every page. x_mm and y_mm lead to the
    seal's centre: from the left and the top of the page, with `anchor` from the middle of that text wherever
    the page has it. A cross-page seal goes along the right edge of all pages, at the height y_mm.
    """

    kind: Literal["company", "legal-representative", "cost-engineer", "cross-page"]
    page: int
    x_mm: int
    y_mm: int
    anchor: str | msgspec.UnsetType = msgspec.UNSET


class RequiredDocument(Record):
    """A document that a part asks for; `name` is its file name stem inside the part."""

    name: Slug
    title: Name
    required: bool = True
    max_pages: int = 1000
    seals: tuple[SealPosition, ...] = ()


class Part(Record):
    """资格审查文件, 商务标, 技术标, 报价文件; a blind part (暗标) shows no bidder."""

    id: Slug
    title: Name
    documents: tuple[RequiredDocument, ...]
    blind: bool = False


class FormField(Record):
    """A field of the opening form (开标一览表). Money is in fen, `days` and `percent` are decimal text."""

    name: Slug
    title: Name
    type: Literal["text", "money", "days", "percent", "date", "person"]
    required: bool = True
    max_length: int = 200


class PriceItem(Record):
    """A line of the bill of quantities (工程量清单) or of the price list; quantity as decimal text."""

    code: str
    name: Name
    unit: str
    quantity: str


class PriceSchedule(Record):
    """What must be priced; `ceiling_fen` is 最高投标限价, `field` the form field that carries the total."""

    currency: Literal["CNY"]
    ceiling_fen: Fen
    field: Slug
    items: tuple[PriceItem, ...]


class Clause(Record):
    """评审条款, to be linked to pages of the bid (条款关联)."""

    id: Slug
    title: Name
    part: Slug
    points: int = 0


class RemedyPolicy(Record):
    """What the tender allows when the key fails at the opening."""

    second_lock: bool = True
    recovery_code: bool = True
    backup_file: bool = False
    text: str = ""


class SimilarityPolicy(Record):
    """How the tender treats 雷同."""

    text: str = ""
    device_fields: tuple[str, ...] = ("mac", "cpu", "disk", "board", "host")


class TenderFile(Record):
    """A document that travels inside the tender package under documents/."""

    path: str
    title: Name
    size: int
    sha256: Hex32


class Tender(Record):
    """tender.json. All times are the network's; the deadline is strict: equal is late."""

    format: Literal["bidclient/tender"]
    version: Literal[1]
    network: str
    project: Project
    lot: Lot
    tenderer: Party
    agency: Party
    tender_version: Annotated[int, msgspec.Meta(ge=1)]
    replaces: Hex32 | None
    change_summary: str
    issued_at: Instant
    deadline: Instant
    opening_at: Instant
    sign_in_from: Instant
    upload_until: Instant
    decrypt_minutes: Annotated[int, msgspec.Meta(ge=1, le=1440)]
    confirm_minutes: Annotated[int, msgspec.Meta(ge=1, le=1440)]
    objection_minutes: Annotated[int, msgspec.Meta(ge=1, le=1440)]
    bid_validity_days: int
    submission: Literal["upload", "hash-first"]
    opening_certificate: str
    """PEM of the certificate that the content secret is released to at the opening."""
    suites: tuple[str, ...]
    policy: Literal["any", "all"]
    joint_certificate: str | None
    """PEM of the tenderer's encryption certificate; needed, and only allowed, under policy "all"."""
    size_limit: int
    parts: tuple[Part, ...]
    form: tuple[FormField, ...]
    price: PriceSchedule
    clauses: tuple[Clause, ...]
    remedy: RemedyPolicy
    similarity: SimilarityPolicy
    files: tuple[TenderFile, ...]


# ---------------------------------------------------------------------------------------------- verbs

TENDER_NAME = "tender.json"
SIGNATURE_NAME = "META-INF/signature.p7s"
DOCUMENTS = "documents/"
_SIGNATURE_LIMIT = 1024 * 1024


@dataclass(frozen=True)
class TenderPackage:
    """A `.tender` file whose signature and document digests were checked; its chain is for verify_tender.

    `sha256` is the hex digest of tender.json: what drafts, manifests, stubs and the network name a tender by.
    """

    path: Path
    tender: Tender
    sha256: str
    signer: Certificate
    chain: tuple[Certificate, ...]
    signing_time: datetime


def write_tender(
    tender: Tender, documents: Mapping[str, Path], key: PrivateKey, signing_time: datetime, out: Path
) -> TenderPackage:
    """Sign and write a tender package with its documents, given by entry name under documents/.

    `tender.files` is made from the documents; titles of files that it already names are kept.
    Raises BadFormat for a tender that contradicts itself, FileProblem, DiskProblem, KeyProblem.
    """
    titles = {file.path: file.title for file in tender.files}
    files = []
    for name, path in documents.items():
        size, digest = file_digest(path)
        files.append(TenderFile(name, titles.get(name, Path(name).stem), size, digest))
    tender = msgspec.structs.replace(tender, files=tuple(files))
    check_tender(tender)
    data = canonical.dumps(tender)
    signature = cms.sign_detached(data, key, signing_time)
    with atomic.replacing(out) as target:
        writer = stored_zip.Writer(target)
        writer.add_bytes(TENDER_NAME, data)
        for file in files:
            with stored_zip.open_archive(documents[file.path]) as source:
                writer.add(file.path, source, file.size)
        writer.add_bytes(SIGNATURE_NAME, signature)
        writer.finish()
    return read_tender(out)


def read_tender(path: Path) -> TenderPackage:
    """The tender package at `path`: strict ZIP, canonical tender.json, signature, every document's digest.

    Raises BadArchive, NotCanonical, BadFormat, BadSignature, BadManifest, FileProblem. Who signed, and
    whether anybody trusts them, is for verify_tender.
    """
    what = path.name
    with stored_zip.open_archive(path) as file:
        entries = stored_zip.read_entries(file, what)
        if entries[0].name != TENDER_NAME or entries[-1].name != SIGNATURE_NAME:
            raise BadArchive(what, f"must begin with {TENDER_NAME} and end with {SIGNATURE_NAME}")
        data = stored_zip.read_small(file, entries[0], canonical.DEFAULT_SIZE_LIMIT)
        signature = stored_zip.read_small(file, entries[-1], _SIGNATURE_LIMIT)
        signed = cms.verify_detached(signature, data, what)
        tender = read_record(data, Tender, TENDER_NAME)
        check_tender(tender)
        _check_documents(file, entries[1:-1], tender.files, what)
    return TenderPackage(
        path, tender, hashlib.sha256(data).hexdigest(), signed.signer, signed.chain, signed.signing_time
    )


def verify_tender(package: TenderPackage, anchors: Sequence[Certificate], at: datetime) -> TenderPackage:
    """`package`, when its signer's chain led to one of `anchors` at the time `at`, and its recipients' do.

    Whether the signer is the network itself is for check_network to say. Raises BadCertificate.
    """
    verify_chain(package.signer, package.chain, anchors, at, "tender")
    verify_recipients(package.tender, package.chain, anchors)
    return package


def verify_recipients(
    tender: Tender, chain: Sequence[Certificate], anchors: Sequence[Certificate]
) -> tuple[Certificate, ...]:
    """The certificates to which the tender wants secrets wrapped, their chains good at the opening.

    `chain` holds the intermediates that came with the tender's signature. Raises BadCertificate.
    """
    at = parse_instant(tender.opening_at)
    found = []
    for what, text in (("opening", tender.opening_certificate), ("joint", tender.joint_certificate)):
        if text is None:
            continue
        certificate = Certificate.from_pem(text.encode("utf-8"))
        if not certificate.can_encrypt:
            raise BadCertificate(f"{what}: {certificate.holder}", "not an encryption certificate")
        verify_chain(certificate, chain, anchors, at, what)
        found.append(certificate)
    return tuple(found)


def check_network(signer: Certificate, identity: Certificate) -> Certificate:
    """`signer`, when it is the network's: bidders' certificates lead to the same roots.

    A renewed certificate of the network counts by its USCC. Raises BadSignature.
    """
    if signer.der != identity.der and (signer.uscc is None or signer.uscc != identity.uscc):
        raise BadSignature("tender", f"signed by {signer.subject}, not by the network")
    return signer


def tender_digest(tender: Tender) -> str:
    """The hex SHA-256 of tender.json, the tender's name everywhere."""
    return hashlib.sha256(canonical.dumps(tender)).hexdigest()


def check_tender(tender: Tender) -> Tender:
    """`tender`, when it does not contradict itself. Raises BadFormat with the first contradiction."""
    problem = next(_contradictions(tender), None)
    if problem:
        raise BadFormat("tender", problem)
    return tender


def _check_documents(
    file: BinaryIO, entries: Sequence[stored_zip.Entry], files: tuple[TenderFile, ...], what: str
) -> None:
    if [entry.name for entry in entries] != [item.path for item in files]:
        raise BadArchive(what, "the documents are not those that tender.json lists, in its order")
    for entry, item in zip(entries, files, strict=True):
        check_content(file, entry, item.size, item.sha256, what)


def _contradictions(tender: Tender) -> Iterator[str]:
    yield from _contradictions_of_time(tender)
    yield from _repetitions(tender)
    yield from _loose_ends(tender)
    if (tender.joint_certificate is not None) != (tender.policy == "all"):
        yield 'joint_certificate is given under policy "all" and only there'
    if (tender.replaces is None) != (tender.tender_version == 1):
        yield "replaces is given from version 2 on and only there"
    if tender.size_limit < 1 or tender.bid_validity_days < 1:
        yield "size_limit and bid_validity_days must be positive"
    for certificate in (tender.opening_certificate, tender.joint_certificate):
        if certificate is not None:
            Certificate.from_pem(certificate.encode("utf-8"))


def _loose_ends(tender: Tender) -> Iterator[str]:
    fields = {field.name: field for field in tender.form}
    if tender.price.field not in fields or fields[tender.price.field].type != "money":
        yield f"price.field {tender.price.field} is not a money field of the form"
    parts = {part.id for part in tender.parts}
    for clause in tender.clauses:
        if clause.part not in parts:
            yield f"clause {clause.id} is about a part that does not exist: {clause.part}"
    for file in tender.files:
        if not file.path.startswith(DOCUMENTS) or name_problem(file.path):
            yield f"a document with the path {file.path!a}"


def _contradictions_of_time(tender: Tender) -> Iterator[str]:
    issued, deadline, opening, sign_in, upload = (
        parse_instant(text)
        for text in (
            tender.issued_at,
            tender.deadline,
            tender.opening_at,
            tender.sign_in_from,
            tender.upload_until,
        )
    )
    if not issued < deadline:
        yield "the deadline is not after the issue"
    if not deadline <= opening:
        yield "the opening is before the deadline"
    if not sign_in <= opening:
        yield "sign-in begins after the opening"
    if not deadline <= upload:
        yield "upload_until is before the deadline"


def _repetitions(tender: Tender) -> Iterator[str]:
    lists = {
        "parts": [part.id for part in tender.parts],
        "form": [field.name for field in tender.form],
        "price items": [item.code for item in tender.price.items],
        "clauses": [clause.id for clause in tender.clauses],
        "suites": list(tender.suites),
        **{
            f"documents of {part.id}": [document.name for document in part.documents] for part in tender.parts
        },
    }
    for what, names in lists.items():
        if len(set(names)) != len(names):
            yield f"{what} are not distinct"
    if not tender.parts or not tender.suites:
        yield "there must be a part and a suite"
