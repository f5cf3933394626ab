"""All rules of the self-check: what each finding says, how grave it is, what it rests on, what to do.

A finding is a hint for the bidder, never a verdict of likeness or collusion. Advice says what an honest
bidder does: work of one's own, on one's own machine, and saying where borrowed content comes from.
"""

from dataclasses import replace

from bidclient.checks.finding import Evidence, Finding, Severity
from bidclient.checks.rules import RULES as CHECKED
from bidclient.checks.rules import Rule, finding_of

_LAW_ZH, _LAW_EN = "《招标投标法实施条例》第四十条", "Regulations on Bidding, art. 40"
_PURCHASES_ZH = "；政府采购项目：财政部令第87号第三十七条"
_PURCHASES_EN = "; for government purchases: Order 87 of the Ministry of Finance, art. 37"
_SAME_AUTHOR_ZH = f"{_LAW_ZH}第（一）项（同一单位或者个人编制）{_PURCHASES_ZH}"
_SAME_AUTHOR_EN = f"{_LAW_EN}(1) (made by the same company or person){_PURCHASES_EN}"
_SAME_STAFF_ZH = f"{_LAW_ZH}第（三）项（项目管理成员为同一人）{_PURCHASES_ZH}"
_SAME_STAFF_EN = f"{_LAW_EN}(3) (the same person manages the project){_PURCHASES_EN}"
_ALIKE_ZH = f"{_LAW_ZH}第（四）项（投标文件异常一致）{_PURCHASES_ZH}"
_ALIKE_EN = f"{_LAW_EN}(4) (bids abnormally alike){_PURCHASES_EN}"
_PATTERN_ZH = f"{_LAW_ZH}第（四）项（投标报价呈规律性差异）{_PURCHASES_ZH}"
_PATTERN_EN = f"{_LAW_EN}(4) (prices that differ by a pattern){_PURCHASES_EN}"
_MIXED_ZH = f"{_LAW_ZH}第（四）项（投标文件异常一致）；第（五）项（相互混装，引文待与官方文本核对）"
_MIXED_EN = f"{_LAW_EN}(4) (bids abnormally alike); (5) (bids mixed up, wording yet to be compared)"
_SAME_PAYER_ZH = f"{_LAW_ZH}第（六）项（投标保证金从同一账户转出）{_PURCHASES_ZH}"
_SAME_PAYER_EN = f"{_LAW_EN}(6) (bonds paid from the same account){_PURCHASES_EN}"
_DAQING_ZH = "；各地规定不一，例如大庆高新区 2021 年的规定：{what}相同，视同同一单位或个人编制"
_DAQING_EN = "; local rules differ, e.g. Daqing High-tech Zone, 2021: {what} counts as one author"

OWN_RULES = {
    # The computer and the network
    "DEV-001": Rule(
        "blocking",
        "本机还为另一单位制作过同一标段的投标文件：{what_zh}。",
        "On this computer another company's bid for the same lot was made: {what_en}.",
        "停止在本机制作；在本单位独立使用的设备上由招标文件重新新建、独立编制。",
        "Stop here; begin anew from the tender on a computer that only your company uses.",
        _SAME_AUTHOR_ZH + _DAQING_ZH.format(what="文件制作机器码"),
        _SAME_AUTHOR_EN + _DAQING_EN.format(what="an equal machine code"),
    ),
    "DEV-002": Rule(
        "info",
        "本机像是虚拟机或远程桌面：{what_zh}。",
        "This looks like a virtual machine or a remote session: {what_en}.",
        "由同一镜像复制的虚拟机，设备信息相同；在本单位独立使用的实体电脑上制作。",
        "Copies of one virtual machine have the same serial numbers; work on a computer of your own.",
        _SAME_AUTHOR_ZH,
        _SAME_AUTHOR_EN,
    ),
    "DEV-003": Rule(
        "warning",
        "无法完整判断本机是否为其他单位做过同一标段的投标文件：{what_zh}。",
        "Whether another company's bid for this lot was made here cannot be told in full: {what_en}.",
        "保留现有的设备台账，不要改动；由本单位人员核实本机的使用情况，并留下书面记录。",
        "Leave the ledger as it is; ask your people who has used this computer, and write it down.",
        _SAME_AUTHOR_ZH,
        _SAME_AUTHOR_EN,
    ),
    "NET-001": Rule(
        "info",
        "网络环境提示：{what_zh}。",
        "About the network: {what_en}.",
        "下载、上传和解密都用本单位自己的网络；与他人共用网络的，保留说明材料。",
        "Download, upload and decrypt from your company's own line; where it is shared, keep proof of why.",
        f"{_LAW_ZH}；单凭 IP 相同通常不足以认定，以招标文件为准",
        f"{_LAW_EN}; an equal address alone is usually not enough, the tender decides",
    ),
    # Programs for pricing
    "LCK-001": Rule(
        "warning",
        "《{title}》的计价软件加密锁：{what_zh}。",
        "Pricing locks in {title}: {what_en}.",
        "确认每一把锁都属于本单位；用过外单位的锁或文件的，用本单位的锁重新编制，并如实说明来源。",
        "Make sure that each lock is your company's; where another's was used, price the bill anew with your "
        "own, and say where it came from.",
        _SAME_AUTHOR_ZH + _DAQING_ZH.format(what="造价软件加密锁"),
        _SAME_AUTHOR_EN + _DAQING_EN.format(what="an equal lock"),
    ),
    "LCK-002": Rule(
        "warning",
        "《{title}》的软硬件信息校验码：{what_zh}。",
        "The integrity code of the hardware records in {title}: {what_en}.",
        "用计价软件重新导出；不要用其他程序编辑导出的文件。",
        "Export it again from the pricing program; never edit what it has exported.",
        "招标文件关于电子报价文件的规定；校验不通过的文件，平台不予导入",
        "What the tender says about the pricing file; platforms refuse one with a wrong code",
    ),
    # The draft as a file
    "GUID-001": Rule(
        "warning",
        "本投标工程的创建标识码已经出现过：{what_zh}。",
        "The creation code of this draft has been seen before: {what_en}.",
        "不要复制已有的投标文件夹：由本标段的招标文件新建投标文件夹，独立编制后添加文件。",
        "Do not copy a bid folder: begin a new one from this lot's tender and add documents of your own.",
        _SAME_AUTHOR_ZH + _DAQING_ZH.format(what="文件创建标识码"),
        _SAME_AUTHOR_EN + _DAQING_EN.format(what="an equal creation code"),
    ),
    "META-003": Rule(
        "info",
        "《{title}》与本投标文件中的其他文件不一致：{what_zh}。",
        "{title} differs from the other documents of this bid: {what_en}.",
        "确认该文件由本单位人员制作；来自他人的，换成自己编制的文件。",
        "Make sure that your own people made it; replace what others did by your own work.",
        _SAME_AUTHOR_ZH,
        _SAME_AUTHOR_EN,
    ),
    "META-004": Rule(
        "info",
        "招标文件 {issued} 发出之前就有的文件：{what_zh}。",
        "Documents from before the tender was issued ({issued}): {what_en}.",
        "证照、业绩等材料属于正常情况；方案和报价类文件，请确认已针对本项目重新编制。",
        "That is in order for certificates and references; make sure that proposals and prices were made for "
        "this tender.",
        _SAME_AUTHOR_ZH,
        _SAME_AUTHOR_EN,
    ),
    "META-005": Rule(
        "warning",
        "《{title}》与{source_zh}像是出自同一份原稿或同一人之手：{what_zh}。",
        "{title} and {source_en} seem to stem from one draft or one hand: {what_en}.",
        "核实两份文件的来历；原稿来自他人的，由本单位人员从空白文档重新编制，并如实说明来源。",
        "Find out where both came from; where the draft was another's, write your own from an empty "
        "document, and say where it came from.",
        f"{_SAME_AUTHOR_ZH}；制作痕迹相同只说明文件有共同来历，不说明原因",
        f"{_SAME_AUTHOR_EN}. Equal traces tell of a common origin, not why",
    ),
    # Text
    "TXT-001": Rule(
        "info",
        "投标文件有 {share}% 的文字与{source_zh}相同或相近。",
        "{share} % of the draft's text is the same as, or close to, {source_en}.",
        "本单位内部沿用属于正常情况；确认内容针对本标段编写，并核对名称、日期和数据。",
        "To reuse your own text is in order; make sure that it was written for this lot, and check names, "
        "dates and figures.",
        f"{_ALIKE_ZH}；例如青岛：相同内容达到 80% 视为内容雷同（据转载）",
        f"{_ALIKE_EN}; e.g. Qingdao: 80 % equal content counts as alike (second-hand)",
    ),
    "TXT-002": Rule(
        "warning",
        "《{title}》出现了{kind_zh}“{name}”（{count} 处），请核对是否属于本项目。",
        "{title} names {kind_en} “{name}” ({count} times): is it this tender's?",
        "核对后改为本项目的内容；整段沿用的，请对照招标文件逐句核对。",
        "Correct it for this tender; where a whole passage was taken over, compare it with the tender.",
        _MIXED_ZH,
        _MIXED_EN,
    ),
    "TXT-003": Rule(
        "warning",
        "有 {blocks} 段、共 {characters} 字（占 {share}%）与{source_zh}相同或相近，"
        "且不在招标文件、公开文本和模板中。",
        "{blocks} passages of {characters} characters in all ({share} %) are the same as, or close to, "
        "{source_en}, and are neither in the tender nor in public texts or templates.",
        "由本单位人员针对本项目自行编写；经许可引用的，注明来源并保留许可文件。",
        "Write it yourselves for this tender; where you may quote it, name the source and keep the proof.",
        _ALIKE_ZH,
        _ALIKE_EN,
    ),
    # Pictures
    "IMG-001": Rule(
        "warning",
        "《{title}》的图片需要核对：{what_zh}。",
        "A picture in {title} should be looked at: {what_en}.",
        "确认图片由本单位制作或有权使用；属于他人的，换成本单位自己的图片。",
        "Make sure that the picture is yours or that you may use it; replace another's by one of your own.",
        _ALIKE_ZH,
        _ALIKE_EN,
    ),
    # Errors
    "ERR-001": Rule(
        "warning",
        "《{title}》：{what_zh}。",
        "{title}: {what_en}.",
        "逐条核对原稿；内容来自他人稿件的，由本单位人员重新编写，并如实说明来源。",
        "Go through them in your own draft; write yourselves what came from another's text, and say where it "
        "came from.",
        f"{_ALIKE_ZH}；相同的错误通常被视为出自同一稿件",
        f"{_ALIKE_EN}; equal errors are commonly taken for one common draft",
    ),
    # Prices
    "PRC-009": Rule(
        "blocking",
        "《{title}》有 {count} 项的单价或合价为负：{codes}。",
        "{count} lines of {title} have a negative price: {codes}.",
        "改正报价；下浮或优惠按招标文件规定的方式填报。",
        "Correct them; give a discount in the way that the tender provides for.",
        "招标文件关于投标报价的规定",
        "What the tender says about prices",
    ),
    "PRC-010": Rule(
        "warning",
        "《{title}》与{source}的报价呈规律性差异：{what_zh}。",
        "The prices in {title} differ from those in {source} by a pattern: {what_en}.",
        "逐项自行组价；报价依据（定额、信息价、询价记录）留存备查。",
        "Price each line yourselves, and keep what the prices rest on: norms, published prices, quotations.",
        f"{_PATTERN_ZH}。仅说明两组数字的关系，不说明原因",
        f"{_PATTERN_EN}. It tells how two sets of figures relate, not why",
    ),
    # People and accounts
    "PER-001": Rule(
        "warning",
        "《{title}》中的{kind_zh}“{mask}”在本机资料中属于另一单位：{company}。",
        "The {kind_en} “{mask}” in {title} is another company's by what is on this computer: {company}.",
        "核实是否同名或填写有误；确为他人的，换成本单位人员和账户。",
        "Find out whether it is a namesake or a mistake; if not, name your own people and accounts.",
        _SAME_STAFF_ZH,
        _SAME_STAFF_EN,
    ),
    "BND-001": Rule(
        "warning",
        "《{title}》中的投标保证金付款方需要核对：{what_zh}。",
        "Who pays the bid bond by {title} should be looked at: {what_en}.",
        "投标保证金从本单位基本账户转出；核对账号后重新出具凭证。",
        "Pay the bond from your company's basic account, and have the proof made out for it.",
        _SAME_PAYER_ZH,
        _SAME_PAYER_EN,
    ),
}
RULES = {**CHECKED, **OWN_RULES}
"""With those of the other checks: where both meet, an id has one meaning."""


def told(
    rule: str,
    subject: str,
    evidence: tuple[Evidence, ...] = (),
    severity: Severity | None = None,
    **facts: object,
) -> Finding:
    """The finding of a rule, as grave as the rule says unless the case is another (`severity`)."""
    found = finding_of(RULES, rule, subject, evidence, facts)
    return found if severity is None else replace(found, severity=severity)
