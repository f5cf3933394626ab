"""Who made the draft's files, when and with what, as they say: does that fit a bid of our own (META-*)?"""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta

from bidclient.checks.finding import Evidence, Finding, Place
from bidclient.formats.instant import instant_text
from bidclient.similarity.findings.catalogue import told
from bidclient.similarity.findings.common_traits import is_nobody, telling
from bidclient.similarity.findings.examined import Examined
from bidclient.similarity.findings.ours import Ours
from bidclient.similarity.findings.traces import listed
from bidclient.similarity.reading.document import Trait
from bidclient.similarity.reading.trait_text import read_time

PERSONS = frozenset({"author", "creator", "lastModifiedBy", "manager", "owner", "person"})
"""Last parts of the keys whose values name somebody."""
_COMPANIES = PERSONS | {"base", "company", "path", "templatePath"}
_PROGRAMS = frozenset({"application", "producer"})
_VERSION = re.compile(r"[\s/(]*v?\d+(?:[.,]\d+).*$", re.IGNORECASE)
_PROPERTIES = {
    "pdf.author": "Author",
    "pdf.company": "Company",
    "pdf.manager": "Manager",
    "pdf.owner": "Owner",
}
_CLOCKS_APART = timedelta(minutes=10)
_ROUNDED = timedelta(minutes=1)
"""Word writes times to the minute."""
_TIMES = {
    "created": ("创建时间", "created"),
    "modified": ("修改时间", "modified"),
    "printed": ("打印时间", "printed"),
}


def check_making(
    documents: Sequence[Examined],
    ours: Ours,
    issued: datetime,
    deadline: datetime,
    now: datetime,
    given: Collection[Trait] = (),
) -> list[Finding]:
    """Foreign names, impossible times, what is older than the tender, and what differs between the files.

    `issued` and `deadline` are the tender's times. `given` are the traits of its own files and of templates:
    what a bid has from them is in order.
    """
    traits = {one.where: _own_traits(one, given) for one in documents}
    findings: list[Finding] = []
    for one in documents:
        findings += _foreign(one, traits[one.where], ours)
        findings += _impossible(one, traits[one.where], deadline, now)
    findings += _older(documents, traits, issued)
    findings += _differing(documents, traits)
    return findings


def field_of(key: str) -> str:
    """The last part of a trait's key: lastModifiedBy of docx.lastModifiedBy."""
    return key.rpartition(".")[2]


def _own_traits(one: Examined, given: Collection[Trait]) -> tuple[Trait, ...]:
    known = {(trait.key, trait.value) for trait in given}
    return tuple(trait for trait in telling(one.extract.traits) if (trait.key, trait.value) not in known)


def _evidence(one: Examined, trait: Trait) -> Evidence:
    return Evidence(Place(one.where), fact=f"{trait.key} = {trait.value}")


def _foreign(one: Examined, traits: Sequence[Trait], ours: Ours) -> Iterator[Finding]:
    """A finding for each company that is named, wherever and however often."""
    named: dict[str, list[Trait]] = {}
    for trait in traits:
        # Of a PDF the Creator is a program, not a person (ISO 32000-1 §14.3.3).
        counts = field_of(trait.key) in _COMPANIES and trait.key != "pdf.creator"
        if counts and ours.foreign_company(trait.value):
            named.setdefault(trait.value, []).append(trait)
    for leak, places in named.items():
        place = _PROPERTIES.get(places[0].key, places[0].key)
        evidence = tuple(_evidence(one, trait) for trait in places)
        yield told("META-001", one.where, evidence, title=one.title, place=place, leak=leak)


def _times(traits: Sequence[Trait]) -> dict[str, tuple[datetime, Trait]]:
    """The times that a file tells with their zone; the document information comes before XMP."""
    times: dict[str, tuple[datetime, Trait]] = {}
    for trait in traits:
        name = field_of(trait.key)
        if name in _TIMES and name not in times and (moment := read_time(trait.value)) is not None:
            times[name] = moment, trait
    return times


def _impossible(
    one: Examined, traits: Sequence[Trait], deadline: datetime, now: datetime
) -> Iterator[Finding]:
    times = _times(traits)
    wrong: list[tuple[str, str]] = []
    for name, (moment, _) in times.items():
        zh, en = _TIMES[name]
        if moment > now + _CLOCKS_APART:
            wrong.append((f"{zh} {_shown(moment)} 晚于现在", f"{en} at {_shown(moment)}, in the future"))
    created, modified = times.get("created"), times.get("modified")
    if created and deadline < created[0] <= now:
        shown = _shown(created[0])
        wrong.append((f"创建时间 {shown} 晚于投标截止时间", f"created at {shown}, after the deadline"))
    if created and modified and modified[0] < created[0] - _ROUNDED:
        first, last = _shown(created[0]), _shown(modified[0])
        wrong.append(
            (f"修改时间 {last} 早于创建时间 {first}", f"modified at {last}, before it was created at {first}")
        )
    if wrong:
        evidence = tuple(_evidence(one, trait) for _, trait in times.values())
        zh, en = "；".join(zh for zh, _ in wrong), "; ".join(en for _, en in wrong)
        yield told("META-002", one.where, evidence, title=one.title, what_zh=zh, what_en=en)


def _older(
    documents: Sequence[Examined], traits: dict[str, tuple[Trait, ...]], issued: datetime
) -> Iterator[Finding]:
    """One finding about all files whose last change was before the tender; a file may be older than that."""
    names: list[str] = []
    evidence: list[Evidence] = []
    for one in documents:
        times = _times(traits[one.where])
        last = times.get("modified") or times.get("created")
        if last is not None and last[0] < issued:
            names.append(f"《{one.title}》({_shown(last[0])[:10]})")
            evidence.append(_evidence(one, last[1]))
    if names:
        zh, en = listed(names)
        yield told(
            "META-004",
            evidence[0].here.document,
            tuple(evidence),
            issued=_shown(issued)[:10],
            what_zh=zh,
            what_en=en,
        )


def _differing(documents: Sequence[Examined], traits: dict[str, tuple[Trait, ...]]) -> Iterator[Finding]:
    """The files whose author, program or template is not that of most; the first ones count where none is."""
    differences: dict[str, list[tuple[str, str, Evidence]]] = {}
    for zh, en, aspect in (
        ("编制人", "made by", _maker),
        ("制作软件", "made with", _program),
        ("文档模板", "from the template", _template),
    ):
        told_by = [(one, trait) for one in documents if (trait := aspect(traits[one.where])) is not None]
        counts = Counter(_plain(trait) for _, trait in told_by)
        if len(counts) < 2:
            continue
        usual = counts.most_common(1)[0][0]
        for one, trait in told_by:
            value = _plain(trait)
            if value != usual:
                difference = (
                    f"{zh}为“{value}”，其他多为“{usual}”",
                    f"{en} “{value}”, others “{usual}”",
                    _evidence(one, trait),
                )
                differences.setdefault(one.where, []).append(difference)
    for one in documents:
        if found := differences.get(one.where):
            yield told(
                "META-003",
                one.where,
                tuple(evidence for *_, evidence in found),
                title=one.title,
                what_zh="；".join(zh for zh, *_ in found),
                what_en="; ".join(en for _, en, _ in found),
            )


def _maker(traits: Sequence[Trait]) -> Trait | None:
    """Who saved it last, or else wrote it."""
    for names in (("lastModifiedBy",), ("author",), ("creator",)):
        for trait in traits:
            if field_of(trait.key) in names and trait.key != "pdf.creator" and not is_nobody(trait.value):
                return trait
    return None


def _program(traits: Sequence[Trait]) -> Trait | None:
    return next((trait for trait in traits if field_of(trait.key) in _PROGRAMS), None)


def _template(traits: Sequence[Trait]) -> Trait | None:
    return next((trait for trait in traits if field_of(trait.key) == "template"), None)


def _plain(trait: Trait) -> str:
    """The value; of a program without its version."""
    return _VERSION.sub("", trait.value) if field_of(trait.key) in _PROGRAMS else trait.value


def _shown(moment: datetime) -> str:
    return instant_text(moment)[:16].replace("T", " ")
