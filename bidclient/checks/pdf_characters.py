"""The characters of a PDF page as PDFium numbers them, so that text and places are never one apart."""

import ctypes
import re

import pypdfium2
from pypdfium2 import raw

_SAMPLE = 32
_MOSTLY = 0.3
_LETTERS = 0.5
_BLANKS = 0.08
# PDFium's sign for a hyphen at a line's end, which it joins with the next line; and what XML cannot hold.
_WRITTEN = {0x02: "-", 0xFFFE: "-", 0xFFFF: None, 0x0D: None}
_WRITTEN |= {code: None for code in range(0x20) if code not in (0x02, 0x09, 0x0A)}
_ODD = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]")
_STRAY = re.compile("[\ue000-\uf8ff\ufffd\U000f0000-\U0010ffff]")


def page_text(characters: pypdfium2.PdfTextPage, most: int) -> str:
    """The text of a page, of its first `most` characters: lines end with a line feed, no control characters.

    Raises PdfiumError.
    """
    # Replaced first, because nearly every page has line ends and nothing else to translate, which is slow.
    text = _raw_text(characters, most).replace("\r\n", "\n")
    return text.translate(_WRITTEN) if _ODD.search(text) else text


def character_numbers(characters: pypdfium2.PdfTextPage, most: int) -> list[int]:
    """For each character of `page_text`: the number under which PDFium knows it, -1 for none.

    Raises PdfiumError.
    """
    numbers, unit = [], 0
    for character in _raw_text(characters, most):
        if _WRITTEN.get(ord(character), character) is not None:
            numbers.append(int(raw.FPDFText_GetCharIndexFromTextIndex(characters, unit)))
        unit += 1 if ord(character) < 0x10000 else 2
    return numbers


def is_garbled(characters: pypdfium2.PdfTextPage, text: str) -> bool:
    """Whether the fonts do not tell which characters most of the glyphs are (ISO 32000-1 §9.10.2).

    PDFium then gives the numbers of the glyphs, which look like text; it is asked for a sample. Old Type 3
    fonts have numbers that are right, so what reads as words of a Latin script is taken for text.
    """
    visible = len("".join(text.split()))
    if not visible:
        return False
    if len(_STRAY.findall(text)) > _MOSTLY * visible:
        return True
    count = characters.count_chars()
    sample = range(0, count, max(1, count // _SAMPLE))
    wrong = sum(raw.FPDFText_HasUnicodeMapError(characters, number) == 1 for number in sample)
    return bool(wrong > _MOSTLY * len(sample)) and not _reads_as_words(text, visible)


def _reads_as_words(text: str, visible: int) -> bool:
    """Whether it is small letters with blanks between: glyph numbers that are shifted give neither."""
    letters = sum("a" <= one <= "z" for one in text)
    return letters > _LETTERS * visible and len(text) - visible > _BLANKS * len(text)


def _raw_text(characters: pypdfium2.PdfTextPage, most: int) -> str:
    """Code points in the order of PDFium's UTF-16; half a pair becomes one replacement character."""
    count = min(characters.count_chars(), most)
    # Not get_text_range: it calls itself once for each leading character without meaning.
    units = (ctypes.c_ushort * (count + 2))()
    written = raw.FPDFText_GetText(characters, 0, count, units)
    return bytes(units)[: 2 * max(0, written - 1)].decode("utf-16-le", "replace")
