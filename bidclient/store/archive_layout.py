"""The tables of the archive and what is in them, the same in either database.

Each text is stored once however many bids hold the file. A comparison reads all fingerprints, in the order of
the documents' numbers: an inverted index would be larger and, for whole bids as queries, slower. What is only
ever read as a whole (pages, pictures, traits) is one blob, not rows.
"""

import zlib
from collections.abc import Collection, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, TypeVar

import msgspec

from bidclient.errors import ArchiveUnfit

_T = TypeVar("_T")
_Row = TypeVar("_Row", bound="_HasNumber")
Value = str | int | bytes | None

_BATCH = 16
"""Rows with blobs that are in memory at once: a volume of 2,000 pages has 2 MB of fingerprints."""

PLACE = "archive"
"""What is damaged, where only a piece of it is at hand."""
LAYOUT = 1
"""Of these tables; a program meets a greater number when a newer one has been here."""

_TABLES = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS bid (
  id {number}, identity TEXT NOT NULL UNIQUE, owner TEXT NOT NULL, name TEXT NOT NULL,
  added_at TEXT NOT NULL, uscc TEXT NOT NULL, project TEXT NOT NULL, lot TEXT NOT NULL,
  lot_code TEXT NOT NULL, tender_sha256 TEXT NOT NULL, creation_code TEXT NOT NULL, total_fen BIGINT,
  prices {bytes} NOT NULL);
CREATE TABLE IF NOT EXISTS content (
  id {number}, sha256 TEXT NOT NULL, reader TEXT NOT NULL, kind TEXT NOT NULL, pages BIGINT NOT NULL,
  unread BIGINT NOT NULL, skipped {bytes} NOT NULL, UNIQUE (sha256, reader));
CREATE TABLE IF NOT EXISTS document (
  id {number}, bid BIGINT NOT NULL REFERENCES bid ON DELETE CASCADE,
  content BIGINT REFERENCES content, name TEXT NOT NULL, sha256 TEXT NOT NULL,
  reason_zh TEXT NOT NULL, reason_en TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS document_of_bid ON document (bid);
CREATE INDEX IF NOT EXISTS document_of_content ON document (content);
CREATE TABLE IF NOT EXISTS fingerprint (
  content BIGINT PRIMARY KEY REFERENCES content ON DELETE CASCADE, version TEXT NOT NULL,
  hashes {bytes} NOT NULL, positions {bytes} NOT NULL);
CREATE TABLE IF NOT EXISTS body (
  content BIGINT PRIMARY KEY REFERENCES content ON DELETE CASCADE, letters {bytes} NOT NULL,
  pages {bytes} NOT NULL, leave_out {bytes} NOT NULL);
CREATE TABLE IF NOT EXISTS description (
  content BIGINT PRIMARY KEY REFERENCES content ON DELETE CASCADE, pictures {bytes} NOT NULL,
  traits {bytes} NOT NULL);
CREATE TABLE IF NOT EXISTS refusal (
  id {number}, name TEXT NOT NULL, sha256 TEXT NOT NULL, at TEXT NOT NULL);
"""


class Tables(Protocol):
    """One connection to a database. `?` stands for a value. What goes wrong is raised as StoreProblem."""

    def rows(self, kind: type[_T], sql: str, *values: Value) -> list[_T]:
        """The rows of a query as values of `kind`, whose fields are the columns' names."""

    def run(self, sql: str, *values: Value) -> int:
        """A statement that changes something, inside `writing`; how many rows it changed."""

    def writing(self) -> AbstractContextManager[None]:
        """A transaction, one writer at a time: kept at the end of the block, undone when it raises."""

    def reading(self) -> AbstractContextManager[None]:
        """One state of everything for the length of the block; a block inside joins it."""

    def close(self) -> None:
        """End the connection."""


def layout(number: str, octets: str) -> tuple[str, ...]:
    """The statements that make the tables, with a database's own words for a growing number and for bytes."""
    return tuple(
        statement.strip().format(number=number, bytes=octets)
        for statement in _TABLES.split(";")
        if statement.strip()
    )


@contextmanager
def damage_told(place: str) -> Iterator[None]:
    """Raises ArchiveUnfit for what does not come back as it was written."""
    try:
        yield
    except (zlib.error, msgspec.DecodeError, UnicodeDecodeError, ValueError, TypeError) as error:
        raise ArchiveUnfit(place, f"damaged: {error}") from error


def packed(value: object) -> bytes:
    """MessagePack, compressed."""
    return zlib.compress(msgspec.msgpack.encode(value))


def unpacked(blob: bytes, kind: type[_T]) -> _T:
    """What `packed` was given, as `kind`."""
    with damage_told(PLACE):
        return msgspec.msgpack.decode(zlib.decompress(blob), type=kind)


def sound(text: str) -> str:
    """`text` as either database takes it: without NUL and lone surrogates, which names of files may hold."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def marks(values: Iterable[object]) -> str:
    """`?, ?, ?` for so many values."""
    return ", ".join("?" for _ in values)


def selected(owners: Collection[str], without_lots: Collection[str]) -> tuple[str, tuple[str, ...]]:
    """The condition on `bid` that picks owners and leaves out lots, and its values."""
    lots = tuple(without_lots)
    condition = f"bid.owner IN ({marks(owners)})"
    if lots:
        condition += f" AND bid.lot NOT IN ({marks(lots)}) AND bid.lot_code NOT IN ({marks(lots)})"
    return condition, (*owners, *lots, *lots)


class _HasNumber(Protocol):
    @property
    def id(self) -> int: ...


def in_batches(tables: Tables, kind: type[_Row], sql: str, *values: Value) -> Iterator[_Row]:
    """The rows of a query that ends in `document.id > ? ORDER BY document.id LIMIT ?`, a few at a time."""
    last = 0
    while True:
        found = tables.rows(kind, sql, *values, last, _BATCH)
        yield from found
        if len(found) < _BATCH:
            return
        last = found[-1].id
