"""Asks a timestamp service over HTTP (RFC 3161 §3.4); what it answers is verified by crypto.timestamp."""

from collections.abc import Callable, Mapping
from pathlib import Path

from bidclient.errors import Unreachable
from bidclient.network.transport import CONNECT_TIMEOUT, READ_TIMEOUT, limited, new_session, translated

_QUERY_TYPE = "application/timestamp-query"
_REPLY_LIMIT = 256 * 1024


def stamp_transport(
    address: str, ca_file: Path | None = None, proxies: Mapping[str, str] | None = None
) -> Callable[[bytes], bytes]:
    """A transport for stamp_by: posts a DER TimeStampReq to `address` and returns the DER TimeStampResp.

    Plain http is as good as https here, because the answer is signed. It raises Unreachable, Untrusted,
    BadFormat for an answer that is too long.
    """

    def ask(query: bytes) -> bytes:
        with (
            translated(address),
            new_session(ca_file, proxies or {}) as session,
            session.post(
                address,
                data=query,
                headers={"Content-Type": _QUERY_TYPE},
                timeout=(CONNECT_TIMEOUT, READ_TIMEOUT),
                allow_redirects=False,
                stream=True,
            ) as reply,
        ):
            if reply.status_code != 200:
                raise Unreachable(address, f"HTTP {reply.status_code}")
            return b"".join(limited(reply, _REPLY_LIMIT, "the timestamp service's reply"))

    return ask
