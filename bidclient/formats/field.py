"""What a person may type into a field of a form, and the one spelling in which files keep it."""

import re
import unicodedata
from collections.abc import Callable
from datetime import date
from decimal import Decimal

from bidclient.crypto.uscc import USCC_SHAPE
from bidclient.errors import BadFormat, BadValue
from bidclient.formats.money import parse_yuan

BIDDER_FIELDS = ("bidder.name", "bidder.uscc", "bidder.legal_representative", "bidder.agent", "bidder.phone")
_BIDDER_LENGTH = 200
_LONGEST_DAYS = 36_500
_PERSON_LENGTH = 60
_PHONE = re.compile(r"\+?[0-9][0-9 -]{4,18}[0-9]")
_DAYS = re.compile(r"[0-9]{1,10}")
_PERCENT = re.compile(r"-?\d{1,3}(\.\d{1,4})?")


def field_value(name: str, kind: str, max_length: int, text: str) -> str:
    """The kept form of `text` for a field of this type: text, money (fen), days, percent, date or person.

    `text` is NFC and not empty. Raises BadValue.
    """
    if len(text) > max_length:
        raise BadValue(name, f"共 {len(text)} 字，最多 {max_length} 字 (too long)")
    if any(unicodedata.category(character) in ("Cc", "Cf", "Cs") and character != "\n" for character in text):
        raise BadValue(name, "含有控制字符 (contains a control character)")
    return _KINDS[kind](name, text)


def bidder_value(name: str, text: str) -> str:
    """The kept form of a field of the bidder. Raises BadValue, as for a code of the wrong shape."""
    if not text:
        return ""
    if name == "bidder.uscc":
        code = text.upper()
        if not USCC_SHAPE.fullmatch(code):
            raise BadValue(name, "应为 18 位，不含字母 I、O、S、V、Z (18 characters without I, O, S, V, Z)")
        return code
    if name == "bidder.phone" and not _PHONE.fullmatch(text):
        raise BadValue(name, "不是电话号码 (not a telephone number)")
    return field_value(name, "text", _BIDDER_LENGTH, text)


def _money(name: str, text: str) -> str:
    try:
        return str(parse_yuan(text))
    except BadFormat as error:
        raise BadValue(name, "不是以元为单位的金额 (not an amount in yuan)") from error


def _days(name: str, text: str) -> str:
    if not (_DAYS.fullmatch(text) and 1 <= int(text) <= _LONGEST_DAYS):
        raise BadValue(name, f"不是 1 至 {_LONGEST_DAYS} 的天数 (not a number of days)")
    return str(int(text))


def _percent(name: str, text: str) -> str:
    plain = text.removesuffix("%").removesuffix("％").strip()
    if not (plain.isascii() and _PERCENT.fullmatch(plain) and abs(Decimal(plain)) <= 100):
        raise BadValue(name, "不是百分数，最多四位小数 (not a percentage)")
    return f"{Decimal(plain).normalize() + 0:f}"


def _date(name: str, text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise BadValue(name, "不是 2026-12-01 形式的日期 (not a date)") from error


def _person(name: str, text: str) -> str:
    if len(text) > _PERSON_LENGTH or "\n" in text:
        raise BadValue(name, "不是人名 (not a person's name)")
    return text


def _text(_name: str, text: str) -> str:
    return text


_KINDS: dict[str, Callable[[str, str], str]] = {
    "text": _text,
    "money": _money,
    "days": _days,
    "percent": _percent,
    "date": _date,
    "person": _person,
}
