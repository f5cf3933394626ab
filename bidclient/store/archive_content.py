"""A document's text, fingerprint, pictures and traits on their way into the archive and out of it."""

import zlib
from collections.abc import Sequence

from bidclient.similarity.passages.fingerprint import Fingerprint, Parameters, fingerprint
from bidclient.similarity.passages.normal import Ranges, normalise
from bidclient.similarity.reading.document import Picture
from bidclient.store.archive import Content
from bidclient.store.archive_layout import PLACE, Tables, damage_told, packed, sound
from bidclient.store.archive_rows import BodyRow, KeptFingerprint, Numbered, SourceRow

_EFFORT = 3
"""Of zlib: Chinese text takes 5 % more room than at its usual 6, and half the time."""


class ArchivedText:
    """A document of the archive as a source of comparison; its text is fetched when it is asked for.

    A comparison may hold on to thousands of these: the fingerprint is handed over once, and fetched again by
    whoever wants it again.
    """

    def __init__(self, row: SourceRow, parameters: Parameters, tables: Tables) -> None:
        self.id = row.id
        self.owner = row.owner
        self.project = row.project
        self._content = row.content
        self._at_hand: KeptFingerprint | None = KeptFingerprint(row.version, row.hashes, row.positions)
        self._parameters = parameters
        self._tables = tables

    def fingerprint(self) -> Fingerprint:
        """The one that is kept; made from the text where that is by other parameters."""
        kept, self._at_hand = self._at_hand or self._fetched(), None
        if (
            kept.version == self._parameters.version
            and kept.hashes is not None
            and kept.positions is not None
        ):
            with damage_told(PLACE):
                return Fingerprint.from_blobs(kept.hashes, kept.positions)
        body = read_body(self._tables, self._content)
        return fingerprint(normalise(body.text(), body.ranges()), self._parameters)

    def _fetched(self) -> KeptFingerprint:
        sql = "SELECT version, hashes, positions FROM fingerprint WHERE content = ?"
        found = self._tables.rows(KeptFingerprint, sql, self._content)
        return found[0] if found else KeptFingerprint(None, None, None)

    def text(self) -> str:
        """As extracted. Empty when another program has removed it meanwhile, outside a block of `reading`."""
        return read_body(self._tables, self._content).text()

    def leave_out(self) -> Ranges:
        """Running heads and the like."""
        return read_body(self._tables, self._content).ranges()


def read_body(tables: Tables, content: int) -> BodyRow:
    """The stored text number `content`; an empty one when it has gone."""
    found = tables.rows(BodyRow, "SELECT letters, pages, leave_out FROM body WHERE content = ?", content)
    return found[0] if found else BodyRow(zlib.compress(b""), packed(()), packed(()))


def write_content(tables: Tables, content: Content) -> int:
    """Store what was read from a file instead of what is there of it; its number. Inside `writing`."""
    extract = content.extract
    (made,) = tables.rows(
        Numbered,
        "INSERT INTO content (sha256, reader, kind, pages, unread, skipped) VALUES (?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (sha256, reader) DO UPDATE SET kind = excluded.kind, pages = excluded.pages, "
        "unread = excluded.unread, skipped = excluded.skipped RETURNING id",
        extract.sha256,
        content.reader,
        extract.kind,
        sum(page.number > 0 for page in extract.pages),
        sum(page.kind in ("scan", "unreadable") for page in extract.pages),
        packed(_pairs(extract.skipped)),
    )
    tables.run(
        "INSERT INTO body (content, letters, pages, leave_out) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (content) DO UPDATE SET letters = excluded.letters, pages = excluded.pages, "
        "leave_out = excluded.leave_out",
        made.id,
        zlib.compress(extract.text.encode("utf-8", "surrogatepass"), _EFFORT),
        packed([(page.number, page.start, page.end, page.kind) for page in extract.pages]),
        packed([(int(start), int(end)) for start, end in content.leave_out]),
    )
    tables.run(
        "INSERT INTO description (content, pictures, traits) VALUES (?, ?, ?) "
        "ON CONFLICT (content) DO UPDATE SET pictures = excluded.pictures, traits = excluded.traits",
        made.id,
        packed([_picture(picture) for picture in extract.pictures]),
        packed([(sound(trait.key), sound(trait.value), trait.strength) for trait in extract.traits]),
    )
    write_fingerprint(tables, made.id, content.fingerprint, content.parameters)
    return made.id


def write_fingerprint(tables: Tables, content: int, found: Fingerprint, parameters: Parameters) -> None:
    """Store a fingerprint instead of the one that is there; nothing for a content that has gone."""
    tables.run(
        "INSERT INTO fingerprint (content, version, hashes, positions) "
        "SELECT id, ?, ?, ? FROM content WHERE id = ? ON CONFLICT (content) DO UPDATE SET "
        "version = excluded.version, hashes = excluded.hashes, positions = excluded.positions",
        parameters.version,
        *found.to_blobs(),
        content,
    )


def _picture(one: Picture) -> tuple[object, ...]:
    return (one.page, one.sha256, one.width, one.height, one.phash, _pairs(one.exif))


def _pairs(pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(sound(first), sound(second)) for first, second in pairs]
