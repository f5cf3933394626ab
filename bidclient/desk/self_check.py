"""The room of the self-check: what the platforms and the evaluators would find, before they look.

Read-only: no text, no metadata and no device is ever changed here, and nothing leaves the computer.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from bidclient.ask import Progress, silent
from bidclient.desk.archive import ArchiveDesk
from bidclient.desk.checking import Checking
from bidclient.desk.connection import Clock
from bidclient.desk.workplace import Workplace
from bidclient.errors import BadCommandLine, Cancelled, NoSuchFinding
from bidclient.explain import Language
from bidclient.formats import atomic
from bidclient.formats.instant import instant_text
from bidclient.store.bids import BidFolder
from bidclient.store.settings import Settings

if TYPE_CHECKING:
    # numpy, lxml and PDF readers: imported where a check runs, which most verbs never do.
    from bidclient.similarity.report.self_check import Found, SelfCheck

ReportKind = Literal["html", "pdf", "json"]
_KINDS: tuple[ReportKind, ...] = ("html", "pdf", "json")
_SHORTEST_ID = 8
_LONGEST_REASON = 1_000


@dataclass(frozen=True)
class SelfCheckOrder:
    """What a self-check looks at besides the draft, its tender and the company's archive.

    `named` are files and folders that the user may use: a consultant's templates, a consortium partner's
    drafts. `with_keys`: also judge the company's certificates that are within reach.
    """

    named: tuple[Path, ...] = ()
    with_archive: bool = True
    with_ocr: bool = False
    with_keys: bool = True


@dataclass(frozen=True)
class SelfCheckReport:
    """A report and where it is kept: `folder` is self-check/NNN of the bid folder.

    `read` files were read and `compared` documents compared anew; the others were known from before.
    """

    record: "SelfCheck"
    folder: Path
    read: int = 0
    compared: int = 0


@dataclass(frozen=True)
class AcceptedFinding:
    """A finding that a person has accepted, with the reason."""

    finding: "Found"


class SelfChecking:
    """All checks over one draft, in one run."""

    def __init__(
        self,
        settings: Settings,
        archive: ArchiveDesk,
        checking: Checking,
        workplace: Workplace,
        cache: Path | None,
        now: Clock,
    ) -> None:
        self._settings = settings
        self._archive = archive
        self._checking = checking
        self._workplace = workplace
        self._cache = cache
        self._now = now

    def run(
        self,
        path: Path,
        order: SelfCheckOrder = SelfCheckOrder(),
        progress: Progress = silent,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> SelfCheckReport:
        """Check the draft in the bid folder at `path` and keep the report there.

        A named file of another company is refused and not looked into. Raises Cancelled, NotABidFolder,
        FileProblem for a named file that is not there, SettingProblem when it cannot be told who we are,
        IntegrityProblem for a damaged tender or draft, StoreProblem.
        """
        from bidclient.desk.self_check_run import Run

        def watched(step: str, done: int, total: int) -> None:
            if cancelled():
                raise Cancelled
            progress(step, done, total)

        run = Run(self._settings, self._archive, self._checking, self._workplace, self._cache, self._now())
        return run.over(BidFolder.open(path), order, watched, cancelled)

    def latest(self, path: Path) -> SelfCheckReport | None:
        """The newest report of a bid folder; None before the first. Raises NotABidFolder, BadFormat."""
        from bidclient.store.self_checks import SelfChecks

        found = SelfChecks(BidFolder.open(path).path).latest()
        return None if found is None else SelfCheckReport(found[1], found[0])

    def accept(self, path: Path, finding: str, reason: str) -> AcceptedFinding:
        """Note that a finding of the newest report is in order, and why; it stays in the reports.

        `finding` is its id, or the beginning of it. The note holds as long as the evidence stays as it is.
        Raises NoSuchFinding, BadCommandLine without a reason, Busy, DiskProblem.
        """
        import msgspec

        from bidclient.similarity.report.self_check import Acceptance, readable
        from bidclient.store.self_checks import SelfChecks

        reason = readable(" ".join(reason.split()))[:_LONGEST_REASON]
        if not reason:
            raise BadCommandLine("--reason is empty")
        folder = BidFolder.open(path)
        with folder.locked():
            checks = SelfChecks(folder.path)
            newest = checks.latest()
            found = [
                one
                for one in (newest[1].findings if newest else ())
                if len(finding) >= _SHORTEST_ID and one.id.startswith(finding.lower())
            ]
            if len(found) != 1:
                raise NoSuchFinding(finding)
            acceptance = Acceptance(found[0].id, found[0].rule, reason, instant_text(self._now()))
            checks.accept([acceptance])
            folder.journal.append("finding-accepted", {"finding": acceptance.finding}, self._now())
        return AcceptedFinding(msgspec.structs.replace(found[0], accepted=acceptance))

    def write(self, report: SelfCheckReport, out: Path, language: Language) -> None:
        """Write a report as .html, .pdf or .json, as the name says.

        Raises BadCommandLine for another name, DiskProblem.
        """
        atomic.write(out, _written(report.record, kind_of(out), language))


def kind_of(out: Path) -> ReportKind:
    """The kind of report that a file name asks for. Raises BadCommandLine."""
    for kind in _KINDS:
        if out.suffix.lower() == f".{kind}":
            return kind
    raise BadCommandLine("--report FILE.html, .pdf or .json")


def _written(record: "SelfCheck", kind: ReportKind, language: Language) -> bytes:
    if kind == "html":
        from bidclient.similarity.report.html import report_html

        return report_html(record, language)
    if kind == "pdf":
        from bidclient.similarity.report.pdf import report_pdf

        return report_pdf(record, language)
    from bidclient.similarity.report.self_check import self_check_bytes

    return self_check_bytes(record)
