"""What goes wrong between this computer and the trading network."""

from bidclient.errors.root import BidError


class NetworkProblem(BidError):
    """The network, the platform, the clock between us."""

    code = "E-NETWORK"
    exit_code = 4


class Unreachable(NetworkProblem):
    code = "E-UNREACHABLE"
    retryable = True
    address: str
    reason: str


class TimestampUnreachable(Unreachable):
    """None of the timestamp services; `address` stands for all, `reason` says what became of each."""

    code = "E-TIMESTAMP-UNREACHABLE"


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
