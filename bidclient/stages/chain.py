"""The record of an opening: a hash chain that everybody follows, and what the network signs of it."""

import hashlib
from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec

from bidclient.crypto.certificate import Certificate, verify_chain
from bidclient.errors import BadChain, BadSignature, Mismatch
from bidclient.formats import canonical
from bidclient.formats.instant import Instant, parse_instant
from bidclient.stages.submitted import digest, read_statement
from bidclient.stages.tender import Hex32, Record


class Event(Record):
    """A link of the opening's chain: h_n = SHA-256(h_{n-1} ‖ SHA-256(canonical event)), `prev` is h_{n-1}."""

    seq: Annotated[int, msgspec.Meta(ge=1)]
    prev: Hex32
    at: Instant
    type: str
    data: dict[str, str | int | bool | None]


class AcknowledgedHead(Record):
    """The content of an acknowledgement (CMS SignedData by the network).

    At `at` the event `seq`, with chain hash `head`, recorded the statement. Before the opening, sign-ins are
    kept back so that nobody can count the bidders: then `seq` and `head` are those of the public chain so far
    and the event follows when the list is announced.
    """

    format: Literal["bidnet/acknowledgement"]
    version: Literal[1]
    opening: str
    seq: int
    head: Hex32
    statement_sha256: Hex32
    at: Instant


def genesis(opening: str) -> str:
    """h_0 of an opening's chain, hex."""
    return hashlib.sha256(b"bidnet/chain/1\0" + opening.encode()).hexdigest()


def event_digest(event: Event) -> str:
    """Hex SHA-256 of the canonical event."""
    return hashlib.sha256(canonical.dumps(event)).hexdigest()


def next_head(head: str, event: Event) -> str:
    """h_n = SHA-256(h_{n-1} ‖ SHA-256(canonical event)), hex."""
    return hashlib.sha256(bytes.fromhex(head) + bytes.fromhex(event_digest(event))).hexdigest()


class Chain:
    """The events of one opening that we have seen and verified, in order."""

    def __init__(self, opening: str) -> None:
        self.opening = opening
        self._heads = [genesis(opening)]
        self._events: list[Event] = []
        self._told: dict[int, str] = {}

    @property
    def seq(self) -> int:
        """The number of the last event; 0 before the first."""
        return len(self._events)

    @property
    def head(self) -> str:
        """The hash after the last event, hex."""
        return self._heads[-1]

    @property
    def events(self) -> tuple[Event, ...]:
        """All events, first to last."""
        return tuple(self._events)

    def append(self, event: Event) -> None:
        """Take the next event. One that we have already is compared. Raises BadChain and changes nothing."""
        if event.seq <= self.seq:
            if self._events[event.seq - 1] != event:
                raise BadChain(event.seq, "differs from the event seen before")
            return
        if event.seq != self.seq + 1:
            raise BadChain(event.seq, f"expected event {self.seq + 1}")
        if event.prev != self.head:
            raise BadChain(event.seq, "does not follow from the event before it")
        try:
            head = next_head(self.head, event)
        except ValueError as error:
            raise BadChain(event.seq, "it has no canonical form") from error
        if self._told.get(event.seq, head) != head:
            raise BadChain(event.seq, "the network told another head before: the chain is forked")
        self._events.append(event)
        self._heads.append(head)

    def check_head(self, seq: int, head: str) -> None:
        """Compare a head that the network gave with ours; one ahead of us is compared when we get there.

        Raises BadChain: two heads for one event are a fork.
        """
        if seq < 0:
            raise BadChain(seq, "a negative event number")
        known = self._heads[seq] if seq <= self.seq else self._told.setdefault(seq, head)
        if known != head:
            raise BadChain(seq, "the network gave another head: the chain is forked")

    def recorded(self, statement_sha256: str) -> Event:
        """The event that records this statement. Raises BadChain when there is none."""
        for event in self._events:
            if event.data.get("statement_sha256") == statement_sha256:
                return event
        raise BadChain(self.seq, "an acknowledged statement is not in the chain")

    def check_readout(self, table_sha256: str) -> Event:
        """The event that announced this table to everybody. Raises BadChain without one, Mismatch for
        another."""
        announced = [event for event in self._events if event.type == "readout"]
        if not announced:
            raise BadChain(self.seq, "the read-out is not in the chain")
        for event in announced:
            if event.data.get("table_sha256") != table_sha256:
                raise Mismatch("table_sha256", str(event.data.get("table_sha256")), table_sha256)
        return announced[-1]


def check_acknowledgement(
    proof: bytes, opening: str, statement: bytes, anchors: Sequence[Certificate], identity: Certificate
) -> AcknowledgedHead:
    """What the network signed about our CMS `statement`.

    `proof` is the acknowledgement's CMS, `identity` the network's certificate; the caller compares the result
    with its chain (Chain.check_head). Raises BadSignature, BadCertificate, NotCanonical, BadFormat, Mismatch.
    """
    acknowledged, signed = read_statement(proof, AcknowledgedHead)
    if signed.signer.der != identity.der:
        raise BadSignature("acknowledgement", f"signed by {signed.signer.subject}")
    at = parse_instant(acknowledged.at)
    verify_chain(identity, signed.chain, anchors, at, "acknowledgement")
    if acknowledged.opening != opening:
        raise Mismatch("opening", opening, acknowledged.opening)
    if acknowledged.statement_sha256 != digest(statement):
        raise Mismatch("statement_sha256", digest(statement), acknowledged.statement_sha256)
    return acknowledged
