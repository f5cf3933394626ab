"""The program that the bench of the self-check measures: one verb in the folder that `prepare` has filled."""

import hashlib
import json
import pickle
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import count
from multiprocessing import Pool
from pathlib import Path
from random import Random

from bidclient.similarity.passages.compare import compare
from bidclient.similarity.passages.fingerprint import Fingerprint, fingerprint
from bidclient.similarity.passages.normal import Ranges, normalise
from bidclient.similarity.passages.passage import Owner, Passage
from bidclient.similarity.passages.source import Query, Source, TextSource
from bidclient.similarity.reading.document import Extract, Page
from bidclient.store.archive import Archive, Filed, indexed
from bidclient.store.archive_records import PastBid
from bidclient.store.archive_sqlite import open_sqlite_archive
from tests.support.clauses import paragraph
from tests.support.plagiarism import Case, Size, synthetic

CASE, TENDER, QUERY, BIDS, FOUND = (
    Path(name) for name in ("case", "tender.txt", "query.txt", "bids", "found")
)
PAGE = 650
_READER = "bench"
_AT = "2026-01-01T00:00:00.000Z"


def prepare(pages: str, bids: str) -> None:
    """A draft with copied passages, the bids that they are from, and the tender, as text files, too."""
    size = Size(int(pages), int(bids), 270, max(int(pages) // 20, 2), page=10**9)
    case = synthetic(22, size)
    CASE.write_bytes(pickle.dumps(case))
    TENDER.write_text(case.tender.content, "utf-8")
    QUERY.write_text(case.query.text, "utf-8")
    BIDS.mkdir()
    for source in case.sources:
        (BIDS / f"{source.id:04}.txt").write_text(source.content, "utf-8")


def read_case(path: Path = CASE) -> Case:
    """What `prepare` made. Only this program's own file is read."""
    case = pickle.loads(path.read_bytes())  # noqa: S301
    assert isinstance(case, Case)
    return case


def read_bids(folder: Path = Path()) -> list[tuple[int, str]]:
    """The number and the text of each bid."""
    return [(int(path.stem), path.read_text("utf-8")) for path in sorted((folder / BIDS).iterdir())]


def write_found(passages: Iterable[Passage], by: str) -> None:
    """As the bench judges them."""
    Path(f"found-{by}").write_text(json.dumps([asdict(one) for one in passages]))


def read_found(folder: Path, by: str) -> list[Passage]:
    """What a program found."""
    return [Passage(**one) for one in json.loads((folder / f"found-{by}").read_text())]


def ours() -> None:
    """Everything from the texts: fingerprints of all bids, comparison, passages."""
    sources = [TextSource(number, "own", text, f"project {number}") for number, text in read_bids()]
    tender = TextSource(0, "tender", TENDER.read_text("utf-8"))
    found = compare([Query("query.txt", QUERY.read_text("utf-8"))], sources, [tender])
    write_found((one for one in found.passages if not one.excused), "ours")


def fingerprints() -> None:
    """Of all bids and the tender, and no more."""
    for text in (TENDER.read_text("utf-8"), *(text for _, text in read_bids())):
        fingerprint(normalise(text))


def index() -> None:
    """All bids into a new archive."""
    with _Filing(Path("index")) as filing:
        for number, text in read_bids():
            filing.add(number, text)


def fill(bids: str) -> None:
    """An archive of a company that writes every second bid from its own 600 paragraphs, by 15 percent."""
    with _Filing(Path("archive")) as filing, Pool(2) as pool:
        for number, text in enumerate(pool.imap(own_bid, range(int(bids)), 4)):
            filing.add(number, text)


def past(times: str) -> None:
    """A draft of 1,200 pages against that archive, as often as if it were so many times larger."""
    archive = open_sqlite_archive(Path("archive"))
    found = compare([Query("draft", _written(Random(5), 1200, True))], _again(archive, int(times)))
    archive.close()
    write_found(found.passages, "past")


def own_bid(number: int) -> str:
    """The text of one bid for the large archive."""
    random = Random(1000 + number)
    return _written(random, max(20, int(random.lognormvariate(0, 0.5) * 250)), number % 2 == 0)


def _written(random: Random, pages: int, own: bool) -> str:
    pool = Random(7)
    stock = [paragraph(pool) for _ in range(600)] if own else []
    parts: list[str] = []
    length = 0
    while length < pages * PAGE:
        parts.append(random.choice(stock) if own and random.random() < 0.15 else paragraph(random))
        length += len(parts[-1])
    return "".join(parts)


class _Filing:
    """Puts texts into an archive."""

    def __init__(self, folder: Path) -> None:
        self._archive: Archive = open_sqlite_archive(folder)

    def __enter__(self) -> "_Filing":
        return self

    def __exit__(self, *_: object) -> None:
        self._archive.close()

    def add(self, number: int, text: str) -> None:
        digest = hashlib.sha256(text.encode()).hexdigest()
        extract = Extract(f"{number}.txt", digest, "txt", text, (Page(1, 0, len(text), "text"),))
        bid = PastBid("own", f"bid {number}", _AT, project=f"project {number}", lot=f"lot {number}")
        self._archive.add(bid, [Filed(extract.name, digest, indexed(extract, _READER))], _READER)


@dataclass(frozen=True)
class _Another:
    """A source under another number."""

    id: int
    source: Source

    @property
    def owner(self) -> Owner:
        return self.source.owner

    @property
    def project(self) -> str:
        return self.source.project

    def fingerprint(self) -> Fingerprint:
        return self.source.fingerprint()

    def text(self) -> str:
        return self.source.text()

    def leave_out(self) -> Ranges:
        return self.source.leave_out()


def _again(archive: Archive, times: int) -> Iterator[Source]:
    numbers = count(1)
    for _ in range(times):
        for source in archive.sources():
            yield _Another(next(numbers), source)


def main(verb: str, *arguments: str) -> None:
    """One of the verbs above."""
    verbs: dict[str, Callable[..., None]] = {
        "prepare": prepare,
        "ours": ours,
        "fingerprints": fingerprints,
        "index": index,
        "fill": fill,
        "past": past,
    }
    verbs[verb](*arguments)
