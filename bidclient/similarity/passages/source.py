"""What texts are compared: the draft's own, and those that it may be like."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bidclient.similarity.passages.fingerprint import PARAMETERS, Fingerprint, Parameters, fingerprint
from bidclient.similarity.passages.normal import Ranges, normalise
from bidclient.similarity.passages.passage import Owner


@dataclass(frozen=True)
class Query:
    """A document of the draft: name, text as extracted, and what is not compared (running heads)."""

    document: str
    text: str
    leave_out: Ranges = ()


class Source(Protocol):
    """A text that the draft is compared with; an archive reads it only when it is asked for.

    `project` names what it was written for: text that is in bids of three projects is taken for a template.
    """

    @property
    def id(self) -> int:
        """Names it in the passages; unique among those of one comparison, at least 0."""

    @property
    def owner(self) -> Owner:
        """Whose text it is."""

    @property
    def project(self) -> str:
        """The tender project; empty where there is none."""

    def fingerprint(self) -> Fingerprint:
        """Made with the parameters of the comparison."""

    def text(self) -> str:
        """As extracted; positions of the fingerprint are offsets into it."""

    def leave_out(self) -> Ranges:
        """Running heads and the like, which the fingerprint does not hold."""


@dataclass(frozen=True)
class TextSource:
    """A source at hand as text: a tender, a statute, a file that the user names."""

    id: int
    owner: Owner
    content: str
    project: str = ""
    left_out: Sequence[tuple[int, int]] = ()
    parameters: Parameters = PARAMETERS

    def fingerprint(self) -> Fingerprint:
        """Made anew each time."""
        return fingerprint(normalise(self.content, self.left_out), self.parameters)

    def text(self) -> str:
        """As given."""
        return self.content

    def leave_out(self) -> Ranges:
        """As given."""
        return self.left_out
