"""What only one of the two databases knows: files and their rights, or addresses, passwords and roles."""

import multiprocessing
import os
import socket
import sqlite3
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bidclient.desk.archive import ArchiveDesk
from bidclient.errors import ArchiveUnfit, ArchiveUnreachable, DiskProblem, SettingProblem
from bidclient.explain import explain
from bidclient.store.archive_postgres import open_postgres_archive
from bidclient.store.archive_sqlite import FILE_NAME, open_sqlite_archive
from bidclient.store.settings import Settings, write_settings
from tests.support.archives import READER, ArchivePlace, add_many, filed, past_bid, text, texts
from tests.support.pki import NOW
from tests.support.postgres import Server, running_postgres


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running_postgres() as running:
        yield running


def test_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "archive"
    archive = open_sqlite_archive(folder)
    archive.add(past_bid(), [filed(text(1))], READER)
    files = sorted(path.name for path in folder.iterdir())
    assert files == [FILE_NAME, f"{FILE_NAME}-shm", f"{FILE_NAME}-wal"]
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700
    archive.close()
    assert [path.name for path in folder.iterdir()] == [FILE_NAME]


def test_a_second_connection_leaves_the_locks_of_the_first(tmp_path: Path) -> None:
    archive = open_sqlite_archive(tmp_path)
    open_sqlite_archive(tmp_path).close()
    # Were our lock gone, a process that closes would take itself for the last and clear our log away.
    worker = multiprocessing.get_context("spawn").Process(target=add_many, args=(ArchivePlace(tmp_path), [1]))
    worker.start()
    worker.join(60)
    assert worker.exitcode == 0
    assert (tmp_path / f"{FILE_NAME}-wal").exists()
    assert len(texts(archive)) == 3
    archive.close()


def test_what_was_taken_out_is_gone_from_the_file(tmp_path: Path) -> None:
    archive = open_sqlite_archive(tmp_path)
    number = archive.add(past_bid("a-name-to-look-for"), [filed(text(1), "another-name-to-look-for")], READER)
    archive.close()
    names = (b"a-name-to-look-for", b"another-name-to-look-for")
    assert all(name in (tmp_path / FILE_NAME).read_bytes() for name in names)
    archive = open_sqlite_archive(tmp_path)
    archive.remove(number)
    archive.close()
    assert not any(name in (tmp_path / FILE_NAME).read_bytes() for name in names)


def test_a_file_that_is_no_archive(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"not a database at all, but long enough to be looked at" * 40)
    with pytest.raises(ArchiveUnfit) as caught:
        open_sqlite_archive(tmp_path)
    assert str(tmp_path) in explain(caught.value, "en").cause


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    archive = open_sqlite_archive(tmp_path)
    for number in range(20):
        archive.add(past_bid(f"b{number}"), [filed(text(number))], READER)
    archive.close()
    path = tmp_path / FILE_NAME
    content = bytearray(path.read_bytes())
    content[4096:] = bytes(len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(ArchiveUnfit):
        texts(open_sqlite_archive(tmp_path))


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DiskProblem):
        open_sqlite_archive(tmp_path / "file" / "archive")


def test_a_full_disk_leaves_what_there_was(tmp_path: Path) -> None:
    archive = open_sqlite_archive(tmp_path)
    archive.add(past_bid("one"), [filed(text(1))], READER)
    connection: sqlite3.Connection = archive._tables._connection  # type: ignore[attr-defined]
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count={pages + 2}")
    with pytest.raises(DiskProblem):
        archive.add(past_bid("two"), [filed(text(2, 200_000))], READER)
    assert [kept.bid.name for kept in archive.bids()] == ["one"]
    connection.execute("PRAGMA max_page_count=1000000")
    archive.add(past_bid("two"), [filed(text(2, 200_000))], READER)
    assert len(texts(archive)) == 2
    archive.close()


def test_the_password_comes_from_elsewhere(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_postgres_archive(server.by_network, server.password).close()
    with pytest.raises(ArchiveUnreachable) as caught:
        open_postgres_archive(server.by_network, "not the password")
    assert "not the password" not in str(caught.value)
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "pgpass"))
    with pytest.raises(ArchiveUnreachable):
        open_postgres_archive(server.by_network, None)
    (tmp_path / "pgpass").write_text(f"127.0.0.1:{server.port}:postgres:clerk:{server.password}\n", "utf-8")
    (tmp_path / "pgpass").chmod(0o600)
    open_postgres_archive(server.by_network, None).close()


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://clerk:top-secret@127.0.0.1/postgres",
        "postgresql://clerk@127.0.0.1/postgres?password=top-secret",
        "postgresql://clerk@127.0.0.1/postgres?sslpassword=top-secret",
        "postgresql://clerk@127.0.0.1/postgres?no_such_option=top-secret",
    ],
)
def test_an_address_with_a_password_is_refused_and_not_repeated(address: str) -> None:
    with pytest.raises(SettingProblem) as caught:
        open_postgres_archive(address, None)
    said = [str(caught.value), explain(caught.value, "zh").cause, explain(caught.value, "en").cause]
    assert not any("top-secret" in one for one in said)


def test_elsewhere_only_by_tls(server: Server) -> None:
    # To the system 0.0.0.0 is this computer, to us it is an address like any other.
    address = server.by_network.replace("127.0.0.1", "0.0.0.0")  # noqa: S104 - asked, not bound
    with pytest.raises(ArchiveUnreachable) as caught:
        open_postgres_archive(address, server.password)
    assert "SSL" in caught.value.reason
    open_postgres_archive(f"{address}?sslmode=disable", server.password).close()


@pytest.mark.parametrize("method", [3, 5])
def test_a_server_that_asks_for_the_password_itself_is_not_told_it(method: int) -> None:
    """AuthenticationCleartextPassword and AuthenticationMD5Password (PostgreSQL, protocol 3.0, §55.7)."""
    told = []

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(10)
            connection.recv(4096)
            salt = b"salt" if method == 5 else b""
            connection.sendall(b"R" + struct.pack(">LL", 8 + len(salt), method) + salt)
            told.append(connection.recv(4096))

    with socket.create_server(("0.0.0.0", 0)) as listener:  # noqa: S104 - to us not this computer, as above
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        address = f"postgresql://clerk@0.0.0.0:{listener.getsockname()[1]}/postgres?sslmode=disable"
        with pytest.raises(ArchiveUnreachable):
            open_postgres_archive(address, "top-secret")
        thread.join(20)
    assert told == [b""]


def test_nobody_there() -> None:
    with pytest.raises(ArchiveUnreachable) as caught:
        open_postgres_archive("postgresql://clerk@127.0.0.1:1/postgres?application_name=x", None)
    assert caught.value.retryable
    assert caught.value.address == "postgresql://clerk@127.0.0.1:1/postgres"


def test_the_desk_finds_the_shared_archive(server: Server) -> None:
    desk = ArchiveDesk(Settings(archive=server.address), None, lambda: NOW)
    with desk.opened() as archive:
        number = archive.add(past_bid("shared"), [filed(text(1))], READER)
    assert [one.id for one in desk.page().bids if one.bid.name == "shared"] == [number]
    assert desk.place == "postgresql://clerk@/postgres"
    assert desk.remove(number).bid.bid.name == "shared"


def test_without_its_library_it_says_what_to_install(server: Server, tmp_path: Path) -> None:
    (tmp_path / "psycopg.py").write_text("raise ModuleNotFoundError('none', name='psycopg')", "utf-8")
    settings = tmp_path / "home" / "settings.toml"
    write_settings(settings, Settings(archive=server.address))
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "BIDCLIENT_HOME": str(settings.parent)}
    command = [sys.executable, "-m", "bidclient", "archive", "list", "--language", "en"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)
    assert done.returncode == 2, done.stderr
    assert "bidclient[postgres]" in done.stderr


def test_a_server_that_ends_in_the_middle() -> None:
    with running_postgres() as server:
        archive = open_postgres_archive(server.address, None)
        archive.add(past_bid(), [filed(text(1))], READER)
    with pytest.raises(ArchiveUnreachable):
        archive.bids()
    with pytest.raises(ArchiveUnreachable):
        archive.add(past_bid(), [filed(text(2))], READER)
    archive.close()


def test_a_colleague_needs_no_more_rights_than_on_the_tables(server: Server) -> None:
    place = ArchivePlace(address=server.address)
    archive = place.open()
    archive.add(past_bid("mine", "L1"), [filed(text(1))], READER)
    server.run(
        "CREATE ROLE colleague LOGIN",
        "GRANT USAGE ON SCHEMA bidclient_archive TO colleague",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA bidclient_archive TO colleague",
    )
    other = open_postgres_archive(server.address.replace("clerk@", "colleague@"), None)
    other.add(past_bid("theirs", "L2"), [filed(text(2))], READER)
    assert texts(archive) == [text(1), text(2)]
    other.close()
    server.run("CREATE ROLE stranger LOGIN")
    stranger = server.address.replace("clerk@", "stranger@")
    with pytest.raises(ArchiveUnreachable):
        open_postgres_archive(stranger, None)
    archive.close()
