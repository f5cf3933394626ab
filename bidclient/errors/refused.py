"""A rule of the trade, or a check, says no; nothing was changed."""

from bidclient.errors.root import BidError
from bidclient.errors.sentence import Sentence


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
    missing: tuple[str | Sentence, ...]


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


class NotSealable(BadDocument):
    """A document that takes no seal: in a blind part, certified, an odd file, without the place for it."""

    code = "E-NOT-SEALABLE"


class BadSealPicture(BadDocument):
    """The picture of a seal that cannot be used: of another kind, too large, damaged."""

    code = "E-SEAL-PICTURE"


class TooLarge(Refused):
    code = "E-TOO-LARGE"
    what: str
    size: int
    limit: int


class CertificateUnfit(Refused):
    """The certificate cannot serve: wrong use, ends before the opening, not the company's."""

    code = "E-CERT-UNFIT"
    subject: str
    reason: str | Sentence


class CertificateRevoked(Refused):
    """The issuer has revoked the certificate; `source` is the service or the list that says so."""

    code = "E-CERT-REVOKED"
    subject: str
    since: str
    reason: str
    source: str
