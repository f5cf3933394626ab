"""A trading network as configured here: where it is, whether it is practice, and whom it must answer to."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from bidclient.crypto.certificate import Certificate
from bidclient.errors import Untrusted

PRACTICE_MARK = "sandbox"
"""A word in the subject of every root that a sandbox makes."""


@dataclass(frozen=True)
class Profile:
    """One network. `anchors` are the roots for receipts, tenders and acknowledgements, `stamp_anchors` for
    time-stamps; `ca_file` (PEM) is the only TLS trust when given, else the usual web roots are.
    `proxies` maps "https" or "http" to an address; the environment's proxies are never used. `identity` is
    the certificate, known beforehand, by which the network signs; a production network is not used without.
    `seal_makers` are the certificates, known beforehand, by which electronic seals are made: bidders have the
    same roots, so a chain alone does not make anybody a seal maker.
    """

    address: str
    kind: Literal["sandbox", "production"]
    anchors: tuple[Certificate, ...]
    stamp_anchors: tuple[Certificate, ...]
    ca_file: Path | None = None
    proxies: Mapping[str, str] = field(default_factory=dict)
    identity: Certificate | None = None
    seal_makers: tuple[Certificate, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what can never be safe. Raises Untrusted."""
        try:
            parts = urlsplit(self.address)
        except ValueError as error:
            raise Untrusted(self.address, "not an http or https address") from error
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Untrusted(self.address, "not an http or https address")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise Untrusted(self.address, "an address has no user, password, query or fragment")
        if parts.path not in ("", "/"):
            raise Untrusted(self.address, "an address has no path: paths begin at the root of a server")
        if parts.scheme == "http" and not is_loopback(parts.hostname):
            raise Untrusted(self.address, "plain http is for this computer only")
        if self.kind == "production" and is_loopback(parts.hostname):
            raise Untrusted(self.address, "a production network does not live on this computer")
        for anchor in (*self.anchors, *self.stamp_anchors):
            if is_practice(anchor) != (self.kind == "sandbox"):
                raise Untrusted(self.address, f"{anchor.subject} behind a {self.kind} profile")


def is_practice(anchor: Certificate) -> bool:
    """Whether a root is a sandbox's: it says so in its name, so it can never vouch for the real thing."""
    return PRACTICE_MARK in anchor.subject.casefold()


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this computer."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
