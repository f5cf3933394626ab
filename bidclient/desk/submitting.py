"""Submitting a sealed bid so that a kill, a lost reply or a second try can never do harm.

Whatever a retry must repeat is in the journal, or signed in statements/, before it is sent: the idempotency
key of the submission, the address of the upload, the finalize statement itself. A run that finds them goes on
from there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bidclient.ask import Ask, Progress, silent
from bidclient.desk.connection import Bidder, Clock, Connections
from bidclient.desk.signing import require_stage
from bidclient.errors import (
    BadReceipt,
    DeadlinePassed,
    Mismatch,
    NetworkProblem,
    NotRehearsed,
    Rejected,
    StaleTender,
    WrongStage,
)
from bidclient.formats import canonical
from bidclient.formats.content import file_digest
from bidclient.formats.instant import parse_instant
from bidclient.network.client import Network
from bidclient.network.submitting import ReceiptFiles
from bidclient.network.transport import is_final, new_idempotency_key
from bidclient.network.wire import SubmissionView
from bidclient.stages.stub import Stub, read_stub
from bidclient.stages.submitted import (
    FinalizeStatement,
    SignedReceipt,
    WithdrawStatement,
    check_receipt,
    digest,
    finalize_statement,
    read_receipt,
    read_statement,
    statement_bytes,
    withdraw_statement,
)
from bidclient.stages.tender import Tender, read_tender
from bidclient.store.bids import Artefacts, BidFolder
from bidclient.store.journal import Fact
from bidclient.store.state import Stage, state

_ENDED = frozenset({"withdrawn", "superseded", "expired"})
_NOT_YET_IN = frozenset({"uploading", "uploaded"})
_SETTLED = frozenset({"submitted", "withdrawn", "finalize-refused", "withdraw-refused"})


@dataclass(frozen=True)
class Submitted:
    """A receipt that verifies against our own digests. `uploaded` counts bytes of the sealed bid."""

    receipt_no: str
    submission: str
    kind: str
    received_at: str
    deadline: str
    sealed_sha256: str
    stub_sha256: str
    uploaded: int
    replaces: str | None
    receipt: str


class Submitting:
    """Handing the bid in, taking it back, fetching the receipt again."""

    def __init__(self, connections: Connections, now: Clock) -> None:
        self._connections = connections
        self._now = now

    def submit(self, path: Path, key_id: str | None, ask: Ask, progress: Progress = silent) -> Submitted:
        """Create or resume the submission, upload, finalize, and verify and keep the receipt.

        Run again after any failure: it goes on where it stopped, and a bid that is in stays in once. Raises
        WrongStage, NotRehearsed, StaleTender, NotRegistered, DeadlinePassed, UploadInterrupted, Rejected,
        BadReceipt (an alarm), KeyProblem, Cancelled.
        """
        folder = BidFolder.open(path)
        with folder.locked():
            stub_data = self._ready(folder)
            stub = read_stub(stub_data).stub
            tender = read_tender(folder.tender).tender
            with self._connections.bidder(key_id, ask) as bidder:
                bidder.check(stub.bidder, stub.network)
                self._settle_withdrawal(folder, bidder.network)
                view = self._opened(folder, bidder, stub, stub_data)
                if tender.submission == "upload":
                    self._upload(folder, bidder.network, view, ask, progress)
                kept = self._finalize(folder, bidder, view, stub, stub_data)
                if tender.submission == "hash-first":
                    self._upload(folder, bidder.network, view, ask, progress)
                offset = bidder.network.submissions.view(view.id).offset
        return _submitted(folder, kept, offset)

    def withdraw(self, path: Path, key_id: str | None, ask: Ask) -> Submitted:
        """Take the submission back (撤回), before the deadline only; the bid itself stays as it is.

        Raises WrongStage when nothing is submitted, DeadlinePassed, Rejected, BadReceipt, KeyProblem.
        """
        folder = BidFolder.open(path)
        with folder.locked():
            artefacts, kept = in_force(folder)
            stub_data = artefacts.stub.read_bytes()
            submission = kept.receipt.submission
            with self._connections.bidder(key_id, ask) as bidder:
                statement = _withdrawal_sent_before(folder, kept)
                if statement is None:
                    nonce = bidder.network.submissions.view(submission).nonce
                    key = bidder.key_for("withdraw", read_tender(folder.tender).tender)
                    statement = statement_bytes(withdraw_statement(kept, nonce), key, self._now())
                    folder.records.keep_statement("withdraw", statement)
                facts = {"submission": submission, "statement_sha256": digest(statement)}
                self._note(folder, "withdraw-intended", facts)
                try:
                    files = bidder.network.submissions.withdraw(submission, statement)
                except (DeadlinePassed, Rejected) as error:
                    self._note_refusal(folder, "withdraw", statement, facts, error)
                    raise
                receipt = self._keep(folder, bidder.network, files, stub_data)
        return _submitted(folder, receipt, 0)

    def fetch_receipt(self, path: Path, key_id: str | None, ask: Ask) -> Submitted:
        """Fetch the receipt of the latest submission again, verify and keep it.

        Settles a finalize whose reply was lost. Raises WrongStage when nothing was ever submitted.
        """
        folder = BidFolder.open(path)
        with folder.locked():
            created = folder.journal.latest("submission-created")
            if created is None:
                raise WrongStage(state(folder).stage.value, Stage.SUBMITTED.value)
            submission = str(created.data["submission"])
            with self._connections.bidder(key_id, ask) as bidder:
                files = bidder.network.submissions.receipt(submission)
                stub_data = _stub_of(folder, str(created.data["stub_sha256"]))
                receipt = self._keep(folder, bidder.network, files, stub_data)
                offset = bidder.network.submissions.view(submission).offset
        return _submitted(folder, receipt, offset)

    # ------------------------------------------------------------------------------------------ within

    def _ready(self, folder: BidFolder) -> bytes:
        """The stub of a bid that may be submitted."""
        require_stage(folder, Stage.SEALED)
        if not state(folder).rehearsed:
            raise NotRehearsed(str(folder.artefacts.sealed))
        stub_data = folder.artefacts.stub.read_bytes()
        # A byte that the disk has changed since is found here, not by the network after hours of upload.
        expected = read_stub(stub_data).stub.sealed_sha256
        _, found = file_digest(folder.artefacts.sealed)
        if found != expected:
            raise Mismatch("bid.sealed", expected, found)
        return stub_data

    def _opened(self, folder: BidFolder, bidder: Bidder, stub: Stub, stub_data: bytes) -> SubmissionView:
        """The open submission of this stub, a new one if need be."""
        view: SubmissionView | None = None
        created = folder.journal.latest("submission-created")
        if created is not None and created.data["stub_sha256"] == digest(stub_data):
            view = bidder.network.submissions.view(str(created.data["submission"]))
        if view is not None and view.state not in _ENDED | _NOT_YET_IN:
            return view
        lot = bidder.network.hall.lot(stub.lot)
        if lot.tender_version != stub.tender_version or lot.tender_sha256 != stub.tender_sha256:
            raise StaleTender(stub.tender_version, lot.tender_version)
        if view is not None and view.state in _NOT_YET_IN:
            return view
        key = self._intended_key(folder, digest(stub_data))
        view = bidder.network.submissions.create(stub.lot, stub_data, key)
        facts: dict[str, Fact] = {
            "submission": view.id,
            "stub_sha256": digest(stub_data),
            "upload": view.upload_url,
            "idempotency_key": key,
        }
        self._note(folder, "submission-created", facts)
        return view

    def _intended_key(self, folder: BidFolder, stub_sha256: str) -> str:
        """The key of a creation that was never answered, else a new one, noted before it is used."""
        last = folder.journal.latest("submission-intended", "submission-created")
        if (
            last is not None
            and last.event == "submission-intended"
            and last.data["stub_sha256"] == stub_sha256
        ):
            return str(last.data["idempotency_key"])
        key = new_idempotency_key()
        self._note(folder, "submission-intended", {"stub_sha256": stub_sha256, "idempotency_key": key})
        return key

    def _upload(
        self, folder: BidFolder, network: Network, view: SubmissionView, ask: Ask, progress: Progress
    ) -> None:
        if view.offset >= view.size:
            return
        upload = network.submissions.upload(view.upload_url, network.info.limits.max_patch)
        size = upload.send(folder.artefacts.sealed, progress=progress, cancelled=ask.cancelled)
        self._note(folder, "uploaded", {"submission": view.id, "size": size}, network)

    def _finalize(
        self, folder: BidFolder, bidder: Bidder, view: SubmissionView, stub: Stub, stub_data: bytes
    ) -> SignedReceipt:
        submissions = bidder.network.submissions
        statement = _finalize_sent_before(folder, view.id, digest(stub_data))
        if statement is None:
            nonce = submissions.view(view.id).nonce
            said = finalize_statement(stub, digest(stub_data), view.id, nonce)
            key = bidder.key_for("submit", _answered(folder, stub))
            statement = statement_bytes(said, key, self._now())
            folder.records.keep_statement("finalize", statement)
        facts = {"submission": view.id, "statement_sha256": digest(statement)}
        self._note(folder, "finalize-intended", facts)
        try:
            files = submissions.finalize(view.id, statement)
        except (DeadlinePassed, Rejected) as error:
            self._note_refusal(folder, "finalize", statement, facts, error)
            raise
        return self._keep(folder, bidder.network, files, stub_data)

    def _note_refusal(
        self,
        folder: BidFolder,
        kind: str,
        statement: bytes,
        facts: Mapping[str, Fact],
        error: DeadlinePassed | Rejected,
    ) -> None:
        """A refused statement is evidence, but never repeated: it moves aside.

        After an outage it stays: perhaps it was taken, and then only the same statement gets the answer.
        """
        if isinstance(error, Rejected) and not is_final(error):
            return
        self._note(folder, f"{kind}-refused", {**facts, "code": error.code, "why": str(error)[:300]})
        same = (path for path in folder.records.statements(kind) if path.read_bytes() == statement)
        folder.set_aside(same)

    def _settle_withdrawal(self, folder: BidFolder, network: Network) -> None:
        """A withdrawal whose answer was lost has a receipt all the same, and the next one will follow it."""
        last, found = folder.journal.latest("withdraw-intended", *_SETTLED), folder.in_force()
        if last is None or last.event != "withdraw-intended" or found is None:
            return
        files = network.submissions.receipt(str(last.data["submission"]))
        if read_receipt(files.receipt).receipt.kind == "withdrawal":
            self._keep(folder, network, files, found[0].stub.read_bytes())

    def _keep(
        self, folder: BidFolder, network: Network, files: ReceiptFiles, stub_data: bytes
    ) -> SignedReceipt:
        """Verify a receipt against everything we know, then keep it."""
        statements = [
            path.read_bytes() for kind in ("finalize", "withdraw") for path in folder.records.statements(kind)
        ]
        profile = self._connections.profile
        receipt = check_receipt(
            files.receipt,
            files.timestamp,
            stub_data,
            statements,
            profile.anchors,
            profile.stamp_anchors,
            network.identity,
            deadline=_answered(folder, read_stub(stub_data).stub).deadline,
            before=folder.records.before(digest(files.receipt)),
        )
        if receipt.receipt.network != network.info.id:
            raise BadReceipt(f"of network {receipt.receipt.network}")
        if not files.pdf.startswith(b"%PDF-"):
            raise BadReceipt("its PDF is none")
        is_new = folder.records.keep_receipt(
            {
                "receipt.json": canonical.dumps(receipt.receipt),
                "receipt.p7s": files.receipt,
                "receipt.tsr": files.timestamp,
                "receipt.pdf": files.pdf,
            }
        )
        last = folder.journal.latest(*_SETTLED, "finalize-intended", "withdraw-intended")
        if is_new or last is None or last.event not in _SETTLED:
            settled = "withdrawn" if receipt.receipt.kind == "withdrawal" else "submitted"
            facts = {"receipt_no": receipt.receipt.receipt_no, "receipt_sha256": receipt.sha256}
            folder.journal.append(settled, facts, self._now(), parse_instant(receipt.receipt.received_at))
        return receipt

    def _note(
        self, folder: BidFolder, event: str, facts: Mapping[str, Fact], network: Network | None = None
    ) -> None:
        server_at = None
        if network is not None:
            try:
                server_at = network.now().at
            except NetworkProblem:
                server_at = None
        folder.journal.append(event, facts, self._now(), server_at)


def in_force(folder: BidFolder) -> tuple[Artefacts, SignedReceipt]:
    """The submission that counts and its receipt. Raises WrongStage when there is none."""
    found = folder.in_force()
    if found is None:
        raise WrongStage(state(folder).stage.value, Stage.SUBMITTED.value)
    return found[0], found[1].receipt


def _answered(folder: BidFolder, stub: Stub) -> Tender:
    """The tender that a bid answers, whatever version has come since. Raises Mismatch when it is gone."""
    package = read_tender(folder.tender_of(stub.tender_version))
    if package.sha256 != stub.tender_sha256:
        raise Mismatch("tender", stub.tender_sha256, package.sha256)
    return package.tender


def _stub_of(folder: BidFolder, stub_sha256: str) -> bytes:
    artefacts = folder.artefacts_of(stub_sha256)
    if artefacts is None:
        raise Mismatch("bid.stub", stub_sha256, "no such stub in the bid folder")
    return artefacts.stub.read_bytes()


def _finalize_sent_before(folder: BidFolder, submission: str, stub_sha256: str) -> bytes | None:
    """The statement that a lost reply leaves us with: it must be repeated to the byte."""
    for path in reversed(folder.records.statements("finalize")):
        data = path.read_bytes()
        said, _ = read_statement(data, FinalizeStatement)
        if (said.submission, said.stub_sha256) == (submission, stub_sha256):
            return data
    return None


def _withdrawal_sent_before(folder: BidFolder, receipt: SignedReceipt) -> bytes | None:
    for path in reversed(folder.records.statements("withdraw")):
        data = path.read_bytes()
        if read_statement(data, WithdrawStatement)[0].receipt_sha256 == receipt.sha256:
            return data
    return None


def _submitted(folder: BidFolder, signed: SignedReceipt, uploaded: int) -> Submitted:
    receipt = signed.receipt
    return Submitted(
        receipt_no=receipt.receipt_no,
        submission=receipt.submission,
        kind=receipt.kind,
        received_at=receipt.received_at,
        deadline=receipt.deadline,
        sealed_sha256=receipt.sealed_sha256,
        stub_sha256=receipt.stub_sha256,
        uploaded=uploaded,
        replaces=receipt.replaces,
        receipt=str(folder.path / "receipt.pdf"),
    )
