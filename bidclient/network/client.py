"""A trading network as one object: what it is, what time it has, and its rooms."""

import re
from collections.abc import Callable
from types import TracebackType

from bidclient import __version__
from bidclient.crypto.certificate import Certificate, verify_chain
from bidclient.errors import BadCertificate, Rejected, Untrusted
from bidclient.formats.instant import parse_instant
from bidclient.network.clock import MEASURE_AGAIN_AFTER, Reading, ServerClock, ticks
from bidclient.network.hall import Hall
from bidclient.network.login import Login
from bidclient.network.opening import OpeningRoom
from bidclient.network.profile import Profile
from bidclient.network.submitting import Submissions
from bidclient.network.transport import Transport
from bidclient.network.wire import API_VERSION, NetworkInfo, Time
from bidclient.stages.chain import Chain

_NUMBER = re.compile("[0-9]{1,9}")


class Network:
    """A network behind a profile; connects on first use and closes with its block."""

    def __init__(self, profile: Profile, monotonic: Callable[[], float] = ticks) -> None:
        self.profile = profile
        self._transport = Transport(profile)
        self._monotonic = monotonic
        self._clock: ServerClock | None = None
        self._greeted: tuple[NetworkInfo, Certificate] | None = None
        self.login = Login(self._transport)
        self.hall = Hall(self._transport)
        self.submissions = Submissions(self._transport)

    def __enter__(self) -> "Network":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._transport.close()

    @property
    def info(self) -> NetworkInfo:
        """What the network says of itself, checked against the profile once.

        Raises Untrusted for a sandbox behind a production profile and the reverse, and for an identity that
        does not lead to the profile's anchors or is not the one that is pinned there;
        Rejected("client-too-old"); NetworkProblem, BadFormat.
        """
        return self._greet()[0]

    @property
    def identity(self) -> Certificate:
        """The certificate that signs receipts and acknowledgements, its chain verified. Raises as `info`."""
        return self._greet()[1]

    def now(self) -> Reading:
        """The network's time, measured again when the last measurement is old. Raises NetworkProblem."""
        clock = self._clock
        if clock is None or clock.age > MEASURE_AGAIN_AFTER:
            clock = self.measure_clock()
        return clock.now()

    def measure_clock(self) -> ServerClock:
        """Measure the network's clock now. Raises NetworkProblem."""
        clock = ServerClock.measure(
            lambda: parse_instant(self._transport.get("/v1/time", Time).now), self._monotonic
        )
        self._clock = clock
        return clock

    def opening(self, opening: str, chain: Chain | None = None) -> OpeningRoom:
        """The room of an opening; `chain` goes on from events that were seen earlier. Raises as `info`."""
        return OpeningRoom(self._transport, opening, self.identity, self.profile.anchors, chain)

    def _greet(self) -> tuple[NetworkInfo, Certificate]:
        if self._greeted is None:
            info = self._transport.get("/v1/network", NetworkInfo)
            self._check(info)
            self._greeted = info, self._identity(info)
        return self._greeted

    def _check(self, info: NetworkInfo) -> None:
        address = self.profile.address
        if info.kind != self.profile.kind:
            raise Untrusted(address, f"a {info.kind} network behind a {self.profile.kind} profile")
        if info.api_version != API_VERSION:
            raise Rejected("api-version", 0, f"{info.api_version}, this program speaks {API_VERSION}")
        if _version(info.min_client_version) > _version(__version__):
            raise Rejected("client-too-old", 0, f"{__version__}, at least {info.min_client_version}")

    def _identity(self, info: NetworkInfo) -> Certificate:
        try:
            identity = Certificate.from_pem(info.identity.encode())
            verify_chain(identity, (), self.profile.anchors, self.now().at, "network identity")
        except BadCertificate as error:
            raise Untrusted(self.profile.address, f"{error.subject}: {error.reason}") from error
        self._check_pin(identity)
        return identity

    def _check_pin(self, identity: Certificate) -> None:
        """Other certificates lead to the same anchors, a bidder's for one; practice may do without a pin."""
        pinned, address = self.profile.identity, self.profile.address
        if pinned is None and self.profile.kind == "production":
            raise Untrusted(address, f"pin its identity in the settings; it shows {identity.sha256}")
        if pinned is not None and pinned.der != identity.der:
            raise Untrusted(address, f"its identity is {identity.sha256}, pinned is {pinned.sha256}")


def _version(text: str) -> tuple[int, ...]:
    """A dotted version as numbers; what is not a number of up to nine digits counts as 0."""
    return tuple(int(step) if _NUMBER.fullmatch(step) else 0 for step in text.split("."))
