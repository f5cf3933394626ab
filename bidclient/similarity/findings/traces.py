"""What is known of a file beside its text: enough to tell a common origin, small enough for an archive."""

from dataclasses import dataclass

from bidclient.similarity.findings.examined import Counterpart
from bidclient.similarity.passages.passage import Owner
from bidclient.similarity.reading.document import Picture, Trait

MANDATED: tuple[Owner, ...] = ("tender", "public", "template")
"""Whose traces a bid may show: it is made from their files, as everybody's."""


@dataclass(frozen=True)
class Traces:
    """Pictures and traits of a file that the draft is compared with; the other fields as in Counterpart."""

    owner: Owner
    name: str
    bid: str
    pictures: tuple[Picture, ...]
    traits: tuple[Trait, ...]
    project: str = ""
    lot: str = ""


def traces_of(one: Counterpart) -> Traces:
    """Those of a file that was read as a whole."""
    return Traces(
        one.owner, one.name, one.bid, one.extract.pictures, one.extract.traits, one.project, one.lot
    )


def listed(names: list[str], most: int = 5) -> tuple[str, str]:
    """Some of the names in both languages, and how many there are when not all are named."""
    shown = names[:most]
    if len(names) <= most:
        return "、".join(shown), ", ".join(shown)
    return f"{'、'.join(shown)} 等 {len(names)} 项", f"{', '.join(shown)} and {len(names) - most} more"
