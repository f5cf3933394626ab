"""What a self-check reads: the draft, its tender, and what the user names; never another company's bid."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from bidclient.ask import Progress
from bidclient.checks.pdf import is_pdf
from bidclient.desk.archive import Request
from bidclient.desk.archive_filing import READER
from bidclient.desk.archive_intake import (
    Candidate,
    Handed,
    bids_among,
    candidates,
    handed_file,
    not_ours,
    unpacked,
)
from bidclient.desk.reading import Reading
from bidclient.errors import (
    BadDocument,
    BidError,
    FileProblem,
    IntegrityProblem,
    SettingProblem,
    TooLarge,
)
from bidclient.explain import LANGUAGES, explain
from bidclient.formats import stored_zip
from bidclient.formats.bseal import read_frame
from bidclient.formats.content import file_digest, read_limited
from bidclient.similarity.findings.bidder import folded_name, foreign_bidder, is_named, is_our_bid
from bidclient.similarity.findings.examined import Counterpart, Examined
from bidclient.similarity.reading.document import Extract
from bidclient.similarity.reading.limits import LIMITS, Limits
from bidclient.similarity.reading.ocr import Ocr
from bidclient.similarity.report.self_check import RefusedInput, Skipped, readable
from bidclient.stages.draft import Draft, document_path
from bidclient.stages.stub import read_stub
from bidclient.stages.tender import DOCUMENTS, Tender, TenderPackage
from bidclient.store.bids import BidFolder
from bidclient.store.check_cache import CheckCache
from bidclient.store.settings import CompanySettings

_HEAD_PAGES = 6
"""Of a PDF: as far as a bid says whose it is. Further on is not read before that is known."""
_SEALED, _STUB = ".sealed", ".stub"
_STUB_LIMIT = 1024 * 1024
_REFUSED = (
    "该文件写明的投标人不是本单位：只读到写明之处，内容不比对，也不保存",
    "It names another company as its bidder: it was read only so far, is not compared and not kept",
)
_BESIDE = (
    "与另一单位的投标文件在同一文件夹，其中没有本单位的投标文件：不比对，也不保存；确属可用的，请单独指定该文件",
    "It lies in one folder with another company's bid and none of ours: it is not compared and not kept; "
    "name it by itself if you may use it",
)
_SHORTEST_CODE = 6


@dataclass(frozen=True)
class Us:
    """Who we are, and which lot we bid for: what tells our own material from a rival's."""

    uscc: str
    names: tuple[str, ...]
    lot: frozenset[str]
    """The codes and names of lot and project, folded."""

    def owns(self, uscc: str, company: str = "") -> bool:
        """Whether a bid under this code, or else this name, is ours; one that does not say may be."""
        return uscc == self.uscc if uscc else not company or is_named(company, self.names)

    def declares(self, extract: Extract) -> bool:
        """Whether a text says that it is a bid of ours."""
        return is_our_bid(extract.text, self.uscc, self.names)

    def refuses(self, extract: Extract) -> bool:
        """Whether a text declares another company as its bidder, and is about this lot."""
        if foreign_bidder(extract.text, self.uscc, self.names) is None:
            return False
        end = next((page.end for page in extract.pages if page.number == _HEAD_PAGES), len(extract.text))
        head = folded_name(extract.text[:end])
        return any(one in head for one in self.lot)


def who_we_are(draft: Draft, tender: Tender, company: CompanySettings) -> Us:
    """The bidder of the draft, which is the company of the settings where they name one.

    Raises SettingProblem when these differ: the archive is one company's, and so is what is compared with it.
    """
    if company.uscc and draft.bidder.uscc and company.uscc != draft.bidder.uscc:
        raise SettingProblem("company.uscc", "the draft is another company's")
    told = {folded_name(one) for one in (tender.lot.code, tender.project.code, tender.project.name)} - {""}
    # A short code is in many texts; where there is nothing longer, rather one file too many is refused.
    lot = frozenset(one for one in told if len(one) >= _SHORTEST_CODE) or frozenset(told)
    names = tuple(filter(None, (draft.bidder.name, company.name, *company.aliases)))
    return Us(draft.bidder.uscc or company.uscc, names, lot)


@dataclass
class Inputs:
    """What was read, what was not, what was refused. `files` are the files by the names in the report."""

    documents: list[Examined] = field(default_factory=list)
    tender: list[Counterpart] = field(default_factory=list)
    named: list[Counterpart] = field(default_factory=list)
    bids: list[Candidate] = field(default_factory=list)
    """Bid folders and packages that were named, with their prices."""
    files: dict[str, Handed] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)
    refused: list[RefusedInput] = field(default_factory=list)
    unread: dict[str, str] = field(default_factory=dict)
    """Why PDFs of the draft could not be read in a process of their own: nobody opens them in this one."""
    read: int = 0


class Gathering:
    """Reads for one run, as a `with` block; what the cache knows is not read again."""

    def __init__(
        self, us: Us, cache: CheckCache, ocr: Ocr | None, progress: Progress, limits: Limits = LIMITS
    ) -> None:
        self.inputs = Inputs()
        self._reader = READER if ocr is None else f"{READER} {ocr.version}"
        self._us = us
        self._cache = cache
        self._progress = progress
        self._reading = Reading(ocr, limits)
        self._heads = Reading(ocr, replace(limits, pages=_HEAD_PAGES))
        self._at_hand: dict[tuple[str, ...], Extract] = {}

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self._reading)
            stack.enter_context(self._heads)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def draft(self, folder: BidFolder, draft: Draft) -> None:
        """The documents of the draft, as they lie in the folder."""
        titles = {}
        handed = []
        for document in draft.documents:
            where = f"{document.part}/{document.file}"
            titles[where] = document.title
            try:
                handed.append(handed_file(folder.path / document_path(document), where))
            except FileProblem as error:
                self._skip(where, error)
        for one, extract in self._read(handed):
            self.inputs.documents.append(Examined(one.name, titles[one.name], extract))

    def tender(self, package: TenderPackage) -> None:
        """The documents that travel inside the tender."""
        with stored_zip.open_archive(package.path) as file:
            entries = {one.name: one for one in stored_zip.read_entries(file, package.path.name)}
        handed = [
            Handed(
                one.path,
                one.size,
                one.sha256,
                partial(unpacked, package.path, entries[one.path], one.size, one.sha256),
            )
            for one in package.tender.files
        ]
        for one, extract in self._read(handed):
            name = one.name.removeprefix(DOCUMENTS)
            self.inputs.tender.append(
                Counterpart("tender", name, "", extract, package.tender.project.code, package.tender.lot.code)
            )

    def named(self, paths: Sequence[Path], own: BidFolder, now_text: str) -> None:
        """What the user names, but for what is another company's. Raises FileProblem, SettingProblem."""
        if paths and not (self._us.uscc and self._us.names):
            raise SettingProblem("company", "it tells our own files from others")
        for path in paths:
            if not path.exists():
                raise FileProblem(str(path), "no such file")
        for path in bids_among(paths):
            if path.resolve() == own.path.resolve():
                continue
            try:
                self._name(path, now_text)
            except IntegrityProblem as error:
                self._skip(str(path), error)

    def _name(self, path: Path, now_text: str) -> None:
        if path.suffix.lower() in (_SEALED, _STUB):
            self._name_sealed(path)
            return
        # Project and lot of plain files are not asked for: nothing is filed here.
        for candidate in candidates(Request((path,), project="-", lot="-"), now_text):
            if not candidate.says_whose:
                self._name_plain(path, candidate)
            elif self._us.owns(candidate.declared or "", candidate.company):
                self.inputs.bids.append(candidate)
                self._take(path, candidate, candidate.documents())
            else:
                self._refuse(path.name, file_digest(candidate.file)[1])

    def _name_sealed(self, path: Path) -> None:
        """A sealed bid cannot be read by anybody here; that it is another's is refused all the same."""
        if path.suffix.lower() == _SEALED:
            bidder = read_frame(path).header.bidder
        else:
            bidder = read_stub(read_limited(path, _STUB_LIMIT)).stub.bidder
        if not self._us.owns(bidder):
            self._refuse(path.name, file_digest(path)[1])
            return
        self.inputs.skipped.append(
            Skipped(readable(path.name), "已加密的投标文件无法读取，未检查", "a sealed bid cannot be read")
        )

    def _name_plain(self, path: Path, candidate: Candidate) -> None:
        """Files that do not say, as a whole, whose they are: that is looked up on the first pages of each."""
        handed = candidate.documents()
        new = [one for one in handed if self._known(one) is None]
        read = self._each(self._heads, new)
        heads = {one.sha256: self._known(one) or read.get(one.sha256) for one in handed}
        texts = {sha256: head for sha256, head in heads.items() if isinstance(head, Extract)}
        theirs = {sha256 for sha256, head in texts.items() if self._us.refuses(head)}
        ours = {sha256 for sha256, head in texts.items() if self._us.declares(head)}
        refused = {one.name for one in not_ours(handed, theirs, ours)}
        for one in handed:
            if one.name in refused:
                why = _REFUSED if one.sha256 in theirs else _BESIDE
                self._refuse(_shown(path, one.name), one.sha256, why)
        self._take(path, candidate, [one for one in handed if one.name not in refused])

    def _take(self, path: Path, candidate: Candidate, handed: Sequence[Handed]) -> None:
        bid = candidate.bid
        is_bid = candidate.declared is not None
        for one, extract in self._read([replace(one, name=_shown(path, one.name)) for one in handed]):
            self.inputs.named.append(
                Counterpart(
                    "named",
                    one.name,
                    path.name,
                    extract,
                    bid.project if is_bid else "",
                    bid.lot_code if is_bid else "",
                )
            )

    def _read(self, handed: Sequence[Handed]) -> Iterator[tuple[Handed, Extract]]:
        """Those that can be read, in their order; why the others cannot is written down."""
        new = [one for one in handed if self._known(one) is None]
        made = self._each(self._reading, new)
        self.inputs.read += len(made)
        for one in handed:
            self.inputs.files[one.name] = one
            found = self._known(one) or made[one.sha256]
            if not isinstance(found, Extract):
                self._skip(one.name, found)
                if isinstance(found, BadDocument) and is_pdf(Path(one.name)):
                    self.inputs.unread[one.name] = found.reason
                continue
            self._keep(one, found)
            for chinese, english in found.skipped:
                # It may name what is inside the file: names that anybody chose.
                self.inputs.skipped.append(Skipped(readable(one.name), readable(chinese), readable(english)))
            yield one, replace(found, name=one.name)

    def _each(
        self, reading: Reading, handed: Sequence[Handed]
    ) -> Mapping[str, Extract | BadDocument | TooLarge]:
        return reading.each(handed, lambda extract: extract, "similar-read", self._progress, self._page)

    def _known(self, one: Handed) -> Extract | None:
        key = self._key(one)
        if key not in self._at_hand:
            kept = self._cache.extract(one.name, key)
            if kept is None:
                return None
            self._at_hand[key] = kept
        return self._at_hand[key]

    def _keep(self, one: Handed, extract: Extract) -> None:
        key = self._key(one)
        if key not in self._at_hand:
            self._at_hand[key] = extract
            if not extract.hurried:
                self._cache.keep_extract(key, extract)

    def _key(self, one: Handed) -> tuple[str, ...]:
        return one.sha256, self._reader, Path(one.name).suffix.lower()

    def _page(self, _name: str, _done: int, _total: int) -> None:
        """Between pages is where a person who has waited enough gets away."""
        self._progress("similar-read", 0, 0)

    def _skip(self, name: str, error: BidError) -> None:
        self.inputs.skipped.append(skipped(name, error))

    def _refuse(self, name: str, sha256: str, why: tuple[str, str] = _REFUSED) -> None:
        self.inputs.refused.append(RefusedInput(readable(name), sha256, *why))


def skipped(name: str, error: BidError, zh: str = "", en: str = "") -> Skipped:
    """That a file was not checked, and why; `zh` and `en` say what of it, where that is not all."""
    said = [
        (prefix, explain(error, language)) for prefix, language in ((zh, LANGUAGES[0]), (en, LANGUAGES[1]))
    ]
    return Skipped(readable(name), *(readable(f"{prefix}{one.title}: {one.cause}") for prefix, one in said))


def _shown(path: Path, name: str) -> str:
    """The name of a file in the report: below what the user typed."""
    return name if path.name == name else f"{path.name}/{name}"
