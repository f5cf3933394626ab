"""Priced bills that do not add up, and price lists that follow one another; honest ones never do."""

import random
from collections.abc import Mapping
from dataclasses import replace
from math import exp

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bidclient.similarity.findings.patterns import Pattern, patterns, series
from bidclient.similarity.findings.prices import (
    PriceList,
    check_patterns,
    check_pricing_file,
    price_list,
    same_slips,
)
from bidclient.similarity.findings.thresholds import Thresholds
from bidclient.similarity.reading.pricing_file import PricedLine, PricingFile

LINES = (
    PricedLine("040101001001", "挖一般土方", "m³", "1200.5", 2_000, 2_401_000),
    PricedLine("040203007001", "水泥混凝土路面", "m²", "860", 25_000, 21_500_000),
    PricedLine("011701001001", "脚手架", "项", "一批", None, 2_649_000),
)
FILE = PricingFile("boq.xml", LINES, 26_550_000, "人民币贰拾陆万伍仟伍佰元整")
CEILING = 30_000_000


def rules(file: PricingFile, ceiling: int = CEILING) -> list[tuple[str, str]]:
    return [(one.rule, one.subject) for one in check_pricing_file("price/boq", "清单", file, ceiling)]


def with_line(number: int, **changes: int) -> PricingFile:
    lines = [*LINES]
    price, total = LINES[number].unit_price_fen, LINES[number].total_fen
    facts = {"unit_price_fen": price, "total_fen": total} | changes
    lines[number] = replace(
        LINES[number], unit_price_fen=facts["unit_price_fen"], total_fen=facts["total_fen"]
    )
    return replace(FILE, lines=tuple(lines), total_fen=None)


def test_a_bill_that_adds_up_has_no_finding() -> None:
    assert rules(FILE) == []
    assert rules(replace(FILE, total_fen=None, total_in_words="")) == []


def test_each_fault_of_a_bill_is_told() -> None:
    assert rules(with_line(0, unit_price_fen=-2_000, total_fen=-2_401_000)) == [("PRC-009", "price/boq")]
    assert rules(with_line(0, unit_price_fen=0, total_fen=0)) == [("PRC-008", "price/boq")]
    assert rules(with_line(0, total_fen=2_401_001)) == [("PRC-005", "040101001001")]
    assert rules(replace(FILE, total_fen=26_550_001, total_in_words="")) == [("PRC-004", "price/boq")]
    assert rules(FILE, 26_549_999) == [("PRC-007", "price/boq")]
    assert rules(FILE, 0) == []
    assert rules(replace(FILE, total_in_words="人民币贰拾陆万伍仟元整")) == [("PRC-002", "price/boq")]
    assert rules(replace(FILE, total_in_words="若干")) == [("PRC-002", "price/boq")]
    zero = replace(FILE, lines=(replace(LINES[0], unit_price_fen=0, total_fen=0),), total_fen=0)
    assert rules(replace(zero, total_in_words="")) == [("PRC-008", "price/boq"), ("PRC-001", "price/boq")]


def test_the_evidence_names_line_and_amount() -> None:
    file = with_line(1, total_fen=21_600_000)
    [finding] = check_pricing_file("price/boq", "清单", file, CEILING)
    assert "216,000.00" in finding.message_zh
    assert finding.evidence[0].here.quote == "040203007001"
    assert finding.evidence[0].fact == "215,000.00"


# ---------------------------------------------------------------------------------------------- patterns


def market(chance: random.Random, lines: int) -> dict[str, float]:
    level = chance.choice([2.0, 3.0, 4.5, 6.0])
    return {f"{number:012d}": exp(chance.gauss(level, 1.5)) for number in range(lines)}


def bid(chance: random.Random, base: Mapping[str, float], spread: float) -> dict[str, int]:
    """Priced without a look at others, to the fen, the jiao or the yuan as this bidder does."""
    step = chance.choice([1, 1, 10, 100])
    return {
        code: max(1, round(price * exp(chance.gauss(0, spread)) * 100 / step)) * step
        for code, price in base.items()
    }


@pytest.mark.parametrize("spread", [0.02, 0.08, 0.20])
@pytest.mark.parametrize(("lines", "times"), [(60, 700), (200, 400), (1000, 100)])
def test_honest_bidders_follow_no_pattern(lines: int, times: int, spread: float) -> None:
    """3,600 pairs of bids in all."""
    chance = random.Random(f"honest {lines} {spread}")
    alarms: list[Pattern] = []
    for _ in range(times):
        base = market(chance, lines)
        alarms += patterns(bid(chance, base, spread), bid(chance, base, spread))
    assert alarms == []


def copied(chance: random.Random, source: Mapping[str, int], kept: float, kind: str) -> dict[str, int]:
    """Another's prices, scaled, raised or with new leading digits, of which a share is priced anew."""
    changed = {}
    for code, fen in source.items():
        if chance.random() >= kept:
            changed[code] = max(1, round(fen * exp(chance.gauss(0, 0.08))))
        elif kind == "ratio":
            changed[code] = round(fen * 0.97)
        elif kind == "difference":
            changed[code] = fen + 1_234
        else:
            changed[code] = fen + 100 * chance.randint(1, 40)
    return changed


@pytest.mark.parametrize("kind", ["ratio", "difference", "tails"])
def test_a_copy_is_seen_though_half_of_it_is_priced_anew(kind: str) -> None:
    chance = random.Random(f"copied {kind}")
    for lines in (60, 200, 1000):
        for _ in range(20):
            base = {f"{number:012d}": exp(chance.gauss(4.5, 1.0)) for number in range(lines)}
            source = {code: round(price * 100) for code, price in base.items()}
            found = patterns(copied(chance, source, 0.5, kind), source)
            assert kind in [one.kind for one in found]


def test_a_pattern_names_its_lines_and_its_value() -> None:
    chance = random.Random("value")
    source = {f"{number:012d}": chance.randint(2_000, 90_000) for number in range(40)}
    [pattern] = [
        one
        for one in patterns({code: round(fen * 0.95) for code, fen in source.items()}, source)
        if one.kind == "ratio"
    ]
    assert (pattern.lines, pattern.compared) == (40, 40)
    assert pattern.value == pytest.approx(0.95, abs=1e-4)
    assert set(pattern.codes) == set(source)


def test_equal_lines_and_few_lines_say_nothing() -> None:
    prices = {f"{number:012d}": 1_000 + 37 * number for number in range(30)}
    assert patterns(prices, prices) == ()
    few = {code: round(fen * 0.9) for code, fen in list(prices.items())[:11]}
    assert patterns(few, prices) == ()
    assert patterns({}, prices) == ()
    assert patterns({"a": 0, "b": -5}, {"a": 7, "b": 9}) == ()


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(-5, 10**12)), st.integers(1, 10**6))
def test_patterns_never_fail(prices: dict[str, int], shift: int) -> None:
    lowest = Thresholds(price_lines=1, price_share=0.01)
    other = {code: fen + shift for code, fen in prices.items()}
    for one in patterns(prices, other, lowest):
        assert set(one.codes) <= set(prices)
        assert one.lines == len(one.codes) <= one.compared


# ------------------------------------------------------------------------------------------------ series


def test_a_series_is_told_of_all_totals_or_of_none() -> None:
    arithmetic = [980_000_00 + 5_000_00 * step for step in range(5)]
    geometric = [round(980_000_00 * 1.01**step) for step in range(5)]
    steep = [round(500_000_00 * 1.3**step) for step in range(4)]
    assert series(arithmetic) == "difference"
    assert series(geometric) in ("difference", "ratio")
    assert series(steep) == "ratio"
    assert series(arithmetic[:3]) is None
    assert series([*arithmetic, 1_234_567_00]) is None
    assert series([100, 100, 100, 100]) is None
    assert series([0, 1, 2, 3]) is None


def test_some_three_of_many_totals_are_never_reported() -> None:
    chance = random.Random("three of n")
    alarms, three = 0, 0
    for _ in range(200):
        totals = [round(9_800_000_00 * exp(chance.gauss(0, 0.03))) for _ in range(8)]
        alarms += series(totals) is not None
        ordered = sorted(totals)
        three += any(
            abs((c - b) - (b - a)) <= 0.01 * (c - a) / 2
            for i, a in enumerate(ordered)
            for j, b in enumerate(ordered[i + 1 :], i + 1)
            for c in ordered[j + 1 :]
        )
    assert alarms == 0
    # What would have been reported, had anybody looked for it.
    assert three > 20


# ---------------------------------------------------------------------------------------------- findings


def listing(owner: str, prices: Mapping[str, int], total: int | None = None, lot: str = "") -> PriceList:
    assert owner in ("own", "named")
    return PriceList("own" if owner == "own" else "named", "二标段投标", lot, prices, total)


def test_a_pattern_is_a_warning_for_a_named_file_and_a_hint_for_our_own_lot() -> None:
    prices = {f"{number:012d}": 60_000 + 371 * number for number in range(40)}
    here = listing("own", {code: round(fen * 0.95) for code, fen in prices.items()})
    [warned] = check_patterns("price/boq", "清单", here, [listing("named", prices)])
    [hinted] = check_patterns("price/boq", "清单", here, [listing("own", prices, lot="L2")])
    assert (warned.rule, warned.severity, hinted.severity) == ("PRC-010", "warning", "info")
    assert "0.9500" in warned.message_zh
    assert "40/40" in warned.message_en
    assert warned.evidence[0].there is not None
    assert "600.00" in warned.evidence[0].there.quote
    assert check_patterns("price/boq", "清单", here, [listing("named", {})]) == []


def test_totals_that_form_a_series_are_told_once() -> None:
    others = [listing("own", {}, 900_000 + 10_000 * step, f"L{step}") for step in range(1, 4)]
    [finding] = check_patterns("price/boq", "清单", listing("own", {}, 900_000, "L0"), others)
    assert finding.rule == "PRC-010"
    assert "等差数列" in finding.message_zh
    assert check_patterns("price/boq", "清单", listing("own", {}, 900_000, "L0"), others[:2]) == []


def test_a_code_that_comes_twice_is_kept_apart() -> None:
    file = replace(FILE, lines=(LINES[0], replace(LINES[0], unit_price_fen=3_000), LINES[2]))
    found = price_list("named", "x", "", file)
    assert dict(found.unit_prices) == {"040101001001": 2_000, "040101001001#2": 3_000}
    assert found.total_fen == 26_550_000


def test_the_same_miscalculation_in_two_files_is_told() -> None:
    wrong = replace(LINES[1], total_fen=21_600_000)
    [finding] = same_slips("price/boq", "清单", [LINES[0], wrong], "顾问.xml", [wrong])
    assert finding.rule == "ERR-001"
    assert "040203007001" in finding.message_zh
    assert same_slips("price/boq", "清单", LINES, "顾问.xml", LINES) == []
    other = replace(wrong, total_fen=21_700_000)
    assert same_slips("price/boq", "清单", [wrong], "顾问.xml", [other]) == []
