"""A big PDF is sealed and judged in bounded memory: it is copied, hashed and checked in pieces."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.bids import make_pdf
from tests.support.pdf_seals import pdfsig_accepts

ROOT = Path(__file__).resolve().parents[2]
WORK = """
import resource, sys
from pathlib import Path
from bidclient.crypto.pdf_places import Place, Strip
from bidclient.crypto.pdf_verify import find_signatures
from tests.support.pdf_seals import put_on, seal
from tests.support.pki import Authority
path, pages = Path(sys.argv[1]), int(sys.argv[2])
key = Authority.root().issue("signing", "p-256")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
strips = seal("cross-page", *(Place(n, 1e6, 148, Strip(n % 20, 20)) for n in range(pages)))
assert put_on(path, [seal("company", Place(0, 100, 100)), strips], key) == 1
with path.open("rb") as file:
    (one,) = find_signatures(file, path.name)
    assert one.verify().whole
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def _grow(path: Path, mebibytes: int) -> None:
    """An object of this size behind the pages, in an update of the file as programs write it."""
    head = path.read_bytes()
    start = int(head.rsplit(b"startxref", 1)[1].split()[0])
    with path.open("ab") as file:
        here = file.tell()
        size = mebibytes << 20
        file.write(b"900 0 obj\n<</Length %d>>\nstream\n" % size)
        block = os.urandom(1 << 20)
        for _ in range(mebibytes):
            file.write(block)
        file.write(b"\nendstream\nendobj\n")
        xref = file.tell()
        root = head.rsplit(b"/Root", 1)[1].split()[0].decode()
        file.write(b"xref\n900 1\n%010d 00000 n \n" % here)
        file.write(
            f"trailer\n<</Size 901 /Root {root} 0 R /Prev {start}>>\nstartxref\n{xref}\n%%EOF\n".encode()
        )


@pytest.mark.parametrize(
    ("pages", "mebibytes", "limit"), [(1100, 0, 60), (2, 130, 60)], ids=["pages", "bytes"]
)
def test_sealing_takes_memory_for_the_structure_not_for_the_bytes(
    tmp_path: Path, pages: int, mebibytes: int, limit: int
) -> None:
    pdf = make_pdf(tmp_path / "big.pdf", [f"page {number}" for number in range(pages)])
    if mebibytes:
        _grow(pdf, mebibytes)
    done = subprocess.run(
        [sys.executable, "-c", WORK, str(pdf), str(pages)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < limit, f"{done.stdout} MiB"
    assert pdfsig_accepts(pdf)
