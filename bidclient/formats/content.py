"""Files and ZIP entries against the size and the SHA-256 that somebody promised for them."""

import hashlib
import os
from pathlib import Path
from typing import BinaryIO

from bidclient.errors import BadArchive, BadManifest, TooLarge
from bidclient.formats.stored_zip import Entry, OnBlock, open_archive, read_blocks


def file_digest(path: Path) -> tuple[int, str]:
    """Size in bytes and hex SHA-256 of a file. Raises FileProblem."""
    with open_archive(path) as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return file.tell(), digest


def read_limited(path: Path, limit: int) -> bytes:
    """The content of a file that is small by nature; never more than `limit` bytes are read.

    Raises TooLarge, FileProblem.
    """
    with open_archive(path) as file:
        content = file.read(limit + 1)
        if len(content) > limit:
            raise TooLarge(path.name, os.fstat(file.fileno()).st_size, limit)
        return content


def check_content(
    file: BinaryIO, entry: Entry, size: int, sha256: str, what: str, on_block: OnBlock | None = None
) -> None:
    """Raises BadManifest, naming the entry, when its content has not this size and hex digest.

    Raises BadArchive when only its CRC-32 is wrong. `what` names the archive; `on_block` sees the bytes pass.
    """
    if entry.size != size:
        raise BadManifest(entry.name, f"{entry.size} bytes, must be {size}")
    digest = hashlib.sha256()
    try:
        for block in read_blocks(file, entry, what):
            digest.update(block)
            if on_block is not None:
                on_block(block)
    except BadArchive as error:
        if digest.hexdigest() == sha256:
            raise
        raise BadManifest(entry.name, "SHA-256 differs") from error
    if digest.hexdigest() != sha256:
        raise BadManifest(entry.name, "SHA-256 differs")
