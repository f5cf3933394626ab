"""What the person asked for cannot be understood or found."""

from bidclient.errors.root import BidError


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


class PartMissing(UsageProblem):
    """The program was installed without an optional `part`; `module` is what could not be imported."""

    code = "E-PART-MISSING"
    part: str
    module: str


class NoSuchFinding(UsageProblem):
    """The newest report of the bid has no finding, or several, whose id begins so."""

    code = "E-NO-SUCH-FINDING"
    finding: str


class NoSuchBid(UsageProblem):
    """The archive has no bid, or no readable document, of this number."""

    code = "E-NO-SUCH-BID"
    number: int


class NoSuchKey(UsageProblem):
    code = "E-NO-SUCH-KEY"
    key: str
    known: str
