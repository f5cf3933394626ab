"""The JSON Schemas of all records, those of the self-check too, as they lie in resources/schemas.

`python -m bidclient.similarity.report.schemas FOLDER` writes them; resources/schemas holds what it wrote.
"""

import sys
from pathlib import Path

import msgspec

from bidclient.checks.schemas import RECORDS, schemas
from bidclient.formats import atomic
from bidclient.similarity.report.self_check import Accepted, SelfCheck

ALL_RECORDS: dict[str, type[msgspec.Struct]] = {
    **RECORDS,
    "self-check": SelfCheck,
    "accepted-findings": Accepted,
}


def write(folder: Path) -> None:
    """Write every schema into `folder`. Raises DiskProblem."""
    for name, content in schemas(ALL_RECORDS).items():
        atomic.write(folder / name, content)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
