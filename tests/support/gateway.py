"""A proxy, as it stands before real platforms: it passes everything on to a sandbox, and can lose answers."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import requests

from tests.support.loopback import Answer, Quiet, serving

_HOPS = frozenset({"connection", "content-length", "transfer-encoding", "host", "server", "date"})
_SECONDS = 60
_PAGE = b"<html>504 Gateway Time-out</html>"


@dataclass
class Gateway:
    """The proxy at `url`. The answer to what is POSTed to a path that ends in `lost` never comes back."""

    url: str = ""
    lost: str = ""


@contextmanager
def gateway(behind: str) -> Iterator[Gateway]:
    """A proxy before the network at the address `behind`."""
    told = Gateway()
    kept = threading.local()

    class Passing(Quiet):
        def pass_on(self) -> None:
            session = kept.__dict__.setdefault("session", requests.Session())
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOPS}
            answer = session.request(
                self.command, behind + self.path, data=body, headers=headers, timeout=_SECONDS
            )
            if told.lost and self.command == "POST" and self.path.endswith(told.lost):
                self.reply(Answer(504, _PAGE, {"Content-Type": "text/html"}))
                return
            given = {name: value for name, value in answer.headers.items() if name.lower() not in _HOPS}
            if self.command == "HEAD":
                given["Content-Length"] = answer.headers.get("Content-Length", "0")
            self.reply(Answer(answer.status_code, answer.content, given))

        do_GET = do_POST = do_HEAD = do_PATCH = do_DELETE = pass_on  # noqa: N815 - names that the library calls

        def finish(self) -> None:
            """The connection ends, and with it ours behind."""
            super().finish()
            session = kept.__dict__.pop("session", None)
            if session is not None:
                session.close()

    with serving(Passing) as url:
        told.url = url
        yield told
