"""The device statement (设备指纹声明), told truthfully: what cannot be read is left empty."""

import platform
import uuid
from pathlib import Path

from bidclient.stages.package import DeviceStatement

_LOCALLY_MADE_UP = 1 << 40
"""uuid.getnode() invents an address with the multicast bit when it finds none."""


def device_statement() -> DeviceStatement:
    """MAC address, serial numbers of CPU, disk and board, host name; empty where not to be had."""
    return DeviceStatement(
        mac=_mac(),
        cpu=_cpu(),
        disk=_disk(),
        board=_line(Path("/sys/class/dmi/id/board_serial")),
        host=platform.node(),
    )


def _mac() -> str:
    node = uuid.getnode()
    if node & _LOCALLY_MADE_UP:
        return ""
    return ":".join(f"{node >> shift & 0xFF:02x}" for shift in range(40, -8, -8))


def _cpu() -> str:
    """The serial number where the processor has one (ARM), else its model."""
    facts: dict[str, str] = {}
    for line in _text(Path("/proc/cpuinfo")).splitlines():
        name, _, value = line.partition(":")
        facts.setdefault(name.strip(), value.strip())
    return facts.get("Serial") or facts.get("model name") or platform.processor()


def _disk() -> str:
    serials = (_line(path) for path in sorted(Path("/sys/block").glob("*/device/serial")))
    return next((serial for serial in serials if serial), "")


def _line(path: Path) -> str:
    return _text(path).strip()


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""
