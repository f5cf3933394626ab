"""The opened bid: sign-in, key release, read-out, confirmation, and the opening's hash chain."""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec

from bidclient.crypto import cms
from bidclient.crypto.certificate import Certificate, verify_chain
from bidclient.crypto.private_key import PrivateKey
from bidclient.errors import BadChain, BadEnvelope, BadSignature, Mismatch
from bidclient.formats import canonical
from bidclient.formats.instant import Instant, parse_instant
from bidclient.formats.money import is_fen
from bidclient.stages.package import Manifest
from bidclient.stages.submitted import SignedReceipt, digest, read_statement
from bidclient.stages.tender import Fen, Hex32, Record, Uscc

Method = Literal["key", "second-lock", "recovery-code"]
"""By what the secret was had that is released."""
Subject = Literal["procedure", "read-out", "identity", "other"]
"""What an objection is about."""


class SignInStatement(Record):
    """签到."""

    format: Literal["bidnet/sign-in"]
    version: Literal[1]
    network: str
    opening: str
    submission: str
    bidder: Uscc
    agent: str
    receipt_sha256: Hex32
    nonce: str


class ReleaseStatement(Record):
    """密钥提交. `wrapped_key`: base64 of a CMS EnvelopedData to the opening certificate (wrap_release)."""

    format: Literal["bidnet/release"]
    version: Literal[1]
    network: str
    opening: str
    submission: str
    bidder: Uscc
    receipt_sha256: Hex32
    opening_certificate_sha256: Hex32
    wrapped_key: str
    method: Method
    nonce: str


class ConfirmStatement(Record):
    """开标一览表确认: 无异议 (match) or 有异议 (mismatch)."""

    format: Literal["bidnet/confirm"]
    version: Literal[1]
    network: str
    opening: str
    submission: str
    bidder: Uscc
    table_sha256: Hex32
    row_sha256: Hex32
    verdict: Literal["match", "mismatch"]
    note: Annotated[str, msgspec.Meta(max_length=2000)]
    nonce: str


class ObjectionStatement(Record):
    """开标异议."""

    format: Literal["bidnet/objection"]
    version: Literal[1]
    network: str
    opening: str
    submission: str
    bidder: Uscc
    subject: Subject
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
    nonce: str


class Event(Record):
    """A link of the opening's chain: h_n = SHA-256(h_{n-1} ‖ SHA-256(canonical event)), `prev` is h_{n-1}."""

    seq: Annotated[int, msgspec.Meta(ge=1)]
    prev: Hex32
    at: Instant
    type: str
    data: dict[str, str | int | bool | None]


class ReadoutRow(Record):
    """唱标: one bidder's row, taken by the network from the opened manifest."""

    bidder: Uscc
    bidder_name: str
    submission: str
    price_fen: Fen
    form: dict[str, str]
    manifest_sha256: Hex32
    state: Literal["opened", "not-released", "failed"]


class Readout(Record):
    """The read-out table; its canonical SHA-256 is the table_sha256 that bidders confirm."""

    format: Literal["bidnet/readout"]
    version: Literal[1]
    opening: str
    lot: str
    rows: tuple[ReadoutRow, ...]


class AcknowledgedHead(Record):
    """The content of an acknowledgement (CMS SignedData by the network).

    At `at` the event `seq`, with chain hash `head`, recorded the statement. Before the opening, sign-ins are
    kept back so that nobody can count the bidders: then `seq` and `head` are those of the public chain so far
    and the event follows when the list is announced.
    """

    format: Literal["bidnet/acknowledgement"]
    version: Literal[1]
    opening: str
    seq: int
    head: Hex32
    statement_sha256: Hex32
    at: Instant


class ReleaseContext(Record):
    """What a released secret belongs to: one bid of one bidder in one opening of one network."""

    format: Literal["bidnet/release-context"]
    version: Literal[1]
    network: str
    opening: str
    submission: str
    lot: str
    bidder: Uscc


# ------------------------------------------------------------------------------------------ key release

RELEASE_MAGIC = b"BIDREL1\0"
SECRET_SIZE = 32
_CONTENT_SIZE = len(RELEASE_MAGIC) + SECRET_SIZE + 32


def release_context(network: str, opening: str, submission: str, lot: str, bidder: str) -> bytes:
    """The canonical bytes of a ReleaseContext."""
    return canonical.dumps(
        ReleaseContext(
            format="bidnet/release-context",
            version=1,
            network=network,
            opening=opening,
            submission=submission,
            lot=lot,
            bidder=bidder,
        )
    )


def release_content(secret: bytes | bytearray, context: bytes) -> bytes:
    """The 72 bytes that travel to the opening: magic, the content secret (or our share of it), H(context)."""
    if len(secret) != SECRET_SIZE:
        raise ValueError("a content secret has 32 bytes")
    return b"".join((RELEASE_MAGIC, secret, hashlib.sha256(context).digest()))


def wrap_release(secret: bytes | bytearray, opening_certificate: Certificate, context: bytes) -> bytes:
    """The secret as DER CMS EnvelopedData to the opening certificate, bound to `context`."""
    return cms.make_envelope(release_content(secret, context), opening_certificate)


def open_release(envelope: bytes, key: PrivateKey, context: bytes) -> bytearray:
    """The released secret, on the network's side; the caller wipes it.

    Raises WrongKey, BadEnvelope (also for another context: a release cannot be moved to another bid).
    """
    content = key.unwrap(envelope)
    if len(content) != _CONTENT_SIZE or not content.startswith(RELEASE_MAGIC):
        raise BadEnvelope("not a released secret")
    end = len(RELEASE_MAGIC) + SECRET_SIZE
    if not hmac.compare_digest(content[end:], hashlib.sha256(context).digest()):
        raise BadEnvelope("released for another bid or opening")
    return bytearray(content[len(RELEASE_MAGIC) : end])


# ----------------------------------------------------------------------------------------------- chain


def genesis(opening: str) -> str:
    """h_0 of an opening's chain, hex."""
    return hashlib.sha256(b"bidnet/chain/1\0" + opening.encode()).hexdigest()


def event_digest(event: Event) -> str:
    """Hex SHA-256 of the canonical event."""
    return hashlib.sha256(canonical.dumps(event)).hexdigest()


def next_head(head: str, event: Event) -> str:
    """h_n = SHA-256(h_{n-1} ‖ SHA-256(canonical event)), hex."""
    return hashlib.sha256(bytes.fromhex(head) + bytes.fromhex(event_digest(event))).hexdigest()


class Chain:
    """The events of one opening that we have seen and verified, in order."""

    def __init__(self, opening: str) -> None:
        self.opening = opening
        self._heads = [genesis(opening)]
        self._events: list[Event] = []
        self._told: dict[int, str] = {}

    @property
    def seq(self) -> int:
        """The number of the last event; 0 before the first."""
        return len(self._events)

    @property
    def head(self) -> str:
        """The hash after the last event, hex."""
        return self._heads[-1]

    @property
    def events(self) -> tuple[Event, ...]:
        """All events, first to last."""
        return tuple(self._events)

    def append(self, event: Event) -> None:
        """Take the next event. One that we have already is compared. Raises BadChain and changes nothing."""
        if event.seq <= self.seq:
            if self._events[event.seq - 1] != event:
                raise BadChain(event.seq, "differs from the event seen before")
            return
        if event.seq != self.seq + 1:
            raise BadChain(event.seq, f"expected event {self.seq + 1}")
        if event.prev != self.head:
            raise BadChain(event.seq, "does not follow from the event before it")
        try:
            head = next_head(self.head, event)
        except ValueError as error:
            raise BadChain(event.seq, str(error)) from error
        if self._told.get(event.seq, head) != head:
            raise BadChain(event.seq, "the network told another head before: the chain is forked")
        self._events.append(event)
        self._heads.append(head)

    def check_head(self, seq: int, head: str) -> None:
        """Compare a head that the network gave with ours; one ahead of us is compared when we get there.

        Raises BadChain: two heads for one event are a fork.
        """
        if seq < 0:
            raise BadChain(seq, "a negative event number")
        known = self._heads[seq] if seq <= self.seq else self._told.setdefault(seq, head)
        if known != head:
            raise BadChain(seq, "the network gave another head: the chain is forked")

    def recorded(self, statement_sha256: str) -> Event:
        """The event that records this statement. Raises BadChain when there is none."""
        for event in self._events:
            if event.data.get("statement_sha256") == statement_sha256:
                return event
        raise BadChain(self.seq, "an acknowledged statement is not in the chain")

    def check_readout(self, table_sha256: str) -> Event:
        """The event that announced this table to everybody. Raises BadChain without one, Mismatch for
        another."""
        announced = [event for event in self._events if event.type == "readout"]
        if not announced:
            raise BadChain(self.seq, "the read-out is not in the chain")
        for event in announced:
            if event.data.get("table_sha256") != table_sha256:
                raise Mismatch("table_sha256", str(event.data.get("table_sha256")), table_sha256)
        return announced[-1]


def check_acknowledgement(
    proof: bytes, opening: str, statement: bytes, anchors: Sequence[Certificate], identity: Certificate
) -> AcknowledgedHead:
    """What the network signed about our CMS `statement`.

    `proof` is the acknowledgement's CMS, `identity` the network's certificate; the caller compares the result
    with its chain (Chain.check_head). Raises BadSignature, BadCertificate, NotCanonical, BadFormat, Mismatch.
    """
    acknowledged, signed = read_statement(proof, AcknowledgedHead)
    if signed.signer.der != identity.der:
        raise BadSignature("acknowledgement", f"signed by {signed.signer.subject}")
    at = parse_instant(acknowledged.at)
    verify_chain(identity, signed.chain, anchors, at, "acknowledgement")
    if acknowledged.opening != opening:
        raise Mismatch("opening", opening, acknowledged.opening)
    if acknowledged.statement_sha256 != digest(statement):
        raise Mismatch("statement_sha256", digest(statement), acknowledged.statement_sha256)
    return acknowledged


# --------------------------------------------------------------------------------------------- read-out


def row_sha256(row: ReadoutRow) -> str:
    """Hex SHA-256 of the canonical row."""
    return hashlib.sha256(canonical.dumps(row)).hexdigest()


def table_sha256(readout: Readout) -> str:
    """Hex SHA-256 of the canonical table: what a confirmation is about."""
    return hashlib.sha256(canonical.dumps(readout)).hexdigest()


@dataclass(frozen=True)
class Standing:
    """What we say in an opening, each time about the submission that our receipt names.

    Every statement takes up a nonce that the opening has given us for it.
    """

    opening: str
    receipt: SignedReceipt

    def sign_in(self, agent: str, nonce: str) -> SignInStatement:
        """签到, by the authorised `agent`, who may be empty."""
        return SignInStatement(
            format="bidnet/sign-in",
            version=1,
            agent=agent,
            receipt_sha256=self.receipt.sha256,
            nonce=nonce,
            **self._about,
        )

    def release(
        self, secret: bytes | bytearray, opening_certificate: Certificate, method: Method, nonce: str
    ) -> ReleaseStatement:
        """密钥提交: the secret, or our share, wrapped to the opening. Raises CertificateUnfit."""
        about, lot = self._about, self.receipt.receipt.lot
        context = release_context(about["network"], self.opening, about["submission"], lot, about["bidder"])
        return ReleaseStatement(
            format="bidnet/release",
            version=1,
            receipt_sha256=self.receipt.sha256,
            opening_certificate_sha256=opening_certificate.sha256,
            wrapped_key=b64encode(wrap_release(secret, opening_certificate, context)).decode(),
            method=method,
            nonce=nonce,
            **about,
        )

    def confirm(self, readout: Readout, row: ReadoutRow, note: str, nonce: str) -> ConfirmStatement:
        """开标一览表确认: our `row` of the read-out is right."""
        return ConfirmStatement(
            format="bidnet/confirm",
            version=1,
            table_sha256=table_sha256(readout),
            row_sha256=row_sha256(row),
            verdict="match",
            note=note,
            nonce=nonce,
            **self._about,
        )

    def objection(self, subject: Subject, text: str, nonce: str) -> ObjectionStatement:
        """开标异议."""
        return ObjectionStatement(
            format="bidnet/objection",
            version=1,
            subject=subject,
            text=text,
            nonce=nonce,
            **self._about,
        )

    @property
    def _about(self) -> dict[str, str]:
        receipt = self.receipt.receipt
        return {
            "network": receipt.network,
            "opening": self.opening,
            "submission": receipt.submission,
            "bidder": receipt.bidder,
        }


def read_readout(data: bytes, opening: str, table: str) -> Readout:
    """The table in canonical `data` of hex digest `table`. Raises Mismatch, NotCanonical, BadFormat."""
    readout = canonical.loads(data, Readout, "read-out")
    if digest(data) != table:
        raise Mismatch("table_sha256", table, digest(data))
    if readout.opening != opening:
        raise Mismatch("opening", opening, readout.opening)
    return readout


def opened_row(manifest: Manifest, manifest_sha256: str, submission: str, price_field: str) -> ReadoutRow:
    """The row that an opened bid must get; `price_field` is tender.price.field.

    The network makes the table of it, the bidder recomputes it from the local package. Raises Mismatch when
    the price in the form is not a whole number of fen that files can hold.
    """
    text = manifest.form.get(price_field, "")
    if not is_fen(text):
        raise Mismatch(price_field, "an amount in fen", text[:40])
    return ReadoutRow(
        bidder=manifest.bidder.uscc,
        bidder_name=manifest.bidder.name,
        submission=submission,
        price_fen=int(text),
        form=manifest.form,
        manifest_sha256=manifest_sha256,
        state="opened",
    )


def check_row(row: ReadoutRow, manifest: Manifest, manifest_sha256: str, price_field: str) -> ReadoutRow:
    """Our row of the read-out, equal in every field to the one recomputed from our own package.

    Raises Mismatch for the first field that differs.
    """
    ours = opened_row(manifest, manifest_sha256, row.submission, price_field)
    for name in row.__struct_fields__:
        expected, found = getattr(ours, name), getattr(row, name)
        if expected != found:
            raise Mismatch(name, str(expected), str(found))
    return row
