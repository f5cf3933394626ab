"""The archive over tables: every verb as statements that SQLite and PostgreSQL both understand."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager

import msgspec

from bidclient.ask import Progress, silent
from bidclient.errors import ArchiveUnfit, Busy, NoSuchBid
from bidclient.similarity.passages.fingerprint import PARAMETERS, Parameters, fingerprint
from bidclient.similarity.passages.normal import normalise
from bidclient.similarity.passages.source import Source
from bidclient.similarity.reading.document import Extract
from bidclient.store.archive import Description, Filed
from bidclient.store.archive_content import ArchivedText, read_body, write_content, write_fingerprint
from bidclient.store.archive_layout import LAYOUT, Tables, in_batches, marks, packed, selected, sound
from bidclient.store.archive_records import OWN, Kept, KeptBid, KeptDocument, Outdated, PastBid, RefusedFile
from bidclient.store.archive_rows import (
    BidRow,
    DescriptionRow,
    Digest,
    DocumentRow,
    Numbered,
    SourceRow,
    read_pairs,
    read_pictures,
    read_traits,
)

_REINDEXED_AT_ONCE = 32
_ASKED_AT_ONCE = 500
"""Values in one statement: databases have a limit."""


_ANY_BID = """
SELECT bid.id, owner, bid.name, added_at, uscc, project, lot, lot_code, tender_sha256, creation_code,
  total_fen, {prices}, count(document.id) AS documents,
  CAST(coalesce(sum(content.pages), 0) AS BIGINT) AS pages,
  CAST(coalesce(sum(CASE WHEN document.id IS NULL THEN 0 WHEN content.id IS NULL THEN 1
    ELSE content.unread END), 0) AS BIGINT) AS unread
FROM bid LEFT JOIN document ON document.bid = bid.id LEFT JOIN content ON content.id = document.content
"""
_BIDS, _PRICED_BIDS = _ANY_BID.format(prices="NULL AS prices"), _ANY_BID.format(prices="prices")
_DOCUMENTS = """
SELECT document.id, document.bid, document.content, document.name, document.sha256, reason_zh, reason_en,
  reader, kind, pages, unread, skipped FROM document LEFT JOIN content ON content.id = document.content
"""
_SOURCES = """
SELECT document.id, document.content, owner, project, version, hashes, positions
FROM document JOIN bid ON bid.id = document.bid
LEFT JOIN fingerprint ON fingerprint.content = document.content WHERE document.content IS NOT NULL AND """
_DESCRIPTIONS = """
SELECT document.id, pictures, traits FROM document JOIN bid ON bid.id = document.bid
JOIN description ON description.content = document.content WHERE """
_NEXT = " AND document.id > ? ORDER BY document.id LIMIT ?"
_STALE = """
SELECT content.id FROM content LEFT JOIN fingerprint ON fingerprint.content = content.id
WHERE version IS NULL OR version <> ?"""


class TableArchive:
    """An Archive in a database that has the tables."""

    def __init__(self, tables: Tables, place: str) -> None:
        self._tables = tables
        self._place = place

    def prepare(self, statements: Sequence[str], is_there: str) -> None:
        """Make the tables unless the query `is_there` counts one: then opening needs neither turn nor rights.

        Raises ArchiveUnfit when a newer program made them.
        """
        if not self._tables.rows(Numbered, is_there)[0].id:
            with self._tables.writing():
                for statement in statements:
                    self._tables.run(statement)
                self._tables.run(
                    "INSERT INTO meta (name, value) VALUES ('layout', ?) ON CONFLICT (name) DO NOTHING",
                    LAYOUT,
                )
        (found,) = self._tables.rows(Numbered, "SELECT value AS id FROM meta WHERE name = 'layout'")
        if found.id != LAYOUT:
            raise ArchiveUnfit(self._place, f"layout {found.id}, this program knows {LAYOUT}")

    def missing(self, digests: Collection[str], reader: str) -> frozenset[str]:
        """As Archive.missing."""
        wanted, known = sorted(digests), set()
        for start in range(0, len(wanted), _ASKED_AT_ONCE):
            some = wanted[start : start + _ASKED_AT_ONCE]
            found = self._tables.rows(
                Digest,
                f"SELECT sha256 FROM content WHERE reader = ? AND sha256 IN ({marks(some)})",  # noqa: S608
                reader,
                *some,
            )
            known |= {one.sha256 for one in found}
        return frozenset(wanted) - known

    def add(self, bid: PastBid, documents: Sequence[Filed], reader: str) -> int:
        """As Archive.add."""
        with self._tables.writing():
            number = self._write_bid(bid)
            before = self._contents(number)
            self._tables.run("DELETE FROM document WHERE bid = ?", number)
            for document in documents:
                self._tables.run(
                    "INSERT INTO document (bid, content, name, sha256, reason_zh, reason_en) "
                    "VALUES (?, ?, ?, ?, ?, ?)",
                    number,
                    self._content_of(document, reader),
                    sound(document.name),
                    document.sha256,
                    sound(document.reason_zh),
                    sound(document.reason_en),
                )
            self._drop_unused(before)
        return number

    def remove(self, bid: int) -> KeptBid:
        """As Archive.remove."""
        with self._tables.writing():
            kept = self._bid("bid.id = ?", bid)
            before = self._contents(bid)
            self._tables.run("DELETE FROM document WHERE bid = ?", bid)
            self._tables.run("DELETE FROM bid WHERE id = ?", bid)
            self._drop_unused(before)
        return kept

    def bids(self, project: str | None = None) -> list[KeptBid]:
        """As Archive.bids."""
        named = project is not None
        chosen, values = (f"{_PRICED_BIDS} WHERE project = ?", (project,)) if named else (_BIDS, ())
        sql = f"{chosen} GROUP BY bid.id ORDER BY bid.id"
        return [row.kept() for row in self._tables.rows(BidRow, sql, *values)]

    def documents(self, bid: int, reader: str) -> list[KeptDocument]:
        """As Archive.documents."""
        self._bid("bid.id = ?", bid)
        sql = f"{_DOCUMENTS} WHERE document.bid = ? ORDER BY document.id"
        return [row.kept(reader) for row in self._tables.rows(DocumentRow, sql, bid)]

    def bid_of(self, document: int) -> KeptBid:
        """As Archive.bid_of."""
        return self._bid("bid.id = (SELECT bid FROM document WHERE id = ?)", document)

    def extract(self, document: int) -> Extract:
        """As Archive.extract."""
        found = self._tables.rows(DocumentRow, f"{_DOCUMENTS} WHERE document.id = ?", document)
        if not found or found[0].content is None:
            raise NoSuchBid(document)
        row, content = found[0], found[0].content
        body = read_body(self._tables, content)
        (about,) = self._tables.rows(
            DescriptionRow,
            "SELECT content AS id, pictures, traits FROM description WHERE content = ?",
            content,
        )
        return Extract(
            row.name,
            row.sha256,
            row.kind or "",
            body.text(),
            body.page_list(),
            read_pictures(about.pictures),
            read_traits(about.traits),
            read_pairs(row.skipped or packed(())),
        )

    def sources(
        self,
        owners: Collection[Kept] = OWN,
        without_lots: Collection[str] = (),
        parameters: Parameters = PARAMETERS,
    ) -> Iterator[Source]:
        """As Archive.sources."""
        condition, values = selected(owners, without_lots)
        for row in in_batches(self._tables, SourceRow, _SOURCES + condition + _NEXT, *values):
            yield ArchivedText(row, parameters, self._tables)

    def descriptions(
        self, owners: Collection[Kept] = OWN, without_lots: Collection[str] = ()
    ) -> Iterator[Description]:
        """As Archive.descriptions."""
        condition, values = selected(owners, without_lots)
        for row in in_batches(self._tables, DescriptionRow, _DESCRIPTIONS + condition + _NEXT, *values):
            yield Description(row.id, read_pictures(row.pictures), read_traits(row.traits))

    def refuse(self, file: RefusedFile) -> None:
        """As Archive.refuse."""
        with self._tables.writing():
            self._tables.run(
                "INSERT INTO refusal (name, sha256, at) VALUES (?, ?, ?)",
                sound(file.name),
                file.sha256,
                file.at,
            )

    def refused(self) -> list[RefusedFile]:
        """As Archive.refused."""
        return self._tables.rows(RefusedFile, "SELECT name, sha256, at FROM refusal ORDER BY id")

    def outdated(self, reader: str) -> Outdated:
        """As Archive.outdated."""
        (found,) = self._tables.rows(
            Outdated,
            f"SELECT (SELECT count(*) FROM ({_STALE}) AS stale) AS fingerprints, "  # noqa: S608
            "(SELECT count(*) FROM document JOIN content ON content.id = document.content WHERE reader <> ?) "
            "AS documents",
            PARAMETERS.version,
            reader,
        )
        return found

    def reindex(self, progress: Progress = silent) -> int:
        """As Archive.reindex."""
        stale = [
            row.id for row in self._tables.rows(Numbered, f"{_STALE} ORDER BY content.id", PARAMETERS.version)
        ]
        for start in range(0, len(stale), _REINDEXED_AT_ONCE):
            bodies = [
                (one, read_body(self._tables, one)) for one in stale[start : start + _REINDEXED_AT_ONCE]
            ]
            made = [
                (one, fingerprint(normalise(body.text(), body.ranges()), PARAMETERS)) for one, body in bodies
            ]
            with self._tables.writing():
                for one, found in made:
                    write_fingerprint(self._tables, one, found, PARAMETERS)
            progress("reindex", start + len(made), len(stale))
        return len(stale)

    def reading(self) -> AbstractContextManager[None]:
        """As Archive.reading."""
        return self._tables.reading()

    def close(self) -> None:
        """As Archive.close."""
        self._tables.close()

    def _write_bid(self, bid: PastBid) -> int:
        values = {
            "owner": bid.owner,
            "name": sound(bid.name),
            "added_at": bid.added_at,
            "uscc": bid.uscc,
            "project": sound(bid.project),
            "lot": sound(bid.lot),
            "lot_code": sound(bid.lot_code),
            "tender_sha256": bid.tender_sha256,
            "creation_code": sound(bid.creation_code),
            "total_fen": bid.total_fen,
            "prices": packed(bid.prices),
        }
        identity = msgspec.json.encode(tuple(map(sound, bid.identity))).decode("utf-8")
        changes = ", ".join(f"{name} = excluded.{name}" for name in values)
        (made,) = self._tables.rows(
            Numbered,
            f"INSERT INTO bid (identity, {', '.join(values)}) VALUES ({marks(('', *values))}) "  # noqa: S608
            f"ON CONFLICT (identity) DO UPDATE SET {changes} RETURNING id",
            identity,
            *values.values(),
        )
        return made.id

    def _content_of(self, document: Filed, reader: str) -> int | None:
        """The number of a document's content, stored now if it was handed in; None for what was not read."""
        if document.content is not None:
            return write_content(self._tables, document.content)
        if document.reason_en:
            return None
        sql = "SELECT id FROM content WHERE sha256 = ? AND reader = ?"
        found = self._tables.rows(Numbered, sql, document.sha256, reader)
        if not found:
            raise Busy(self._place)
        return found[0].id

    def _contents(self, bid: int) -> list[int]:
        sql = "SELECT DISTINCT content AS id FROM document WHERE bid = ? AND content IS NOT NULL"
        return [row.id for row in self._tables.rows(Numbered, sql, bid)]

    def _drop_unused(self, contents: Sequence[int]) -> None:
        """Delete those of the contents that no document has any more, with their texts and fingerprints."""
        for one in contents:
            self._tables.run(
                "DELETE FROM content WHERE id = ? AND NOT EXISTS (SELECT 1 FROM document WHERE content = ?)",
                one,
                one,
            )

    def _bid(self, condition: str, number: int) -> KeptBid:
        found = self._tables.rows(BidRow, f"{_PRICED_BIDS} WHERE {condition} GROUP BY bid.id", number)
        if not found:
            raise NoSuchBid(number)
        return found[0].kept()
