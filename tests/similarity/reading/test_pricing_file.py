"""Priced bills in three forms, odd ones and hostile ones."""

import csv
import io
import re
import time
import zipfile
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bidclient.errors import BadDocument, BidError, TooLarge
from bidclient.explain import in_words
from bidclient.similarity.reading.pricing_file import PricedLine, fen_of, read_pricing_file
from tests.support.pricing_files import LOCK, ROWS, TOTAL_IN_WORDS, make_csv, make_xlsx, make_xml
from tests.support.word_files import entries_of, make_zip

LINES = tuple(
    PricedLine(code, name, unit, quantity, int(Decimal(price) * 100), int(Decimal(total) * 100))
    for code, name, unit, quantity, price, total in ROWS
)


def test_the_neutral_xml_is_read_with_its_records(tmp_path: Path) -> None:
    file = read_pricing_file(make_xml(tmp_path / "boq.xml"))
    assert file.lines == LINES
    assert (file.total_fen, file.total_in_words) == (26_550_000, TOTAL_IN_WORDS)
    assert file.records == (LOCK,)
    assert file.integrity.startswith("SHA256:")


def test_rows_that_are_left_out_are_bounded(tmp_path: Path) -> None:
    """A row with a high number makes a reader go through all those before it, in every sheet."""
    number = 3_000_000_000
    entries = entries_of(make_xlsx(tmp_path / "boq.xlsx"))
    for name in [one for one in entries if one.startswith("xl/worksheets/sheet")]:
        sheet = entries[name]
        assert isinstance(sheet, bytes)
        sheet = re.sub(rb"<dimension[^>]*>", b"", sheet)
        far = f'<row r="{number}"><c r="A{number}"><v>1</v></c></row></sheetData>'
        entries[name] = sheet.replace(b"</sheetData>", far.encode())
    path = make_zip(tmp_path / "far.xlsx", entries)
    start = time.perf_counter()
    assert read_pricing_file(path).lines == LINES
    assert time.perf_counter() - start < 30.0


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_csv_is_read_below_its_headings(tmp_path: Path, encoding: str) -> None:
    file = read_pricing_file(make_csv(tmp_path / "boq.csv", encoding=encoding))
    assert file.lines == LINES
    assert file.total_fen is None


def test_a_workbook_is_read_by_its_stored_values(tmp_path: Path) -> None:
    rows = [*ROWS, ("040501001002", "管", "m", "0.1", "0.30", "0.03")]
    lines = read_pricing_file(make_xlsx(tmp_path / "boq.xlsx", rows)).lines
    assert [(one.code, one.unit_price_fen, one.total_fen) for one in lines] == [
        *((one.code, one.unit_price_fen, one.total_fen) for one in LINES),
        ("040501001002", 30, 3),
    ]


def test_norms_inside_a_line_are_no_lines(tmp_path: Path) -> None:
    norm = '<DE BM="1-23" MC="人工挖土" DJ="9.10" HJ="910"><RCJ BM="R0001" DJ="9" HJ="9"/></DE>'
    assert read_pricing_file(make_xml(tmp_path / "boq.xml", inside=norm)).lines == LINES


def test_negative_and_missing_prices_are_kept_as_they_are(tmp_path: Path) -> None:
    rows = (
        ("010101001001", "土方", "m3", "2", "-5.00", "-10.00"),
        ("010101001002", "石方", "m3", "2", "", "7"),
    )
    lines = read_pricing_file(make_csv(tmp_path / "boq.csv", rows)).lines
    assert [(one.unit_price_fen, one.total_fen) for one in lines] == [(-500, -1000), (None, 700)]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("boq.doc", b"", "XML"),
        ("boq.csv", b"a,b\n1,2\n", "表头"),
        ("boq.csv", "编码,单价\n".encode(), "没有带编码"),
        ("boq.csv", "编码,单价\n010101001001,面议\n".encode(), "不是金额"),
        ("boq.csv", b"\xff\xff\xff", "GB 18030"),
        ("boq.csv", b'"' + b"x" * 200_000, "CSV"),
        ("boq.xml", b"", "XML"),
        ("boq.xml", b"<a><b></a>", "XML"),
        ("boq.xml", b"<a/>", "没有带编码"),
        ("boq.xml", b'<!DOCTYPE a [<!ENTITY b "b">]><a>&b;</a>', "文档类型定义"),
        ("boq.xlsx", b"PK", "损坏"),
        ("boq.xlsx", b"", "损坏"),
    ],
)
def test_what_is_no_priced_bill_is_refused_with_a_reason(
    tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(BadDocument) as caught:
        read_pricing_file(path)
    assert reason in in_words(caught.value.reason, "zh")


def test_a_file_that_cannot_be_a_bill_is_too_large(tmp_path: Path) -> None:
    path = tmp_path / "boq.xml"
    with path.open("wb") as file:
        file.truncate(65 * 1024 * 1024)
    with pytest.raises(TooLarge):
        read_pricing_file(path)


def test_a_workbook_that_unfolds_is_refused(tmp_path: Path) -> None:
    entries = entries_of(make_xlsx(tmp_path / "boq.xlsx"))
    entries["xl/worksheets/sheet1.xml"] = b" " * 20_000_000
    with pytest.raises(BadDocument, match="packed in"):
        read_pricing_file(make_zip(tmp_path / "bomb.xlsx", entries))


def test_a_workbook_with_entities_is_refused(tmp_path: Path) -> None:
    entries = entries_of(make_xlsx(tmp_path / "boq.xlsx"))
    sheet = entries["xl/worksheets/sheet1.xml"]
    assert isinstance(sheet, bytes)
    entries["xl/worksheets/sheet1.xml"] = b'<!DOCTYPE x [<!ENTITY a "a">]>' + sheet
    with pytest.raises(BadDocument, match="document type definition"):
        read_pricing_file(make_zip(tmp_path / "entities.xlsx", entries))


def test_a_damaged_workbook_is_refused(tmp_path: Path) -> None:
    path = make_xlsx(tmp_path / "boq.xlsx")
    for entry in ("xl/workbook.xml", "xl/worksheets/sheet1.xml", "[Content_Types].xml"):
        entries = entries_of(path)
        entries[entry] = b"<x"
        with pytest.raises(BadDocument):
            read_pricing_file(make_zip(tmp_path / "damaged.xlsx", entries))
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None


@pytest.mark.parametrize(
    ("text", "fen"),
    [
        ("1,234.5", 123450),
        ("¥ 9 ", 900),
        ("￥9元", 900),
        ("-0.01", -1),
        ("1E+3", 100000),
        ("12.345", 1235),
        ("0.30000000000000004", 30),
        ("", None),
        ("-", None),
        ("1,23", None),
        ("1e99", None),
        ("٣", None),
        ("nan", None),
        ("99999999999999999999", None),
    ],
)
def test_amounts(text: str, fen: int | None) -> None:
    assert fen_of(text) == fen


@given(st.integers(-(2**53) + 1, 2**53 - 1))
def test_every_amount_in_fen_is_read_back(fen: int) -> None:
    assert fen_of(f"{Decimal(fen) / 100:,.2f}") == fen
    assert fen_of(f"{Decimal(fen) / 100:f}") == fen


@given(st.text(max_size=40))
def test_an_amount_is_read_or_refused(text: str) -> None:
    assert fen_of(text) is None or isinstance(fen_of(text), int)


_CODES = st.from_regex(r"[0-9]{12}", fullmatch=True)
_TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), max_size=8)
_FEN = st.integers(-(10**9), 10**9)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(rows=st.lists(st.tuples(_CODES, _TEXTS, _FEN, _FEN), min_size=1, max_size=6))
def test_what_is_written_is_read(tmp_path: Path, rows: list[tuple[str, str, int, int]]) -> None:
    cells = [
        (code, name, "m", "1", f"{Decimal(price) / 100:.2f}", f"{Decimal(total) / 100:.2f}")
        for code, name, price, total in rows
    ]
    out = io.StringIO()
    csv.writer(out).writerows([("编码", "名称", "单位", "数量", "单价", "合价"), *cells])
    path = tmp_path / "boq.csv"
    path.write_text(out.getvalue(), "utf-8", newline="")
    expected = [(code, name, price, total) for code, name, price, total in rows]
    for file in (read_pricing_file(path), read_pricing_file(make_xml(tmp_path / "boq.xml", cells))):
        got = [(one.code, one.name, one.unit_price_fen, one.total_fen) for one in file.lines]
        assert got == expected


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(content=st.binary(max_size=300), kind=st.sampled_from(["xml", "csv", "xlsx"]))
def test_noise_is_refused_and_never_crashes(tmp_path: Path, content: bytes, kind: str) -> None:
    path = tmp_path / f"boq.{kind}"
    path.write_bytes(content)
    with pytest.raises(BidError):
        read_pricing_file(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(at=st.integers(0, 10_000), octet=st.integers(0, 255))
def test_a_changed_byte_never_crashes(tmp_path: Path, at: int, octet: int) -> None:
    for path in (make_xml(tmp_path / "boq.xml"), make_xlsx(tmp_path / "boq.xlsx")):
        content = bytearray(path.read_bytes())
        content[at % len(content)] = octet
        path.write_bytes(content)
        with suppress(BadDocument):
            assert read_pricing_file(path).lines
