"""Amounts of money: fen in files, yuan for people, and the capital characters (大写) of a form letter."""

import re
from decimal import Decimal

from bidclient.errors import BadFormat

LARGEST_FEN = 2**53 - 1
_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_PLACES = ("", "拾", "佰", "仟")
_GROUPS = ((10**8, "亿"), (10**4, "万"))
_D = f"[{_DIGITS[1:]}]"
_GROUP = re.compile(
    f"零*(?:(?P<thousand>{_D})仟)?零*(?:(?P<hundred>{_D})佰)?零*(?:(?P<ten>{_D}?)拾)?零*(?P<one>{_D})?零*"
)
_FRACTION = re.compile(f"零?(?:(?P<jiao>{_D})角)?零?(?:(?P<fen>{_D})分)?整?")
_LONGEST_WORDS = 100
_FEN = re.compile(r"[0-9]{1,16}")
_FIGURES = re.compile(r"(\d{1,3}(?:,\d{3})+|\d{1,14})(?:\.(\d{1,2}))?")
_WORDS = re.compile(r"(?:人民币)?(?:(?P<yuan>[^元]+)元)?(?P<fraction>[^元]*)")
_VARIANTS = str.maketrans(
    {
        "圆": "元",
        "正": "整",
        "〇": "零",
        "萬": "万",
        "億": "亿",
        "貳": "贰",
        "參": "叁",
        "叄": "叁",
        "陸": "陆",
    }
)


def yuan_text(fen: int) -> str:
    """The amount in yuan with grouped thousands and two decimals: 140950 → "1,409.50"."""
    return f"{Decimal(fen) / 100:,.2f}"


def is_fen(text: str) -> bool:
    """Whether `text` is an amount as files keep it: a whole number of fen up to LARGEST_FEN, in figures."""
    return _FEN.fullmatch(text) is not None and int(text) <= LARGEST_FEN


def parse_yuan(text: str) -> int:
    """Fen of an amount in yuan, as people write it: "9,800,000", "9800000.5", with or without ¥ and 元.

    Raises BadFormat for anything else, also for a third decimal and for thousands grouped wrongly.
    """
    plain = text.strip().removeprefix("¥").removeprefix("￥").removesuffix("元").strip()
    match = _FIGURES.fullmatch(plain)
    if not match or not plain.isascii():
        raise BadFormat("amount", repr(text[:40]))
    fen = int(match[1].replace(",", "")) * 100 + int((match[2] or "0").ljust(2, "0"))
    if fen > LARGEST_FEN:
        raise BadFormat("amount", f"{text[:40]} is too large")
    return fen


def amount_in_words(fen: int) -> str:
    """The amount in capital characters with 人民币 in front: 140950 → 人民币壹仟肆佰零玖元伍角整.

    By the rules for bank drafts (正确填写票据和结算凭证的基本规定): 整 after 元 and after 角, not after 分;
    inner zeros once; 零 before 分 when there is no 角. Raises ValueError outside 0 … LARGEST_FEN.
    """
    if not 0 <= fen <= LARGEST_FEN:
        raise ValueError(fen)
    yuan, rest = divmod(fen, 100)
    jiao, cents = divmod(rest, 10)
    text = _integer_in_words(yuan) + "元" if yuan else ""
    if jiao:
        text += _DIGITS[jiao] + "角"
    elif cents and yuan:
        text += "零"
    if cents:
        return f"人民币{text}{_DIGITS[cents]}分"
    return f"人民币{text or '零元'}整"


def parse_words(text: str) -> int:
    """Fen of an amount in capital characters. Raises BadFormat.

    Accepts 圆 for 元, 正 for 整, and 零 left out or put in where both are in use.
    """
    plain = re.sub(r"\s", "", text).translate(_VARIANTS)
    match = _WORDS.fullmatch(plain) if len(plain) <= _LONGEST_WORDS else None
    fraction = _FRACTION.fullmatch(match["fraction"]) if match else None
    if not match or not fraction or not (match["yuan"] or fraction["jiao"] or fraction["fen"]):
        raise BadFormat("amount in words", repr(text[:60]))
    yuan = _integer_of_words(match["yuan"]) if match["yuan"] else 0
    fen = yuan * 100 + sum(
        _DIGITS.index(fraction[name]) * worth for name, worth in (("jiao", 10), ("fen", 1)) if fraction[name]
    )
    if fen > LARGEST_FEN:
        raise BadFormat("amount in words", "too large")
    return fen


def _integer_in_words(number: int) -> str:
    for worth, name in _GROUPS:
        if number >= worth:
            high, low = divmod(number, worth)
            zero = "零" if 0 < low < worth // 10 else ""
            return _integer_in_words(high) + name + zero + (_integer_in_words(low) if low else "")
    return _group_in_words(number)


def _group_in_words(group: int) -> str:
    text = ""
    for place in (3, 2, 1, 0):
        digit = group // 10**place % 10
        if digit:
            text += _DIGITS[digit] + _PLACES[place]
        elif text and group % 10**place and not text.endswith("零"):
            text += "零"
    return text


def _integer_of_words(text: str) -> int:
    for worth, name in _GROUPS:
        high, found, low = text.partition(name)
        if found:
            above, below = _integer_of_words(high), _integer_of_words(low) if low else 0
            if not 0 < above < worth or below >= worth:
                raise BadFormat("amount in words", f"{name} is not where it can be")
            return above * worth + below
    match = _GROUP.fullmatch(text)
    if not match or not text:
        raise BadFormat("amount in words", repr(text[:60]))
    digits = ("壹" if match["ten"] == "" else match["ten"], match["thousand"], match["hundred"], match["one"])
    return sum(
        _DIGITS.index(digit) * worth for digit, worth in zip(digits, (10, 1000, 100, 1), strict=True) if digit
    )
