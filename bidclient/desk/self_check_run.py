"""One run of the self-check: read, compare, look at everything else, and keep the report with the bid."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from bidclient import __version__
from bidclient.ask import Progress
from bidclient.desk.archive import ArchiveDesk
from bidclient.desk.checking import Checking
from bidclient.desk.self_check import SelfCheckOrder, SelfCheckReport
from bidclient.desk.self_check_inputs import Gathering, Inputs, Us, who_we_are
from bidclient.desk.self_check_subjects import Subjects
from bidclient.desk.self_check_texts import NO_ARCHIVE, Shelf, Texts
from bidclient.desk.workplace import Workplace
from bidclient.formats.instant import instant_text
from bidclient.similarity.findings.thresholds import ORIGINS, Thresholds
from bidclient.similarity.passages.fingerprint import PARAMETERS
from bidclient.similarity.reading.document import Extract
from bidclient.similarity.reading.extract import EXTRACTOR_VERSION
from bidclient.similarity.reading.ocr import Ocr
from bidclient.similarity.report.html import report_html
from bidclient.similarity.report.parts import found, same_passages, shares
from bidclient.similarity.report.self_check import (
    FORMAT,
    NOTICE_EN,
    NOTICE_ZH,
    VERSION,
    Input,
    Parameter,
    Role,
    SelfCheck,
    Skipped,
    Subject,
    readable,
    self_check_bytes,
)
from bidclient.stages.draft import Draft, draft_sha256
from bidclient.stages.tender import TenderPackage, read_tender
from bidclient.store.bids import BidFolder
from bidclient.store.check_cache import CheckCache
from bidclient.store.journal import Fact
from bidclient.store.self_checks import SelfChecks
from bidclient.store.settings import Settings
from bidclient.store.state import draft_of


class Run:
    """Everything that one run needs; `now` is the time that it is made at."""

    def __init__(
        self,
        settings: Settings,
        archive: ArchiveDesk,
        checking: Checking,
        workplace: Workplace,
        cache: Path | None,
        now: datetime,
    ) -> None:
        self._settings = settings
        self._archive = archive
        self._checking = checking
        self._workplace = workplace
        self._cache = CheckCache(cache)
        self._now = now

    def over(
        self,
        folder: BidFolder,
        order: SelfCheckOrder,
        progress: Progress,
        cancelled: Callable[[], bool],
    ) -> SelfCheckReport:
        """As SelfChecking.run."""
        with folder.locked():
            pass  # Who is at work in the folder is met now, not after minutes of reading.
        draft, package = draft_of(folder), read_tender(folder.tender)
        us = who_we_are(draft, package.tender, self._settings.company)
        inputs = self._inputs(folder, order, draft, package, us, progress)
        with self._shelf(order, package) as shelf:
            texts = Texts(inputs, shelf, self._cache)
            comparison = texts.comparison(progress, cancelled)
            subjects = Subjects(draft, package.tender, us, self._settings, inputs, shelf, texts, self._now)
            findings = [
                *self._checking.check(folder.path, order.with_keys, inputs.unread).findings,
                *subjects.findings(comparison, self._workplace, progress),
            ]
            passages, left_out = same_passages(
                comparison, {one.where: one.extract for one in inputs.documents}, texts.counterpart
            )
            archive = NO_ARCHIVE if shelf is None else shelf.input()
            inputs.skipped += _of_archive(shelf)
            digests = _digests(inputs, shelf)
        self._workplace.note("checked", us.uscc, package.tender, subjects.locks(), draft.creation_code)
        with folder.locked():
            checks = SelfChecks(folder.path)
            record = SelfCheck(
                FORMAT,
                VERSION,
                instant_text(self._now),
                f"bidclient {__version__}",
                NOTICE_ZH,
                NOTICE_EN,
                _subject(draft, package),
                _parameters(self._settings.self_check),
                _inputs(inputs),
                archive,
                found(findings, digests, checks.accepted()),
                passages,
                left_out,
                shares(comparison.documents),
                tuple(inputs.skipped),
                tuple(inputs.refused),
            )
            kept = self._keep(folder, checks, record)
        return SelfCheckReport(kept[1], kept[0], inputs.read, texts.compared_anew)

    def _inputs(
        self,
        folder: BidFolder,
        order: SelfCheckOrder,
        draft: Draft,
        package: TenderPackage,
        us: Us,
        progress: Progress,
    ) -> Inputs:
        ocr = Ocr.found() if order.with_ocr else None
        with Gathering(us, self._cache, ocr, progress) as gathering:
            gathering.named(order.named, folder, instant_text(self._now))
            gathering.tender(package)
            gathering.draft(folder, draft)
            return gathering.inputs

    @contextmanager
    def _shelf(self, order: SelfCheckOrder, package: TenderPackage) -> Iterator[Shelf | None]:
        """The archive, which stays as it is for the length of the block."""
        if not order.with_archive:
            yield None
            return
        with self._archive.opened() as archive, archive.reading():
            yield Shelf.of(archive, package.tender)

    def _keep(self, folder: BidFolder, checks: SelfChecks, record: SelfCheck) -> tuple[Path, SelfCheck]:
        """Keep the report and note it in the journal; one that says nothing new is not kept."""
        before = checks.latest()
        kept = checks.keep(record, report_html(record, self._settings.language))
        if before is not None and kept == before[0]:
            return before
        # Others see the journal in a dispute: it proves that there is a report, and tells nothing of it.
        facts: dict[str, Fact] = {
            "report": kept.relative_to(folder.path).as_posix(),
            "sha256": hashlib.sha256(self_check_bytes(record)).hexdigest(),
        }
        folder.journal.append("self-checked", facts, self._now)
        return kept, record


def _subject(draft: Draft, package: TenderPackage) -> Subject:
    tender = package.tender
    return Subject(
        tender.project.code,
        tender.project.name,
        tender.lot.id,
        tender.lot.code,
        tender.lot.name,
        package.sha256,
        tender.tender_version,
        draft_sha256(draft),
        draft.bidder.name,
        draft.bidder.uscc,
    )


def _parameters(thresholds: Thresholds) -> tuple[Parameter, ...]:
    engine = (
        Parameter("reader", str(EXTRACTOR_VERSION), "文字提取的版本", "version of the extraction"),
        Parameter("engine", PARAMETERS.version, "文字比对的版本和参数", "version of the comparison"),
    )
    values = tuple(
        Parameter(
            name,
            f"{getattr(thresholds, name)}",
            f"{origin.unit_zh}；{origin.source_zh}",
            f"{origin.unit_en}; {origin.source_en}",
        )
        for name, origin in ORIGINS.items()
    )
    return engine + values


def _inputs(inputs: Inputs) -> tuple[Input, ...]:
    return (
        *(_input("draft", one.where, one.extract) for one in inputs.documents),
        *(_input("tender", one.name, one.extract) for one in inputs.tender),
        *(_input("named", one.name, one.extract) for one in inputs.named),
    )


def _input(role: Role, name: str, extract: Extract) -> Input:
    pages = sum(page.number > 0 for page in extract.pages)
    return Input(role, readable(name), extract.sha256, extract.kind, pages, len(extract.text))


def _of_archive(shelf: Shelf | None) -> list[Skipped]:
    """What of the archive nothing could be compared with."""
    documents, pages = (0, 0) if shelf is None else shelf.unread()
    if not documents and not pages:
        return []
    return [
        Skipped(
            "投标文件库",
            f"{documents} 个文件和 {pages} 页没有文字可比（bidclient archive show 列出原因）",
            f"the archive: {documents} documents and {pages} pages have no text to compare with "
            "(bidclient archive show says why)",
        )
    ]


def _digests(inputs: Inputs, shelf: Shelf | None) -> dict[str, str]:
    """By the names that evidence uses, the digests of the files."""
    archived = (
        {}
        if shelf is None
        else {shelf.name(number): one.sha256 for number, (_, one) in shelf.documents.items()}
    )
    return {
        **archived,
        **{one.name: one.extract.sha256 for one in (*inputs.tender, *inputs.named)},
        **{one.where: one.extract.sha256 for one in inputs.documents},
    }
