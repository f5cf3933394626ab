"""Asks a timestamp service over HTTP (RFC 3161 §3.4); what it answers is verified by crypto.timestamp."""

from collections.abc import Callable, Mapping
from pathlib import Path

from bidclient.errors import Unreachable
from bidclient.network.patience import within
from bidclient.network.transport import (
    CONNECT_TIMEOUT,
    READ_TIMEOUT,
    impatient,
    limited,
    new_session,
    translated,
)

_QUERY_TYPE = "application/timestamp-query"
_REPLY_LIMIT = 256 * 1024
_SHORT_READ = 10.0
"""Seconds; where another service waits."""
_WHOLE_SECONDS, _SHORT_WHOLE = 60.0, 15.0
"""Until a service is given up that keeps the line open: a signature at the deadline must not wait for it."""


def stamp_transport(
    address: str,
    ca_file: Path | None = None,
    proxies: Mapping[str, str] | None = None,
    patient: bool = True,
) -> Callable[[bytes], bytes]:
    """A transport for stamp_by: posts a DER TimeStampReq to `address` and returns the DER TimeStampResp.

    Plain http is as good as https here, because the answer is signed. When it is not `patient` it asks once
    and gives a service less time, for there is another. It raises Unreachable, Untrusted,
    BadFormat for an answer that is too long.
    """

    def ask(query: bytes) -> bytes:
        return within(_WHOLE_SECONDS if patient else _SHORT_WHOLE, address, lambda: asked(query))

    def asked(query: bytes) -> bytes:
        new = new_session if patient else impatient
        with (
            translated(address),
            new(ca_file, proxies or {}) as session,
            session.post(
                address,
                data=query,
                headers={"Content-Type": _QUERY_TYPE},
                timeout=(CONNECT_TIMEOUT, READ_TIMEOUT if patient else _SHORT_READ),
                allow_redirects=False,
                stream=True,
            ) as reply,
        ):
            if reply.status_code != 200:
                raise Unreachable(address, f"HTTP {reply.status_code}")
            return b"".join(limited(reply, _REPLY_LIMIT, "the timestamp service's reply"))

    return ask
