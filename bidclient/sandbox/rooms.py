"""The opening as it is kept: its row, and the statements that were made in it."""

import msgspec

from bidclient.sandbox.problems import Refusal
from bidclient.sandbox.world import World


class Opening(msgspec.Struct, frozen=True):
    """A row of openings. `state` as OpeningView says, and unsealing between decrypting and read-out."""

    id: str
    lot: str
    state: str
    sign_in_from: str
    opening_at: str
    decrypt_until: str | None
    confirm_until: str | None
    objection_until: str | None
    paused_at: str | None
    head_seq: int
    head: str
    total: int
    readout: bytes | None


class Said(msgspec.Struct, frozen=True):
    """An accepted statement: `seq` is its event, 0 while that is kept back; `reply` the acknowledgement."""

    sha256: str
    position: int
    opening: str
    kind: str
    submission: str
    uscc: str
    at: str
    statement: bytes
    seq: int
    reply: bytes


def find_opening(world: World, opening: str) -> Opening:
    """An opening by its id. Raises Refusal."""
    found = world.database.row(Opening, "SELECT * FROM openings WHERE id = ?", opening)
    if found is None:
        raise Refusal("not-found", "opening")
    return found


def said(world: World, opening: str, kind: str) -> list[Said]:
    """The accepted statements of a kind, in their order."""
    return world.database.rows(
        Said, "SELECT * FROM statements WHERE opening = ? AND kind = ? ORDER BY position", opening, kind
    )


def said_by(world: World, opening: str, kind: str, submission: str) -> Said | None:
    """The accepted statement of a kind for one submission."""
    return world.database.row(
        Said,
        "SELECT * FROM statements WHERE opening = ? AND kind = ? AND submission = ? ORDER BY position",
        opening,
        kind,
        submission,
    )
