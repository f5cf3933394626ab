"""What macOS tells about the computer, by the programs that it brings along."""

import plistlib
import re
import subprocess
from collections.abc import Sequence

import msgspec

from bidclient.desk.device_linux import NOT_THERE, made_up, probed
from bidclient.similarity.findings.device import Adapter, DeviceFacts, Probe

_SECONDS = 10
_PORT = re.compile(
    r"Hardware Port: (?P<port>.+)\nDevice: (?P<device>\S+)\nEthernet Address: (?P<mac>[0-9a-f:]{17})"
)
_INET = re.compile(r"^\s+inet6? ([0-9a-f.:]+)", re.MULTILINE)
_PLATFORM = ("ioreg", "-a", "-rd1", "-c", "IOPlatformExpertDevice")
_NOT_PHYSICAL = ("bridge", "thunderbolt", "vpn", "virtual")


class _Disk(msgspec.Struct, frozen=True):
    device_serial: str = ""


class _Bus(msgspec.Struct, frozen=True):
    items: tuple[_Disk, ...] = msgspec.field(name="_items", default=())


class _Disks(msgspec.Struct, frozen=True):
    buses: tuple[_Bus, ...] = msgspec.field(name="SPNVMeDataType", default=())


def macos_facts(host: str, remote: Probe) -> DeviceFacts:
    """All of it; what a program does not answer has a reason instead."""
    board, system = read_platform(_asked(_PLATFORM))
    disks = read_disks(_asked(("system_profiler", "-json", "SPNVMeDataType")))
    cpu = _asked(("sysctl", "-n", "machdep.cpu.brand_string")).decode("utf-8", "replace").strip()
    virtual = _asked(("sysctl", "-n", "kern.hv_vmm_present")).strip() == b"1"
    return DeviceFacts(
        adapters=read_ports(_asked(("networksetup", "-listallhardwareports"))),
        cpu=Probe(cpu) if cpu else NOT_THERE,
        disks=disks,
        disk_reason=Probe() if disks else NOT_THERE,
        board=board,
        system=system,
        host=host,
        virtual=Probe("hypervisor") if virtual else Probe(),
        remote=remote,
        addresses=read_addresses(_asked(("ifconfig",))),
    )


def read_platform(content: bytes) -> tuple[Probe, Probe]:
    """Serial number and UUID in what ioreg says."""
    try:
        entries = plistlib.loads(content)
    except (plistlib.InvalidFileException, ValueError):
        return NOT_THERE, NOT_THERE
    entry = entries[0] if isinstance(entries, list) and entries else {}
    serial, uuid = (str(entry.get(key, "")) for key in ("IOPlatformSerialNumber", "IOPlatformUUID"))
    return probed(serial), probed(uuid)


def read_ports(content: bytes) -> tuple[Adapter, ...]:
    """The adapters in what networksetup says."""
    return tuple(
        Adapter(
            found["device"],
            found["mac"],
            not any(word in found["port"].lower() for word in _NOT_PHYSICAL),
            made_up(found["mac"]),
        )
        for found in _PORT.finditer(content.decode("utf-8", "replace"))
    )


def read_disks(content: bytes) -> tuple[str, ...]:
    """The serial numbers in what system_profiler says."""
    try:
        answer = msgspec.json.decode(content, type=_Disks)
    except msgspec.DecodeError:
        return ()
    serials = (probed(disk.device_serial).value for bus in answer.buses for disk in bus.items)
    return tuple(serial for serial in serials if serial)


def read_addresses(content: bytes) -> tuple[str, ...]:
    """The addresses in what ifconfig says, without loopback."""
    found = _INET.findall(content.decode("utf-8", "replace"))
    return tuple(one for one in found if one != "::1" and not one.startswith("127."))


def _asked(command: Sequence[str]) -> bytes:
    """What a program prints; nothing when it is not there, or takes too long."""
    try:
        return subprocess.run(command, capture_output=True, timeout=_SECONDS, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return b""
