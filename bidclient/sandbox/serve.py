"""Runs a sandbox as a server on loopback: `python -m bidclient.sandbox.serve --data DIR --port 0`."""

import argparse
import json
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from bidclient.errors import SettingProblem
from bidclient.formats import atomic
from bidclient.sandbox.app import make_app
from bidclient.sandbox.clock import machine_time
from bidclient.sandbox.pki import ADDRESS
from bidclient.sandbox.web import CUT
from bidclient.sandbox.world import DEFAULT_LEAD, World, open_world
from bidclient.store.lock import locked

HOST = "127.0.0.1"
READY = "ready.json"


class CuttableProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which lets the application cut the line without an answer."""

    def on_message_begin(self) -> None:
        """A request begins; its scope gets the knife."""
        super().on_message_begin()
        self.scope["extensions"] = {CUT: {"cut": self._cut}}

    def _cut(self) -> None:
        self.transport.abort()


def listen(port: int) -> socket.socket:
    """A listening socket on loopback; port 0 takes a free one. Raises SettingProblem."""
    # asyncio switches Nagle off (40 ms an answer) only for sockets that say they are TCP.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        raise SettingProblem("port", str(error)) from error
    listener.listen(512)
    return listener


def server(world: World) -> uvicorn.Server:
    """The HTTP server over a world, not yet running."""
    return uvicorn.Server(
        uvicorn.Config(
            make_app(world),
            http=CuttableProtocol,
            ws="none",
            loop="asyncio",
            log_config=None,
            access_log=False,
            lifespan="on",
            timeout_keep_alive=30,
            timeout_graceful_shutdown=1,
            server_header=False,
        )
    )


def run(
    data: Path,
    port: int = 0,
    rate: float | None = None,
    ready_file: Path | None = None,
    *,
    samples: tuple[str, ...] | None = None,
    lead: timedelta = DEFAULT_LEAD,
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Serve the sandbox in `data`, made if there is none, until a signal ends it.

    `rate` is the speed of its clock (None: as it was). When it takes connections and `on_ready` is done,
    `ready_file` (by default data/ready.json) says where. `samples` and `lead` are for a new sandbox.
    Raises Busy when a sandbox runs there already, SettingProblem, DiskProblem.
    """
    data.mkdir(parents=True, exist_ok=True)
    path = ready_file or data / READY
    with (
        locked(data),
        listen(port) as listener,
        closing(_opened(data, address(listener), samples, lead)) as world,
    ):
        if rate is not None and rate != world.clock.rate:
            world.clock.set(rate=rate)
        # One that was killed has left its own, with a port that may be another's by now.
        path.unlink(missing_ok=True)
        url = address(listener)
        ready = {
            "url": url,
            "network": world.network,
            "ca": str((data / "trust" / "ca.pem").resolve()),
            "tsa": str((data / "trust" / "tsa.pem").resolve()),
            "identity": str((data / "trust" / "identity.pem").resolve()),
            "pid": os.getpid(),
        }
        if on_ready is not None:
            on_ready(url)
        atomic.write(path, json.dumps(ready, indent=1).encode() + b"\n")
        _end_politely()
        try:
            with suppress(KeyboardInterrupt):
                server(world).run(sockets=[listener])
        finally:
            path.unlink(missing_ok=True)


def address(listener: socket.socket) -> str:
    """Where a listening socket answers."""
    return f"http://{HOST}:{listener.getsockname()[1]}"


def _opened(data: Path, url: str, samples: tuple[str, ...] | None, lead: timedelta) -> World:
    """The world, which knows its address from the beginning: its certificates say it."""
    atomic.write(data / ADDRESS, url.encode("ascii"))
    return open_world(data, machine_time(), samples=samples, lead=lead)


def _end_politely() -> None:
    """uvicorn raises the signal that ended it once more; SIGTERM shall end us as Ctrl-C does."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)


def main(arguments: list[str] | None = None) -> int:
    """The command line of `python -m bidclient.sandbox.serve`; returns the exit code."""
    parser = argparse.ArgumentParser(description="The bidclient sandbox: a trading network on loopback.")
    parser.add_argument("--data", type=Path, required=True, help="folder that holds everything")
    parser.add_argument("--port", type=int, default=0, help="0: a free one, see DATA/ready.json")
    parser.add_argument("--rate", type=float, help="speed of the clock")
    parser.add_argument("--samples", help="lots of a new sandbox, separated by commas; empty for none")
    parser.add_argument("--lead-minutes", type=float, help="how far ahead the deadlines of a new sandbox lie")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    samples = None if options.samples is None else tuple(filter(None, options.samples.split(",")))
    lead = DEFAULT_LEAD if options.lead_minutes is None else timedelta(minutes=options.lead_minutes)
    run(options.data, options.port, options.rate, samples=samples, lead=lead)
    return 0


if __name__ == "__main__":
    sys.exit(main())
