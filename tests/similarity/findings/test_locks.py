"""Pricing locks against the company's register, and the code over the records of a pricing file."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bidclient.similarity.findings.locks import check_locks
from bidclient.similarity.reading.hardware_records import (
    HardwareRecord,
    integrity_of,
    judge_integrity,
    record_in,
)
from bidclient.similarity.reading.pricing_file import PricingFile

FIRST = HardwareRecord("GZ-1001", "BFEBFBFF000906EA", "S3Z9NB0K", "54-E1-AD-00-00-01", "2026-11-01 09:00")
SECOND = replace(FIRST, lock="GZ-2002", moment="2026-11-02 09:00")


def file_of(*records: HardwareRecord, integrity: str | None = None) -> PricingFile:
    code = integrity_of(records) if integrity is None else integrity
    return PricingFile("boq.xml", (), None, "", records, code)


def found(file: PricingFile, *register: str) -> list[tuple[str, str]]:
    return [(one.rule, one.severity) for one in check_locks("price/boq", "清单", file, register)]


def test_one_lock_of_our_own_is_in_order() -> None:
    assert found(file_of(FIRST, FIRST), "gz 1001") == []
    assert found(file_of(FIRST), "GZ-1001", "GZ-9999") == []


def test_a_lock_that_is_not_in_the_register_is_named() -> None:
    [finding] = check_locks("price/boq", "清单", file_of(FIRST, SECOND), ["GZ-1001"])
    assert (finding.rule, finding.severity) == ("LCK-001", "warning")
    assert [one.fact for one in finding.evidence] == ["GZ-2002"]
    assert "GZ-2002" in finding.message_zh
    assert "GZ-1001" not in finding.message_zh


def test_two_locks_of_our_own_are_a_hint() -> None:
    assert found(file_of(FIRST, SECOND), "GZ-1001", "GZ-2002") == [("LCK-001", "info")]


def test_without_a_register_nobody_can_tell() -> None:
    assert found(file_of(FIRST, SECOND)) == [("LCK-001", "info")]
    assert found(file_of(FIRST)) == [("LCK-001", "info")]
    assert found(file_of()) == []
    assert found(file_of(integrity="")) == []


def test_a_record_that_was_changed_afterwards_breaks_the_code() -> None:
    code = integrity_of((FIRST, SECOND))
    assert judge_integrity((FIRST, SECOND), code).verdict == "valid"
    for records in ((SECOND, FIRST), (FIRST,), (FIRST, replace(SECOND, mac="")), ()):
        assert judge_integrity(records, code).verdict == "invalid"
    assert found(file_of(FIRST, integrity=code), "GZ-1001") == [("LCK-002", "warning")]


def test_a_vendors_own_code_cannot_be_judged() -> None:
    assert found(file_of(FIRST, integrity="9F3A77C0"), "GZ-1001") == [("LCK-002", "info")]
    assert judge_integrity((FIRST,), "9F3A77C0").verdict == "cannot tell"


@given(st.lists(st.builds(HardwareRecord, *[st.text("ab1-", max_size=4)] * 5), max_size=4))
def test_every_list_of_records_fits_its_own_code_only(records: list[HardwareRecord]) -> None:
    code = integrity_of(records)
    assert judge_integrity(records, code).verdict == "valid"
    assert judge_integrity([*records, FIRST], code).verdict == "invalid"


@pytest.mark.parametrize("tag", ["ryjxx", "xt"])
def test_an_element_is_a_record_by_its_name_or_its_lock(tag: str) -> None:
    assert record_in(tag, {"jmsxlh": " GZ-1001 ", "wkdz": "54"}) == HardwareRecord("GZ-1001", mac="54")
    assert record_in("qdxm", {"bm": "010101001001"}) is None
