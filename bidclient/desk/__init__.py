"""What the command line, a window and scripts drive: one room per concern, wired here and nowhere else."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bidclient.desk.archive import ArchiveDesk
from bidclient.desk.certificates import CertificatesDesk
from bidclient.desk.checking import Checking
from bidclient.desk.connection import Clock, Connections, chain_check
from bidclient.desk.evidence import EvidenceDesk
from bidclient.desk.hall import HallDesk
from bidclient.desk.keychain import Keychain
from bidclient.desk.opening import OpeningDesk
from bidclient.desk.preparing import Preparing
from bidclient.desk.sealing import Sealing
from bidclient.desk.self_check import SelfChecking
from bidclient.desk.signing import Signing
from bidclient.desk.stamping import Stamping
from bidclient.desk.submitting import Submitting
from bidclient.desk.trust import Trust
from bidclient.desk.verifying import Verifying
from bidclient.desk.workplace import Workplace, WorkplaceFiles
from bidclient.keys.info import KeySource
from bidclient.keys.mobile import MobileSource
from bidclient.keys.soft import SoftSource
from bidclient.keys.token import TokenSource
from bidclient.network.clock import system_now, ticks
from bidclient.network.mobile import MobileLine
from bidclient.store.settings import Settings


@dataclass(frozen=True)
class Desk:
    """All rooms. Close it to end the key hosts."""

    keychain: Keychain
    preparing: Preparing
    checking: Checking
    stamping: Stamping
    signing: Signing
    sealing: Sealing
    verifying: Verifying
    hall: HallDesk
    submitting: Submitting
    opening: OpeningDesk
    evidence: EvidenceDesk
    certificates: CertificatesDesk
    archive: ArchiveDesk
    workplace: Workplace
    self_checking: SelfChecking

    def __enter__(self) -> "Desk":
        return self

    def __exit__(self, *_: object) -> None:
        self.keychain.close()


def build(
    settings: Settings,
    environment: Mapping[str, str] | None = None,
    now: Clock = system_now,
    sources: tuple[KeySource, ...] | None = None,
    token_models: Path | None = None,
    phone_certificates: Path | None = None,
    revocation_answers: Path | None = None,
    archive: Path | None = None,
    workplace: WorkplaceFiles | None = None,
    check_cache: Path | None = None,
) -> Desk:
    """The desk for these settings. `environment` goes to the key hosts; `now` is this computer's clock.

    `sources` are where keys come from, if not from tokens and the PFX files of the settings. `token_models`
    is the folder for what key hosts find out about models of tokens. `phone_certificates` is the file of the
    certificates on the company's phone; without it, or without an authority in the settings, there is none.
    `revocation_answers` is the folder for what issuers say about revocation; without it nothing is kept.
    `archive` is the folder of the archive of earlier bids, where the settings name none. `workplace` is where
    the ledger of bids that were made on this computer lies; without it none is kept. `check_cache` is the
    folder for what self-checks have read and compared; without it each reads everything.
    """
    if sources is None:
        sources = (
            TokenSource(tuple(map(Path, settings.modules)), environment=environment, memory=token_models),
            SoftSource(tuple(map(Path, settings.pfx_files))),
            *_phones(settings, phone_certificates, now),
        )
    keychain = Keychain(sources)
    connections = Connections(settings.network, keychain, now)
    checking = Checking(keychain, connections, now)
    trust = Trust(connections, now, revocation_answers)
    archive_desk = ArchiveDesk(settings, archive, now)
    place = Workplace(workplace, os.environ if environment is None else environment, now)
    return Desk(
        keychain=keychain,
        preparing=Preparing(connections, now),
        checking=checking,
        stamping=Stamping(keychain, connections, trust, now),
        signing=Signing(keychain, connections, checking, trust, place, now),
        sealing=Sealing(keychain, trust, now),
        verifying=Verifying(connections, trust, now),
        hall=HallDesk(connections, now),
        submitting=Submitting(connections, now),
        opening=OpeningDesk(connections, keychain, trust, now),
        evidence=EvidenceDesk(connections, now),
        certificates=CertificatesDesk(
            keychain, connections, trust, now, Path(settings.bids) if settings.bids else None
        ),
        archive=archive_desk,
        workplace=place,
        self_checking=SelfChecking(settings, archive_desk, checking, place, check_cache, now),
    )


def _phones(settings: Settings, memory: Path | None, now: Clock) -> tuple[MobileSource, ...]:
    mobile, network = settings.mobile, settings.network
    if mobile is None or memory is None:
        return ()
    line = MobileLine(mobile.address, Path(mobile.ca_file) if mobile.ca_file else None)
    check = None if network is None else chain_check(network, now)
    return (MobileSource(line, memory, ticks, check),)


__all__ = ["Clock", "Desk", "build"]
