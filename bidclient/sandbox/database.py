"""What the sandbox must never forget: one SQLite file, one writer at a time, every commit on the disk."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import msgspec

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS organizations (uscc TEXT PRIMARY KEY, name TEXT NOT NULL, at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS certificates (
  sha256 TEXT PRIMARY KEY, uscc TEXT NOT NULL, der BLOB NOT NULL, at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS challenges (nonce TEXT PRIMARY KEY, expires TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS sessions (
  token_sha256 TEXT PRIMARY KEY, uscc TEXT NOT NULL, name TEXT NOT NULL, expires TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS replies (
  uscc TEXT NOT NULL, key TEXT NOT NULL, request_sha256 TEXT NOT NULL,
  status INTEGER NOT NULL, location TEXT NOT NULL, body BLOB NOT NULL, expires TEXT NOT NULL,
  PRIMARY KEY (uscc, key));
CREATE INDEX IF NOT EXISTS replies_by_age ON replies (expires);
CREATE TABLE IF NOT EXISTS lots (
  id TEXT PRIMARY KEY, position INTEGER NOT NULL, state TEXT NOT NULL, version INTEGER NOT NULL,
  opening TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS tenders (
  lot TEXT NOT NULL, version INTEGER NOT NULL, sha256 TEXT NOT NULL, size INTEGER NOT NULL,
  tender BLOB NOT NULL, PRIMARY KEY (lot, version));
CREATE TABLE IF NOT EXISTS registrations (
  id TEXT PRIMARY KEY, lot TEXT NOT NULL, uscc TEXT NOT NULL, contact TEXT NOT NULL, phone TEXT NOT NULL,
  at TEXT NOT NULL, UNIQUE (lot, uscc));
CREATE TABLE IF NOT EXISTS submissions (
  id TEXT PRIMARY KEY, position INTEGER NOT NULL, lot TEXT NOT NULL, uscc TEXT NOT NULL, state TEXT NOT NULL,
  upload TEXT NOT NULL UNIQUE, size INTEGER NOT NULL, nonce TEXT NOT NULL, stub BLOB NOT NULL,
  stub_sha256 TEXT NOT NULL, receipt_no TEXT, receipt_sha256 TEXT, reason TEXT NOT NULL DEFAULT '');
CREATE INDEX IF NOT EXISTS submissions_of ON submissions (lot, uscc);
CREATE TABLE IF NOT EXISTS receipts (
  sha256 TEXT PRIMARY KEY, log_index INTEGER NOT NULL UNIQUE, submission TEXT NOT NULL, lot TEXT NOT NULL,
  uscc TEXT NOT NULL, kind TEXT NOT NULL, cms BLOB NOT NULL, timestamp BLOB NOT NULL, pdf BLOB);
CREATE TABLE IF NOT EXISTS openings (
  id TEXT PRIMARY KEY, lot TEXT NOT NULL, state TEXT NOT NULL, sign_in_from TEXT NOT NULL,
  opening_at TEXT NOT NULL, decrypt_until TEXT, confirm_until TEXT, objection_until TEXT, paused_at TEXT,
  head_seq INTEGER NOT NULL, head TEXT NOT NULL, total INTEGER NOT NULL, readout BLOB);
CREATE TABLE IF NOT EXISTS events (
  opening TEXT NOT NULL, seq INTEGER NOT NULL, event BLOB NOT NULL, PRIMARY KEY (opening, seq));
CREATE TABLE IF NOT EXISTS nonces (
  opening TEXT NOT NULL, uscc TEXT NOT NULL, nonce TEXT NOT NULL, PRIMARY KEY (opening, uscc));
CREATE TABLE IF NOT EXISTS statements (
  sha256 TEXT PRIMARY KEY, position INTEGER NOT NULL, opening TEXT NOT NULL, kind TEXT NOT NULL,
  submission TEXT NOT NULL, uscc TEXT NOT NULL, at TEXT NOT NULL, statement BLOB NOT NULL,
  seq INTEGER NOT NULL, reply BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS faults (name TEXT PRIMARY KEY, value REAL NOT NULL);
"""

_T = TypeVar("_T")
Value = str | int | float | bytes | None


class Database:
    """One connection for everybody, guarded by one lock; a block of `writing` is one transaction."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        self._depth = 0
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode=WAL")
        # FULL: an acknowledged event survives a power cut, not only a killed process.
        self._connection.execute("PRAGMA synchronous=FULL")
        self._connection.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file; nothing can be asked afterwards."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """A transaction: on disk when the block ends, undone when it raises. A block inside joins it."""
        with self._lock:
            if self._depth == 0:
                self._connection.execute("BEGIN IMMEDIATE")
            self._depth += 1
            verdict = "ROLLBACK"
            try:
                yield
                verdict = "COMMIT"
            finally:
                self._depth -= 1
                if self._depth == 0:
                    self._connection.execute(verdict)

    def run(self, sql: str, *values: Value) -> int:
        """Execute one writing statement inside `writing`; returns the number of rows that it changed."""
        with self._lock:
            return self._connection.execute(sql, values).rowcount

    def rows(self, kind: type[_T], sql: str, *values: Value) -> list[_T]:
        """The rows of a query as values of `kind`, whose fields are the columns' names."""
        with self._lock:
            found = self._connection.execute(sql, values).fetchall()
        return [msgspec.convert(dict(row), kind) for row in found]

    def row(self, kind: type[_T], sql: str, *values: Value) -> _T | None:
        """The first row of a query, or None."""
        found = self.rows(kind, sql, *values)
        return found[0] if found else None

    def number(self, sql: str, *values: Value) -> int:
        """The one number that a query gives; 0 for none."""
        with self._lock:
            found = self._connection.execute(sql, values).fetchone()
        return int(found[0] or 0) if found else 0

    def text(self, sql: str, *values: Value) -> str:
        """The one text that a query gives; empty for none."""
        with self._lock:
            found = self._connection.execute(sql, values).fetchone()
        return str(found[0]) if found and found[0] is not None else ""
