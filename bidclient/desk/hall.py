"""The network's hall: log in, see the lots, register, fetch the tender."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from bidclient.ask import Ask
from bidclient.desk.connection import Clock, Connections
from bidclient.errors import BadValue, BidExists, DiskProblem, Mismatch, NetworkProblem, Rejected
from bidclient.formats import atomic
from bidclient.formats.instant import instant_text
from bidclient.network.client import Network
from bidclient.network.hall import Hall
from bidclient.network.transport import new_idempotency_key
from bidclient.network.wire import LotSummary, LotView, Registration
from bidclient.stages.tender import check_network, read_tender, verify_tender
from bidclient.store import sessions

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class LoggedIn:
    """Who the network says we are. `remembered`: the session lasts beyond this command."""

    network: str
    kind: str
    organization: str
    uscc: str
    server_time: str
    clock_bound_ms: int
    remembered: bool


@dataclass(frozen=True)
class LoggedOut:
    """What became of the session: whether there was one, and whether the network has ended it, too."""

    network: str
    had_session: bool
    ended: bool


@dataclass(frozen=True)
class FetchedTender:
    """A tender package from the network, its signature and its signer's chain verified."""

    path: str
    sha256: str
    tender_version: int
    signer: str
    deadline: str


class HallDesk:
    """What can be done before there is a bid."""

    def __init__(self, connections: Connections, now: Clock) -> None:
        self._connections = connections
        self._now = now

    def log_in(self, key_id: str | None, ask: Ask) -> LoggedIn:
        """Log in with a certificate; the session is remembered only in a real key store of the system."""
        with self._connections.bidder(key_id, ask) as bidder:
            network, session = bidder.network, bidder.session
            reading = network.now()
            return LoggedIn(
                network=network.info.name,
                kind=network.info.kind,
                organization=session.organization,
                uscc=session.uscc,
                server_time=instant_text(reading.at),
                clock_bound_ms=int(reading.bound.total_seconds() * 1000) + 1,
                remembered=sessions.remember(network.profile.address, session.access_token),
            )

    def log_out(self) -> LoggedOut:
        """Forget the session, and have the network end it where it can be reached.

        Raises SettingProblem, FileProblem, Untrusted.
        """
        profile = self._connections.profile
        token = sessions.recall(profile.address)
        if token is None:
            return LoggedOut(profile.address, had_session=False, ended=False)
        sessions.forget(profile.address)
        try:
            with Network(profile) as network:
                network.login.resume(token)
                network.login.logout()
        except NetworkProblem as error:
            # A session that the network does not know any more has ended as well.
            ended = isinstance(error, Rejected) and error.problem == "unauthorized"
            return LoggedOut(profile.address, had_session=True, ended=ended)
        return LoggedOut(profile.address, had_session=True, ended=True)

    def lots(self, state: str, key_id: str | None, ask: Ask) -> tuple[LotSummary, ...]:
        """The lots of the network, only those in `state` if given. Raises NetworkProblem."""
        return self._as_known(key_id, ask, lambda network: tuple(network.hall.lots(state)))

    def lot(self, lot: str, key_id: str | None, ask: Ask) -> LotView:
        """One lot. Raises NetworkProblem."""
        return self._as_known(key_id, ask, lambda network: network.hall.lot(lot))

    def register(self, lot: str, contact: str, phone: str, key_id: str | None, ask: Ask) -> Registration:
        """Register for a lot (报名), named by its id or its code. Raises NetworkProblem, BadValue."""
        with self._connections.bidder(key_id, ask) as bidder:
            hall = bidder.network.hall
            return hall.register(_lot_id(hall, lot), contact, phone, new_idempotency_key())

    def download_tender(self, lot: str, out: Path, key_id: str | None, ask: Ask) -> FetchedTender:
        """Fetch the tender in force of a lot, named by its id or its code, to the new file `out`; verify it.

        Raises BidExists, BadValue, NetworkProblem, BadCertificate, BadSignature when it is not signed by
        the network, Mismatch when it is not the one that the network names, and what read_tender raises;
        then no file is left.
        """
        if out.exists():
            raise BidExists(str(out))
        with _folder_beside(out) as folder:
            arriving = folder / out.name
            with self._connections.bidder(key_id, ask) as bidder:
                lot = _lot_id(bidder.network.hall, lot)
                named = bidder.network.hall.download_tender(lot, arriving)
                at, identity = bidder.network.now().at, bidder.network.identity
            package = verify_tender(read_tender(arriving), self._connections.profile.anchors, at)
            check_network(package.signer, identity)
            if package.sha256 != named:
                raise Mismatch("tender.json", named, package.sha256)
            if package.tender.lot.id != lot:
                raise Mismatch("lot", lot, package.tender.lot.id)
            arriving.rename(out)
        tender = package.tender
        return FetchedTender(
            str(out), package.sha256, tender.tender_version, package.signer.common_name, tender.deadline
        )

    def _as_known(self, key_id: str | None, ask: Ask, look: Callable[[Network], _Result]) -> _Result:
        """Look with the session that is remembered and holds, else, or when a key is named, log in for it."""
        if key_id is None:
            with self._connections.visitor() as network:
                if network is not None:
                    return look(network)
        with self._connections.bidder(key_id, ask) as bidder:
            return look(bidder.network)


@contextmanager
def _folder_beside(out: Path) -> Iterator[Path]:
    """A folder of our own on the disk of `out`, gone after the block. Raises DiskProblem."""
    try:
        made = TemporaryDirectory(prefix=atomic.TEMPORARY_PREFIX, suffix="-tender", dir=out.parent)
    except OSError as error:
        raise DiskProblem(str(out), error.strerror or "cannot be written") from error
    with made as name:
        yield Path(name)


def _lot_id(hall: Hall, named: str) -> str:
    """The network's id of a lot that people call by its code (标段编号); an id stays what it is.

    Raises BadValue when several lots have this code.
    """
    found = [lot.id for lot in hall.lots() if lot.code == named]
    if len(found) > 1:
        raise BadValue(named, f"{len(found)} lots have this code: {', '.join(found)}")
    return found[0] if found else named
