"""What goes wrong with a private key, the token that holds it, and its PIN."""

from bidclient.errors.root import BidError


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


class Sm2Missing(KeyProblem):
    """No library here computes SM2; `reason` says what was tried."""

    code = "E-SM2-MISSING"
    reason: str


class DialectUnknown(KeyProblem):
    """None of the token's mechanisms signs or decrypts with SM2 in a way that we know; they are listed."""

    code = "E-SM2-DIALECT"
    token: str
    use: str
    mechanisms: str


class ProbeCostsPin(KeyProblem):
    """How the token does SM2 is not known, and it wants its PIN for each try: nobody agreed to that yet."""

    code = "E-SM2-PROBE"
    token: str
    use: str
    tries: int
