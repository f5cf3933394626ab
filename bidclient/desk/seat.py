"""Our seat in an opening room: which bid counts there, what we have seen, and how we say something.

Each statement lies in opening/ before it is sent, its acknowledgement beside it afterwards; a statement
without an acknowledgement is sent again to the byte, which the network answers as it did the first time.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import msgspec

from bidclient.ask import Ask
from bidclient.checks.finding import Finding
from bidclient.crypto.private_key import PrivateKey
from bidclient.desk.connection import Bidder, Clock, Connections
from bidclient.desk.purpose import Act
from bidclient.desk.signing import warned
from bidclient.desk.submitting import in_force
from bidclient.errors import Busy, OpeningClosed, Rejected
from bidclient.formats import atomic, canonical
from bidclient.formats.instant import parse_instant
from bidclient.network.opening import Acknowledged, OpeningRoom
from bidclient.network.transport import is_final
from bidclient.network.wire import OpeningView
from bidclient.stages.chain import Chain, Event
from bidclient.stages.evidence_folder import CHAIN, OPENING_STATEMENTS
from bidclient.stages.opened import ObjectionStatement, ReleaseStatement, Standing
from bidclient.stages.submitted import SignedReceipt, read_statement, statement_bytes
from bidclient.stages.tender import Record, Tender, read_tender
from bidclient.store.bids import Artefacts, BidFolder
from bidclient.store.journal import Fact

_LAST_EVENTS = frozenset({"closed", "failed"})
_STALE_NONCE = "nonce-invalid"


@dataclass(frozen=True)
class Said:
    """A statement that the opening has recorded: event `seq` of its chain, with hash `head`.

    `warnings` are about the certificate to which a key was released.
    """

    action: str
    opening: str
    submission: str
    seq: int
    head: str
    at: str
    detail: str = ""
    warnings: tuple[Finding, ...] = ()


class Send(Protocol):
    """One of the four things that can be said in an opening room."""

    def __call__(self, statement: bytes) -> Acknowledged:
        """Send the CMS statement; what the network has signed about it."""


@dataclass(frozen=True)
class Seat:
    """Our place in the room, and everything that a statement names."""

    folder: BidFolder
    artefacts: Artefacts
    receipt: SignedReceipt
    tender: Tender
    bidder: Bidder
    room: OpeningRoom
    opening: str
    now: Clock
    watching: bool = False
    """Only looks on: the bid folder is not locked."""

    @property
    def submission(self) -> str:
        """The submission that counts."""
        return self.receipt.receipt.submission

    @property
    def standing(self) -> Standing:
        """In whose name, and about what, is spoken here."""
        return Standing(self.opening, self.receipt)

    @property
    def is_over(self) -> bool:
        """Whether the opening has ended: no further event will come."""
        return any(event.type in _LAST_EVENTS for event in self.room.chain.events)

    def say(
        self,
        action: Act,
        statement: Callable[[OpeningView], Record],
        send: Send,
        detail: str = "",
        warnings: tuple[Finding, ...] = (),
    ) -> Said:
        """Sign a statement, keep it, send it, keep the acknowledgement; the journal notes `warnings`.

        Raises NetworkProblem, IntegrityProblem, KeyProblem.
        """
        own = self.folder.opening / f"{action}.p7s"
        proof = self.folder.opening / f"acknowledgement-{action}.p7s"
        if own.exists() and not self._repeats(own, proof, statement, send):
            self.folder.set_aside([own, proof])
        key = self.bidder.key_for(action, self.tender)
        if not own.exists():
            self._write(own, statement(self.room.view()), key)
        answer = self._sent(own, proof, statement, send, key)
        said = self._read(own)
        if isinstance(said, ReleaseStatement):
            # What counts is the statement that went out, perhaps one of an earlier attempt.
            detail = said.method
        atomic.write(proof, answer.proof)
        self.room.catch_up()
        self.keep_chain()
        head = answer.head
        facts: Mapping[str, Fact] = {
            "opening": self.opening,
            "seq": head.seq,
            "head": head.head,
            **warned(warnings),
        }
        self.folder.journal.append(action, facts, self.now(), parse_instant(head.at))
        return Said(action, self.opening, self.submission, head.seq, head.head, head.at, detail, warnings)

    def keep_chain(self) -> None:
        """Keep the events that we have seen: nobody can tell another story later. Raises DiskProblem."""
        if not self.watching:
            self._write_chain()
            return
        # Who watches keeps out of the way of a release in another window, which keeps the chain itself.
        with suppress(Busy), self.folder.locked():
            self._write_chain()

    def _write_chain(self) -> None:
        lines = b"".join(canonical.dumps(event) + b"\n" for event in self.room.chain.events)
        path = self.folder.opening / CHAIN
        if not path.exists() or path.stat().st_size < len(lines):
            atomic.write(path, lines)

    def _read(self, own: Path) -> Record:
        return read_statement(own.read_bytes(), OPENING_STATEMENTS[own.name])[0]

    def _repeats(
        self, own: Path, proof: Path, statement: Callable[[OpeningView], Record], send: Send
    ) -> bool:
        """Whether a kept statement is what we want to say now.

        An objection that is answered is said anew. One with another text is sent once more before that:
        perhaps it was taken, and then its answer belongs to the evidence.
        """
        said = self._read(own)
        about = {"opening": self.opening, "submission": self.submission}
        if not all(getattr(said, name, None) == value for name, value in about.items()):
            return False
        if not isinstance(said, ObjectionStatement):
            return True
        if not proof.exists():
            wanted = statement(self.room.view())
            if msgspec.structs.replace(wanted, nonce=said.nonce) == said:
                return True
            with suppress(Rejected, OpeningClosed):
                atomic.write(proof, send(own.read_bytes()).proof)
        return False

    def _sent(
        self,
        own: Path,
        proof: Path,
        statement: Callable[[OpeningView], Record],
        send: Send,
        key: PrivateKey,
    ) -> Acknowledged:
        try:
            return send(own.read_bytes())
        except (Rejected, OpeningClosed) as error:
            if isinstance(error, Rejected) and not is_final(error):
                # Perhaps it was taken, and then only the same statement gets the answer.
                raise
            # A refused statement must not be taken for one whose answer was lost.
            if not proof.exists():
                self.folder.set_aside([own])
            if not isinstance(error, Rejected) or error.problem != _STALE_NONCE:
                raise
        self._write(own, statement(self.room.view()), key)
        return send(own.read_bytes())

    def _write(self, path: Path, statement: Record, key: PrivateKey) -> None:
        atomic.write(path, statement_bytes(statement, key, self.now()))


@contextmanager
def take_seat(
    connections: Connections,
    now: Clock,
    path: Path,
    key_id: str | None,
    ask: Ask,
    watching: bool = False,
) -> Iterator[Seat]:
    """Log in and enter the opening of the bid in force, its events caught up and verified.

    The bid folder is locked for the length of the block, but not for one who is only `watching`.

    Raises WrongStage when nothing is submitted, Mismatch when the receipt is another company's or another
    network's, KeyProblem, NetworkProblem, BadChain.
    """
    folder = BidFolder.open(path)
    with nullcontext() if watching else folder.locked():
        artefacts, receipt = in_force(folder)
        tender = read_tender(folder.tender).tender
        with connections.bidder(key_id, ask) as bidder:
            bidder.check(receipt.receipt.bidder, receipt.receipt.network)
            opening = bidder.network.hall.lot(tender.lot.id).opening
            room = bidder.network.opening(opening, _kept_chain(folder, opening))
            folder.opening.mkdir(exist_ok=True)
            seat = Seat(folder, artefacts, receipt, tender, bidder, room, opening, now, watching)
            room.catch_up()
            seat.keep_chain()
            yield seat


def _kept_chain(folder: BidFolder, opening: str) -> Chain:
    chain = Chain(opening)
    path = folder.opening / CHAIN
    if path.exists():
        for line in path.read_bytes().split(b"\n")[:-1]:
            chain.append(canonical.loads(line, Event, CHAIN))
    return chain
