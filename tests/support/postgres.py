"""A real PostgreSQL server of the test's own: on a socket of its folder and on a port of loopback."""

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

_BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
_USER = "postgres"
"""PostgreSQL does not run as root: then it runs as the user that its Debian package makes."""
_OPTIONS = "-c fsync=off -c full_page_writes=off -c synchronous_commit=off -c shared_buffers=16MB"


@dataclass(frozen=True)
class Server:
    """A running server. `address` is by the socket, without a password; `by_network` asks for it."""

    folder: Path
    port: int
    password: str

    @property
    def address(self) -> str:
        """postgresql:// by the socket."""
        return f"postgresql://clerk@/postgres?host={self.folder}&port={self.port}"

    @property
    def by_network(self) -> str:
        """postgresql:// by loopback."""
        return f"postgresql://clerk@127.0.0.1:{self.port}/postgres"

    def run(self, *statements: str) -> None:
        """Run statements as the owner of everything."""
        with psycopg.connect(self.address, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())


@contextmanager
def running_postgres() -> Iterator[Server]:
    """A server with the user clerk, gone at the end of the block."""
    assert _BINARIES, "PostgreSQL is missing: installers/linux/packages.sh archive"
    binaries = _BINARIES[-1].parent
    # Not the folder of the test: the name of a socket has at most 107 characters.
    folder = Path(tempfile.mkdtemp(prefix="bidclient-pg-"))
    password = secrets.token_hex(16)
    try:
        (folder / "password").write_text(password, "utf-8")
        if os.geteuid() == 0:
            shutil.chown(folder, _USER)
            shutil.chown(folder / "password", _USER)
        told = ("--username=clerk", "--auth-local=trust", "--auth-host=scram-sha-256", "--encoding=UTF8")
        _run(
            [
                str(binaries / "initdb"),
                "--no-sync",
                "--locale=C",
                f"--pwfile={folder / 'password'}",
                *told,
                "-D",
                str(folder / "data"),
            ]
        )
        server = Server(folder, _free_port(), password)
        options = f"{_OPTIONS} -k {folder} -p {server.port} -c listen_addresses=127.0.0.1"
        control = [str(binaries / "pg_ctl"), "-D", str(folder / "data"), "-w", "-l", str(folder / "log")]
        _run([*control, "-o", options, "start"])
        try:
            yield server
        finally:
            _run([*control, "-m", "immediate", "stop"])
    finally:
        shutil.rmtree(folder)


def _run(command: list[str]) -> None:
    as_user = ["setpriv", f"--reuid={_USER}", f"--regid={_USER}", "--clear-groups"]
    prefix = as_user if os.geteuid() == 0 else []
    # pg_ctl leaves the server behind with the descriptors that it was given: no pipe, or we wait for ever.
    with tempfile.TemporaryFile() as said:
        done = subprocess.run([*prefix, *command], stdout=said, stderr=said, cwd="/", timeout=60, check=False)
        said.seek(0)
        assert done.returncode == 0, said.read().decode()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
