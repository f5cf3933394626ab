"""A network's and a bidder's keys, a stub, statements, receipts and an opening, without any server."""

import hashlib
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from bidclient.crypto import cms
from bidclient.crypto.private_key import PrivateKey
from bidclient.crypto.timestamp import timestamp_request
from bidclient.formats import canonical
from bidclient.formats.instant import instant_text
from bidclient.network.clock import system_now
from bidclient.stages.chain import AcknowledgedHead, Chain, Event
from bidclient.stages.package import DeviceStatement
from bidclient.stages.stub import Stub
from bidclient.stages.submitted import (
    RECEIPT_CHECKS,
    Receipt,
    digest,
    finalize_statement,
    statement_bytes,
)
from bidclient.stages.tender import Record
from tests.support.pki import USCC, Authority, InMemoryKey, openssl_tsa

NETWORK = "演练交易网"
OPENING = "opening-1"
SUBMISSION = "submission-1"
LOT = "lot-1"
RIVAL_USCC = "91310000132200821H"


def hex32(text: str) -> str:
    """A stand-in for a digest."""
    return hashlib.sha256(text.encode()).hexdigest()


Recorded = tuple[str, dict[str, str | int | bool | None]]
"""An event's type and data."""


@dataclass(frozen=True)
class World:
    """Who signs, and the submission of one bid that was received at `now`."""

    root: Authority
    identity: InMemoryKey
    bidder: InMemoryKey
    rival: InMemoryKey
    opener: InMemoryKey
    now: datetime
    tsa: Callable[[bytes], bytes]
    stub: Stub
    stub_data: bytes
    finalize: bytes

    def receipt(self, **changes: object) -> Receipt:
        """The true receipt, but for `changes`."""
        true = Receipt(
            format="bidnet/receipt",
            version=1,
            kind="submission",
            network=NETWORK,
            receipt_no="R-1",
            submission=SUBMISSION,
            lot=LOT,
            lot_code=self.stub.lot_code,
            tender_version=1,
            bidder=USCC,
            stub_sha256=digest(self.stub_data),
            sealed_sha256=self.stub.sealed_sha256,
            sealed_size=self.stub.sealed_size,
            file_root=self.stub.file_root,
            statement_sha256=digest(self.finalize),
            received_at=instant_text(self.now),
            deadline=instant_text(self.now + timedelta(hours=1)),
            rule="strictly-before",
            log_index=7,
            checks=RECEIPT_CHECKS,
            replaces=None,
            previous_receipt_sha256=None,
        )
        return msgspec.structs.replace(true, **changes)

    def signed(self, statement: Record, key: PrivateKey | None = None) -> bytes:
        """A statement by the bidder, or by `key`."""
        return statement_bytes(statement, key or self.bidder, self.now)

    def stamped(self, data: bytes) -> bytes:
        """The TimeStampResp over `data`."""
        return self.tsa(timestamp_request(data, 1234567))

    def acknowledged(self, statement: bytes, chain: Chain, key: PrivateKey | None = None) -> bytes:
        """The network's acknowledgement of a statement at the end of `chain`."""
        head = AcknowledgedHead(
            format="bidnet/acknowledgement",
            version=1,
            opening=OPENING,
            seq=chain.seq,
            head=chain.head,
            statement_sha256=digest(statement),
            at=instant_text(self.now),
        )
        return statement_bytes(head, key or self.identity, self.now)


def build(folder: Path, root: Authority | None = None) -> World:
    """A new world; its time-stamping service keeps its files in `folder` and has the real time."""
    root = root or Authority.root()
    bidder = root.issue("signing", number=10)
    now = system_now().replace(microsecond=0)
    stub = Stub(
        format="bidclient/stub",
        version=1,
        network=NETWORK,
        lot=LOT,
        lot_code="A3701000001000001001001AB",
        tender_sha256=hex32("tender"),
        tender_version=1,
        bidder=USCC,
        bidder_name="示例建设集团有限公司",
        suite="intl-1",
        sealed_size=4096,
        sealed_sha256=hex32("sealed"),
        sealed_sm3="",
        file_root=hex32("root"),
        prefix=b64encode(b"prefix").decode(),
        plaintext_commitment=hex32("plaintext"),
        creation_code="C0DE",
        device=DeviceStatement("", "", "", "", ""),
        client="bidclient 0.1.0",
    )
    stub_data = cms.sign_attached(canonical.dumps(stub), bidder, now)
    finalize = statement_bytes(finalize_statement(stub, digest(stub_data), SUBMISSION, "n-1"), bidder, now)
    return World(
        root=root,
        identity=root.issue("signing", number=11, name="演练交易网", uscc=None),
        bidder=bidder,
        rival=root.issue("signing", number=12, name="另一家有限公司", uscc=RIVAL_USCC),
        opener=root.issue("encryption", number=13, name="开标", uscc=None),
        now=now,
        tsa=openssl_tsa(folder, root.issue("tsa", number=14, name="时间戳", uscc=None)),
        stub=stub,
        stub_data=stub_data,
        finalize=finalize,
    )


def chain_of(*events: Recorded, at: datetime) -> Chain:
    """A chain of these events, a second apart."""
    chain = Chain(OPENING)
    for number, (kind, data) in enumerate(events, 1):
        moment = instant_text(at + timedelta(seconds=number))
        chain.append(Event(seq=number, prev=chain.head, at=moment, type=kind, data=data))
    return chain
