"""The self-check's comparison of texts beside copydetect and rensa, and against an archive of 1,000 bids.

BENCH_BIDS, BENCH_ARCHIVE and BENCH_ROUNDS change the number of bids that all programs compare, of bids in the
archive, and of rounds.
"""

import os
import subprocess
import tempfile
from pathlib import Path

from tests.bench.measure import Bench, Run, Target, Work, alternate, program
from tests.bench.similar_work import CASE, PAGE, read_bids, read_case, read_found
from tests.support.plagiarism import of_the_draft, scores
from tests.support.real_texts import fetched

OURS, ALONE, INDEX = "bidclient, all of it", "bidclient, fingerprints", "bidclient, into the archive"
COPYDETECT, FINGERPRINTS, RENSA = "copydetect 0.5.0", "copydetect, fingerprints", "rensa 0.5.0, LSH"
PAST, FIVE = "1,200 pages, the archive", "1,200 pages, five times that"
JUDGED = {OURS: "ours", COPYDETECT: "copydetect", RENSA: "rensa"}
TARGETS = (
    Target(OURS, COPYDETECT, 1 / 8),
    Target(OURS, RENSA, 1 / 4),
    Target(ALONE, FINGERPRINTS, 1 / 20),
)
MEMORY = {PAST: 200.0, FIVE: 300.0}


def run() -> Bench:
    """Generate the texts, let each program find what was copied, and fill an archive for ours alone."""
    bids, kept = int(os.environ.get("BENCH_BIDS", "100")), int(os.environ.get("BENCH_ARCHIVE", "1000"))
    rounds = int(os.environ.get("BENCH_ROUNDS", "1"))
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        subprocess.run(program("similar_work", "prepare", "1200", str(bids)), cwd=folder, check=True)
        runs = alternate(_works(), folder, rounds)
        notes = [line for title, by in JUDGED.items() for line in _judged(title, by, folder)]
        notes.append(_pages(runs[INDEX], folder))
        subprocess.run(program("similar_work", "fill", str(kept)), cwd=folder, check=True)
        runs |= alternate(
            {
                PAST: Work(program("similar_work", "past", "1"), "archive", "found-past"),
                FIVE: Work(program("similar_work", "past", "5"), "archive", "found-past"),
            },
            folder,
            rounds,
        )
        notes.append(f"The archive: {kept} bids, {_size(folder / 'archive'):.0f} MiB.")
    title = f"similar: 1,200 pages against {bids} bids, and against an archive of {kept}; {rounds} rounds"
    return Bench(title, runs, TARGETS, notes, MEMORY)


def _works() -> dict[str, Work]:
    peers = str(fetched("bench-peers"))
    return {
        OURS: Work(program("similar_work", "ours"), "bids", "found-ours"),
        ALONE: Work(program("similar_work", "fingerprints"), "bids", "found-none"),
        INDEX: Work(program("similar_work", "index"), "bids", "index"),
        COPYDETECT: Work(program("similar_peers", peers, "copydetect"), "bids", "found-copydetect"),
        FINGERPRINTS: Work(program("similar_peers", peers, "fingerprints"), "bids", "found-none"),
        RENSA: Work(program("similar_peers", peers, "rensa"), "bids", "found-rensa"),
    }


def _judged(title: str, by: str, folder: Path) -> list[str]:
    """How well the last run found what was copied; without pairs only the draft's side can be judged."""
    case, found = read_case(folder / CASE), read_found(folder, by)
    precision, recall = of_the_draft(case.plants, found)
    f1 = 2 * precision * recall / max(precision + recall, 1e-9)
    notes = [
        f"{title}: {len(found)} passages for {len(case.plants)}; "
        f"on the draft's side P {precision:.3f}, R {recall:.3f}, F1 {f1:.3f}."
    ]
    if title != COPYDETECT:
        score = scores(case.plants, found)
        kinds = ", ".join(f"{kind} {share:.3f}" for kind, share in score.kinds.items())
        notes += [
            f"  plagdet {score.plagdet:.3f}, P {score.precision:.3f}, R {score.recall:.3f}, "
            f"granularity {score.granularity:.3f}; R of {kinds}."
        ]
    return notes


def _pages(runs: list[Run], folder: Path) -> str:
    pages = sum(len(text) for _, text in read_bids(folder)) / PAGE
    wall, cpu = min(run.wall for run in runs), min(run.cpu for run in runs)
    return f"Indexed {pages:,.0f} pages: {pages / wall:,.0f} a second, {pages / cpu:,.0f} a processor second."


def _size(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.iterdir()) / 2**20
