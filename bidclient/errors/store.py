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


class ArchiveUnfit(StoreProblem):
    """The archive of earlier bids is damaged, is none, or was made by a newer program."""

    code = "E-ARCHIVE-UNFIT"
    path: str
    reason: str


class ArchiveUnreachable(StoreProblem):
    """The database with the archive that clerks share does not answer, or does not let us in."""

    code = "E-ARCHIVE-UNREACHABLE"
    address: str
    reason: str
    retryable = True


class Busy(StoreProblem):
    """Another bidclient works on this bid folder, or another sandbox on its data."""

    code = "E-BUSY"
    path: str
    retryable = True
