"""The citizen's identity number (公民身份号码), by its birth date and its check character (GB 11643)."""

import re
from datetime import date

_SHAPE = re.compile(r"[1-9][0-9]{16}[0-9X]")
_CHECK = "10X98765432"
_MODULUS = 11


def is_citizen_id(text: str) -> bool:
    """Whether `text` is such a number: 18 characters, a real birth date, the check of ISO 7064 MOD 11-2."""
    if not _SHAPE.fullmatch(text):
        return False
    try:
        date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        return False
    return citizen_id_check(text[:17]) == text[17]


def citizen_id_check(first: str) -> str:
    """The check character behind the first 17 figures."""
    total = sum(int(figure) * pow(2, 17 - place, _MODULUS) for place, figure in enumerate(first))
    return _CHECK[total % _MODULUS]
