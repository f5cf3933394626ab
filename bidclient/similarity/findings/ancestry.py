"""Do a file of the draft and another one stem from one draft, or from one hand (META-005)?"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from bidclient.checks.finding import Evidence, Finding, Place
from bidclient.similarity.findings.catalogue import told
from bidclient.similarity.findings.common_traits import is_nobody, telling
from bidclient.similarity.findings.examined import Examined
from bidclient.similarity.findings.making import PERSONS, field_of
from bidclient.similarity.findings.thresholds import THRESHOLDS, Thresholds
from bidclient.similarity.findings.traces import MANDATED, Traces, listed
from bidclient.similarity.reading.document import Trait

_REVISIONS = "docx.rsid"
_FAMILY = frozenset({"docId", "documentId", "id0", "instanceId", "paragraphId", "rsidRoot"})
"""Last parts of the keys by which a file is known through copies and saves."""
_CIRCUMSTANCES = frozenset({"base", "created", "fontTag", "path", "template", "templatePath"})
"""Each agrees by chance now and then; two different ones hardly."""
_ENOUGH_CIRCUMSTANCES = 2
_MOST_SHOWN = 8
_LABELS = {
    "base": ("超链接基础", "link base"),
    "created": ("创建时间", "time of creation"),
    "docId": ("文档标识 docId", "docId"),
    "documentId": ("文档标识 DocumentID", "DocumentID"),
    "fontTag": ("字体子集标记", "subset tag of a font"),
    "id0": ("PDF 首次标识 ID", "first PDF identifier"),
    "instanceId": ("保存标识 InstanceID", "InstanceID"),
    "paragraphId": ("文档标识 docId", "docId"),
    "path": ("保存路径", "path"),
    "rsidRoot": ("首次编辑标识 rsidRoot", "rsidRoot"),
    "template": ("文档模板", "template"),
    "templatePath": ("模板路径", "path of the template"),
}


@dataclass(frozen=True)
class _Agreement:
    """What a file of the draft has in common with one other."""

    zh: str
    en: str
    facts: tuple[str, ...]


def check_ancestry(
    documents: Sequence[Examined],
    others: Iterable[Traces],
    given: Collection[Trait] = (),
    thresholds: Thresholds = THRESHOLDS,
) -> list[Finding]:
    """A finding for each document and each named file that it has a common origin with.

    All archived bids of the company make one finding per document, as information, and persons do not count
    there: it has its own people. `given` are the traits of the tender's files and of templates; what others
    of their kind in `others` say is left out too, when they come before the rest.
    """
    known = {(trait.key, trait.value) for trait in given}
    sides = {one.where: _Side(telling(one.extract.traits)) for one in documents}
    findings: list[Finding] = []
    archived: dict[str, list[tuple[Traces, _Agreement]]] = defaultdict(list)
    for other in others:
        if other.owner in MANDATED:
            known |= {(trait.key, trait.value) for trait in other.traits}
            continue
        theirs = _Side(telling(other.traits))
        for one in documents:
            agreement = _agreement(sides[one.where], theirs, known, thresholds, other.owner == "named")
            if agreement is None:
                continue
            if other.owner == "named":
                findings.append(_named(one, other, agreement))
            else:
                archived[one.where].append((other, agreement))
    findings += [_archived(one, archived[one.where]) for one in documents if one.where in archived]
    return findings


class _Side:
    """The traits of a file, sorted by what they can tell."""

    def __init__(self, traits: Iterable[Trait]) -> None:
        self.revisions: set[str] = set()
        self.family: set[tuple[str, str]] = set()
        self.circumstances: set[tuple[str, str]] = set()
        self.persons: dict[str, str] = {}
        for trait in traits:
            name = field_of(trait.key)
            if trait.key == _REVISIONS:
                self.revisions.add(trait.value)
            elif name in _FAMILY or (".custom." in trait.key and trait.strength == "strong"):
                self.family.add((trait.key, trait.value))
            elif name in _CIRCUMSTANCES:
                self.circumstances.add((trait.key, trait.value))
            elif name in PERSONS and trait.key != "pdf.creator" and not is_nobody(trait.value):
                self.persons.setdefault(trait.value, trait.key)


def _agreement(
    ours: _Side, theirs: _Side, known: set[tuple[str, str]], thresholds: Thresholds, persons_count: bool
) -> _Agreement | None:
    """What two files have in common, None when that is too little."""
    family = sorted((ours.family & theirs.family) - known)
    circumstances = sorted((ours.circumstances & theirs.circumstances) - known)
    parts = [_same(key, value) for key, value in family]
    if shared := _shared_revisions(ours, theirs, known, thresholds):
        parts.append(shared)
    if persons_count:
        parts += _shared_persons(ours, theirs, known)
    if parts or len({key for key, _ in circumstances}) >= _ENOUGH_CIRCUMSTANCES:
        parts += [_same(key, value) for key, value in circumstances]
    if not parts:
        return None
    shown = parts[:_MOST_SHOWN]
    return _Agreement(
        "；".join(zh for zh, *_ in shown), "; ".join(en for _, en, _ in shown), tuple(f for *_, f in shown)
    )


def _same(key: str, value: str) -> tuple[str, str, str]:
    zh, en = _LABELS.get(field_of(key), (f"自定义属性 {field_of(key)}", f"property {field_of(key)}"))
    return f"{zh}同为 {value}", f"the same {en}, {value}", f"{key} = {value}"


def _shared_persons(
    ours: _Side, theirs: _Side, known: set[tuple[str, str]]
) -> Iterator[tuple[str, str, str]]:
    issued = {value for _, value in known}
    for name in sorted(ours.persons.keys() & theirs.persons.keys() - issued):
        here, there = ours.persons[name], theirs.persons[name]
        yield f"都有编制人“{name}”", f"both name {name}", f"{here} = {there} = {name}"


def _shared_revisions(
    ours: _Side, theirs: _Side, known: set[tuple[str, str]], thresholds: Thresholds
) -> tuple[str, str, str] | None:
    """Editing sessions (rsid, ISO/IEC 29500-1 §17.15.1.72) of both; pasted text brings its own along."""
    one, other = (
        {mark for mark in side.revisions if (_REVISIONS, mark) not in known} for side in (ours, theirs)
    )
    shared, either = one & other, one | other
    if len(shared) < thresholds.shared_rsids or len(shared) < thresholds.rsid_share * len(either):
        return None
    share = round(100 * len(shared) / len(either))
    return (
        f"共有 {len(shared)} 个编辑会话标识 rsid（占 {share}%）",
        f"{len(shared)} editing sessions (rsid) in common, {share} %",
        f"rsid {' '.join(sorted(shared)[:_MOST_SHOWN])}",
    )


def _named(one: Examined, other: Traces, agreement: _Agreement) -> Finding:
    evidence = tuple(Evidence(Place(one.where), Place(other.name), fact) for fact in agreement.facts)
    return told(
        "META-005",
        one.where,
        evidence,
        title=one.title,
        source_zh=f"“{other.name}”",
        source_en=f"“{other.name}”",
        what_zh=agreement.zh,
        what_en=agreement.en,
    )


def _archived(one: Examined, found: list[tuple[Traces, _Agreement]]) -> Finding:
    zh, en = listed([f"“{other.name}”" for other, _ in found])
    evidence = tuple(
        Evidence(Place(one.where), Place(other.name), fact)
        for other, agreement in found[:_MOST_SHOWN]
        for fact in agreement.facts
    )
    return told(
        "META-005",
        one.where,
        evidence,
        "info",
        title=one.title,
        source_zh=f"本单位以往投标文件{zh}",
        source_en=f"the company's earlier files {en}",
        what_zh=found[0][1].zh,
        what_en=found[0][1].en,
    )
