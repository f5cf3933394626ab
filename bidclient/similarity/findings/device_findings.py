"""Whether another company's bid was made on this computer, and what it runs on (DEV-*, NET-001)."""

import ipaddress
from collections.abc import Sequence

from bidclient.checks.finding import Evidence, Finding, Place
from bidclient.similarity.findings.catalogue import told
from bidclient.similarity.findings.device import Bid, DeviceFacts, DeviceUse, Ledger, Marks

_DECIDING = {"mac": ("网卡", "network adapter"), "disk": ("硬盘", "disk"), "board": ("主板", "board")}
"""What names one computer. CPU and host name are noted too, but many computers have the same."""
_ACTIONS = {"packed": ("固化", "packed"), "checked": ("自查", "checked")}
_SHARED_BY_CARRIER = ipaddress.ip_network("100.64.0.0/10")
_THIS_COMPUTER = "device"
_LEDGER = "device-ledger"


def check_device(bid: Bid, ledger: Ledger, marks: Marks, facts: DeviceFacts) -> list[Finding]:
    """Another company's bid for the same lot on this computer; what of that cannot be told; virtual, remote.

    An entry that another computer made, as a copied data folder has them, does not count; one where neither
    can be told from the other does.
    """
    findings: list[Finding] = []
    others = [
        (use, shared)
        for use in ledger.uses
        if bid.uscc
        and use.uscc not in ("", bid.uscc)
        and (use.network, use.lot) == (bid.network, bid.lot)
        and (shared := _shared(use.marks, marks)) is not None
    ]
    if others:
        findings.append(_made_here(others))
    untold = list(ledger.damage)
    if not bid.uscc:
        untold.append(
            ("投标人的统一社会信用代码还没有填写", "the draft has no credit code of the bidder yet")
        )
    if untold:
        evidence = (Evidence(Place(_LEDGER), fact="; ".join(en for _, en in untold)),)
        zh, en = "；".join(zh for zh, _ in untold), "; ".join(en for _, en in untold)
        findings.append(told("DEV-003", _LEDGER, evidence, what_zh=zh, what_en=en))
    findings += _surroundings(facts)
    return findings


def check_network(addresses: Sequence[str]) -> list[Finding]:
    """NET-001 where the addresses are such that others go out by the same one; nothing without a network."""
    kinds = {text: _kind(text) for text in addresses}
    shared = [text for text, kind in kinds.items() if kind in ("private", "carrier")]
    if not shared or "public" in kinds.values():
        return []
    carrier = any(kind == "carrier" for kind in kinds.values())
    zh = "运营商级共享地址" if carrier else "内网地址"
    en = "an address that the carrier shares out" if carrier else "an address of a local network"
    what_zh = f"本机使用{zh}，出口 IP 可能与同一网络的其他电脑相同；本程序没有外联查询"
    what_en = (
        f"this computer has {en}, so that others on the same network may be seen under the same IP; nobody "
        "outside was asked"
    )
    evidence = tuple(Evidence(Place(_THIS_COMPUTER), fact=f"{text} ({kinds[text]})") for text in shared)
    return [told("NET-001", "network", evidence, what_zh=what_zh, what_en=what_en)]


def _shared(theirs: Marks, ours: Marks) -> tuple[str, ...] | None:
    """The kinds in which two computers agree; () when nothing can be compared, None when they differ."""
    nothing: frozenset[str] = frozenset()
    compared = [kind for kind in _DECIDING if theirs.get(kind) and ours.get(kind)]
    equal = tuple(kind for kind in compared if theirs.get(kind, nothing) & ours.get(kind, nothing))
    return equal if equal or not compared else None


def _made_here(others: Sequence[tuple[DeviceUse, tuple[str, ...]]]) -> Finding:
    """One line for each company, about its first entry: later ones say nothing new."""
    first = {use.uscc: (use, shared) for use, shared in reversed(others)}
    evidence = []
    for use, shared in reversed(first.values()):
        zh, en = _ACTIONS.get(use.action, (use.action, use.action))
        same_zh = "、".join(_DECIDING[kind][0] for kind in shared) or "无法比对设备"
        same_en = ", ".join(_DECIDING[kind][1] for kind in shared) or "devices cannot be compared"
        when = use.at[:16].replace("T", " ")
        words = (
            f"{when} {use.uscc} {zh}（相同：{same_zh}）",
            f"{use.uscc} {en} at {when} (equal: {same_en})",
        )
        evidence.append((words, Evidence(Place(_THIS_COMPUTER), Place(_LEDGER), words[1])))
    return told(
        "DEV-001",
        _THIS_COMPUTER,
        tuple(one for _, one in evidence),
        what_zh="；".join(zh for (zh, _), _ in evidence),
        what_en="; ".join(en for (_, en), _ in evidence),
    )


def _surroundings(facts: DeviceFacts) -> list[Finding]:
    """DEV-002."""
    seen = [
        (f"{zh} {probe.value}", f"{en} {probe.value}")
        for zh, en, probe in (
            ("虚拟化", "virtualisation", facts.virtual),
            ("远程会话", "remote session", facts.remote),
        )
        if probe.value
    ]
    if not seen:
        return []
    evidence = tuple(Evidence(Place(_THIS_COMPUTER), fact=en) for _, en in seen)
    zh, en = "；".join(zh for zh, _ in seen), "; ".join(en for _, en in seen)
    return [told("DEV-002", _THIS_COMPUTER, evidence, what_zh=zh, what_en=en)]


def _kind(text: str) -> str:
    """public, carrier (RFC 6598), private (RFC 1918, RFC 4193), or none for what leads nowhere."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return "none"
    if address.is_loopback or address.is_link_local or address.is_unspecified or address.is_multicast:
        return "none"
    if address.version == 4 and address in _SHARED_BY_CARRIER:
        return "carrier"
    return "public" if address.is_global else "private"
