"""Companies with tokens, an opening with competitors, and the command line as a person runs it."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pypdf

from bidclient.desk import build
from bidclient.desk.opening import Confirmed
from bidclient.formats.instant import parse_instant
from bidclient.network.client import Network
from bidclient.network.clock import system_now
from bidclient.network.profile import Profile
from bidclient.network.wire import SubmissionView
from bidclient.sandbox.competitors import Competitors
from bidclient.sandbox.pki import BidderKeys, KeyType
from bidclient.sandbox.samples import sample_bid
from bidclient.sandbox.token import CONFIGURATION, TokenEntry, make_token
from bidclient.stages.tender import read_tender
from bidclient.store.settings import Settings
from tests.support.desks import PIN, Bidder, make_bidder
from tests.support.sandbox import Levers, Sandbox

ROOT = Path(__file__).resolve().parents[2]
COMMAND_SECONDS = 120
FEWEST_RIVALS = 2
"""With our own bid that makes three, and an opening takes place."""

Plug = Callable[[Path, BidderKeys], dict[str, str]]


def token_bidder(
    folder: Path,
    sandbox: Sandbox,
    sample: str,
    signing: KeyType = "rsa-2048",
    encryption: KeyType = "rsa-2048",
    plug: Plug | None = None,
) -> tuple[Bidder, dict[str, str]]:
    """The sample's bidder with both certificates on one token, and the environment that shows it.

    `plug` puts the keys on a token, in a folder, and plugs it in; a SoftHSM token without.
    """
    company = sample_bid(sample).bidder
    signs = sandbox.issue(company.name, company.uscc, signing)
    opens = signs if signing == encryption else sandbox.issue(company.name, company.uscc, encryption)
    keys = replace(signs, encryption_key=opens.encryption_key, encryption_cert=opens.encryption_cert)
    environment = (plug or _softhsm)(folder / "token", keys)
    plain = make_bidder(folder, sandbox, sample)
    plain.desk.keychain.close()
    settings = msgspec.structs.replace(plain.settings, pfx_files=())
    desk = build(settings, environment, now=system_now)
    return replace(plain, keys=keys, settings=settings, desk=desk), environment


def _softhsm(folder: Path, keys: BidderKeys) -> dict[str, str]:
    return {CONFIGURATION: token_of(folder, keys)}


def token_of(folder: Path, keys: BidderKeys) -> str:
    """A token with a company's two keys; what SOFTHSM2_CONF must be to see it."""
    entries = [
        TokenEntry(keys.signing_key, keys.signing_cert),
        TokenEntry(keys.encryption_key, keys.encryption_cert),
    ]
    return make_token(folder, "投标锁", PIN, entries, keys.chain)


def other_keys(
    bidder: Bidder, folder: Path, name: str = "", uscc: str = "", key_type: KeyType = "p-256"
) -> tuple[BidderKeys, Settings]:
    """More certificates, of the same company unless another is named, in key files that alone are set."""
    company = bidder.offer.bidder
    keys = bidder.sandbox.issue(name or company.name, uscc or company.uscc, key_type)
    files = keys.write(folder, "other", PIN)
    return keys, msgspec.structs.replace(bidder.settings, pfx_files=tuple(map(str, files)))


@dataclass(frozen=True)
class Hall:
    """The opening of one lot, with competitors in it and a hand on the clock."""

    sandbox: Levers
    lot: str
    opening_at: datetime
    rivals: Competitors

    @property
    def opening(self) -> str:
        """The id of the opening."""
        return str(self._state()["opening"])

    @property
    def state(self) -> str:
        """The state of the opening."""
        return str(self._state()["opening_state"])

    def sign_in_time(self) -> None:
        """Five minutes before the opening; the competitors sign in."""
        self.sandbox.set_clock(self.opening_at - timedelta(minutes=5))
        self.rivals.sign_in_all()

    def begin(self) -> None:
        """The opening begins; the competitors release their keys."""
        self.sandbox.set_clock(self.opening_at + timedelta(seconds=1))
        self.rivals.release_all()

    def read_out(self) -> None:
        """Whoever has not released is not waited for any longer; the competitors confirm."""
        self.end_step("decrypting")
        self.rivals.confirm_all()

    def close(self) -> None:
        """To the end of the opening."""
        for running in ("decrypting", "read-out", "objection"):
            self.end_step(running)

    def end_step(self, step: str) -> None:
        """This step ends now, unless it is over already."""
        self.sandbox.control(f"openings/{self.opening}/advance", {"step": step})

    def _state(self) -> dict[str, Any]:
        (lot,) = [one for one in self.sandbox.control("state")["lots"] if one["id"] == self.lot]
        return dict(lot)


@contextmanager
def hall(sandbox: Levers, lot: str, tender: Path, companies: int = FEWEST_RIVALS) -> Iterator[Hall]:
    """The hall of a lot, to which so many competitors submit now."""
    opening_at = parse_instant(read_tender(tender).tender.opening_at)
    with Competitors(sandbox.url, sandbox.data, (lot,), companies) as rivals:
        rivals.submit_all()
        yield Hall(sandbox, lot, opening_at, rivals)


def attend(bidder: Bidder, room: Hall, release: Callable[[], object]) -> Confirmed:
    """Our own way through an opening: sign in, `release`, confirm; then to its end."""
    (confirmed,) = attend_all([bidder], room, lambda _: release())
    return confirmed


def attend_all(bidders: Sequence[Bidder], room: Hall, release: Callable[[Bidder], object]) -> list[Confirmed]:
    """The same for several companies, each step by all of them."""
    room.sign_in_time()
    for bidder in bidders:
        bidder.desk.opening.sign_in(bidder.bid, bidder.signing, bidder.ask)
    room.begin()
    for bidder in bidders:
        release(bidder)
    room.read_out()
    confirmed = [one.desk.opening.confirm(one.bid, one.signing, one.ask) for one in bidders]
    room.close()
    return confirmed


def submissions(bidder: Bidder, lot: str) -> list[SubmissionView]:
    """What the network says that we have submitted, newest first."""
    with logged_in(bidder) as network:
        return list(network.submissions.mine(lot))


@contextmanager
def logged_in(bidder: Bidder) -> Iterator[Network]:
    """The network as this company sees it."""
    company = bidder.keys
    with Network(Profile(bidder.sandbox.url, "sandbox", company.chain, company.chain)) as network:
        network.login.with_certificate(network.info.id, company.signer(), network.now().at)
        yield network


def heavy(source: Path, target: Path, size: int) -> Path:
    """The same document with so many bytes in it that do not compress."""
    writer = pypdf.PdfWriter(clone_from=source)
    writer.add_attachment("annex.bin", random.Random(source.name).randbytes(size))
    writer.write(target)
    return target


def strays(folder: Path) -> list[Path]:
    """Half-written files that somebody has left behind."""
    return sorted(folder.rglob(".new-*"))


@dataclass(frozen=True)
class CommandLine:
    """`bidclient` as a process of its own, with the settings in `home`."""

    home: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def run(self, *arguments: str | Path, code: int = 0, pin: bytes = PIN) -> Any:
        """The JSON document on stdout; the exit code must be `code`. The PIN goes in through stdin."""
        done = self.start(*arguments, "--json", "--pin-stdin", pin=pin)
        assert done.returncode == code, (done.stdout + done.stderr).decode("utf-8", "replace")
        assert pin not in done.stdout + done.stderr
        return json.loads(done.stdout)

    def failure(self, *arguments: str | Path, code: int, pin: bytes = PIN) -> str:
        """The code of the error with which a command ends."""
        return str(self.run(*arguments, code=code, pin=pin)["error"]["code"])

    def start(
        self, *arguments: str | Path, pin: bytes = PIN, stderr: int = subprocess.PIPE
    ) -> subprocess.CompletedProcess[bytes]:
        """Run to the end."""
        return subprocess.run(
            [sys.executable, "-m", "bidclient", *map(str, arguments)],
            cwd=ROOT,
            env={**os.environ, "BIDCLIENT_HOME": str(self.home), **self.environment},
            input=pin + b"\n",
            stdout=subprocess.PIPE,
            stderr=stderr,
            timeout=COMMAND_SECONDS,
            check=False,
        )
