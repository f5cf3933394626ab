"""A report of a self-check as tests want it, made without reading any file."""

from bidclient.checks.finding import Evidence, Finding, Place, Severity
from bidclient.similarity.report.parts import found
from bidclient.similarity.report.self_check import (
    FORMAT,
    NOTICE_EN,
    NOTICE_ZH,
    VERSION,
    Acceptance,
    ArchiveInput,
    Found,
    Input,
    Parameter,
    RefusedInput,
    SamePassage,
    SelfCheck,
    Share,
    Skipped,
    Spot,
    Subject,
)

AT = "2026-11-23T17:30:00.000+08:00"
DIGEST, OTHER = "0a" * 32, "0b" * 32


def finding(
    quote: str = "北大街道路工程",
    severity: Severity = "warning",
    page: int = 3,
    fact: str = "",
    **changes: str,
) -> Finding:
    """A leftover name, say."""
    words = {"rule": "TXT-002", "subject": "technical/方案.pdf", "document": "technical/方案.pdf"} | changes
    start = page * 100
    here = Place(words["document"], page, start, start + len(quote), quote)
    there = Place("[1] 去年的标书/方案.pdf", 7, 10, 10 + len(quote), quote)
    return Finding(
        words["rule"],
        severity,
        words["subject"],
        f"有另一个项目的名称“{quote}”。",
        f"{quote} is another project's name.",
        "改成本项目的名称。",
        "Name this project.",
        "《招标投标法实施条例》第四十条",
        "Regulations, art. 40",
        (Evidence(here, there, fact),),
    )


def passage(here: str, there: str, excused: str = "") -> SamePassage:
    """Two texts that are alike."""
    return SamePassage(
        Spot("technical/方案.pdf", DIGEST, 3, 120, 120 + len(here), here),
        Spot("[1] 去年的标书/方案.pdf", OTHER, 7, 300, 300 + len(there), there),
        "tender" if excused else "own",
        874,
        "reworded",
        "tender" if excused else "",
        2,
    )


def record(
    *findings: Finding, accepted: tuple[Found, ...] = (), passages: tuple[SamePassage, ...] = ()
) -> SelfCheck:
    """A report with these findings; those of `accepted` are explained."""
    digests = {"technical/方案.pdf": DIGEST, "[1] 去年的标书/方案.pdf": OTHER}
    explained = {one.id: Acceptance(one.id, one.rule, "业绩表中的项目名称", AT) for one in accepted}
    return SelfCheck(
        FORMAT,
        VERSION,
        AT,
        "bidclient test",
        NOTICE_ZH,
        NOTICE_EN,
        Subject(
            "P-1", "示范道路", "lot-1", "L-1", "一标段", DIGEST, 1, OTHER, "陇原公司", "91629999TBX00001XU"
        ),
        (Parameter("blocks", "3", "段", "passages"),),
        (Input("draft", "technical/方案.pdf", DIGEST, "pdf", 12, 8000),),
        ArchiveInput(True, 4, 9, 2, OTHER),
        found(findings, digests, explained),
        passages,
        0,
        (Share("technical/方案.pdf", 8000, 400, 1600, 0, 80), Share("", 8000, 400, 1600, 0, 80)),
        (Skipped("qualification/执照.pdf", "第 2 页是扫描件，未检查", "page 2 is a scan, not checked"),),
        (RefusedInput("对手.pdf", OTHER, "投标人不是本单位", "another company's"),),
    )
