"""The way to the trading network of the settings: whom it must answer to, and who we are there."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from bidclient.ask import Ask
from bidclient.crypto.certificate import Certificate, certificates_from_pem, verify_chain
from bidclient.crypto.private_key import PrivateKey
from bidclient.crypto.timestamp import Imprint, Stamp, fail_over, stamp_by
from bidclient.desk.keychain import Keychain, told
from bidclient.desk.purpose import Act, purpose
from bidclient.errors import FileProblem, Mismatch, Rejected, SettingProblem
from bidclient.network.client import Network
from bidclient.network.profile import Profile
from bidclient.network.revocation import Revocations
from bidclient.network.stamping import stamp_transport
from bidclient.network.wire import Session
from bidclient.stages.tender import Tender, TenderPackage, check_network, verify_tender
from bidclient.store import sessions
from bidclient.store.settings import NetworkSettings

Clock = Callable[[], datetime]
"""This computer's time, aware: for records and signing times, never for a deadline."""
Origin = Literal["verified", "cannot-tell"]
"""Whether a tender is proven to be the network's, or nothing is set by which that could be told."""


@dataclass(frozen=True)
class Bidder:
    """We, logged in: the network, our session there, and the unlocked key that signs what we say."""

    network: Network
    session: Session
    key: PrivateKey

    @property
    def uscc(self) -> str:
        """The organisation that the network knows us as."""
        return self.session.uscc

    def key_for(self, act: Act, tender: Tender) -> PrivateKey:
        """The key, to sign what is said about a lot."""
        return told(self.key, purpose(act, tender))

    def check(self, uscc: str, network: str) -> None:
        """Raises Mismatch unless it is this company and this network that a bid speaks of."""
        if self.uscc != uscc:
            raise Mismatch("bidder", uscc, self.uscc)
        if self.network.info.id != network:
            raise Mismatch("network", network, self.network.info.id)


class Connections:
    """Opens the network of the settings."""

    def __init__(self, settings: NetworkSettings | None, keychain: Keychain, now: Clock) -> None:
        self._settings = settings
        self._keychain = keychain
        self._now = now

    @property
    def profile(self) -> Profile:
        """The network's profile with its trust anchors. Raises SettingProblem, FileProblem, Untrusted."""
        network = self._configured()
        anchors = read_anchors(network.trust)
        return Profile(
            address=network.address,
            kind=network.kind,
            anchors=anchors,
            stamp_anchors=read_anchors(network.stamp_trust) if network.stamp_trust else anchors,
            ca_file=Path(network.ca_file) if network.ca_file else None,
            identity=Certificate.from_pem(_content(Path(network.identity))) if network.identity else None,
            seal_makers=read_anchors(network.seal_makers) if network.seal_makers else (),
        )

    @property
    def known_profile(self) -> Profile | None:
        """The profile, or None when no network is set: then trust cannot be judged."""
        return None if self._settings is None else self.profile

    def check_tender(self, package: TenderPackage) -> Origin:
        """Whether the network of the settings is known to have signed a tender that came as a file.

        Its chains are judged at the time of its signature, as the evidence is. Raises BadCertificate for a
        chain to nowhere, BadSignature for another signer, and as `profile`.
        """
        profile = self.known_profile
        if profile is None:
            return "cannot-tell"
        verify_tender(package, profile.anchors, package.signing_time)
        if profile.identity is None:
            return "cannot-tell"
        check_network(package.signer, profile.identity)
        return "verified"

    def stamp(self, imprints: Sequence[Imprint] = ("sha256",)) -> Stamp:
        """The timestamp services of the network, one after the other until one of them does it.

        Each is asked for `imprints` in their order: not every service takes SM3. Raises as `profile`.
        """
        profile, addresses = self.profile, self._configured().stamp_addresses
        # With another service to go to, nobody need wait until this one has recovered.
        patient = len(addresses) == 1
        return fail_over(
            [
                stamp_by(
                    stamp_transport(address, profile.ca_file, profile.proxies, patient),
                    profile.stamp_anchors,
                    address,
                    imprints,
                )
                for address in addresses
            ]
        )

    def revocations(self, cache: Path | None) -> Revocations:
        """The services that say what is revoked, their answers kept in `cache`. Raises as `profile`."""
        network, profile = self._configured(), self.profile
        return Revocations(profile.ca_file, profile.proxies, network.ocsp, network.crl, cache)

    @contextmanager
    def visitor(self) -> Iterator[Network | None]:
        """The network with the login that the system's key store remembers; None when none holds any more.

        Raises NetworkProblem.
        """
        with Network(self.profile) as network:
            yield network if _resumed(network) else None

    @contextmanager
    def bidder(self, wanted: str | None, ask: Ask) -> Iterator[Bidder]:
        """Logged in with a signing certificate, which stays unlocked inside the block.

        Raises NoSuchKey, KeyProblem, NetworkProblem, Cancelled.
        """
        key = self._keychain.find(wanted, "sign")
        with Network(self.profile) as network:
            info = network.info
            with self._keychain.unlocked(key, ask, (*purpose("log-in"), info.name)) as private:
                session = network.login.with_certificate(info.id, private, self._now())
                yield Bidder(network, session, private)

    def _configured(self) -> NetworkSettings:
        if self._settings is None:
            raise SettingProblem("network", "no trading network is set")
        return self._settings


def chain_check(network: NetworkSettings, now: Clock) -> Callable[[Certificate, Sequence[Certificate]], None]:
    """What raises BadCertificate unless a certificate, with those above it, leads to the network's roots."""

    def check(certificate: Certificate, above: Sequence[Certificate]) -> None:
        verify_chain(certificate, above, read_anchors(network.trust), now(), "certificate")

    return check


def _resumed(network: Network) -> bool:
    address = network.profile.address
    token = sessions.recall(address)
    if token is None:
        return False
    try:
        network.login.resume(token)
    except Rejected as error:
        if error.problem != "unauthorized":
            raise
        sessions.forget(address)
        return False
    return True


def read_anchors(places: tuple[str, ...]) -> tuple[Certificate, ...]:
    """The certificates in PEM files, or in all .pem and .crt files of folders.

    Raises FileProblem, BadCertificate; SettingProblem when there are none.
    """
    files: list[Path] = []
    for place in places:
        path = Path(place)
        files += sorted([*path.glob("*.pem"), *path.glob("*.crt")]) if path.is_dir() else [path]
    anchors: dict[str, Certificate] = {}
    for file in files:
        found = certificates_from_pem(_content(file))
        anchors |= {certificate.sha256: certificate for certificate in found}
    if not anchors:
        raise SettingProblem("network.trust", "no certificate found")
    return tuple(anchors.values())


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise FileProblem(str(file), error.strerror or str(error)) from error
