"""What lies in an evidence folder, and which times the network proves by it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from bidclient.crypto.certificate import Certificate
from bidclient.errors import IntegrityProblem
from bidclient.formats import canonical
from bidclient.stages.chain import Chain, Event
from bidclient.stages.opened import ConfirmStatement, ObjectionStatement, ReleaseStatement, SignInStatement
from bidclient.stages.stub import Stub
from bidclient.stages.submitted import read_statement, stamped_receipt
from bidclient.stages.tender import Record

TENDER = "tender.json"
TENDER_SIGNATURE = "tender.p7s"
STUB = "bid.stub"
CHAIN = "chain.jsonl"
READOUT = "readout.json"
JOURNAL = "journal.jsonl"
CERTIFICATES = "certificates/"
OPENING_STATEMENTS: Mapping[str, type[Record]] = {
    "sign-in.p7s": SignInStatement,
    "release.p7s": ReleaseStatement,
    "confirm.p7s": ConfirmStatement,
    "objection.p7s": ObjectionStatement,
}
"""Each has its acknowledgement beside it: acknowledgement-sign-in.p7s, acknowledgement-release.p7s …"""


@dataclass(frozen=True)
class Evidence:
    """The files of an evidence folder by name, whom the judge trusts, and when he judges.

    `identity` is the network's receipt certificate from a source outside the folder; without it nobody can
    say that receipts and acknowledgements are the network's, only that their signatures hold. `now` counts
    for signatures of the bidder of which the network proves no earlier time.
    """

    files: Mapping[str, bytes]
    anchors: Sequence[Certificate]
    stamp_anchors: Sequence[Certificate]
    identity: Certificate | None
    now: datetime

    @cached_property
    def bid(self) -> Stub:
        """The stub that everything else is compared with. Raises KeyError, IntegrityProblem."""
        return read_statement(self.files[STUB], Stub)[0]

    @property
    def opening_names(self) -> list[str]:
        """The statements of the opening that are there."""
        return [name for name in OPENING_STATEMENTS if name in self.files]

    @cached_property
    def opening(self) -> str | None:
        """The opening that our statements speak of, None without one. Raises IntegrityProblem."""
        for name in self.opening_names:
            return text_of(read_statement(self.files[name], OPENING_STATEMENTS[name])[0], "opening")
        return None

    @cached_property
    def chain(self) -> Chain | None:
        """The verified chain; None without one, or when the opening is unknown. Raises IntegrityProblem."""
        if CHAIN not in self.files or self.opening is None:
            return None
        chain = Chain(self.opening)
        for line in lines_of(self.files[CHAIN]):
            chain.append(canonical.loads(line, Event, CHAIN))
        return chain

    @cached_property
    def received(self) -> Mapping[str, datetime]:
        """When stubs and statements existed for certain, by hex digest: as the network's receipts prove it.

        What is wrong with a receipt is said where it is judged; here it proves nothing.
        """
        times: dict[str, datetime] = {}
        if self.identity is None:
            return times
        for name in self.numbered("receipt", ".p7s"):
            stamp = self.files.get(f"{name.removesuffix('.p7s')}.tsr", b"")
            try:
                found, stamped = stamped_receipt(
                    self.files[name], stamp, self.anchors, self.stamp_anchors, self.identity
                )
            except IntegrityProblem:
                continue
            for sha256 in (found.receipt.stub_sha256, found.receipt.statement_sha256):
                times[sha256] = min(stamped, times.get(sha256, stamped))
        return times

    def numbered(self, stem: str, suffix: str) -> list[str]:
        """The names like stem-NNN.suffix that are there, in order."""
        return sorted(name for name in self.files if name.startswith(f"{stem}-") and name.endswith(suffix))


def text_of(record: Record, field: str) -> str:
    """The field of a statement as text, to be compared or shown."""
    return str(getattr(record, field))


def lines_of(data: bytes) -> list[bytes]:
    """The lines of a journal or a chain."""
    return data.removesuffix(b"\n").split(b"\n")
