"""Programs that do a part of the self-check, on the same texts: copydetect (winnowing), rensa (MinHash)."""

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from bidclient.similarity.passages.passage import Passage
from tests.bench.similar_work import BIDS, QUERY, TENDER, read_bids, write_found

_WORDS = 5
"""Characters of a shingle."""
_PERMUTATIONS, _BANDS, _ALIKE = 128, 32, 0.5

Parts = list[tuple[int, int]]


def copydetect(compared: bool) -> None:
    """Its fingerprints of all texts with its default lengths, and, if wanted, each bid against the draft."""
    import numpy as np

    peer = import_module("copydetect")

    def read(path: Path, known: object = None) -> Any:
        return peer.CodeFingerprint(str(path), 25, 6, boilerplate=known, filter=False)

    tender = np.array(list(read(TENDER).hashes))
    bids = {path: read(path, tender) for path in sorted(BIDS.iterdir())}
    draft = read(QUERY, tender)
    if not compared:
        return
    found = []
    for path, bid in bids.items():
        here = peer.compare_files(draft, bid)[2][0]
        if len(here):
            # It does not say which piece belongs to which: the judge counts the draft's side alone.
            found += [
                Passage("query.txt", int(start), int(end), int(path.stem), 0, 0, 1.0, "verbatim")
                for start, end in zip(*here, strict=True)
            ]
    write_found(found, "copydetect")


def rensa() -> None:
    """Paragraph by paragraph, which it is given; those of the tender are taken out by the same measure."""
    peer = import_module("rensa")

    def sketches(text: str, parts: Parts) -> list[Any]:
        tokens = [shingles(text[start:end]) for start, end in parts]
        return list(peer.RMinHash.from_token_sets(tokens, _PERMUTATIONS, 42))

    index = peer.RMinHashLSH(_ALIKE, _PERMUTATIONS, _BANDS)
    tender = TENDER.read_text("utf-8")
    known: list[tuple[int, int, int, Any]] = []
    for number, text in [(0, tender), *read_bids()]:
        parts = paragraphs(text)
        made = sketches(text, parts)
        index.insert_many(made, start_key=len(known))
        known += [(number, start, end, one) for (start, end), one in zip(parts, made, strict=True)]
    text = QUERY.read_text("utf-8")
    parts = paragraphs(text)
    found = []
    for (start, end), sketch in zip(parts, sketches(text, parts), strict=True):
        alike = [known[key] for key in index.query(sketch)]
        alike = [one for one in alike if sketch.jaccard(one[3]) >= _ALIKE]
        if not any(number == 0 for number, *_ in alike):
            found += [
                Passage("query.txt", start, end, number, low, high, 1.0, "verbatim")
                for number, low, high, _ in alike
            ]
    write_found(joined(found), "rensa")


def shingles(text: str) -> list[str]:
    """All runs of five characters."""
    return [text[place : place + _WORDS] for place in range(max(len(text) - _WORDS + 1, 1))]


def paragraphs(text: str) -> Parts:
    """From and to of each line."""
    parts, start = [], 0
    for line in text.splitlines(keepends=True):
        if line.strip():
            parts.append((start, start + len(line)))
        start += len(line)
    return parts


def joined(found: list[Passage]) -> list[Passage]:
    """Neighbours in both texts are one passage."""
    done: list[Passage] = []
    for one in sorted(found, key=lambda one: (one.source, one.source_start)):
        last = done[-1] if done else None
        if (
            last
            and last.source == one.source
            and last.end == one.start
            and last.source_end == one.source_start
        ):
            one = Passage(
                "query.txt",
                last.start,
                one.end,
                one.source,
                last.source_start,
                one.source_end,
                1.0,
                "verbatim",
            )
            done.pop()
        done.append(one)
    return done


def main(peers: str, verb: str) -> None:
    """copydetect, fingerprints (copydetect's alone), or rensa, from the folder `peers`."""
    sys.path.insert(0, peers)
    if verb == "rensa":
        rensa()
    else:
        copydetect(verb == "copydetect")
