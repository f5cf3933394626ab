"""What a judgement has proven, in Chinese: the judges below write one short English line for each proof."""

import re
from datetime import datetime

from bidclient.formats.instant import CHINA

_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?[+-]\d\d:\d\d")
_PHRASES = (
    (r"(\d+) documents, manifest (\w+)", r"\1 份文件，清单 \2"),
    (r"(\d+) signatures, manifest (\w+)", r"\1 个签名，清单 \2"),
    (r"(\d+) chunks, SHA-256 (\w+)", r"\1 块，SHA-256 \2"),
    (r"sealed bid (\w+)", r"加密文件 \1"),
    (r"sealed bid (\w+), signed by (.+)", r"加密文件 \1，签名人 \2"),
    (r"lot (\S+), version (\d+), signed by (.+)", r"标段 \1，第 \2 版，签名人 \3"),
    (r"submission (\S+), signed by (.+)", r"递交 \1，签名人 \2"),
    (r"submission (\S+), received (\S+)", r"递交 \1，收到时间 \2"),
    (r"signed by (.+)", r"签名人 \1"),
    (r"(\d+) bidders, our row answered with match", r"\1 家投标人，本单位一行已确认一致"),
    (r"(.+), at (\S+) by the signer's own clock", r"\1，签名人自己的时钟为 \2"),
    (
        r"(.+), at (\S+) by the signer's own clock, seal made by (.+)",
        r"\1，签名人自己的时钟为 \2，制章单位 \3",
    ),
    (r"(.+): covers the whole file", r"\1：覆盖整个文件"),
    (r"(\d+) entries(?: without a gap)?", r"\1 条，首尾相连"),
    (r"(\d+) events without a gap, head (\w+)", r"\1 条，首尾相连，末条 \2"),
    (r"(.+) as of (\S+)", r"\1，截至 \2 未吊销"),
    (r"as of (\S+)", r"截至 \1 未吊销"),
    (r"(.+), stamped (\S+)", r"\1，时间戳 \2"),
    (r"(.+) revoked later, (\S+)", r"\1，此后于 \2 被吊销"),
    (r"\d{4}-\d\d-\d\dT\S+", r"\g<0>"),
    (r"recorded as event (\d+) at (\S+)", r"开标记录第 \1 条，\2"),
)
"""A whole line of the judges, and what it becomes. The first that fits counts."""


def proof_zh(line: str) -> str:
    """A judge's line in Chinese, its times in the zone of China; a line of no known kind stays as it is."""
    parts = [_part_zh(part) for part in line.split("; ")]
    return line if "; ".join(parts) == line else "；".join(parts)


def _part_zh(line: str) -> str:
    for pattern, chinese in _PHRASES:
        found = re.fullmatch(pattern, line)
        if found:
            return _INSTANT.sub(_local, found.expand(chinese))
    return line


def _local(found: re.Match[str]) -> str:
    try:
        moment = datetime.fromisoformat(found[0]).astimezone(CHINA)
    except ValueError:
        return found[0]
    return f"{moment:%Y-%m-%d %H:%M:%S}（北京时间）"
