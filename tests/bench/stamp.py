"""Sealing 60 PDFs with one RSA-2048 key in SoftHSM, beside the token's bare signing and pyHanko alone.

BENCH_PDFS and BENCH_ROUNDS change the number of files and of rounds. Times are for the whole batch: a wall
clock of 3 s for 60 files is 50 ms per file.
"""

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from tests.bench.measure import Bench, Run, Target

ROOT = Path(__file__).resolve().parents[2]
OURS, CHECKED, BARE, PEER = "seal", "seal, check, replace", "token signs only", "pyHanko alone, key in memory"
NOTES = ("Without timestamps: they cost a round trip to the service for each file.",)


def run() -> Bench:
    """Make the files in a temporary folder and seal them in turn by each of the ways."""
    count, rounds = int(os.environ.get("BENCH_PDFS", "60")), int(os.environ.get("BENCH_ROUNDS", "3"))
    with tempfile.TemporaryDirectory(prefix="bench-") as name, ExitStack() as stack:
        works = _works(Path(name), count, stack)
        runs: dict[str, list[Run]] = {one: [] for one in works}
        for number in range(rounds + 1):
            for one, work in works.items():
                shutil.rmtree(Path(name) / "files", ignore_errors=True)
                shutil.copytree(Path(name) / "originals", Path(name) / "files")
                run_ = _measured(work)
                if number:
                    runs[one].append(run_)
    per_file = ", ".join(
        f"{one} {1000 * sum(r.wall for r in runs[one]) / len(runs[one]) / count:.1f} ms" for one in runs
    )
    return Bench(
        f"stamp: {count} PDFs of 6 pages, {rounds} rounds",
        runs,
        [Target(OURS, PEER, 1.5), Target(CHECKED, PEER, 4.0)],
        (f"Per file: {per_file}.", *NOTES),
    )


def _works(folder: Path, count: int, stack: ExitStack) -> dict[str, Callable[[], object]]:
    # Imported here: this module is loaded to be asked for its name, too.
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign import fields, signers

    from bidclient.ask import Nobody
    from bidclient.crypto.pdf_container import one_by_one
    from bidclient.crypto.pdf_places import Place
    from bidclient.crypto.private_key import SignatureScheme
    from bidclient.desk.pdf_seals import Sealer
    from bidclient.desk.seal_order import SealOrder
    from bidclient.keys.token import TokenSource
    from bidclient.sandbox.seal_image import write_seal_image
    from bidclient.sandbox.token import CONFIGURATION, TokenEntry, make_token
    from bidclient.stages.tender import SealPosition
    from tests.support.pdf_seals import put_on, seal
    from tests.support.pki import NOW, Authority

    source = ROOT / "resources/samples/construction/bid/priced-bill.pdf"
    (folder / "originals").mkdir()
    for number in range(count):
        shutil.copy(source, folder / "originals" / f"{number}.pdf")
    owner = Authority.root().issue()
    write_seal_image("甘肃示例建设工程集团有限公司", "91110108MA0000001D", "company", folder / "seal.png")
    environment = {
        CONFIGURATION: make_token(
            folder, "bench", b"12345678", [TokenEntry(owner.key, owner.certificate)], ()
        )
    }
    tokens = TokenSource(environment=environment)
    stack.callback(tokens.close)
    (info,) = tokens.keys()
    key = stack.enter_context(tokens.unlock(info, Nobody(b"12345678")))
    sealer = Sealer(key, None, SealOrder(picture=folder / "seal.png"), lambda: NOW)
    places = (SealPosition("company", 1, 130, 225),)

    def files() -> list[Path]:
        return sorted((folder / "files").iterdir())

    def pyhanko_alone() -> None:
        (folder / "key.pem").write_bytes(owner.pem)
        (folder / "cert.pem").write_bytes(owner.certificate.pem)
        signer = signers.SimpleSigner.load(str(folder / "key.pem"), str(folder / "cert.pem"))
        assert signer is not None
        for file in files():
            with file.open("r+b") as opened:
                writer = IncrementalPdfFileWriter(opened)
                spec = fields.SigFieldSpec("Seal", box=(300, 100, 420, 220))
                meta = signers.PdfSignatureMetadata(
                    field_name="Seal", md_algorithm="sha256", subfilter=fields.SigSeedSubFilter.PADES
                )
                signers.PdfSigner(meta, signer, new_field_spec=spec).sign_pdf(writer, in_place=True)

    messages = [hashlib.sha256(str(number).encode()).digest() * 8 for number in range(count)]
    return {
        OURS: lambda: [put_on(file, [seal("company", Place(0, 130, 225))], key) for file in files()],
        CHECKED: lambda: [one_by_one(sealer.steps(file, places, str), sealer.sign) for file in files()],
        BARE: lambda: [key.sign([one], SignatureScheme.RSA_PKCS1_SHA256) for one in messages],
        PEER: pyhanko_alone,
    }


def _measured(work: Callable[[], object]) -> Run:
    begin, cpu = time.perf_counter(), time.process_time()
    work()
    return Run(time.perf_counter() - begin, time.process_time() - cpu, 0.0)
