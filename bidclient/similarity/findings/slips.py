"""Errors: those that only the draft and one other text share, and those that it can correct by itself."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from bidclient.checks.finding import Evidence, Finding, Place
from bidclient.similarity.findings.catalogue import told
from bidclient.similarity.findings.examined import Counterpart, Examined, in_context
from bidclient.similarity.findings.thresholds import THRESHOLDS, Thresholds
from bidclient.similarity.passages.normal import Normal, Ranges, normalise

_HAN_FIRST, _HAN_LAST = 0x4E00, 0x9FFF
_SHIFT = 16
"""Both characters of a pair are in the Basic Multilingual Plane."""
_NOBODY = -1
_FEW = 2
"""Times that a slip is made; a word of the subject comes more often."""
_Range = tuple[int, int]
_SHOWN = 20
_DOUBLED = re.compile(
    r"(?<![目标有])的的|了了(?![解结然])|和和(?![谐平睦气])|[，。、；：][，。、；：]|([\u4e00-\u9fff]{2,6})\1(?!\1)"
)
_DOUBLED_ON_PURPOSE = re.compile(r"一.一.|(.)\1\1\1|([一两几])\w\2\w|[，。、；：]{3,}")
_MOST = 200


@dataclass(frozen=True)
class Background:
    """Texts that tell what is common: `group` is the bid that a text is part of, its own name where none."""

    group: str
    text: str


class SharedSlips:
    """Rare spellings that the draft shares with one bid only: one bid after the other is shown to it.

    What counts is three characters in a row that both texts have, both pairs of which are in no third text:
    one wrong character makes two wrong pairs. What comes again and again is a word of the subject, no slip.
    """

    def __init__(self, documents: Sequence[Examined], leave_out: Mapping[str, Ranges]) -> None:
        """`leave_out` are the running heads of the documents by `where`."""
        self._documents = tuple(documents)
        self._spots = [
            _Spots(normalise(one.extract.text, leave_out.get(one.where, ())), one.extract.text)
            for one in documents
        ]
        pairs = np.concatenate([spots.codes for spots in self._spots] or [np.empty(0, np.uint32)])
        codes, counts = np.unique(pairs, return_counts=True)
        self._codes = codes[counts <= _FEW]
        self._bids = np.zeros(len(self._codes), np.int64)
        self._owner = np.full(len(self._codes), _NOBODY, np.int64)
        self._groups: dict[str, int] = {}

    @property
    def background(self) -> int:
        """How many bids and other texts were shown."""
        return len(self._groups)

    def take(self, text: Background) -> None:
        """Look at one text. Those of one bid come one after the other."""
        group = self._groups.setdefault(text.group, len(self._groups))
        found = _among(self._codes, np.unique(_pairs(normalise(text.text))[0]))
        new = found[self._owner[found] != group]
        self._bids[new] += 1
        self._owner[new] = group

    def findings(
        self,
        suspects: Iterable[Counterpart],
        covered: Mapping[tuple[str, str], Ranges],
        thresholds: Thresholds = THRESHOLDS,
    ) -> list[Finding]:
        """ERR-001 for each of the suspects that shares enough pairs, or one that says that nobody can tell.

        `covered` are the passages that a document (`where`) has in common with a bid: an error inside them is
        part of the passage, not a sign of its own.
        """
        if self.background < thresholds.background_documents:
            return [self._untold(thresholds)] if self._documents else []
        return [one for other in suspects for one in self._shared(other, covered, thresholds)]

    def suspects(self, thresholds: Thresholds = THRESHOLDS) -> tuple[str, ...]:
        """The bids that share enough pairs to be looked at: only their texts are needed again."""
        if self.background < thresholds.background_documents:
            return ()
        counts = self._counts()
        least = self._least(thresholds)
        return tuple(bid for bid, group in self._groups.items() if counts[group] >= least)

    def _counts(self) -> NDArray[np.int64]:
        """How many pairs the draft shares with each bid and nobody else."""
        owners = self._owner[self._bids == 1]
        return np.bincount(owners, minlength=len(self._groups)).astype(np.int64)

    def _least(self, thresholds: Thresholds) -> float:
        """Pairs: two for each slip of the threshold, and again for each pair that half of the bids share.

        Where the background's texts are few or short, rare words look like errors: then all share some.
        """
        chance = float(np.median(self._counts())) if self._groups else 0.0
        return 2 * thresholds.shared_errors * (1 + chance)

    def _rare(self, bid: str) -> NDArray[np.uint32]:
        rare: NDArray[np.uint32] = self._codes[(self._bids == 1) & (self._owner == self._groups[bid])]
        return rare

    def _untold(self, thresholds: Thresholds) -> Finding:
        first = self._documents[0]
        return told(
            "ERR-001",
            first.where,
            (),
            "info",
            title=first.title,
            what_zh=f"无法判断有无相同错误，背景文件只有 {self.background} 份，"
            f"至少需要 {thresholds.background_documents} 份",
            what_en=f"whether errors are shared cannot be told, as there are {self.background} texts to "
            f"compare with and {thresholds.background_documents} are needed",
        )

    def _shared(
        self,
        other: Counterpart,
        covered: Mapping[tuple[str, str], Ranges],
        thresholds: Thresholds,
    ) -> Iterator[Finding]:
        rare = self._rare(other.bid) if other.bid in self._groups else self._codes[:0]
        if len(rare) < self._least(thresholds):
            return
        theirs = _Spots(normalise(other.extract.text))
        for one, spots in zip(self._documents, self._spots, strict=True):
            inside = covered.get((one.where, other.bid), ())
            slips = [
                (here, there)
                for here, there in spots.common(rare, theirs)
                if not any(here[0] < last and first < here[1] for first, last in inside)
            ]
            text = one.extract.text
            if len({text[start:end] for (start, end), _ in slips}) < thresholds.shared_errors:
                continue
            evidence = tuple(_evidence(one, here, other, there) for here, there in slips)
            words = "、".join(f"“{item.fact}”" for item in evidence[:5])
            yield told(
                "ERR-001",
                one.where,
                evidence[:_SHOWN],
                "info" if other.owner == "own" else None,
                title=one.title,
                what_zh=f"疑似与“{other.name}”有相同错误或罕见写法 {len(evidence)} 处，如 {words}",
                what_en=f"{len(evidence)} rare spellings or errors are found in “{other.name}” only: {words}",
            )


def check_typing(documents: Iterable[Examined]) -> list[Finding]:
    """ERR-001: doubled words and punctuation marks of each document, in a list; a hint, no more."""
    findings = []
    for one in documents:
        text = one.extract.text
        evidence = tuple(
            Evidence(_context(one, match.start(), match.end()), None, match[0])
            for match in _DOUBLED.finditer(text)
            if not _DOUBLED_ON_PURPOSE.search(match[0])
        )[:_MOST]
        if evidence:
            some = "、".join(f"“{item.fact}”" for item in evidence[:5])
            findings.append(
                told(
                    "ERR-001",
                    one.where,
                    evidence,
                    "info",
                    title=one.title,
                    what_zh=f"疑似重复字词或标点 {len(evidence)} 处，如 {some}",
                    what_en=f"{len(evidence)} words or marks look doubled: {some}",
                )
            )
    return findings


class _Spots:
    """Where in a text each pair of characters stands: code and place in the normal, in the order of the text.

    With `text`, only what stands side by side there: white space may be between, a comma may not.
    """

    def __init__(self, normal: Normal, text: str = "") -> None:
        self._normal = normal
        self.codes, self.at = _pairs(normal)
        if text:
            between = zip(normal.index[self.at].tolist(), normal.index[self.at + 1].tolist(), strict=True)
            beside = [not text[one + 1 : next_one].strip() for one, next_one in between]
            self.codes, self.at = self.codes[beside], self.at[beside]

    def common(self, rare: NDArray[np.uint32], theirs: "_Spots") -> list[tuple[_Range, _Range]]:
        """Offsets here and there of three or more characters in a row that both have, all in rare pairs.

        Left out is what comes more than twice there.
        """
        places = theirs.places(rare)
        ours = [
            (code, at)
            for code, at in zip(self.codes.tolist(), self.at.tolist(), strict=True)
            if 0 < len(places.get(code, ())) <= _FEW
        ]
        found: list[tuple[_Range, _Range]] = []
        last = last_there = _NOBODY
        for (first, at), (second, next_at) in pairwise(ours):
            follow = (q for q in places[first] if next_at == at + 1 and q + 1 in places[second])
            there = next(follow, None)
            if there is None:
                continue
            here, seen = self._span(at, at + 3), theirs._span(there, there + 3)
            if at > last + 1:
                found.append((here, seen))
            elif there == last_there + 1:
                begun, seen_first = found.pop()
                found.append(((begun[0], here[1]), (seen_first[0], seen[1])))
            last, last_there = at, there
        return found

    def places(self, rare: NDArray[np.uint32]) -> dict[int, list[int]]:
        """Where in the normal each of the rare pairs stands."""
        found: dict[int, list[int]] = {}
        here = np.isin(self.codes, rare)
        for code, at in zip(self.codes[here].tolist(), self.at[here].tolist(), strict=True):
            found.setdefault(code, []).append(at)
        return found

    def _span(self, start: int, end: int) -> _Range:
        return self._normal.span(start, end)


def _pairs(normal: Normal) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Codes of the pairs of Chinese characters that are neighbours, and where in the normal they begin."""
    han = (normal.chars >= _HAN_FIRST) & (normal.chars <= _HAN_LAST)
    at = np.flatnonzero(han[:-1] & han[1:]) if len(normal) > 1 else np.empty(0, np.int64)
    chars = normal.chars.astype(np.uint32)
    return (chars[at] << np.uint32(_SHIFT)) | chars[at + 1], at.astype(np.int64)


def _among(codes: NDArray[np.uint32], looked_up: NDArray[np.uint32]) -> NDArray[np.int64]:
    """The places in the sorted `codes` of those that are looked up."""
    if not len(codes):
        return np.empty(0, np.int64)
    at = np.minimum(np.searchsorted(codes, looked_up), len(codes) - 1)
    found: NDArray[np.int64] = at[codes[at] == looked_up].astype(np.int64)
    return found


def _evidence(one: Examined, here: _Range, other: Counterpart, there: _Range) -> Evidence:
    text = other.extract.text
    seen = Place(other.name, other.extract.page_at(there[0]), *there, in_context(text, *there))
    return Evidence(_context(one, *here), seen, one.extract.text[slice(*here)])


def _context(one: Examined, start: int, end: int) -> Place:
    page = one.extract.page_at(start)
    return Place(one.where, page, start, end, in_context(one.extract.text, start, end))
