"""This computer as the platforms will see it, and what is remembered of the bids that were made on it.

Everything here is read and shown, never changed: a serial number is evidence, not ours to edit.
"""

import hashlib
import hmac
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from bidclient.formats.instant import Instant

_MARK_CHARACTERS = 32


@dataclass(frozen=True)
class Probe:
    """A value that was read; or none, with the reason in both languages."""

    value: str = ""
    reason_zh: str = ""
    reason_en: str = ""


@dataclass(frozen=True)
class Adapter:
    """A network adapter. `made_up`: its address was chosen by an administrator or a program (IEEE 802 §8.4).

    Only an adapter that is physical and not made up can tell computers apart, and a docking station that
    people share is physical too.
    """

    name: str
    mac: str
    physical: bool
    made_up: bool

    @property
    def tells(self) -> bool:
        """Whether its address names this computer."""
        return self.physical and not self.made_up


@dataclass(frozen=True)
class DeviceFacts:
    """What can be read of this computer.

    `cpu` is what is called 序列号 on platforms: the CPUID signature, the same for every CPU of a model.
    `virtual` and `remote` have the kind of virtual machine and of remote session as their value, if any.
    `addresses` are those of its adapters, without loopback; nobody outside was asked.
    """

    adapters: tuple[Adapter, ...]
    cpu: Probe
    disks: tuple[str, ...]
    disk_reason: Probe
    board: Probe
    system: Probe
    host: str
    virtual: Probe
    remote: Probe
    addresses: tuple[str, ...]


Marks = Mapping[str, frozenset[str]]
"""By kind (mac, disk, board, cpu, host, lock): keyed digests, which tell equal from different and no more."""


@dataclass(frozen=True)
class DeviceUse:
    """An entry of the ledger: `uscc` had a bid for a lot `packed` or `checked` on this computer at `at`.

    `marks` has those of the pricing locks that its price files named, too; `creation_code` is the draft's.
    """

    at: Instant
    action: str
    uscc: str
    network: str
    project: str
    lot: str
    marks: Marks
    creation_code: str = ""


@dataclass(frozen=True)
class Ledger:
    """What the ledger tells, and in both languages where it is damaged."""

    uses: tuple[DeviceUse, ...]
    damage: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Bid:
    """Whose bid is being made, and for what."""

    uscc: str
    network: str
    project: str
    lot: str


def device_marks(facts: DeviceFacts, locks: Collection[str], key: bytes) -> Marks:
    """The marks of this computer and of pricing locks, by HMAC-SHA-256 with a key that never leaves it."""
    values = {
        "mac": [adapter.mac for adapter in facts.adapters if adapter.tells],
        "disk": facts.disks,
        "board": [facts.board.value, facts.system.value],
        "cpu": [facts.cpu.value],
        "host": [facts.host],
        "lock": locks,
    }
    return {kind: frozenset(_mark(kind, one, key) for one in found if one) for kind, found in values.items()}


def _mark(kind: str, value: str, key: bytes) -> str:
    plain = f"{kind}\0{value.strip().lower()}".encode()
    return hmac.new(key, plain, hashlib.sha256).hexdigest()[:_MARK_CHARACTERS]


def statement(facts: DeviceFacts) -> tuple[tuple[str, str, str, str], ...]:
    """What the platforms look at, line by line: name in both languages, value, and what to know about it."""
    lines = [
        (
            "MAC 地址",
            "MAC address",
            f"{adapter.mac} ({adapter.name})",
            _adapter_note(adapter),
        )
        for adapter in facts.adapters
    ]
    lines.append(("CPU 序列号", "CPU “serial number”", *_valued(facts.cpu, _CPU_NOTE)))
    lines += [("硬盘序列号", "disk serial number", disk, "") for disk in facts.disks]
    if not facts.disks:
        lines.append(("硬盘序列号", "disk serial number", *_valued(facts.disk_reason, "")))
    lines.append(("主板序列号", "board serial number", *_valued(facts.board, "")))
    lines.append(("系统 UUID", "system UUID", *_valued(facts.system, "")))
    lines.append(("计算机名", "host name", facts.host, ""))
    return tuple(lines)


_CPU_NOTE = "CPUID 特征值，同型号 CPU 都相同，不是序列号 / the CPUID signature, equal for all CPUs of a model"


def _valued(probe: Probe, note: str) -> tuple[str, str]:
    return (probe.value, note) if probe.value else ("", f"{probe.reason_zh} / {probe.reason_en}")


def _adapter_note(adapter: Adapter) -> str:
    notes = []
    if not adapter.physical:
        notes.append("虚拟网卡 / virtual")
    if adapter.made_up:
        notes.append("地址由软件设定 / address chosen by software")
    return "；".join(notes)
