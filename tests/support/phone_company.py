"""Fixtures: a sandbox with a phone, and a company that keeps its keys there; test files import them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bidclient import log
from bidclient.crypto.private_key import usual_scheme
from bidclient.keys.info import KeyInfo
from bidclient.keys.mobile import MobileSource
from bidclient.network.clock import ticks
from bidclient.network.mobile import MobileLine
from bidclient.sandbox.phone_sessions import PhoneSession, PhoneSessions
from bidclient.sandbox.phone_wallet import Wallet
from tests.support.phone import PhonePerson, PhonePlayer
from tests.support.sandbox import LocalSandbox, local_sandbox

NAME, USCC = "手机示范建设有限公司", "91629999TBX00001XU"
MESSAGES = [b"first", b"second", b"third"]
KINDS = ("rsa-2048", "p-256", "sm2")


def known(source: MobileSource) -> list[KeyInfo]:
    """The certificates that a source has."""
    return source.keys()


def live(sandbox: LocalSandbox) -> PhoneSession:
    """The session that waits for the phone."""
    return next(one for one in sandbox.world.phone._sessions.values() if one.is_open)


@dataclass
class Steps:
    """Seconds that a test moves by hand."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Company:
    """A company with a phone: paired, unless a test says otherwise."""

    sandbox: LocalSandbox
    player: PhonePlayer
    source: MobileSource
    log: Path
    made: list[PhonePerson] = field(default_factory=list)

    def person(self, act: str = "approve") -> PhonePerson:
        """Someone whose phone will do that."""
        made = PhonePerson(getattr(self.player, act))
        self.made.append(made)
        return made

    def pair(self) -> list[KeyInfo]:
        """Choose the certificates on the phone."""
        return self.source.pair(self.person())

    @property
    def signing(self) -> KeyInfo:
        """The key for signing."""
        return next(key for key in known(self.source) if key.can_sign)

    @property
    def encryption(self) -> KeyInfo:
        """The key for opening."""
        return next(key for key in known(self.source) if key.can_decrypt)

    def sign(self, person: PhonePerson, messages: list[bytes] = MESSAGES) -> list[bytes]:
        """Sign a batch."""
        with self.source.unlock(self.signing, person) as key:
            return key.sign(messages, usual_scheme(key.certificate))


@dataclass(frozen=True)
class Place:
    """A sandbox, an identity of the company for each kind of key, and what pairing each has left."""

    sandbox: LocalSandbox
    identities: dict[str, str]
    memories: dict[str, bytes]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    data = tmp_path_factory.mktemp("place") / "data"
    with local_sandbox(data, datetime(2026, 12, 1, 1, 0, tzinfo=UTC)) as sandbox:
        identities, memories = {}, {}
        for kind in KINDS:
            player = PhonePlayer(sandbox.url)
            identities[kind] = player.add(NAME, USCC, kind)
            source = MobileSource(MobileLine(sandbox.url), data / f"{kind}.pem", ticks)
            source.pair(PhonePerson(player.approve))
            memories[kind] = source.memory.read_bytes()
        yield Place(sandbox, identities, memories)


@pytest.fixture
def company(place: Place, tmp_path: Path) -> Iterator[Company]:
    sandbox = place.sandbox
    sandbox.world.phone = PhoneSessions(Wallet(sandbox.data))
    path = log.start(tmp_path / "log", debug=True, traffic=True)
    player = PhonePlayer(sandbox.url, place.identities["p-256"])
    source = MobileSource(MobileLine(sandbox.url), tmp_path / "home" / "phone.pem", ticks)
    made = Company(sandbox, player, source, path)
    yield made
    for person in made.made:
        person.check()
    for name in sandbox.control("faults")["active"]:
        sandbox.fault(name, 0)
    log.stop()
    numbers = [one.phone for one in Wallet(sandbox.data).identities()]
    assert all(re.fullmatch(r"138\d{8}", number) for number in numbers)
    written = path.read_text("utf-8") + (source.memory.read_text("utf-8") if source.memory.exists() else "")
    assert not any(number in written for number in numbers)


def paired_with(company: Company, place: Place, kind: str) -> Company:
    """The company after pairing a certificate of this kind."""
    company.player.identity = place.identities[kind]
    company.source.memory.parent.mkdir()
    company.source.memory.write_bytes(place.memories[kind])
    return company


@pytest.fixture
def paired(company: Company, place: Place) -> Company:
    return paired_with(company, place, "p-256")
