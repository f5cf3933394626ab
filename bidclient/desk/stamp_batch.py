"""One batch of seals on the documents of a draft: files are replaced, and the draft speaks of the new."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from bidclient.checks.finding import Finding
from bidclient.checks.seals import SealJudge
from bidclient.crypto.pdf_container import Steps
from bidclient.crypto.pdf_places import SealKind
from bidclient.desk.connection import Clock
from bidclient.desk.pdf_seals import Sealer, grew_from, needed, wanting
from bidclient.desk.preparing import store_draft
from bidclient.desk.seal_order import SealOrder, Stamped, StampedFile
from bidclient.errors import (
    BadCertificate,
    BadDocument,
    BadFormat,
    BadManifest,
    BadSignature,
    BidError,
    FileProblem,
    NotSealable,
    UnknownDocument,
)
from bidclient.formats.content import file_digest
from bidclient.stages.draft import DraftDocument, document_path, with_document
from bidclient.stages.tender import SealPosition, Tender, read_tender
from bidclient.store.bids import BidFolder
from bidclient.store.journal import Fact
from bidclient.store.state import draft_of

_OF_ONE_FILE = (BadDocument, BadSignature, BadFormat, BadManifest, BadCertificate, FileProblem)
"""What is wrong with one document; anything else ends the batch."""
_AT_ONCE = 250
"""Files of which a new one lies ready beside the old at a time: each is open, and takes room on the disk."""


@dataclass(frozen=True)
class Job:
    """A document and the seals that it is to get."""

    document: DraftDocument
    positions: tuple[SealPosition, ...]

    @property
    def name(self) -> str:
        """ "part/name"."""
        return f"{self.document.part}/{self.document.name}"

    @property
    def kinds(self) -> tuple[SealKind, ...]:
        """The kinds of seals, each once."""
        return tuple(dict.fromkeys(one.kind for one in self.positions))


@dataclass(frozen=True)
class _Begun:
    """A document whose new file is ready but for the signature of `message`."""

    job: Job
    positions: tuple[SealPosition, ...]
    steps: Steps[str]
    message: bytes


class Batch:
    """The folder under the seals, and what has become of each document so far."""

    def __init__(self, folder: BidFolder, now: Clock, judge: SealJudge) -> None:
        self.folder = folder
        self._judge = judge
        self.tender = read_tender(folder.tender).tender
        self._now = now
        self._files: list[StampedFile] = []
        self._aside: tuple[str, ...] = ()

    def is_done(self, job: Job) -> bool:
        """Whether nothing is to be done: all seals are there, or the document cannot be sealed."""
        file = self.folder.path / document_path(job.document)
        document = job.document
        try:
            if file_digest(file) != (document.size, document.sha256):
                # A kill came between the sealed file and the draft that speaks of it.
                if not grew_from(file, document.size, document.sha256):
                    raise BadManifest(job.name, "changed since it was added")
                self._take_over(document, file)
            if wanting(file, job.positions, self._judge):
                return False
        except _OF_ONE_FILE as error:
            self._failed(job, error)
            return True
        self._files.append(StampedFile(job.name, "already", job.kinds))
        return True

    def seal(
        self, jobs: Sequence[Job], sealer: Sealer, step: Callable[[], None], notes: Mapping[str, Fact]
    ) -> None:
        """Put on what is wanting: all files are got ready, then one use of the key signs for all of them.

        The journal keeps `notes` with every file that is sealed. A file that takes several signatures waits
        for as many uses. `step` is called before each file; what it raises, and trouble with the key, leaves
        every file as it is that is not replaced yet.
        """
        for first in range(0, len(jobs), _AT_ONCE):
            with ExitStack() as opened:
                begun = []
                for job in jobs[first : first + _AT_ONCE]:
                    step()
                    file = self.folder.path / document_path(job.document)
                    begun += self._begin(job, file, sealer, opened)
                while begun:
                    signatures = sealer.sign([one.message for one in begun])
                    left = []
                    for one, signature in zip(begun, signatures, strict=True):
                        left += self._go_on(one, signature, sealer, notes)
                    begun = left

    def _begin(self, job: Job, file: Path, sealer: Sealer, opened: ExitStack) -> list[_Begun]:
        try:
            positions = wanting(file, job.positions, self._judge)
            steps = sealer.steps(file, positions, lambda: self.folder.keep_before(file))
            opened.enter_context(closing(steps))
            return [_Begun(job, positions, steps, next(steps))]
        except _OF_ONE_FILE as error:
            self._failed(job, error)
            return []

    def _go_on(
        self, begun: _Begun, signature: bytes, sealer: Sealer, notes: Mapping[str, Fact]
    ) -> list[_Begun]:
        """With the signature in; what is left to be signed."""
        try:
            return [replace(begun, message=begun.steps.send(signature))]
        except StopIteration as end:
            self._sealed(begun.job, begun.positions, end.value, sealer, notes)
        except _OF_ONE_FILE as error:
            self._failed(begun.job, error)
        return []

    def _sealed(
        self,
        job: Job,
        positions: Sequence[SealPosition],
        kept: str,
        sealer: Sealer,
        notes: Mapping[str, Fact],
    ) -> None:
        file = self.folder.path / document_path(job.document)
        self._take_over(job.document, file)
        kinds = tuple(dict.fromkeys(one.kind for one in positions))
        facts: dict[str, Fact] = {
            "part": job.document.part,
            "name": job.document.name,
            "kinds": " ".join(kinds),
            "sha256": file_digest(file)[1],
            "certificate_sha256": sealer.certificate.sha256,
            **notes,
        }
        self.folder.journal.append("document-sealed", facts, self._now())
        self._files.append(StampedFile(job.name, "sealed", kinds, kept=kept))

    def result(self, signer: str, warnings: tuple[Finding, ...]) -> Stamped:
        """All of it, in the order of the draft as far as it was one batch."""
        complete = all(one.outcome != "failed" for one in self._files)
        return Stamped(signer, complete, tuple(self._files), self._aside, warnings)

    def _take_over(self, document: DraftDocument, file: Path) -> None:
        """Let the draft speak of the sealed file; what was made from the old draft is kept aside."""
        size, sha256 = file_digest(file)
        changed = msgspec.structs.replace(document, size=size, sha256=sha256)
        draft = with_document(draft_of(self.folder), self.tender, changed, self._now())
        self._aside += store_draft(self.folder, draft)

    def _failed(self, job: Job, error: BidError) -> None:
        reason = str(error.facts.get("reason", error))
        self._files.append(StampedFile(job.name, "failed", job.kinds, reason))


def signatures_of(folder: BidFolder, jobs: Sequence[Job], judge: SealJudge) -> list[int]:
    """How many signatures each document takes that can be sealed and still lacks a seal."""
    counts = []
    for job in jobs:
        try:
            counts.append(needed(folder.path / document_path(job.document), job.positions, judge))
        except _OF_ONE_FILE:
            continue
    return [count for count in counts if count]


def jobs_of(tender: Tender, documents: Sequence[DraftDocument], order: SealOrder) -> list[Job]:
    """What is to be sealed. Raises UnknownDocument, NotSealable for a blind part."""
    wanted = {
        f"{part.id}/{required.name}": (part, required) for part in tender.parts for required in part.documents
    }
    here = {f"{document.part}/{document.name}": document for document in documents}
    for name in order.documents:
        if name not in wanted or name not in here:
            raise UnknownDocument(name)
        if wanted[name][0].blind:
            raise NotSealable(name, "a blind document carries no seal, no name, no metadata")
    jobs = []
    for name, document in here.items():
        part, required = wanted.get(name, (None, None))
        if part is None or required is None or part.blind or name not in (order.documents or here):
            continue
        positions = tuple(one for one in required.seals if not order.kinds or one.kind in order.kinds)
        if positions and document.pages:
            jobs.append(Job(document, positions))
    return jobs
