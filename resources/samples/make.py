"""Makes the PDFs of the sample tenders and bids from their texts and data: python resources/samples/make.py.

The same input gives the same bytes.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import tables
from typeset import Sheet, typeset

from bidclient.sandbox.samples import Sample, load_sample, sample_ids

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Job:
    """One PDF: `relative` is where it goes under the samples' folder."""

    sample_id: str
    relative: str
    sheet: Sheet

    @property
    def stem(self) -> str:
        """The name that text and PDF share."""
        return Path(self.relative).stem


def jobs() -> Iterator[Job]:
    """All PDFs of all samples."""
    for sample_id in sample_ids():
        sample = load_sample(sample_id)
        for file in sample.files:
            running = f"{sample.lot.name}　{file.title}"
            yield Job(
                sample_id, f"{sample_id}/tender/{file.file}", Sheet(file.title, sample.agency.name, running)
            )
        for part in sample.parts:
            for document in part.documents:
                bidder = sample.bid.bidder.name
                sheet = Sheet(document.title, bidder, f"{bidder}　{document.title}")
                blind = Sheet(document.title, "", "")
                yield Job(sample_id, f"{sample_id}/bid/{document.name}.pdf", blind if part.blind else sheet)


def text_of(job: Job, sample: Sample) -> str:
    """The text of a PDF with the sample's names filled in; a line `@ name` takes in a text of common/."""
    lines: list[str] = []
    for line in (HERE / job.sample_id / "text" / f"{job.stem}.md").read_text("utf-8").splitlines():
        if line.startswith("@ "):
            lines += (HERE / "common" / f"{line[2:].strip()}.md").read_text("utf-8").splitlines()
        else:
            lines.append(line)
    return "\n".join(lines).format_map(tables.words(sample))


def make(job: Job, folder: Path) -> Path:
    """Sets one PDF under `folder` and returns its path."""
    sample = load_sample(job.sample_id)
    target = folder / job.relative
    target.parent.mkdir(parents=True, exist_ok=True)
    typeset(target, job.sheet, text_of(job, sample), tables.inserts(job.sample_id))
    return target


def main(arguments: list[str]) -> int:
    """Makes all PDFs, or those whose path contains --only, under --out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="")
    parser.add_argument("--out", type=Path, default=HERE)
    options = parser.parse_args(arguments)
    for job in jobs():
        if options.only in job.relative:
            path = make(job, options.out)
            sys.stdout.write(f"{path.stat().st_size:>9} {job.relative}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
