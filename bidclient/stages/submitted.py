"""The submitted bid: the bidder's finalize statement and the network's receipt (递交回执)."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeVar

from bidclient.crypto import cms
from bidclient.crypto.certificate import Certificate, verify_chain
from bidclient.crypto.private_key import PrivateKey
from bidclient.crypto.timestamp import response_token, verify_token
from bidclient.errors import BadFormat, BadReceipt, BadSignature, IntegrityProblem, NotCanonical
from bidclient.formats import canonical
from bidclient.formats.instant import Instant, parse_instant
from bidclient.stages.stub import STUB_LIMIT, Stub
from bidclient.stages.tender import Hex32, Record, Uscc

Statement = TypeVar("Statement", bound=Record)

STAMP_TOLERANCE = timedelta(minutes=10)
"""How far the network's clock and the time-stamping authority's may lie apart."""

RECEIPT_CHECKS = ("stub", "lot", "seal", "certificate", "evidence", "receipt")
"""存证文件解析 → 标段一致性验证 → 文件密封性验证 → 认证数据封装 → 上链 → 回执单生成."""


class FinalizeStatement(Record):
    """What the bidder signs to submit. Its arrival, complete, strictly before the deadline is what counts."""

    format: Literal["bidnet/finalize"]
    version: Literal[1]
    network: str
    submission: str
    lot: str
    tender_version: int
    bidder: Uscc
    stub_sha256: Hex32
    sealed_sha256: Hex32
    sealed_size: int
    file_root: Hex32
    nonce: str


class WithdrawStatement(Record):
    """What the bidder signs to withdraw (撤回) before the deadline."""

    format: Literal["bidnet/withdraw"]
    version: Literal[1]
    network: str
    submission: str
    lot: str
    bidder: Uscc
    receipt_sha256: Hex32
    nonce: str


class Receipt(Record):
    """The content of receipt.p7s (CMS SignedData by the network). It judges nothing but arrival."""

    format: Literal["bidnet/receipt"]
    version: Literal[1]
    kind: Literal["submission", "withdrawal"]
    network: str
    receipt_no: str
    submission: str
    lot: str
    lot_code: str
    tender_version: int
    bidder: Uscc
    stub_sha256: Hex32
    sealed_sha256: Hex32
    sealed_size: int
    file_root: Hex32
    statement_sha256: Hex32
    received_at: Instant
    deadline: Instant
    rule: Literal["strictly-before"]
    log_index: int
    checks: tuple[str, ...]
    replaces: str | None
    """The submission that this one supersedes."""
    previous_receipt_sha256: Hex32 | None


class LoginStatement(Record):
    """What a certificate login signs: one nonce of this network, by this organisation's certificate."""

    format: Literal["bidnet/login"]
    version: Literal[1]
    network: str
    nonce: str


@dataclass(frozen=True)
class SignedReceipt:
    """A receipt whose CMS signature verifies; whether it is true is for check_receipt to say."""

    receipt: Receipt
    signed: cms.Signed
    sha256: str
    """Hex digest of the receipt's CMS bytes: the `receipt_sha256` of later statements."""


def finalize_statement(stub: Stub, stub_sha256: str, submission: str, nonce: str) -> FinalizeStatement:
    """What the bidder signs to submit the bid of `stub`; `stub_sha256` is the digest of bid.stub's bytes."""
    return FinalizeStatement(
        format="bidnet/finalize",
        version=1,
        network=stub.network,
        submission=submission,
        lot=stub.lot,
        tender_version=stub.tender_version,
        bidder=stub.bidder,
        stub_sha256=stub_sha256,
        sealed_sha256=stub.sealed_sha256,
        sealed_size=stub.sealed_size,
        file_root=stub.file_root,
        nonce=nonce,
    )


def withdraw_statement(receipt: SignedReceipt, nonce: str) -> WithdrawStatement:
    """What the bidder signs to withdraw the submission of `receipt`."""
    return WithdrawStatement(
        format="bidnet/withdraw",
        version=1,
        network=receipt.receipt.network,
        submission=receipt.receipt.submission,
        lot=receipt.receipt.lot,
        bidder=receipt.receipt.bidder,
        receipt_sha256=receipt.sha256,
        nonce=nonce,
    )


def login_statement(network: str, nonce: str) -> LoginStatement:
    """What a certificate login signs."""
    return LoginStatement(format="bidnet/login", version=1, network=network, nonce=nonce)


def statement_bytes(statement: Record, key: PrivateKey, signing_time: datetime) -> bytes:
    """A statement as DER CMS SignedData (CAdES-B) with its canonical JSON attached. Raises KeyProblem."""
    return cms.sign_attached(canonical.dumps(statement), key, signing_time)


def read_statement(data: bytes, kind: type[Statement]) -> tuple[Statement, cms.Signed]:
    """The statement of type `kind` in a CMS SignedData, and who signed it.

    The signature is verified, the signer's chain is not. Raises BadSignature, NotCanonical, BadFormat.
    """
    what = kind.__name__
    # None is longer than a stub, and DER of nothing but tiny elements takes a second for each megabyte.
    signed = cms.verify_attached(data, what, STUB_LIMIT)
    if signed.content is None:
        raise BadFormat(what, "no content")
    return canonical.loads(signed.content, kind, what), signed


def digest(data: bytes) -> str:
    """Hex SHA-256 of an artefact's bytes, as receipts and statements name each other."""
    return hashlib.sha256(data).hexdigest()


def read_receipt(data: bytes) -> SignedReceipt:
    """The receipt in receipt.p7s. Raises BadReceipt when it is not one or its signature fails."""
    try:
        receipt, signed = read_statement(data, Receipt)
    except IntegrityProblem as error:
        raise BadReceipt(error) from error
    return SignedReceipt(receipt, signed, digest(data))


def stamped_receipt(
    receipt_data: bytes,
    timestamp: bytes,
    anchors: Sequence[Certificate],
    stamp_anchors: Sequence[Certificate],
    identity: Certificate,
) -> tuple[SignedReceipt, datetime]:
    """The receipt, proven to be the network's, and when it existed for certain.

    Arguments as those of check_receipt. What the receipt says is not looked at. Raises BadReceipt.
    """
    receipt = read_receipt(receipt_data)
    if receipt.signed.signer.der != identity.der:
        raise BadReceipt(f"signed by {receipt.signed.signer.subject}, not by {identity.subject}")
    try:
        token = response_token(timestamp, "receipt")
        stamped = verify_token(token, receipt_data, stamp_anchors, "receipt")
        verify_chain(identity, receipt.signed.chain, anchors, stamped, "receipt")
    except IntegrityProblem as error:
        raise BadReceipt(error) from error
    return receipt, stamped


def check_receipt(
    receipt_data: bytes,
    timestamp: bytes,
    stub_data: bytes,
    statements: Sequence[bytes],
    anchors: Sequence[Certificate],
    stamp_anchors: Sequence[Certificate],
    identity: Certificate,
    *,
    deadline: str | None,
    before: SignedReceipt | None,
) -> SignedReceipt:
    """The receipt, proven to be the network's and to speak of exactly our bid.

    `timestamp` is the DER TimeStampResp (RFC 3161) over SHA-256 of `receipt_data`; `stub_data` is bid.stub;
    `statements` are the CMS statements that we have signed for this submission: the receipt must name one of
    them. `identity` is the network's receipt certificate; its chain to `anchors` is checked at the
    time-stamp's time. `deadline` is the tender's, None where the tender is not at hand; `before` is the
    receipt that we had last, None when this is our first. Raises BadReceipt for every difference, for an
    arrival at or after the deadline, for another signer and for a bad timestamp.
    """
    receipt, stamped = stamped_receipt(receipt_data, timestamp, anchors, stamp_anchors, identity)
    try:
        stub, _ = read_statement(stub_data, Stub)
    except IntegrityProblem as error:
        raise BadReceipt(error) from error
    _check_times(receipt.receipt, stamped)
    _check_bid(receipt.receipt, stub, digest(stub_data))
    _check_statement(receipt.receipt, statements)
    _check_deadline(receipt.receipt, deadline)
    _check_sequence(receipt.receipt, before)
    return receipt


def _check_times(receipt: Receipt, stamped: datetime) -> None:
    received = parse_instant(receipt.received_at)
    if received >= parse_instant(receipt.deadline):
        raise BadReceipt(f"received at {receipt.received_at}, deadline {receipt.deadline}")
    if abs(stamped - received) > STAMP_TOLERANCE:
        raise BadReceipt(f"received at {receipt.received_at}, but stamped at {stamped.isoformat()}")


def _check_deadline(receipt: Receipt, deadline: str | None) -> None:
    """A withdrawal may fall under a newer version of the tender than the bid, with another deadline."""
    if receipt.kind == "submission" and deadline is not None and receipt.deadline != deadline:
        raise BadReceipt(f"deadline is {receipt.deadline}, the tender's is {deadline}")


def _check_sequence(receipt: Receipt, before: SignedReceipt | None) -> None:
    """It follows the last one that we had; our first may follow what was sent from another computer."""
    if before is None:
        return
    if receipt.previous_receipt_sha256 != before.sha256:
        raise BadReceipt(f"it does not follow our last receipt, {before.receipt.receipt_no}")
    goes_on = receipt.kind == before.receipt.kind == "submission"
    replaced = before.receipt.submission if goes_on else None
    if receipt.replaces != replaced:
        raise BadReceipt(f"replaces {receipt.replaces}, our submission before it is {replaced}")


def _check_bid(receipt: Receipt, stub: Stub, stub_sha256: str) -> None:
    """Every field that we know ourselves, compared."""
    same = {
        "network": (stub.network, receipt.network),
        "lot": (stub.lot, receipt.lot),
        "lot_code": (stub.lot_code, receipt.lot_code),
        "tender_version": (stub.tender_version, receipt.tender_version),
        "bidder": (stub.bidder, receipt.bidder),
        "stub_sha256": (stub_sha256, receipt.stub_sha256),
        "sealed_sha256": (stub.sealed_sha256, receipt.sealed_sha256),
        "sealed_size": (stub.sealed_size, receipt.sealed_size),
        "file_root": (stub.file_root, receipt.file_root),
    }
    for name, (ours, theirs) in same.items():
        if ours != theirs:
            raise BadReceipt(f"{name} is {theirs}, ours is {ours}")
    if receipt.kind == "submission" and receipt.checks != RECEIPT_CHECKS:
        raise BadReceipt(f"checks passed: {', '.join(receipt.checks)}")


def _check_statement(receipt: Receipt, statements: Sequence[bytes]) -> None:
    named = [data for data in statements if digest(data) == receipt.statement_sha256]
    if not named:
        raise BadReceipt("it names a statement that we have not signed")
    try:
        if receipt.kind == "submission":
            submission = read_statement(named[0], FinalizeStatement)[0].submission
        else:
            withdrawal, _ = read_statement(named[0], WithdrawStatement)
            submission = withdrawal.submission
            if withdrawal.receipt_sha256 != receipt.previous_receipt_sha256:
                raise BadReceipt("it withdraws another receipt's submission")
    except (BadSignature, BadFormat, NotCanonical) as error:
        raise BadReceipt(error) from error
    if submission != receipt.submission:
        raise BadReceipt(f"submission is {receipt.submission}, ours is {submission}")
