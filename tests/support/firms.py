"""A bidder made of plain HTTP requests: it says to the network exactly what a test wants said."""

import hashlib
import secrets
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import requests

from bidclient.crypto.certificate import Certificate
from bidclient.formats.bseal import read_frame
from bidclient.formats.instant import instant_text, parse_instant
from bidclient.formats.wraps import Recipient, unwrap_secret
from bidclient.sandbox.pki import BidderKeys
from bidclient.sandbox.world import World, new_id
from bidclient.stages.draft import Bidder, Draft, DraftDocument
from bidclient.stages.opened import (
    ConfirmStatement,
    ObjectionStatement,
    Readout,
    ReleaseStatement,
    SignInStatement,
    release_context,
    row_sha256,
    wrap_release,
)
from bidclient.stages.package import DeviceStatement, pack
from bidclient.stages.sealed import Sealed
from bidclient.stages.sealing import seal
from bidclient.stages.signed import SignedBid, sign
from bidclient.stages.stub import Stub, make_stub
from bidclient.stages.submitted import (
    LoginStatement,
    WithdrawStatement,
    digest,
    finalize_statement,
    read_receipt,
    read_statement,
    statement_bytes,
)
from bidclient.stages.tender import (
    FormField,
    Lot,
    Part,
    PriceSchedule,
    Record,
    RemedyPolicy,
    RequiredDocument,
    Tender,
    tender_digest,
)
from tests.support.bids import make_pki, tender_record

USCCS = ("91629999TBX00001XU", "91629999TBX000028U", "91629999TBX000036N", "91629999TBX0020150")
CHUNK = 4096
TUS = {"Tus-Resumable": "1.0.0"}


def small_tender(world: World, deadline: datetime, **changes: object) -> Tender:
    """A lot of `world` that asks for one document and a price, with its opening at the deadline."""
    opening = world.authority.opening.certificate.pem.decode()
    lot = new_id("L")
    fields: dict[str, object] = {
        "network": world.network,
        "lot": Lot(lot, "A016210022511010001001001", "演练标段"),
        "issued_at": instant_text(deadline - timedelta(days=2)),
        "deadline": instant_text(deadline),
        "opening_at": instant_text(deadline),
        "sign_in_from": instant_text(deadline - timedelta(hours=1)),
        "upload_until": instant_text(deadline),
        "opening_certificate": opening,
        "parts": (Part("technical", "技术标", (RequiredDocument("plan", "施工组织设计"),)),),
        "form": (FormField("price", "投标报价", "money"),),
        "price": PriceSchedule("CNY", 10**9, "price", ()),
        "clauses": (),
        "remedy": RemedyPolicy(),
        **changes,
    }
    if fields.get("policy") == "all":
        fields["joint_certificate"] = world.authority.tenderer.certificate.pem.decode()
    return tender_record(make_pki(), **fields)


@dataclass(frozen=True)
class Bid:
    """A sealed bid on the disk and its stub."""

    signed: SignedBid
    sealed: Sealed
    stub: bytes


def make_bid(
    folder: Path,
    tender: Tender,
    keys: BidderKeys,
    now: datetime,
    price_fen: int = 980_000_00,
    size: int = 9000,
) -> Bid:
    """A bid with one document of `size` random bytes, sealed to its own encryption certificate."""
    document = folder / "parts" / "technical" / "plan.pdf"
    document.parent.mkdir(parents=True)
    document.write_bytes(secrets.token_bytes(size))
    moment = instant_text(now)
    draft = Draft(
        format="bidclient/draft",
        version=1,
        tender_sha256=tender_digest(tender),
        tender_version=tender.tender_version,
        lot=tender.lot.id,
        bidder=Bidder(keys.signing_cert.organization, keys.signing_cert.uscc or ""),
        form={"price": str(price_fen)},
        prices=(),
        documents=(
            DraftDocument(
                "technical",
                "plan",
                "plan.pdf",
                "施工组织设计",
                size,
                digest(document.read_bytes()),
                1,
                moment,
            ),
        ),
        clause_links=(),
        creation_code="C" * 32,
        salt=secrets.token_hex(32),
        created_at=moment,
        edited_at=moment,
    )
    device = DeviceStatement("", "", "", "", "")
    package = pack(draft, tender, folder / "parts", folder / "bid.zip", device, "test")
    signed = sign(package, keys.signer(), None, now, folder / "bid.asice")
    recipients = [Recipient("bidder", keys.encryption_cert)]
    sealed = seal(signed, tender, recipients, folder / "bid.sealed", chunk=CHUNK)
    return Bid(signed, sealed, make_stub(sealed, signed, keys.signer(), now))


@dataclass
class Firm:
    """One company in front of the network at `url`; a method is one request and returns its answer."""

    url: str
    keys: BidderKeys
    now: datetime
    http: requests.Session = field(default_factory=requests.Session)
    network: str = ""

    @property
    def uscc(self) -> str:
        """Who we are."""
        return self.keys.signing_cert.uscc or ""

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        """Any request."""
        options.setdefault("timeout", 60)
        address = path if path.startswith("http") else self.url + path
        return self.http.request(method, address, **options)

    def post(self, path: str, body: object, key: str | None = None) -> requests.Response:
        """A creating POST."""
        headers = {"Idempotency-Key": key or secrets.token_hex(16)}
        return self.call("POST", path, json=body, headers=headers)

    def say(self, path: str, statement: Record | bytes, key: str | None = None) -> requests.Response:
        """POST a statement, signed if it is not yet."""
        data = statement if isinstance(statement, bytes) else self.signed(statement)
        return self.post(path, {"statement": b64encode(data).decode()}, key)

    def signed(self, statement: Record) -> bytes:
        """A statement with our signature."""
        return statement_bytes(statement, self.keys.signer(), self.now)

    def log_in(self) -> "Firm":
        """Take a nonce, sign it, keep the token."""
        self.network = self.call("GET", "/v1/network").json()["id"]
        nonce = self.call("POST", "/v1/challenges", json={}).json()["nonce"]
        statement = LoginStatement(format="bidnet/login", version=1, network=self.network, nonce=nonce)
        answer = self.say("/v1/login/certificate", statement)
        assert answer.status_code == 200, answer.text
        self.http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        return self

    def register(self, lot: str) -> requests.Response:
        """报名."""
        return self.post(f"/v1/lots/{lot}/registrations", {"contact": "李经办", "phone": "0934-8000001"})

    def create(self, lot: str, stub: bytes, key: str | None = None) -> requests.Response:
        """Open a submission."""
        return self.post(f"/v1/lots/{lot}/submissions", {"stub": b64encode(stub).decode()}, key)

    def patch(
        self, upload: str, offset: int, data: bytes, checksum: bytes | None = None, **headers: str
    ) -> requests.Response:
        """One PATCH of an upload; the checksum is right unless another digest is given."""
        value = b64encode(checksum or hashlib.sha256(data).digest()).decode()
        sent = {
            **TUS,
            "Content-Type": "application/offset+octet-stream",
            "Upload-Offset": str(offset),
            "Upload-Checksum": f"sha256 {value}",
            **{name.replace("_", "-"): text for name, text in headers.items()},
        }
        return self.call("PATCH", upload, data=data, headers=sent)

    def upload(self, view: dict[str, Any], path: Path, piece: int = 1024 * 1024) -> None:
        """All bytes of a file."""
        data, offset = path.read_bytes(), int(view["offset"])
        while offset < len(data):
            answer = self.patch(view["upload_url"], offset, data[offset : offset + piece])
            assert answer.status_code == 204, answer.text
            offset = int(answer.headers["Upload-Offset"])

    def finalize_statement(self, view: dict[str, Any], stub: bytes) -> bytes:
        """The signed statement that submits."""
        content, _ = read_statement(stub, Stub)
        return self.signed(finalize_statement(content, digest(stub), view["id"], view["nonce"]))

    def finalize(self, view: dict[str, Any], stub: bytes) -> requests.Response:
        """Submit."""
        return self.say(f"/v1/submissions/{view['id']}/finalize", self.finalize_statement(view, stub))

    def submit(self, lot: str, bid: Bid) -> dict[str, Any]:
        """Register, create, upload and finalize; the ReceiptReply."""
        assert self.register(lot).status_code == 201
        created = self.create(lot, bid.stub)
        assert created.status_code == 201, created.text
        self.upload(created.json(), bid.sealed.path)
        answer = self.finalize(created.json(), bid.stub)
        assert answer.status_code == 200, answer.text
        reply: dict[str, Any] = answer.json()
        return reply

    def withdraw_statement(self, receipt: dict[str, Any]) -> bytes:
        """The signed statement that withdraws the bid of a receipt."""
        data = b64decode(receipt["receipt"])
        content = read_receipt(data).receipt
        view = self.call("GET", f"/v1/submissions/{content.submission}").json()
        return self.signed(
            WithdrawStatement(
                format="bidnet/withdraw",
                version=1,
                network=self.network,
                submission=content.submission,
                lot=content.lot,
                bidder=self.uscc,
                receipt_sha256=digest(data),
                nonce=view["nonce"],
            )
        )

    def room(self, opening: str) -> dict[str, Any]:
        """The opening as it is."""
        answer = self.call("GET", f"/v1/openings/{opening}")
        assert answer.status_code == 200, answer.text
        reply: dict[str, Any] = answer.json()
        return reply

    def _about(self, opening: str, receipt: dict[str, Any]) -> dict[str, Any]:
        return {
            "version": 1,
            "network": self.network,
            "opening": opening,
            "submission": receipt["submission"],
            "bidder": self.uscc,
            "nonce": self.room(opening)["nonce"],
        }

    def sign_in_statement(self, opening: str, receipt: dict[str, Any]) -> SignInStatement:
        """签到."""
        sha256 = digest(b64decode(receipt["receipt"]))
        about = self._about(opening, receipt)
        return SignInStatement(format="bidnet/sign-in", agent="李代理", receipt_sha256=sha256, **about)

    def release_statement(
        self, opening: str, receipt: dict[str, Any], bid: Bid, **changes: object
    ) -> ReleaseStatement:
        """密钥提交, with `changes` to tell something else than the truth."""
        secret = unwrap_secret(read_frame(bid.sealed.path), self.keys.opener())
        lot = read_receipt(b64decode(receipt["receipt"])).receipt.lot
        context = release_context(self.network, opening, receipt["submission"], lot, self.uscc)
        certificate = Certificate.from_pem(self.room(opening)["opening_certificate"].encode())
        true = ReleaseStatement(
            format="bidnet/release",
            receipt_sha256=digest(b64decode(receipt["receipt"])),
            opening_certificate_sha256=certificate.sha256,
            wrapped_key=b64encode(wrap_release(secret, certificate, context)).decode(),
            method="key",
            **self._about(opening, receipt),
        )
        return msgspec.structs.replace(true, **changes)

    def confirm_statement(
        self, opening: str, receipt: dict[str, Any], verdict: str = "match"
    ) -> ConfirmStatement:
        """Confirm our row of the table."""
        reply = self.call("GET", f"/v1/openings/{opening}/readout").json()
        readout = msgspec.json.decode(b64decode(reply["readout"]), type=Readout)
        row = next(row for row in readout.rows if row.bidder == self.uscc)
        return ConfirmStatement(
            format="bidnet/confirm",
            table_sha256=reply["table_sha256"],
            row_sha256=row_sha256(row),
            verdict="match" if verdict == "match" else "mismatch",
            note="",
            **self._about(opening, receipt),
        )

    def objection_statement(self, opening: str, receipt: dict[str, Any], text: str) -> ObjectionStatement:
        """开标异议."""
        about = self._about(opening, receipt)
        return ObjectionStatement(format="bidnet/objection", subject="procedure", text=text, **about)

    def said(self, opening: str, action: str, statement: Record | bytes) -> dict[str, Any]:
        """A statement in the opening that must be accepted; the acknowledgement."""
        answer = self.say(f"/v1/openings/{opening}/{action}", statement)
        assert answer.status_code == 201, answer.text
        reply: dict[str, Any] = answer.json()
        return reply


def code_of(answer: requests.Response) -> str:
    """The code of a refusal, which must be a problem document."""
    assert answer.headers["Content-Type"] == "application/problem+json", answer.text
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["type"] == f"urn:bidnet:problem:{problem['code']}"
    parse_instant(problem["server_time"])
    return str(problem["code"])
