"""What Linux tells about the computer, from /sys and /proc: nothing is sent anywhere."""

import re
import subprocess
from pathlib import Path

from bidclient.similarity.findings.device import Adapter, DeviceFacts, Probe

_SECONDS = 5
_ETHERNET = "1"
_NOT_A_DISK = re.compile(r"(?:loop|ram|zram|dm-|md|sr|fd|nbd)\d*")
_LOCAL = re.compile(r"\|-- ([0-9.]+)\n\s*/32 host LOCAL")
_GLOBAL_SCOPE = "00"
_MACHINES = (
    "VMware",
    "VirtualBox",
    "QEMU",
    "KVM",
    "Virtual Machine",
    "Parallels",
    "Xen",
    "Alibaba Cloud",
    "Tencent Cloud",
    "HUAWEI CLOUD",
    "OpenStack",
    "Bochs",
)
"""What virtual machines call themselves in the DMI tables."""
PLACEHOLDERS = frozenset(
    {"", "0", "default string", "none", "not specified", "system serial number", "to be filled by o.e.m."}
)
"""What makers of boards leave where a serial number belongs."""
NOT_THERE = Probe("", "系统没有提供", "the system does not tell")
NOT_ALLOWED = Probe("", "没有读取权限", "reading it is not allowed")
PLACEHOLDER = Probe("", "厂商没有填写", "the maker has not filled it in")


def linux_facts(host: str, remote: Probe, root: Path = Path("/")) -> DeviceFacts:
    """All of it; `root` is where /sys and /proc are."""
    disks = _disks(root / "sys/block")
    dmi = root / "sys/class/dmi/id"
    return DeviceFacts(
        adapters=_adapters(root / "sys/class/net"),
        cpu=_cpu(root / "proc/cpuinfo"),
        disks=disks,
        disk_reason=Probe() if disks else NOT_THERE,
        board=read_line(dmi / "board_serial"),
        system=read_line(dmi / "product_uuid"),
        host=host,
        virtual=_virtual(root),
        remote=remote,
        addresses=_addresses(root / "proc/net"),
    )


def probed(value: str) -> Probe:
    """A serial number, unless the maker has left a placeholder."""
    return PLACEHOLDER if value.strip().lower() in PLACEHOLDERS else Probe(value.strip())


def read_line(path: Path) -> Probe:
    """The content of a small file."""
    try:
        return probed(path.read_text("utf-8", "replace"))
    except PermissionError:
        return NOT_ALLOWED
    except OSError:
        return NOT_THERE


def made_up(mac: str) -> bool:
    """Whether an address is locally administered: bit 1 of its first octet (IEEE 802 §8.4)."""
    return bool(int(mac[:2], 16) & 2)


def _adapters(folder: Path) -> tuple[Adapter, ...]:
    """Ethernet and Wi-Fi; the system keeps virtual ones below devices/virtual."""
    found = []
    for path in sorted(folder.glob("*")):
        mac = read_line(path / "address").value.lower()
        if read_line(path / "type").value == _ETHERNET and re.fullmatch(
            r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}", mac
        ):
            physical = (path / "device").exists() and "virtual" not in path.resolve().parts
            found.append(Adapter(path.name, mac, physical, made_up(mac)))
    return tuple(found)


def _cpu(path: Path) -> Probe:
    """The CPUID signature of x86 (leaf 1, EAX) with the model's name; a serial number where ARM has one."""
    facts: dict[str, str] = {}
    for line in read_line(path).value.splitlines():
        name, _, value = line.partition(":")
        facts.setdefault(name.strip(), value.strip())
    if serial := facts.get("Serial", ""):
        return probed(serial)
    name = facts.get("model name", "")
    try:
        family, model, stepping = (int(facts[key]) for key in ("cpu family", "model", "stepping"))
    except (KeyError, ValueError):
        return Probe(name) if name else NOT_THERE
    signature = max(0, family - 15) << 20 | (model >> 4) << 16 | min(family, 15) << 8 | (model & 15) << 4
    return Probe(f"{facts.get('vendor_id', '')} {signature | stepping:08X} {name}".strip())


def _disks(folder: Path) -> tuple[str, ...]:
    """Serial numbers of the fixed disks, or their world wide names."""
    serials = []
    for path in sorted(folder.glob("*")):
        if _NOT_A_DISK.fullmatch(path.name) or read_line(path / "removable").value == "1":
            continue
        for name in ("device/serial", "serial", "device/wwid", "wwid"):
            if serial := read_line(path / name).value:
                serials.append(serial)
                break
    return tuple(dict.fromkeys(serials))


def _virtual(root: Path) -> Probe:
    """The kind of virtual machine or container, as systemd tells it, or else the DMI tables."""
    if root == Path("/"):
        try:
            done = subprocess.run(["systemd-detect-virt"], capture_output=True, timeout=_SECONDS, check=False)
            kind = done.stdout.decode("utf-8", "replace").strip()
            if kind:
                return Probe() if kind == "none" else Probe(kind)
        except (OSError, subprocess.TimeoutExpired):
            pass
    named = " ".join(
        read_line(root / "sys/class/dmi/id" / name).value for name in ("sys_vendor", "product_name")
    )
    if any(machine.lower() in named.lower() for machine in _MACHINES):
        return Probe(named.strip())
    flags = read_line(root / "proc/cpuinfo").value
    return Probe("hypervisor") if re.search(r"^flags\s*:.*\bhypervisor\b", flags, re.MULTILINE) else Probe()


def _addresses(folder: Path) -> tuple[str, ...]:
    """The addresses of the adapters, without loopback: of IPv6 those of global scope."""
    found = [
        one for one in _LOCAL.findall(read_line(folder / "fib_trie").value) if not one.startswith("127.")
    ]
    for line in read_line(folder / "if_inet6").value.splitlines():
        parts = line.split()
        if len(parts) == 6 and parts[3] == _GLOBAL_SCOPE:
            found.append(":".join(re.findall("....", parts[0])))
    return tuple(dict.fromkeys(found))
