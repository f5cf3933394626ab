"""What two passages say differently, letter by letter, so that a person sees it at once."""

import re
from dataclasses import dataclass

_BROKEN_LINE = re.compile(r"(?<=[\u2e80-\uffef])(?<![。！？：；])[ \t]*\n[ \t]*(?=[\u2e80-\uffef])")
"""Between two Chinese characters, where no sentence ends."""


@dataclass(frozen=True)
class Piece:
    """A run of one side's characters, which the other side has too, or not."""

    text: str
    same: bool


def flowing(text: str) -> str:
    """Chinese text without the line breaks that only its page had."""
    return _BROKEN_LINE.sub("", text)


def side_by_side(here: str, there: str) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    """Both texts in pieces. White space alone never differs: lines break where the page ends them.

    Where both were cut short ("…"), what is left over at the end of one side does not differ either.
    """
    # Imported here: whoever prints a summary needs it not.
    from rapidfuzz.distance import Indel

    was_cut = here.endswith("…") and there.endswith("…")
    ours: list[Piece] = []
    theirs: list[Piece] = []
    codes = list(Indel.opcodes(here, there))
    for number, code in enumerate(codes):
        # The dots themselves are equal; what stands before them may belong to what was cut off.
        is_end = was_cut and number >= len(codes) - 2
        same = code.tag == "equal" or is_end
        _append(ours, here[code.src_start : code.src_end], same)
        _append(theirs, there[code.dest_start : code.dest_end], same)
    return tuple(ours), tuple(theirs)


def _append(pieces: list[Piece], text: str, same: bool) -> None:
    if not text:
        return
    same = same or text.isspace()
    if pieces and pieces[-1].same == same:
        text = pieces.pop().text + text
    pieces.append(Piece(text, same))
