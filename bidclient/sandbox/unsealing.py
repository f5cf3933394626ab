"""Opening the sealed bids with the released keys, all at once, after the window has closed."""

from base64 import b64decode
from dataclasses import dataclass
from pathlib import Path

from bidclient.crypto.private_key import PrivateKey
from bidclient.errors import BidError, Mismatch
from bidclient.formats.bseal import Frame
from bidclient.formats.wraps import check_secret, combine, unwrap_secret, wipe
from bidclient.sandbox.problems import Refusal
from bidclient.sandbox.rooms import Opening, said_by
from bidclient.sandbox.stored import Submission
from bidclient.sandbox.uploads import stored_digests, stored_size
from bidclient.sandbox.world import World
from bidclient.stages.opened import ReadoutRow, ReleaseStatement, open_release, opened_row, release_context
from bidclient.stages.package import plaintext_commitment
from bidclient.stages.sealed import unseal
from bidclient.stages.signed import SignedBid, read_signed, verify_signed
from bidclient.stages.stub import Stub, read_stub
from bidclient.stages.submitted import read_statement
from bidclient.stages.tender import Tender

Event = tuple[str, dict[str, str | int | bool | None]]


@dataclass(frozen=True)
class Outcome:
    """What became of one bid: its row of the table, its new state and why, and the event to be chained."""

    row: ReadoutRow
    state: str
    reason: str
    event: Event


def open_escrow(world: World, room: Opening, bid: Submission, wrapped: bytes) -> bytearray:
    """The content secret out of a release, proven to be the one that the bid was sealed with.

    Under policy "all" the tenderer's share, which this sandbox holds, is added. The caller wipes it.
    Raises WrongKey, BadEnvelope, WrongSecret.
    """
    context = release_context(world.network, room.id, bid.id, bid.lot, bid.uscc)
    released = open_release(wrapped, world.opening_key(room.lot), context)
    secret = released
    try:
        frame = read_stub(bid.stub).frame
        secret = _whole(frame, released, world.authority.tenderer)
        check_secret(frame, secret)
    except BidError:
        wipe(secret)
        raise
    return secret


def unseal_all(world: World, room: Opening, tender: Tender) -> list[Outcome]:
    """Every locked bid of an opening, opened or not, in the order in which they were submitted."""
    bids = world.database.rows(
        Submission,
        "SELECT * FROM submissions WHERE lot = ? AND state IN ('locked', 'escrowed') ORDER BY position",
        room.lot,
    )
    return [_outcome(world, room, tender, bid) for bid in bids]


def _outcome(world: World, room: Opening, tender: Tender, bid: Submission) -> Outcome:
    about: dict[str, str | int | bool | None] = {"bidder": bid.uscc, "submission": bid.id}
    released = said_by(world, room.id, "release", bid.id)
    if released is None:
        platform = bool(world.faults.value("platform-fault"))
        # Order 20 (2013): the bidder's own failure counts as revocation, the platform's as withdrawal.
        cause, treated = ("platform", "视为撤回") if platform else ("bidder", "视为撤销")
        event = ("not-released", {**about, "cause": cause, "treated_as": treated})
        return Outcome(_empty_row(world, bid, "not-released"), "not-released", treated, event)
    out = world.data / "opened" / f"{bid.id}.asice"
    try:
        row = _opened(world, room, tender, bid, released.statement, out)
    except (BidError, Refusal) as error:
        out.unlink(missing_ok=True)
        reason = str(error)[:300]
        return Outcome(
            _empty_row(world, bid, "failed"),
            "open-failed",
            reason,
            ("open-failed", {**about, "reason": reason}),
        )
    event = ("opened", {**about, "price_fen": row.price_fen, "manifest_sha256": row.manifest_sha256})
    return Outcome(row, "read-out", "", event)


def _opened(
    world: World, room: Opening, tender: Tender, bid: Submission, statement: bytes, out: Path
) -> ReadoutRow:
    if stored_size(world, bid.upload) != bid.size:
        raise Mismatch("size", str(bid.size), str(stored_size(world, bid.upload)))
    stub = read_stub(bid.stub).stub
    found = stored_digests(world, bid)
    _agree("sealed_sha256", stub.sealed_sha256, found.sha256)
    _agree("sealed_sm3", stub.sealed_sm3, found.sm3)
    _agree("file_root", stub.file_root, found.file_root)
    release, _ = read_statement(statement, ReleaseStatement)
    secret = open_escrow(world, room, bid, b64decode(release.wrapped_key))
    try:
        unseal(world.upload_path(bid.upload), secret, out)
    finally:
        wipe(secret)
    authority = world.authority
    signed = verify_signed(read_signed(out), authority.anchors, authority.anchors, world.now())
    _check_content(signed, stub)
    return opened_row(signed.manifest, signed.manifest_sha256, bid.id, tender.price.field)


def _check_content(signed: SignedBid, stub: Stub) -> None:
    """The opened bid is the one that the stub promised. Raises Mismatch."""
    manifest = signed.manifest
    _agree("plaintext_commitment", stub.plaintext_commitment, plaintext_commitment(signed.manifest_bytes))
    _agree("bidder", stub.bidder, manifest.bidder.uscc)
    _agree("lot", stub.lot, manifest.tender.lot)
    _agree("tender", stub.tender_sha256, manifest.tender.sha256)


def _agree(field: str, expected: str, found: str) -> None:
    if expected != found:
        raise Mismatch(field, expected, found)


def _whole(frame: Frame, released: bytearray, tenderer: PrivateKey) -> bytearray:
    if frame.header.policy == "any":
        return released
    other = unwrap_secret(frame, tenderer)
    try:
        return combine(released, other)
    finally:
        wipe(released)
        wipe(other)


def _empty_row(world: World, bid: Submission, state: str) -> ReadoutRow:
    return ReadoutRow(
        bidder=bid.uscc,
        bidder_name=world.database.text("SELECT name FROM organizations WHERE uscc = ?", bid.uscc),
        submission=bid.id,
        price_fen=0,
        form={},
        manifest_sha256="0" * 64,
        state="failed" if state == "failed" else "not-released",
    )
