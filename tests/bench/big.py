"""A bid of 2 GiB in 400 documents through every stage on this side: its memory must stay below 200 MiB.

BENCH_MIB and BENCH_ROUNDS change the size and the number of rounds.
"""

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from tests.bench.measure import Bench, Run, Target, asked, work_folder

DOCUMENTS = 400
COPY = "copy"
LIMITS = {"pack": 5.0, "sign": 5.0, "verify": 2.0, "seal": 5.0, "rehearse": 4.0, "unseal": 4.0}
"""Far from what is measured: a verb beyond these has stopped streaming."""
MEMORY = 200.0
"""MiB, for every verb."""
NOTES = ("Each verb in a process of its own; its peak memory includes that of the process that forked it.",)


def run() -> Bench:
    """Prepare the documents in a temporary folder and carry them from draft to unsealed."""
    mebibytes, rounds = asked(2048, 3)
    with work_folder() as folder:
        verbs = _verbs(folder, mebibytes)
        runs: dict[str, list[Run]] = {name: [] for name in verbs}
        for _ in range(rounds):
            for name, verb in verbs.items():
                runs[name].append(_measured(verb))
    title = f"big: {mebibytes} MiB in {DOCUMENTS} documents, {rounds} rounds"
    targets = [Target(name, COPY, limit) for name, limit in LIMITS.items()]
    return Bench(title, runs, targets, NOTES, dict.fromkeys(LIMITS, MEMORY))


def _verbs(folder: Path, mebibytes: int) -> dict[str, Callable[[], object]]:
    # Imported here: this module is loaded to be asked for its name, too.
    from bidclient.formats.bseal import read_frame
    from bidclient.formats.wraps import unwrap_secret
    from bidclient.stages import sealed, sealing, signed
    from bidclient.stages.package import DeviceStatement, pack, read_package
    from tests.support.pki import NOW, Authority
    from tests.support.sealing import make_draft, make_keys, make_tender

    root = Authority.root()
    keys = make_keys(root)
    tender = make_tender(keys, DOCUMENTS, size_limit=2**32 - 1)
    draft = make_draft(folder, tender, [mebibytes * 2**20 // DOCUMENTS] * DOCUMENTS)
    bid, asice, closed = folder / "bid.zip", folder / "bid.asice", folder / "bid.sealed"
    device = DeviceStatement("", "", "", "", "")

    def unseal() -> None:
        secret = unwrap_secret(read_frame(closed), keys.encryption)
        sealed.unseal(closed, secret, folder / "again.asice")

    return {
        COPY: lambda: shutil.copytree(folder / "parts", folder / "copy", dirs_exist_ok=True),
        "pack": lambda: pack(draft, tender, folder / "parts", bid, device, "bench"),
        "sign": lambda: signed.sign(read_package(bid), keys.signing, None, NOW, asice),
        "verify": lambda: signed.verify_signed(
            signed.read_signed(asice), [root.certificate], [root.certificate], NOW
        ),
        "seal": lambda: sealing.seal(signed.read_signed(asice), tender, keys.bidder, closed),
        "rehearse": lambda: sealed.rehearse(closed, keys.encryption, signed.read_signed(asice)),
        "unseal": unseal,
    }


def _measured(verb: Callable[[], object]) -> Run:
    begin = time.perf_counter()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            verb()
            status = 0
        finally:
            os._exit(status)
    _, status, usage = os.wait4(child, 0)
    if status:
        raise RuntimeError("a verb failed, see above")
    return Run(time.perf_counter() - begin, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
