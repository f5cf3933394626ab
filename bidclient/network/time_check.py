"""Is this computer's clock right? One question to the trading network, which may well be out of reach."""

from collections.abc import Callable
from datetime import datetime

from bidclient.errors import BadFormat, NetworkProblem, Unreachable
from bidclient.formats.instant import parse_instant
from bidclient.network.patience import within
from bidclient.network.profile import Profile
from bidclient.network.transport import decode, impatient, limited, translated
from bidclient.network.wire import Time

_PATH = "/v1/time"
_SECONDS = (2.0, 4.0)
_WHOLE_SECONDS = 10.0
_LIMIT = 64 * 1024


def clock_ahead(profile: Profile, now: Callable[[], datetime]) -> float | None:
    """By how many seconds `now` is ahead of the network's clock, give or take the way there and back.

    None when the network cannot be asked just now; that takes some seconds at most.
    """
    address = profile.address.rstrip("/") + _PATH
    try:
        told = within(_WHOLE_SECONDS, address, lambda: _told(profile, address))
    except (NetworkProblem, BadFormat):
        return None
    return (now() - told).total_seconds()


def _told(profile: Profile, address: str) -> datetime:
    """What the network's clock shows. Raises NetworkProblem, BadFormat."""
    with (
        translated(address),
        impatient(profile.ca_file, profile.proxies) as session,
        session.get(address, timeout=_SECONDS, allow_redirects=False, stream=True) as reply,
    ):
        if reply.status_code != 200:
            raise Unreachable(address, f"HTTP {reply.status_code}")
        return parse_instant(decode(b"".join(limited(reply, _LIMIT, address)), Time, _PATH).now)
