"""The tables of the sample documents that come from their data, and the words filled into the texts."""

from decimal import Decimal
from itertools import groupby

import road
import road_bill
from reportlab.platypus import Flowable
from typeset import Insert, flowables, table

from bidclient.formats.money import yuan_text
from bidclient.sandbox.samples import BillLine, Sample, load_bill, load_sample, priced

_BILL_SHARES = (5, 15, 22, 40, 7, 11)
_PRICED_SHARES = (5, 15, 20, 30, 7, 10, 11, 14)


def words(sample: Sample) -> dict[str, str]:
    """The names that stand in braces in the texts."""
    terms, bidder, form = sample.terms, sample.bid.bidder, sample.bid.form
    return {
        "project": sample.project.name,
        "project_code": sample.project.code,
        "deal_code": sample.project.unified_deal_code,
        "lot": sample.lot.name,
        "lot_code": sample.lot.code,
        "content": sample.lot.content,
        "tenderer": sample.tenderer.name,
        "tenderer_contact": sample.tenderer.contact,
        "tenderer_phone": sample.tenderer.phone,
        "agency": sample.agency.name,
        "agency_contact": sample.agency.contact,
        "agency_phone": sample.agency.phone,
        "ceiling": yuan_text(sample.price.ceiling_fen),
        "validity": str(terms.bid_validity_days),
        "decrypt": str(terms.decrypt_minutes),
        "confirm": str(terms.confirm_minutes),
        "objection": str(terms.objection_minutes),
        "remedy": sample.remedy.text,
        "similarity": sample.similarity.text,
        "bidder": bidder.name,
        "bidder_uscc": bidder.uscc,
        "legal": bidder.legal_representative,
        "agent": bidder.agent,
        "bidder_phone": bidder.phone,
        "engineer": sample.bid.cost_engineer,
        "total_words": form["price-in-words"],
        "days": form.get("duration", ""),
        "manager": form.get("project-manager", ""),
        "manager_certificate": form.get("manager-certificate", ""),
    }


def inserts(sample_id: str) -> dict[str, Insert]:
    """The computed tables of a sample, by the name that its texts use."""
    own: dict[str, Insert] = {
        "bill": lambda: _bill(sample_id),
        "priced-bill": lambda: _priced_bill(sample_id),
        "price-summary": lambda: _price_summary(sample_id),
        "clauses": lambda: _clauses(sample_id),
        "form": lambda: _form(sample_id),
        "required": lambda: _required(sample_id),
        "requirements": lambda: _requirements(sample_id),
        "response": lambda: _response(sample_id),
    }
    if sample_id == "construction":
        own |= road.inserts() | road_bill.inserts(load_bill(sample_id))
    return own


def _groups(lines: tuple[BillLine, ...]) -> list[tuple[str, list[BillLine]]]:
    return [(name, list(found)) for name, found in groupby(lines, key=lambda line: line.group)]


def _bill(sample_id: str) -> list[Flowable]:
    rows = [["序号", "编码", "名称", "特征或规格要求", "单位", "数量"]]
    for number, line in enumerate(load_bill(sample_id).items, start=1):
        rows.append([str(number), line.code, line.name, line.features, line.unit, line.quantity])
    return table(rows, _BILL_SHARES)


def _priced_bill(sample_id: str) -> list[Flowable]:
    rows = [["序号", "编码", "名称", "特征或规格", "单位", "数量", "单价（元）", "合价（元）"]]
    lines = load_bill(sample_id).items
    for number, (line, price) in enumerate(zip(lines, priced(lines), strict=True), start=1):
        amounts = [yuan_text(price.unit_price_fen), yuan_text(price.total_fen)]
        rows.append([str(number), line.code, line.name, line.features, line.unit, line.quantity, *amounts])
    rows.append(
        ["", "", "合　计", "", "", "", "", yuan_text(sum(price.total_fen for price in priced(lines)))]
    )
    return table(rows, _PRICED_SHARES)


def _price_summary(sample_id: str) -> list[Flowable]:
    rows = [["序号", "分部或类别", "项数", "金额（元）", "占总价"]]
    lines_priced = priced(load_bill(sample_id).items)
    totals = {item.code: item.total_fen for item in lines_priced}
    total = sum(totals.values())
    for number, (name, lines) in enumerate(_groups(load_bill(sample_id).items), start=1):
        amount = sum(totals[line.code] for line in lines)
        share = f"{Decimal(amount) * 100 / total:.2f}%"
        rows.append([str(number), name, str(len(lines)), yuan_text(amount), share])
    rows.append(["", "投标总价", str(len(totals)), yuan_text(total), "100.00%"])
    return table(rows, (8, 35, 12, 28, 17))


def _clauses(sample_id: str) -> list[Flowable]:
    sample = load_sample(sample_id)
    titles = {part.id: part.title for part in sample.parts}
    rows = [["序号", "评审因素", "所在部分", "分值"]]
    for number, clause in enumerate(sample.clauses, start=1):
        rows.append([str(number), clause.title, titles[clause.part], str(clause.points)])
    return table(rows, (8, 50, 30, 12))


def _form(sample_id: str) -> list[Flowable]:
    kinds = {
        "text": "文字",
        "money": "金额（元）",
        "days": "日历天",
        "percent": "百分数",
        "date": "日期",
        "person": "人名",
    }
    rows = [["序号", "唱标内容", "填写形式", "是否必填"]]
    for number, field in enumerate(load_sample(sample_id).form, start=1):
        rows.append([str(number), field.title, kinds[field.type], "是" if field.required else "否"])
    return table(rows, (8, 42, 30, 20))


def _required(sample_id: str) -> list[Flowable]:
    seals = {
        "company": "单位章",
        "legal-representative": "法定代表人章",
        "cost-engineer": "造价工程师章",
        "cross-page": "骑缝章",
    }
    rows = [["部分", "文件", "是否必须", "页数上限", "电子签章"]]
    for part in load_sample(sample_id).parts:
        for document in part.documents:
            marks = "、".join(dict.fromkeys(seals[seal.kind] for seal in document.seals))
            kind = marks or ("不得签章（暗标）" if part.blind else "—")
            must = "必须" if document.required else "如有"
            rows.append([part.title, document.title, must, str(document.max_pages), kind])
    return table(rows, (26, 30, 12, 12, 28))


_PROOFS = (
    ("证", "证书或许可原件核验"),
    ("软件", "现场演示与授权文件"),
    ("授权", "现场演示与授权文件"),
    ("报告", "检测报告复核"),
    ("不低于", "仪器实测"),
    ("不大于", "仪器实测"),
    ("不少于", "清点或连续运行测试"),
    ("支持", "功能逐项演示"),
    ("含", "随货清点"),
)


def _proof(parameter: str) -> str:
    """How one requirement is accepted, by what it speaks of."""
    found = (proof for word, proof in _PROOFS if word in parameter)
    return next(found, "样品、彩页与到货核对" if any(map(str.isdigit, parameter)) else "现场检查")


def _requirements(sample_id: str) -> list[Flowable]:
    """An article for each line of the list: its parameters one by one and how each is accepted."""
    story: list[Flowable] = []
    for number, line in enumerate(load_bill(sample_id).items, start=1):
        story += flowables(f"## {number}　{line.name}（{line.code}）", {})
        intro = f"类别：{line.group}。数量：{line.quantity}{line.unit}。逐项验收，有一项不合格的不予接收。"
        story += flowables(intro, {})
        rows = [["序号", "要求", "验收方法", "不合格的处理"]]
        for index, parameter in enumerate(line.features.split("，"), start=1):
            remedy = "更换" if index == 1 else "限期整改，复验一次"
            rows.append([f"{number}.{index}", parameter, _proof(parameter), remedy])
        story += table(rows, (10, 46, 26, 24))
    return story


def _response(sample_id: str) -> list[Flowable]:
    """The bidder's answer to each requirement."""
    rows = [["条目", "名称", "招标要求", "投标响应", "偏离"]]
    for number, line in enumerate(load_bill(sample_id).items, start=1):
        for index, parameter in enumerate(line.features.split("，"), start=1):
            better = (number + index) % 9 == 0
            answer = f"{parameter}，并提高一档配置" if better else f"满足：{parameter}"
            rows.append([f"{number}.{index}", line.name, parameter, answer, "正偏离" if better else "无偏离"])
    return table(rows, (8, 22, 32, 34, 10))
