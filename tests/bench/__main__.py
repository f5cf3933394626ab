"""`python -m tests.bench [NAME…|all]`: runs the benches beside this file and prints their tables."""

import importlib
import subprocess
import sys
from pathlib import Path

from tests.bench.measure import show


def benches() -> list[str]:
    """The modules beside this one that have a run(); they are not imported, to keep this process small.

    A process begins with the peak memory of the one that starts it.
    """
    paths = sorted(Path(__file__).parent.glob("*.py"))
    return [path.stem for path in paths if "\ndef run() -> Bench:" in path.read_text("utf-8")]


def main(wanted: list[str]) -> None:
    """Print the table of each wanted bench; of several each in a process of its own, for the same reason."""
    known = benches()
    names = known if wanted in ([], ["all"]) else wanted
    for name in names:
        if name not in known:
            sys.exit(f"no bench {name}; there are: {', '.join(known)}")
    if len(names) > 1:
        for name in names:
            subprocess.run([sys.executable, "-m", "tests.bench", name], check=True)
    else:
        sys.stdout.write(show(importlib.import_module(f"tests.bench.{names[0]}").run()))


if __name__ == "__main__":
    main(sys.argv[1:])
