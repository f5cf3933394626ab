"""The JSON bodies of bidnet/1 as immutable values; resources/openapi.yaml describes the same shapes.

Replies may grow: the client ignores fields that it does not know. Requests may not: the network refuses them.
Binary values (CMS, tokens, PDF) travel as standard base64 text.
"""

from typing import Annotated, Literal, dataclass_transform

import msgspec

from bidclient.formats.instant import Instant
from bidclient.stages.chain import AcknowledgedHead as AcknowledgedHead
from bidclient.stages.chain import Event

API_VERSION = "bidnet/1"
TENDER_TYPE = "application/vnd.bidclient.tender+zip"
PROBLEM_TYPE = "application/problem+json"
PROBLEM_URN = "urn:bidnet:problem:"


@dataclass_transform(frozen_default=True, field_specifiers=(msgspec.field,))
class Reply(msgspec.Struct, frozen=True):
    """What the network answers."""


@dataclass_transform(frozen_default=True, field_specifiers=(msgspec.field,))
class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the client sends."""


class Problem(Reply):
    """RFC 9457 problem document; clients switch on `code`, never on text."""

    type: str
    code: str
    title: str
    status: int
    detail: str = ""
    retryable: bool = False
    retry_after: int | None = None
    server_time: Instant | None = None
    deadline: Instant | None = None
    offset: int | None = None
    trace_id: str = ""


class Limits(Reply):
    """Sizes in bytes."""

    max_patch: int
    max_sealed: int
    max_stub: int


class NetworkInfo(Reply):
    """GET /v1/network. `kind` tells practice from the real thing; `identity`: PEM that signs receipts."""

    name: str
    id: str
    kind: Literal["sandbox", "production"]
    api_version: str
    min_client_version: str
    identity: str
    limits: Limits
    features: tuple[str, ...]


class Time(Reply):
    """GET /v1/time."""

    now: Instant


class Challenge(Reply):
    """POST /v1/challenges: a nonce to be signed; good once, for `expires_in` seconds."""

    nonce: str
    expires_in: int


class CertificateLogin(Request):
    """POST /v1/login/certificate. `statement` is CMS over stages.submitted.LoginStatement."""

    statement: str


class Session(Reply):
    """The answer of a login, and of GET /v1/session (then without the token)."""

    organization: str
    uscc: str
    access_token: str = ""
    token_type: str = "Bearer"  # noqa: S105 - the name of the scheme, RFC 6750
    expires_in: int = 0

    def __repr__(self) -> str:
        """Without the token: a representation ends in logs."""
        return f"Session({self.organization!r}, {self.uscc!r})"


class LotSummary(Reply):
    """A row of GET /v1/lots."""

    id: str
    code: str
    name: str
    project: str
    tenderer: str
    region_code: str
    board: str
    state: str
    tender_version: int
    deadline: Instant
    opening_at: Instant


class LotPage(Reply):
    """GET /v1/lots?state=&after=&limit=."""

    lots: tuple[LotSummary, ...]
    next: str | None = None


class LotView(LotSummary):
    """GET /v1/lots/{lot}: the summary and what is needed to bid."""

    tender_sha256: str = ""
    tender_size: int = 0
    submission: Literal["upload", "hash-first"] = "upload"
    opening: str = ""
    registered: bool = False
    sign_in_from: Instant = "1970-01-01T08:00:00.000+08:00"
    upload_until: Instant = "1970-01-01T08:00:00.000+08:00"


class RegistrationRequest(Request):
    """POST /v1/lots/{lot}/registrations (报名)."""

    contact: Annotated[str, msgspec.Meta(max_length=100)]
    phone: Annotated[str, msgspec.Meta(max_length=40)]


class Registration(Reply):
    """A bidder's registration for a lot."""

    id: str
    lot: str
    uscc: str
    state: Literal["accepted", "cancelled"]
    at: Instant


class SubmissionRequest(Request):
    """POST /v1/lots/{lot}/submissions: the stub alone opens a submission; its CMS says the rest."""

    stub: str


class SubmissionView(Reply):
    """A submission. `offset` counts the bytes that the network has stored durably."""

    id: str
    lot: str
    uscc: str
    state: str
    """uploading, uploaded, sealed, withdrawn, superseded, locked, escrowed, opened, read-out, confirmed,
    confirmed-by-silence, objected, not-released, open-failed, expired."""
    upload_url: str
    offset: int
    size: int
    nonce: str
    """To be signed into the finalize or withdraw statement."""
    deadline: Instant
    stub_sha256: str
    receipt_no: str | None = None


class StatementRequest(Request):
    """Body of finalize, withdraw, sign-in, release, confirmation, objection: a CMS SignedData, base64."""

    statement: str


class ReceiptReply(Reply):
    """finalize, withdraw, GET …/receipt. `timestamp`: DER TimeStampResp over SHA-256 of the receipt CMS."""

    submission: str
    state: str
    receipt: str
    timestamp: str
    pdf: str


class OpeningView(Reply):
    """GET /v1/openings/{opening}.

    `state` is scheduled, sign-in, decrypting, paused, read-out, objection, closed or failed.
    """

    id: str
    lot: str
    state: str
    server_time: Instant
    sign_in_from: Instant
    opening_at: Instant
    decrypt_until: Instant | None
    confirm_until: Instant | None
    objection_until: Instant | None
    opening_certificate: str
    nonce: str
    """For the next statement of this bidder; a new one after each use."""
    head_seq: int
    head: str
    released: int
    total: int
    """0 before the list of bidders is published: until then nobody learns how many there are."""


class Acknowledgement(Reply):
    """The network's answer to a statement in the opening: the link of the chain that records it, signed.

    `proof` is base64 CMS SignedData by the network over canonical JSON of AcknowledgedHead.
    """

    seq: int
    head: str
    at: Instant
    proof: str


class LogPage(Reply):
    """GET /v1/openings/{opening}/log?after=N&wait=S: events in order; long-poll up to `wait` seconds."""

    events: tuple[Event, ...]
    head_seq: int
    head: str


class ReadoutReply(Reply):
    """GET /v1/openings/{opening}/readout: canonical stages.opened.Readout, base64, and its SHA-256."""

    readout: str
    table_sha256: str
