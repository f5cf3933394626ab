"""A document that is a ZIP of XML (OOXML, OFD), opened so that neither a bomb nor an entity can unfold."""

import errno
import posixpath
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, BinaryIO

from lxml import etree

from bidclient.errors import BadDocument
from bidclient.similarity.reading.limits import Limits, Stop

_MEBIBYTE = 1024 * 1024
_ASK_AFTER = 4096
"""Elements between two looks at the time."""
# What zipfile raises for a broken archive; it promises only BadZipFile.
_ZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    RuntimeError,
    ValueError,
    KeyError,
    OverflowError,
)


class Container:
    """The entries of a ZIP, none of which unpacks to more than the limits allow."""

    def __init__(self, file: BinaryIO, name: str, limits: Limits, stop: Stop) -> None:
        """`name` is for errors. Raises BadDocument for what is broken, encrypted or too large unpacked."""
        self.name = name
        self._limits = limits
        self._stop = stop
        with self._readable():
            self._archive = zipfile.ZipFile(file)
            entries = [entry for entry in self._archive.infolist() if not entry.filename.endswith("/")]
        self._check(entries)
        self.names = tuple(entry.filename for entry in entries)
        self._known = frozenset(self.names)

    def __contains__(self, entry: str) -> bool:
        return entry in self._known

    def read(self, entry: str, most: int) -> bytes:
        """The content of an entry of at most `most` bytes. Raises BadDocument."""
        with self._readable(), self._archive.open(entry) as stream:
            content = stream.read(most + 1)
        if len(content) > most:
            raise BadDocument(self.name, f"{entry} is too large: more than {most} bytes")
        return content

    def elements(self, entry: str, *tags: str) -> Iterator[tuple[str, str, etree._Element]]:
        """("start" or "end", local name, element) of the elements with these local names, in document order.

        An element is whole at its end only. What is behind us is let go at the end of each element, so memory
        does not grow with the file. Raises BadDocument for bad XML, one with a document type definition (no
        writer of these formats makes one, attackers do), and when the time is up.
        """
        with self._readable(), self._archive.open(entry) as stream:
            yield from self._walk(stream, entry, [f"{{*}}{tag}" for tag in tags])

    def relations(self, entry: str) -> dict[str, tuple[str, str]]:
        """By id: type and target, as an entry name, of the relations of a part (ISO/IEC 29500-2 §9.3)."""
        folder, name = posixpath.split(entry)
        source = posixpath.join(folder, "_rels", f"{name}.rels")
        if source not in self:
            return {}
        return {
            element.get("Id", ""): (
                element.get("Type", "").rpartition("/")[2],
                resolved(folder, element.get("Target", "")),
            )
            for event, _, element in self.elements(source, "Relationship")
            if event == "end" and element.get("TargetMode") != "External"
        }

    def _walk(
        self, stream: IO[bytes], entry: str, tags: list[str]
    ) -> Iterator[tuple[str, str, etree._Element]]:
        events = etree.iterparse(
            stream,
            events=("start", "end"),
            tag=tags,
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
        )
        for number, (event, element) in enumerate(events):
            if not number and element.getroottree().docinfo.doctype:
                raise BadDocument(self.name, f"a document type definition in {entry}")
            if number % _ASK_AFTER == 0 and self._stop():
                raise BadDocument(self.name, "the time for this file was up")
            yield str(event), etree.QName(element).localname, element
            if event == "end":
                _let_go(element)

    def _check(self, entries: list[zipfile.ZipInfo]) -> None:
        limits = self._limits
        if len(entries) > limits.entries:
            raise BadDocument(self.name, f"{len(entries)} entries, at most {limits.entries} allowed")
        if len({entry.filename for entry in entries}) < len(entries):
            raise BadDocument(self.name, "two entries of one name")
        for entry in entries:
            if entry.flag_bits & 1:
                raise BadDocument(self.name, f"{entry.filename} is encrypted")
            if entry.file_size > limits.entry_bytes:
                raise BadDocument(
                    self.name, f"{entry.filename} is too large: {entry.file_size} bytes unpacked"
                )
            if entry.file_size > max(_MEBIBYTE, limits.ratio * entry.compress_size):
                raise BadDocument(
                    self.name,
                    f"{entry.filename}: {entry.file_size} bytes packed in {entry.compress_size}",
                )
        unpacked = sum(entry.file_size for entry in entries)
        if unpacked > limits.unpacked_bytes:
            raise BadDocument(self.name, f"too large: {unpacked} bytes unpacked")

    @contextmanager
    def _readable(self) -> Iterator[None]:
        """Raises BadDocument for what makes the ZIP or its XML unreadable."""
        try:
            yield
        except _ZIP_ERRORS as error:
            raise BadDocument(self.name, f"damaged archive: {type(error).__name__}") from error
        except OSError as error:
            # An offset before the file is a fault of the archive; anything else is one of the system.
            if error.errno != errno.EINVAL:
                raise
            raise BadDocument(self.name, "damaged archive: an offset outside the file") from error
        except etree.XMLSyntaxError as error:
            raise BadDocument(self.name, f"faulty XML: {error.msg}") from error


def resolved(folder: str, target: str) -> str:
    """The entry that a reference of a part in `folder` leads to; a leading slash means the root."""
    path = target if target.startswith("/") else posixpath.join(folder, target)
    return posixpath.normpath(path).lstrip("/")


def _let_go(element: etree._Element) -> None:
    """Empty an element that has been read, and drop what stands before it."""
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]
