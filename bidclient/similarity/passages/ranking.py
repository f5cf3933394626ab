"""Of all sources the best few per place of the query, and in how many texts and projects each place is found.

A company's own archive repeats itself, and rightly so: of a clause that stands in a thousand bids the five
nearest are shown, and how many more there are.
"""

import numpy as np

from bidclient.similarity.passages.regions import Places, Regions, begins_of, no_regions, numbered

_BUCKET = 48
"""Characters of the query that count as one place."""
_SOURCE_BITS = 32
TEMPLATE_PROJECTS = 3
"""Text in bids for that many different projects is a template; in two it is worth a look."""


class Ranking:
    """Regions are added source by source; what is out of the best everywhere is forgotten at once."""

    def __init__(self, length: int, best: int) -> None:
        self._best = best
        self._sources = np.zeros(length // _BUCKET + 2, np.int32)
        self._projects = np.full((len(self._sources), TEMPLATE_PROJECTS), -1, np.int64)
        self.regions = no_regions()

    def add(self, found: Regions, projects: Places) -> None:
        """All regions of some sources; `projects` numbers the project of each, -1 where it does not count."""
        if not len(found):
            return
        bucket, region = _places(found)
        self._count(bucket, found.source[region], projects[region])
        self.regions = self.regions.followed_by(found)
        bucket, region = _places(self.regions)
        order = np.lexsort((self.regions.source[region], bucket))
        bucket, region = bucket[order], region[order]
        begins = begins_of((bucket << _SOURCE_BITS) | self.regions.source[region])
        best = np.maximum.reduceat(self.regions.covered[region], begins)
        by_best = np.lexsort((-best, bucket[begins]))
        first = begins_of(bucket[begins])
        rank = np.empty(len(begins), np.int64)
        rank[by_best] = numbered(np.diff(np.append(first, len(begins))))
        kept = np.repeat(rank < self._best, np.diff(np.append(begins, len(region))))
        self.regions = self.regions.take(np.unique(region[kept]))

    def sources(self, start: int, end: int) -> int:
        """In how many sources the query from start to end is found: the median over its places."""
        return int(np.median(self._sources[start // _BUCKET : (end - 1) // _BUCKET + 1]))

    def is_template(self, start: int, end: int) -> bool:
        """Whether at least half of the places from start to end stand in bids for three projects."""
        known = self._projects[start // _BUCKET : (end - 1) // _BUCKET + 1, -1] >= 0
        return bool(2 * np.count_nonzero(known) >= len(known))

    def _count(self, bucket: Places, source: Places, project: Places) -> None:
        pairs = np.unique(np.stack((bucket, source)), axis=1)
        self._sources += np.bincount(pairs[0], minlength=len(self._sources)).astype(np.int32)
        counted = project >= 0
        if not counted.any():
            return
        bucket, project = np.unique(np.stack((bucket[counted], project[counted])), axis=1)
        fresh = ~(self._projects[bucket] == project[:, None]).any(axis=1)
        bucket, project = bucket[fresh], project[fresh]
        begins = begins_of(bucket)
        free = (self._projects[bucket] >= 0).sum(axis=1) + numbered(np.diff(np.append(begins, len(bucket))))
        fits = free < TEMPLATE_PROJECTS
        self._projects[bucket[fits], free[fits]] = project[fits]


def _places(found: Regions) -> tuple[Places, Places]:
    """Each bucket that a region touches, and the number of the region."""
    first = found.start // _BUCKET
    counts = (found.end - 1) // _BUCKET - first + 1
    return np.repeat(first, counts) + numbered(counts), np.repeat(np.arange(len(found)), counts)
