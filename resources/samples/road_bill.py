"""How the sample road's bill is built along the road: an article for each line, quantities by segment."""

import math
from collections.abc import Iterator
from decimal import ROUND_DOWN, Decimal
from itertools import groupby

import msgspec
from reportlab.platypus import Flowable, PageBreak
from road import SEGMENTS, stake_name
from typeset import Insert, flowables, table

from bidclient.resource import read_bytes
from bidclient.sandbox.samples import Bill, BillLine


def inserts(bill: Bill) -> dict[str, Insert]:
    """The tables by the names that the texts use."""
    return {
        "road-segments": lambda: _segments(bill),
        "specifications": lambda: _specifications(bill),
    }


def _specifications(bill: Bill) -> list[Flowable]:
    """An article for each line of the bill: what it covers and where its quantity lies along the road."""
    rules = msgspec.json.decode(read_bytes("samples/construction/specifications.json"), type=dict[str, str])
    story: list[Flowable] = []
    lines = [line for line in bill.items if line.code in rules]
    for chapter, (group, members) in enumerate(groupby(lines, key=lambda line: line.group), start=1):
        story += [PageBreak(), *flowables(f"## {chapter}　{group}", {})]
        for number, line in enumerate(members, start=1):
            if number > 1:
                story.append(PageBreak())
            title = f"### {chapter}.{number}　{line.name}（{line.code}）"
            story += flowables("\n".join([title, *_article(line, rules[line.code])]), {})
            story += _allocation(line)
    return story


def _article(line: BillLine, rule: str) -> Iterator[str]:
    batch, unit = _BATCHES.get(line.unit, (1, line.unit))
    batches = max(1, math.ceil(Decimal(line.quantity) / batch))
    samples = max(3, batches * 3 // 5)
    yield f"项目特征：{line.features}。招标数量{line.quantity}{unit}，按施工图净量计算，损耗含入综合单价。"
    yield rule
    yield (
        f"检验批按每{batch}{unit}划分，不足一批按一批计，本项共{batches}批；"
        f"见证取样或实测不少于{samples}组（处），其中监理平行检验不少于{max(1, samples // 5)}组（处）。"
    )


_BATCHES = {
    "m2": (2000, "m²"),
    "m3": (1000, "m³"),
    "m": (200, "m"),
    "座": (10, "座"),
    "套": (20, "套"),
    "株": (100, "株"),
    "个": (50, "个"),
    "组": (20, "组"),
}


def _shares(line: BillLine) -> list[Decimal]:
    """The quantity split over the segments, the last takes the rounding; empty when too few to split."""
    quantity = Decimal(line.quantity)
    if quantity < 2 * len(SEGMENTS):
        return []
    seed = sum(map(int, line.code))
    weights = [10 + (seed * (index + 3) + index * index) % 7 for index in range(len(SEGMENTS))]
    whole = quantity == quantity.to_integral() and quantity < 2000
    step = Decimal(1) if whole else Decimal("0.1")
    shares = [(quantity * weight / sum(weights)).quantize(step, ROUND_DOWN) for weight in weights]
    shares[-1] += quantity - sum(shares)
    return shares


def _allocation(line: BillLine) -> list[Flowable]:
    shares = _shares(line)
    if not shares:
        return []
    rows = [["施工段", "起讫桩号", f"数量（{line.unit}）", "累计", "占比"]]
    total = Decimal(0)
    for number, ((start, end), share) in enumerate(zip(SEGMENTS, shares, strict=True), start=1):
        total += share
        where = f"{stake_name(start)}～{stake_name(end)}"
        rows.append([f"第{number}段", where, str(share), str(total), f"{share / Decimal(line.quantity):.1%}"])
    return table(rows, (14, 30, 22, 22, 12))


def _segments(bill: Bill) -> list[Flowable]:
    """For each segment what is to be done in it: the same quantities, the other way round."""
    split = [(line, shares) for line in bill.items if (shares := _shares(line))]
    story: list[Flowable] = []
    for index, (start, end) in enumerate(SEGMENTS):
        if index:
            story.append(PageBreak())
        story += flowables(f"## 第{index + 1}段　{stake_name(start)}～{stake_name(end)}", {})
        rows = [["序号", "编码", "名称", "单位", "本段数量"]]
        rows += [
            [str(number), line.code, line.name, line.unit, str(shares[index])]
            for number, (line, shares) in enumerate(split, start=1)
        ]
        story += table(rows, (8, 24, 42, 10, 18))
    return story
