"""Every way in which bidclient can fail, in one tree; the sentences for people are in explain.py.

BidError
├── Cancelled
├── UsageProblem                      exit 2
│   ├── NotABidFolder  BidExists  UnknownField  BadValue  UnknownPart  UnknownDocument  FileProblem
│   ├── SettingProblem  BadCommandLine
│   └── NoSuchKey
├── Refused                           exit 1: a rule of the trade or a check says no
│   ├── WrongStage  Incomplete  StaleTender  NotRehearsed  ArtefactLocked  BadDocument  TooLarge
│   └── CertificateUnfit
├── KeyProblem                        exit 3
│   ├── NoToken  DriverMissing  DriverFailed  TokenRemoved  TokenSwapped  TokenTimedOut  KeyRefused
│   ├── PinWrong  PinLocked  PinInvalid
│   └── WrongKey
├── NetworkProblem                    exit 4
│   ├── Unreachable  Untrusted  Rejected  DeadlinePassed  UploadInterrupted  NotRegistered
│   └── OpeningClosed
├── IntegrityProblem                  exit 5
│   ├── BadFormat  NotCanonical  BadArchive  BadManifest  BadSignature  BadTimestamp  BadCertificate
│   ├── BadSeal  WrongSecret  DamagedChunk  BadReceipt  BadChain  BadEnvelope
│   └── Mismatch
└── StoreProblem                      exit 5: the disk, the journal
    └── DiskProblem  JournalBroken  Busy

An error carries data, never sentences; a subclass's annotations are its constructor arguments.
Secrets never enter an error.
"""

from dataclasses import dataclass
from typing import ClassVar, dataclass_transform


@dataclass_transform(eq_default=False, kw_only_default=False)
class BidError(Exception):
    """The root. Never raised itself."""

    code: ClassVar[str] = "E-BID"
    exit_code: ClassVar[int] = 1
    retryable: ClassVar[bool] = False

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        dataclass(eq=False, repr=False)(cls)

    @property
    def facts(self) -> dict[str, object]:
        """The data of this error by name, for the screen, the log and --json."""
        return {name: getattr(self, name) for name in getattr(type(self), "__dataclass_fields__", {})}

    def __str__(self) -> str:
        return " ".join([self.code, *(f"{name}={value}" for name, value in self.facts.items())])


class Cancelled(BidError):
    """The person said no, or closed the question."""

    code = "E-CANCELLED"


# ---------------------------------------------------------------------------------------------- usage


class UsageProblem(BidError):
    """The request itself cannot be understood."""

    code = "E-USAGE"
    exit_code = 2


class BadCommandLine(UsageProblem):
    code = "E-COMMAND-LINE"
    reason: str


class NotABidFolder(UsageProblem):
    code = "E-NOT-A-BID-FOLDER"
    path: str


class BidExists(UsageProblem):
    """The folder already holds something that we will not write over."""

    code = "E-BID-EXISTS"
    path: str


class UnknownField(UsageProblem):
    code = "E-UNKNOWN-FIELD"
    field: str
    known: str


class BadValue(UsageProblem):
    """A value that the field cannot take: not an amount, not a date, too long."""

    code = "E-VALUE"
    field: str
    reason: str


class UnknownPart(UsageProblem):
    code = "E-UNKNOWN-PART"
    part: str
    known: str


class UnknownDocument(UsageProblem):
    code = "E-UNKNOWN-DOCUMENT"
    document: str


class FileProblem(UsageProblem):
    """A file that the user named is missing or cannot be read."""

    code = "E-FILE"
    path: str
    reason: str


class SettingProblem(UsageProblem):
    code = "E-SETTING"
    setting: str
    reason: str


class NoSuchKey(UsageProblem):
    code = "E-NO-SUCH-KEY"
    key: str
    known: str


# -------------------------------------------------------------------------------------------- refused


class Refused(BidError):
    """A rule of the trade, or a check, says no; nothing was changed."""

    code = "E-REFUSED"


class WrongStage(Refused):
    code = "E-WRONG-STAGE"
    stage: str
    needed: str


class Incomplete(Refused):
    """The draft lacks what the tender requires; `missing` names everything at once."""

    code = "E-INCOMPLETE"
    missing: tuple[str, ...]


class StaleTender(Refused):
    """The bid was made against an older tender version than the one in force (答疑澄清后须重新制作)."""

    code = "E-VERSION-OLD"
    bid_version: int
    tender_version: int


class NotRehearsed(Refused):
    code = "E-NOT-REHEARSED"
    path: str


class ArtefactLocked(Refused):
    """A submitted artefact is never touched."""

    code = "E-SUBMITTED"
    artefact: str


class BadDocument(Refused):
    """A document that cannot be part of a bid: encrypted, damaged, empty, of the wrong kind."""

    code = "E-DOCUMENT"
    document: str
    reason: str


class TooLarge(Refused):
    code = "E-TOO-LARGE"
    what: str
    size: int
    limit: int


class CertificateUnfit(Refused):
    """The certificate cannot serve: wrong use, ends before the opening, not the company's."""

    code = "E-CERT-UNFIT"
    subject: str
    reason: str


# ----------------------------------------------------------------------------------------------- keys


class KeyProblem(BidError):
    """The key, its token or its PIN."""

    code = "E-KEY"
    exit_code = 3


class NoToken(KeyProblem):
    code = "E-NO-TOKEN"
    wanted: str


class DriverMissing(KeyProblem):
    code = "E-DRIVER-MISSING"
    module: str


class DriverFailed(KeyProblem):
    """The vendor's library reported a failure that has no better name; `operation` and CKR text say which."""

    code = "E-DRIVER"
    operation: str
    reason: str


class TokenRemoved(KeyProblem):
    code = "E-TOKEN-REMOVED"
    token: str
    retryable = True


class TokenSwapped(KeyProblem):
    """Another token sits where the chosen one was; no PIN was sent."""

    code = "E-TOKEN-SWAPPED"
    wanted: str
    found: str


class TokenTimedOut(KeyProblem):
    code = "E-TOKEN-TIMEOUT"
    operation: str
    seconds: float
    retryable = True


class KeyRefused(KeyProblem):
    """The key exists and may not, or cannot, do this operation."""

    code = "E-KEY-REFUSED"
    operation: str
    reason: str


class PinWrong(KeyProblem):
    """Never retried by the program. `attempts_left` where the vendor tells it."""

    code = "E-PIN-WRONG"
    token: str
    attempts_left: int | None
    last_try: bool


class PinLocked(KeyProblem):
    code = "E-PIN-LOCKED"
    token: str


class PinInvalid(KeyProblem):
    """Empty, too short or too long: the token was not asked."""

    code = "E-PIN-INVALID"
    token: str
    shortest: int
    longest: int


class WrongKey(KeyProblem):
    """This key is not among those that the bid was sealed to (非正确的加密锁)."""

    code = "E-CERT-MISMATCH"
    needed: str
    found: str


# -------------------------------------------------------------------------------------------- network


class NetworkProblem(BidError):
    """The network, the platform, the clock between us."""

    code = "E-NETWORK"
    exit_code = 4


class Unreachable(NetworkProblem):
    code = "E-UNREACHABLE"
    retryable = True
    address: str
    reason: str


class Untrusted(NetworkProblem):
    """The server's certificate does not lead to the profile's trust anchors, or the profile forbids it."""

    code = "E-UNTRUSTED"
    address: str
    reason: str


class Rejected(NetworkProblem):
    """The platform answered with a problem document (RFC 9457); `problem` is its code."""

    code = "E-REJECTED"
    problem: str
    status: int
    detail: str


class DeadlinePassed(NetworkProblem):
    code = "E-DEADLINE"
    deadline: str
    server_time: str


class UploadInterrupted(NetworkProblem):
    """The upload stopped; what the server has confirmed stays, and the next submit goes on from there."""

    code = "E-UPLOAD-INTERRUPTED"
    retryable = True
    offset: int
    size: int
    reason: str


class NotRegistered(NetworkProblem):
    code = "E-NOT-REGISTERED"
    lot: str


class OpeningClosed(NetworkProblem):
    """The opening room does not take this now: not yet, paused or already over."""

    code = "E-OPENING"
    problem: str
    detail: str


# ------------------------------------------------------------------------------------------ integrity


class IntegrityProblem(BidError):
    """Something is not what it claims to be."""

    code = "E-INTEGRITY"
    exit_code = 5


class BadFormat(IntegrityProblem):
    """Not a file of this format, or of a version that we do not read."""

    code = "E-FORMAT"
    what: str
    reason: str


class NotCanonical(IntegrityProblem):
    """JSON that is not in the one canonical form (RFC 8785)."""

    code = "E-NOT-CANONICAL"
    what: str
    reason: str


class BadArchive(IntegrityProblem):
    """A ZIP that is not in our one canonical form: names, order, flags, overlaps, extra bytes."""

    code = "E-ARCHIVE"
    what: str
    reason: str


class BadManifest(IntegrityProblem):
    """A document differs from the digest or size that the manifest gives, is missing, or is not listed."""

    code = "E-MANIFEST"
    document: str
    reason: str


class BadSignature(IntegrityProblem):
    code = "E-SIGNATURE"
    what: str
    reason: str


class BadTimestamp(IntegrityProblem):
    code = "E-TIMESTAMP"
    what: str
    reason: str


class BadCertificate(IntegrityProblem):
    """The chain does not lead to a trusted root, is outside its dates, revoked or malformed."""

    code = "E-CERTIFICATE"
    subject: str
    reason: str


class BadSeal(IntegrityProblem):
    """The frame of a sealed bid is wrong: magic, header, wraps, padding, length."""

    code = "E-SEAL"
    reason: str


class WrongSecret(IntegrityProblem):
    """The content secret does not open this file: its commitment differs (E-SEAL-HASH)."""

    code = "E-SEAL-COMMITMENT"
    reason: str


class DamagedChunk(IntegrityProblem):
    """Chunk `index` (from 0) does not authenticate; nothing of it was released."""

    code = "E-SEAL-CHUNK"
    index: int
    chunks: int


class BadEnvelope(IntegrityProblem):
    """A CMS EnvelopedData that cannot be opened, or whose content is not bound to this bid."""

    code = "E-ENVELOPE"
    reason: str


class BadReceipt(IntegrityProblem):
    """A receipt that does not verify against our own digests: an alarm, not a success."""

    code = "E-RECEIPT"
    reason: str


class BadChain(IntegrityProblem):
    """The opening's hash chain has a gap, an edit or a fork at event `seq`."""

    code = "E-CHAIN"
    seq: int
    reason: str


class Mismatch(IntegrityProblem):
    """Two artefacts that belong together disagree on `field`."""

    code = "E-SECTION-MISMATCH"
    field: str
    expected: str
    found: str


# ---------------------------------------------------------------------------------------------- store


class StoreProblem(BidError):
    """The disk and what is written on it."""

    code = "E-STORE"
    exit_code = 5


class DiskProblem(StoreProblem):
    code = "E-DISK"
    path: str
    reason: str


class JournalBroken(StoreProblem):
    """journal.jsonl: the hash chain breaks at `line` (from 1)."""

    code = "E-JOURNAL"
    path: str
    line: int


class Busy(StoreProblem):
    """Another bidclient works on this bid folder."""

    code = "E-BUSY"
    path: str
    retryable = True
