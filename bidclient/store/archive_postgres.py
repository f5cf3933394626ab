"""The archive that several clerks share: a PostgreSQL database of the company."""

import ipaddress
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import msgspec
import psycopg
from psycopg import conninfo, errors, pq, rows

from bidclient.errors import ArchiveUnfit, ArchiveUnreachable, Busy, SettingProblem, StoreProblem
from bidclient.store.archive_layout import Value, damage_told, layout
from bidclient.store.archive_tables import TableArchive

_SETTING = "archive"
_SCHEMA = "bidclient_archive"
_WRITER = 0x62_69_64_63
"""The advisory lock that one writer holds at a time."""
_PATIENCE = 30.0
_CONNECT_WITHIN = 10
"""Seconds."""
_SECRETS = {one.keyword.decode() for one in pq.Conninfo.get_defaults() if one.dispchar == b"*"}
"""What libpq itself calls a secret: password, sslpassword and the like."""
_T = TypeVar("_T")


def open_postgres_archive(address: str, password: str | None, patience: float = _PATIENCE) -> TableArchive:
    """The archive at postgresql://USER@HOST/DATABASE, its tables made where there are none.

    `password`, from the system's key store; without one libpq looks where it always does (PGPASSFILE). A host
    elsewhere is spoken to by TLS, and not told the password itself, unless the address names another sslmode
    or require_auth. `patience`: seconds to wait for another writer. Raises SettingProblem for an address that
    holds a secret or is none, ArchiveUnreachable, Busy, ArchiveUnfit.
    """
    tables = PostgresTables(_connected(address, password), _shown(address), patience)
    try:
        archive = TableArchive(tables, _shown(address))
        number = "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY"
        archive.prepare(
            (f"CREATE SCHEMA IF NOT EXISTS {_SCHEMA}", *layout(number, "BYTEA"), *_STORAGE),
            f"SELECT count(*) AS id FROM pg_tables WHERE schemaname = '{_SCHEMA}' AND tablename = 'meta'",  # noqa: S608
        )
    except StoreProblem:
        tables.close()
        raise
    return archive


_STORAGE = tuple(
    f"ALTER TABLE {table} ALTER COLUMN {column} SET STORAGE EXTERNAL"
    for table, column in (("fingerprint", "hashes"), ("fingerprint", "positions"), ("body", "letters"))
)
"""Nothing to gain by compressing what is compressed, or looks random."""


class PostgresTables:
    """One connection to the database."""

    def __init__(self, connection: "psycopg.Connection[rows.DictRow]", place: str, patience: float) -> None:
        self._connection = connection
        self._place = place
        self._patience = patience
        with self._told():
            self._connection.execute(f"SET search_path TO {_SCHEMA}".encode())

    def rows(self, kind: type[_T], sql: str, *values: Value) -> list[_T]:
        """As Tables.rows."""
        with self._told():
            found = self._connection.execute(_query(sql), values, binary=True).fetchall()
        with damage_told(self._place):
            return [msgspec.convert(row, kind) for row in found]

    def run(self, sql: str, *values: Value) -> int:
        """As Tables.run."""
        with self._told():
            return self._connection.execute(_query(sql), values).rowcount

    @contextmanager
    def writing(self) -> Iterator[None]:
        """As Tables.writing."""
        with self._told(), self._connection.transaction():
            self._take_turn()
            yield

    @contextmanager
    def reading(self) -> Iterator[None]:
        """As Tables.reading."""
        if self._connection.info.transaction_status is psycopg.pq.TransactionStatus.INTRANS:
            yield
            return
        with self._told(), self._connection.transaction():
            self._connection.execute(b"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield

    def close(self) -> None:
        """As Tables.close."""
        self._connection.close()

    def _take_turn(self) -> None:
        """Wait until no other clerk writes; the end of the transaction lets the next one in."""
        self._connection.execute(f"SET LOCAL lock_timeout = {round(self._patience * 1000)}".encode())
        self._connection.execute(b"SELECT pg_advisory_xact_lock(%s)", (_WRITER,))

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Raises what the database says as StoreProblem."""
        try:
            yield
        except errors.LockNotAvailable as error:
            raise Busy(self._place) from error
        except (psycopg.OperationalError, errors.InsufficientPrivilege, errors.UndefinedTable) as error:
            # To one who may not look into the schema its tables are not there.
            raise ArchiveUnreachable(self._place, _said(error)) from error
        except psycopg.Error as error:
            raise ArchiveUnfit(self._place, _said(error)) from error


def _connected(address: str, password: str | None) -> "psycopg.Connection[rows.DictRow]":
    try:
        told = conninfo.conninfo_to_dict(address)
    except psycopg.ProgrammingError as error:
        raise SettingProblem(_SETTING, "postgresql://USER@HOST/DATABASE") from error
    if told.keys() & _SECRETS:
        raise SettingProblem(_SETTING, "no password here: key store or PGPASSFILE")
    if not _is_here(str(told.get("host") or told.get("hostaddr") or "")):
        told.setdefault("sslmode", "require")
        # TLS alone does not say who answers: whoever does must not be told the password, nor MD5 of it.
        told.setdefault("require_auth", "!password,!md5")
    if password is not None:
        told["password"] = password
    told.setdefault("connect_timeout", _CONNECT_WITHIN)
    try:
        return psycopg.connect(**told, autocommit=True, row_factory=rows.dict_row)  # type: ignore[arg-type] # as libpq names them
    except psycopg.Error as error:
        raise ArchiveUnreachable(_shown(address), _said(error)) from error


def _is_here(hosts: str) -> bool:
    """Whether every one of the hosts is this computer: a socket's folder, or a loopback address."""
    return all(
        host in ("", "localhost") or host.startswith(("/", "@")) or _is_loopback(host)
        for host in hosts.split(",")
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _shown(address: str) -> str:
    """The address without what stands behind the question mark."""
    return address.partition("?")[0]


def _said(error: psycopg.Error) -> str:
    return (error.diag.message_primary or str(error)).strip()


def _query(sql: str) -> bytes:
    """The statement with the marks for values that psycopg knows; none of ours holds a percent sign."""
    return sql.replace("?", "%s").encode("utf-8")
