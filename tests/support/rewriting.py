"""What people do to a text that they take over: six kinds of editing, from none to all at once."""

import re
from random import Random

from tests.support.clauses import sentence

KINDS = ("verbatim", "numbers", "synonym", "insert-delete", "reorder", "heavy")
_PAIRS = """
应当=须 不得=禁止 进行=开展 依照=按照 或者=或 以及=及 可以=能够 规定=要求 负责=承担 立即=马上 完成=做完
组织=团体 检查=查验 施工=作业 质量=品质 进度=工期 安全=平安 人员=员工 设备=机具 材料=物资 现场=工地
整改=改正 记录=登载 方案=计划 监督=监管 管理=管控 措施=办法 影响=波及 确保=保证 及时=尽快 定期=按时
采用=使用 达到=符合 部门=机构 单位=机关 机关=单位 活动=事务 国家=我国 法律=法例 处罚=惩处 责任=义务
申请=申报 批准=核准 公民=民众 期限=时限 有关=相关 其他=别的 必须=务必 提供=给予 建立=设立 制定=拟定
情形=情况 情节=状况 合同=协议 实施=施行 根据=依据 制度=机制 项目=工程 经理=主管 技术=工艺 浇筑=灌注
安装=装设 堆场=堆料场 通道=过道 日志=日记 会议=例会 裂缝=裂纹 渗漏=渗水 验收=检验 交接=移交 清理=清扫
培训=训练 巡视=巡查 送=递交 存放=堆存 暂停=中止 增设=加设 同意=认可
钢筋=螺纹钢 水泥=胶凝料 砂石骨料=砂石料 焊条=焊材 电缆=线缆 风机=通风机 水泵=抽水泵 每周一=周初
每月底=月末 雨后=降雨之后 专人=专职人员 严格=从严 认真=仔细 连续=不间断 重点=着重 周边=四周 仓库=库房
出入口=进出口 建设单位=业主 供货厂家=供应商 检测机构=试验机构 合格=达标 限期=按期 返工=重做 清空=腾空
错开=间隔 兼管=一并照管 不足时=短缺时 调剂=调配 领用=领取 签认=签字认可 改用=换用 待命=等候 移交=转交
开工前=动工之前 收工后=下班以后 应急=抢险 预案=处置方案 图纸=蓝图 标准=水准 共同=一起 核对=对照 期间=过程中
"""
_PHRASES = """
据此 经双方确认 在条件允许时 视情况而定 由专人跟进 不另行收费 从严掌握 征求意见后 遇有异议的 按惯例
"""
SYNONYMS = dict(pair.split("=") for pair in _PAIRS.split())
_SYNONYM = re.compile("|".join(sorted(SYNONYMS, key=len, reverse=True)))
_FIGURE = re.compile(r"\d+")
_SENTENCE = re.compile(r"[^。；\n]+[。；]?\n*|\n+")
_CLAUSE = re.compile(r"[^，。；\n]+[，。；]?\n*|\n+")


def rewritten(text: str, kind: str, random: Random, share: float = 0.6) -> str:
    """The text after one kind of editing; `share` of the words that have a synonym get it."""
    if kind in ("numbers", "heavy"):
        text = _FIGURE.sub(lambda _: str(random.randint(2, 400)), text)
    if kind in ("reorder", "heavy"):
        text = _reordered(text, random)
    if kind in ("insert-delete", "heavy"):
        text = _inserted_and_deleted(text, random)
    if kind in ("synonym", "heavy"):
        text = _SYNONYM.sub(lambda word: SYNONYMS[word[0]] if random.random() < share else word[0], text)
    return text


def _reordered(text: str, random: Random) -> str:
    sentences = _SENTENCE.findall(text)
    random.shuffle(sentences)
    return "".join(sentences)


def _inserted_and_deleted(text: str, random: Random) -> str:
    kept: list[str] = []
    for clause in _CLAUSE.findall(text):
        chance = random.random()
        if chance < 0.15 and len(kept) > 1:
            continue
        kept.append(clause)
        if chance > 0.9 and clause.endswith("，"):
            kept.append(random.choice(_PHRASES.split()) + "，")
        elif chance > 0.85 and clause.endswith("。"):
            kept.append(sentence(random))
    return "".join(kept)
