"""A sample bid that went wrong, for practice with the self-check: copied, left over, made by somebody else.

All of it is invented, and no company of these names exists.
"""

from io import BytesIO
from pathlib import Path

from pypdf import PdfReader, PdfWriter
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from bidclient.formats import atomic
from bidclient.formats.typeface import draw, width
from bidclient.sandbox.rivals import RIVALS
from bidclient.sandbox.samples import load_sample

EARLIER_PROJECT, EARLIER_LOT = "A016210022405160003", "A016210022405160003001001"
_EARLIER_NAME = "西峰区寺前街道路维修工程"
_SIZE, _LEADING, _MARGIN = 11, 19, 25 * mm
_ROOM = A4[0] - 2 * _MARGIN

_EARLIER = (
    "开工后先用三天把寺前街两侧商户的出入口逐一登记，按登记簿排定每天封闭的位置和时段，封闭前一晚由专职联络员上门告知，"
    "次日早晨七点以前把钢板通道铺到门口。凡有老人和病人的住户，钢板通道加装扶手，夜间挂警示灯，直到该段恢复通行为止。",
    "沟槽挖到设计标高以后停四个小时再验槽，目的是看槽底有没有渗水。渗水量大的地段改用小型井点降水，抽出来的水经两级沉淀，"
    "由洒水车运去降尘，不直接排进雨水口。回填时每层虚铺二百五十毫米，靠近检查井的五百毫米范围内改用人工夯实并逐层取样。",
    "沥青面层安排在气温稳定的白天摊铺，摊铺机前始终保持三台以上等候卸料的车辆，料温低于一百三十五度的一律退回。接缝处先切直、"
    "刷油、预热，再用双钢轮压路机横向碾压三遍，碾压时轮子压在新铺层上的宽度从十五厘米开始逐遍加大。",
    "扬尘治理设两名专职人员，分早晚两班记录风速和颗粒物读数，读数连续十分钟超过限值就停下土方作业，打开全部喷雾，"
    "直到读数回落到限值以下二成才恢复。记录表每周装订一次，交监理单位存档。",
)
_PARTNER = (
    "智能信号与监控部分由我方负责深化设计。各路口的检测线圈改为视频检测，杆件与照明共杆，基础在路床验收之前一次浇筑完成，"
    "管线预留两孔备用。调试分单机、路口、干线三级进行，干线协调的相位差以实测行程时间标定，连续观测五个工作日后再移交。",
    "移交时提供线缆走向图、端口对照表和初始密码变更记录，并为业主单位培训六名值守人员，考核不合格的免费再训，直到全部能独立处置"
    "断电、断网和误检三类故障为止。",
)


def contaminate(sample: str, folder: Path) -> Path:
    """Spoil the papers of a sample in `folder`; returns the document that is spoiled, a technical one.

    Copied pages are put behind it, with the name of another project and another company as its author.
    earlier/ gets the company's own bid that they are from, others/ a partner's draft, which is copied from
    too, and a rival's letter for the same lot, which nobody may look into. Raises KeyError for an unknown
    sample, DiskProblem.
    """
    terms, rival = load_sample(sample), RIVALS[0]
    spoiled = min((folder / "technical").glob("*.pdf"))
    copied = [
        one.replace("寺前街", "沿线").replace("三天", "五天").replace("专职", "专门") for one in _EARLIER
    ]
    pages = _set(["施工组织补充说明", f"项目名称：{_EARLIER_NAME}", *copied, *_PARTNER])
    writer = PdfWriter(clone_from=PdfReader(spoiled))
    writer.append(BytesIO(pages))
    writer.add_metadata({"/Author": rival.name})
    joined = BytesIO()
    writer.write(joined)
    _write(spoiled, joined.getvalue())
    _write(
        folder / "earlier" / "construction-plan.pdf",
        _set(["施工组织设计", f"项目名称：{_EARLIER_NAME}", *_EARLIER], terms.bid.bidder.name),
    )
    _write(
        folder / "others" / "partner.pdf",
        _set(["智能信号与监控专项方案（合作单位提供）", *_PARTNER]),
    )
    _write(
        folder / "others" / "rival.pdf",
        _set(
            [
                "投标函",
                f"标段编号：{terms.lot.code}",
                f"投标人：{rival.name}（盖单位公章）",
                "我方愿以下列报价承担本标段的全部工作。",
            ],
            rival.name,
        ),
    )
    return spoiled


def _set(paragraphs: list[str], author: str = "") -> bytes:
    """The paragraphs on A4 pages; equal input gives equal bytes."""
    out = BytesIO()
    page = Canvas(out, pagesize=A4, invariant=1)
    page.setAuthor(author)
    y = A4[1] - _MARGIN
    for line in [line for paragraph in paragraphs for line in [*_lines(paragraph), ""]]:
        if y < _MARGIN:
            page.showPage()
            y = A4[1] - _MARGIN
        draw(page, _MARGIN, y, line, _SIZE)
        y -= _LEADING
    page.showPage()
    page.save()
    return out.getvalue()


def _lines(paragraph: str) -> list[str]:
    lines = [""]
    for letter in paragraph:
        if lines[-1] and width(lines[-1] + letter, _SIZE) > _ROOM:
            lines.append("")
        lines[-1] += letter
    return lines


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    atomic.write(path, content)
    path.chmod(0o644)
