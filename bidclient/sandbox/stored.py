"""A submission as it is kept, and the rule that nobody sees another's."""

import msgspec

from bidclient.sandbox.problems import Refusal
from bidclient.sandbox.web import Call
from bidclient.sandbox.world import World


class Submission(msgspec.Struct, frozen=True):
    """A row of submissions, fields in the order of the columns; `stub` is the CMS as it came.

    `receipt_sha256` names the newest receipt, `reason` says why a bid could not be opened.
    """

    id: str
    position: int
    lot: str
    uscc: str
    state: str
    upload: str
    size: int
    nonce: str
    stub: bytes
    stub_sha256: str
    receipt_no: str | None = None
    receipt_sha256: str | None = None
    reason: str = ""


def find(world: World, submission: str) -> Submission:
    """A submission by its id. Raises Refusal."""
    found = world.database.row(Submission, "SELECT * FROM submissions WHERE id = ?", submission)
    if found is None:
        raise Refusal("not-found", "submission")
    return found


def submission_of(call: Call) -> Submission:
    """The submission that the path names, which must be the caller's. Raises Refusal."""
    return owned(call, find(call.world, call.step("submission")))


def owned(call: Call, submission: Submission) -> Submission:
    """`submission`, which must be the caller's. Raises Refusal."""
    if submission.uscc != call.organization.uscc:
        raise Refusal("not-yours")
    return submission


def set_state(world: World, submission: str, state: str, reason: str = "") -> None:
    """Move a submission to another state, inside a transaction."""
    world.database.run("UPDATE submissions SET state = ?, reason = ? WHERE id = ?", state, reason, submission)
