"""The codes of the trade with their check digits (social credit, unified deal, lot code), and telephones."""

import re
from dataclasses import dataclass

from bidclient.crypto.uscc import USCC_SHAPE, uscc_check

_ORGANISATION_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_DEAL_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ*"
_DEAL_SHAPE = re.compile(r"([A-D]\d\d)-([0-9A-HJ-NPQRTUWXY]{18})-(\d{8})-(\d{6})-([0-9A-Z*])", re.ASCII)
_PHONES = re.compile(
    r"(?:(?:\+?86)?(?:1[3-9]\d{9}|0\d{2,3}\d{7,8}(?:(?:转|x|ext\.?)\d{1,6})?)|[48]00\d{7}|95\d{3,4}|\+(?!86)\d{6,15})",
    re.ASCII | re.IGNORECASE,
)
_LOT_SHAPE = re.compile(r"([A-D]\d\d)(\d{6})(\d{6})(\d{4})(\d{3})(\d{3})", re.ASCII)


def uscc_problem(code: str) -> str | None:
    """What is wrong with a unified social credit code (统一社会信用代码, GB 32100-2015); None for nothing.

    "shape", "organisation" (GB 11714 check character at position 17) or "check" (position 18). Codes issued
    early may fail a check and still be legal: a reason to warn, not to refuse.
    """
    if not USCC_SHAPE.fullmatch(code):
        return "shape"
    if code[16] != organisation_check(code[8:16]):
        return "organisation"
    if code[17] != uscc_check(code[:17]):
        return "check"
    return None


def organisation_check(first: str) -> str:
    """The check character behind the first 8 characters of an organisation code (GB 11714)."""
    total = sum(
        _ORGANISATION_ALPHABET.index(character) * weight
        for character, weight in zip(first, _ORGANISATION_WEIGHTS, strict=True)
    )
    return "0123456789X"[-total % 11]


def deal_check(text: str) -> str:
    """The check character of a unified deal code: ISO 7064 MOD 37-2 over class, code, date and number."""
    remainder = 0
    for character in text:
        remainder = (remainder + _DEAL_ALPHABET.index(character)) * 2 % 37
    return _DEAL_ALPHABET[(38 - remainder) % 37]


def deal_code_problem(code: str) -> str | None:
    """What is wrong with a unified deal code (统一交易标识码): "shape", "check" or None."""
    match = _DEAL_SHAPE.fullmatch(code)
    if not match:
        return "shape"
    *parts, check = match.groups()
    return None if deal_check("".join(parts)) == check else "check"


def is_phone(text: str) -> bool:
    """Whether it can be called as it is: mobile, landline with area code, 400, 800, 95xxx, foreign with +."""
    return _PHONES.fullmatch(re.sub(r"[\s()-]", "", text)) is not None


@dataclass(frozen=True)
class LotCode:
    """The parts of a 25-digit lot code (标段编号): project code (19), tender project (+3), lot (+3)."""

    kind: str
    region: str
    day: str
    number: str
    tender_project: str
    lot: str

    @property
    def project_code(self) -> str:
        """项目编号, 19 characters."""
        return self.kind + self.region + self.day + self.number

    @property
    def tender_project_code(self) -> str:
        """招标项目编号, 22 characters."""
        return self.project_code + self.tender_project

    @property
    def text(self) -> str:
        """标段编号, 25 characters."""
        return self.tender_project_code + self.lot


def parse_lot_code(code: str) -> LotCode | None:
    """The parts of a lot code; None when it has another shape, which some platforms' codes have."""
    match = _LOT_SHAPE.fullmatch(code)
    return LotCode(*match.groups()) if match else None
