"""The evidence folder, judged by its files alone: what a third party can prove, disprove or leave open."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Literal

import msgspec

from bidclient.crypto import cms
from bidclient.crypto.certificate import Certificate, certificates_from_pem, verify_chain, verify_claimed
from bidclient.errors import (
    BadChain,
    BadReceipt,
    BidError,
    IntegrityProblem,
    Mismatch,
    UnknownIssuer,
    UnprovenTime,
)
from bidclient.formats import canonical
from bidclient.formats.instant import parse_instant
from bidclient.stages.chain import AcknowledgedHead, check_acknowledgement
from bidclient.stages.evidence_folder import (
    CERTIFICATES,
    CHAIN,
    JOURNAL,
    OPENING_STATEMENTS,
    READOUT,
    STUB,
    TENDER,
    TENDER_SIGNATURE,
    Evidence,
    lines_of,
    text_of,
)
from bidclient.stages.opened import (
    ConfirmStatement,
    read_readout,
    row_sha256,
)
from bidclient.stages.stub import Stub
from bidclient.stages.submitted import (
    FinalizeStatement,
    WithdrawStatement,
    check_receipt,
    digest,
    finalize_statement,
    read_receipt,
    read_statement,
)
from bidclient.stages.tender import Tender, check_network, verify_recipients

_JOURNAL_GENESIS = hashlib.sha256(b"bidclient/journal/1\0").hexdigest()


Value = Literal["valid", "invalid", "cannot-tell"]


@dataclass(frozen=True)
class Verdict:
    """What became of one item. `reason` says what was proven, what is wrong, or what is missing."""

    item: str
    verdict: Value
    reason: str
    error: BidError | None = field(default=None, compare=False)
    """What `reason` was made from, for explain to put into words."""


class _JournalLine(msgspec.Struct):
    seq: int
    prev: str


def verify_evidence(evidence: Evidence) -> list[Verdict]:
    """A verdict on every item that proves something, and on every one that ought to be there."""
    said = (_tender, _stub, _finalizes, _withdrawals, _receipts, _statements)
    recorded = (_chain, _readout, _journal, _certificates)
    return [verdict for judge in (*said, *recorded) for verdict in judge(evidence)]


def _judge(item: str, proof: Callable[[], str | Verdict]) -> Verdict:
    """Run a proof, which returns what it has proven, or a verdict where it cannot prove anything."""
    try:
        proven = proof()
    except KeyError as error:
        return _undecided(item, f"{error.args[0]} is not in the folder")
    except IntegrityProblem as error:
        return Verdict(item, "cannot-tell" if lacks_trust(error) else "invalid", str(error), error)
    return Verdict(item, "valid", proven) if isinstance(proven, str) else proven


def _undecided(item: str, reason: str) -> Verdict:
    return Verdict(item, "cannot-tell", reason)


def lacks_trust(error: BaseException | None) -> bool:
    """Whether nothing is wrong but that we do not know the issuer, or that nothing proves the time."""
    while error is not None:
        if isinstance(error, UnknownIssuer | UnprovenTime):
            return True
        error = error.__cause__
    return False


def _same(field: str, expected: str, found: str) -> None:
    if expected != found:
        raise Mismatch(field, expected, found)


def _by_bidder(evidence: Evidence, signed: cms.Signed, proven: datetime | None, what: str) -> str:
    """That the bidder signed: organisation, and chain at the time that the network proves, else now."""
    signer, chain = signed.signer, signed.chain
    _same("signer", evidence.bid.bidder, signer.uscc or signer.subject)
    if proven is None:
        verify_claimed(signer, chain, evidence.anchors, signed.signing_time, evidence.now, what)
    else:
        verify_chain(signer, chain, evidence.anchors, proven, what)
    return f"signed by {signer.subject}"


def _tender(evidence: Evidence) -> Iterator[Verdict]:
    def proof() -> str | Verdict:
        data, signature = evidence.files[TENDER], evidence.files[TENDER_SIGNATURE]
        signed = cms.verify_detached(signature, data, TENDER)
        tender = canonical.loads(data, Tender, TENDER)
        # Whoever is known beforehand is believed when it says that it signed; others are only named.
        verify_chain(signed.signer, signed.chain, evidence.anchors, signed.signing_time, TENDER)
        verify_recipients(tender, signed.chain, evidence.anchors)
        if evidence.identity is not None:
            check_network(signed.signer, evidence.identity)
        proven = f"lot {tender.lot.code}, version {tender.tender_version}, signed by {signed.signer.subject}"
        return _by_network(evidence, TENDER, proven, signed.signer)

    yield _judge(TENDER, proof)


def _stub(evidence: Evidence) -> Iterator[Verdict]:
    def proof() -> str:
        stub, signed = read_statement(evidence.files[STUB], Stub)
        if TENDER in evidence.files:
            _same("tender_sha256", digest(evidence.files[TENDER]), stub.tender_sha256)
        proven = evidence.received.get(digest(evidence.files[STUB]))
        return f"sealed bid {stub.sealed_sha256}, {_by_bidder(evidence, signed, proven, STUB)}"

    yield _judge(STUB, proof)


def _finalizes(evidence: Evidence) -> Iterator[Verdict]:
    for name in evidence.numbered("finalize", ".p7s"):

        def proof(name: str = name) -> str | Verdict:
            found, signed = read_statement(evidence.files[name], FinalizeStatement)
            stub_sha256 = digest(evidence.files[STUB])
            if found.stub_sha256 != stub_sha256:
                return _undecided(name, f"about another stub, {found.stub_sha256}")
            ours = finalize_statement(evidence.bid, stub_sha256, found.submission, found.nonce)
            for one in found.__struct_fields__:
                _same(one, text_of(ours, one), text_of(found, one))
            proven = evidence.received.get(digest(evidence.files[name]))
            return f"submission {found.submission}, {_by_bidder(evidence, signed, proven, name)}"

        yield _judge(name, proof)


def _withdrawals(evidence: Evidence) -> Iterator[Verdict]:
    for name in evidence.numbered("withdraw", ".p7s"):

        def proof(name: str = name) -> str | Verdict:
            found, signed = read_statement(evidence.files[name], WithdrawStatement)
            receipts = {
                digest(data): data
                for data in map(evidence.files.get, evidence.numbered("receipt", ".p7s"))
                if data
            }
            if found.receipt_sha256 not in receipts:
                return _undecided(name, f"about a receipt that is not in the folder, {found.receipt_sha256}")
            receipt = read_receipt(receipts[found.receipt_sha256]).receipt
            for one in ("network", "submission", "lot", "bidder"):
                _same(one, text_of(receipt, one), text_of(found, one))
            proven = evidence.received.get(digest(evidence.files[name]))
            return f"submission {found.submission}, {_by_bidder(evidence, signed, proven, name)}"

        yield _judge(name, proof)


def _receipts(evidence: Evidence) -> Iterator[Verdict]:
    names = evidence.numbered("receipt", ".p7s")
    if not names:
        yield _undecided("receipt-001.p7s", "receipt-001.p7s is not in the folder")
    ours = evidence.numbered("finalize", ".p7s") + evidence.numbered("withdraw", ".p7s")
    statements = [evidence.files[name] for name in ours]
    for name, before in zip(names, [None, *names], strict=False):
        yield _judge(name, partial(_receipt, evidence, name, before, statements))


def _receipt(evidence: Evidence, name: str, before: str | None, statements: Sequence[bytes]) -> str | Verdict:
    stem = name.removesuffix(".p7s")
    found = read_receipt(evidence.files[name])
    if found.receipt.stub_sha256 != digest(evidence.files[STUB]):
        return _undecided(name, f"about another stub, {found.receipt.stub_sha256}")
    text = evidence.files.get(f"{stem}.json")
    if text is not None and text != found.signed.content:
        raise BadReceipt(f"{stem}.json differs from the signed receipt")
    receipt = check_receipt(
        evidence.files[name],
        evidence.files[f"{stem}.tsr"],
        evidence.files[STUB],
        statements,
        evidence.anchors,
        evidence.stamp_anchors,
        evidence.identity or found.signed.signer,
        deadline=_deadline(evidence),
        before=None if before is None else read_receipt(evidence.files[before]),
    ).receipt
    named = next(data for data in statements if digest(data) == receipt.statement_sha256)
    kind = FinalizeStatement if receipt.kind == "submission" else WithdrawStatement
    _by_bidder(evidence, read_statement(named, kind)[1], evidence.received.get(digest(named)), name)
    proven = f"{receipt.kind} {receipt.receipt_no}, received {receipt.received_at}"
    return _by_network(evidence, name, proven, found.signed.signer)


def _deadline(evidence: Evidence) -> str | None:
    """The deadline of the tender that the bid answers, None when that is not in the folder."""
    data = evidence.files.get(TENDER)
    if data is None or digest(data) != evidence.bid.tender_sha256:
        return None
    return canonical.loads(data, Tender, TENDER).deadline


def _by_network(evidence: Evidence, item: str, proven: str, signer: Certificate) -> str | Verdict:
    """Other certificates may lead to the same roots: without a known identity the signer is only named."""
    if evidence.identity is None:
        return _undecided(item, f"{proven}; signature and chain hold, but is {signer.subject} the network?")
    return proven


def _statements(evidence: Evidence) -> Iterator[Verdict]:
    for name in evidence.opening_names:
        answer = f"acknowledgement-{name}"
        yield _judge(name, partial(_statement, evidence, name))
        yield _judge(answer, partial(_acknowledgement, evidence, name, answer))


def _statement(evidence: Evidence, name: str) -> str | Verdict:
    statement, signed = read_statement(evidence.files[name], OPENING_STATEMENTS[name])
    _same("bidder", evidence.bid.bidder, text_of(statement, "bidder"))
    _same("opening", evidence.opening or "", text_of(statement, "opening"))
    receipt = getattr(statement, "receipt_sha256", None)
    receipts = [digest(evidence.files[item]) for item in evidence.numbered("receipt", ".p7s")]
    if receipt is not None and receipt not in receipts:
        return _undecided(name, f"about a receipt that is not in the folder, {receipt}")
    return _by_bidder(evidence, signed, _acknowledged_at(evidence, name), name)


def _acknowledged_at(evidence: Evidence, name: str) -> datetime | None:
    """When the statement `name` existed for certain: the network has said that it had it then."""
    if evidence.identity is None:
        return None
    try:
        return parse_instant(_acknowledged(evidence, name, f"acknowledgement-{name}")[0].at)
    except (IntegrityProblem, KeyError):
        # What is wrong with the acknowledgement is said where it is judged; it proves nothing here.
        return None


def _acknowledged(evidence: Evidence, name: str, answer: str) -> tuple[AcknowledgedHead, Certificate]:
    """What the network signed about the statement `name`, fitting the chain, and who signed."""
    proof = evidence.files[answer]
    signer = read_statement(proof, AcknowledgedHead)[1].signer
    head = check_acknowledgement(
        proof, evidence.opening or "", evidence.files[name], evidence.anchors, evidence.identity or signer
    )
    if evidence.chain is not None:
        evidence.chain.check_head(head.seq, head.head)
    return head, signer


def _acknowledgement(evidence: Evidence, name: str, answer: str) -> str | Verdict:
    head, signer = _acknowledged(evidence, name, answer)
    proven = f"event {head.seq} at {head.at}"
    if evidence.chain is not None:
        recorded = evidence.chain.recorded(head.statement_sha256)
        proven = f"recorded as event {recorded.seq} at {recorded.at}"
    return _by_network(evidence, answer, proven, signer)


def _chain(evidence: Evidence) -> Iterator[Verdict]:
    def proof() -> str | Verdict:
        if evidence.opening is None:
            return _undecided(CHAIN, "no statement in the folder names the opening")
        chain = evidence.chain
        if chain is None:
            raise KeyError(CHAIN)
        return f"{chain.seq} events without a gap, head {chain.head}"

    if CHAIN in evidence.files or evidence.opening_names:
        yield _judge(CHAIN, proof)


def _readout(evidence: Evidence) -> Iterator[Verdict]:
    """Anybody can write a table and a chain that announces it: the network must have signed for the chain."""

    def proof() -> str | Verdict:
        data = evidence.files[READOUT]
        if evidence.opening is None:
            return _undecided(READOUT, "no statement in the folder names the opening")
        readout = read_readout(data, evidence.opening, digest(data))
        if evidence.chain is None:
            raise KeyError(CHAIN)
        announced = evidence.chain.check_readout(digest(data))
        rows = [row for row in readout.rows if row.bidder == evidence.bid.bidder]
        if len(rows) != 1:
            raise Mismatch("rows of the bidder", "1", str(len(rows)))
        confirmed, _ = read_statement(evidence.files["confirm.p7s"], ConfirmStatement)
        _same("table_sha256", confirmed.table_sha256, digest(data))
        _same("row_sha256", confirmed.row_sha256, row_sha256(rows[0]))
        head, signer = _acknowledged(evidence, "confirm.p7s", "acknowledgement-confirm.p7s")
        if head.seq < announced.seq:
            return _undecided(READOUT, f"the network's last signed event is {head.seq}, before the read-out")
        proven = f"{len(readout.rows)} bidders, our row answered with {confirmed.verdict}"
        return _by_network(evidence, READOUT, proven, signer)

    if READOUT in evidence.files:
        yield _judge(READOUT, proof)


def _journal(evidence: Evidence) -> Iterator[Verdict]:
    """The journal is the bidder's own: whole and in order is all that it can be."""

    def proof() -> str:
        previous, lines = _JOURNAL_GENESIS, lines_of(evidence.files[JOURNAL])
        for number, line in enumerate(lines, 1):
            entry = canonical.loads(line, _JournalLine, JOURNAL)
            if (entry.seq, entry.prev) != (number, previous):
                raise BadChain(number, "the journal's chain breaks at this line")
            previous = hashlib.sha256(line).hexdigest()
        return f"{len(lines)} entries without a gap"

    if JOURNAL in evidence.files:
        yield _judge(JOURNAL, proof)


def _certificates(evidence: Evidence) -> Iterator[Verdict]:
    for name in sorted(item for item in evidence.files if item.startswith(CERTIFICATES)):

        def proof(name: str = name) -> str:
            return "; ".join(item.subject for item in certificates_from_pem(evidence.files[name]))

        yield _judge(name, proof)
