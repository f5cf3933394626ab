"""A priced bill of quantities (已标价工程量清单) as a pricing program or a spreadsheet has exported it.

There is no national form of it: provinces have their own XML. This one is neutral: whatever element or row
carries a code and a price is a line, by the headings and the pinyin attributes that the forms have in common.
"""

import csv
import io
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, DecimalException
from itertools import islice
from pathlib import Path
from zipfile import BadZipFile

from lxml import etree

from bidclient.errors import BadDocument
from bidclient.formats.content import read_limited
from bidclient.formats.stored_zip import open_archive
from bidclient.similarity.reading.hardware_records import HardwareRecord, record_in
from bidclient.similarity.reading.limits import LIMITS, never
from bidclient.similarity.reading.zipped import Container

_LIMIT = 64 * 1024 * 1024
_MOST_LINES = 200_000
_MOST_ROWS = 1_048_576
"""Of a sheet (ISO/IEC 29500-1 §18.3.1.73), and here of all sheets: rows that are left out count too."""
_MOST_COLUMNS = 200
_MOST_RECORDS = 10_000
_HEADING_ROWS = 30
_LARGEST = Decimal(2**53 - 1)
_LONGEST = 500
_CODE = re.compile(r"[0-9A-Z][0-9A-Z.-]{2,31}")
"""Twelve digits by GB 50500-2013 §4.2.2; measures and fees have shorter codes of the program's own."""
_NUMBER = re.compile(
    r"[-+]?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,20})?(?:\.[0-9]{1,20})?(?:[eE][-+]?[0-9]{1,2})?"
)
_FIELDS: dict[str, tuple[str, ...]] = {
    "code": ("编码", "项目编码", "清单编码", "code", "bm", "xmbm", "qdbm"),
    "name": ("名称", "项目名称", "清单名称", "name", "mc", "xmmc", "qdmc"),
    "unit": ("单位", "计量单位", "unit", "dw", "jldw"),
    "quantity": ("数量", "工程量", "quantity", "sl", "gcl"),
    "unit_price": ("综合单价", "单价", "unit_price", "dj", "zhdj"),
    "total": ("合价", "综合合价", "金额", "total", "hj", "zhhj"),
}
"""Headings of columns and names of attributes, in lower case; of a heading what stands before a bracket."""
_INTEGRITY = "jym"
_SUM = ("zj", "zbj", "total")
_SUM_IN_WORDS = ("zjdx", "total_in_words")


@dataclass(frozen=True)
class PricedLine:
    """A line: quantity as decimal text, prices in fen, None where the file has none. They may be negative."""

    code: str
    name: str
    unit: str
    quantity: str
    unit_price_fen: int | None
    total_fen: int | None


@dataclass(frozen=True)
class PricingFile:
    """What was read. `records` are those of the computers and locks that made the file, oldest first.

    `integrity` is the code over them as the file states it; `total_fen` and `total_in_words` its stated sum.
    """

    name: str
    lines: tuple[PricedLine, ...]
    total_fen: int | None = None
    total_in_words: str = ""
    records: tuple[HardwareRecord, ...] = ()
    integrity: str = ""


def read_pricing_file(path: Path) -> PricingFile:
    """The priced bill in an XML, CSV or XLSX file.

    Raises BadDocument for another kind of file, a damaged one, one without priced lines, an amount that is
    none; TooLarge, FileProblem.
    """
    kind = path.suffix.lower()
    if kind == ".xml":
        return _of_xml(path.name, read_limited(path, _LIMIT))
    if kind == ".csv":
        rows = _csv_rows(path.name, read_limited(path, _LIMIT))
    elif kind == ".xlsx":
        rows = _sheet_rows(path)
    else:
        raise BadDocument(path.name, "a pricing file is XML, CSV or XLSX")
    lines = tuple(_of_rows(path.name, rows))
    return PricingFile(path.name, _some(path.name, lines))


def fen_of(text: str) -> int | None:
    """Fen of an amount in yuan, rounded half up, perhaps negative; None for what is no amount."""
    plain = text.strip().removeprefix("¥").removeprefix("￥").removesuffix("元").strip()
    if not plain or not _NUMBER.fullmatch(plain) or not any(map(str.isdigit, plain)):
        return None
    try:
        fen = (Decimal(plain.replace(",", "")) * 100).quantize(Decimal(1), ROUND_HALF_UP)
    except DecimalException:
        return None
    return int(fen) if abs(fen) <= _LARGEST else None


def _line(name: str, cells: Mapping[str, str]) -> PricedLine | None:
    """The line of one row; None for a heading, a subtotal or an empty row. Raises BadDocument."""
    code = cells.get("code", "").strip()
    prices = [cells.get("unit_price", "").strip(), cells.get("total", "").strip()]
    if not _CODE.fullmatch(code.upper()) or not any(prices):
        return None
    amounts = []
    for price in prices:
        amount = fen_of(price)
        if amount is None and price:
            raise BadDocument(name, f"the price of {code[:40]} is no amount: {price[:40]}")
        amounts.append(amount)
    texts = [cells.get(field, "").strip()[:_LONGEST] for field in ("name", "unit", "quantity")]
    return PricedLine(code, texts[0], texts[1], texts[2].replace(",", ""), amounts[0], amounts[1])


def _some(name: str, lines: tuple[PricedLine, ...]) -> tuple[PricedLine, ...]:
    if not lines:
        raise BadDocument(name, "no line with a code and a price")
    return lines


# -------------------------------------------------------------------------------------------------- tables


def _of_rows(name: str, rows: Iterable[list[str]]) -> Iterator[PricedLine]:
    """The lines below the first row that has headings for a code and a price."""
    rows = iter(rows)
    headings = map(_headings, islice(rows, _HEADING_ROWS))
    columns = next((one for one in headings if "code" in one and one.keys() & {"unit_price", "total"}), None)
    if columns is None:
        raise BadDocument(name, "no headings for code and price")
    cells = ({field: row[place] for field, place in columns.items() if place < len(row)} for row in rows)
    lines = (line for one in cells if (line := _line(name, one)) is not None)
    for number, line in enumerate(lines):
        if number == _MOST_LINES:
            raise BadDocument(name, f"more than {_MOST_LINES} lines")
        yield line


def _headings(row: list[str]) -> dict[str, int]:
    """Which fields the cells of a row are headings of, by the place of the first such cell."""
    found: dict[str, int] = {}
    for place, cell in enumerate(row[:_MOST_COLUMNS]):
        heading = re.sub(r"\s|[(（].*", "", cell).lower()
        for field, names in _FIELDS.items():
            if heading in names:
                found.setdefault(field, place)
    return found


def _csv_rows(name: str, content: bytes) -> Iterator[list[str]]:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise BadDocument(name, "neither UTF-8 nor GB 18030")
    try:
        yield from csv.reader(io.StringIO(text, newline=""))
    except csv.Error as error:
        raise BadDocument(name, f"faulty CSV: {error}") from error


def _sheet_rows(path: Path) -> Iterator[list[str]]:
    """The rows of all sheets, one below the other; of a formula the value that was stored."""
    # Imported here: it is large, and most bills are no spreadsheets.
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    with open_archive(path) as file:
        container = Container(file, path.name, LIMITS, never)
        for entry in container.names:
            if entry.endswith((".xml", ".rels")) and b"<!DOCTYPE" in container.read(entry, _LIMIT):
                raise BadDocument(path.name, f"a document type definition in {entry}")
        file.seek(0)
        try:
            with warnings.catch_warnings():
                # It warns of odd parts that have nothing to do with cells.
                warnings.simplefilter("ignore", UserWarning)
                book = load_workbook(file, read_only=True, data_only=True)
            room = _MOST_ROWS
            for sheet in book.worksheets:
                rows = sheet.iter_rows(max_row=_MOST_ROWS, max_col=_MOST_COLUMNS, values_only=True)
                for row in rows:
                    room -= 1
                    if room < 0:
                        raise BadDocument(path.name, f"more than {_MOST_ROWS} rows")
                    yield ["" if cell is None else str(cell) for cell in row]
        except (
            InvalidFileException,
            BadZipFile,
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
            IndexError,
            SyntaxError,
        ) as error:
            raise BadDocument(path.name, f"damaged workbook: {type(error).__name__}") from error
        except OSError as error:
            # Without a number it is openpyxl's own, for a file without the parts of a workbook.
            if error.errno is not None:
                raise
            raise BadDocument(path.name, "no workbook") from error


# ----------------------------------------------------------------------------------------------------- XML


class _Read:
    """What an XML file has said so far. What stands inside a line (its norms and materials) is no line."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: list[PricedLine] = []
        self.records: list[HardwareRecord] = []
        self.stated: dict[str, str] = {}
        self.integrity = ""
        self._inside = 0

    def begin(self, tag: str, attributes: Mapping[str, str]) -> None:
        self.stated = self.stated or {"": tag, **attributes}
        record = record_in(tag, attributes)
        line = _line(self.name, _by_field(attributes)) if record is None and not self._inside else None
        if record is not None:
            self.records.append(record)
        elif tag == _INTEGRITY:
            self.integrity = attributes.get("z", "")
        elif line is not None:
            self.lines.append(line)
        if len(self.lines) > _MOST_LINES or len(self.records) > _MOST_RECORDS:
            raise BadDocument(self.name, f"more than {_MOST_LINES} lines")
        self._inside += bool(self._inside or line is not None)

    def end(self) -> None:
        self._inside -= bool(self._inside)


def _of_xml(name: str, content: bytes) -> PricingFile:
    events = etree.iterparse(
        io.BytesIO(content),
        events=("start", "end"),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    read = _Read(name)
    try:
        for event, element in events:
            if event == "end":
                read.end()
                element.clear()
                continue
            if not read.stated and element.getroottree().docinfo.doctype:
                raise BadDocument(name, "a document type definition")
            attributes = {str(key).rpartition("}")[2].lower(): str(value) for key, value in element.items()}
            read.begin(etree.QName(element).localname.lower(), attributes)
    except etree.XMLSyntaxError as error:
        raise BadDocument(name, f"faulty XML: {error.msg}") from error
    stated = read.stated
    return PricingFile(
        name,
        _some(name, tuple(read.lines)),
        fen_of(next((stated[one] for one in _SUM if stated.get(one)), "")),
        next((stated[one] for one in _SUM_IN_WORDS if stated.get(one)), "")[:_LONGEST],
        tuple(read.records),
        read.integrity[:_LONGEST],
    )


def _by_field(attributes: Mapping[str, str]) -> dict[str, str]:
    return {
        field: next(attributes[one] for one in names if one in attributes)
        for field, names in _FIELDS.items()
        if any(one in attributes for one in names)
    }
