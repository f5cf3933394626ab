"""The device statement (设备指纹声明), told truthfully: what cannot be read is left empty."""

import platform
import sys
import uuid
from collections.abc import Mapping
from pathlib import Path

from bidclient.similarity.findings.device import DeviceFacts, Probe
from bidclient.stages.package import DeviceStatement

_LOCALLY_MADE_UP = 1 << 40
"""uuid.getnode() invents an address with the multicast bit when it finds none."""


def device_statement(facts: DeviceFacts) -> DeviceStatement:
    """MAC address, serial numbers of CPU, disk and board, host name; empty where not to be had."""
    return DeviceStatement(
        mac=_mac(),
        cpu=_cpu(),
        disk=next(iter(facts.disks), ""),
        board=facts.board.value,
        host=facts.host,
    )


def device_facts(environment: Mapping[str, str]) -> DeviceFacts:
    """Everything that the self-check looks at, read and never changed; the environment tells remote sessions.

    It may take seconds: other programs are asked on Windows and macOS.
    """
    host, remote = platform.node(), remote_session(environment)
    if sys.platform == "win32":
        from bidclient.desk.device_windows import windows_facts

        return windows_facts(host, remote)
    if sys.platform == "darwin":
        from bidclient.desk.device_macos import macos_facts

        return macos_facts(host, remote)
    from bidclient.desk.device_linux import linux_facts

    return linux_facts(host, remote)


def remote_session(environment: Mapping[str, str]) -> Probe:
    """By what somebody works here from elsewhere: SSH, or a remote desktop; never from where."""
    if environment.get("SSH_CONNECTION") or environment.get("SSH_TTY"):
        return Probe("SSH")
    if environment.get("XRDP_SESSION"):
        return Probe("xrdp")
    if environment.get("SESSIONNAME", "").upper().startswith(("RDP-", "ICA-")):
        return Probe("Windows 远程桌面 / remote desktop")
    return Probe()


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


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""
