"""Sealing 1 GiB in suite gm-1 (SM4-GCM, SM3) against `cryptography` in one thread, openssl and suite intl-1.

BENCH_MIB and BENCH_ROUNDS change the size and the number of rounds.
"""

import subprocess

from tests.bench.measure import Bench, Target, Work, alternate, asked, program, work_folder

CIPHER, DIGESTED, SEAL = "ours: SM4-GCM", "ours: SM4-GCM, SM3 of chunks", "seal in gm-1"
CIPHER_PLAIN, DIGESTED_PLAIN, SEAL_PLAIN = (f"{name} *" for name in (CIPHER, DIGESTED, SEAL))
AES = "seal in intl-1"
PEER, PEER_SM3, PEER_ALL = "peer: SM4-GCM", "peer: SM4-GCM, SM3", "peer: SM4-GCM, digests of a seal"

TARGETS = (
    Target(CIPHER, PEER, 1 / 6),
    Target(CIPHER_PLAIN, PEER, 1 / 1.8),
    Target(DIGESTED, PEER_SM3, 1 / 6),
    Target(DIGESTED_PLAIN, PEER_SM3, 1 / 1.8),
    Target(SEAL, PEER, 1 / 6),
    Target(SEAL_PLAIN, PEER, 1 / 1.8),
    Target(SEAL, PEER_ALL, 1 / 6),
    Target(SEAL_PLAIN, PEER_ALL, 1 / 1.8),
)
MEMORY = dict.fromkeys((SEAL, SEAL_PLAIN), 48.0)
NOTES = (
    "* without libgcrypt, as where it is not installed: `cryptography` does all.",
    "ours: the cipher alone in two threads; the stream of the seal, which takes SM3 of every chunk.",
    "seal: strict reading of the signed bid, SHA-256 of every document, SM4-GCM, SM3 of every chunk, SM3 and",
    "  SHA-256 of the whole sealed file, fsync. Nobody else does fsync.",
    "peer: `cryptography` in one thread: SM4-GCM, with one SM3 of the output, or the four digests of a seal.",
)


def run() -> Bench:
    """Prepare the files in a temporary folder and measure."""
    mebibytes, rounds = asked(1024, 3)
    with work_folder() as folder:
        subprocess.run(program("seal_work", "prepare", str(mebibytes)), cwd=folder, check=True)
        runs = alternate(_works(), folder, rounds)
    notes = (*NOTES, *(_speed(name) for name in ("sm4-ctr", "sm4-gcm", "sm3")))
    return Bench(f"gm: {mebibytes} MiB in 40 documents, {rounds} rounds", runs, TARGETS, notes, MEMORY)


def _works() -> dict[str, Work]:
    wanted = {
        CIPHER: ("gm_work", "encrypted"),
        CIPHER_PLAIN: ("gm_work", "encrypted", "plain"),
        DIGESTED: ("gm_work", "digested"),
        DIGESTED_PLAIN: ("gm_work", "digested", "plain"),
        SEAL: ("gm_work", "seal"),
        SEAL_PLAIN: ("gm_work", "seal", "plain"),
        AES: ("seal_work", "seal"),
        PEER: ("gm_work", "peer"),
        PEER_SM3: ("gm_work", "peer", "sm3"),
        PEER_ALL: ("gm_work", "peer", "all"),
    }
    return {name: Work(program(*words), "bid.asice", "bid.sealed") for name, words in wanted.items()}


def _speed(algorithm: str) -> str:
    """What `openssl speed` says of an algorithm on blocks of 1 MiB, in one thread."""
    command = ["openssl", "speed", "-mr", "-evp", algorithm, "-bytes", "1048576", "-seconds", "2"]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    figures = [line.split(":")[-1] for line in made.stdout.splitlines() if line.startswith("+F:")]
    if made.returncode or not figures:
        return f"openssl speed -evp {algorithm}: not in this openssl"
    return f"openssl speed -evp {algorithm}: {float(figures[0]) / 2**20:.0f} MiB/s"
