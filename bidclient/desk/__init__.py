"""What the command line, a window and scripts drive: one room per concern, wired here and nowhere else."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bidclient.desk.checking import Checking
from bidclient.desk.connection import Clock, Connections
from bidclient.desk.evidence import EvidenceDesk
from bidclient.desk.hall import HallDesk
from bidclient.desk.keychain import Keychain
from bidclient.desk.opening import OpeningDesk
from bidclient.desk.preparing import Preparing
from bidclient.desk.sealing import Sealing
from bidclient.desk.signing import Signing
from bidclient.desk.submitting import Submitting
from bidclient.desk.verifying import Verifying
from bidclient.keys import KeySource, SoftSource, TokenSource
from bidclient.network.clock import system_now
from bidclient.store.settings import Settings


@dataclass(frozen=True)
class Desk:
    """All rooms. Close it to end the key hosts."""

    keychain: Keychain
    preparing: Preparing
    checking: Checking
    signing: Signing
    sealing: Sealing
    verifying: Verifying
    hall: HallDesk
    submitting: Submitting
    opening: OpeningDesk
    evidence: EvidenceDesk

    def __enter__(self) -> "Desk":
        return self

    def __exit__(self, *_: object) -> None:
        self.keychain.close()


def build(
    settings: Settings,
    environment: Mapping[str, str] | None = None,
    now: Clock = system_now,
    sources: tuple[KeySource, ...] | None = None,
) -> Desk:
    """The desk for these settings. `environment` goes to the key hosts; `now` is this computer's clock.

    `sources` are where keys come from, if not from tokens and the PFX files of the settings.
    """
    if sources is None:
        sources = (
            TokenSource(tuple(map(Path, settings.modules)), environment=environment),
            SoftSource(tuple(map(Path, settings.pfx_files))),
        )
    keychain = Keychain(sources)
    connections = Connections(settings.network, keychain, now)
    checking = Checking(keychain, now)
    return Desk(
        keychain=keychain,
        preparing=Preparing(connections, now),
        checking=checking,
        signing=Signing(keychain, connections, checking, now),
        sealing=Sealing(keychain, now),
        verifying=Verifying(connections, now),
        hall=HallDesk(connections, now),
        submitting=Submitting(connections, now),
        opening=OpeningDesk(connections, keychain, now),
        evidence=EvidenceDesk(connections, now),
    )


__all__ = ["Clock", "Desk", "build"]
