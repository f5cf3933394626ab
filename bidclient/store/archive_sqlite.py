"""The archive of one clerk: a SQLite file on this computer."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import msgspec

from bidclient.errors import ArchiveUnfit, Busy, DiskProblem, StoreProblem
from bidclient.store.archive_layout import Value, damage_told, layout
from bidclient.store.archive_tables import TableArchive

FILE_NAME = "archive.sqlite"
_PATIENCE = 30.0
"""Seconds to wait for another program that writes; what it does takes one or two."""
_UNFIT = frozenset(
    {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_SCHEMA}
)
_TAKEN = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_T = TypeVar("_T")


def open_sqlite_archive(folder: Path, patience: float = _PATIENCE) -> TableArchive:
    """The archive in a folder of this computer, made where there is none; not for a folder on a network.

    `patience`: seconds to wait for another writer. Raises DiskProblem, Busy, ArchiveUnfit.
    """
    path = folder / FILE_NAME
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Texts of bids: made by us first, so that SQLite and the files beside it take over who may read it.
        # Never opened when it exists: closing it would drop the locks of our other connections (POSIX).
        os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        pass
    except OSError as error:
        raise DiskProblem(str(path), error.strerror or str(error)) from error
    tables = SqliteTables(path, patience)
    try:
        archive = TableArchive(tables, str(path))
        archive.prepare(
            layout("INTEGER PRIMARY KEY AUTOINCREMENT", "BLOB"),
            "SELECT count(*) AS id FROM sqlite_master WHERE name = 'meta'",
        )
    except StoreProblem:
        tables.close()
        raise
    return archive


class SqliteTables:
    """One connection to the file, in write-ahead mode: who reads does not wait for who writes."""

    def __init__(self, path: Path, patience: float) -> None:
        self._path = path
        with self._told():
            self._connection = sqlite3.connect(path, timeout=patience, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        with self._told():
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA foreign_keys=ON")
            # What is taken out of the archive is gone from the file as well.
            self._connection.execute("PRAGMA secure_delete=ON")

    def rows(self, kind: type[_T], sql: str, *values: Value) -> list[_T]:
        """As Tables.rows."""
        with self._told(), closing(self._connection.execute(sql, values)) as cursor:
            found = cursor.fetchall()
        with damage_told(str(self._path)):
            return [msgspec.convert(dict(row), kind) for row in found]

    def run(self, sql: str, *values: Value) -> int:
        """As Tables.run."""
        with self._told():
            return self._connection.execute(sql, values).rowcount

    @contextmanager
    def writing(self) -> Iterator[None]:
        """As Tables.writing."""
        with self._block("BEGIN IMMEDIATE"):
            yield

    @contextmanager
    def reading(self) -> Iterator[None]:
        """As Tables.reading."""
        if self._connection.in_transaction:
            yield
            return
        with self._block("BEGIN"):
            # A transaction of SQLite sees what there is at its first look, not at its beginning.
            self.run("SELECT 1 FROM meta")
            yield

    def close(self) -> None:
        """As Tables.close."""
        self._connection.close()

    @contextmanager
    def _block(self, begin: str) -> Iterator[None]:
        with self._told():
            self._connection.execute(begin)
        done = False
        try:
            yield
            with self._told():
                self._connection.execute("COMMIT")
            done = True
        finally:
            if not done:
                # SQLite may have undone it already, and a broken file cannot be asked to.
                with suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Raises what SQLite says as StoreProblem."""
        try:
            yield
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
            if code in _TAKEN:
                raise Busy(str(self._path)) from error
            kind = ArchiveUnfit if code in _UNFIT else DiskProblem
            raise kind(str(self._path), str(error)) from error
