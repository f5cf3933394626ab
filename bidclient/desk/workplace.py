"""This computer as a workplace: what it is, and the ledger of the bids that were made on it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bidclient.checks.finding import Finding
from bidclient.desk.connection import Clock
from bidclient.desk.device import device_facts
from bidclient.formats.instant import instant_text
from bidclient.similarity.findings.device import Bid, DeviceFacts, DeviceUse, Ledger, Marks, device_marks
from bidclient.stages.tender import Tender
from bidclient.store.device_ledger import DeviceLedger
from bidclient.store.local_key import local_key

_NO_LEDGER = Ledger((), (("没有设备台账", "there is no ledger"),))
_NO_MARKS: Marks = {}


@dataclass(frozen=True)
class WorkplaceFiles:
    """Where this account keeps its key (in `data`), the ledger, and the file that says how long that is."""

    data: Path
    ledger: Path
    ledger_ends: Path


class Workplace:
    """Reads this computer once, when it is first asked about. Without `files` there is no ledger."""

    def __init__(self, files: WorkplaceFiles | None, environment: Mapping[str, str], now: Clock) -> None:
        self._files = files
        self._environment = environment
        self._now = now

    @cached_property
    def facts(self) -> DeviceFacts:
        """What can be read of this computer."""
        return device_facts(self._environment)

    def note(
        self, action: str, uscc: str, tender: Tender, locks: Collection[str] = (), creation_code: str = ""
    ) -> None:
        """Write into the ledger that a bid was "packed" or "checked" here. Raises DiskProblem."""
        if self._files is None:
            return
        bid = _bid(uscc, tender)
        use = DeviceUse(
            instant_text(self._now()),
            action,
            bid.uscc,
            bid.network,
            bid.project,
            bid.lot,
            self._marks(self._files, locks),
            creation_code,
        )
        DeviceLedger(self._files.ledger, self._files.ledger_ends).append(use)

    def findings(self, uscc: str, tender: Tender, locks: Collection[str] = ()) -> list[Finding]:
        """DEV-001 to DEV-003 and NET-001 for a bid that is made here. Raises DiskProblem."""
        # The sentences of all findings are wanted where something is checked, and here only.
        from bidclient.similarity.findings.device_findings import check_device, check_network

        marks = _NO_MARKS if self._files is None else self._marks(self._files, locks)
        found = check_device(_bid(uscc, tender), self.ledger(), marks, self.facts)
        return [*found, *check_network(self.facts.addresses)]

    def ledger(self) -> Ledger:
        """All that is remembered of bids that were made here. Raises DiskProblem."""
        if self._files is None:
            return _NO_LEDGER
        return DeviceLedger(self._files.ledger, self._files.ledger_ends).read()

    def _marks(self, files: WorkplaceFiles, locks: Collection[str]) -> Marks:
        return device_marks(self.facts, locks, local_key(files.data))


def _bid(uscc: str, tender: Tender) -> Bid:
    return Bid(uscc, tender.network, tender.project.code, tender.lot.id)
