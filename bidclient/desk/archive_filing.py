"""Filing bids in the archive: what is not ours is refused, what is known is not read again."""

from bidclient.ask import Progress
from bidclient.desk.archive import AddedToArchive, FiledBid, Request
from bidclient.desk.archive_intake import Candidate, candidates
from bidclient.desk.connection import Clock
from bidclient.desk.reading import Reading
from bidclient.errors import BadDocument, FileProblem, SettingProblem, TooLarge
from bidclient.explain import explain
from bidclient.formats.content import file_digest
from bidclient.formats.instant import instant_text
from bidclient.similarity.bidder import foreign_bidder
from bidclient.similarity.document import Extract
from bidclient.similarity.extract import EXTRACTOR_VERSION
from bidclient.similarity.ocr import Ocr
from bidclient.similarity.running_heads import without_running_heads
from bidclient.store.archive import Archive, Content, Filed, indexed
from bidclient.store.archive_records import RefusedFile
from bidclient.store.settings import CompanySettings

READER = str(EXTRACTOR_VERSION)
"""The version under which texts are kept: those of another one are read anew."""


class Filing:
    """One run of `archive add`."""

    def __init__(self, archive: Archive, company: CompanySettings, now: Clock) -> None:
        self._archive = archive
        self._company = company
        self._now = now
        self._uscc = company.uscc

    def add(self, request: Request, progress: Progress) -> AddedToArchive:
        """File what the request names; raises as ArchiveDesk.add."""
        filed: list[FiledBid] = []
        refused: list[RefusedFile] = []
        if not self._uscc:
            self._uscc = next((one.bid.uscc for one in self._archive.bids() if one.bid.uscc), "")
        with Reading(Ocr.found()) as reading:
            for candidate in candidates(request, instant_text(self._now())):
                if self._is_foreign(candidate):
                    refused.append(self._refuse(candidate.bid.name, file_digest(candidate.file)[1]))
                    continue
                made, strangers = self._file(candidate, request.again, reading, progress)
                filed += made
                refused += strangers
        return AddedToArchive(tuple(filed), tuple(refused))

    def _is_foreign(self, candidate: Candidate) -> bool:
        """Whether a bid names another company as its bidder; the first bid folder says who we are."""
        if candidate.declared is None:
            return False
        if not self._uscc:
            if not candidate.is_folder:
                raise SettingProblem("company.uscc", "it tells our own bids from others")
            self._uscc = candidate.declared
        # A draft in the making may not say yet.
        return candidate.declared != self._uscc and not (candidate.is_folder and not candidate.declared)

    def _refuse(self, name: str, sha256: str) -> RefusedFile:
        record = RefusedFile(name, sha256, instant_text(self._now()))
        self._archive.refuse(record)
        return record

    def _file(
        self, candidate: Candidate, again: bool, reading: Reading, progress: Progress
    ) -> tuple[list[FiledBid], list[RefusedFile]]:
        handed = candidate.documents()
        digests = {one.sha256 for one in handed}
        wanted = digests if again else self._archive.missing(digests, READER)
        unread = [one for one in handed if one.sha256 in wanted]
        contents = reading.each(unread, _content, "archive", progress)
        filed, refused = [], []
        for one in handed:
            found = contents.get(one.sha256)
            if isinstance(found, Content) and candidate.declared is None and self._declares_other(found):
                refused.append(self._refuse(one.name, one.sha256))
            elif isinstance(found, BadDocument | TooLarge):
                reasons = (explain(found, "zh").cause, explain(found, "en").cause)
                filed.append(Filed(one.name, one.sha256, None, *reasons))
            else:
                filed.append(Filed(one.name, one.sha256, found))
        if not filed:
            if not refused:
                raise FileProblem(str(candidate.file), "no documents inside")
            return [], refused
        number = self._archive.add(candidate.bid, filed, READER)
        documents = tuple(self._archive.documents(number, READER))
        read = sum(isinstance(one, Content) for one in contents.values())
        return [FiledBid(self._archive.bid_of(documents[0].id), documents, read)], refused

    def _declares_other(self, content: Content) -> bool:
        names = (self._company.name, *self._company.aliases)
        return foreign_bidder(content.extract.text, self._uscc, names) is not None


def _content(extract: Extract) -> Content:
    return indexed(extract, READER, without_running_heads(extract))
