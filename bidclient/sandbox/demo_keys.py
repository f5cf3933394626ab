"""The keys of the demonstration's bidder: a SoftHSM token, else files; and a second lock."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bidclient.crypto.certificate import Certificate
from bidclient.formats import atomic
from bidclient.sandbox.pki import KeyType, issue_bidder
from bidclient.sandbox.token import CONFIGURATION, TokenEntry, make_token, softhsm_available
from bidclient.stages.draft import Bidder

_LABEL = "投标锁"


@dataclass(frozen=True)
class DemoKeys:
    """Where the bidder's keys are. `environment` lets the key hosts see the token; `pin` opens everything."""

    kind: str
    """"softhsm", "pfx" or, for SM2, "key-file"."""
    certificate: Certificate
    """That of the signing key."""
    second_lock: str
    """Fingerprint of the second lock's encryption certificate, hex."""
    pin: bytes
    pfx_files: tuple[str, ...]
    environment: Mapping[str, str]

    @property
    def signing(self) -> str:
        """Fingerprint of the signing certificate, hex."""
        return self.certificate.sha256


def make_demo_keys(
    data: Path, folder: Path, bidder: Bidder, key_type: KeyType = "rsa-2048", *, soft: bool = False
) -> DemoKeys:
    """Have the sandbox's authority issue a double certificate, and one more for the second lock.

    `data` is the sandbox's folder, `folder` takes tokens and key files; `soft` asks for files only, which SM2
    keys are always in: SoftHSM does not know them. Raises DriverFailed, DiskProblem.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    pin = "".join(secrets.choice("0123456789") for _ in range(8)).encode()
    first = issue_bidder(data, bidder.name, bidder.uscc, key_type)
    second = issue_bidder(data, bidder.name, bidder.uscc, key_type)
    # The second lock is a file: one demonstration, both kinds of keys.
    _, second_file = second.write(folder, "second-lock", pin)
    pfx_files, environment = [str(second_file)], {}
    if key_type != "sm2" and softhsm_available() and not soft:
        kind = "softhsm"
        entries = [
            TokenEntry(first.signing_key, first.signing_cert),
            TokenEntry(first.encryption_key, first.encryption_cert),
        ]
        environment[CONFIGURATION] = make_token(folder, _LABEL, pin, entries, first.chain)
    else:
        kind = "key-file" if key_type == "sm2" else "pfx"
        pfx_files += [str(path) for path in first.write(folder, "bidder", pin)]
    atomic.write(folder / "pin.txt", pin + b"\n")
    return DemoKeys(
        kind=kind,
        certificate=first.signing_cert,
        second_lock=second.encryption_cert.sha256,
        pin=pin,
        pfx_files=tuple(pfx_files),
        environment=environment,
    )
