"""The sentences of the findings about what the form and the documents say: persons, dates, amounts."""

from bidclient.checks.rule import Rule

_VALIDITY_ZH = "招标文件关于投标有效期的规定；《招标投标法实施条例》第二十五条"
_VALIDITY_EN = "What the tender says about how long bids stand; Regulations on Bidding, art. 25"

CONTENT_RULES = {
    # Persons, numbers, dates
    "FRM-005": Rule(
        "warning",
        "《{title}》第 {page} 页的身份证号 {mask} 不正确：出生日期或校验码不符。",
        "The identity number {mask} on page {page} of {title} is wrong: birth date or check figure.",
        "对照身份证原件核对。",
        "Compare it with the identity card.",
    ),
    "FRM-006": Rule(
        "warning",
        "“{title}”的日期需要核对：{what_zh}。",
        "A date in {title} should be looked at: {what_en}.",
        "核对后更正。",
        "Compare and correct it.",
    ),
    "FRM-007": Rule(
        "warning",
        "“{title}”的电话号码 {mask} 不像能拨通的号码。",
        "{title}: {mask} does not look like a telephone number that can be called.",
        "填写 11 位手机号，或带区号的固定电话，如 0934-1234567。",
        "Give a mobile number of 11 figures, or a landline with its area code, such as 0934-1234567.",
    ),
    "FRM-008": Rule(
        "warning",
        "“{title}”填写的是 {value}%，不像通常的取值。",
        "{title} is {value} %, which is unusual.",
        "核对正负号和单位。",
        "Check the sign and the unit.",
    ),
    "FRM-009": Rule(
        "info",
        "开标一览表或投标人信息中的“{role}”是 {name}，在{documents}中没有找到这个姓名。",
        "{name}, {role} by the form, is not named in {documents}.",
        "核对姓名是否一致；扫描件中的姓名请人工核对。",
        "Make sure that it is the same person; look at scans yourself.",
    ),
    # Amounts
    "PRC-011": Rule(
        "warning",
        "《{title}》第 {page} 页的大写“{words}”与小写 {figures} 不一致。",
        "On page {page} of {title} the amount in words, {words}, is not the {figures} in figures.",
        "核对。大小写不一致时，评标以大写为准。",
        "Compare them; evaluators let the amount in words prevail.",
        "招标文件关于大小写金额不一致的规定",
        "What the tender says where words and figures differ",
    ),
    "PRC-012": Rule(
        "warning",
        "《{title}》第 {page} 页的投标总价 {figures} 与开标一览表的 {total} 元不一致。",
        "The total price {figures} on page {page} of {title} is not the {total} yuan of the opening form.",
        "核对各处的投标总价，改成一致。",
        "Make the total price the same everywhere.",
        "招标文件关于投标报价前后不一致的规定",
        "What the tender says where prices differ",
    ),
    "PRC-013": Rule(
        "warning",
        "“{title}”的大写金额“{words}”读不出来。",
        "The amount in words in {title}, {words}, cannot be read.",
        "按规范书写大写金额，如：{example}。",
        "Write it by the rules, such as {example}.",
        "《正确填写票据和结算凭证的基本规定》",
        "The rules for bank drafts on amounts in words",
    ),
    # Periods
    "VAL-001": Rule(
        "blocking",
        "“{title}”填写 {days} 天，招标文件要求投标有效期不少于 {needed} 天。",
        "{title} is {days} days; by the tender the bid must stand for {needed} days.",
        "改为不少于招标文件要求的天数。",
        "Give at least as many days as the tender wants.",
        _VALIDITY_ZH,
        _VALIDITY_EN,
    ),
    "VAL-002": Rule(
        "warning",
        "《{title}》第 {page} 页写的投标有效期是 {days} 天，招标文件要求不少于 {needed} 天。",
        "By page {page} of {title} the bid stands for {days} days; the tender wants {needed}.",
        "核对后改为不少于招标文件要求的天数。",
        "Compare it, and give at least as many days as the tender wants.",
        _VALIDITY_ZH,
        _VALIDITY_EN,
    ),
    "VAL-003": Rule(
        "warning",
        "《{title}》第 {page} 页的有效期{what_zh}，短于投标有效期（至 {needed}）。",
        "By page {page} {title} {what_en}, before the bid's validity is over ({needed}).",
        "请开立人延长有效期，使其与投标有效期一致。",
        "Have the issuer prolong it until the bid's validity is over.",
        "《招标投标法实施条例》第二十六条（投标保证金有效期应当与投标有效期一致）",
        "Regulations on Bidding, art. 26 (the bond is valid as long as the bid)",
    ),
    "VAL-004": Rule(
        "info",
        "《{title}》中没有找到招标人“{tenderer}”，受益人可能有误。",
        "{title} does not name {tenderer}, who should be its beneficiary.",
        "核对受益人（收款人）名称。",
        "Check the name of the beneficiary.",
        "招标文件关于投标保证金的规定",
        "What the tender says about the bond",
    ),
    "VAL-005": Rule(
        "warning",
        "《{title}》第 {page} 页的有效期至 {ends}，早于开标（{opening}）。",
        "By page {page} of {title} something ends on {ends}, before the opening ({opening}).",
        "核对是哪一份证照；到期的换成延期或换证后的版本。",
        "Find out which certificate that is, and replace it by its renewed version.",
        "招标文件关于资格证件在有效期内的规定",
        "What the tender says about certificates in force",
    ),
}
