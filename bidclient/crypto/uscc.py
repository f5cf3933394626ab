"""The unified social credit code (统一社会信用代码) by which certificates and forms name a company."""

import re

USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
USCC_SHAPE = re.compile(f"[{USCC_ALPHABET}]{{18}}")


def uscc_check(first: str) -> str:
    """The check character behind the first 17 of a unified social credit code (GB 32100-2015 §5)."""
    total = sum(USCC_ALPHABET.index(character) * pow(3, place, 31) for place, character in enumerate(first))
    return USCC_ALPHABET[-total % 31]


def is_uscc(text: str) -> bool:
    """Whether `text` is a unified social credit code with a right check character (GB 32100)."""
    return USCC_SHAPE.fullmatch(text) is not None and uscc_check(text[:17]) == text[17]
