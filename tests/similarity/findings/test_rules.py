"""Every rule of the catalogue with one case in which it must be told and one in which it must not."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random

import msgspec
import pytest

from bidclient.checks.finding import Finding
from bidclient.checks.price import check_price
from bidclient.crypto.blinded import SALT_BYTES, blinded
from bidclient.formats.instant import instant_text
from bidclient.similarity.findings.blind import check_blind
from bidclient.similarity.findings.catalogue import OWN_RULES
from bidclient.similarity.findings.copies import SeenCode, check_creation_code
from bidclient.similarity.findings.device import (
    Adapter,
    Bid,
    DeviceFacts,
    DeviceUse,
    Ledger,
    Probe,
    device_marks,
)
from bidclient.similarity.findings.device_findings import check_device, check_network
from bidclient.similarity.findings.examined import Examined
from bidclient.similarity.findings.leftovers import check_leftovers
from bidclient.similarity.findings.locks import check_locks
from bidclient.similarity.findings.making import check_making
from bidclient.similarity.findings.people import check_bond, check_people, holders
from bidclient.similarity.findings.prices import PriceList, check_patterns, check_pricing_file
from bidclient.similarity.findings.same_pictures import check_pictures
from bidclient.similarity.findings.slips import check_typing
from bidclient.similarity.findings.texts import check_reuse
from bidclient.similarity.passages.compare import compare
from bidclient.similarity.passages.passage import Owner
from bidclient.similarity.passages.source import Query, TextSource
from bidclient.similarity.reading.document import Extract, Picture, Trait
from bidclient.similarity.reading.hardware_records import HardwareRecord, integrity_of
from bidclient.similarity.reading.pricing_file import PricedLine, PricingFile
from bidclient.stages.draft import Bidder, Draft
from tests.similarity.findings.test_catalogue import CATALOGUE
from tests.support.bids import BIDDER, BIDDER_USCC, make_pki, tender_record
from tests.support.clauses import paragraph
from tests.support.examined import OURS, RIVAL, counterpart, examined, extracted
from tests.support.pki import NOW

KEY = b"k" * 32
TENDER = tender_record(make_pki())
OTHER_USCC = "91629999TBX000028U"


@dataclass(frozen=True)
class Case:
    """What finds `rule`, given something wrong and given something that is in order."""

    find: Callable[[bool], Sequence[Finding]]
    severity: str


def prose(seed: int, paragraphs: int = 10) -> str:
    random = Random(seed)
    return "".join(paragraph(random) for _ in range(paragraphs))


# ---------------------------------------------------------------------------- the computer, and the draft

FACTS = DeviceFacts(
    (Adapter("eth0", "b4:2e:99:01:02:03", physical=True, made_up=False),),
    Probe("GenuineIntel 000906ED"),
    ("S4EVNX0R",),
    Probe(),
    Probe(),
    Probe(),
    "office-7",
    Probe(),
    Probe(),
    (),
)


def device(wrong: bool) -> list[Finding]:
    marks = device_marks(FACTS, (), KEY)
    uscc = OTHER_USCC if wrong else BIDDER_USCC
    use = DeviceUse(instant_text(NOW), "packed", uscc, "net", "P1", "lot-1", marks)
    return check_device(Bid(BIDDER_USCC, "net", "P1", "lot-1"), Ledger((use,)), marks, FACTS)


def damaged_ledger(wrong: bool) -> list[Finding]:
    ledger = Ledger((), (("第 3 条缺失", "entry 3 is missing"),) if wrong else ())
    return check_device(Bid(BIDDER_USCC, "net", "P1", "lot-1"), ledger, {}, FACTS)


def virtual_machine(wrong: bool) -> list[Finding]:
    facts = replace(FACTS, virtual=Probe("kvm" if wrong else ""))
    return check_device(Bid(BIDDER_USCC, "net", "P1", "lot-1"), Ledger(()), {}, facts)


def network(wrong: bool) -> list[Finding]:
    return check_network(["192.168.1.20" if wrong else "203.0.114.7"])


def creation_code(wrong: bool) -> list[Finding]:
    moment = instant_text(NOW)
    draft = Draft(
        format="bidclient/draft",
        version=1,
        tender_sha256="0" * 64,
        tender_version=1,
        lot="lot-1",
        bidder=Bidder(BIDDER, BIDDER_USCC),
        form={},
        prices=(),
        documents=(),
        clause_links=(),
        creation_code="BC-0001",
        salt="0" * 64,
        created_at=moment,
        edited_at=moment,
    )
    return check_creation_code(
        draft, [SeenCode("BC-0001", BIDDER_USCC, BIDDER, "lot-2" if wrong else "lot-1", "去年的标书")]
    )


# ----------------------------------------------------------------------------------------------- making


def making(*traits: Trait) -> list[Finding]:
    names = ("甲.docx", "乙.docx", "丙.docx")
    last = Trait("docx.lastModifiedBy", "陈示范", "strong")
    each = [
        Examined(f"technical/{name}", name, Extract(name, "0" * 64, "docx", "", (), (), (last,)))
        for name in names
    ]
    each[0] = replace(each[0], extract=replace(each[0].extract, traits=traits or (last,)))
    issued = datetime(2026, 11, 1, 1, tzinfo=UTC)
    now = issued + timedelta(days=19)
    return check_making(each, OURS, issued, issued + timedelta(days=30), now)


def foreign_company(wrong: bool) -> list[Finding]:
    return making(Trait("docx.company", RIVAL if wrong else BIDDER, "strong"))


def impossible_time(wrong: bool) -> list[Finding]:
    return making(
        Trait("docx.created", "2027-01-01T00:00:00Z" if wrong else "2026-11-10T00:00:00Z", "medium")
    )


def other_editor(wrong: bool) -> list[Finding]:
    return making(Trait("docx.lastModifiedBy", "王五" if wrong else "陈示范", "strong"))


# ------------------------------------------------------------------------------------------------- text


def reuse(owner: Owner, wrong: bool, shared: int) -> list[Finding]:
    text = (
        prose(1) if shared else "".join(prose(10 + number, 4) + prose(50 + number, 3) for number in range(4))
    )
    other = (
        prose(1) if shared else "".join(prose(10 + number, 4) + prose(90 + number, 3) for number in range(4))
    )
    draft = examined(text)
    source = counterpart(
        other if wrong else prose(999), owner=owner, project=TENDER.project.code, lot="二标段"
    )
    comparison = compare(
        [Query(draft.where, text)], [TextSource(0, owner, source.extract.text, source.project)], ()
    )
    return check_reuse(comparison, [draft], [source].__getitem__, TENDER.project.code)


def leftover(wrong: bool) -> list[Finding]:
    name = "肃州区人民医院装修工程" if wrong else TENDER.project.name
    return check_leftovers([examined(f"项目名称：{name}\n")], TENDER, [], OURS, {})


def typing(wrong: bool) -> list[Finding]:
    return check_typing([examined("本工程的的质量" if wrong else "本工程的质量")])


def picture_of(wrong: bool) -> list[Finding]:
    picture = Picture(1, "1" * 64, 100, 100, None, (("Artist", RIVAL if wrong else BIDDER),))
    one = Examined("technical/plan", "方案", extracted("方案", pictures=[picture]))
    return check_pictures([one], [], OURS)


def blind(wrong: bool) -> list[Finding]:
    return check_blind([examined(BIDDER if wrong else "我公司")], Bidder(BIDDER, BIDDER_USCC))


# ----------------------------------------------------------------------------------------------- prices

RECORD = HardwareRecord("GZ-1001", mac="54-E1-AD-00-00-01")
LINE = PricedLine("040101001001", "挖土方", "m3", "10", 2_000, 20_000)


def lock(wrong: bool) -> list[Finding]:
    file = PricingFile("boq.xml", (), None, "", (RECORD,), integrity_of([RECORD]))
    return check_locks("price/boq", "清单", file, ["GZ-9999" if wrong else "GZ-1001"])


def integrity(wrong: bool) -> list[Finding]:
    stated = integrity_of([RECORD, RECORD] if wrong else [RECORD])
    return check_locks(
        "price/boq", "清单", PricingFile("boq.xml", (), None, "", (RECORD,), stated), ["GZ-1001"]
    )


def zero_total(wrong: bool) -> list[Finding]:
    form = {TENDER.price.field: "0" if wrong else "26550000"}
    draft = msgspec.convert(
        {
            "format": "bidclient/draft",
            "version": 1,
            "tender_sha256": "0" * 64,
            "tender_version": 1,
            "lot": "lot-1",
            "bidder": {},
            "form": form,
            "prices": [],
            "documents": [],
            "clause_links": [],
            "creation_code": "BC-0001",
            "salt": "0" * 64,
            "created_at": instant_text(NOW),
            "edited_at": instant_text(NOW),
        },
        Draft,
    )
    return check_price(draft, TENDER)


def in_words(wrong: bool) -> list[Finding]:
    words = "贰佰零壹元整" if wrong else "贰佰元整"
    return check_pricing_file("price/boq", "清单", PricingFile("boq.xml", (LINE,), 20_000, words), 0)


def negative(wrong: bool) -> list[Finding]:
    line = replace(LINE, unit_price_fen=-2_000, total_fen=-20_000) if wrong else LINE
    return check_pricing_file("price/boq", "清单", PricingFile("boq.xml", (line,)), 0)


def pattern(wrong: bool) -> list[Finding]:
    chance = Random(3)
    there = {f"{number:012d}": chance.randint(60_000, 900_000) for number in range(60)}
    here = {code: round(fen * (0.95 if wrong else chance.uniform(0.8, 1.2))) for code, fen in there.items()}
    other = PriceList("named", "合作方报价", "", there)
    return check_patterns("price/boq", "清单", PriceList("own", "本标", "lot-1", here), [other])


# ----------------------------------------------------------------------------------------------- people


def person(wrong: bool) -> list[Finding]:
    known = holders(extracted("联系电话 13912345678"), RIVAL if wrong else BIDDER, KEY)
    return check_people([examined("电话：139 1234 5678")], known, OURS, KEY)


def payer(wrong: bool) -> list[Finding]:
    account = "6222021234567890128"
    kept = blinded("2710012345678901" if wrong else account, b"s" * SALT_BYTES)
    return check_bond([examined(f"投标保证金\n付款账号：{account}")], OURS, kept)


CASES = {
    "DEV-001": Case(device, "blocking"),
    "DEV-002": Case(virtual_machine, "info"),
    "DEV-003": Case(damaged_ledger, "warning"),
    "NET-001": Case(network, "info"),
    "LCK-001": Case(lock, "warning"),
    "LCK-002": Case(integrity, "warning"),
    "GUID-001": Case(creation_code, "warning"),
    "META-001": Case(foreign_company, "warning"),
    "META-002": Case(impossible_time, "warning"),
    "META-003": Case(other_editor, "info"),
    "TXT-001": Case(lambda wrong: reuse("own", wrong, 1), "info"),
    "TXT-002": Case(leftover, "warning"),
    "TXT-003": Case(lambda wrong: reuse("named", wrong, 0), "warning"),
    "IMG-001": Case(picture_of, "warning"),
    "ERR-001": Case(typing, "info"),
    "PRC-001": Case(zero_total, "blocking"),
    "PRC-002": Case(in_words, "warning"),
    "PRC-009": Case(negative, "blocking"),
    "PRC-010": Case(pattern, "warning"),
    "PER-001": Case(person, "warning"),
    "BND-001": Case(payer, "warning"),
    "ANON-001": Case(blind, "blocking"),
}
ELSEWHERE = {"META-004", "META-005"}
"""Cases of these are in test_making.py and test_ancestry.py."""


def test_every_rule_of_the_catalogue_has_its_cases() -> None:
    assert set(CASES) >= CATALOGUE
    assert set(CASES) | ELSEWHERE >= set(OWN_RULES)


@pytest.mark.parametrize("rule", sorted(CASES))
def test_a_rule_is_told_where_it_applies(rule: str) -> None:
    found = [one for one in CASES[rule].find(True) if one.rule == rule]
    assert [one.severity for one in found] == [CASES[rule].severity] * len(found) != []
    for one in found:
        assert one.evidence or rule in ("PRC-001",)
        assert "{" not in one.message_zh + one.message_en


@pytest.mark.parametrize("rule", sorted(CASES))
def test_a_rule_is_silent_where_all_is_in_order(rule: str) -> None:
    assert [one.rule for one in CASES[rule].find(False) if one.rule == rule] == []
