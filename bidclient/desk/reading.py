"""Files read two at a time, each in a process that it may crash: for the archive and the self-check."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from queue import LifoQueue
from types import TracebackType
from typing import Self, TypeVar

from bidclient.ask import Progress, silent
from bidclient.desk.archive_intake import Handed
from bidclient.errors import BadDocument, FileProblem, TooLarge
from bidclient.similarity.reading.apart import Reader
from bidclient.similarity.reading.document import Extract
from bidclient.similarity.reading.limits import LIMITS, Limits
from bidclient.similarity.reading.ocr import Ocr

_LITTLE = 4 * 1024 * 1024
_AT_ONCE = 2
"""Files that are read at the same time, each in a process of its own."""
_Made = TypeVar("_Made")


class Reading:
    """Readers for so many threads, each of which starts its process when it is first used; a `with` block."""

    def __init__(self, ocr: Ocr | None, limits: Limits = LIMITS) -> None:
        self._ocr = ocr
        self._limits = limits
        # The last one used comes first: its process runs already.
        self._readers: LifoQueue[Reader] = LifoQueue()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        for _ in range(_AT_ONCE):
            self._readers.put(self._stack.enter_context(Reader(self._limits, self._ocr)))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def each(
        self,
        files: Iterable[Handed],
        make: Callable[[Extract], _Made],
        step: str,
        progress: Progress,
        on_page: Progress = silent,
    ) -> dict[str, _Made | BadDocument | TooLarge]:
        """By digest, what `make` made of each file, or why one cannot be read.

        `progress` counts files, `on_page` the pages within them, on another thread. Each content is read
        once. Raises FileProblem for a file that changes meanwhile, and what `progress` and `on_page` raise.
        """
        once = {one.sha256: one for one in files}
        made: dict[str, _Made | BadDocument | TooLarge] = {}
        # The second process costs more than it saves where there is little to read.
        at_once = _AT_ONCE if sum(one.size for one in once.values()) > _LITTLE else 1
        with ThreadPoolExecutor(at_once) as pool:
            jobs = {pool.submit(self._one, one, make, on_page): one.sha256 for one in once.values()}
            try:
                for done, job in enumerate(as_completed(jobs), 1):
                    try:
                        made[jobs[job]] = job.result()
                    except (BadDocument, TooLarge) as error:
                        made[jobs[job]] = error
                    progress(step, done, len(jobs))
            finally:
                for job in jobs:
                    job.cancel()
        return made

    def _one(self, one: Handed, make: Callable[[Extract], _Made], on_page: Progress) -> _Made:
        reader = self._readers.get()
        try:
            with one.at() as path:
                extract = reader.extract(path, on_page)
        finally:
            self._readers.put(reader)
        if extract.sha256 != one.sha256:
            raise FileProblem(one.name, "changed while it was read")
        return make(extract)
