"""self-check/ of a bid folder: every report that was made, and which findings a person has accepted, and why.

It stays with the bidder: nothing of it goes into a package, and nothing is uploaded.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import msgspec

from bidclient.errors import DiskProblem
from bidclient.formats import atomic, canonical
from bidclient.formats.record import read_record
from bidclient.similarity.report.self_check import (
    Acceptance,
    Accepted,
    SelfCheck,
    read_self_check,
    self_check_bytes,
)
from bidclient.store.numbered import new_folder, new_place, numbered

SELF_CHECK: Final = "self-check"
REPORT: Final = "report.json"
PAGE: Final = "report.html"
_ACCEPTED = "accepted.json"


class SelfChecks:
    """What a bid folder keeps of its self-checks. Changing verbs are called with the folder locked."""

    def __init__(self, bid_folder: Path) -> None:
        self._folder = bid_folder / SELF_CHECK

    def latest(self) -> tuple[Path, SelfCheck] | None:
        """The newest report and the folder that it lies in; None before the first.

        Raises BadFormat, NotCanonical for one that was changed, DiskProblem.
        """
        folders = numbered(self._folder)
        if not folders:
            return None
        return folders[-1], read_self_check(_content(folders[-1] / REPORT), f"{SELF_CHECK}/{REPORT}")

    def keep(self, record: SelfCheck, page: bytes) -> Path:
        """Keep a report, with its page for the browser, as self-check/NNN/; that folder.

        One that says the same as the newest but for its time is not kept again. Raises DiskProblem, and as
        `latest`.
        """
        newest = self.latest()
        if newest is not None and msgspec.structs.replace(newest[1], made_at=record.made_at) == record:
            return newest[0]

        def fill(folder: Path) -> None:
            atomic.write(folder / REPORT, self_check_bytes(record))
            atomic.write(folder / PAGE, page)

        return new_folder(self._folder, fill)

    def accepted(self) -> Mapping[str, Acceptance]:
        """What was accepted, by the ids of the findings. Raises BadFormat, NotCanonical, DiskProblem."""
        path = self._folder / _ACCEPTED
        if not path.exists():
            return {}
        found = read_record(_content(path), Accepted, f"{SELF_CHECK}/{_ACCEPTED}")
        return {one.finding: one for one in found.accepted}

    def accept(self, acceptances: Iterable[Acceptance]) -> None:
        """Keep these, instead of what was kept about the same findings. Raises as `accepted`."""
        kept = {**self.accepted(), **{one.finding: one for one in acceptances}}
        record = Accepted("bidclient/accepted-findings", 1, tuple(kept.values()))
        new_place(self._folder)
        atomic.write(self._folder / _ACCEPTED, canonical.dumps(record))


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DiskProblem(str(path), error.strerror or str(error)) from error
