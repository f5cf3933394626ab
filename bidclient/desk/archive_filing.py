"""Filing bids in the archive: what is not ours is refused, what is known is not read again."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from bidclient.ask import Progress
from bidclient.desk.archive import AddedToArchive, FiledBid, Request
from bidclient.desk.archive_intake import Candidate, Handed, bids_among, candidates, not_ours
from bidclient.desk.connection import Clock
from bidclient.desk.reading import Reading
from bidclient.errors import BadDocument, BidError, FileProblem, SettingProblem, TooLarge
from bidclient.explain import explain
from bidclient.formats.content import file_digest
from bidclient.formats.instant import instant_text
from bidclient.similarity.findings.bidder import foreign_bidder, is_named, is_our_bid
from bidclient.similarity.reading.document import Extract
from bidclient.similarity.reading.extract import EXTRACTOR_VERSION
from bidclient.similarity.reading.ocr import Ocr
from bidclient.similarity.reading.running_heads import without_running_heads
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
        self._names = tuple(filter(None, (company.name, *company.aliases)))

    def add(self, request: Request, progress: Progress) -> AddedToArchive:
        """File what the request names; raises as ArchiveDesk.add."""
        filed: list[FiledBid] = []
        refused: list[RefusedFile] = []
        if not self._uscc:
            self._uscc = next((one.bid.uscc for one in self._archive.bids() if one.bid.uscc), "")
        spread = replace(request, paths=bids_among(request.paths))
        with Reading(Ocr.found()) as reading:
            for candidate in candidates(spread, instant_text(self._now())):
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
        if self._uscc and (candidate.declared or not candidate.is_folder):
            return candidate.declared != self._uscc
        if not candidate.is_folder:
            raise SettingProblem("company.uscc", "it tells our own bids from others")
        # A draft in the making may not say yet; one under another name is not ours.
        if candidate.company and self._names and not is_named(candidate.company, self._names):
            return True
        self._uscc = self._uscc or candidate.declared
        return False

    def _refuse(self, name: str, sha256: str) -> RefusedFile:
        record = RefusedFile(name, sha256, instant_text(self._now()))
        self._archive.refuse(record)
        return record

    def _file(
        self, candidate: Candidate, again: bool, reading: Reading, progress: Progress
    ) -> tuple[list[FiledBid], list[RefusedFile]]:
        if candidate.declared is None and not self._names:
            raise SettingProblem("company.name", "it tells our own files from others")
        handed = candidate.documents()
        digests = {one.sha256 for one in handed}
        missing = self._archive.missing(digests, READER)
        wanted = digests if again else missing
        unread = [one for one in handed if one.sha256 in wanted]
        contents = reading.each(unread, _content, "archive", progress)
        strangers = set() if candidate.says_whose else self._strangers(handed, contents, digests - missing)
        filed, refused = [], []
        for one in handed:
            found = contents.get(one.sha256)
            if one in strangers:
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

    def _strangers(
        self, handed: Sequence[Handed], contents: Mapping[str, Content | BidError], known: Collection[str]
    ) -> set[Handed]:
        """What another company's bid is or belongs to; `known` was found to be in order when it was added."""
        theirs, ours = set(), set(known)
        for sha256, found in contents.items():
            if isinstance(found, Content):
                text = found.extract.text
                if foreign_bidder(text, self._uscc, self._names) is not None:
                    theirs.add(sha256)
                elif is_our_bid(text, self._uscc, self._names):
                    ours.add(sha256)
        return set(not_ours(handed, theirs, ours - theirs))


def _content(extract: Extract) -> Content:
    return indexed(extract, READER, without_running_heads(extract))
