"""Reads hostile files in a process of its own and tells of each: error, seconds, memory.

Arguments: KIND PATH KIND PATH …; one line of JSON for each pair.
"""

import gc
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from bidclient.crypto import cms
from bidclient.crypto.certificate import Certificate, certificates_from_pem
from bidclient.errors import BidError
from bidclient.formats.bseal import read_frame
from bidclient.stages.draft import read_draft
from bidclient.stages.package import read_package
from bidclient.stages.signed import read_signed
from bidclient.stages.stub import read_stub
from bidclient.stages.submitted import read_receipt
from bidclient.stages.tender import read_tender

READERS: dict[str, Callable[[Path], object]] = {
    "tender": read_tender,
    "draft": lambda path: read_draft(path.read_bytes()),
    "package": read_package,
    "signed": read_signed,
    "sealed": read_frame,
    "stub": lambda path: read_stub(path.read_bytes()),
    "receipt": lambda path: read_receipt(path.read_bytes()),
    "envelope": lambda path: cms.envelope_recipients(path.read_bytes()),
    "certificate": lambda path: Certificate.from_der(path.read_bytes()),
    "anchors": lambda path: certificates_from_pem(path.read_bytes()),
}
_STATUS = Path("/proc/self/status")


def memory(name: str) -> int:
    """VmRSS, what this process has, or VmHWM, the most that it had; in bytes."""
    return int(_STATUS.read_text("ascii").partition(f"{name}:")[2].split()[0]) * 1024


def main(arguments: list[str]) -> None:
    """Print what became of each file."""
    for kind, path in zip(arguments[::2], arguments[1::2], strict=True):
        gc.collect()
        # 5 sets the high-water mark back to what is in use now (proc(5)).
        Path("/proc/self/clear_refs").write_text("5", "ascii")
        before, start = memory("VmRSS"), time.perf_counter()
        error = ""
        try:
            READERS[kind](Path(path))
        except BidError as caught:
            error = type(caught).__name__
        seconds = time.perf_counter() - start
        grown = memory("VmHWM") - before
        print(json.dumps({"error": error, "seconds": seconds, "grown": grown}))  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
