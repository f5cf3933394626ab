"""Every way in which bidclient can fail, in one tree; the sentences for people are in explain.py.

BidError
├── Cancelled
│   └── NobodyToAsk
├── UsageProblem                      exit 2
│   ├── NotABidFolder  BidExists  UnknownField  BadValue  UnknownPart  UnknownDocument  FileProblem
│   ├── SettingProblem  PartMissing  BadCommandLine
│   └── NoSuchKey  NoSuchBid  NoSuchFinding
├── Refused                           exit 1: a rule of the trade or a check says no
│   ├── WrongStage  Incomplete  StaleTender  NotRehearsed  ArtefactLocked  BadDocument  TooLarge
│   ├── NotSealable  BadSealPicture   each a BadDocument
│   └── CertificateUnfit  CertificateRevoked
├── KeyProblem                        exit 3
│   ├── NoToken  DriverMissing  DriverFailed  TokenRemoved  TokenSwapped  TokenTimedOut  KeyRefused
│   ├── PinWrong  PinLocked  PinInvalid
│   ├── WrongKey  Sm2Missing  DialectUnknown  ProbeCostsPin
│   ├── PhoneRefused  PhoneExpired  PhoneCodeWrong  PhoneCancelled  PhoneBusy
│   └── PersonalCertificate  OtherProvince  PhoneCertificateRevoked
├── NetworkProblem                    exit 4
│   ├── TimestampUnreachable          an Unreachable
│   ├── Unreachable  Untrusted  Rejected  DeadlinePassed  UploadInterrupted  NotRegistered
│   └── OpeningClosed
├── IntegrityProblem                  exit 5
│   ├── BadFormat  NotCanonical  BadArchive  BadManifest  BadSignature  BadTimestamp  BadCertificate
│   ├── BadSeal  WrongSecret  DamagedChunk  BadReceipt  BadChain  BadEnvelope
│   ├── UnknownIssuer  UnprovenTime   each a BadCertificate
│   └── Mismatch
└── StoreProblem                      exit 5: the disk, the journal
    └── DiskProblem  JournalBroken  Busy  ArchiveUnfit  ArchiveUnreachable

An error carries data, never sentences; a subclass's annotations are its constructor arguments.
Secrets never enter an error. Each family has its file; all are imported from here.
"""

from bidclient.errors.integrity import (
    BadArchive,
    BadCertificate,
    BadChain,
    BadEnvelope,
    BadFormat,
    BadManifest,
    BadReceipt,
    BadSeal,
    BadSignature,
    BadTimestamp,
    DamagedChunk,
    IntegrityProblem,
    Mismatch,
    NotCanonical,
    UnknownIssuer,
    UnprovenTime,
    WrongSecret,
)
from bidclient.errors.keys import (
    DialectUnknown,
    DriverFailed,
    DriverMissing,
    KeyProblem,
    KeyRefused,
    NoToken,
    PinInvalid,
    PinLocked,
    PinWrong,
    ProbeCostsPin,
    Sm2Missing,
    TokenRemoved,
    TokenSwapped,
    TokenTimedOut,
    WrongKey,
)
from bidclient.errors.network import (
    DeadlinePassed,
    NetworkProblem,
    NotRegistered,
    OpeningClosed,
    Rejected,
    TimestampUnreachable,
    Unreachable,
    Untrusted,
    UploadInterrupted,
)
from bidclient.errors.phone import (
    OtherProvince,
    PersonalCertificate,
    PhoneBusy,
    PhoneCancelled,
    PhoneCertificateRevoked,
    PhoneCodeWrong,
    PhoneExpired,
    PhoneRefused,
)
from bidclient.errors.refused import (
    ArtefactLocked,
    BadDocument,
    BadSealPicture,
    CertificateRevoked,
    CertificateUnfit,
    Incomplete,
    NotRehearsed,
    NotSealable,
    Refused,
    StaleTender,
    TooLarge,
    WrongStage,
)
from bidclient.errors.root import (
    BidError,
    Cancelled,
    NobodyToAsk,
)
from bidclient.errors.store import (
    ArchiveUnfit,
    ArchiveUnreachable,
    Busy,
    DiskProblem,
    JournalBroken,
    StoreProblem,
)
from bidclient.errors.usage import (
    BadCommandLine,
    BadValue,
    BidExists,
    FileProblem,
    NoSuchBid,
    NoSuchFinding,
    NoSuchKey,
    NotABidFolder,
    PartMissing,
    SettingProblem,
    UnknownDocument,
    UnknownField,
    UnknownPart,
    UsageProblem,
)

__all__ = [
    "ArchiveUnfit",
    "ArchiveUnreachable",
    "ArtefactLocked",
    "BadArchive",
    "BadCertificate",
    "BadChain",
    "BadCommandLine",
    "BadDocument",
    "BadEnvelope",
    "BadFormat",
    "BadManifest",
    "BadReceipt",
    "BadSeal",
    "BadSealPicture",
    "BadSignature",
    "BadTimestamp",
    "BadValue",
    "BidError",
    "BidExists",
    "Busy",
    "Cancelled",
    "CertificateRevoked",
    "CertificateUnfit",
    "DamagedChunk",
    "DeadlinePassed",
    "DialectUnknown",
    "DiskProblem",
    "DriverFailed",
    "DriverMissing",
    "FileProblem",
    "Incomplete",
    "IntegrityProblem",
    "JournalBroken",
    "KeyProblem",
    "KeyRefused",
    "Mismatch",
    "NetworkProblem",
    "NoSuchBid",
    "NoSuchFinding",
    "NoSuchKey",
    "NoToken",
    "NobodyToAsk",
    "NotABidFolder",
    "NotCanonical",
    "NotRegistered",
    "NotRehearsed",
    "NotSealable",
    "OpeningClosed",
    "OtherProvince",
    "PartMissing",
    "PersonalCertificate",
    "PhoneBusy",
    "PhoneCancelled",
    "PhoneCertificateRevoked",
    "PhoneCodeWrong",
    "PhoneExpired",
    "PhoneRefused",
    "PinInvalid",
    "PinLocked",
    "PinWrong",
    "ProbeCostsPin",
    "Refused",
    "Rejected",
    "SettingProblem",
    "Sm2Missing",
    "StaleTender",
    "StoreProblem",
    "TimestampUnreachable",
    "TokenRemoved",
    "TokenSwapped",
    "TokenTimedOut",
    "TooLarge",
    "UnknownDocument",
    "UnknownField",
    "UnknownIssuer",
    "UnknownPart",
    "UnprovenTime",
    "Unreachable",
    "Untrusted",
    "UploadInterrupted",
    "UsageProblem",
    "WrongKey",
    "WrongSecret",
    "WrongStage",
]
