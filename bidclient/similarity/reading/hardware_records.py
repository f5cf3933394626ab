"""The computers and locks that a pricing program writes into its file, and the code that guards the list."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

_TAG = "ryjxx"
_LONGEST = 200
_METHOD = "SHA256:"


@dataclass(frozen=True)
class HardwareRecord:
    """One computer (软硬件信息, XTXX/RYJXX): serial of its lock, CPU signature, disk, MAC address, and when.

    Every program that touches the file appends one; platforms compare the last. Empty where nothing is told.
    """

    lock: str
    cpu: str = ""
    disk: str = ""
    mac: str = ""
    moment: str = ""


@dataclass(frozen=True)
class Judgement:
    """Whether the code fits the records: valid, invalid, or cannot tell; why, in both languages."""

    verdict: Literal["valid", "invalid", "cannot tell"]
    reason_zh: str
    reason_en: str


def record_in(tag: str, attributes: Mapping[str, str]) -> HardwareRecord | None:
    """The record that an element is, by its names in lower case; None when it is none."""
    if tag != _TAG and "jmsxlh" not in attributes:
        return None
    names = ("jmsxlh", "cpuxlh", "ypxlh", "wkdz", "sj")
    return HardwareRecord(*(attributes.get(name, "").strip()[:_LONGEST] for name in names))


def integrity_of(records: Sequence[HardwareRecord]) -> str:
    """The code of the neutral form: "SHA256:" and hex over the records, one line each, fields apart by tabs.

    It holds no secret: it tells a careless edit, not a forger.
    """
    lines = ["\t".join((one.lock, one.cpu, one.disk, one.mac, one.moment)) for one in records]
    return _METHOD + hashlib.sha256("\n".join(lines).encode("utf-8")).hexdigest()


def judge_integrity(records: Sequence[HardwareRecord], stated: str) -> Judgement:
    """The records of a file against the code that it states. Other programs' codes cannot be recomputed."""
    if not stated:
        return Judgement("cannot tell", "文件没有校验码", "the file has none")
    if not stated.startswith(_METHOD):
        return Judgement(
            "cannot tell",
            "由计价软件按其自有算法生成，本软件无法验证",
            "made by the pricing program in a way of its own",
        )
    if stated != integrity_of(records):
        return Judgement(
            "invalid", "与记录不符，文件导出后被改动过", "it does not fit: they were changed afterwards"
        )
    return Judgement("valid", "与记录一致", "it fits the records")
