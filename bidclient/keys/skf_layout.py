"""How an SKF library lays out its structures: headers differ in the size of ULONG and in the packing.

What decides is the library itself: the numbers in its device information make sense in one layout only, and a
public key lies where the certificate says. All systems that these libraries exist for are little-endian.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bidclient.keys.frames import NO_HINT, Hint

DEVICE_ROOM = 1024
"""Bytes for a DEVINFO: more than any layout of it takes."""

_TEXTS = {"manufacturer": (2, 64), "issuer": (66, 64), "label": (130, 32), "serial": (162, 32)}
"""Where the texts of a DEVINFO begin, and their length: before all numbers, so the same in every layout."""
_VERSIONS = {"hardware": 194, "firmware": 196}
_NUMBERS_PACKED, _NUMBERS_ALIGNED = 198, 200
FIELD, NUMBER = 64, 32
"""Bytes of a field for a number, and of the number, which lies right-aligned in it."""
_NARROW = 32
_FAMILIES = 16
"""SGD_ ids of ciphers and digests have 16 bits, those of SM2 and RSA the next ones above (GM/T 0006)."""
_ASYMMETRIC = 0b11 << _FAMILIES
_ASYMMETRIC_BITS = 20

Width = Literal[4, 8]
Pack = Literal[0, 1]


@dataclass(frozen=True)
class Capabilities:
    """The first numbers of a DEVINFO: bits of SGD_ ids; total and free space in bytes."""

    symmetric: int
    asymmetric: int
    hash: int
    total: int
    free: int

    @property
    def are_plausible(self) -> bool:
        """Whether they can be what they are called: read in another layout, they cannot."""
        return (
            0 < self.symmetric < 1 << _FAMILIES
            and 0 < self.hash < 1 << _FAMILIES
            and self.asymmetric < 1 << _ASYMMETRIC_BITS
            and bool(self.asymmetric & _ASYMMETRIC)
            and self.free <= self.total < 1 << _NARROW
        )


@dataclass(frozen=True)
class Layout:
    """`ulong`: size of ULONG in bytes; `pack`: what structures are packed to, 0 for the compiler's own way.

    `seen`: whether the library itself showed it, or a row of resources/tokens says so; else it is assumed.
    """

    ulong: Width
    pack: Pack
    seen: bool = False

    @property
    def text(self) -> str:
        """For a report."""
        return f"ULONG {self.ulong}, pack {self.pack}{'' if self.seen else ' (assumed)'}"

    def capabilities(self, information: bytes) -> Capabilities:
        """What a DEVINFO says in this layout."""
        start = _NUMBERS_PACKED if self.pack else _NUMBERS_ALIGNED
        numbers = [
            int.from_bytes(information[place : place + self.ulong], "little")
            for place in range(start, start + 6 * self.ulong, self.ulong)
        ]
        return Capabilities(*numbers[:3], *numbers[4:])


_PACKS: Sequence[Pack] = (1, 0)
# Published headers have 4 bytes and packed structures; on Windows ULONG is nothing else.
_WIDTHS: Sequence[Width] = (4,) if os.name == "nt" else (4, 8)
_ALL = tuple(Layout(ulong, pack) for ulong in _WIDTHS for pack in _PACKS)


def layout_of(information: bytes, hint: Hint = NO_HINT) -> Layout:
    """The layout that fits `hint` and makes sense of a DEVINFO; the most usual one if several or none do."""
    possible = [
        layout
        for layout in _ALL
        if (hint.ulong is None or layout.ulong == hint.ulong)
        and (hint.pack is None or layout.pack == hint.pack)
    ]
    plausible = [layout for layout in possible if layout.capabilities(information).are_plausible]
    found = plausible if len(plausible) == 1 else possible or _ALL
    return Layout(found[0].ulong, found[0].pack, seen=len(found) == 1)


def device_text(information: bytes, field: str) -> bytes:
    """A text of a DEVINFO as it stands there: manufacturer, issuer, label, serial."""
    start, length = _TEXTS[field]
    return information[start : start + length]


def device_version(information: bytes, of: str) -> str:
    """Major and minor number of the hardware or firmware, with a point between."""
    place = _VERSIONS[of]
    return f"{information[place]}.{information[place + 1]}"


def width_of(public_key: bytes, point: bytes) -> Width | None:
    """The size of ULONG in an ECCPUBLICKEYBLOB of the key with this point; None if it is another's."""
    for width in _WIDTHS:
        x, y = public_key[width : width + FIELD], public_key[width + FIELD : width + 2 * FIELD]
        if b"\4" + x[-NUMBER:] + y[-NUMBER:] == point and len(public_key) == width + 2 * FIELD:
            return width
    return None


def widths(first: Width) -> tuple[Width, ...]:
    """The sizes that ULONG may have here, the likelier `first`."""
    return (first, *(width for width in _WIDTHS if width != first))
