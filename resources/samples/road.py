"""The design tables of the sample road, computed from one alignment so that they agree with each other."""

import math
from dataclasses import dataclass
from itertools import pairwise

from reportlab.platypus import Flowable
from typeset import Insert, table

LENGTH = 2640
STEP = 20
SEGMENTS = tuple((start, min(start + 120, LENGTH)) for start in range(0, LENGTH, 120))
_ORIGIN = (4_062_318.427, 512_604.915)
_BEARING = math.radians(12.5)


@dataclass(frozen=True)
class Stake:
    """A point of the centre line: chainage in metres, plane coordinates, ground and design heights."""

    chainage: int
    north: float
    east: float
    bearing: float
    ground: float
    design: float

    @property
    def name(self) -> str:
        """The chainage as surveyors write it: K1+240."""
        return stake_name(self.chainage)

    @property
    def cut(self) -> float:
        """Depth of cut in metres, negative for fill."""
        return self.ground - self.design


def stake_name(chainage: float) -> str:
    """K1+240 for 1240 m."""
    return f"K{int(chainage) // 1000}+{chainage % 1000:03.0f}"


def _bearing(chainage: float) -> float:
    """Two gentle curves on a straight road."""
    first = 0.30 * _smooth((chainage - 520) / 360)
    second = -0.42 * _smooth((chainage - 1560) / 480)
    return _BEARING + first + second


def _smooth(ratio: float) -> float:
    bounded = min(max(ratio, 0.0), 1.0)
    return bounded * bounded * (3 - 2 * bounded)


def _ground(chainage: float) -> float:
    waves = (
        2.6 * math.sin(chainage / 310) + 1.1 * math.sin(chainage / 87 + 0.7) + 0.3 * math.sin(chainage / 23)
    )
    return 1243.20 + 0.0121 * chainage + waves


def _design(chainage: float) -> float:
    grades = ((0, 1243.600), (620, 1252.280), (1380, 1259.880), (2040, 1269.780), (LENGTH, 1274.580))
    for (start, low), (end, high) in pairwise(grades):
        if chainage <= end:
            return low + (high - low) * (chainage - start) / (end - start)
    return grades[-1][1]


def stakes() -> list[Stake]:
    """Every 20 m from start to end."""
    north, east = _ORIGIN
    found = []
    for chainage in range(0, LENGTH + 1, STEP):
        bearing = _bearing(chainage)
        found.append(Stake(chainage, north, east, bearing, _ground(chainage), _design(chainage)))
        middle = _bearing(chainage + STEP / 2)
        north += STEP * math.cos(middle)
        east += STEP * math.sin(middle)
    return found


def inserts() -> dict[str, Insert]:
    """The tables by the names that the texts use."""
    return {
        "road-coordinates": _coordinates,
        "road-profile": _profile,
        "road-earthworks": _earthworks,
        "road-sections": _cross_sections,
        "road-wells-rain": lambda: _wells("Y", 30, 1.55, 0.0031),
        "road-wells-waste": lambda: _wells("W", 36, 2.35, 0.0028),
        "road-lamps": _lamps,
        "road-signs": _signs,
        "road-trees": _trees,
        "road-drawings": _drawings,
    }


def _angle(radians: float) -> str:
    seconds = round(math.degrees(radians) % 360 * 3600)
    return f"{seconds // 3600}°{seconds % 3600 // 60:02d}'{seconds % 60:02d}''"


def _coordinates() -> list[Flowable]:
    rows = [["桩号", "X（m）", "Y（m）", "切线方位角", "路中设计标高（m）"]]
    rows += [
        [stake.name, f"{stake.north:.3f}", f"{stake.east:.3f}", _angle(stake.bearing), f"{stake.design:.3f}"]
        for stake in stakes()
    ]
    return table(rows, (16, 24, 24, 20, 22))


def _profile() -> list[Flowable]:
    rows = [["桩号", "地面标高", "设计标高", "填高（m）", "挖深（m）", "左侧石顶", "右侧石顶", "坡度（%）"]]
    found = stakes()
    for stake, following in zip(found, [*found[1:], found[-1]], strict=True):
        grade = (following.design - stake.design) / STEP * 100
        edge = stake.design - 10.5 * 0.015 + 0.15
        fill, cut = max(-stake.cut, 0.0), max(stake.cut, 0.0)
        rows.append(
            [
                stake.name,
                f"{stake.ground:.3f}",
                f"{stake.design:.3f}",
                f"{fill:.3f}",
                f"{cut:.3f}",
                f"{edge:.3f}",
                f"{edge:.3f}",
                f"{grade:.3f}",
            ]
        )
    return table(rows, (14, 14, 14, 12, 12, 14, 14, 12))


def _areas(stake: Stake) -> tuple[float, float]:
    """Areas of cut and fill in m² of the 26 m wide section with 1:1 slopes."""
    depth = stake.cut
    area = abs(depth) * (26 + abs(depth)) + 2.4 * abs(math.sin(stake.chainage / 41))
    return (area, 0.6) if depth > 0 else (0.4, area)


def _earthworks() -> list[Flowable]:
    rows = [
        ["起讫桩号", "挖方面积", "填方面积", "距离（m）", "挖方（m³）", "填方（m³）", "累计挖方", "累计填方"]
    ]
    found = stakes()
    cut_sum = fill_sum = 0.0
    for left, right in pairwise(found):
        (cut_left, fill_left), (cut_right, fill_right) = _areas(left), _areas(right)
        cut, fill = (cut_left + cut_right) / 2 * STEP, (fill_left + fill_right) / 2 * STEP
        cut_sum, fill_sum = cut_sum + cut, fill_sum + fill
        rows.append(
            [
                f"{left.name}～{right.name}",
                f"{cut_right:.2f}",
                f"{fill_right:.2f}",
                str(STEP),
                f"{cut:.1f}",
                f"{fill:.1f}",
                f"{cut_sum:.1f}",
                f"{fill_sum:.1f}",
            ]
        )
    return table(rows, (26, 12, 12, 10, 13, 13, 14, 14))


def _cross_sections() -> list[Flowable]:
    rows = [["桩号", "左人行道", "左侧石", "左1/4", "路中", "右1/4", "右侧石", "右人行道"]]
    for stake in stakes():
        heights = [_across(stake, offset) for offset in (-13, -10.5, -5.25, 0, 5.25, 10.5, 13)]
        rows.append([stake.name, *(f"{height:.3f}" for height in heights)])
    return table(rows, (14, 13, 13, 13, 13, 13, 13, 13))


def _across(stake: Stake, offset: float) -> float:
    carriageway = min(abs(offset), 10.5)
    walkway = max(abs(offset) - 10.5, 0.0)
    return stake.design - carriageway * 0.015 + (0.15 + walkway * 0.02 if walkway else 0.0)


def _wells(letter: str, spacing: int, cover: float, slope: float) -> list[Flowable]:
    rows = [
        ["井号", "桩号", "偏距（m）", "地面标高", "井底标高", "井深（m）", "管径", "管长（m）", "坡度（‰）"]
    ]
    sizes = (400, 600, 800, 1000, 1200) if letter == "Y" else (300, 300, 400, 400, 500)
    for number, chainage in enumerate(range(14, LENGTH, spacing), start=1):
        top = _design(chainage) - 0.11
        size = sizes[min(chainage * len(sizes) // LENGTH, len(sizes) - 1)]
        depth = cover + size / 1000 + 0.35 * (1 + math.sin(chainage / 190)) + slope * (chainage % 420)
        side = "左7.5" if letter == "Y" else "右6.0"
        rows.append(
            [
                f"{letter}{number}",
                stake_name(chainage),
                side,
                f"{top:.3f}",
                f"{top - depth:.3f}",
                f"{depth:.3f}",
                f"d{size}" if letter == "Y" else f"DN{size}",
                str(spacing),
                f"{slope * 1000:.1f}",
            ]
        )
    return table(rows, (9, 13, 12, 14, 14, 12, 11, 11, 12))


def _lamps() -> list[Flowable]:
    rows = [["灯号", "桩号", "位置", "X（m）", "Y（m）", "灯型", "回路", "相序"]]
    found = stakes()
    for number, chainage in enumerate(range(10, LENGTH, 35), start=1):
        stake = found[chainage // STEP]
        for side, sign in (("左", 1), ("右", -1)):
            north = stake.north + sign * 11.5 * math.sin(stake.bearing) + (chainage - stake.chainage)
            east = stake.east - sign * 11.5 * math.cos(stake.bearing)
            rows.append(
                [
                    f"{'Z' if sign > 0 else 'Y'}{number:03d}",
                    stake_name(chainage),
                    f"{side}侧绿化带",
                    f"{north:.3f}",
                    f"{east:.3f}",
                    "双臂12m",
                    f"N{1 + chainage // 700}",
                    "ABC"[number % 3],
                ]
            )
    return table(rows, (10, 13, 16, 20, 19, 13, 8, 8))


def _signs() -> list[Flowable]:
    kinds = (
        ("限速标志", "单柱式Ø800", "限速50km/h"),
        ("注意行人", "单柱式三角900", "学校与站台前"),
        ("人行横道", "单柱式800×800", "双面"),
        ("指路标志", "悬臂式4000×2000", "路口前80m"),
        ("禁止停车", "单柱式Ø800", "附时段辅助标志"),
        ("公交站牌", "立柱式", "港湾站台内"),
        ("车道行驶方向", "悬臂式3600×1800", "四车道"),
        ("路名牌", "双柱式1500×450", "T形布置"),
    )
    rows = [["序号", "桩号", "位置", "名称", "形式及尺寸（mm）", "说明"]]
    for number in range(1, 59):
        chainage = 26 + number * 44
        name, shape, remark = kinds[(number * 3 + number // 8) % len(kinds)]
        side = "左侧" if number % 2 else "右侧"
        rows.append([str(number), stake_name(chainage), side, name, shape, remark])
    return table(rows, (8, 14, 10, 22, 28, 24))


def _trees() -> list[Flowable]:
    rows = [["区段", "侧别", "国槐（株）", "油松（株）", "丁香（株）", "金叶榆色带（m²）", "草皮（m²）"]]
    for index, (start, end) in enumerate(SEGMENTS):
        for side in ("左", "右"):
            pines, lilacs = 5 + (index + len(side)) % 3, 15 + (index * 3) % 5
            rows.append(
                [
                    f"{stake_name(start)}～{stake_name(end)}",
                    side,
                    str((end - start) // 12),
                    str(pines),
                    str(lilacs),
                    str(118 + index * 2),
                    str(226 + index * 7 % 25),
                ]
            )
    return table(rows, (28, 8, 14, 14, 14, 20, 14))


_SHEETS = (
    (
        "总",
        "总体",
        ("设计总说明", "项目地理位置图", "总平面布置图", "管线综合横断面图", "主要工程数量汇总表"),
    ),
    (
        "路",
        "道路工程",
        ("道路设计说明", "道路平面图", "道路纵断面图", "标准横断面图", "路面结构图", "路基处理设计图"),
    ),
    ("路附", "道路附属", ("侧平石大样图", "无障碍设施大样图", "公交站台平面图", "树池大样图", "挡墙断面图")),
    (
        "雨",
        "雨水工程",
        ("雨水设计说明", "雨水平面图", "雨水纵断面图", "检查井结构图", "雨水口大样图", "出水口设计图"),
    ),
    ("污", "污水工程", ("污水设计说明", "污水平面图", "污水纵断面图", "沉泥井结构图", "管道基础图")),
    ("给", "给水工程", ("给水设计说明", "给水平面图", "节点大样图", "消火栓安装图", "支墩设计图")),
    (
        "电",
        "照明工程",
        ("照明设计说明", "照明平面图", "配电系统图", "路灯基础图", "箱变布置图", "接地大样图"),
    ),
    ("交", "交通工程", ("交通设计说明", "标志标线平面图", "标志结构图", "信号灯布置图", "监控系统图")),
    ("绿", "绿化工程", ("绿化设计说明", "种植平面图", "苗木表", "喷灌平面图", "种植大样图")),
)
_PLANS = ("平面图", "纵断面图", "标志标线平面图")


def _drawings() -> list[Flowable]:
    rows = [["序号", "图号", "专业", "图名", "图幅", "张数"]]
    for letter, trade, titles in _SHEETS:
        count = 0
        for title in titles:
            ranges: tuple[tuple[int, int] | None, ...] = (None,)
            if title.endswith(_PLANS):
                ranges = SEGMENTS
            for part in ranges:
                count += 1
                where = f"（{stake_name(part[0])}～{stake_name(part[1])}）" if part else ""
                size = "A3" if part or "说明" in title or "表" in title else "A3加长"
                rows.append([str(len(rows)), f"{letter}施-{count:02d}", trade, title + where, size, "1"])
    return table(rows, (8, 15, 15, 46, 12, 8))
