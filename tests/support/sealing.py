"""A signed bid of any size in a moment, and keys to seal it to; for tests and the bench of sealing."""

import hashlib
import secrets
from dataclasses import dataclass
from pathlib import Path

from bidclient.crypto.recovery import new_code as new_recovery_code
from bidclient.formats.instant import instant_text
from bidclient.formats.wraps import Recipient
from bidclient.stages.draft import Bidder, Draft, DraftDocument
from bidclient.stages.package import DeviceStatement, pack
from bidclient.stages.signed import SignedBid, sign
from bidclient.stages.tender import (
    FormField,
    Lot,
    Part,
    Party,
    PriceSchedule,
    Project,
    RemedyPolicy,
    RequiredDocument,
    SimilarityPolicy,
    Tender,
    tender_digest,
)
from tests.support.pki import NAME, NOW, USCC, Authority, InMemoryKey
from tests.support.sm2_pki import Sm2Authority, Sm2InMemoryKey

AnyKey = InMemoryKey | Sm2InMemoryKey
CHUNK = 4096
"""Small chunks, so that a small bid has many."""
CODE = new_recovery_code()
_BLOCK = 1024 * 1024
_MOMENT = instant_text(NOW)


@dataclass(frozen=True)
class Keys:
    """The bidder's double certificates, a second lock, and the tenderer's encryption key."""

    signing: AnyKey
    encryption: AnyKey
    second: AnyKey
    tenderer: AnyKey

    @property
    def bidder(self) -> tuple[Recipient, ...]:
        """The bidder alone as recipient."""
        return (Recipient("bidder", self.encryption.certificate),)


def make_keys(root: Authority) -> Keys:
    """One RSA and one P-256 encryption key among them."""
    return Keys(
        signing=root.issue("signing", number=1),
        encryption=root.issue("encryption", number=2),
        second=root.issue("encryption", kind="p-256", number=3),
        tenderer=root.issue("encryption", number=4, name="示例招标人", uscc=None),
    )


def make_sm2_keys(root: Sm2Authority) -> Keys:
    """SM2 throughout, but for a second lock of the older kind."""
    return Keys(
        signing=root.issue("signing"),
        encryption=root.issue("encryption"),
        second=Authority.root().issue("encryption", number=3),
        tenderer=root.issue("encryption", name="示例招标人", uscc=None),
    )


def make_tender(
    keys: Keys,
    documents: int,
    policy: str = "any",
    size_limit: int = 2**31,
    suites: tuple[str, ...] = ("intl-1",),
) -> Tender:
    """A tender that asks for this many documents in one part."""
    asked = tuple(RequiredDocument(f"d{number:03}", f"第{number}份") for number in range(documents))
    return Tender(
        format="bidclient/tender",
        version=1,
        network="test-net",
        project=Project("P1", "示例工程", "E62", "629999", "A"),
        lot=Lot("lot-1", "E6299990000000000001001001"[:25], "一标段"),
        tenderer=Party("示例招标人", USCC),
        agency=Party("示例代理", USCC),
        tender_version=1,
        replaces=None,
        change_summary="",
        issued_at=_MOMENT,
        deadline="2026-12-01T09:30:00.000+08:00",
        opening_at="2026-12-01T09:30:00.000+08:00",
        sign_in_from="2026-12-01T08:30:00.000+08:00",
        upload_until="2026-12-01T09:30:00.000+08:00",
        decrypt_minutes=30,
        confirm_minutes=10,
        objection_minutes=10,
        bid_validity_days=90,
        submission="upload",
        opening_certificate=keys.tenderer.certificate.pem.decode(),
        suites=suites,
        policy="all" if policy == "all" else "any",
        joint_certificate=keys.tenderer.certificate.pem.decode() if policy == "all" else None,
        size_limit=size_limit,
        parts=(Part("technical", "技术标", asked),),
        form=(FormField("price", "投标报价", "money"),),
        price=PriceSchedule("CNY", 10**9, "price", ()),
        clauses=(),
        remedy=RemedyPolicy(),
        similarity=SimilarityPolicy(),
        files=(),
    )


def make_draft(folder: Path, tender: Tender, sizes: list[int]) -> Draft:
    """A draft with documents of random bytes of these sizes in `folder`/parts, some with Chinese names."""
    parts = folder / "parts"
    (parts / "technical").mkdir(parents=True)
    documents = tuple(_document(parts / "technical", number, size) for number, size in enumerate(sizes))
    return Draft(
        format="bidclient/draft",
        version=1,
        tender_sha256=tender_digest(tender),
        tender_version=tender.tender_version,
        lot=tender.lot.id,
        bidder=Bidder(NAME, USCC),
        form={"price": "980000000"},
        prices=(),
        documents=documents,
        clause_links=(),
        creation_code="C" * 32,
        salt=hashlib.sha256(b"salt").hexdigest(),
        created_at=_MOMENT,
        edited_at=_MOMENT,
    )


def make_bid(folder: Path, tender: Tender, keys: Keys, sizes: list[int]) -> SignedBid:
    """A signed bid in `folder` with such documents."""
    draft = make_draft(folder, tender, sizes)
    device = DeviceStatement("", "", "", "", "")
    package = pack(draft, tender, folder / "parts", folder / "bid.zip", device, "bidclient test")
    return sign(package, keys.signing, None, NOW, folder / "bid.asice")


def _document(folder: Path, number: int, size: int) -> DraftDocument:
    name = f"第{number:03}份.pdf" if number % 2 else f"d{number:03}.pdf"
    digest = hashlib.sha256()
    with (folder / name).open("wb") as file:
        for start in range(0, size, _BLOCK):
            block = secrets.token_bytes(min(_BLOCK, size - start))
            digest.update(block)
            file.write(block)
    return DraftDocument(
        "technical", f"d{number:03}", name, f"第{number}份", size, digest.hexdigest(), 1, _MOMENT
    )


def names(folder: Path) -> list[str]:
    """What lies in the folder: nothing may be left over."""
    return sorted(path.name for path in folder.iterdir())


def spoil(path: Path, position: int) -> None:
    """Flip one bit of one byte."""
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)
