"""Prose as bids are full of it, out of a grammar: nobody's text, any amount of it, one text for one seed."""

import re
from random import Random

_SLOTS = """
who: 项目经理 技术负责人 质量员 安全员 施工员 资料员 材料员 试验员 测量组 监理单位 专业分包单位
劳务班组 预算员 机械管理员 总工程师 现场代表 商务部 设备部 综合办公室 应急小组
work: 土方开挖 基坑支护 钢筋绑扎 模板安装 混凝土浇筑 砌体砌筑 防水施工 管道敷设 电缆敷设 设备吊装
屋面保温 外墙抹灰 路基填筑 沥青摊铺 桩基施工 脚手架搭设 门窗安装 通风管道安装 消防系统调试 绿化种植
地面找平 幕墙安装 隧道衬砌 桥面铺装
stuff: 钢筋 水泥 商品混凝土 防水卷材 砂石骨料 电缆 阀门 镀锌钢管 铝合金型材 保温板 加气块 外加剂 焊条
沥青混合料 风机 配电箱 水泵 钢绞线 土工布 涂料
paper: 施工组织设计 专项施工方案 技术交底记录 质量验收规范 隐蔽工程验收单 材料合格证 检验报告 施工日志
安全技术操作规程 监理实施细则 应急预案 设计变更通知单 会议纪要 图纸会审记录 合同条款 月度计划
aim: 工程质量 施工安全 总体进度 环境保护 文明施工 成本控制 资料完整 结构耐久性 使用功能 周边建筑物稳定
作业人员健康 节能指标 观感质量 验收一次通过
place: 施工现场 材料堆场 加工棚 基坑周边 作业面 生活区 临时道路 配电室 楼层通道 塔吊回转范围 地下室
屋顶 试验室 仓库 出入口
act: 检查 复核 清理 巡视 记录 整改 验收 交接 培训 演练 抽检 标识 维护 登记 公示 评估
time: 每天早晨 每周一 每月底 开工前 收工后 雨后 浇筑前 隐蔽前 节假日前 夜间施工时 高温时段 冬期
汛期来临前 交工前 转序前 设备进场时
fault: 裂缝 蜂窝麻面 渗漏 沉降超限 标高偏差 轴线偏移 空鼓 锈蚀 接头松动 绝缘不良 压实不足 垂直度超差
尺寸不符 色差 堵塞
how: 及时 认真 严格 逐项 全面 统一 分批 按规定 提前 当场 连续 定期 重点 专人
gear: 塔式起重机 施工电梯 混凝土泵车 挖掘机 压路机 全站仪 水准仪 振捣棒 电焊机 弯曲机 切断机 发电机
洒水车 升降平台 摊铺机
firm: 建设单位 监理单位 设计单位 勘察单位 招标人 质量监督站 检测机构 供货厂家 街道办事处 业主代表
unit: 天 小时 米 毫米 次 人 台 套 吨 遍 处 项
grade: 合格 优良 一级 二级 甲级 C30 C40 P6 市级 省级
good: 满足要求 符合设计 处于受控状态 不受影响 达到预定目标 得到落实 可以追溯 稳步推进 经得起检查
形成闭环
bad: 不得进入下道工序 必须返工处理 立即停止作业 限期整改 追究责任人 退场处理 上报公司 重新检测 不予计量
通报批评
"""
_KINDS = """
who: 本项目 二标段 驻场 轮值 总包 机电 土建 外聘 分管 生产 专职 值班 区域 公司
work: 主体 附属 东侧 西区 新建 既有 地下 高架 二期 样板 雨季 大面积 局部 跨路 高空 室内 沿河 剩余
stuff: 进口 国产 甲供 自购 首批 剩余 定尺 环保型 高强 备用 预制 阻燃 周转 散装 合同约定的 同批次
paper: 经审批的 最新版 受控 现行 电子版 补充 纸质 本项目 分部 已签认的 二次深化 年度 专项
aim: 本工程 各专业 全过程 关键线路 既有线 地下部分 夜间 雨期 周边 阶段性 合同
place: 北侧 南门 一号 二号 临街 封闭 高支模 现状 硬化后的 邻近 三层 半坡 临水 集中
act: 专项 交叉 随机 平行 联合 书面 例行 二次 现场 日常 全数 首件 飞行
fault: 局部 轻微 贯穿 反复出现的 季节性 隐蔽 结构性 肉眼可见的 超标 疑似 大面积
gear: 自有 租赁 两台 大型 变频 液压 备用 国产 新购 履带式 遥控 校准过的 低噪声
firm: 主管 当地 受托 上级 参建 相关 独立 属地 牵头 对口
"""
_CLAUSES = """
{who}{time}到{place}{act} {work}由{who}{how}实施 {stuff}{how}送{firm}{act} 对{fault}{how}{act}
{paper}报{firm}{act} {gear}在{place}待命 投入{gear}{n}{unit} {work}与{work}错开{n}{unit} 使{aim}{good}
以{aim}为先 {who}对{aim}负责 {fault}未消除的{bad} {place}存放{stuff}{n}{unit} 凭{paper}领用{stuff}
{time}{act}{gear} {firm}可{how}{act}{work} 依照{paper}开展{work} {who}向{firm}移交{paper}
{work}达到{grade}标准 {n}{unit}内由{who}答复 {stuff}不足时{who}调剂 {place}不得堆置{stuff}
{aim}与{aim}兼顾 {who}签认{paper} {gear}的{act}归{who} 出现{fault}即通知{firm} {work}期间{place}限行
留置{stuff}试样{n}{unit} {who}每{n}{unit}{act}{place} 因{fault}返工的{work}{bad} {act}意见写进{paper}
{firm}与{who}共同{act} {time}暂停{work} 改用{gear}进行{work} {place}增设{gear}
{grade}以下的{stuff}{bad} {who}{how}核对{paper}与{work} 按{n}{unit}一批{act}{stuff}
{work}之前清空{place} 保证{place}内{aim}{good} 超出{n}{unit}须经{firm}同意 {who}兼管{gear}和{stuff}
"""
_LINKS = """
其中， 同时， 此外， 另外， 一般情况下， 原则上， 必要时， 特殊部位， 经协商， 在此基础上，
"""
_SLOT = re.compile(r"\{(\w+)\}")
_COUNTS = (2, 3, 5, 7, 10, 12, 15, 20, 24, 28, 30, 48, 50, 60, 72, 100, 150)


def _table(text: str) -> dict[str, list[str]]:
    """Words by the name with a colon that stands before them."""
    table: dict[str, list[str]] = {}
    for word in text.split():
        if word.endswith(":"):
            words = table.setdefault(word[:-1], [])
        else:
            words.append(word)
    return table


WORDS, KINDS, CLAUSES, LINKS = _table(_SLOTS), _table(_KINDS), _CLAUSES.split(), _LINKS.split()


def sentence(random: Random) -> str:
    """One sentence with its full stop."""
    clauses = random.sample(CLAUSES, random.randint(2, 5))
    text = _SLOT.sub(lambda slot: _word(slot[1], random), "，".join(clauses))
    if random.random() < 0.3:
        text = random.choice(LINKS) + text
    return text + random.choices("。；", (8, 2))[0]


def paragraph(random: Random, least: int = 2, most: int = 7) -> str:
    """Some sentences and a line end."""
    return "".join(sentence(random) for _ in range(random.randint(least, most))) + "\n"


def _word(slot: str, random: Random) -> str:
    if slot == "n":
        return str(random.choice(_COUNTS))
    word = random.choice(WORDS[slot])
    return random.choice(KINDS[slot]) + word if slot in KINDS and random.random() < 0.45 else word
