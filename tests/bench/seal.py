"""Sealing and unsealing 1 GiB against age, openssl, 7z, cp and a shell that does the same work.

BENCH_MIB and BENCH_ROUNDS change the size and the number of rounds.
"""

import shlex
import subprocess
from pathlib import Path

from tests.bench.measure import Bench, Target, Work, alternate, asked, program, work_folder

SEAL, SEAL_UNSYNCED = "seal", "seal without fsync"
UNSEAL, UNSEAL_UNSYNCED = "unseal", "unseal without fsync"
AGE, AGE_SYNCED, AGE_TAR, AGE_OPEN, AGE_OPEN_SYNCED = (
    "age -e",
    "age -e, then sync",
    "tar | age -e",
    "age -d",
    "age -d, then sync",
)
CMS, SEVEN, COPY, SAME = "openssl cms -encrypt (GCM)", "7z -mx0 -p", "cp -r", "shell doing the same work"

TARGETS = (
    Target(SEAL, AGE, 0.95),
    Target(SEAL_UNSYNCED, AGE, 0.95),
    Target(SEAL, AGE_SYNCED, 0.95),
    Target(SEAL, SAME, 0.5),
    Target(SEAL, CMS, 0.6),
    Target(SEAL, AGE_TAR, 0.6),
    Target(SEAL, SEVEN, 0.6),
    Target(UNSEAL, AGE_OPEN, 0.28),
    Target(UNSEAL_UNSYNCED, AGE_OPEN, 0.28),
    Target(UNSEAL, AGE_OPEN_SYNCED, 0.28),
)
MEMORY = dict.fromkeys((SEAL, UNSEAL), 48.0)
NOTES = (
    "seal: strict reading of the signed bid, SHA-256 of every document against the manifest, AES-256-GCM,",
    "  SHA-256 of every chunk and of the whole sealed file, fsync. The peers do not fsync and hash nothing.",
    "shell doing the same work: openssl dgst of each document, tar | age -e, openssl dgst of the result.",
)


def run() -> Bench:
    """Prepare the files in a temporary folder and measure."""
    mebibytes, rounds = asked(1024, 5)
    with work_folder() as folder:
        subprocess.run(_ours("prepare", str(mebibytes)), cwd=folder, check=True)
        recipient = _age_key(folder)
        runs = alternate(_works(recipient), folder, rounds)
    return Bench(f"seal: {mebibytes} MiB in 40 documents, {rounds} rounds", runs, TARGETS, NOTES, MEMORY)


def _ours(*arguments: str) -> list[str]:
    return program("seal_work", *arguments)


def _works(recipient: str) -> dict[str, Work]:
    encrypt = f"age -e -r {shlex.quote(recipient)}"
    decrypt = "age -d -i key.txt -o age.asice reference.age"
    parts = "tar -C parts -cf - ."
    cms = (
        "openssl cms -encrypt -binary -stream -aes-256-gcm -outform DER -in bid.asice -out bid.cms bidder.pem"
    )
    same = f"find parts -type f -print0 | xargs -0 openssl dgst -sha256 && {parts} | {encrypt} -o same.age"
    bid, sealed, age = "bid.asice", "reference.sealed", "reference.age"
    return {
        SEAL: Work(_ours("seal"), bid, "bid.sealed"),
        AGE: Work(_shell(f"{encrypt} -o bid.age bid.asice"), bid, "bid.age", "age"),
        SEAL_UNSYNCED: Work(_ours("seal", "unsynced"), bid, "bid.sealed"),
        AGE_SYNCED: Work(_shell(f"{encrypt} -o bid.age bid.asice && sync bid.age"), bid, "bid.age", "age"),
        AGE_TAR: Work(_shell(f"{parts} | {encrypt} -o tar.age"), "parts", "tar.age", "age"),
        CMS: Work(_shell(cms), bid, "bid.cms", "openssl"),
        SEVEN: Work(_shell("7z a -mx0 -pSecret42 bid.7z parts"), "parts", "bid.7z", "7z"),
        COPY: Work(["cp", "-r", "parts", "copy"], "parts", "copy"),
        SAME: Work(_shell(f"{same} && openssl dgst -sha256 same.age"), "parts", "same.age", "age"),
        UNSEAL: Work(_ours("unseal"), sealed, "again.asice"),
        AGE_OPEN: Work(_shell(decrypt), age, "age.asice", "age"),
        UNSEAL_UNSYNCED: Work(_ours("unseal", "unsynced"), sealed, "again.asice"),
        AGE_OPEN_SYNCED: Work(_shell(f"{decrypt} && sync age.asice"), age, "age.asice", "age"),
    }


def _shell(script: str) -> list[str]:
    return ["sh", "-c", script]


def _age_key(folder: Path) -> str:
    """A fresh age key in key.txt, and reference.age made with it; "" where there is no age."""
    try:
        made = subprocess.run(["age-keygen", "-o", "key.txt"], cwd=folder, capture_output=True, check=True)
    except FileNotFoundError:
        return ""
    recipient = made.stderr.decode().split()[-1]
    command = ["age", "-e", "-r", recipient, "-o", "reference.age", "bid.asice"]
    subprocess.run(command, cwd=folder, check=True)
    return recipient
