"""Archives in either database for the same tests, and bids to put into them."""

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from multiprocessing.synchronize import Event
from pathlib import Path

from bidclient.similarity.reading.document import Extract, Page, Picture, Trait
from bidclient.stages.draft import PricedItem
from bidclient.store.archive import Archive, Content, Filed, indexed
from bidclient.store.archive_postgres import open_postgres_archive
from bidclient.store.archive_records import Kept, PastBid
from bidclient.store.archive_sqlite import open_sqlite_archive

READER = "1"
USCC = "91620000MA7ABCDE1X"
AT = "2026-11-20T09:00:00.000+08:00"
_SYLLABLES = "施工组织设计质量安全进度人员机械材料试验检测环保文明措施方案合同价款支付验收保修"


@dataclass(frozen=True)
class ArchivePlace:
    """Where an archive is: a folder, or the address of a database."""

    folder: Path | None = None
    address: str = ""

    def open(self, patience: float = 30.0) -> Archive:
        """One more connection to it."""
        if self.folder is not None:
            return open_sqlite_archive(self.folder, patience)
        return open_postgres_archive(self.address, None, patience)


def text(seed: int, characters: int = 600) -> str:
    """Chinese characters by chance: two seeds share nothing that would be taken for a passage."""
    chance = random.Random(seed)
    return "".join(chance.choice(_SYLLABLES) for _ in range(characters))


def extract_of(words: str, name: str = "a.txt", pages: int = 2) -> Extract:
    """What would have been read from a file of these words."""
    ends = [len(words) * number // pages for number in range(pages + 1)]
    seed = hashlib.sha256(words.encode("utf-8", "surrogatepass"))
    return Extract(
        name,
        seed.hexdigest(),
        "pdf",
        words,
        tuple(Page(n + 1, ends[n], ends[n + 1], "text") for n in range(pages)),
        (Picture(1, seed.hexdigest(), 640, 480, seed.digest(), (("Make", "相机"),)),),
        (Trait("pdf.author", "张三\0\ud800", "strong"),),
        (("第 3 页：扫描件，未检查", "page 3: a scan, not checked"),),
    )


def filed(words: str, name: str = "parts/technical/a.txt") -> Filed:
    """A document of these words, read."""
    extract = extract_of(words, name)
    return Filed(name, extract.sha256, indexed(extract, READER))


def known(document: Filed) -> Filed:
    """The same document without its content, as one files what the archive has."""
    return Filed(document.name, document.sha256)


def past_bid(name: str = "bid", lot: str = "L1", owner: Kept = "own", code: str = "") -> PastBid:
    """A bid for a lot."""
    return PastBid(
        owner,
        name,
        AT,
        uscc=USCC,
        project=f"P-{lot}",
        lot=lot,
        lot_code=f"code-{lot}",
        tender_sha256="ab" * 32,
        creation_code=code,
        total_fen=980_000_000_00,
        prices=(PricedItem("010101001001", 1234, 567_800),),
    )


def texts(archive: Archive) -> list[str]:
    """The text of every source."""
    return [source.text() for source in archive.sources()]


def add_many(place: ArchivePlace, seeds: Sequence[int], ready: Event | None = None) -> None:
    """What a process does that is killed, or has company: it adds a bid of three volumes for each seed."""
    if ready is not None:
        ready.set()
    archive = place.open()
    for seed in seeds:
        volumes = [filed(text(seed * 10 + n, 40_000), f"volume-{n}") for n in range(3)]
        archive.add(past_bid(f"bid-{seed}", f"L{seed}"), volumes, READER)
    archive.close()


def slow_writer(place: ArchivePlace, ready: Event, go_on: Event) -> None:
    """Hold the archive for writing from when `ready` is set until `go_on` is."""
    archive = place.open()
    tables = archive._tables  # type: ignore[attr-defined] # the lock that any writer holds, held long
    with tables.writing():
        ready.set()
        assert go_on.wait(60)
    archive.close()


def stale(content: Content) -> Content:
    """The same content as another version of the program fingerprinted it."""
    return replace(content, parameters=replace(content.parameters, revision=0))
