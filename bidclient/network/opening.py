"""The opening room: sign in, release, confirm, object, and follow the chained log while checking every link.

The log is read by long-polling. The network also pushes the same events as server-sent events; this client
does not listen to them, because a buffering proxy holds them back where a long poll passes.
"""

import logging
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from bidclient.crypto.certificate import Certificate
from bidclient.errors import Mismatch, Rejected, Unreachable
from bidclient.network.submitting import plain_bytes
from bidclient.network.transport import READ_TIMEOUT, Transport
from bidclient.network.wire import Acknowledgement, LogPage, OpeningView, ReadoutReply, StatementRequest
from bidclient.stages.chain import AcknowledgedHead, Chain, Event, check_acknowledgement
from bidclient.stages.opened import Readout, read_readout

LONG_POLL = 25
"""Seconds that the network may hold a question for the log."""
PATIENCE = 600.0
"""Seconds without any word of the network after which following an opening is given up."""
_LONGEST_PAUSE = 5.0
_LAST_EVENTS = frozenset({"closed", "failed"})
_LOG = logging.getLogger(__name__)


def _is_outage(error: BaseException) -> bool:
    return isinstance(error, Unreachable) or (isinstance(error, Rejected) and error.status >= 500)


@dataclass(frozen=True)
class Acknowledged:
    """An acknowledgement whose signature, opening and statement were verified; `proof` is its CMS."""

    head: AcknowledgedHead
    proof: bytes


class OpeningRoom:
    """One opening, seen by one bidder; `chain` grows with every event and refuses what does not follow."""

    def __init__(
        self,
        transport: Transport,
        opening: str,
        identity: Certificate,
        anchors: Sequence[Certificate],
        chain: Chain | None = None,
    ) -> None:
        self._transport = transport
        self._opening = opening
        self._path = f"/v1/openings/{quote(opening, safe='')}"
        self._identity = identity
        self._anchors = anchors
        self.chain = chain or Chain(opening)

    def view(self) -> OpeningView:
        """The opening now. Raises NetworkProblem, BadFormat, BadChain when its head contradicts our chain."""
        view = self._transport.get(self._path, OpeningView)
        self.chain.check_head(view.head_seq, view.head)
        return view

    def sign_in(self, statement: bytes) -> Acknowledged:
        """签到: `statement` is the CMS over a SignInStatement.

        Raises NetworkProblem (OpeningClosed: not yet, paused, over), and IntegrityProblem for an
        acknowledgement that does not verify; so do the other three.
        """
        return self._say("sign-ins", statement)

    def release(self, statement: bytes) -> Acknowledged:
        """Release the key: CMS over a ReleaseStatement. The same statement gets the same answer."""
        return self._say("releases", statement)

    def confirm(self, statement: bytes) -> Acknowledged:
        """Confirm the read-out: CMS over a ConfirmStatement."""
        return self._say("confirmations", statement)

    def object(self, statement: bytes) -> Acknowledged:
        """Object: CMS over an ObjectionStatement."""
        return self._say("objections", statement)

    def readout(self) -> Readout:
        """The read-out table. Raises NetworkProblem (OpeningClosed before its time), Mismatch, BadFormat."""
        reply = self._transport.get(f"{self._path}/readout", ReadoutReply)
        return read_readout(plain_bytes(reply.readout, "read-out"), self._opening, reply.table_sha256)

    def catch_up(self, wait: int = 0) -> tuple[Event, ...]:
        """The events that are new to us, verified; waits up to `wait` seconds for the first.

        Raises NetworkProblem, BadFormat, BadChain.
        """
        before = self.chain.seq
        asked = {"after": before, "wait": wait}
        page = self._transport.get(f"{self._path}/log", LogPage, asked, read_timeout=READ_TIMEOUT + wait)
        for event in page.events:
            self.chain.append(event)
        self.chain.check_head(page.head_seq, page.head)
        return self.chain.events[before:]

    def follow(
        self, cancelled: Callable[[], bool], wait: int = LONG_POLL, patience: float = PATIENCE
    ) -> Iterator[Event]:
        """Each new event as it comes, until the opening is closed or has failed, or `cancelled` says so.

        A broken line, and a network that is out of order, are tried again for `patience` seconds. Raises
        Unreachable or Rejected after that, other NetworkProblems at once, BadFormat, BadChain.
        """
        # Imported late: only who follows an opening needs it.
        from tenacity import Retrying, before_sleep_log, retry_if_exception, stop_after_delay
        from tenacity.wait import wait_random_exponential

        too_long = stop_after_delay(patience)
        steps = Retrying(
            retry=retry_if_exception(_is_outage),
            wait=wait_random_exponential(multiplier=0.2, max=_LONGEST_PAUSE),
            stop=lambda state: cancelled() or too_long(state),
            before_sleep=before_sleep_log(_LOG, logging.WARNING),
            reraise=True,
        )
        while not cancelled():
            for event in steps(self.catch_up, wait):
                yield event
                if event.type in _LAST_EVENTS:
                    return

    def _say(self, action: str, statement: bytes) -> Acknowledged:
        """Post a statement and verify what the network signs about it."""
        body = StatementRequest(b64encode(statement).decode())
        reply = self._transport.post(f"{self._path}/{action}", body, Acknowledgement)
        proof = plain_bytes(reply.proof, "acknowledgement")
        head = check_acknowledgement(proof, self._opening, statement, self._anchors, self._identity)
        if (reply.seq, reply.head, reply.at) != (head.seq, head.head, head.at):
            raise Mismatch("acknowledgement", f"{head.seq} {head.head}", f"{reply.seq} {reply.head}")
        self.chain.check_head(head.seq, head.head)
        return Acknowledged(head, proof)
