"""What is known in memory of running uploads; all of it can be found again on the disk."""

import asyncio
from dataclasses import dataclass, field

from bidclient.formats.tally import Tally


@dataclass
class Transfer:
    """One upload: who is sending, and the digests of the first `counted` bytes."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    tally: Tally | None = None
    counted: int = 0


@dataclass
class Transfers:
    """All uploads by their id, and how many bytes have come in; a fault resets lines by that count."""

    known: dict[str, Transfer] = field(default_factory=dict)
    passed: int = 0

    def of(self, upload: str) -> Transfer:
        """The transfer of an upload."""
        return self.known.setdefault(upload, Transfer())

    def forget(self, upload: str) -> None:
        """An upload is over."""
        self.known.pop(upload, None)
