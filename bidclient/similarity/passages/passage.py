"""Two passages that say the same, with where they stand and why that may be in order."""

from dataclasses import dataclass
from typing import Literal

Owner = Literal["tender", "public", "template", "own", "named"]
"""Whose text it is compared with: the tender in force; statutes, standards and platform forms; the company's
templates; its earlier bids; files that the user names."""

Excuse = Literal["", "tender", "public", "template"]
"""What a passage is quoted from, when that is in order; empty when it counts."""

Likeness = Literal["verbatim", "numbers", "reordered", "reworded"]
"""The same to the letter; but for figures; in another order; with other words."""


@dataclass(frozen=True)
class Passage:
    """`query.text[start:end]` of the draft's document is like `source.text[source_start:source_end]`.

    `similarity` is the share of the shorter side's characters that the alignment matches, 0 to 1. `excused`
    names what the text is quoted from ("" when it counts): tender, public, template. `also_in` counts further
    sources that hold the same passage.
    """

    document: str
    start: int
    end: int
    source: int
    source_start: int
    source_end: int
    similarity: float
    likeness: Likeness
    excused: Excuse = ""
    also_in: int = 0
