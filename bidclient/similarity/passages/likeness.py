"""How two passages are alike, and how far they go on beyond the grams that they share."""

import re
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bidclient.similarity.passages.draft import Draft
from bidclient.similarity.passages.merge import Aligned
from bidclient.similarity.passages.normal import Normal, Ranges, normalise, within
from bidclient.similarity.passages.passage import Likeness

_SAME = 0.97
"""Share of the longer side: both ends of a passage may be a few characters off."""
_REORDERED = 0.15
"""By how much the common grams may exceed what stands in the same order."""
_REACH = 80
_CHANGED = 0.8
"""What a changed character costs beside what an equal one gains, where a passage might go on."""
_ANCHOR = 2
_LONGEST = 30_000
"""Characters: the time for a comparison letter by letter grows with their square."""
_FIGURES = re.compile(r"\d+")
_NOT_FIGURES = re.compile(r"\D+")


@dataclass(frozen=True)
class Judged:
    """Share of the shorter side's characters that are matched, 0 to 1, and the kind of the likeness."""

    similarity: float
    likeness: Likeness


def judge(here: Normal, there: Normal, covered: float) -> Judged:
    """Compares two passages, normalised with figures; `covered` is the share that common grams cover."""
    from rapidfuzz.distance import LCSseq

    ours, theirs = here.string(), there.string()
    plain, plain_there = _FIGURES.sub("0", ours), _FIGURES.sub("0", theirs)
    if not plain or not plain_there:
        return Judged(0.0, "reworded")
    longer, shorter = max(len(plain), len(plain_there)), min(len(plain), len(plain_there))
    covered = min(covered, 1.0)
    if plain == plain_there:
        in_order = longer
    elif longer > _LONGEST:
        return Judged(covered, "reworded")
    else:
        in_order = int(LCSseq.similarity(plain, plain_there))
    if in_order >= _SAME * longer:
        return Judged(in_order / shorter, "verbatim" if _same_figures(ours, theirs) else "numbers")
    if covered - in_order / shorter >= _REORDERED:
        return Judged(covered, "reordered")
    return Judged(in_order / shorter, "reworded")


def _same_figures(ours: str, theirs: str) -> bool:
    """Whether the figures of one are those of the other, or a part of them: an end may be a little off."""
    one, other = _NOT_FIGURES.sub(" ", ours).strip(), _NOT_FIGURES.sub(" ", theirs).strip()
    return one == other or bool(one and other and (one in other or other in one))


def reach(ours: str, theirs: str) -> tuple[int, int]:
    """How many characters from the beginning of both still belong together; (0, 0) when they part at once.

    The characters of the cheapest way from one to the other gain or cost, and the dearest prefix is taken.
    """
    from rapidfuzz.distance import Indel

    score, best, reached = 0.0, 0.0, (0, 0)
    for step in Indel.opcodes(ours[:_REACH], theirs[:_REACH]):
        length = max(step.src_end - step.src_start, step.dest_end - step.dest_start)
        if step.tag != "equal":
            score -= _CHANGED * length
        elif length >= _ANCHOR:
            score += length
            if score > best:
                best, reached = score, (step.src_end, step.dest_end)
    return reached


def grown(draft: Draft, usable: NDArray[np.bool_], one: Aligned, text: str, left_out: Ranges) -> Aligned:
    """The passage with what belongs to it before and after the grams that the two texts share."""
    low, high = _open_around(draft, usable, one.start, one.end)
    before = normalise(
        text[max(one.there_start - _REACH, 0) : one.there_start],
        within(left_out, max(one.there_start - _REACH, 0), one.there_start),
    )
    after = normalise(
        text[one.there_end : one.there_end + _REACH], within(left_out, one.there_end, one.there_end + _REACH)
    )
    back, back_there = reach(_string(draft.chars[low : one.start])[::-1], before.string()[::-1])
    on, on_there = reach(_string(draft.chars[one.end : high]), after.string())
    there_start, there_end = one.there_start, one.there_end
    if back_there:
        there_start = max(one.there_start - _REACH, 0) + int(before.index[len(before) - back_there])
    if on_there:
        there_end = one.there_end + int(after.index[on_there - 1]) + 1
    return replace(
        one, start=one.start - back, end=one.end + on, there_start=there_start, there_end=there_end
    )


def _open_around(draft: Draft, usable: NDArray[np.bool_], start: int, end: int) -> tuple[int, int]:
    """How far the usable characters go on around start..end, within reach."""
    before = np.flatnonzero(~usable[max(start - _REACH, 0) : start])
    after = np.flatnonzero(~usable[end : end + _REACH])
    low = max(start - _REACH, 0) + (int(before[-1]) + 1 if len(before) else 0)
    return low, end + (int(after[0]) if len(after) else len(usable[end : end + _REACH]))


def _string(chars: NDArray[np.uint32]) -> str:
    return chars.tobytes().decode("utf-32-le")
