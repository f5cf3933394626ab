"""Submitting: the stub opens a submission, the bytes follow, and the finalize statement is what counts."""

import binascii
from base64 import b64decode, b64encode
from dataclasses import dataclass
from urllib.parse import quote

from bidclient.errors import BadFormat
from bidclient.network.hall import lot_path
from bidclient.network.transport import Transport
from bidclient.network.upload import LARGEST, Upload
from bidclient.network.wire import (
    ReceiptReply,
    Reply,
    StatementRequest,
    SubmissionRequest,
    SubmissionView,
)


class SubmissionList(Reply):
    """GET /v1/lots/{lot}/submissions/mine, newest first."""

    submissions: tuple[SubmissionView, ...]


@dataclass(frozen=True)
class ReceiptFiles:
    """A receipt as files: CMS, DER TimeStampResp and PDF. stages.submitted.check_receipt verifies them."""

    submission: str
    state: str
    receipt: bytes
    timestamp: bytes
    pdf: bytes


class Submissions:
    """Our submissions on one network."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(self, lot: str, stub: bytes, idempotency_key: str) -> SubmissionView:
        """Open a submission with the stub (CMS). The same key gives the same submission again.

        Raises NetworkProblem: NotRegistered, DeadlinePassed, Rejected("stale-documents", "bad-stub", …).
        """
        body = SubmissionRequest(b64encode(stub).decode())
        return self._transport.post(f"{lot_path(lot)}/submissions", body, SubmissionView, idempotency_key)

    def view(self, submission: str) -> SubmissionView:
        """One submission. Raises NetworkProblem, BadFormat."""
        return self._transport.get(_path(submission), SubmissionView)

    def mine(self, lot: str) -> tuple[SubmissionView, ...]:
        """All our submissions for a lot, newest first. Raises NetworkProblem, BadFormat."""
        return self._transport.get(f"{lot_path(lot)}/submissions/mine", SubmissionList).submissions

    def upload(self, upload_url: str, largest_piece: int = LARGEST) -> Upload:
        """The upload of a submission, from SubmissionView.upload_url. Raises Untrusted for another server."""
        return Upload(self._transport, self._transport.address(upload_url), largest_piece)

    def finalize(self, submission: str, statement: bytes) -> ReceiptFiles:
        """Submit: `statement` is the CMS over a FinalizeStatement. Repeating it gives the same receipt.

        Raises NetworkProblem: DeadlinePassed, Rejected("upload-incomplete", "digest-mismatch", …).
        """
        return self._state(f"{_path(submission)}/finalize", statement)

    def withdraw(self, submission: str, statement: bytes) -> ReceiptFiles:
        """Withdraw before the deadline: CMS over a WithdrawStatement. Raises NetworkProblem."""
        return self._state(f"{_path(submission)}/withdraw", statement)

    def receipt(self, submission: str) -> ReceiptFiles:
        """The receipt again. Raises NetworkProblem, BadFormat."""
        return _files(self._transport.get(f"{_path(submission)}/receipt", ReceiptReply))

    def _state(self, path: str, statement: bytes) -> ReceiptFiles:
        body = StatementRequest(b64encode(statement).decode())
        return _files(self._transport.post(path, body, ReceiptReply))


def _path(submission: str) -> str:
    return f"/v1/submissions/{quote(submission, safe='')}"


def _files(reply: ReceiptReply) -> ReceiptFiles:
    return ReceiptFiles(
        reply.submission,
        reply.state,
        plain_bytes(reply.receipt, "receipt"),
        plain_bytes(reply.timestamp, "receipt's time-stamp"),
        plain_bytes(reply.pdf, "receipt's PDF"),
    )


def plain_bytes(text: str, what: str) -> bytes:
    """The bytes of standard base64 text. Raises BadFormat."""
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadFormat(what, "not base64") from error
