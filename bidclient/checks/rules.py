"""The sentences of the findings, by rule: what is wrong and what to do, in Chinese and in English."""

from collections.abc import Mapping

from bidclient.checks.content_rules import CONTENT_RULES
from bidclient.checks.finding import Evidence, Finding
from bidclient.checks.page_rules import PAGE_RULES
from bidclient.checks.rule import Rule as Rule


def found(rule: str, subject: str, evidence: tuple[Evidence, ...] = (), /, **facts: object) -> Finding:
    """The finding of a rule about `subject`, its sentences filled in with `facts`."""
    return finding_of(RULES, rule, subject, evidence, facts)


def finding_of(
    rules: Mapping[str, Rule],
    rule: str,
    subject: str,
    evidence: tuple[Evidence, ...],
    facts: Mapping[str, object],
) -> Finding:
    """The finding of a rule of `rules`, with what it rests on. Raises KeyError for a missing fact."""
    text = rules[rule]
    facts = {**facts, "subject": subject}
    return Finding(
        rule,
        text.severity,
        subject,
        text.message_zh.format(**facts),
        text.message_en.format(**facts),
        text.advice_zh.format(**facts),
        text.advice_en.format(**facts),
        text.basis_zh,
        text.basis_en,
        evidence,
    )


RULES = {
    # The tender in force
    "TND-001": Rule(
        "blocking",
        "招标文件已更新到第 {current} 版，标书按第 {made_for} 版制作。变更：{change}",
        "The tender is at version {current}, the draft answers version {made_for}. Changed: {change}",
        "重新导入最新招标文件，核对变更后再固化。",
        "Import the new tender and go through what it changes.",
    ),
    "TND-002": Rule(
        "blocking",
        "标书属于另一个标段。",
        "The draft belongs to another lot.",
        "在正确的投标文件夹中操作。",
        "Work in the folder of the right bid.",
    ),
    "TND-003": Rule(
        "warning",
        "按本机时间，投标截止时间已过。",
        "By this computer's clock the deadline has passed.",
        "以交易网络的时间为准。",
        "Only the network's clock counts.",
    ),
    # Documents
    "DOC-001": Rule(
        "blocking",
        "缺少《{title}》（{part}）。",
        "{title} ({part}) is missing.",
        "添加文件：bidclient add 文件夹 {part_id} 文件.pdf --name {name}",
        "Add the file: bidclient add DIR {part_id} FILE.pdf --name {name}",
    ),
    "DOC-002": Rule(
        "blocking",
        "《{title}》共 {pages} 页，超过招标文件限定的 {most} 页。",
        "{title} has {pages} pages, the tender allows {most}.",
        "删减内容后重新添加。",
        "Shorten the document and add it again.",
    ),
    "DOC-003": Rule(
        "blocking",
        "现行招标文件没有要求 {subject} 这份文件。",
        "The tender in force has no place for {subject}.",
        "移除该文件，或添加到要求它的位置。",
        "Remove it, or add it where the tender in force asks for it.",
    ),
    "DOC-004": Rule(
        "blocking",
        "{subject} 不能使用：{why_zh}。",
        "{subject} cannot be used: {why_en}.",
        "在原软件中重新导出 PDF，再次添加。",
        "Export the PDF anew from where it was made and add it again.",
    ),
    "DOC-005": Rule(
        "blocking",
        "{subject} 在添加之后被改动或移走。",
        "{subject} has been changed or moved since it was added.",
        "重新添加该文件。不要直接修改投标文件夹中的文件。",
        "Add it again; do not edit files inside the bid folder.",
    ),
    "LNK-001": Rule(
        "warning",
        "评审条款“{title}”（{points} 分）没有关联到投标文件的页。",
        "The evaluation clause “{title}” ({points} points) is linked to no page.",
        "指定“{part}”中的对应页：bidclient link 文件夹 {subject}={part_id}/文件.pdf:页码",
        "Name the page of “{part}” that answers it: bidclient link DIR {subject}={part_id}/FILE.pdf:PAGE",
    ),
    "SIZ-001": Rule(
        "blocking",
        "投标文件约 {size} MiB，超过招标文件限定的 {most} MiB。",
        "The bid has about {size} MiB, the tender allows {most} MiB.",
        "降低扫描件的分辨率，或合并重复内容。",
        "Scan at a lower resolution, or drop what is there twice.",
    ),
    # Forms
    "FRM-001": Rule(
        "blocking",
        "没有填写“{title}”。",
        "{subject} is not filled in.",
        "填写：bidclient set 文件夹 {subject}=值",
        "Fill it in: bidclient set DIR {subject}=VALUE",
    ),
    "FRM-002": Rule(
        "blocking",
        "“{title}”的内容不符合要求：{reason}。",
        "The value of {subject} does not fit: {reason}.",
        "重新填写：bidclient set 文件夹 {subject}=值",
        "Fill it in again: bidclient set DIR {subject}=VALUE",
    ),
    "FRM-003": Rule(
        "warning",
        "统一社会信用代码的校验位不符。早期个别代码如此，多数情况是录入错误。",
        "The check character of the unified social credit code is wrong; a few early codes are like that.",
        "对照营业执照核对。",
        "Compare it with the business licence.",
    ),
    "FRM-004": Rule(
        "blocking",
        "现行招标文件的开标一览表没有“{subject}”这一项。",
        "The opening form of the tender in force has no field {subject}.",
        "清空该项：bidclient set 文件夹 {subject}=",
        "Clear the field: bidclient set DIR {subject}=",
    ),
    # Prices
    "PRC-001": Rule(
        "blocking",
        "投标总价为零。",
        "The total price is zero.",
        "填写投标总价。",
        "Fill in the total price.",
        "招标文件关于投标报价的规定",
        "What the tender says about prices",
    ),
    "PRC-002": Rule(
        "warning",
        "《{title}》中的大写金额“{words}”与开标一览表的 {total} 元不一致。",
        "The amount in words in {title}, {words}, is not the {total} yuan of the opening form.",
        "核对。大小写不一致时，评标以大写为准。",
        "Compare them; evaluators let the amount in words prevail.",
        "招标文件关于大小写金额不一致的规定",
        "What the tender says where words and figures differ",
    ),
    "PRC-003": Rule(
        "blocking",
        "有 {count} 项没有报价：{codes}。",
        "{count} items are not priced: {codes}.",
        "补全报价后重新导入。",
        "Complete the price list and import it again.",
    ),
    "PRC-004": Rule(
        "blocking",
        "各项合价之和 {lines} 元与投标总价 {total} 元不一致。",
        "The lines add up to {lines} yuan, the form says {total} yuan.",
        "核对清单合价与开标一览表。",
        "Compare the price list with the opening form.",
    ),
    "PRC-005": Rule(
        "warning",
        "{subject}：数量 {quantity} × 单价 {unit} 元不等于合价 {line} 元。",
        "{subject}: {quantity} × {unit} yuan is not {line} yuan.",
        "改正合价。评标时通常以单价为准修正。",
        "Correct the line; evaluators let the unit price prevail.",
    ),
    "PRC-006": Rule(
        "blocking",
        "有 {count} 项不在现行清单中：{codes}。",
        "{count} items are not in the list of the tender in force: {codes}.",
        "按现行招标文件的清单重新报价。",
        "Price the list of the tender in force.",
    ),
    "PRC-007": Rule(
        "blocking",
        "投标总价 {total} 元超过最高投标限价 {ceiling} 元。",
        "The total of {total} yuan is above the ceiling of {ceiling} yuan.",
        "调整报价。超过最高投标限价的投标会被否决。",
        "Lower the price; bids above the ceiling are rejected.",
    ),
    "PRC-008": Rule(
        "warning",
        "有 {count} 项单价为零：{codes}。",
        "{count} unit prices are zero: {codes}.",
        "确认是否漏填。零单价视为已含在其他项目中。",
        "Is that meant? A zero price counts as included elsewhere.",
    ),
    # Certificates
    "CRT-001": Rule(
        "blocking",
        "证书 {ends} 到期，早于开标解密结束时间 {needed}。",
        "The certificate ends at {ends}, before the opening is over at {needed}.",
        "先续期，再用新证书重新签名和加密。",
        "Renew it first; then sign and seal with the new certificate.",
    ),
    "CRT-002": Rule(
        "blocking",
        "证书在 {begins} 之前无效。",
        "The certificate is not valid before {begins}.",
        "检查本机时间，或联系发证机构。",
        "Check this computer's clock, or ask the issuer.",
    ),
    "CRT-003": Rule(
        "blocking",
        "证书属于 {owner}，投标人是 {bidder}。",
        "The certificate belongs to {owner}, the bidder is {bidder}.",
        "使用本单位的证书，或核对投标人的统一社会信用代码。",
        "Use the company's own certificate, or correct the code.",
    ),
    "CRT-004": Rule(
        "blocking",
        "证书既不能签名也不能加密。",
        "The certificate may neither sign nor encrypt.",
        "换用单位的签名证书和加密证书。",
        "Use the company's signing and encryption certificates.",
    ),
    "CRT-005": Rule(
        "warning",
        "证书 {ends} 到期，在开标后 30 天之内。",
        "The certificate ends at {ends}, soon after the opening.",
        "开标前不要续期：续期后的证书不能解密已加密的标书。",
        "Do not renew it before the opening: the renewed one cannot open this bid.",
    ),
    "CRT-006": Rule(
        "warning",
        "证书 {ends} 到期，距开标结束不足 {days} 天；开标一旦延期，就无法签到和确认。",
        "The certificate ends at {ends}, less than {days} days after the opening, which may be put off.",
        "联系发证机构，问清能否保留原密钥续期；不能保留，就先换新证书，再签名、加密。",
        "Ask the issuer for a renewal that keeps the key; without one, renew first, then sign and seal.",
    ),
    "CRT-007": Rule(
        "warning",
        "无法确认证书是否已被吊销：{why_zh}。",
        "Whether the certificate is revoked cannot be told: {why_en}.",
        "可以继续；联网后用 bidclient certificates 再查一次。",
        "You may go on; look again with `bidclient certificates` when you are online.",
    ),
    "CRT-008": Rule(
        "warning",
        "本网络不认识证书的签发者“{issuer}”；已知的信任根：{known}。",
        "The issuer {issuer} is unknown to this network; known anchors: {known}.",
        "向交易中心核实该机构是否互认，否则递交时会被拒绝。",
        "Ask the trading centre whether it recognises this authority; otherwise it will refuse the bid.",
    ),
    "CRT-009": Rule(
        "warning",
        "无法确认证书是否已被吊销：{why_zh}。",
        "Whether the certificate is revoked cannot be told, because this computer's clock is off: {why_en}.",
        "先校准本机时间，再重试。",
        "Set this computer's clock, then try again.",
    ),
    # Who shows in the documents
    "ANON-001": Rule(
        "blocking",
        "暗标《{title}》透露了投标人：{place}中有“{leak}”。",
        "The blind document {title} tells who the bidder is: {leak} in {place}.",
        "删除后重新导出。暗标不得出现单位、人员、标识和印章。",
        "Remove it and export again; a blind document shows no company, person, logo or seal.",
        "招标文件关于暗标的规定",
        "What the tender says about blind documents",
    ),
    "ANON-002": Rule(
        "warning",
        "暗标《{title}》的文档属性“{place}”不是空的：{leak}。",
        "The blind document {title} has the property {place}: {leak}.",
        "导出 PDF 时清空作者、单位等属性。",
        "Leave author and company empty when exporting the PDF.",
    ),
    "ANON-003": Rule(
        "blocking",
        "暗标《{title}》带有电子签章。",
        "The blind document {title} carries an electronic seal.",
        "使用未签章的文件。",
        "Use the file without the seal.",
    ),
    "ANON-004": Rule(
        "warning",
        "暗标《{title}》的{place}中有“{leak}”，与本单位人员同名。",
        "{leak}, the name of one of the company's persons, is in {place} of the blind document {title}.",
        "确认不是本单位人员，否则删除后重新导出。",
        "Make sure that somebody else is meant; otherwise remove it and export again.",
    ),
    # Seals
    "SEAL-001": Rule(
        "blocking",
        "《{title}》缺少招标文件要求的{kinds_zh}。",
        "{title} lacks seals that the tender wants: {kinds}.",
        "签章：bidclient stamp 文件夹",
        "Seal it: bidclient stamp DIR",
    ),
    "SEAL-002": Rule(
        "blocking",
        "《{title}》的签章已失效：{fact_zh}。",
        "A seal of {title} is broken: {fact}.",
        "重新添加未签章的原文件并重新签章；签章后不要再编辑或另存。",
        "Add the unsealed file again and seal it; never edit or save a sealed file with another program.",
    ),
    "SEAL-003": Rule(
        "warning",
        "《{title}》由其他软件签章，无法判断是否为招标文件要求的印章（{fact}）。",
        "{title} was sealed by another program ({fact}); with the seals that the tender wants? Cannot tell.",
        "打开文件，对照招标文件核对每一枚印章。",
        "Open it and compare its seals with the tender.",
    ),
    "SEAL-004": Rule(
        "blocking",
        "《{title}》的单位印章属于 {fact}，不是本投标人。",
        "The company seal on {title} belongs to {fact}, not to the bidder.",
        "用本单位的印章重新签章。",
        "Seal it with the company's own key.",
    ),
    "SEAL-005": Rule(
        "info",
        "《{title}》带有 {count} 个电子签名；一次签名可以盖多枚印章。",
        "{title} carries {count} electronic signatures; one may hold several seals.",
        "不要再编辑或用其他软件另存，否则签章失效。",
        "Do not edit it or save it with another program: that destroys them.",
    ),
    "SEAL-006": Rule(
        "blocking",
        "《{title}》的签章人不可信：{fact_zh}。",
        "The signer of a seal on {title} is not trusted: {fact}.",
        "用交易平台认可的机构签发的证书重新签章；设置中缺少该机构的根证书时先补上。",
        "Seal it with a certificate of an authority that the network trusts; add its root to the settings if "
        "it is missing there.",
    ),
    "META-001": Rule(
        "warning",
        "《{title}》的文档属性“{place}”写着另一个单位：{leak}。",
        "The property {place} of {title} names another company: {leak}.",
        "核实文件由谁制作：确由本单位制作的，用本单位的软件重新导出；来自他人的，由本单位人员重新编制，并如实说明来源。",
        "Find out who made it: what is your own, export again with your own programs; what is another's, "
        "write yourselves, and say where it came from.",
        "《招标投标法实施条例》第四十条第（一）项（同一单位或者个人编制）；政府采购项目：财政部令第87号第三十七条",
        "Regulations on Bidding, art. 40(1) (made by the same company or person); for government purchases: "
        "Order 87 of the Ministry of Finance, art. 37",
    ),
    "META-002": Rule(
        "warning",
        "《{title}》的时间不合理：{what_zh}。",
        "{title} tells a time that cannot be: {what_en}.",
        "检查制作该文件的电脑的时间，校准后重新导出，不要改写时间。",
        "Check the clock of the computer that made it, set it right and export again; never rewrite a time.",
        "《招标投标法实施条例》第四十条第（一）项（同一单位或者个人编制）；政府采购项目：财政部令第87号第三十七条",
        "Regulations on Bidding, art. 40(1) (made by the same company or person); for government purchases: "
        "Order 87 of the Ministry of Finance, art. 37",
    ),
    **PAGE_RULES,
    **CONTENT_RULES,
}
