"""Small real HTTP servers on loopback: one answers as it is told, one speaks tus and can misbehave."""

import hashlib
import json
import socket
import struct
import threading
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from bidclient.network.profile import Profile
from bidclient.network.transport import Transport
from tests.support.pki import Authority

SANDBOX_ROOT = "bidclient sandbox root"


@dataclass(frozen=True)
class Asked:
    """A request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """A reply; `hang_up` closes the connection instead of sending it."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    hang_up: bool = False


def json_answer(value: object, status: int = 200, media_type: str = "application/json") -> Answer:
    """A JSON reply."""
    return Answer(status, json.dumps(value).encode(), {"Content-Type": media_type})


def problem(code: str, status: int, **members: object) -> Answer:
    """A problem document (RFC 9457)."""
    value = {"type": f"urn:bidnet:problem:{code}", "code": code, "title": code, "status": status, **members}
    return json_answer(value, status, "application/problem+json")


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """The address of a server with this handler, for the length of the block."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Quiet(BaseHTTPRequestHandler):
    """A handler for HTTP/1.1 that prints nothing."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""

    def reply(self, answer: Answer) -> None:
        """Send an answer, or hang up."""
        if answer.hang_up:
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if "Content-Length" not in answer.headers:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def reset(self) -> None:
        """Break the connection with a TCP reset."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True


@contextmanager
def answering(answer: Callable[[Asked], Answer]) -> Iterator[tuple[str, list[Asked]]]:
    """A server that answers each request with `answer(asked)`, and the list of what was asked."""
    asked: list[Asked] = []

    class Told(Quiet):
        def handle_all(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            asked.append(Asked(self.command, self.path, dict(self.headers.items()), body))
            self.reply(answer(asked[-1]))

        do_GET = do_POST = do_HEAD = do_PATCH = do_DELETE = handle_all  # noqa: N815 - names that the library calls

    with serving(Told) as address:
        yield address, asked


@contextmanager
def transport_to(address: str, ca_file: Path | None = None) -> Iterator[Transport]:
    """A transport with a sandbox profile."""
    anchors = (Authority.root(SANDBOX_ROOT).certificate,)
    transport = Transport(Profile(address, "sandbox", anchors, anchors, ca_file))
    try:
        yield transport
    finally:
        transport.close()


@dataclass
class TusFaults:
    """How the tus server misbehaves. Counters count down; 0 means never."""

    reset_every: int = 0
    """Break the connection each time so many bytes of bodies have arrived."""
    lose_replies: int = 0
    """Store so many pieces without telling."""
    refuse_checksums: int = 0
    wrong_offsets: int = 0
    """Answer so many pieces with 409 although all is well."""
    stall: int = 0
    """Say nothing to so many pieces until the client gives up."""
    unavailable: int = 0
    no_patch: bool = False
    no_head: int = 0
    deadline_after: int | None = None
    """Refuse everything beyond this offset with 403 deadline-passed, and close before reading the body."""
    status: int = 204


@dataclass
class TusServer:
    """One upload, kept in memory."""

    size: int
    faults: TusFaults = field(default_factory=TusFaults)
    stored: bytearray = field(default_factory=bytearray)
    pieces: list[int] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    arrived: int = 0
    released: threading.Event = field(default_factory=threading.Event)

    def due(self, counter: str) -> bool:
        """Whether this fault happens now."""
        left = getattr(self.faults, counter)
        setattr(self.faults, counter, max(0, left - 1))
        return bool(left)

    @contextmanager
    def serving(self) -> Iterator[str]:
        """The address of the upload."""
        upload = self

        class Tus(Quiet):
            def do_HEAD(self) -> None:
                upload.requests.append("HEAD")
                if upload.due("no_head"):
                    self.reply(Answer(hang_up=True))
                    return
                offset = {"Upload-Offset": str(len(upload.stored)), "Upload-Length": str(upload.size)}
                self.reply(Answer(200, b"", {"Tus-Resumable": "1.0.0", **offset}))

            def do_PATCH(self) -> None:
                upload.requests.append("PATCH")
                if upload.faults.no_patch:
                    self.rfile.read(int(self.headers["Content-Length"]))
                    self.reply(problem("method-not-allowed", 405))
                else:
                    upload.take(self)

            def do_POST(self) -> None:
                upload.requests.append("POST")
                assert self.headers["X-HTTP-Method-Override"] == "PATCH"
                upload.take(self)

            def do_DELETE(self) -> None:
                upload.requests.append("DELETE")
                upload.stored.clear()
                self.reply(Answer(204, b"", {"Tus-Resumable": "1.0.0"}))

        with serving(Tus) as address:
            try:
                yield f"{address}/v1/uploads/u1"
            finally:
                self.released.set()

    def take(self, handler: Quiet) -> None:
        """A piece."""
        length, offset = int(handler.headers["Content-Length"]), int(handler.headers["Upload-Offset"])
        late = self.faults.deadline_after
        if late is not None and offset + length > late:
            handler.reply(problem("deadline-passed", 403, deadline=T, server_time=T, offset=len(self.stored)))
            handler.close_connection = True
            return
        if self.faults.reset_every and self.arrived + length > self.faults.reset_every:
            handler.rfile.read(self.faults.reset_every - self.arrived)
            self.arrived = 0
            handler.reset()
            return
        body = handler.rfile.read(length)
        self.arrived += length
        handler.reply(self.judged(handler, offset, body))

    def judged(self, handler: Quiet, offset: int, body: bytes) -> Answer:
        """The reply to a piece that arrived whole."""
        name, _, value = handler.headers["Upload-Checksum"].partition(" ")
        assert name == "sha256"
        assert handler.headers["Content-Type"] == "application/offset+octet-stream"
        if self.due("stall"):
            self.released.wait(20)
            return Answer(hang_up=True)
        if self.due("unavailable"):
            return problem("unavailable", 503)
        if self.due("refuse_checksums") or b64decode(value) != hashlib.sha256(body).digest():
            return problem("checksum-mismatch", 460)
        if self.due("wrong_offsets") or offset != len(self.stored):
            return problem("offset-mismatch", 409, offset=len(self.stored))
        self.stored += body
        self.pieces.append(len(body))
        if self.due("lose_replies"):
            return Answer(hang_up=True)
        return Answer(self.faults.status, b"", {"Upload-Offset": str(len(self.stored))})


T = "2026-12-01T09:30:00.000+08:00"
