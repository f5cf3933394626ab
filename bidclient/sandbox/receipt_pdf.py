"""The receipt (回执单) as a page for people, with a QR code that names the signed receipt."""

from io import BytesIO

import segno
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from bidclient.formats.instant import parse_instant
from bidclient.formats.pdf_origin import date, keyword
from bidclient.formats.typeface import draw, width
from bidclient.stages.submitted import Receipt
from bidclient.stages.tender import Tender

_LEFT = 22 * mm
_VALUE = 62 * mm
_LINE = 8 * mm
_SIZE = 10.5
_ROOM = A4[0] - _VALUE - 15 * mm
_CHECKS = {
    "stub": "存证文件解析",
    "lot": "标段一致性验证",
    "seal": "文件密封性验证",
    "certificate": "认证数据封装",
    "evidence": "存证上链",
    "receipt": "回执单生成",
}


def receipt_pdf(receipt: Receipt, sha256: str, tender: Tender, bidder: str) -> bytes:
    """One A4 page; `sha256` names the signed receipt (CMS), `bidder` is the organisation's name.

    It is dated to the arrival, as the receipt is signed then.
    """
    out = BytesIO()
    page = Canvas(out, pagesize=A4, invariant=1)
    submitted = receipt.kind == "submission"
    title = "投标文件递交回执单" if submitted else "投标文件撤回回执单"
    page.setTitle(title)
    page.setKeywords(keyword(sha256))
    date(page, parse_instant(receipt.received_at))
    _draw_centred(page, A4[1] - 30 * mm, title, 20)
    _draw_centred(page, A4[1] - 38 * mm, "模拟交易网络出具，仅供演练 / Sandbox receipt, practice only", 10)
    y = A4[1] - 54 * mm
    for name, value in _lines(receipt, sha256, tender, bidder):
        draw(page, _LEFT, y, name, _SIZE)
        draw(page, _VALUE, y, value, min(_SIZE, _SIZE * _ROOM / width(value, _SIZE)))
        y -= _LINE
    _draw_code(page, f"bidnet:receipt:{receipt.network}:{receipt.receipt_no}:{sha256}", y - 48 * mm)
    page.showPage()
    page.save()
    return out.getvalue()


def _lines(receipt: Receipt, sha256: str, tender: Tender, bidder: str) -> list[tuple[str, str]]:
    passed = "、".join(_CHECKS.get(check, check) for check in receipt.checks)
    return [
        ("回执编号", receipt.receipt_no),
        ("招标项目", tender.project.name),
        ("标段（包）", tender.lot.name),
        ("标段编号", receipt.lot_code),
        ("投标人", bidder),
        ("统一社会信用代码", receipt.bidder),
        ("招标文件版本", str(receipt.tender_version)),
        ("接收时间", receipt.received_at),
        ("递交截止时间", f"{receipt.deadline}（须早于该时刻）"),
        ("加密文件大小", f"{receipt.sealed_size} 字节"),
        ("加密文件 SHA-256", receipt.sealed_sha256),
        ("分块摘要 file_root", receipt.file_root),
        ("存证文件 SHA-256", receipt.stub_sha256),
        ("存证序号", str(receipt.log_index)),
        ("接收校验", passed),
        ("替换的递交", receipt.replaces or "无"),
        ("签名回执 SHA-256", sha256),
        ("说明", "本回执仅证明接收时间与文件摘要，不对投标文件的有效性作出判断。"),
    ]


def _draw_centred(page: Canvas, y: float, text: str, size: float) -> None:
    draw(page, (A4[0] - width(text, size)) / 2, y, text, size)


def _draw_code(page: Canvas, text: str, bottom: float) -> None:
    matrix = segno.make(text, error="m", micro=False).matrix
    module = 42 * mm / len(matrix)
    for row, cells in enumerate(matrix):
        for column, cell in enumerate(cells):
            if cell:
                page.rect(
                    _LEFT + column * module,
                    bottom + (len(matrix) - 1 - row) * module,
                    module,
                    module,
                    stroke=0,
                    fill=1,
                )
