"""BSEAL/1: the frame of a sealed bid, byte by byte.

offset  length  field
0       8       magic
8       4       L, big endian: length of the header
12      L       header, canonical JSON
12+L    4       W, big endian: length of the wraps
16+L    W       wraps: CMS EnvelopedData blobs, one behind the other
P       32      COM, the commitment to secret, header and wraps; the prefix ends here
P+32    0..     zeros up to the next multiple of 4096, where the payload begins

Digests inside the frame, COM and the chunks are by the algorithms of the header's suite.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from bidclient.crypto import stream
from bidclient.crypto.suite import Suite, suite_by_number
from bidclient.errors import BadFormat, BadSeal, FileProblem, NotCanonical
from bidclient.formats import canonical
from bidclient.formats.shapes import Hex32, Uscc

MAGIC = b"\x89BIDS\r\n\x1a"
MIME_TYPE = "application/vnd.bidclient.sealed"
_ALIGNMENT = 4096
_HEADER_LIMIT = 65536
_WRAPS_LIMIT = 262144
_COMMITMENT = 32
_CHUNKS_LIMIT = 2**31
_CHUNK_SIZES = tuple(2**power for power in range(12, 24))
PREFIX_LIMIT = 16 + _HEADER_LIMIT + _WRAPS_LIMIT + _COMMITMENT

Role = Literal["bidder", "second-lock", "recovery", "tenderer"]
Share = Literal[0, 1, 2]


class Wrap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One CMS EnvelopedData in the wraps field.

    share 0 is the whole secret, 1 and 2 are the halves of policy "all".
    """

    role: Role
    offset: int
    length: int
    certificate_sha256: str
    """Hex digest of the recipient's certificate; empty for the recovery code."""
    share: Share


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The header of BSEAL/1, canonical JSON; `shares` commits to the two shares of policy "all"."""

    v: Literal[1]
    suite: Annotated[int, msgspec.Meta(ge=1, le=255)]
    network: str
    tender: Hex32
    tender_version: int
    lot: str
    bidder: Uscc
    policy: Literal["any", "all"]
    salt: Hex32
    chunk: Annotated[int, msgspec.Meta(ge=1)]
    chunks: Annotated[int, msgspec.Meta(ge=1)]
    payload_len: Annotated[int, msgspec.Meta(ge=1)]
    wraps: tuple[Wrap, ...]
    shares: tuple[Hex32, ...]

    @property
    def shape(self) -> stream.Shape:
        """How the payload is cut into chunks."""
        return stream.Shape(self.payload_len, self.chunk)

    @property
    def algorithms(self) -> Suite:
        """The suite behind the number. Raises BadSeal for one that we do not know."""
        try:
            return suite_by_number(self.suite)
        except BadFormat as error:
            raise BadSeal(f"header: {error.reason}") from error

    @property
    def salt_bytes(self) -> bytes:
        """The salt as bytes."""
        return bytes.fromhex(self.salt)


@dataclass(frozen=True)
class Frame:
    """What stands around the payload of a sealed bid; `size` is that of the whole file."""

    header: Header
    wraps: tuple[bytes, ...]
    commitment: bytes
    prefix: bytes
    payload_offset: int
    size: int

    @property
    def head_digest(self) -> bytes:
        """The suite's digest of everything before the commitment."""
        return self.header.algorithms.hash(self.prefix[:-_COMMITMENT])


def new_frame(
    header: Header, wraps: Sequence[bytes], secret: bytes | bytearray
) -> tuple[Frame, stream.StreamKeys]:
    """The frame of a new sealed bid, and its payload keys. Raises BadSeal for parts that do not fit."""
    header_bytes, wraps_bytes = canonical.dumps(header), b"".join(wraps)
    head = MAGIC + _length(header_bytes) + header_bytes + _length(wraps_bytes) + wraps_bytes
    keys = stream.derive(secret, header.salt_bytes, header.suite, header.algorithms.hash(head))
    return frame_of_prefix(head + keys.commitment), keys


def frame_of_prefix(prefix: bytes) -> Frame:
    """The frame in `prefix`: the bytes of a sealed bid from the first to the end of the commitment.

    Raises BadSeal for anything that a writer of this format does not write.
    """
    if prefix[: len(MAGIC)] != MAGIC:
        raise BadSeal("magic")
    header_bytes = _field(prefix, len(MAGIC), _HEADER_LIMIT, "header")
    wraps_at = len(MAGIC) + 4 + len(header_bytes)
    wraps_bytes = _field(prefix, wraps_at, _WRAPS_LIMIT, "wraps")
    end = wraps_at + 4 + len(wraps_bytes) + _COMMITMENT
    if len(prefix) != end:
        raise BadSeal("commitment length")
    header = _header(header_bytes)
    _check_wraps(header, len(wraps_bytes))
    payload_offset = -(-end // _ALIGNMENT) * _ALIGNMENT
    return Frame(
        header=header,
        wraps=tuple(wraps_bytes[wrap.offset : wrap.offset + wrap.length] for wrap in header.wraps),
        commitment=prefix[-_COMMITMENT:],
        prefix=prefix,
        payload_offset=payload_offset,
        size=payload_offset + header.shape.sealed_len,
    )


def read_frame(path: Path) -> Frame:
    """The frame of a sealed bid, with zero padding and the exact length of the file checked.

    Raises BadSeal, or FileProblem when the file cannot be read. Says nothing about the chunks.
    """
    try:
        with path.open("rb") as file:
            start = file.read(PREFIX_LIMIT + _ALIGNMENT)
            size = os.fstat(file.fileno()).st_size
    except OSError as error:
        raise FileProblem(str(path), error.strerror or "cannot be read") from error
    found = frame_of_prefix(start[: _prefix_length(start)])
    if any(start[len(found.prefix) : found.payload_offset]):
        raise BadSeal("padding is not zero")
    if size != found.size:
        raise BadSeal(f"length {size}, should be {found.size}")
    return found


def head_bytes(frame: Frame) -> bytes:
    """Everything before the first chunk: the prefix and its padding."""
    return frame.prefix.ljust(frame.payload_offset, b"\0")


def _length(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big")


def _field(data: bytes, offset: int, limit: int, name: str) -> bytes:
    """A field with its length in front."""
    length = int.from_bytes(data[offset : offset + 4], "big")
    if not 1 <= length <= limit:
        raise BadSeal(f"{name} length {length}")
    field = data[offset + 4 : offset + 4 + length]
    if len(field) != length:
        raise BadSeal(f"{name} cut off")
    return field


def _prefix_length(start: bytes) -> int:
    """Where the commitment ends, by the two length fields; the fields are checked by frame_of_prefix."""
    header_length = int.from_bytes(start[8:12], "big")
    wraps_length = int.from_bytes(start[12 + header_length : 16 + header_length], "big")
    return 16 + header_length + wraps_length + _COMMITMENT


def _header(data: bytes) -> Header:
    try:
        header = canonical.loads(data, Header, "header of a sealed bid", _HEADER_LIMIT)
    except (NotCanonical, BadFormat) as error:
        raise BadSeal(f"header: {error.reason}") from error
    _ = header.algorithms
    if header.chunk not in _CHUNK_SIZES:
        raise BadSeal(f"chunk size {header.chunk}")
    if header.chunks != header.shape.chunks or header.chunks > _CHUNKS_LIMIT:
        raise BadSeal(f"chunk count {header.chunks}")
    return header


def _check_wraps(header: Header, length: int) -> None:
    """Wraps lie behind each other in the order of the header, and fit the policy."""
    position = 0
    for wrap in header.wraps:
        if wrap.offset != position or wrap.length < 1:
            raise BadSeal(f"wrap at {wrap.offset}, should be at {position}")
        position += wrap.length
    if position != length:
        raise BadSeal(f"wraps end at {position}, should end at {length}")
    roles = [wrap.role for wrap in header.wraps]
    joint = header.policy == "all"
    if roles.count("bidder") != 1 or len(set(roles)) != len(roles) or ("tenderer" in roles) != joint:
        raise BadSeal("roles of the wraps")
    if len(header.shares) != (2 if joint else 0):
        raise BadSeal("shares do not fit the policy")
    for wrap in header.wraps:
        _check_wrap(wrap, joint)


def _check_wrap(wrap: Wrap, joint: bool) -> None:
    expected = 0 if not joint else 2 if wrap.role == "tenderer" else 1
    if wrap.share != expected:
        raise BadSeal(f"share {wrap.share} of {wrap.role}")
    digest = wrap.certificate_sha256
    is_digest = len(digest) == 64 and set(digest) <= set("0123456789abcdef")
    if (digest != "") if wrap.role == "recovery" else not is_digest:
        raise BadSeal(f"certificate of {wrap.role}")
