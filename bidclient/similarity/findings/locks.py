"""Which pricing locks (造价软件加密锁) a pricing file has seen, against the company's own register."""

from collections.abc import Collection, Iterator

from bidclient.checks.finding import Evidence, Finding, Place, Severity
from bidclient.similarity.findings.catalogue import told
from bidclient.similarity.reading.hardware_records import judge_integrity
from bidclient.similarity.reading.pricing_file import PricingFile

_SHOWN = 10


def check_locks(where: str, title: str, file: PricingFile, register: Collection[str]) -> list[Finding]:
    """LCK-001 and LCK-002 of the pricing file at `where`; `register` is company.pricing_locks.

    With an empty register nobody can tell whose a lock is: then the locks are listed as a hint.
    """
    return [*_locks(where, title, file, register), *_integrity(where, title, file)]


def _locks(where: str, title: str, file: PricingFile, register: Collection[str]) -> Iterator[Finding]:
    seen = list(dict.fromkeys(one.lock for one in file.records if one.lock))
    own = {_folded(lock) for lock in register}
    unknown = [lock for lock in seen if _folded(lock) not in own]
    if not seen or (not unknown and len(seen) == 1):
        return
    listed = unknown if own and unknown else seen
    evidence = tuple(Evidence(Place(where), None, lock) for lock in listed[:_SHOWN])
    names = "、".join(listed[:_SHOWN]) + ("…" if len(listed) > _SHOWN else "")
    if not own:
        what = (
            f"先后用过 {names}；设置中没有登记本单位的加密锁，无法判断归属",
            f"{names}; no locks of your company are in the settings, so nobody can tell whose they are",
        )
    elif unknown:
        what = (
            f"{names} 不在本单位登记中（先后用过 {len(seen)} 把锁）",
            f"{names} not in your company's register ({len(seen)} locks have touched the file)",
        )
    else:
        what = f"先后用过 {len(seen)} 把本单位的锁：{names}", f"{len(seen)} of your own, one by one: {names}"
    severity: Severity | None = None if own and unknown else "info"
    yield told("LCK-001", where, evidence, severity, title=title, what_zh=what[0], what_en=what[1])


def _integrity(where: str, title: str, file: PricingFile) -> Iterator[Finding]:
    if not file.records and not file.integrity:
        return
    judged = judge_integrity(file.records, file.integrity)
    if judged.verdict == "valid":
        return
    told_zh = judged.reason_zh if judged.verdict == "invalid" else f"无法判断，{judged.reason_zh}"
    told_en = judged.reason_en if judged.verdict == "invalid" else f"cannot tell, {judged.reason_en}"
    evidence = (Evidence(Place(where), None, file.integrity),)
    severity: Severity | None = None if judged.verdict == "invalid" else "info"
    yield told("LCK-002", where, evidence, severity, title=title, what_zh=told_zh, what_en=told_en)


def _folded(lock: str) -> str:
    return "".join(filter(str.isalnum, lock)).upper()
