"""The host of the openings (开标主持人): takes each one from step to step when its time has come."""

import logging
import sqlite3
from datetime import timedelta

from bidclient.errors import BidError
from bidclient.formats import canonical
from bidclient.formats.instant import instant_text, parse_instant
from bidclient.sandbox.problems import Refusal
from bidclient.sandbox.rooms import Opening, find_opening, said
from bidclient.sandbox.stored import Submission, set_state
from bidclient.sandbox.unsealing import Outcome, unseal_all
from bidclient.sandbox.uploads import stored_size
from bidclient.sandbox.world import World
from bidclient.stages.opened import Readout, SignInStatement, table_sha256
from bidclient.stages.submitted import read_statement
from bidclient.stages.tender import Tender

FEWEST_BIDDERS = 3
"""With fewer there is no opening: 流标 (招标投标法实施条例 第四十四条)."""
PATIENCE = 1.0
"""Seconds that a request waits for a busy host: while it unseals, the room goes on answering."""
_SETTLE_SECONDS = 30.0
"""Longer than it takes to read the biggest bid once: what arrived in time is never put away."""
_LOG = logging.getLogger(__name__)


def advance(world: World, patience: float) -> None:
    """Do everything that is due. When the host is busy, wait for it up to `patience` seconds, then leave.

    An opening that cannot go on is logged and tried again next time: it stops neither others nor the clock.
    """
    if not world.host_lock.acquire(timeout=patience):
        return
    try:
        due = world.database.rows(Opening, "SELECT * FROM openings WHERE state NOT IN ('closed', 'failed')")
        for opening in due:
            try:
                while _step(world, opening.id):
                    pass
            except (BidError, Refusal, OSError, sqlite3.Error) as error:
                _LOG.error("opening %s: %s", opening.id, error)
    finally:
        world.host_lock.release()


def pause(world: World, opening: str) -> None:
    """Stop the decryption; the remaining time stands still. Raises Refusal."""
    with world.host_lock, world.database.writing():
        _expect(world, opening, "decrypting")
        now = instant_text(world.now())
        world.database.run("UPDATE openings SET state = 'paused', paused_at = ? WHERE id = ?", now, opening)
        world.append_event(opening, "paused", {})


def resume(world: World, opening: str) -> None:
    """Go on with the time that was left. Raises Refusal."""
    with world.host_lock, world.database.writing():
        room = _expect(world, opening, "paused")
        stood = world.now() - parse_instant(room.paused_at or "")
        until = instant_text(parse_instant(room.decrypt_until or "") + stood)
        world.database.run(
            "UPDATE openings SET state = 'decrypting', paused_at = NULL, decrypt_until = ? WHERE id = ?",
            until,
            opening,
        )
        world.append_event(opening, "resumed", {"decrypt_until": until})


def extend(world: World, opening: str, more: timedelta) -> None:
    """Give everybody more time to decrypt. Raises Refusal."""
    with world.host_lock, world.database.writing():
        room = _expect(world, opening, "decrypting", "paused")
        until = instant_text(parse_instant(room.decrypt_until or "") + more)
        world.database.run("UPDATE openings SET decrypt_until = ? WHERE id = ?", until, opening)
        world.append_event(opening, "extended", {"decrypt_until": until})


def end_step(world: World, opening: str, step: str | None = None) -> str:
    """End the running step now, as if its time were over; returns the new state. Raises Refusal.

    With `step` only that one: when it is over already, by the clock or because everybody has answered,
    nothing is ended.
    """
    columns = {"decrypting": "decrypt_until", "read-out": "confirm_until", "objection": "objection_until"}
    with world.host_lock:
        if step is not None and find_opening(world, opening).state != step:
            return find_opening(world, opening).state
        with world.database.writing():
            room = _expect(world, opening, *columns)
            world.database.run(
                f"UPDATE openings SET {columns[room.state]} = ? WHERE id = ?",  # noqa: S608 - a name of ours
                instant_text(world.now()),
                opening,
            )
        while _step(world, opening):
            pass
    return find_opening(world, opening).state


def all_released(world: World, room: Opening) -> bool:
    """Whether every bidder on the list has released the key."""
    return room.total > 0 and len(said(world, room.id, "release")) == room.total


def _expect(world: World, opening: str, *states: str) -> Opening:
    room = find_opening(world, opening)
    if room.state not in states:
        raise Refusal("wrong-state", room.state)
    return room


def _step(world: World, opening: str) -> bool:
    """Take the next step if it is due; returns whether there was one."""
    room = find_opening(world, opening)
    now = instant_text(world.now())
    tender = world.tender(world.lot(room.lot)).parsed
    match room.state:
        case "scheduled" if now >= room.sign_in_from:
            _set_room(world, room, "sign-in")
        case "sign-in" if now >= room.opening_at:
            _announce_list(world, room, tender)
        case "decrypting" if _window_over(world, room, tender, now):
            _close_window(world, room)
        case "unsealing":
            _read_out(world, room, tender, unseal_all(world, room, tender))
        case "read-out" if now >= (room.confirm_until or "") or _all_answered(world, room):
            _end_confirmation(world, room)
        case "objection" if now >= (room.objection_until or ""):
            _close(world, room)
        case _:
            return False
    return True


def _set_room(world: World, room: Opening, state: str) -> None:
    with world.database.writing():
        world.database.run("UPDATE openings SET state = ? WHERE id = ?", state, room.id)
    world.bell.ring()


def _of_lot(world: World, room: Opening, *states: str) -> list[Submission]:
    marks = ", ".join("?" * len(states))
    return world.database.rows(
        Submission,
        f"SELECT * FROM submissions WHERE lot = ? AND state IN ({marks}) ORDER BY position",  # noqa: S608
        room.lot,
        *states,
    )


def _announce_list(world: World, room: Opening, tender: Tender) -> None:
    """At the opening time: bids are locked, sign-ins come to light, everybody learns who bids."""
    # A finalize that arrived in time may still be on its way through this program.
    world.arrivals.settle(_SETTLE_SECONDS)
    with world.database.writing():
        for late in _of_lot(world, room, "uploading", "uploaded"):
            set_state(world, late.id, "expired", "deadline")
        bids = _of_lot(world, room, "sealed")
        for bid in bids:
            set_state(world, bid.id, "locked")
        _publish_sign_ins(world, room)
        names = [_name(world, bid) for bid in bids]
        world.append_event(room.id, "list-announced", {"total": len(bids), "bidders": "；".join(names)})
        if len(bids) < FEWEST_BIDDERS:
            world.append_event(room.id, "failed", {"reason": "fewer-than-three", "total": len(bids)})
            _finish(world, room, "failed", len(bids))
            return
        until = instant_text(parse_instant(room.opening_at) + timedelta(minutes=tender.decrypt_minutes))
        world.append_event(room.id, "decrypting", {"decrypt_until": until})
        world.database.run(
            "UPDATE openings SET state = 'decrypting', total = ?, decrypt_until = ? WHERE id = ?",
            len(bids),
            until,
            room.id,
        )
        world.database.run("UPDATE lots SET state = 'opening' WHERE id = ?", room.lot)


def _publish_sign_ins(world: World, room: Opening) -> None:
    for signed_in in said(world, room.id, "sign-in"):
        statement, _ = read_statement(signed_in.statement, SignInStatement)
        event = world.append_event(
            room.id,
            "signed-in",
            {
                "bidder": signed_in.uscc,
                "submission": signed_in.submission,
                "agent": statement.agent,
                "signed_in_at": signed_in.at,
                "statement_sha256": signed_in.sha256,
            },
        )
        world.database.run("UPDATE statements SET seq = ? WHERE sha256 = ?", event.seq, signed_in.sha256)


def _name(world: World, bid: Submission) -> str:
    name = world.database.text("SELECT name FROM organizations WHERE uscc = ?", bid.uscc)
    return f"{name} {bid.uscc}"


def _window_over(world: World, room: Opening, tender: Tender, now: str) -> bool:
    """The time is over or everybody has released; bytes that may still come are waited for."""
    if now < (room.decrypt_until or "") and not all_released(world, room):
        return False
    coming = tender.submission == "hash-first" and now < tender.upload_until
    return not coming or all(
        stored_size(world, bid.upload) == bid.size for bid in _of_lot(world, room, "escrowed")
    )


def _close_window(world: World, room: Opening) -> None:
    with world.database.writing():
        released = len(said(world, room.id, "release"))
        world.append_event(room.id, "window-closed", {"released": released, "total": room.total})
        _set_room(world, room, "unsealing")


def _read_out(world: World, room: Opening, tender: Tender, outcomes: list[Outcome]) -> None:
    """All bids are opened: publish the table (唱标) and let the bidders answer."""
    rows = tuple(outcome.row for outcome in outcomes)
    readout = Readout(format="bidnet/readout", version=1, opening=room.id, lot=room.lot, rows=rows)
    confirm = world.now() + timedelta(minutes=tender.confirm_minutes)
    with world.database.writing():
        for outcome in outcomes:
            world.append_event(room.id, *outcome.event)
            set_state(world, outcome.row.submission, outcome.state, outcome.reason)
        world.append_event(
            room.id,
            "readout",
            {
                "table_sha256": table_sha256(readout),
                "rows": len(rows),
                "confirm_until": instant_text(confirm),
            },
        )
        world.database.run(
            "UPDATE openings SET state = 'read-out', readout = ?, confirm_until = ?, objection_until = ? "
            "WHERE id = ?",
            canonical.dumps(readout),
            instant_text(confirm),
            instant_text(confirm + timedelta(minutes=tender.objection_minutes)),
            room.id,
        )


def _all_answered(world: World, room: Opening) -> bool:
    return not _of_lot(world, room, "read-out")


def _end_confirmation(world: World, room: Opening) -> None:
    """Silence is consent (视为确认)."""
    with world.database.writing():
        for bid in _of_lot(world, room, "read-out"):
            set_state(world, bid.id, "confirmed-by-silence")
            world.append_event(room.id, "confirmed-by-silence", {"bidder": bid.uscc, "submission": bid.id})
        _set_room(world, room, "objection")


def _close(world: World, room: Opening) -> None:
    with world.database.writing():
        world.append_event(room.id, "closed", {})
        _finish(world, room, "closed", room.total)


def _finish(world: World, room: Opening, state: str, total: int) -> None:
    world.database.run("UPDATE openings SET state = ?, total = ? WHERE id = ?", state, total, room.id)
    world.database.run("UPDATE lots SET state = ? WHERE id = ?", state, room.lot)
