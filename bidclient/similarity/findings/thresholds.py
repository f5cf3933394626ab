"""From where on a likeness is told: every value with its unit and its source, and each can be set."""

from dataclasses import dataclass
from typing import Annotated

import msgspec

Share = Annotated[float, msgspec.Meta(gt=0, le=1)]
Count = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]


class Thresholds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The section [self_check] of the settings; ORIGINS says where each default is from."""

    same_text: Share = 0.80
    block_characters: Count = 200
    blocks: Count = 3
    blocks_share: Share = 0.10
    picture_same: Count = 40
    picture_review: Count = 50
    picture_bids: Count = 3
    shared_rsids: Count = 4
    rsid_share: Share = 0.05
    price_share: Share = 0.20
    price_lines: Count = 12
    price_series: Annotated[int, msgspec.Meta(ge=4, le=1_000)] = 4
    price_series_tolerance: Share = 0.01
    shared_errors: Count = 3
    background_documents: Count = 50


@dataclass(frozen=True)
class Origin:
    """What a value counts, and who says that it should be this one."""

    unit_zh: str
    unit_en: str
    source_zh: str
    source_en: str


_MEASURED_ZH = "本软件实测"
_MEASURED_EN = "measured by us"
_RULES_ZH = "公开的雷同分析代码"
_RULES_EN = "published code of a similarity analysis"

ORIGINS = {
    "same_text": Origin(
        "投标文件字数的比例",
        "share of the draft's characters",
        "青岛：相同内容达到 80% 视为内容雷同（据转载）；同类产品同值",
        "Qingdao: 80 % equal content counts as alike (second-hand); products use the same value",
    ),
    "block_characters": Origin("字", "characters", _RULES_ZH, _RULES_EN),
    "blocks": Origin("段", "passages", _RULES_ZH, _RULES_EN),
    "blocks_share": Origin("投标文件字数的比例", "share of the draft's characters", _RULES_ZH, _RULES_EN),
    "picture_same": Origin(
        "感知哈希 256 位中不同的位数",
        "differing bits of a 256-bit perceptual hash",
        f"{_MEASURED_ZH}：7,080 对不同图片无一误报",
        f"{_MEASURED_EN}: no false pair among 7,080",
    ),
    "picture_review": Origin(
        "感知哈希 256 位中不同的位数",
        "differing bits of a 256-bit perceptual hash",
        f"{_MEASURED_ZH}：最接近的不同图片相差 52 位",
        f"{_MEASURED_EN}: the closest different pictures differ in 52",
    ),
    "picture_bids": Origin(
        "归档的投标文件",
        "archived bids",
        "同一图片出现在本单位三份投标文件中，即视为本单位自用（营业执照、标识等）",
        "a picture in three of the company's bids is taken for its own (licence, logo)",
    ),
    "shared_rsids": Origin(
        "两份文件共有的编辑会话标识",
        "editing sessions that two files share",
        "计算值：各有 500 个 24 位随机标识的两份无关文件，共有 4 个的概率约五亿分之一",
        "calculated: two unrelated files of 500 random 24-bit marks each share four once in 5·10⁸",
    ),
    "rsid_share": Origin(
        "两份文件全部编辑会话标识的比例",
        "share of the editing sessions of both files",
        "低于此值的，可能只是从同一来源粘贴了少量文字",
        "below it, perhaps no more than a little text was pasted from one source",
    ),
    "price_share": Origin(
        "参与比较的清单项的比例",
        "share of the compared lines",
        f"{_MEASURED_ZH}：3,600 次独立报价模拟无一误报",
        f"{_MEASURED_EN}: no false alarm in 3,600 simulations of honest prices",
    ),
    "price_lines": Origin("清单项", "lines", f"{_MEASURED_ZH}，同上", f"{_MEASURED_EN}, as above"),
    "price_series": Origin(
        "总价个数",
        "totals",
        f"{_MEASURED_ZH}：三个总价成等差或等比的偶然概率为 0.5%，四个为 0.005%",
        f"{_MEASURED_EN}: three honest totals form a series in 0.5 % of cases, four in 0.005 %",
    ),
    "price_series_tolerance": Origin(
        "公差或公比的比例",
        "share of the step",
        f"{_MEASURED_ZH}，同上",
        f"{_MEASURED_EN}, as above",
    ),
    "shared_errors": Origin(
        "只在两份文件中出现的错误或罕见写法（处）",
        "errors or rare spellings found in two files only",
        f"同类产品：相同疑似错误不少于 3 处；{_MEASURED_ZH}：无关法规每一万对约 5 对达到",
        f"products: 3 equal suspected errors; {_MEASURED_EN}: some 5 of 10,000 pairs of statutes reach it",
    ),
    "background_documents": Origin(
        "用作背景的文件",
        "documents to compare with",
        f"{_MEASURED_ZH}：背景少于 50 份时，常用词也显得罕见",
        f"{_MEASURED_EN}: with fewer, common words look rare",
    ),
}
THRESHOLDS = Thresholds()
