"""Everything that one sandbox consists of, opened from its data folder or made anew in it."""

import secrets
import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path

import msgspec

from bidclient.crypto.suite import suite
from bidclient.formats import atomic
from bidclient.formats.instant import instant_text, parse_instant
from bidclient.keys.soft import SoftKey
from bidclient.sandbox.bell import Bell
from bidclient.sandbox.clock import Clock
from bidclient.sandbox.database import Database
from bidclient.sandbox.faults import Faults
from bidclient.sandbox.limits import Arrivals, Attempts
from bidclient.sandbox.phone_sessions import PhoneSessions
from bidclient.sandbox.phone_wallet import Wallet
from bidclient.sandbox.pki import create_authority, open_authority
from bidclient.sandbox.problems import Refusal
from bidclient.sandbox.samples import load_sample, make_sample_tender, sample_ids
from bidclient.sandbox.transfers import Transfers
from bidclient.stages.chain import Event, genesis, next_head
from bidclient.stages.tender import Tender, TenderPackage, write_tender

NETWORK_NAME = "模拟公共资源交易网"
DEFAULT_LEAD = timedelta(hours=2)
"""How far ahead the deadlines of a new world lie."""


class LotRow(msgspec.Struct, frozen=True):
    """A lot: `state` is bidding, opening, closed or failed; `version` that of the tender in force."""

    id: str
    position: int
    state: str
    version: int
    opening: str


class TenderRow(msgspec.Struct, frozen=True):
    """A version of a lot's tender; `tender` is tender.json, `size` that of the package."""

    lot: str
    version: int
    sha256: str
    size: int
    tender: bytes

    @property
    def parsed(self) -> Tender:
        """The tender itself."""
        return _parse(self.tender)


class World:
    """One sandbox; safe to use from several threads."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.clock = Clock(data / "clock.json")
        self.database = Database(data / "sandbox.db")
        self.authority = open_authority(data)
        self.faults = Faults(self.database)
        self.bell = Bell()
        self.transfers = Transfers()
        self.attempts = Attempts()
        self.arrivals = Arrivals()
        self.phone = PhoneSessions(Wallet(data))
        self.network = self.database.text("SELECT value FROM meta WHERE name = 'network'")
        self.host_lock = threading.RLock()

    def close(self) -> None:
        """Close the database."""
        self.database.close()

    def now(self) -> datetime:
        """The network's time."""
        return self.clock.now() + timedelta(seconds=self.faults.value("clock-skew"))

    def lot(self, lot: str) -> LotRow:
        """A lot. Raises Refusal."""
        found = self.database.row(LotRow, "SELECT * FROM lots WHERE id = ?", lot)
        if found is None:
            raise Refusal("not-found", "lot")
        return found

    def tender(self, lot: LotRow, version: int | None = None) -> TenderRow:
        """The tender of a lot, in force or of a version. Raises Refusal."""
        wanted = lot.version if version is None else version
        found = self.database.row(
            TenderRow, "SELECT * FROM tenders WHERE lot = ? AND version = ?", lot.id, wanted
        )
        if found is None:
            raise Refusal("not-found", "tender version")
        return found

    def tender_path(self, lot: str, version: int) -> Path:
        """Where the package of a tender version lies."""
        return self.data / "tenders" / f"{lot}-{version}.tender"

    def opening_key(self, lot: str) -> SoftKey:
        """The key to which the secrets of a lot are released. Raises Refusal."""
        return self.authority.opening_of(self.tender(self.lot(lot)).parsed.suites)

    def upload_path(self, upload: str) -> Path:
        """Where the bytes of an upload lie; its size is the upload's offset."""
        return self.data / "uploads" / upload

    def announce(self, tender: Tender, documents: Mapping[str, Path]) -> TenderPackage:
        """Sign a tender and put its lot on the market; a lot that is there gets this as its new version.

        `documents` are by entry name. Raises BadFormat for a tender that contradicts itself.
        """
        lot = tender.lot.id
        path = self.tender_path(lot, tender.tender_version)
        signed_at = parse_instant(tender.issued_at)
        package = write_tender(tender, documents, self.authority.identity, signed_at, path)
        with self.database.writing():
            self.database.run(
                "INSERT INTO tenders VALUES (?, ?, ?, ?, ?)",
                lot,
                tender.tender_version,
                package.sha256,
                path.stat().st_size,
                msgspec.json.encode(package.tender),
            )
            if self.database.run("UPDATE lots SET version = ? WHERE id = ?", tender.tender_version, lot):
                self._move_opening(lot, tender)
            else:
                self._schedule(lot, package.tender)
        return package

    def announce_sample(
        self,
        sample: str,
        issued_at: datetime,
        deadline: datetime,
        lot: str | None = None,
        suites: tuple[str, ...] = (),
    ) -> TenderPackage:
        """Put one of the sample tenders on the market, with its own suites unless others are named.

        Raises KeyError for an unknown sample, BadFormat for an unknown suite.
        """
        taken = tuple(suite(name).name for name in suites or load_sample(sample).terms.suites)
        tender, documents = make_sample_tender(
            sample,
            network=self.network,
            lot_id=lot or new_id("L"),
            issued_at=issued_at,
            deadline=deadline,
            opening_certificate=self.authority.opening_of(taken).certificate.pem.decode(),
            joint_certificate=self.authority.tenderer.certificate.pem.decode(),
        )
        return self.announce(msgspec.structs.replace(tender, suites=taken), documents)

    def append_event(self, opening: str, kind: str, data: dict[str, str | int | bool | None]) -> Event:
        """Append one link to an opening's chain, inside a transaction of the caller's."""
        with self.database.writing():
            seq = self.database.number("SELECT head_seq FROM openings WHERE id = ?", opening)
            head = self.database.text("SELECT head FROM openings WHERE id = ?", opening)
            event = Event(seq=seq + 1, prev=head, at=instant_text(self.now()), type=kind, data=data)
            self.database.run(
                "INSERT INTO events VALUES (?, ?, ?)", opening, event.seq, msgspec.json.encode(event)
            )
            self.database.run(
                "UPDATE openings SET head_seq = ?, head = ? WHERE id = ?",
                event.seq,
                next_head(head, event),
                opening,
            )
        self.bell.ring()
        return event

    def _schedule(self, lot: str, tender: Tender) -> None:
        opening = new_id("O")
        position = 1 + self.database.number("SELECT COUNT(*) FROM lots")
        self.database.run(
            "INSERT INTO lots VALUES (?, ?, 'bidding', ?, ?)", lot, position, tender.tender_version, opening
        )
        self.database.run(
            "INSERT INTO openings VALUES (?, ?, 'scheduled', ?, ?, NULL, NULL, NULL, NULL, 0, ?, 0, NULL)",
            opening,
            lot,
            tender.sign_in_from,
            tender.opening_at,
            genesis(opening),
        )
        self.append_event(
            opening,
            "opening-scheduled",
            {
                "lot": lot,
                "opening_at": tender.opening_at,
                "opening_certificate_sha256": self.authority.opening_of(tender.suites).certificate.sha256,
            },
        )

    def _move_opening(self, lot: str, tender: Tender) -> None:
        opening = self.database.text("SELECT opening FROM lots WHERE id = ?", lot)
        before = self.database.text("SELECT opening_at FROM openings WHERE id = ?", opening)
        if before == tender.opening_at:
            return
        self.database.run(
            "UPDATE openings SET sign_in_from = ?, opening_at = ? WHERE id = ?",
            tender.sign_in_from,
            tender.opening_at,
            opening,
        )
        self.append_event(opening, "extended", {"opening_at": tender.opening_at})


@lru_cache(maxsize=64)
def _parse(tender: bytes) -> Tender:
    return msgspec.json.decode(tender, type=Tender)


def new_id(letter: str) -> str:
    """An opaque identifier with 128 random bits; the letter tells people what it is."""
    return letter + secrets.token_hex(16)


def create_world(
    data: Path,
    now: datetime,
    *,
    samples: tuple[str, ...] | None = None,
    lead: timedelta = DEFAULT_LEAD,
) -> World:
    """A new sandbox in `data`: authority, clock at `now`, and the sample lots with deadlines `lead` ahead.

    Raises DiskProblem.
    """
    # Keys, opened bids and the bidders' phone numbers lie here.
    data.chmod(0o700)
    for folder in ("tenders", "uploads", "opened"):
        (data / folder).mkdir(parents=True, exist_ok=True)
    for rest in data.glob("sandbox.db*"):
        rest.unlink()
    create_authority(data, now)
    database = Database(data / "sandbox.db")
    with database.writing():
        database.run("INSERT INTO meta VALUES ('network', ?)", f"sandbox-{secrets.token_hex(4)}")
        database.run("INSERT INTO meta VALUES ('log_index', '0')")
    database.close()
    world = World(data)
    world.clock.set(now)
    for sample in sample_ids() if samples is None else samples:
        world.announce_sample(sample, now - timedelta(hours=1), now + lead)
    atomic.write(data / "complete", b"1\n")
    return world


def open_world(
    data: Path, now: datetime, *, samples: tuple[str, ...] | None = None, lead: timedelta = DEFAULT_LEAD
) -> World:
    """The sandbox in `data`, made first when there is none; `now`, `samples` and `lead` are for a new one."""
    if (data / "complete").exists():
        return World(data)
    return create_world(data, now, samples=samples, lead=lead)
