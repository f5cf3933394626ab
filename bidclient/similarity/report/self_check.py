"""What a self-check has found, as a record: enough to judge each finding again, nothing of what was refused.

It is for the bidder's own archive, `self-check/NNN/report.json` of a bid folder, and never part of a bid.
"""

import hashlib
import unicodedata
from typing import Annotated, Final, Literal

import msgspec

from bidclient.checks.finding import Finding, Severity
from bidclient.errors import NotCanonical
from bidclient.formats import canonical
from bidclient.formats.instant import Instant
from bidclient.similarity.passages.passage import Excuse, Likeness, Owner
from bidclient.stages.tender import Hex32, Record

FORMAT: Final = "bidclient/self-check"
VERSION: Final = 1
NOTICE_ZH: Final = "自查提示，不构成雷同/串通认定；未命中不构成清白证明。"
NOTICE_EN: Final = (
    "Hints of a self-check. A hit is not a finding of collusion; no hit is no proof of innocence."
)
_SIZE_LIMIT = 256 * 1024 * 1024
_ORDER: dict[Severity, int] = {"blocking": 0, "warning": 1, "info": 2}

Role = Literal["draft", "tender", "named"]
"""A document of the draft; one of the tender; a file that the user named."""
Permille = Annotated[int, msgspec.Meta(ge=0, le=1000)]


class Input(Record):
    """A file that was read, by its hex SHA-256. `characters` counts code points of what was extracted."""

    role: Role
    name: str
    sha256: Hex32
    kind: str
    pages: int
    characters: int


class ArchiveInput(Record):
    """The archive as it was compared with: own texts, and those that may be quoted.

    `state` is a digest that changes with each bid that goes in or out.
    """

    used: bool
    bids: int
    texts: int
    quotable: int
    state: str


class Spot(Record):
    """Code points `start` to `end` of the text of a file, on `page` (from 1; 0: no page).

    `sha256` is the file's, empty where it has none of its own; `quote` may be shortened.
    """

    document: str
    sha256: Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{64})?$")]
    page: int
    start: int
    end: int
    quote: str


class Proof(Record):
    """What a finding rests on: here, and there where two places are compared."""

    here: Spot
    there: Spot | None
    fact: str


class Acceptance(Record):
    """A person has looked at a finding and says why it is in order. It stays in the report."""

    finding: Hex32
    rule: str
    reason: str
    at: Instant


class Accepted(Record):
    """accepted.json: the findings of a bid that a person has explained, by their ids."""

    format: Literal["bidclient/accepted-findings"]
    version: Literal[1]
    accepted: tuple[Acceptance, ...]


class Found(Record):
    """A finding. `id` names it from one run to the next, as long as its evidence stays the same."""

    id: Hex32
    rule: str
    severity: Severity
    subject: str
    message_zh: str
    message_en: str
    advice_zh: str
    advice_en: str
    basis_zh: str
    basis_en: str
    evidence: tuple[Proof, ...]
    accepted: Acceptance | None


class SamePassage(Record):
    """A passage of the draft, and the one that it is like."""

    here: Spot
    there: Spot
    owner: Owner
    similarity: Permille
    likeness: Likeness
    excused: Excuse
    also_in: int


class Share(Record):
    """How many compared characters of a document stand elsewhere; of all documents where it has no name."""

    document: str
    characters: int
    counted: int
    tender: int
    public: int
    template: int


class Skipped(Record):
    """What was not checked, and why."""

    document: str
    reason_zh: str
    reason_en: str


class RefusedInput(Record):
    """A file that declares another company as its bidder: its content was not looked into."""

    name: str
    sha256: Hex32
    reason_zh: str
    reason_en: str


class Parameter(Record):
    """A value that the result depends on, and where it comes from."""

    name: str
    value: str
    source_zh: str
    source_en: str


class Subject(Record):
    """The bid that was checked."""

    project: str
    project_name: str
    lot: str
    lot_code: str
    lot_name: str
    tender_sha256: Hex32
    tender_version: int
    draft_sha256: Hex32
    bidder: str
    uscc: str


class SelfCheck(Record):
    """The result of one run. `left_out` counts passages beyond the most that a report holds."""

    format: Literal["bidclient/self-check"]
    version: Literal[1]
    made_at: Instant
    client: str
    notice_zh: str
    notice_en: str
    subject: Subject
    parameters: tuple[Parameter, ...]
    inputs: tuple[Input, ...]
    archive: ArchiveInput
    findings: tuple[Found, ...]
    passages: tuple[SamePassage, ...]
    left_out: int
    coverage: tuple[Share, ...]
    skipped: tuple[Skipped, ...]
    refused: tuple[RefusedInput, ...]

    def count(self, severity: Severity) -> int:
        """How many findings have this severity, accepted ones too."""
        return sum(one.severity == severity for one in self.findings)

    @property
    def passed(self) -> bool:
        """Nothing blocks. What is accepted with a reason still does: a reason does not mend it."""
        return self.count("blocking") == 0

    @property
    def total(self) -> Share:
        """The coverage of all documents together."""
        return next(one for one in self.coverage if not one.document)


def finding_id(finding: Finding) -> str:
    """The hex digest that names a finding from one run to the next.

    It is made from the rule, what it is about, and its evidence: documents, quoted words with their length,
    facts. A page more in front of them does not change it, another word in them does.
    """
    places = []
    for one in finding.evidence:
        for place in (one.here, one.there):
            if place is not None:
                words = readable(place.quote) or f"{place.page}:{place.start}"
                places += [readable(place.document), words, place.end - place.start]
            else:
                places.append(None)
        places.append(readable(one.fact))
    told = [finding.rule, readable(finding.subject), *places]
    if not finding.evidence:
        told.append(readable(finding.message_en))
    return hashlib.sha256(canonical.dumps(told)).hexdigest()


def worst_first(finding: Found) -> tuple[bool, int]:
    """The order of findings: what still waits for somebody before what is accepted, then the worst."""
    return finding.accepted is not None and finding.severity != "blocking", _ORDER[finding.severity]


def self_check_bytes(record: SelfCheck) -> bytes:
    """report.json: canonical JSON (RFC 8785)."""
    return canonical.dumps(record)


def read_self_check(data: bytes, what: str) -> SelfCheck:
    """The record in report.json. Raises BadFormat, NotCanonical."""
    record = canonical.loads(data, SelfCheck, what, limit=_SIZE_LIMIT)
    if canonical.dumps(record) != data:
        raise NotCanonical(what, "a field is left out")
    return record


def readable(text: str) -> str:
    """Text from any file as the record spells it: Unicode NFC, without what is no character to be read."""
    return unicodedata.normalize("NFC", "".join(map(_readable, text)))


def _readable(one: str) -> str:
    """Halves of surrogate pairs have no UTF-8, control characters no place, and some turn a line around."""
    if one == "\n" or (unicodedata.category(one) not in ("Cs", "Cc") and one not in _TURNING):
        return one
    return "\N{REPLACEMENT CHARACTER}"


_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Unicode Standard Annex 9 §2: embeddings, overrides and isolates of the direction of writing."""
