"""The line to the authority that serves the company's phone; what goes over it is keys/phone_wire.py."""

import secrets
from functools import cached_property
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from bidclient.network.profile import Profile, is_loopback
from bidclient.network.transport import READ_TIMEOUT, Transport


class MobileLine:
    """A conversation over HTTPS with one phone authority; over plain HTTP only on this computer."""

    def __init__(self, address: str, ca_file: Path | None = None) -> None:
        """`ca_file` (PEM) is the only TLS trust when given. Nothing is connected before the first request."""
        self._address = address
        self._ca_file = ca_file

    @property
    def name(self) -> str:
        """The host of the authority, for people."""
        return urlsplit(self._address).hostname or self._address

    @cached_property
    def _transport(self) -> Transport:
        """Raises Untrusted for an unsafe address."""
        kind: Literal["sandbox", "production"] = "sandbox" if is_loopback(self.name) else "production"
        return Transport(Profile(self._address, kind, anchors=(), stamp_anchors=(), ca_file=self._ca_file))

    def send(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        secret: str = "",
        parameters: dict[str, str | int] | None = None,
    ) -> bytes:
        """The body of the reply, with `secret` as bearer token (RFC 6750).

        A request whose answer is lost is repeated, a creating one under the same Idempotency-Key. Raises
        Unreachable, Untrusted (also for an unsafe address), Rejected, BadFormat.
        """
        headers = {"Authorization": f"Bearer {secret}"} if secret else {}
        if method == "POST":
            headers |= {"Content-Type": "application/json", "Idempotency-Key": secrets.token_hex(16)}
        answer = self._transport.send(
            method, path, data=body, headers=headers, parameters=parameters, read_timeout=READ_TIMEOUT
        )
        return answer.body
