"""Pictures of the draft that are another's: by what is written in them, or because others show them too."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bidclient.checks.finding import Evidence, Finding, Place, Severity
from bidclient.similarity.findings.catalogue import told
from bidclient.similarity.findings.examined import Examined, page_name
from bidclient.similarity.findings.ours import Ours
from bidclient.similarity.findings.thresholds import THRESHOLDS, Thresholds
from bidclient.similarity.findings.traces import MANDATED, Traces, listed
from bidclient.similarity.reading.document import Picture

_OWNERS = ("Artist", "Author", "CameraOwnerName", "Copyright", "XPAuthor")
"""What EXIF and PNG say of the person or company that a picture belongs to."""
_MOST_SHOWN = 20
_WORDS = 4
"""A hash of 256 bits as numbers of 64."""
_AT_ONCE = 256
"""Other pictures that are compared in one step, so that memory stays bounded."""
_IDENTICAL = -1
"""Nearer than any distance between hashes: the same file."""


@dataclass(frozen=True)
class _Seen:
    """Another file shows a picture that is so many bits away."""

    other: Traces
    picture: Picture
    distance: int


@dataclass
class _Sightings:
    """Where else one picture of the draft was seen. `mandated`: the tender or a template has it."""

    mandated: bool = False
    bids: set[str] = field(default_factory=set)
    seen: list[_Seen] = field(default_factory=list)


def check_pictures(
    documents: Sequence[Examined],
    others: Iterable[Traces],
    ours: Ours,
    given: Collection[Picture] = (),
    thresholds: Thresholds = THRESHOLDS,
) -> list[Finding]:
    """IMG-001: pictures whose EXIF names another's, and those that other files show too.

    A picture in a named file is a warning, or, when it is only similar, information; one that the company's
    own earlier bids show is information, or nothing when so many do that it is the company's own (licence,
    logo). `given` are the pictures of the tender and of templates, which anybody may show.
    """
    draft = [(one, picture) for one in documents for picture in one.extract.pictures]
    index = _Index([picture for _, picture in draft])
    sightings = [_Sightings() for _ in draft]
    for number, _, distance in index.near(given, thresholds.picture_same):
        sightings[number].mandated |= distance <= thresholds.picture_same
    for other in others:
        for number, picture, distance in index.near(other.pictures, thresholds.picture_review):
            same = distance <= thresholds.picture_same
            if other.owner in MANDATED:
                sightings[number].mandated |= same
                continue
            if other.owner == "own" and same:
                sightings[number].bids.add(other.bid)
            if other.owner == "named" or same:
                sightings[number].seen.append(_Seen(other, picture, distance))
    findings = [finding for one in documents for finding in _owned(one, ours)]
    for one in documents:
        counting = [
            (picture, seen)
            for (document, picture), seen in zip(draft, sightings, strict=True)
            if document is one and not seen.mandated and len(seen.bids) < thresholds.picture_bids
        ]
        findings += _shared(one, counting, thresholds)
    return findings


class _Index:
    """The draft's pictures, found again by digest or by hash."""

    def __init__(self, pictures: Sequence[Picture]) -> None:
        self._by_digest: dict[str, list[int]] = defaultdict(list)
        for number, picture in enumerate(pictures):
            self._by_digest[picture.sha256].append(number)
        self._hashed = [number for number, picture in enumerate(pictures) if picture.phash is not None]
        self._hashes = _matrix([pictures[number] for number in self._hashed])

    def near(self, pictures: Collection[Picture], most: int) -> Iterator[tuple[int, Picture, int]]:
        """Number of a picture of the draft, the other picture, and their distance, up to `most` bits.

        Each picture of the draft comes once, with the nearest of the others.
        """
        best: dict[int, tuple[int, Picture]] = {}
        for picture in pictures:
            # What is too small or flat to be told apart is not a sign of anything, even when it is equal.
            for number in self._by_digest.get(picture.sha256, ()) if picture.phash is not None else ():
                best[number] = (_IDENTICAL, picture)
        hashed = [picture for picture in pictures if picture.phash is not None]
        for start in range(0, len(hashed) if self._hashed else 0, _AT_ONCE):
            some = hashed[start : start + _AT_ONCE]
            differing = self._hashes[:, None, :] ^ _matrix(some)[None, :, :]
            distances = np.bitwise_count(differing).sum(axis=2, dtype=np.int64)
            nearest = distances.argmin(axis=1)
            for row in np.flatnonzero(distances.min(axis=1) <= most):
                number, distance = self._hashed[row], int(distances[row, nearest[row]])
                if number not in best or distance < best[number][0]:
                    best[number] = (distance, some[nearest[row]])
        for number, (distance, picture) in best.items():
            yield number, picture, distance


def _matrix(pictures: Sequence[Picture]) -> NDArray[np.uint64]:
    """A row of four numbers for each picture's hash."""
    content = b"".join(picture.phash or b"" for picture in pictures)
    return np.frombuffer(content, dtype=">u8").astype(np.uint64).reshape(-1, _WORDS)


def _owned(one: Examined, ours: Ours) -> Iterator[Finding]:
    """Pictures that name another company; or, as information, somebody whom the bid does not name."""
    for picture in one.extract.pictures:
        page_zh, page_en = page_name(picture.page)
        for key, value in picture.exif:
            if key not in _OWNERS:
                continue
            if ours.foreign_company(value):
                severity: Severity = "warning"
                zh, en = f"写有另一单位“{value}”", f"names another company, “{value}”"
            elif ours.foreign_person(value):
                severity = "info"
                zh, en = (
                    f"写有姓名“{value}”，不在本标书所列人员中",
                    f"names “{value}”, who is not in this bid",
                )
            else:
                continue
            yield told(
                "IMG-001",
                one.where,
                (Evidence(Place(one.where, picture.page), fact=f"{key} = {value}"),),
                severity,
                title=one.title,
                what_zh=f"{page_zh}的图片{zh}（EXIF {key}）",
                what_en=f"the picture on {page_en} {en} (EXIF {key})",
            )


def _shared(
    one: Examined, counting: Sequence[tuple[Picture, _Sightings]], thresholds: Thresholds
) -> Iterator[Finding]:
    """Up to three findings: same as in named files, similar to theirs, same as in earlier bids of our own."""
    same: list[Evidence] = []
    similar: list[Evidence] = []
    own: list[Evidence] = []
    for picture, sightings in counting:
        for seen in sightings.seen:
            evidence = Evidence(
                Place(one.where, picture.page),
                Place(seen.other.name, seen.picture.page),
                _fact(picture, seen),
            )
            if seen.other.owner == "own":
                own.append(evidence)
            else:
                (same if seen.distance <= thresholds.picture_same else similar).append(evidence)
    if same:
        yield _told(one, same, "与{there}中的图片相同", "the same as in {there}", "warning")
    if similar:
        yield _told(
            one, similar, "与{there}中的图片近似，请对照查看", "similar to those in {there}, compare", "info"
        )
    if own:
        yield _told(
            one, own, "与本单位以往投标文件{there}中的相同", "the same as in earlier bids ({there})", "info"
        )


def _told(one: Examined, evidence: list[Evidence], zh: str, en: str, severity: Severity) -> Finding:
    pages = sorted({found.here.page for found in evidence})
    names = list(dict.fromkeys(f"“{found.there.document}”" for found in evidence if found.there))
    pages_zh, _ = listed([page_name(page)[0] for page in pages])
    _, pages_en = listed([page_name(page)[1] for page in pages])
    there_zh, there_en = listed(names)
    return told(
        "IMG-001",
        one.where,
        tuple(evidence[:_MOST_SHOWN]),
        severity,
        title=one.title,
        what_zh=f"{pages_zh}{zh.format(there=there_zh)}",
        what_en=f"{pages_en}: {en.format(there=there_en)}",
    )


def _fact(picture: Picture, seen: _Seen) -> str:
    if seen.distance == _IDENTICAL:
        return f"SHA-256 {picture.sha256}"
    return f"pHash {seen.distance}/256"
