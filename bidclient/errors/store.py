"""What goes wrong on the disk: the bid folder and its journal."""

from bidclient.errors.root import BidError


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
    """Another bidclient works on this bid folder, or another sandbox on its data."""

    code = "E-BUSY"
    path: str
    retryable = True
