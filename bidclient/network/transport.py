"""One HTTP conversation with a trading network: the only place that sends requests and reads replies.

The HTTP library is imported with the first session: most commands need none, and it takes long to load.
"""

import hashlib
import logging
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urljoin, urlsplit

import msgspec

import bidclient
from bidclient.errors import (
    BadFormat,
    BidError,
    DeadlinePassed,
    NotRegistered,
    OpeningClosed,
    Rejected,
    Unreachable,
    Untrusted,
)
from bidclient.log import TRAFFIC
from bidclient.network.profile import Profile
from bidclient.network.wire import PROBLEM_TYPE, PROBLEM_URN, Problem, Request

if TYPE_CHECKING:
    import requests
    from urllib3.util import Retry

CONNECT_TIMEOUT = 5.0
READ_TIMEOUT = 30.0
REPLY_LIMIT = 16 * 1024 * 1024
_BLOCK = 64 * 1024

_OPENING_CODES = frozenset({"not-yet", "paused", "decrypt-window-closed", "already-released"})
_NO_PROBLEM = "http-"
"""Begins the code that we give to a reply without a problem document."""
_TRY_LATER = frozenset({"in-progress", "upload-incomplete", "rate-limited", "unauthorized"})
"""Refusals after which the same request may still succeed."""

_log = logging.getLogger(__name__)
_T = TypeVar("_T")


def new_idempotency_key() -> str:
    """A key for one creating request; the caller writes it down before sending, so a retry repeats it."""
    return secrets.token_hex(16)


def retries() -> "Retry":
    """The library's retries, for what may safely be sent twice: every POST carries an Idempotency-Key."""
    from urllib3.util import Retry

    return Retry(
        total=3,
        other=0,
        allowed_methods={"GET", "HEAD", "POST", "DELETE"},
        status_forcelist={429, 502, 503, 504},
        backoff_factor=0.2,
        backoff_max=5,
        backoff_jitter=0.2,
        raise_on_status=False,
        retry_after_max=10,
    )


def new_session(ca_file: Path | None, proxies: Mapping[str, str]) -> "requests.Session":
    """A session that trusts `ca_file` alone (else the usual web roots) and no setting of the environment."""
    import requests
    from requests.adapters import HTTPAdapter

    session = requests.Session()
    session.trust_env = False
    session.proxies = dict(proxies)
    # An SSLContext alone is not enough: with verify=True requests adds its own roots to it.
    session.verify = str(ca_file) if ca_file else True
    session.headers["User-Agent"] = f"bidclient/{bidclient.__version__}"
    session.mount("https://", HTTPAdapter(max_retries=retries()))
    session.mount("http://", HTTPAdapter(max_retries=retries()))
    return session


def impatient(ca_file: Path | None, proxies: Mapping[str, str]) -> "requests.Session":
    """As `new_session`, but each request is sent once: for services that can be done without."""
    from requests.adapters import HTTPAdapter

    session = new_session(ca_file, proxies)
    session.mount("https://", HTTPAdapter(max_retries=0))
    session.mount("http://", HTTPAdapter(max_retries=0))
    return session


@contextmanager
def translated(address: str) -> Iterator[None]:
    """What the library raises, as errors of ours: Untrusted for a wrong certificate, else Unreachable."""
    import ssl

    import requests
    from urllib3.exceptions import HTTPError

    try:
        yield
    except (requests.exceptions.RequestException, HTTPError) as error:
        # A line that breaks inside TLS is an SSLError too, and no sign of a wrong server.
        if any(isinstance(cause, ssl.CertificateError) for cause in _causes(error)):
            raise Untrusted(address, _reason(error)) from error
        raise Unreachable(address, _reason(error)) from error


def limited(reply: "requests.Response", limit: int, what: str) -> Iterator[bytes]:
    """The body of a reply, block by block.

    Raises BadFormat as soon as it is longer than `limit` bytes, and Unreachable when it ends early: the
    library's errors are OSErrors and must not reach code that takes those for the disk's.
    """
    total = 0
    with translated(reply.url):
        for block in reply.iter_content(_BLOCK):
            total += len(block)
            if total > limit:
                raise BadFormat(what, f"the reply is longer than {limit} bytes")
            yield block


@dataclass(frozen=True)
class Answer:
    """A reply that was read whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport:
    """Sends requests to one network and turns its replies and failures into values and errors of ours."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.token = ""
        """The access token after a login; it lives here and in the Authorization header only."""
        self._session = new_session(profile.ca_file, profile.proxies)

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def get(
        self,
        path: str,
        kind: type[_T],
        parameters: Mapping[str, str | int] | None = None,
        read_timeout: float = READ_TIMEOUT,
    ) -> _T:
        """The reply to a GET as `kind`. Raises NetworkProblem (see `send`) and BadFormat."""
        answer = self.send("GET", path, parameters=parameters, read_timeout=read_timeout)
        return decode(answer.body, kind, path)

    def post(self, path: str, body: Request | None, kind: type[_T], idempotency_key: str | None = None) -> _T:
        """The reply to a POST of `body` as `kind`.

        Without a key, the content is the key: the same body to the same path is the same request, for ever.
        Raises NetworkProblem (see `send`) and BadFormat.
        """
        data = msgspec.json.encode(body) if body is not None else b"{}"
        key = idempotency_key or hashlib.sha256(path.encode() + b"\0" + data).hexdigest()
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        return decode(self.send("POST", path, data=data, headers=headers).body, kind, path)

    def send(
        self,
        method: str,
        path: str,
        *,
        data: bytes = b"",
        headers: Mapping[str, str] | None = None,
        parameters: Mapping[str, str | int] | None = None,
        read_timeout: float = READ_TIMEOUT,
    ) -> Answer:
        """Any request, its reply read whole (at most REPLY_LIMIT bytes).

        `path` is absolute on this network, or an address of this network that it gave us. Raises Unreachable,
        Untrusted (TLS), and for every status but 2xx the error of its problem document: DeadlinePassed,
        NotRegistered, OpeningClosed, else Rejected.
        """
        with self.stream(
            method, path, data=data, headers=headers, parameters=parameters, read_timeout=read_timeout
        ) as reply:
            body = b"".join(limited(reply, REPLY_LIMIT, path))
            return Answer(reply.status_code, reply.headers, body)

    @contextmanager
    def stream(
        self,
        method: str,
        path: str,
        *,
        data: bytes = b"",
        headers: Mapping[str, str] | None = None,
        parameters: Mapping[str, str | int] | None = None,
        read_timeout: float = READ_TIMEOUT,
    ) -> "Iterator[requests.Response]":
        """As `send`, with the body of the reply still to be read inside the block."""
        address = self.address(path)
        sent = dict(headers or {})
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        with translated(self.profile.address):
            reply = self._session.request(
                method,
                address,
                params=dict(parameters or {}),
                data=data,
                headers=sent,
                timeout=(CONNECT_TIMEOUT, read_timeout),
                allow_redirects=False,
                stream=True,
            )
            with reply:
                _log.log(TRAFFIC, "%s %s %d bytes -> %d", method, path, len(data), reply.status_code)
                if not 200 <= reply.status_code < 300:
                    raise problem_error(reply, b"".join(limited(reply, REPLY_LIMIT, path)), path)
                yield reply

    def address(self, path: str) -> str:
        """The full address of a path. An address elsewhere is refused: the token would go with it.

        Raises Untrusted.
        """
        address = urljoin(self.profile.address.rstrip("/") + "/", path)
        if urlsplit(address)[:2] != urlsplit(self.profile.address)[:2]:
            raise Untrusted(address, "the network points to another server")
        return address


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error of the library and what it wraps, outermost first: in args, `reason`, or as context."""
    cause: BaseException | None = error
    for _ in range(8):
        if cause is None:
            return
        yield cause
        inner = (getattr(cause, "reason", None), *cause.args, cause.__cause__)
        cause = next((item for item in inner if isinstance(item, BaseException)), None)


def _reason(error: BaseException) -> str:
    """The innermost cause in one line."""
    *_, innermost = _causes(error)
    return f"{type(innermost).__name__}: {innermost}"[:300]


def decode(body: bytes, kind: type[_T], path: str) -> _T:
    """JSON of a reply as `kind`; fields that we do not know are ignored. Raises BadFormat."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadFormat(f"the reply to {path}", str(error)) from error


def is_final(error: Rejected) -> bool:
    """Whether the network itself has refused a request, so that repeating it is of no use.

    An outage, or the page of a proxy between us, says nothing about what the network has stored.
    """
    from_network = 400 <= error.status < 500 and not error.problem.startswith(_NO_PROBLEM)
    return from_network and error.problem not in _TRY_LATER


def problem_error(reply: "requests.Response", body: bytes, path: str) -> BidError:
    """The error of ours for a reply that is not a success (RFC 9457)."""
    problem = _problem(reply, body)
    code = problem.code
    if code == "deadline-passed":
        return DeadlinePassed(problem.deadline or "", problem.server_time or "")
    if code == "not-registered":
        return NotRegistered(_lot(path) or problem.detail)
    if code in _OPENING_CODES:
        return OpeningClosed(code, problem.detail or problem.title)
    return Rejected(code, reply.status_code, problem.detail or problem.title)


def _problem(reply: "requests.Response", body: bytes) -> Problem:
    media_type = reply.headers.get("Content-Type", "").partition(";")[0].strip()
    if media_type == PROBLEM_TYPE:
        try:
            return msgspec.json.decode(body, type=Problem)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            _log.warning("a problem document that cannot be read, status %d", reply.status_code)
    code = f"{_NO_PROBLEM}{reply.status_code}"
    return Problem(type=PROBLEM_URN + code, code=code, title=reply.reason or code, status=reply.status_code)


def _lot(path: str) -> str:
    """The lot in /v1/lots/{lot}/…, else nothing."""
    steps = urlsplit(path).path.split("/")
    return steps[3] if steps[:3] == ["", "v1", "lots"] and len(steps) > 3 else ""
