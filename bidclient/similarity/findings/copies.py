"""Was the draft begun from the tender, or copied: has its creation code (文件创建标识码) been seen before?"""

from collections.abc import Iterable
from dataclasses import dataclass

from bidclient.checks.finding import Evidence, Finding, Place
from bidclient.similarity.findings.catalogue import told
from bidclient.stages.draft import Draft

_CODE = "creation_code"


@dataclass(frozen=True)
class SeenCode:
    """A creation code that the archive, the ledger or a named bid has: whose bid it was, and for which lot.

    `company` is the name for people, `uscc` may be empty where it is not known; `name` is the bid or file.
    """

    code: str
    uscc: str
    company: str
    lot: str
    name: str


def check_creation_code(draft: Draft, seen: Iterable[SeenCode]) -> list[Finding]:
    """GUID-001: blocking when another company's bid has the code, a warning when our own for another lot has.

    The same code for the same lot by the same company is the bid itself, or an earlier state of it.
    """
    findings = []
    for one in dict.fromkeys(seen):
        if one.code != draft.creation_code or not one.code:
            continue
        foreign = bool(one.uscc and draft.bidder.uscc and one.uscc != draft.bidder.uscc)
        if not foreign and one.lot == draft.lot:
            continue
        if foreign:
            what_zh = f"另一单位 {one.company or one.uscc} 的“{one.name}”（标段 {one.lot}）"
            what_en = f"in “{one.name}” of another company, {one.company or one.uscc} (lot {one.lot})"
        else:
            what_zh = f"本单位另一标段的“{one.name}”（标段 {one.lot}），像是复制了投标文件夹"
            what_en = f"in your own “{one.name}” for another lot ({one.lot}): the folder looks copied"
        evidence = (Evidence(Place(_CODE), Place(one.name), one.code),)
        findings.append(
            told(
                "GUID-001",
                _CODE,
                evidence,
                "blocking" if foreign else None,
                what_zh=what_zh,
                what_en=what_en,
            )
        )
    return findings
