"""Another company's bid for the same lot on this computer is told, and what cannot be told is said."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from bidclient.checks.finding import Finding
from bidclient.similarity.findings.device import (
    Adapter,
    Bid,
    DeviceFacts,
    DeviceUse,
    Ledger,
    Probe,
    device_marks,
    statement,
)
from bidclient.similarity.findings.device_findings import check_device, check_network

OURS, THEIRS = "91620000MA7ABCDE1X", "91620000MA7ZZZZZ9Y"
KEY = bytes(32)
FACTS = DeviceFacts(
    adapters=(
        Adapter("eth0", "b4:2e:99:01:02:03", physical=True, made_up=False),
        Adapter("vmnet1", "00:50:56:c0:00:01", physical=False, made_up=False),
        Adapter("usb0", "02:11:22:33:44:55", physical=True, made_up=True),
    ),
    cpu=Probe("GenuineIntel 000906ED"),
    disks=("S4EVNX0R",),
    disk_reason=Probe(),
    board=Probe("", "没有读取权限", "reading it is not allowed"),
    system=Probe(),
    host="office-7",
    virtual=Probe(),
    remote=Probe(),
    addresses=("192.168.1.20",),
)
BID = Bid(OURS, "net", "P1", "lot-1")
OTHER_COMPUTER = replace(
    FACTS, adapters=(Adapter("eth0", "b4:2e:99:0a:0b:0c", physical=True, made_up=False),), disks=("WX91",)
)


def use(uscc: str, lot: str = "lot-1", facts: DeviceFacts = FACTS, network: str = "net") -> DeviceUse:
    at = "2026-11-20T09:00:00.000+08:00"
    return DeviceUse(at, "packed", uscc, network, "P1", lot, device_marks(facts, (), KEY))


def checked(
    uses: Sequence[DeviceUse],
    bid: Bid = BID,
    facts: DeviceFacts = FACTS,
    damage: tuple[tuple[str, str], ...] = (),
) -> list[Finding]:
    return check_device(bid, Ledger(tuple(uses), damage), device_marks(facts, (), KEY), facts)


def test_another_company_on_this_computer_for_the_same_lot_blocks() -> None:
    found = checked([use(OURS), use(THEIRS), use(THEIRS)])
    assert [(one.rule, one.severity) for one in found] == [("DEV-001", "blocking")]
    assert THEIRS in found[0].message_zh
    assert "网卡、硬盘" in found[0].message_zh
    assert len(found[0].evidence) == 1
    assert "equal: network adapter, disk" in found[0].evidence[0].fact


@pytest.mark.parametrize(
    "entry",
    [
        use(OURS),
        use(THEIRS, lot="lot-2"),
        use(THEIRS, network="other-net"),
        use(THEIRS, facts=OTHER_COMPUTER),
        use(""),
    ],
)
def test_our_own_use_another_lot_network_or_computer_is_in_order(entry: DeviceUse) -> None:
    assert checked([entry]) == []


def test_one_equal_part_is_enough_and_virtual_adapters_are_none() -> None:
    docked = replace(OTHER_COMPUTER, disks=FACTS.disks)
    assert "硬盘" in checked([use(THEIRS, facts=docked)])[0].message_zh
    virtual = replace(OTHER_COMPUTER, adapters=(*OTHER_COMPUTER.adapters, *FACTS.adapters[1:]))
    assert checked([use(THEIRS, facts=virtual)]) == []


def test_what_cannot_be_compared_counts_and_is_said() -> None:
    unknown = replace(FACTS, adapters=(), disks=())
    found = checked([use(THEIRS, facts=unknown)])
    assert [one.rule for one in found] == ["DEV-001"]
    assert "无法比对" in found[0].message_zh


def test_a_damaged_ledger_and_a_bid_without_a_code_are_said() -> None:
    found = checked([], damage=(("001-uses.jsonl 第 2 行被改动", "001-uses.jsonl was changed at line 2"),))
    assert [(one.rule, one.severity) for one in found] == [("DEV-003", "warning")]
    assert "第 2 行" in found[0].message_zh
    assert [one.rule for one in checked([use(THEIRS)], replace(BID, uscc=""))] == ["DEV-003"]


def test_virtual_machines_and_remote_sessions_are_a_hint() -> None:
    found = checked([], facts=replace(FACTS, virtual=Probe("kvm"), remote=Probe("SSH")))
    assert [(one.rule, one.severity) for one in found] == [("DEV-002", "info")]
    assert "kvm" in found[0].message_zh
    assert "SSH" in found[0].message_en
    assert len(found[0].evidence) == 2


@pytest.mark.parametrize(
    ("addresses", "told"),
    [
        (("192.168.1.20", "fe80::1"), "内网"),
        (("10.0.0.7",), "内网"),
        (("100.64.3.9",), "运营商"),
        (("fd00::2",), "内网"),
        (("8.8.8.8", "192.168.1.20"), ""),
        (("2400:3200::1",), ""),
        ((), ""),
        (("127.0.0.1", "169.254.3.3", "not an address"), ""),
    ],
)
def test_an_address_that_others_share_is_a_hint(addresses: tuple[str, ...], told: str) -> None:
    found = check_network(addresses)
    assert [(one.rule, one.severity) for one in found] == ([("NET-001", "info")] if told else [])
    assert all(told in one.message_zh for one in found)


def test_marks_are_equal_for_equal_values_and_hide_them() -> None:
    marks = device_marks(FACTS, ("锁 7",), KEY)
    assert marks == device_marks(FACTS, ("锁 7",), KEY)
    assert marks["mac"] != device_marks(FACTS, (), bytes([1]) * 32)["mac"]
    assert marks["lock"] != device_marks(FACTS, ("锁 8",), KEY)["lock"]
    assert [len(marks[kind]) for kind in ("mac", "disk", "board", "cpu", "host", "lock")] == [
        1,
        1,
        0,
        1,
        1,
        1,
    ]
    assert not {"b4:2e:99:01:02:03", "S4EVNX0R", "office-7"} & {
        one for many in marks.values() for one in many
    }


def test_the_statement_gives_each_value_or_the_reason() -> None:
    lines = {(en, value): note for _, en, value, note in statement(FACTS)}
    assert lines[("MAC address", "b4:2e:99:01:02:03 (eth0)")] == ""
    assert "virtual" in lines[("MAC address", "00:50:56:c0:00:01 (vmnet1)")]
    assert "chosen by software" in lines[("MAC address", "02:11:22:33:44:55 (usb0)")]
    assert "不是序列号" in lines[("CPU “serial number”", "GenuineIntel 000906ED")]
    assert "not allowed" in lines[("board serial number", "")]
    assert ("disk serial number", "S4EVNX0R") in lines
