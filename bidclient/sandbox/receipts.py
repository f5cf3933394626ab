"""Receipts (递交回执): signed by the network, time-stamped, chained, and as a PDF for people."""

import secrets
from base64 import b64encode
from typing import Literal

import msgspec
from starlette.responses import Response

from bidclient.formats.instant import parse_instant
from bidclient.network.wire import ReceiptReply
from bidclient.sandbox import tsa
from bidclient.sandbox.problems import Refusal
from bidclient.sandbox.receipt_pdf import receipt_pdf
from bidclient.sandbox.stored import Submission, find
from bidclient.sandbox.web import reply
from bidclient.sandbox.world import World
from bidclient.stages.stub import Stub
from bidclient.stages.submitted import RECEIPT_CHECKS, Receipt, digest, read_receipt, statement_bytes
from bidclient.stages.tender import Tender

Kind = Literal["submission", "withdrawal"]
_LARGEST_STEP = 9


class ReceiptRow(msgspec.Struct, frozen=True):
    """A receipt as it is kept: `cms` over the Receipt, `timestamp` a TimeStampResp over its SHA-256."""

    sha256: str
    log_index: int
    submission: str
    lot: str
    uscc: str
    kind: Kind
    cms: bytes
    timestamp: bytes
    pdf: bytes | None


def new_receipt(
    world: World,
    submission: Submission,
    stub: Stub,
    tender: Tender,
    kind: Kind,
    arrived: str,
    statement_sha256: str,
    replaces: str | None,
) -> Receipt:
    """The content of the next receipt, inside the transaction that keeps it."""
    index = _next_index(world)
    day = arrived[:10].replace("-", "")
    previous = world.database.text(
        "SELECT sha256 FROM receipts WHERE lot = ? AND uscc = ? ORDER BY log_index DESC LIMIT 1",
        submission.lot,
        submission.uscc,
    )
    return Receipt(
        format="bidnet/receipt",
        version=1,
        kind=kind,
        network=world.network,
        receipt_no=f"{'HZ' if kind == 'submission' else 'CH'}{day}{index:08d}",
        submission=submission.id,
        lot=submission.lot,
        lot_code=stub.lot_code,
        tender_version=stub.tender_version,
        bidder=submission.uscc,
        stub_sha256=submission.stub_sha256,
        sealed_sha256=stub.sealed_sha256,
        sealed_size=stub.sealed_size,
        file_root=stub.file_root,
        statement_sha256=statement_sha256,
        received_at=arrived,
        deadline=tender.deadline,
        rule="strictly-before",
        log_index=index,
        checks=RECEIPT_CHECKS,
        replaces=replaces,
        previous_receipt_sha256=previous or None,
    )


def keep(world: World, content: Receipt) -> ReceiptRow:
    """Sign and time-stamp a receipt and keep it, inside a transaction; its PDF is made when asked for."""
    now = parse_instant(content.received_at)
    signed = statement_bytes(content, world.authority.identity, now)
    sha256 = digest(signed)
    row = ReceiptRow(
        sha256=sha256,
        log_index=content.log_index,
        submission=content.submission,
        lot=content.lot,
        uscc=content.bidder,
        kind=content.kind,
        cms=signed,
        timestamp=tsa.stamp(bytes.fromhex(sha256), world.authority.stamping, now),
        pdf=None,
    )
    world.database.run(
        "INSERT INTO receipts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", *msgspec.structs.astuple(row)
    )
    return row


def newest(world: World, submission: str, kind: Kind | None) -> ReceiptRow:
    """The newest receipt of a submission, of one kind or of any. Raises Refusal."""
    found = world.database.row(
        ReceiptRow,
        "SELECT * FROM receipts WHERE submission = ? AND kind = coalesce(?, kind) ORDER BY log_index DESC",
        submission,
        kind,
    )
    if found is None:
        raise Refusal("wrong-state", "no receipt yet")
    return found


def reply_for(world: World, submission: str, kind: Kind | None) -> Response:
    """The ReceiptReply with the newest receipt of a kind. Raises Refusal."""
    row = newest(world, submission, kind)
    return reply(
        ReceiptReply(
            submission=submission,
            state=find(world, submission).state,
            receipt=b64encode(row.cms).decode(),
            timestamp=b64encode(row.timestamp).decode(),
            pdf=b64encode(_pdf(world, row)).decode(),
        )
    )


def _pdf(world: World, row: ReceiptRow) -> bytes:
    if row.pdf is not None:
        return row.pdf
    receipt = read_receipt(row.cms).receipt
    tender = world.tender(world.lot(row.lot), receipt.tender_version).parsed
    bidder = world.database.text("SELECT name FROM organizations WHERE uscc = ?", row.uscc)
    made = receipt_pdf(receipt, row.sha256, tender, bidder)
    with world.database.writing():
        world.database.run("UPDATE receipts SET pdf = ? WHERE sha256 = ? AND pdf IS NULL", made, row.sha256)
    return newest(world, row.submission, row.kind).pdf or made


def _next_index(world: World) -> int:
    """The next position in the log, with a random gap: neighbours must not tell how many bids lie between."""
    index = world.database.number("SELECT value FROM meta WHERE name = 'log_index'")
    index += 1 + secrets.randbelow(_LARGEST_STEP)
    world.database.run("UPDATE meta SET value = ? WHERE name = 'log_index'", str(index))
    return index
