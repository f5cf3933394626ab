"""The opening: sign in, release the key, compare our row, confirm or object."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bidclient.ask import Ask
from bidclient.crypto.certificate import Certificate
from bidclient.desk.connection import Clock, Connections
from bidclient.desk.keychain import Keychain
from bidclient.desk.purpose import purpose
from bidclient.desk.sealing import certificates_of, wiped
from bidclient.desk.seat import Said, take_seat
from bidclient.desk.submitting import in_force
from bidclient.desk.trust import Trust
from bidclient.errors import Mismatch
from bidclient.formats import atomic, canonical
from bidclient.formats.bseal import Frame
from bidclient.formats.wraps import unwrap_secret, unwrap_with_code
from bidclient.network.wire import OpeningView
from bidclient.stages.chain import Event
from bidclient.stages.evidence_folder import READOUT
from bidclient.stages.opened import Method, Readout, ReadoutRow, Subject, check_row, table_sha256
from bidclient.stages.signed import read_signed
from bidclient.stages.stub import read_stub
from bidclient.stages.tender import Record, read_tender
from bidclient.store.bids import BidFolder


@dataclass(frozen=True)
class Confirmed:
    """The read-out, our own row compared with our own package, and the confirmation of it."""

    said: Said
    readout: Readout
    own_row: ReadoutRow
    table_sha256: str


class OpeningDesk:
    """The bidder's seat in the opening."""

    def __init__(self, connections: Connections, keychain: Keychain, trust: Trust, now: Clock) -> None:
        self._connections = connections
        self._keychain = keychain
        self._trust = trust
        self._now = now

    def sign_in(self, path: Path, key_id: str | None, ask: Ask, agent: str = "") -> Said:
        """Sign in (签到). Raises OpeningClosed before its time, NetworkProblem, KeyProblem, WrongStage."""
        with take_seat(self._connections, self._now, path, key_id, ask) as seat:

            def statement(view: OpeningView) -> Record:
                return seat.standing.sign_in(agent, view.nonce)

            return seat.say("sign-in", statement, seat.room.sign_in)

    def release(self, path: Path, key_id: str | None, ask: Ask, open_with: str | None = None) -> Said:
        """Release the key with the encryption key that is here, or with `open_with` (the second lock).

        The secret is unwrapped and compared with the commitment before anything is sent: a wrong key is found
        without the network. Raises WrongKey, WrongSecret, NoSuchKey, KeyProblem, OpeningClosed, Mismatch when
        the opening names another certificate than the tender, CertificateRevoked when that is revoked.
        """
        folder = BidFolder.open(path)
        frame = _frame_in_force(folder)
        tender = read_tender(folder.tender).tender
        key = self._keychain.opener(certificates_of(frame), open_with)
        first = certificates_of(frame)[:1]
        method: Method = "key" if key.certificate.sha256 in first else "second-lock"
        with (
            self._keychain.unlocked(key, ask, purpose("release", tender)) as private,
            wiped(unwrap_secret(frame, private)) as secret,
        ):
            return self._release(path, key_id, ask, secret, method)

    def release_with_code(self, path: Path, key_id: str | None, ask: Ask, code: str) -> Said:
        """Release with the recovery code (信封码). Raises BadFormat for a mistyped code, and as `release`."""
        frame = _frame_in_force(BidFolder.open(path))
        with wiped(unwrap_with_code(frame, code)) as secret:
            return self._release(path, key_id, ask, secret, "recovery-code")

    def watch(
        self,
        path: Path,
        key_id: str | None,
        ask: Ask,
        on_event: Callable[[Event], None],
        wait: int = 25,
        until: str | None = None,
    ) -> tuple[Event, ...]:
        """Follow the opening until it is over or the person has seen enough; every link is verified and kept.

        `until` is the type of an event that is enough, also one that has been. Raises BadChain (an alarm),
        NetworkProblem. The bid folder is not locked meanwhile: what has to be said can be said beside it.
        """
        with take_seat(self._connections, self._now, path, key_id, ask, watching=True) as seat:
            for event in seat.room.chain.events:
                on_event(event)
            if seat.is_over or until in {event.type for event in seat.room.chain.events}:
                return seat.room.chain.events
            for event in seat.room.follow(ask.cancelled, wait):
                seat.keep_chain()
                on_event(event)
                if event.type == until:
                    break
            return seat.room.chain.events

    def look(self, path: Path, key_id: str | None, ask: Ask) -> OpeningView:
        """The opening as it stands; the events so far are verified and kept. Raises BadChain."""
        with take_seat(self._connections, self._now, path, key_id, ask) as seat:
            return seat.room.view()

    def confirm(self, path: Path, key_id: str | None, ask: Ask, note: str = "") -> Confirmed:
        """Compare our row of the read-out with our own package and confirm it (无异议).

        Raises Mismatch, naming the field, when the row is not ours: then object. OpeningClosed, BadChain.
        """
        with take_seat(self._connections, self._now, path, key_id, ask) as seat:
            readout = seat.room.readout()
            atomic.write(seat.folder.opening / READOUT, canonical.dumps(readout))
            signed = read_signed(seat.artefacts.signed)
            row = check_row(
                _own_row(readout, seat.submission),
                signed.manifest,
                signed.manifest_sha256,
                seat.tender.price.field,
            )
            table = table_sha256(readout)
            # The table may be newer than what we have seen of the chain.
            seat.room.catch_up()
            seat.keep_chain()
            seat.room.chain.check_readout(table)

            def statement(view: OpeningView) -> Record:
                return seat.standing.confirm(readout, row, note, view.nonce)

            said = seat.say("confirm", statement, seat.room.confirm)
        return Confirmed(said, readout, row, table)

    def object(self, path: Path, key_id: str | None, ask: Ask, subject: Subject, text: str) -> Said:
        """Object (开标异议). Raises OpeningClosed, NetworkProblem, KeyProblem."""
        with take_seat(self._connections, self._now, path, key_id, ask) as seat:

            def statement(view: OpeningView) -> Record:
                return seat.standing.objection(subject, text, view.nonce)

            return seat.say("objection", statement, seat.room.object)

    # ------------------------------------------------------------------------------------------ within

    def _release(self, path: Path, key_id: str | None, ask: Ask, secret: bytearray, method: Method) -> Said:
        with take_seat(self._connections, self._now, path, key_id, ask) as seat:
            certificate = Certificate.from_pem(seat.tender.opening_certificate.encode())
            package = read_tender(seat.folder.tender)
            # A certificate that has ended since the bid was sealed to it must not cost the opening.
            warnings = self._trust.require(certificate, package.chain, package.signing_time)

            def statement(view: OpeningView) -> Record:
                named = Certificate.from_pem(view.opening_certificate.encode())
                if named.der != certificate.der:
                    raise Mismatch("opening_certificate", certificate.sha256, named.sha256)
                return seat.standing.release(secret, certificate, method, view.nonce)

            return seat.say("release", statement, seat.room.release, method, warnings)


def _frame_in_force(folder: BidFolder) -> Frame:
    artefacts, _ = in_force(folder)
    return read_stub(artefacts.stub.read_bytes()).frame


def _own_row(readout: Readout, submission: str) -> ReadoutRow:
    for row in readout.rows:
        if row.submission == submission:
            return row
    raise Mismatch("submission", submission, "not in the read-out")
