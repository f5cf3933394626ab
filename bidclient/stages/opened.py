"""The opened bid: sign-in, key release, read-out and confirmation; chain.py has the record of the opening."""

import hashlib
import hmac
from base64 import b64encode
from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec

from bidclient.crypto import cms
from bidclient.crypto.certificate import Certificate
from bidclient.crypto.private_key import PrivateKey
from bidclient.errors import BadEnvelope, Mismatch
from bidclient.formats import canonical
from bidclient.formats.money import is_fen
from bidclient.stages.package import Manifest
from bidclient.stages.submitted import SignedReceipt, digest
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
