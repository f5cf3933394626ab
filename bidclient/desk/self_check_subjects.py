"""Everything besides the text that the platforms look at, each subject handed what it needs and no more."""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path

from bidclient.ask import Progress
from bidclient.checks.finding import Finding
from bidclient.desk.self_check_inputs import Inputs, Us, skipped
from bidclient.desk.self_check_texts import Shelf, Texts, label
from bidclient.desk.workplace import Workplace
from bidclient.errors import BadDocument, TooLarge
from bidclient.formats.instant import parse_instant
from bidclient.similarity.findings.ancestry import check_ancestry
from bidclient.similarity.findings.bidder import foreign_bidder
from bidclient.similarity.findings.blind import check_blind
from bidclient.similarity.findings.copies import SeenCode, check_creation_code
from bidclient.similarity.findings.examined import Counterpart
from bidclient.similarity.findings.leftovers import check_leftovers, named
from bidclient.similarity.findings.locks import check_locks
from bidclient.similarity.findings.making import check_making
from bidclient.similarity.findings.ours import Ours
from bidclient.similarity.findings.people import Holder, check_bond, check_people, digests, holders
from bidclient.similarity.findings.prices import (
    PriceList,
    check_patterns,
    check_pricing_file,
    price_list,
    same_slips,
)
from bidclient.similarity.findings.same_pictures import check_pictures
from bidclient.similarity.findings.slips import Background, SharedSlips, check_typing
from bidclient.similarity.findings.texts import check_reuse, passages_by_bid
from bidclient.similarity.findings.traces import Traces, traces_of
from bidclient.similarity.passages.compare import Comparison
from bidclient.similarity.reading.pricing_file import PricingFile, read_pricing_file
from bidclient.similarity.reading.running_heads import without_running_heads
from bidclient.similarity.report.self_check import Skipped
from bidclient.stages.draft import Draft, PricedItem
from bidclient.stages.tender import Tender
from bidclient.store.archive_records import KeptBid
from bidclient.store.settings import Settings

_PRICES = "draft.json"
_PRICES_TITLE = "报价清单"
_PRICED_KINDS = ("csv", "xlsx", "xml")
_NO_PRICES = ("文字已检查，未作为报价文件检查：", "its text was checked, not its prices: ")
_KEY_BYTES = 32
_SHORTEST_CODE = 6
_MOST_BACKGROUND = 300
"""Texts that tell rare words from common ones: more of them cost time and change little."""


class Subjects:
    """The subjects of one run."""

    def __init__(
        self,
        draft: Draft,
        tender: Tender,
        us: Us,
        settings: Settings,
        inputs: Inputs,
        shelf: Shelf | None,
        texts: Texts,
        now: datetime,
    ) -> None:
        self._draft = draft
        self._tender = tender
        self._us = us
        self._settings = settings
        self._inputs = inputs
        self._shelf = shelf
        self._texts = texts
        self._now = now
        self._thresholds = settings.self_check
        persons = {field.name for field in tender.form if field.type == "person"}
        known = (draft.bidder.legal_representative, draft.bidder.agent)
        self._ours = Ours(
            us.names,
            tuple(filter(None, (*known, *(value for name, value in draft.form.items() if name in persons)))),
        )

    def findings(self, comparison: Comparison, workplace: Workplace, progress: Progress) -> Iterator[Finding]:
        """What each subject says. Raises StoreProblem, and Cancelled by `progress`."""
        steps = (
            self._making(),
            self._pictures(),
            self._prices(),
            self._people(),
            self._texts_of_others(comparison),
            check_creation_code(self._draft, self._seen_codes(workplace)),
            workplace.findings(self._us.uscc, self._tender, self.locks()),
        )
        for done, found in enumerate(steps):
            progress("similar-look", done, len(steps))
            yield from found

    # ------------------------------------------------------------------------------------ files and pictures

    def _making(self) -> Iterator[Finding]:
        given = [trait for one in self._given() for trait in one.traits]
        yield from check_making(
            self._inputs.documents,
            self._ours,
            parse_instant(self._tender.issued_at),
            parse_instant(self._tender.deadline),
            self._now,
            given,
        )
        yield from check_ancestry(self._inputs.documents, self._others(), given, self._thresholds)
        blind = {part.id for part in self._tender.parts if part.blind}
        hidden = [one for one in self._inputs.documents if one.where.partition("/")[0] in blind]
        yield from check_blind(hidden, self._draft.bidder)

    def _pictures(self) -> Iterator[Finding]:
        given = [picture for one in self._given() for picture in one.pictures]
        yield from check_pictures(self._inputs.documents, self._others(), self._ours, given, self._thresholds)

    def _given(self) -> Iterator[Traces]:
        """What anybody may have in his bid: from the tender, and from templates."""
        for one in self._inputs.tender:
            yield traces_of(one)
        if self._shelf is not None:
            yield from self._shelf.traces(("template", "public"))

    def _others(self) -> Iterator[Traces]:
        for one in self._inputs.named:
            yield traces_of(one)
        if self._shelf is not None:
            yield from self._shelf.traces()

    # ------------------------------------------------------------------------------------------------ prices

    def _prices(self) -> Iterator[Finding]:
        ceiling = self._tender.price.ceiling_fen
        own = self._own_priced
        named = self._priced([one.name for one in self._inputs.named])
        titles = {one.where: one.title for one in self._inputs.documents}
        for where, file in own.items():
            yield from check_pricing_file(where, titles[where], file, ceiling)
            yield from check_locks(where, titles[where], file, self._settings.company.pricing_locks)
            for name, theirs in named.items():
                yield from same_slips(where, titles[where], file.lines, name, theirs.lines)
        lists = [price_list("named", name, "", file) for name, file in named.items()]
        here = self._list("own", _PRICES, self._tender.lot.code, self._draft.prices)
        others = [*lists, *self._bids_of_this_project()]
        yield from check_patterns(_PRICES, _PRICES_TITLE, here, others, self._thresholds)

    def _bids_of_this_project(self) -> Iterator[PriceList]:
        """Our own bids for other lots of this tender project, and bids that were named."""
        for one in self._inputs.bids:
            yield self._list("named", one.bid.name, one.bid.lot_code, one.bid.prices)
        if self._shelf is None:
            return
        for kept in self._shelf.archive.bids(self._tender.project.code):
            if self._is_other_lot(kept):
                bid = kept.bid
                yield self._list("own", label(kept), bid.lot_code, bid.prices, bid.total_fen)

    def _is_other_lot(self, kept: KeptBid) -> bool:
        lots = {self._tender.lot.id, self._tender.lot.code}
        return kept.bid.owner == "own" and not {kept.bid.lot, kept.bid.lot_code} & lots

    def _list(
        self, owner: str, name: str, lot: str, prices: Sequence[PricedItem], total: int | None = None
    ) -> PriceList:
        if total is None and prices:
            total = sum(one.total_fen for one in prices)
        return PriceList(
            "own" if owner == "own" else "named",
            name,
            lot,
            {one.code: one.unit_price_fen for one in prices},
            total,
        )

    @cached_property
    def _own_priced(self) -> Mapping[str, PricingFile]:
        return self._priced([one.where for one in self._inputs.documents])

    def locks(self) -> frozenset[str]:
        """The pricing locks that the draft's pricing files have seen."""
        files = self._own_priced.values()
        return frozenset(one.lock for file in files for one in file.records if one.lock)

    def _priced(self, names: Sequence[str]) -> Mapping[str, PricingFile]:
        """Those of the files that hold prices; of a workbook without any it is told that nobody looked."""
        found = {}
        for name in names:
            file = self._inputs.files.get(name)
            if file is None or Path(name).suffix.lower().lstrip(".") not in _PRICED_KINDS:
                continue
            try:
                with file.at() as path:
                    found[name] = read_pricing_file(path)
            except (BadDocument, TooLarge) as error:
                self._inputs.skipped.append(skipped(name, error, *_NO_PRICES))
        return found

    # ----------------------------------------------------------------------------- people, errors, copies

    def _people(self) -> Iterator[Finding]:
        yield from check_bond(self._inputs.documents, self._ours, self._settings.company.basic_account)
        # Persons and accounts are compared by digests under a key of this run: nothing of them is kept.
        key = secrets.token_bytes(_KEY_BYTES)
        known: dict[str, Holder] = {}
        for one in self._inputs.named:
            other = foreign_bidder(one.extract.text, self._us.uscc, self._us.names)
            if other is not None:
                known |= holders(one.extract, other.name, key)
        given = digests((one.extract.text for one in self._inputs.tender), key)
        yield from check_people(self._inputs.documents, known, self._ours, key, given)

    def _texts_of_others(self, comparison: Comparison) -> Iterator[Finding]:
        """What stands in other bids too, what was left over from them, errors shared with them."""
        documents, thresholds = self._inputs.documents, self._thresholds
        project = self._tender.project.code
        yield from check_reuse(comparison, documents, self._texts.counterpart, project, thresholds)
        yield from check_typing(documents)
        slips = SharedSlips(documents, {one.where: without_running_heads(one.extract) for one in documents})
        earlier = self._codes_of_others()
        for one in (*self._inputs.tender, *self._inputs.named):
            slips.take(Background(one.bid or one.name, one.extract.text))
        for one in self._archived():
            slips.take(Background(one.bid, one.extract.text))
            earlier |= {found.name: one.bid for found in named(one.extract.text)}
        tender_texts = [one.extract.text for one in self._inputs.tender]
        yield from check_leftovers(documents, self._tender, tender_texts, self._ours, earlier)
        suspected = frozenset(slips.suspects(thresholds))
        covered = passages_by_bid(comparison, self._texts.without_text)
        suspects = (one for one in self._inputs.named if one.bid in suspected)
        yield from slips.findings((*suspects, *self._archived(suspected)), covered, thresholds)

    def _codes_of_others(self) -> dict[str, str]:
        """Codes of the projects and lots of our other bids, with the bid that each is from."""
        here = {self._tender.project.code, self._tender.lot.code, self._tender.lot.id}
        bids = () if self._shelf is None else self._shelf.own_bids()
        return {
            code: label(kept)
            for kept in bids
            for code in (kept.bid.project, kept.bid.lot_code)
            if len(code) >= _SHORTEST_CODE and code not in here
        }

    def _archived(self, only: frozenset[str] | None = None) -> Iterator[Counterpart]:
        """Documents of our newest bids for other lots, as many as tell what is common; or those of some bids.

        Those of one bid come one after the other.
        """
        if self._shelf is None:
            return
        bids = {one.id for one in self._shelf.own_bids()}
        numbers = [
            number
            for number, (bid, document) in self._shelf.documents.items()
            if bid.id in bids and document.pages
        ]
        if only is None and len(numbers) > _MOST_BACKGROUND:
            self._inputs.skipped.append(_older(len(numbers) - _MOST_BACKGROUND))
        for number in numbers[-_MOST_BACKGROUND:]:
            if only is None or label(self._shelf.documents[number][0]) in only:
                yield self._shelf.counterpart(number)

    def _seen_codes(self, workplace: Workplace) -> Iterator[SeenCode]:
        for one in self._inputs.bids:
            yield SeenCode(one.bid.creation_code, one.bid.uscc, "", one.bid.lot, one.bid.name)
        for kept in () if self._shelf is None else self._shelf.own_bids():
            yield SeenCode(kept.bid.creation_code, kept.bid.uscc, "", kept.bid.lot, label(kept))
        for use in workplace.ledger().uses:
            yield SeenCode(
                use.creation_code, use.uscc, "", use.lot, f"设备台账 (device ledger) {use.at[:10]}"
            )


def _older(count: int) -> Skipped:
    """That leftovers and shared slips were looked for in the newest documents of the archive only."""
    return Skipped(
        "投标文件库",
        f"较早的 {count} 个文件只比对了文字、图片和制作信息，未查找其中的名称和相同错误",
        f"the archive: texts, pictures and traces of the {count} oldest documents were compared, but names "
        "left over from them and errors shared with them were not looked for",
    )
