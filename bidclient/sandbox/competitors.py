"""Lets fictional companies bid in the sandbox through the same stages and the same network as anybody."""

import shutil
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType

from bidclient import __version__
from bidclient.crypto.certificate import Certificate
from bidclient.crypto.timestamp import stamp_by
from bidclient.errors import Mismatch
from bidclient.formats import atomic
from bidclient.formats.wraps import Recipient, unwrap_secret, wipe
from bidclient.network.client import Network
from bidclient.network.opening import OpeningRoom
from bidclient.network.profile import Profile
from bidclient.network.stamping import stamp_transport
from bidclient.network.transport import new_idempotency_key
from bidclient.network.wire import SubmissionView
from bidclient.sandbox.pki import BidderKeys, issue_bidder, read_kept, trust_files
from bidclient.sandbox.rivals import RIVALS, Rival, prepare
from bidclient.stages.opened import Standing, check_row
from bidclient.stages.package import pack
from bidclient.stages.sealing import seal
from bidclient.stages.signed import SignedBid, read_signed, sign
from bidclient.stages.stub import make_stub, read_stub
from bidclient.stages.submitted import (
    SignedReceipt,
    check_receipt,
    digest,
    finalize_statement,
    read_receipt,
    statement_bytes,
)
from bidclient.stages.tender import Record, Tender, read_tender, verify_tender

MOST = len(RIVALS)
"""How many companies there are."""
_NOT_IN_FORCE = ("uploading", "uploaded", "withdrawn", "superseded", "expired")
_TENDER, _SIGNED, _SEALED, _STUB = "tender.tender", "bid.asice", "bid.sealed", "bid.stub"


@dataclass(frozen=True)
class _Bid:
    """What a company keeps of its bid until the opening."""

    tender: Tender
    signed: SignedBid
    stub: bytes
    submission: str
    receipt: SignedReceipt
    opening: str

    @property
    def standing(self) -> Standing:
        """What the company speaks by in the opening."""
        return Standing(self.opening, self.receipt)


class Competitor:
    """One company at its own desk: keys, a login, and a bid for each lot."""

    def __init__(
        self, rival: Rival, keys: BidderKeys, network: Network, folder: Path, releases: bool
    ) -> None:
        self.rival = rival
        self.releases = releases
        self._signer = keys.signer()
        self._opener = keys.opener()
        self._network = network
        self._folder = folder
        self._bids: dict[str, _Bid] = {}
        self._rooms: dict[str, OpeningRoom] = {}

    def submit(self, lot: str) -> None:
        """Register, fetch the tender, prepare, sign, seal and submit; the receipt is checked."""
        network, profile = self._network, self._network.profile
        at = self._log_in()
        network.hall.register(lot, self.rival.agent, self.rival.phone, new_idempotency_key())
        folder = self._folder / lot
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        network.hall.download_tender(lot, folder / _TENDER)
        package = verify_tender(read_tender(folder / _TENDER), profile.anchors, at)
        draft = prepare(self.rival, package, folder / "parts", at)
        client = f"bidclient/{__version__}"
        packed = pack(draft, package.tender, folder / "parts", folder / "bid.zip", self.rival.device, client)
        stamp = stamp_by(stamp_transport(f"{profile.address.rstrip('/')}/tsa"), profile.stamp_anchors)
        signed = sign(packed, self._signer, stamp, at, folder / _SIGNED)
        recipients = [Recipient("bidder", self._opener.certificate)]
        sealed = seal(signed, package.tender, recipients, folder / _SEALED)
        stub = make_stub(sealed, signed, self._signer, at)
        atomic.write(folder / _STUB, stub)
        view = network.submissions.create(lot, stub, new_idempotency_key())
        if package.tender.submission == "upload":
            self._upload(view, sealed.path)
        before = self._bids[lot].receipt if lot in self._bids else None
        receipt = self._finalize(view, stub, package.tender.deadline, before)
        if package.tender.submission == "hash-first":
            self._upload(view, sealed.path)
        opening = network.hall.lot(lot).opening
        self._bids[lot] = _Bid(package.tender, signed, stub, view.id, receipt, opening)

    def version_submitted(self, lot: str) -> int:
        """The tender version of the company's bid in force, 0 when there is none.

        What this process has not submitted itself is taken up again from the company's folder. Raises
        NetworkProblem, IntegrityProblem.
        """
        if lot not in self._bids:
            self._take_up(lot)
        return self._bids[lot].tender.tender_version if lot in self._bids else 0

    def sign_in(self, lot: str) -> None:
        """签到."""
        bid, room, nonce = self._seat(lot)
        room.sign_in(self._signed(bid.standing.sign_in(self.rival.agent, nonce)))

    def release(self, lot: str) -> None:
        """密钥提交; what a company that does not release leaves undone."""
        bid, room, nonce = self._seat(lot)
        opening_certificate = Certificate.from_pem(bid.tender.opening_certificate.encode())
        secret = unwrap_secret(read_stub(bid.stub).frame, self._opener)
        try:
            statement = bid.standing.release(secret, opening_certificate, "key", nonce)
        finally:
            wipe(secret)
        room.release(self._signed(statement))

    def confirm(self, lot: str) -> None:
        """开标一览表确认, after the own row was compared with the own bid."""
        bid, room, nonce = self._seat(lot)
        readout = room.readout()
        row = next((row for row in readout.rows if row.submission == bid.submission), None)
        if row is None:
            raise Mismatch("submission", bid.submission, "not in the read-out")
        check_row(row, bid.signed.manifest, bid.signed.manifest_sha256, bid.tender.price.field)
        room.confirm(self._signed(bid.standing.confirm(readout, row, "", nonce)))

    def _upload(self, view: SubmissionView, path: Path) -> None:
        self._network.submissions.upload(view.upload_url).send(path)

    def _finalize(
        self, view: SubmissionView, stub: bytes, deadline: str, before: SignedReceipt | None
    ) -> SignedReceipt:
        statement = self._signed(finalize_statement(read_stub(stub).stub, digest(stub), view.id, view.nonce))
        reply = self._network.submissions.finalize(view.id, statement)
        profile = self._network.profile
        return check_receipt(
            reply.receipt,
            reply.timestamp,
            stub,
            [statement],
            profile.anchors,
            profile.stamp_anchors,
            self._network.identity,
            deadline=deadline,
            before=before,
        )

    def _take_up(self, lot: str) -> None:
        """Go on with a bid of an earlier run, if its files are those that the network has."""
        self._log_in()
        folder, submissions = self._folder / lot, self._network.submissions
        view = next((one for one in submissions.mine(lot) if one.state not in _NOT_IN_FORCE), None)
        if view is None or not (folder / _STUB).exists():
            return
        stub = (folder / _STUB).read_bytes()
        if digest(stub) != view.stub_sha256:
            return
        if view.offset < view.size:
            self._upload(view, folder / _SEALED)
        tender, signed = read_tender(folder / _TENDER).tender, read_signed(folder / _SIGNED)
        receipt = read_receipt(submissions.receipt(view.id).receipt)
        opening = self._network.hall.lot(lot).opening
        self._bids[lot] = _Bid(tender, signed, stub, view.id, receipt, opening)

    def _seat(self, lot: str) -> tuple[_Bid, OpeningRoom, str]:
        """The bid, its room, and the nonce for the next statement; a session that has ended is renewed."""
        bid = self._bids[lot]
        self._log_in()
        room = self._rooms.setdefault(lot, self._network.opening(bid.opening))
        return bid, room, room.view().nonce

    def _log_in(self) -> datetime:
        """A new session, which nobody needs to renew; returns the network's time, measured now."""
        at = self._network.measure_clock().now().at
        self._network.login.with_certificate(self._network.info.id, self._signer, at)
        return at

    def _signed(self, statement: Record) -> bytes:
        return statement_bytes(statement, self._signer, self._network.now().at)


class Competitors:
    """The companies that bid for some lots of one sandbox; use it as a context manager.

    `data` is the sandbox's data folder, where its authority issues their certificates. The last `absent` of
    the `count` companies submit and sign in, but never release their keys (未解密). Every method raises what
    the stages and the network raise: nothing is smoothed over.
    """

    def __init__(
        self, base_url: str, data: Path, lots: Sequence[str], count: int = 4, *, absent: int = 0
    ) -> None:
        if not 0 <= absent <= count <= MOST:
            raise ValueError(f"{absent} absent of {count} companies, at most {MOST}")
        anchors = tuple(Certificate.from_pem(file.read_bytes()) for file in trust_files(data / "trust"))
        self._lots = tuple(lots)
        self._exit = ExitStack()
        self._all = []
        for number, rival in enumerate(RIVALS[:count]):
            network = self._exit.enter_context(Network(Profile(base_url, "sandbox", anchors, anchors)))
            folder = data / "competitors" / rival.uscc
            self._all.append(
                Competitor(rival, _keys(data, folder, rival), network, folder, number < count - absent)
            )

    def __enter__(self) -> "Competitors":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exit.close()

    @property
    def rivals(self) -> tuple[Rival, ...]:
        """Who bids."""
        return tuple(competitor.rival for competitor in self._all)

    @property
    def companies(self) -> tuple[Competitor, ...]:
        """The companies, for those who let each act by itself."""
        return tuple(self._all)

    def submit_all(self) -> None:
        """Every company submits a bid for every lot."""
        for lot in self._lots:
            for competitor in self._all:
                competitor.submit(lot)

    def sign_in_all(self) -> None:
        """Every company signs in to every opening."""
        for lot in self._lots:
            for competitor in self._all:
                competitor.sign_in(lot)

    def release_all(self) -> None:
        """Every company but the absent ones releases its keys."""
        self._present(Competitor.release)

    def confirm_all(self) -> None:
        """Every company but the absent ones confirms its row of the read-out."""
        self._present(Competitor.confirm)

    def _present(self, act: Callable[[Competitor, str], None]) -> None:
        for lot in self._lots:
            for competitor in self._all:
                if competitor.releases:
                    act(competitor, lot)


def _keys(data: Path, folder: Path, rival: Rival) -> BidderKeys:
    """The company's keys: those of an earlier run, whose bids no others can open, else new ones."""
    keys = read_kept(data, folder)
    if keys is None:
        keys = issue_bidder(data, rival.name, rival.uscc, "p-256")
        keys.keep(folder)
    return keys
