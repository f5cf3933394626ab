"""What Windows tells about the computer: one question to CIM, because wmic is no longer part of it."""

import os
import subprocess
from pathlib import Path

import msgspec

from bidclient.desk.device_linux import NOT_THERE, made_up, probed
from bidclient.similarity.findings.device import Adapter, DeviceFacts, Probe

_SECONDS = 20
_VIRTUAL_ADAPTERS = ("virtual", "vpn", "tap-", "vmware", "hyper-v", "loopback", "bluetooth", "wan miniport")
_MACHINES = ("vmware", "virtualbox", "qemu", "kvm", "virtual machine", "parallels", "xen", "cloud", "bochs")
QUESTION = """
$ErrorActionPreference = 'SilentlyContinue'
[Console]::OutputEncoding = [Text.Encoding]::UTF8
[ordered]@{
  adapters = @(Get-CimInstance Win32_NetworkAdapter -Filter 'MACAddress IS NOT NULL' |
    Select-Object Name, MACAddress, PhysicalAdapter)
  addresses = @(Get-CimInstance Win32_NetworkAdapterConfiguration -Filter 'IPEnabled = TRUE' |
    ForEach-Object { $_.IPAddress })
  processors = @(Get-CimInstance Win32_Processor | Select-Object Name, ProcessorId)
  disks = @(Get-CimInstance Win32_DiskDrive | Select-Object SerialNumber, InterfaceType)
  boards = @(Get-CimInstance Win32_BaseBoard | Select-Object SerialNumber)
  systems = @(Get-CimInstance Win32_ComputerSystemProduct | Select-Object Vendor, Name, UUID)
} | ConvertTo-Json -Depth 4 -Compress
"""


class _Adapter(msgspec.Struct, frozen=True, rename="pascal"):
    mac: str | None = msgspec.field(name="MACAddress", default=None)
    name: str | None = None
    physical: bool | None = msgspec.field(name="PhysicalAdapter", default=None)


class _Processor(msgspec.Struct, frozen=True, rename="pascal"):
    name: str | None = None
    processor_id: str | None = None


class _Disk(msgspec.Struct, frozen=True, rename="pascal"):
    serial_number: str | None = None
    interface_type: str | None = None


class _Board(msgspec.Struct, frozen=True, rename="pascal"):
    serial_number: str | None = None


class _System(msgspec.Struct, frozen=True, rename="pascal"):
    vendor: str | None = None
    name: str | None = None
    uuid: str | None = msgspec.field(name="UUID", default=None)


class _Answer(msgspec.Struct, frozen=True):
    adapters: tuple[_Adapter, ...] = ()
    addresses: tuple[str, ...] = ()
    processors: tuple[_Processor, ...] = ()
    disks: tuple[_Disk, ...] = ()
    boards: tuple[_Board, ...] = ()
    systems: tuple[_System, ...] = ()


def windows_facts(host: str, remote: Probe) -> DeviceFacts:
    """All of it; where PowerShell gives no answer, the reason."""
    try:
        done = subprocess.run(
            [str(_powershell()), "-NoProfile", "-NonInteractive", "-Command", QUESTION],
            capture_output=True,
            timeout=_SECONDS,
            check=False,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        return read_answer(done.stdout, host, remote)
    except (OSError, subprocess.TimeoutExpired, msgspec.DecodeError) as error:
        why = type(error).__name__
        return _without(
            Probe("", f"PowerShell 没有回答（{why}）", f"no answer by PowerShell ({why})"), host, remote
        )


def _powershell() -> Path:
    """The system's own: by its bare name one in the current folder would come first."""
    return Path(os.environ.get("SYSTEMROOT", r"C:\Windows"), "System32/WindowsPowerShell/v1.0/powershell.exe")


def read_answer(content: bytes, host: str, remote: Probe) -> DeviceFacts:
    """The facts in an answer to QUESTION. Raises msgspec.DecodeError for what is none."""
    answer = msgspec.json.decode(content.removeprefix(b"\xef\xbb\xbf"), type=_Answer)
    processor = next(iter(answer.processors), _Processor())
    system = next(iter(answer.systems), _System())
    disks = tuple(
        probed(disk.serial_number or "").value for disk in answer.disks if disk.interface_type != "USB"
    )
    named = f"{system.vendor or ''} {system.name or ''}".strip()
    cpu = f"{processor.processor_id or ''} {(processor.name or '').strip()}".strip()
    boards = [probed(board.serial_number or "") for board in answer.boards]
    return DeviceFacts(
        adapters=tuple(_adapter(one) for one in answer.adapters if one.mac),
        cpu=Probe(cpu) if cpu else NOT_THERE,
        disks=tuple(disk for disk in disks if disk),
        disk_reason=Probe() if any(disks) else NOT_THERE,
        board=next(iter(boards), NOT_THERE),
        system=probed(system.uuid or ""),
        host=host,
        virtual=Probe(named) if any(machine in named.lower() for machine in _MACHINES) else Probe(),
        remote=remote,
        addresses=answer.addresses,
    )


def _adapter(one: _Adapter) -> Adapter:
    name, mac = one.name or "", (one.mac or "").replace("-", ":").lower()
    virtual = not one.physical or any(word in name.lower() for word in _VIRTUAL_ADAPTERS)
    return Adapter(name, mac, not virtual, made_up(mac))


def _without(reason: Probe, host: str, remote: Probe) -> DeviceFacts:
    return DeviceFacts((), reason, (), reason, reason, reason, host, Probe(), remote, ())
