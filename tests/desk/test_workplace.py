"""What each system tells of a computer is read as it stands, and what is packed on it is remembered."""

import json
import plistlib
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path, PureWindowsPath

import pytest

from bidclient.desk import build
from bidclient.desk.device import device_facts, device_statement, remote_session
from bidclient.desk.device_linux import linux_facts
from bidclient.desk.device_macos import read_addresses, read_disks, read_platform, read_ports
from bidclient.desk.device_windows import _powershell, read_answer
from bidclient.desk.workplace import Workplace, WorkplaceFiles
from bidclient.network.clock import system_now
from bidclient.similarity.findings.device import Adapter, Probe
from bidclient.stages.tender import Tender, read_tender
from bidclient.store.bids import BidFolder
from bidclient.store.device_ledger import DeviceLedger
from bidclient.store.settings import Settings
from bidclient.store.state import draft_of
from tests.support.bids import make_pki, tender_record
from tests.support.desks import Bidder

OURS, THEIRS = "91620000MA7ABCDE1X", "91620000MA7ZZZZZ9Y"
NOW = datetime(2026, 11, 20, 1, tzinfo=UTC)
linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /sys")


def test_the_systems_own_powershell_is_asked() -> None:
    """By its bare name one that lies in the current folder would be started."""
    assert PureWindowsPath(_powershell()).is_absolute()


def files(folder: Path) -> WorkplaceFiles:
    return WorkplaceFiles(folder / "data", folder / "data" / "ledger", folder / "settings" / "ends.json")


def place(folder: Path) -> Workplace:
    return Workplace(files(folder), {}, lambda: NOW)


@pytest.fixture(scope="module")
def tender() -> Tender:
    return tender_record(make_pki())


# ------------------------------------------------------------------------------------------- the computer


def written(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, "utf-8")


def adapter(root: Path, name: str, mac: str, where: str, kind: str = "1") -> None:
    """An adapter as the kernel shows it: a link to where it hangs."""
    home = root / "sys/devices" / where / name
    written(home / "address", f"{mac}\n")
    written(home / "type", f"{kind}\n")
    if "virtual" not in where:
        written(home / "device/vendor", "0x8086\n")
    (root / "sys/class/net").mkdir(parents=True, exist_ok=True)
    (root / "sys/class/net" / name).symlink_to(home)


CPU = """processor\t: 0
vendor_id\t: GenuineIntel
cpu family\t: 6
model\t\t: 158
model name\t: Intel(R) Core(TM) i7-9700
stepping\t: 13
flags\t\t: fpu vme
"""
ROUTES = """Local:
     |-- 127.0.0.1
        /32 host LOCAL
           |-- 192.168.1.20
              /32 host LOCAL
           |-- 192.168.1.255
              /32 link BROADCAST
"""
ADDRESSES = (
    "00000000000000000000000000000001 01 80 10 80       lo\n"
    "fe8000000000000000fc00fffe000001 02 40 20 80     eth0\n"
    "24003200000000000000000000000001 02 40 00 80     eth0\n"
)


@linux
def test_linux_tells_adapters_disks_and_the_signature_of_the_cpu(tmp_path: Path) -> None:
    adapter(tmp_path, "eth0", "B4:2E:99:01:02:03", "pci0000:00/net")
    adapter(tmp_path, "eth1", "02:11:22:33:44:55", "pci0000:00/net")
    adapter(tmp_path, "veth7", "4a:78:a2:42:9b:81", "virtual/net")
    adapter(tmp_path, "lo", "00:00:00:00:00:00", "virtual/net", "772")
    written(tmp_path / "sys/block/nvme0n1/device/serial", "S4EVNX0R  \n")
    written(tmp_path / "sys/block/sda/device/wwid", "naa.5000c500\n")
    written(tmp_path / "sys/block/sdb/device/serial", "USBSTICK\n")
    written(tmp_path / "sys/block/sdb/removable", "1\n")
    written(tmp_path / "sys/block/loop0/serial", "no disk\n")
    written(tmp_path / "sys/class/dmi/id/board_serial", "To be filled by O.E.M.\n")
    written(tmp_path / "sys/class/dmi/id/sys_vendor", "LENOVO\n")
    written(tmp_path / "proc/cpuinfo", CPU)
    written(tmp_path / "proc/net/fib_trie", ROUTES)
    written(tmp_path / "proc/net/if_inet6", ADDRESSES)
    found = linux_facts("office-7", Probe(), tmp_path)
    assert found.adapters == (
        Adapter("eth0", "b4:2e:99:01:02:03", physical=True, made_up=False),
        Adapter("eth1", "02:11:22:33:44:55", physical=True, made_up=True),
        Adapter("veth7", "4a:78:a2:42:9b:81", physical=False, made_up=True),
    )
    assert [one.name for one in found.adapters if one.tells] == ["eth0"]
    assert found.disks == ("S4EVNX0R", "naa.5000c500")
    # i7-9700: CPUID leaf 1 gives EAX 000906ED.
    assert found.cpu.value == "GenuineIntel 000906ED Intel(R) Core(TM) i7-9700"
    assert (found.board.value, found.board.reason_en) == ("", "the maker has not filled it in")
    assert (found.system.value, found.system.reason_en) == ("", "the system does not tell")
    assert found.virtual == Probe()
    assert found.addresses == ("192.168.1.20", "2400:3200:0000:0000:0000:0000:0000:0001")


@linux
@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("sys/class/dmi/id/product_name", "VMware Virtual Platform\n", "VMware Virtual Platform"),
        ("sys/class/dmi/id/sys_vendor", "QEMU\n", "QEMU"),
        ("proc/cpuinfo", CPU.replace("fpu vme", "fpu hypervisor vme"), "hypervisor"),
        ("proc/cpuinfo", CPU, ""),
        ("sys/class/dmi/id/sys_vendor", "Dell Inc.\n", ""),
    ],
)
def test_linux_tells_a_virtual_machine(tmp_path: Path, name: str, content: str, told: str) -> None:
    written(tmp_path / name, content)
    assert linux_facts("x", Probe(), tmp_path).virtual.value == told


@linux
def test_this_computer_is_what_other_programs_say() -> None:
    found = device_facts({})
    told = subprocess.run(["ip", "-json", "link"], capture_output=True, check=True, timeout=30).stdout
    links = {link["ifname"]: link["address"] for link in json.loads(told) if link["link_type"] == "ether"}
    assert {one.name: one.mac for one in found.adapters} == links
    virtual = subprocess.run(["systemd-detect-virt"], capture_output=True, check=False, timeout=30)
    assert found.virtual.value == virtual.stdout.decode().strip().replace("none", "")
    told = subprocess.run(["ip", "-json", "address"], capture_output=True, check=True, timeout=30).stdout
    addresses = [one for link in json.loads(told) for one in link["addr_info"] if one["family"] == "inet"]
    expected = {one["local"] for one in addresses if one["scope"] != "host"}
    assert {one for one in found.addresses if ":" not in one} == expected


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"SSH_CONNECTION": "192.0.2.9 50022 192.0.2.2 22"}, "SSH"),
        ({"XRDP_SESSION": "1"}, "xrdp"),
        ({"SESSIONNAME": "RDP-Tcp#3"}, "remote desktop"),
        ({"SESSIONNAME": "Console", "SSH_CONNECTION": ""}, ""),
    ],
)
def test_a_remote_session_is_told_but_not_from_where(environment: dict[str, str], told: str) -> None:
    found = remote_session(environment).value
    assert told in found
    assert bool(found) == bool(told)
    assert "192.0.2.9" not in found


def test_an_answer_of_windows_is_read() -> None:
    answer = {
        "adapters": [
            {"Name": "Realtek PCIe GbE", "MACAddress": "B4:2E:99:01:02:03", "PhysicalAdapter": True},
            {"Name": "VMware Virtual Ethernet", "MACAddress": "00:50:56:C0:00:01", "PhysicalAdapter": True},
            {"Name": "WAN Miniport (IP)", "MACAddress": "AA:11:22:33:44:55", "PhysicalAdapter": False},
        ],
        "addresses": ["192.168.1.20", "fe80::1"],
        "processors": [{"Name": "Intel(R) Core(TM) i7-9700 ", "ProcessorId": "BFEBFBFF000906ED"}],
        "disks": [
            {"SerialNumber": " S4EVNX0R. ", "InterfaceType": "SCSI"},
            {"SerialNumber": "STICK", "InterfaceType": "USB"},
        ],
        "boards": [{"SerialNumber": "Default string"}],
        "systems": [{"Vendor": "LENOVO", "Name": "11DT", "UUID": "4C4C4544-0042"}],
    }
    found = read_answer(b"\xef\xbb\xbf" + json.dumps(answer).encode(), "office-7", Probe())
    assert [one.mac for one in found.adapters if one.tells] == ["b4:2e:99:01:02:03"]
    assert (found.disks, found.cpu.value) == (("S4EVNX0R.",), "BFEBFBFF000906ED Intel(R) Core(TM) i7-9700")
    assert (found.board.value, found.board.reason_en) == ("", "the maker has not filled it in")
    assert (found.system.value, found.virtual, found.addresses) == (
        "4C4C4544-0042",
        Probe(),
        ("192.168.1.20", "fe80::1"),
    )
    machine = {**answer, "systems": [{"Vendor": "VMware, Inc.", "Name": "VMware20,1", "UUID": None}]}
    assert "VMware" in read_answer(json.dumps(machine).encode(), "x", Probe()).virtual.value


def test_an_empty_answer_of_windows_leaves_reasons() -> None:
    found = read_answer(b'{"adapters":[],"disks":[],"processors":[]}', "x", Probe())
    assert (found.adapters, found.disks) == ((), ())
    assert found.cpu.reason_en
    assert found.disk_reason.reason_en
    assert found.board.reason_en


def test_answers_of_macos_are_read() -> None:
    platform = plistlib.dumps([{"IOPlatformSerialNumber": "C02XK", "IOPlatformUUID": "8A5C-11"}])
    assert [one.value for one in read_platform(platform)] == ["C02XK", "8A5C-11"]
    assert all(one.reason_en for one in read_platform(b""))
    ports = (
        b"\nHardware Port: Wi-Fi\nDevice: en0\nEthernet Address: b4:2e:99:01:02:03\n"
        b"\nHardware Port: Thunderbolt Bridge\nDevice: bridge0\nEthernet Address: 36:11:22:33:44:55\n"
    )
    assert [(one.name, one.tells) for one in read_ports(ports)] == [("en0", True), ("bridge0", False)]
    disks = {"SPNVMeDataType": [{"_items": [{"_name": "APPLE SSD", "device_serial": "0ba01"}], "_name": "x"}]}
    assert read_disks(json.dumps(disks).encode()) == ("0ba01",)
    assert read_disks(b"") == ()
    said = b"lo0:\n\tinet 127.0.0.1 netmask\nen0:\n\tinet 192.168.1.20 netmask 0xff\n\tinet6 fe80::1%en0\n"
    assert read_addresses(said) == ("192.168.1.20", "fe80::1")


def test_the_statement_of_a_bid_says_what_was_read(tmp_path: Path) -> None:
    here = device_facts({})
    said = device_statement(replace(here, disks=("S4EVNX0R", "X"), board=Probe("PF1", "", "")))
    assert (said.disk, said.board, said.host) == ("S4EVNX0R", "PF1", here.host)
    assert said.mac in {"", *(one.mac for one in here.adapters)}
    nothing = device_statement(replace(here, disks=(), board=Probe("", "没有读取权限", "not allowed")))
    assert (nothing.disk, nothing.board) == ("", "")


# --------------------------------------------------------------------------------------------- the ledger


def test_a_bid_of_another_company_for_the_lot_is_remembered(tmp_path: Path, tender: Tender) -> None:
    place(tmp_path).note("packed", THEIRS, tender)
    assert "DEV-001" in {one.rule for one in place(tmp_path).findings(OURS, tender)}
    assert "DEV-001" not in {one.rule for one in place(tmp_path).findings(THEIRS, tender)}
    place(tmp_path / "other").note("packed", OURS, tender)
    assert {one.rule for one in place(tmp_path / "other").findings(OURS, tender)} <= {"DEV-002", "NET-001"}


def test_what_is_written_down_holds_no_serial_number(tmp_path: Path, tender: Tender) -> None:
    here = place(tmp_path)
    here.note("packed", OURS, tender, ("LOCK-0815",))
    written_down = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    secrets = [*(one.mac for one in here.facts.adapters), *here.facts.disks, here.facts.host, "LOCK-0815"]
    assert secrets
    assert [one for one in secrets if one and one.encode() in written_down] == []
    assert OURS.encode() in written_down


def test_harm_to_the_ledger_is_told(tmp_path: Path, tender: Tender) -> None:
    place(tmp_path).note("packed", OURS, tender)
    (chain,) = (tmp_path / "data" / "ledger").glob("*.jsonl")
    chain.write_bytes(chain.read_bytes().replace(b"packed", b"pocked"))
    found = {one.rule: one for one in place(tmp_path).findings(OURS, tender)}
    assert "001-uses.jsonl" in found["DEV-003"].message_zh


def test_without_a_ledger_that_is_said(tender: Tender) -> None:
    nowhere = Workplace(None, {}, lambda: NOW)
    nowhere.note("packed", OURS, tender)
    assert "没有设备台账" in {one.rule: one for one in nowhere.findings(OURS, tender)}["DEV-003"].message_zh


def test_packing_a_bid_is_written_into_the_ledger(bidder: Bidder, tmp_path: Path) -> None:
    folder, where = bidder.drafted(), files(tmp_path / "here")
    with build(
        Settings(network=bidder.settings.network), now=system_now, sources=(), workplace=where
    ) as desk:
        desk.signing.pack(folder)
    (use,) = DeviceLedger(where.ledger, where.ledger_ends).read().uses
    own = read_tender(folder / "tender.tender").tender
    assert (use.action, use.uscc, use.lot) == ("packed", bidder.offer.bidder.uscc, own.lot.id)
    assert use.creation_code == draft_of(BidFolder.open(folder)).creation_code


def test_a_ledger_that_cannot_be_written_costs_no_deadline_and_is_noted(
    bidder: Bidder, tmp_path: Path
) -> None:
    folder, where = bidder.drafted(), files(tmp_path / "here")
    where.data.parent.mkdir()
    where.data.write_bytes(b"a file, not a folder")
    with build(
        Settings(network=bidder.settings.network), now=system_now, sources=(), workplace=where
    ) as desk:
        desk.signing.pack(folder)
    packed = BidFolder.open(folder).journal.latest("packed")
    assert packed is not None
    assert packed.data["device_ledger"] == "E-DISK"
    assert (folder / "bid.zip").is_file()
