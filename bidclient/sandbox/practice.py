"""Makes a sandbox somewhere to practise: keys for the person, rivals who bid too, sample papers."""

import csv
import io
import logging
import secrets
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bidclient.errors import BidError, BidExists, OpeningClosed, Rejected, SettingProblem
from bidclient.formats import atomic
from bidclient.formats.money import yuan_text
from bidclient.network.clock import ticks
from bidclient.sandbox.competitors import Competitor, Competitors
from bidclient.sandbox.phone_wallet import fill_wallet
from bidclient.sandbox.pki import KeyType, issue_bidder
from bidclient.sandbox.process import Levers, LotState
from bidclient.sandbox.samples import SampleBid, sample_bid
from bidclient.sandbox.token import CONFIGURATION, TokenEntry, make_token

FOLDER = "practice"
"""Keys and PIN of the person who practises lie here, in the sandbox's data folder."""
PIN_FILE = "pin.txt"
_SOFTHSM = "softhsm2.conf"
_LABEL = "练习锁"
_LOOK_SECONDS = 0.5
_LONGEST_PAUSE = 30.0
_STOP_SECONDS = 10.0
_log = logging.getLogger(__name__)


# ------------------------------------------------------------------------------------------------ keys


@dataclass(frozen=True)
class PracticeKeys:
    """Where the keys are: PFX or key files, or a token that is seen with SOFTHSM2_CONF set to `token`."""

    pfx_files: tuple[Path, ...]
    token: Path | None
    pin_file: Path

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to see the keys."""
        return {} if self.token is None else {CONFIGURATION: str(self.token)}


def practice_keys(
    data: Path, sample: str, *, token: bool = False, key_type: KeyType = "rsa-2048"
) -> PracticeKeys:
    """A double certificate for the bidder of a sample, issued on the first call and found again later.

    `data` is the folder of a sandbox; the files lie in its practice/, the PIN of all of them in pin.txt. With
    `token` the keys are put on a SoftHSM token instead. Raises SettingProblem when a token is wanted where
    there are files, or for SM2 keys, DriverMissing, DriverFailed, DiskProblem.
    """
    if token and key_type == "sm2":
        raise SettingProblem("--token", "SoftHSM does not know SM2; leave --token out")
    folder = data / FOLDER
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    pin = _pin(folder / PIN_FILE)
    made = folder / f"{sample}.pem"
    settings = folder / _SOFTHSM
    if not made.exists():
        bidder = sample_bid(sample).bidder
        keys = issue_bidder(data, bidder.name, bidder.uscc, key_type)
        if token:
            entries = [
                TokenEntry(keys.signing_key, keys.signing_cert),
                TokenEntry(keys.encryption_key, keys.encryption_cert),
            ]
            make_token(folder, f"{_LABEL} {sample}", pin, entries, keys.chain)
        else:
            keys.write(folder, sample, pin)
        atomic.write(made, keys.signing_cert.pem)
    files = tuple(sorted([*folder.glob("*.pfx"), *folder.glob("*.key")], reverse=True))
    if token and any(file.stem == f"{sample}-sign" for file in files):
        raise SettingProblem("--token", f"{folder} has files for {sample}; take another --data")
    return PracticeKeys(files, settings if settings.exists() else None, folder / PIN_FILE)


def practice_phone(data: Path, sample: str, key_type: KeyType = "rsa-2048") -> None:
    """Give the sandbox's phone an identity of a sample's bidder, one of a person, one from elsewhere; once.

    `data` is the folder of a sandbox. Raises DiskProblem.
    """
    bidder = sample_bid(sample).bidder
    fill_wallet(data, bidder.name, bidder.uscc, key_type)


def _pin(path: Path) -> bytes:
    if not path.exists():
        atomic.write(path, f"{secrets.randbelow(10**8):08d}\n".encode())
    return path.read_bytes().strip()


# ---------------------------------------------------------------------------------------------- papers


@dataclass(frozen=True)
class Papers:
    """What a clerk would have on the desk; `parts` are the folders of PDFs, `files` their number."""

    folder: Path
    parts: tuple[str, ...]
    files: int
    fields: Path
    prices: Path
    links: Path


def write_papers(sample: str, folder: Path) -> Papers:
    """Copy a sample bid into the new folder: PDFs by part, fields.txt, prices.csv and links.txt.

    Raises KeyError for an unknown sample, BidExists, DiskProblem.
    """
    if folder.exists() and any(folder.iterdir()):
        raise BidExists(str(folder))
    bid = sample_bid(sample)
    for document in bid.documents:
        place = folder / document.part
        place.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(document.path, place / f"{document.name}.pdf")
    papers = Papers(
        folder=folder,
        parts=tuple(dict.fromkeys(document.part for document in bid.documents)),
        files=len(bid.documents),
        fields=folder / "fields.txt",
        prices=folder / "prices.csv",
        links=folder / "links.txt",
    )
    _write_text(papers.fields, "".join(f"{name}={value}\n" for name, value in bid.typed.items()))
    _write_text(papers.prices, _price_table(bid))
    places = {document.name: document.part for document in bid.documents}
    _write_text(
        papers.links,
        "".join(
            f"{link.clause}={places[link.document]}/{link.document}.pdf:{link.page}\n" for link in bid.links
        ),
    )
    return papers


def _price_table(bid: SampleBid) -> str:
    """The priced bill as pricing programs export it."""
    out = io.StringIO(newline="")
    table = csv.writer(out)
    table.writerow(("编码", "综合单价", "合价"))
    for item in bid.prices:
        table.writerow((item.code, yuan_text(item.unit_price_fen), yuan_text(item.total_fen)))
    return out.getvalue()


def _write_text(path: Path, text: str) -> None:
    atomic.write(path, text.encode("utf-8"))
    path.chmod(0o644)


# --------------------------------------------------------------------------------------------- rivalry

_DUE = {
    "scheduled": ("submit",),
    "sign-in": ("submit", "sign-in"),
    "decrypting": ("sign-in", "release"),
    "read-out": ("confirm",),
}
"""What a company has to do while an opening is in a state."""
_DONE_ALREADY = ("wrong-state", "already-released")


@dataclass
class _Delay:
    """How long something that failed is left alone: twice as long each time."""

    until: float = 0.0
    seconds: float = _LOOK_SECONDS


class Rivalry:
    """Companies that bid for every lot of a running sandbox, each step in its time, until they are stopped.

    They see what anybody sees at the network's door, so they live through jumps of its clock; what they have
    submitted is taken up again after a restart. A step that fails is logged, and tried again while it is due.
    """

    def __init__(self, url: str, data: Path, count: int) -> None:
        self._url = url
        self._levers = Levers(url, data)
        self._data = data
        self._count = count
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._play, name="rivalry", daemon=True)
        self._done: set[tuple[str, str, str]] = set()
        self._delays: dict[tuple[str, str, str], _Delay] = {}

    def start(self) -> None:
        """Begin to play along; the sandbox need not answer yet."""
        self._thread.start()

    def stop(self) -> None:
        """End; a step that is under way is given some seconds."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(_STOP_SECONDS)

    def _play(self) -> None:
        with Competitors(self._url, self._data, (), self._count) as competitors:
            while not self._stop.wait(_LOOK_SECONDS):
                try:
                    lots = self._levers.lots()
                except BidError as error:
                    _log.warning("the competitors do not see the lots: %s", error)
                    continue
                for lot in lots:
                    for company in competitors.companies:
                        self._act(company, lot)

    def _act(self, company: Competitor, lot: LotState) -> None:
        """Do what is due of one company in one lot."""
        for act in _DUE.get(lot.opening_state, ()):
            step = (company.rival.uscc, lot.id, f"{act} {lot.tender_version}" if act == "submit" else act)
            delay = self._delays.setdefault(step, _Delay())
            if self._stop.is_set() or step in self._done or ticks() < delay.until:
                continue
            if _performed(company, lot, act):
                self._done.add(step)
            else:
                delay.until = ticks() + delay.seconds
                delay.seconds = min(2 * delay.seconds, _LONGEST_PAUSE)


def _performed(company: Competitor, lot: LotState, act: str) -> bool:
    """Let a company act; whether there is nothing left to do. Failures are logged."""
    try:
        return _perform(company, lot, act)
    except BidError as error:
        if _is_done(error):
            return True
        _log.warning("%s, %s, %s: %s", company.rival.name, lot.code, act, error)
        return False


def _perform(company: Competitor, lot: LotState, act: str) -> bool:
    """Do it; False when the company has no bid to do it with."""
    version = company.version_submitted(lot.id)
    if act == "submit":
        if version < lot.tender_version:
            company.submit(lot.id)
        return True
    acts: dict[str, Callable[[str], None]] = {
        "sign-in": company.sign_in,
        "release": company.release,
        "confirm": company.confirm,
    }
    if version:
        acts[act](lot.id)
    return version > 0


def _is_done(error: BidError) -> bool:
    """Whether the network says that this has been done, by an earlier run of ours."""
    return isinstance(error, Rejected | OpeningClosed) and error.problem in _DONE_ALREADY
