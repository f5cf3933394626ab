"""The keys of the demonstration's bidder: a SoftHSM token, else PFX files; and a second lock."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bidclient.formats import atomic
from bidclient.sandbox.pki import issue_bidder
from bidclient.sandbox.token import CONFIGURATION, TokenEntry, make_token, softhsm_available
from bidclient.stages.draft import Bidder

_LABEL = "投标锁"


@dataclass(frozen=True)
class DemoKeys:
    """Where the bidder's keys are. `environment` lets the key hosts see the token; `pin` opens everything."""

    kind: str
    """"softhsm" or "pfx"."""
    signing: str
    """Fingerprint of the signing certificate, hex."""
    second_lock: str
    """Fingerprint of the second lock's encryption certificate, hex."""
    pin: bytes
    pfx_files: tuple[str, ...]
    environment: Mapping[str, str]


def make_demo_keys(data: Path, folder: Path, bidder: Bidder, *, soft: bool = False) -> DemoKeys:
    """Have the sandbox's authority issue a double certificate, and one more for the second lock.

    `data` is the sandbox's folder, `folder` takes tokens and PFX files; `soft` asks for files only. Raises
    DriverFailed, DiskProblem.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    pin = "".join(secrets.choice("0123456789") for _ in range(8)).encode()
    first = issue_bidder(data, bidder.name, bidder.uscc)
    second = issue_bidder(data, bidder.name, bidder.uscc)
    # The second lock is a file: one demonstration, both kinds of keys.
    _, second_file = second.write(folder, "second-lock", pin)
    pfx_files, environment = [str(second_file)], {}
    if softhsm_available() and not soft:
        kind = "softhsm"
        entries = [
            TokenEntry(first.signing_key, first.signing_cert),
            TokenEntry(first.encryption_key, first.encryption_cert),
        ]
        environment[CONFIGURATION] = make_token(folder, _LABEL, pin, entries, first.chain)
    else:
        kind = "pfx"
        pfx_files += [str(path) for path in first.write(folder, "bidder", pin)]
    atomic.write(folder / "pin.txt", pin + b"\n")
    return DemoKeys(
        kind=kind,
        signing=first.signing_cert.sha256,
        second_lock=second.encryption_cert.sha256,
        pin=pin,
        pfx_files=tuple(pfx_files),
        environment=environment,
    )
