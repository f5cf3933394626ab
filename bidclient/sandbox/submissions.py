"""Submissions: opened by a stub, sealed by a statement before the deadline, replaced or withdrawn."""

from datetime import timedelta
from typing import Literal

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from bidclient.crypto.certificate import Certificate
from bidclient.errors import BadCertificate, BadSignature, IntegrityProblem
from bidclient.formats import atomic
from bidclient.formats.instant import instant_text, parse_instant
from bidclient.network.wire import SubmissionRequest, SubmissionView
from bidclient.sandbox import receipts, statements
from bidclient.sandbox.lots import registration_of
from bidclient.sandbox.problems import Refusal
from bidclient.sandbox.stored import Submission, set_state, submission_of
from bidclient.sandbox.uploads import stored_digests, stored_size
from bidclient.sandbox.web import Action, Call, new_token, plain_bytes, reply, resource
from bidclient.sandbox.world import LotRow, World, new_id
from bidclient.stages.stub import STUB_LIMIT, SignedStub, Stub, read_stub
from bidclient.stages.submitted import FinalizeStatement, WithdrawStatement, digest, finalize_statement
from bidclient.stages.tender import Tender

_STUB_BODY = STUB_LIMIT * 4 // 3 + 64 * 1024
_LIVE = ("uploading", "uploaded", "sealed")


def create(call: Call) -> Response:
    """POST /v1/lots/{lot}/submissions: the same stub gives the same submission while that is alive."""
    world, lot = call.world, call.world.lot(call.step("lot"))
    data = plain_bytes(call.json(SubmissionRequest).stub)
    tender = world.tender(lot).parsed
    if registration_of(world, lot.id, call.organization.uscc) is None:
        raise Refusal("not-registered")
    _check_deadline(instant_text(call.arrived), tender)
    stub = _checked_stub(call, lot, tender, data)
    submission = _new_submission(call, lot, stub, data)
    return reply(view(world, submission), 201, f"/v1/submissions/{submission.id}")


def one(call: Call) -> Response:
    """GET /v1/submissions/{submission}."""
    return reply(view(call.world, submission_of(call)))


def mine(call: Call) -> Response:
    """GET /v1/lots/{lot}/submissions/mine, newest first."""
    lot = call.world.lot(call.step("lot"))
    found = call.world.database.rows(
        Submission,
        "SELECT * FROM submissions WHERE lot = ? AND uscc = ? ORDER BY position DESC",
        lot.id,
        call.organization.uscc,
    )
    return reply({"submissions": [view(call.world, submission) for submission in found]})


def finalize(call: Call) -> Response:
    """POST …/finalize: arrival of this, with all bytes there, strictly before the deadline is what counts."""
    world, submission = call.world, submission_of(call)
    statement, data = statements.read_own(call, FinalizeStatement)
    tender = world.tender(world.lot(submission.lot)).parsed
    arrived = _arrival(call, tender)
    stub = stub_of(submission)
    expected = finalize_statement(stub, submission.stub_sha256, submission.id, submission.nonce)
    waiting = tender.submission == "upload" and submission.state in ("uploading", "uploaded")
    if waiting and stored_size(world, submission.upload) == submission.size:
        # After a restart the whole file is read for this: not while everybody waits for the database.
        stored_digests(world, submission)
    with world.database.writing():
        submission = submission_of(call)
        statements.check_equal(expected, statement, skip=("nonce",))
        if submission.state in ("uploading", "uploaded"):
            _check_deadline(arrived, tender)
            if statement.nonce != submission.nonce:
                raise Refusal("nonce-invalid")
            _check_version(stub, tender)
            if tender.submission == "upload":
                _check_bytes(world, submission, stub)
            _seal(world, submission, stub, tender, arrived, data)
        elif submission.receipt_no is None or submission.state == "withdrawn":
            # Late is what the bidder has to hear first, also when the host has put the submission away.
            _check_deadline(arrived, tender)
            raise Refusal("wrong-state", submission.state)
    return receipts.reply_for(world, submission.id, "submission")


def withdraw(call: Call) -> Response:
    """POST …/withdraw, before the deadline only."""
    world, submission = call.world, submission_of(call)
    statement, data = statements.read_own(call, WithdrawStatement)
    tender = world.tender(world.lot(submission.lot)).parsed
    arrived = instant_text(call.arrived)
    with world.database.writing():
        submission = submission_of(call)
        expected = WithdrawStatement(
            format="bidnet/withdraw",
            version=1,
            network=world.network,
            submission=submission.id,
            lot=submission.lot,
            bidder=submission.uscc,
            receipt_sha256=receipts.newest(world, submission.id, "submission").sha256,
            nonce=submission.nonce,
        )
        statements.check_equal(expected, statement, skip=("nonce",))
        if submission.state == "sealed":
            _check_deadline(arrived, tender)
            if statement.nonce != submission.nonce:
                raise Refusal("nonce-invalid")
            _record(world, submission, "withdrawal", tender, arrived, data, None)
            set_state(world, submission.id, "withdrawn")
        elif submission.state != "withdrawn":
            # As in finalize: late is what the bidder has to hear first.
            _check_deadline(arrived, tender)
            raise Refusal("wrong-state", submission.state)
    return receipts.reply_for(world, submission.id, "withdrawal")


def receipt(call: Call) -> Response:
    """GET …/receipt: the newest receipt of the submission."""
    return receipts.reply_for(call.world, submission_of(call).id, None)


def view(world: World, submission: Submission) -> SubmissionView:
    """What its bidder sees of a submission."""
    return SubmissionView(
        id=submission.id,
        lot=submission.lot,
        uscc=submission.uscc,
        state=submission.state,
        upload_url=f"/v1/uploads/{submission.upload}",
        offset=stored_size(world, submission.upload),
        size=submission.size,
        nonce=submission.nonce,
        deadline=world.tender(world.lot(submission.lot)).parsed.deadline,
        stub_sha256=submission.stub_sha256,
        receipt_no=submission.receipt_no,
    )


def stub_of(submission: Submission) -> Stub:
    """The stub that opened a submission."""
    return read_stub(submission.stub).stub


def _checked_stub(call: Call, lot: LotRow, tender: Tender, data: bytes) -> SignedStub:
    try:
        signed = read_stub(data)
    except BadSignature as error:
        raise Refusal("bad-signature", error.reason) from error
    except (IntegrityProblem, BadCertificate) as error:
        raise Refusal("bad-stub", str(error)) from error
    signer, stub = signed.signed_by.signer, signed.stub
    statements.check_certificate(call.world, signer, signed.signed_by.chain, call.arrived)
    if not signer.uscc == stub.bidder == call.organization.uscc:
        raise Refusal("cert-not-bound")
    if (stub.network, stub.lot, stub.lot_code) != (call.world.network, lot.id, tender.lot.code):
        raise Refusal("statement-mismatch", "the stub is for another lot")
    _check_version(stub, tender)
    if stub.tender_sha256 != call.world.tender(lot).sha256:
        raise Refusal("stale-documents")
    if signed.frame.header.policy != tender.policy or stub.suite not in tender.suites:
        raise Refusal("bad-stub", "suite or policy is not the tender's")
    _check_share(signed, tender)
    if stub.sealed_size > tender.size_limit:
        raise Refusal("payload-too-large", f"at most {tender.size_limit} bytes")
    return signed


def _check_share(signed: SignedStub, tender: Tender) -> None:
    """Under policy "all" one share must be the tenderer's own, or the opening depends on somebody else."""
    if tender.joint_certificate is None:
        return
    joint = Certificate.from_pem(tender.joint_certificate.encode())
    wraps = [wrap for wrap in signed.frame.header.wraps if wrap.role == "tenderer"]
    if [wrap.certificate_sha256 for wrap in wraps] != [joint.sha256]:
        raise Refusal("bad-stub", "a share is not wrapped to the tenderer's certificate")


def _new_submission(call: Call, lot: LotRow, stub: SignedStub, data: bytes) -> Submission:
    database, uscc = call.world.database, call.organization.uscc
    with database.writing():
        known = database.rows(
            Submission,
            "SELECT * FROM submissions WHERE lot = ? AND uscc = ? AND stub_sha256 = ? ORDER BY position DESC",
            lot.id,
            uscc,
            digest(data),
        )
        if known and known[0].state in _LIVE:
            return known[0]
        submission = Submission(
            id=new_id("S"),
            position=1 + database.number("SELECT MAX(position) FROM submissions"),
            lot=lot.id,
            uscc=uscc,
            state="uploading",
            upload=new_id("U"),
            size=stub.stub.sealed_size,
            nonce=new_token(),
            stub=data,
            stub_sha256=digest(data),
        )
        marks = ", ".join("?" * len(submission.__struct_fields__))
        database.run(f"INSERT INTO submissions VALUES ({marks})", *msgspec.structs.astuple(submission))  # noqa: S608
        path = call.world.upload_path(submission.upload)
        path.touch()
        # Later its bytes are synced, which does not keep the name in the folder.
        atomic.sync_folder(path.parent)
    return submission


def _arrival(call: Call, tender: Tender) -> str:
    if call.world.faults.strike("late-by-1-ms"):
        return instant_text(parse_instant(tender.deadline) + timedelta(milliseconds=1))
    return instant_text(call.arrived)


def _check_deadline(arrived: str, tender: Tender) -> None:
    """Strictly before: the same millisecond is late."""
    if arrived >= tender.deadline:
        raise Refusal("deadline-passed", f"arrived {arrived}", deadline=tender.deadline)


def _check_version(stub: Stub, tender: Tender) -> None:
    if stub.tender_version != tender.tender_version:
        raise Refusal("stale-documents", f"version {tender.tender_version} is in force")


def _check_bytes(world: World, submission: Submission, stub: Stub) -> None:
    size = stored_size(world, submission.upload)
    if size < submission.size:
        raise Refusal("upload-incomplete", f"{size} of {submission.size} bytes", offset=size)
    found = stored_digests(world, submission)
    promised = (stub.sealed_sha256, stub.sealed_sm3, stub.file_root)
    if (found.sha256, found.sm3, found.file_root) != promised:
        raise Refusal("digest-mismatch")


def _seal(
    world: World, submission: Submission, stub: Stub, tender: Tender, arrived: str, statement: bytes
) -> None:
    """Receipt, state, and the end of the bid that this one replaces: all or nothing."""
    before = world.database.row(
        Submission,
        "SELECT * FROM submissions WHERE lot = ? AND uscc = ? AND state = 'sealed'",
        submission.lot,
        submission.uscc,
    )
    _record(world, submission, "submission", tender, arrived, statement, before.id if before else None)
    if before is not None:
        set_state(world, before.id, "superseded")
    set_state(world, submission.id, "sealed")


def _record(
    world: World,
    submission: Submission,
    kind: Literal["submission", "withdrawal"],
    tender: Tender,
    arrived: str,
    statement: bytes,
    replaces: str | None,
) -> None:
    content = receipts.new_receipt(
        world, submission, stub_of(submission), tender, kind, arrived, digest(statement), replaces
    )
    row = receipts.keep(world, content)
    world.database.run(
        "UPDATE submissions SET nonce = ?, receipt_no = ?, receipt_sha256 = ? WHERE id = ?",
        new_token(),
        content.receipt_no,
        row.sha256,
        submission.id,
    )


ROUTES: list[Route] = [
    resource(
        "/v1/lots/{lot}/submissions",
        POST=Action(create, keyed=True, commits=True, limit=_STUB_BODY),
    ),
    resource("/v1/lots/{lot}/submissions/mine", GET=Action(mine)),
    resource("/v1/submissions/{submission}", GET=Action(one)),
    resource(
        "/v1/submissions/{submission}/finalize", POST=Action(finalize, keyed=True, commits=True, timed=True)
    ),
    resource(
        "/v1/submissions/{submission}/withdraw", POST=Action(withdraw, keyed=True, commits=True, timed=True)
    ),
    resource("/v1/submissions/{submission}/receipt", GET=Action(receipt)),
]
