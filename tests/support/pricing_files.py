"""Priced bills in the neutral XML form, as CSV and as XLSX, made line by line."""

from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import quoteattr

from openpyxl import Workbook

from bidclient.similarity.reading.hardware_records import HardwareRecord, integrity_of

Row = tuple[str, str, str, str, str, str]
"""Code, name, unit, quantity, unit price, total."""
ROWS: tuple[Row, ...] = (
    ("040101001001", "挖一般土方", "m³", "1200.5", "20.00", "24010.00"),
    ("040203007001", "水泥混凝土路面", "m²", "860", "250.00", "215000.00"),
    ("040501001001", "混凝土管", "m", "75", "353.20", "26490.00"),
)
TOTAL, TOTAL_IN_WORDS = "265500.00", "人民币贰拾陆万伍仟伍佰元整"
HEADINGS = ("项目编码", "项目名称", "计量单位", "工程量", "综合单价（元）", "合价（元）")
LOCK = HardwareRecord("GZ-1001", "BFEBFBFF000906EA", "S3Z9NB0K", "54-E1-AD-00-00-01", "2026-11-01 09:00")


def make_xml(
    path: Path,
    rows: Sequence[Row] = ROWS,
    records: Sequence[HardwareRecord] = (LOCK,),
    total: str = TOTAL,
    words: str = TOTAL_IN_WORDS,
    integrity: str | None = None,
    inside: str = "",
) -> Path:
    """The neutral form: TBBJ with the records in XTXX and the lines in QDXM, each with `inside` in it."""
    names = ("JMSXLH", "CPUXLH", "YPXLH", "WKDZ", "SJ")
    parts = ['<?xml version="1.0" encoding="UTF-8"?>\n']
    parts.append(f"<TBBJ ZJ={quoteattr(total)} ZJDX={quoteattr(words)}><XTXX>")
    for one in records:
        values = (one.lock, one.cpu, one.disk, one.mac, one.moment)
        pairs = " ".join(f"{name}={quoteattr(value)}" for name, value in zip(names, values, strict=True))
        parts.append(f"<RYJXX {pairs}/>")
    code = integrity_of(records) if integrity is None else integrity
    parts.append(f"<JYM Z={quoteattr(code)}/></XTXX>")
    for row in rows:
        pairs = " ".join(
            f"{name}={quoteattr(value)}"
            for name, value in zip(("BM", "MC", "DW", "SL", "ZHDJ", "ZHHJ"), row, strict=True)
        )
        parts.append(f"<QDXM {pairs}>{inside}</QDXM>")
    path.write_text("".join([*parts, "</TBBJ>"]), "utf-8")
    return path


def make_csv(path: Path, rows: Sequence[Row] = ROWS, encoding: str = "utf-8-sig") -> Path:
    """With a title above the headings and a subtotal below the lines."""
    lines = [("分部分项工程量清单计价表",), HEADINGS, *rows, ("", "本页小计", "", "", "", TOTAL)]
    text = "\r\n".join(",".join(f'"{cell}"' for cell in line) for line in lines)
    path.write_text(text, encoding, newline="")
    return path


def make_xlsx(path: Path, rows: Sequence[Row] = ROWS) -> Path:
    """Prices as numbers, codes as text, the headings in the third row of the first sheet."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["分部分项工程量清单计价表"])
    sheet.append([])
    sheet.append(list(HEADINGS))
    for code, name, unit, quantity, price, total in rows:
        sheet.append([code, name, unit, float(quantity), float(price), float(total)])
    book.save(path)
    return path
