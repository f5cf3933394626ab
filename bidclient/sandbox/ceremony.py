"""What bidders say in an opening: signed, checked, chained and acknowledged, each statement exactly once."""

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Callable
from typing import TypeVar

import msgspec
from starlette.responses import Response

from bidclient.errors import BadEnvelope, KeyProblem, WrongSecret
from bidclient.formats import canonical
from bidclient.formats.instant import instant_text, parse_instant
from bidclient.formats.wraps import wipe
from bidclient.network.wire import Acknowledgement
from bidclient.sandbox import host, statements
from bidclient.sandbox.problems import Refusal
from bidclient.sandbox.rooms import Opening, Said, find_opening, said_by
from bidclient.sandbox.stored import Submission, find, owned, set_state
from bidclient.sandbox.unsealing import open_escrow
from bidclient.sandbox.web import Call, new_token
from bidclient.sandbox.world import World
from bidclient.stages.chain import AcknowledgedHead
from bidclient.stages.opened import (
    ConfirmStatement,
    ObjectionStatement,
    Readout,
    ReleaseStatement,
    SignInStatement,
    row_sha256,
)
from bidclient.stages.submitted import digest, statement_bytes

_Said = TypeVar("_Said", SignInStatement, ReleaseStatement, ConfirmStatement, ObjectionStatement)
Data = dict[str, str | int | bool | None]
Rule = Callable[[Call, Opening, Submission, _Said], tuple[str, Data] | None]
"""Checks a statement against the room and does its effect; gives the event, None to keep it back."""
_ANSWERED = ("read-out", "confirmed", "confirmed-by-silence")
_BIDDING = ("locked", "escrowed", *_ANSWERED, "objected")


def say(call: Call, kind: str, statement_type: type[_Said], rule: Rule[_Said]) -> Response:
    """Accept one statement of `kind`; the same bytes again get the same acknowledgement. Raises Refusal."""
    world = call.world
    host.advance(world, host.PATIENCE)
    find_opening(world, call.step("opening"))
    data = call.statement()
    if known := _known(call, kind, data):
        return _acknowledged(known.reply)
    statement, _ = statements.read_own(call, statement_type)
    with world.database.writing():
        if known := _known(call, kind, data):
            return _acknowledged(known.reply)
        room = find_opening(world, call.step("opening"))
        bid = owned(call, find(world, statement.submission))
        named = (statement.network, statement.opening, statement.bidder, bid.lot)
        if named != (world.network, room.id, bid.uscc, room.lot):
            raise Refusal("statement-mismatch", "network, opening, submission or bidder")
        outcome = rule(call, room, bid, statement)
        if statement.nonce != nonce_of(world, room.id, bid.uscc):
            raise Refusal("nonce-invalid")
        return _acknowledged(_record(call, kind, room, bid, data, outcome))


def nonce_of(world: World, opening: str, uscc: str) -> str:
    """The nonce for the next statement of an organisation in an opening."""
    with world.database.writing():
        world.database.run("INSERT OR IGNORE INTO nonces VALUES (?, ?, ?)", opening, uscc, new_token())
        return world.database.text("SELECT nonce FROM nonces WHERE opening = ? AND uscc = ?", opening, uscc)


def sign_in(
    call: Call, room: Opening, bid: Submission, statement: SignInStatement
) -> tuple[str, Data] | None:
    """签到: from the sign-in time until the window for decryption closes."""
    if room.state == "scheduled":
        raise Refusal("not-yet", f"sign-in from {room.sign_in_from}")
    if room.state not in ("sign-in", "decrypting", "paused"):
        raise Refusal("wrong-state", room.state)
    if bid.state not in ("sealed", "locked", "escrowed"):
        raise Refusal("wrong-state", bid.state)
    _check_receipt(bid, statement.receipt_sha256)
    if said_by(call.world, room.id, "sign-in", bid.id):
        raise Refusal("wrong-state", "already signed in")
    if room.state == "sign-in":
        # Before the opening nobody learns how many bidders there are: the event follows with the list.
        return None
    return "signed-in", {
        "bidder": bid.uscc,
        "submission": bid.id,
        "agent": statement.agent,
        "signed_in_at": instant_text(call.arrived),
        "statement_sha256": digest(call.statement()),
    }


def release(call: Call, room: Opening, bid: Submission, statement: ReleaseStatement) -> tuple[str, Data]:
    """密钥提交: the key is proven to be the right one, and stays in escrow until the window closes."""
    world = call.world
    if room.state in ("scheduled", "sign-in"):
        raise Refusal("not-yet", f"opening at {room.opening_at}")
    if room.state == "paused":
        raise Refusal("paused")
    if room.state != "decrypting" or instant_text(call.arrived) >= (room.decrypt_until or ""):
        raise Refusal("decrypt-window-closed", deadline=room.decrypt_until)
    if bid.state == "escrowed":
        raise Refusal("already-released")
    if bid.state != "locked":
        raise Refusal("wrong-state", bid.state)
    _check_receipt(bid, statement.receipt_sha256)
    if statement.opening_certificate_sha256 != world.opening_key(bid.lot).certificate.sha256:
        raise Refusal("statement-mismatch", "opening_certificate_sha256")
    remedy = world.tender(world.lot(bid.lot)).parsed.remedy
    allowed = {"key": True, "second-lock": remedy.second_lock, "recovery-code": remedy.recovery_code}
    if not allowed[statement.method]:
        raise Refusal("statement-mismatch", f"the tender does not allow {statement.method}")
    _check_key(world, room, bid, statement)
    set_state(world, bid.id, "escrowed")
    return "released", _about(call, bid) | {"method": statement.method}


def confirm(call: Call, room: Opening, bid: Submission, statement: ConfirmStatement) -> tuple[str, Data]:
    """开标一览表确认: the bidder has compared its own row."""
    if room.state in ("scheduled", "sign-in", "decrypting", "paused", "unsealing"):
        raise Refusal("not-yet", "no read-out yet")
    if room.state != "read-out" or instant_text(call.arrived) >= (room.confirm_until or ""):
        raise Refusal("wrong-state", room.state)
    if bid.state != "read-out":
        raise Refusal("wrong-state", bid.state)
    readout = canonical.loads(room.readout or b"", Readout, "read-out")
    row = next(row for row in readout.rows if row.submission == bid.id)
    if statement.table_sha256 != digest(room.readout or b"") or statement.row_sha256 != row_sha256(row):
        raise Refusal("statement-mismatch", "table or row")
    match = statement.verdict == "match"
    set_state(call.world, bid.id, "confirmed" if match else "objected")
    data = _about(call, bid) | {"verdict": statement.verdict, "note": statement.note}
    return "confirmed" if match else "objected", data


def object_to(call: Call, room: Opening, bid: Submission, statement: ObjectionStatement) -> tuple[str, Data]:
    """开标异议: from the announcement of the list until the time for objections is over."""
    if room.state in ("scheduled", "sign-in"):
        raise Refusal("not-yet", f"opening at {room.opening_at}")
    if room.state in ("closed", "failed") or bid.state not in (*_BIDDING, "not-released", "open-failed"):
        raise Refusal("wrong-state", room.state)
    if room.state in ("read-out", "objection") and bid.state in _ANSWERED:
        set_state(call.world, bid.id, "objected")
    return "objected", _about(call, bid) | {"subject": statement.subject, "text": statement.text}


def _known(call: Call, kind: str, data: bytes) -> Said | None:
    return call.world.database.row(
        Said,
        "SELECT * FROM statements WHERE sha256 = ? AND uscc = ? AND opening = ? AND kind = ?",
        digest(data),
        call.organization.uscc,
        call.step("opening"),
        kind,
    )


def _about(call: Call, bid: Submission) -> Data:
    return {"bidder": bid.uscc, "submission": bid.id, "statement_sha256": digest(call.statement())}


def _check_receipt(bid: Submission, receipt_sha256: str) -> None:
    if receipt_sha256 != bid.receipt_sha256:
        raise Refusal("statement-mismatch", "receipt_sha256")


def _check_key(world: World, room: Opening, bid: Submission, statement: ReleaseStatement) -> None:
    if not world.attempts.allowed(bid.uscc):
        raise Refusal("rate-limited", retry_after=60, headers={"Retry-After": "60"})
    try:
        wipe(open_escrow(world, room, bid, b64decode(statement.wrapped_key, validate=True)))
    except WrongSecret as error:
        world.attempts.failed(bid.uscc)
        raise Refusal("key-mismatch", error.reason) from error
    except (BadEnvelope, KeyProblem, Base64Error, ValueError) as error:
        world.attempts.failed(bid.uscc)
        raise Refusal("unwrap-failed", str(error)[:200]) from error


def _record(
    call: Call, kind: str, room: Opening, bid: Submission, data: bytes, outcome: tuple[str, Data] | None
) -> bytes:
    """Chain the event, sign the acknowledgement, keep both; returns the reply's bytes."""
    world, sha256 = call.world, digest(data)
    seq = 0 if outcome is None else world.append_event(room.id, *outcome).seq
    room = find_opening(world, room.id)
    at = instant_text(world.now())
    head = AcknowledgedHead(
        format="bidnet/acknowledgement",
        version=1,
        opening=room.id,
        seq=room.head_seq,
        head=room.head,
        statement_sha256=sha256,
        at=at,
    )
    proof = statement_bytes(head, world.authority.identity, parse_instant(at))
    reply = msgspec.json.encode(
        Acknowledgement(seq=head.seq, head=head.head, at=at, proof=b64encode(proof).decode())
    )
    position = 1 + world.database.number("SELECT MAX(position) FROM statements")
    row = Said(
        sha256, position, room.id, kind, bid.id, bid.uscc, instant_text(call.arrived), data, seq, reply
    )
    world.database.run(
        "INSERT INTO statements VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", *msgspec.structs.astuple(row)
    )
    world.database.run("DELETE FROM nonces WHERE opening = ? AND uscc = ?", room.id, bid.uscc)
    return reply


def _acknowledged(body: bytes) -> Response:
    return Response(body, 201, {"Cache-Control": "no-store"}, "application/json")
