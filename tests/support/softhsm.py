"""SoftHSM tokens for tests: double certificates for each kind of key, and somebody to type the PIN."""

import os
import subprocess
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12
from cryptography.x509 import load_der_x509_certificate

from bidclient.ask import Ask, Nobody, PinState
from bidclient.crypto.private_key import PrivateKey
from bidclient.keys.child import Deadlines
from bidclient.keys.info import KeyInfo, KeySource
from bidclient.keys.token import TokenSource
from bidclient.sandbox.token import CONFIGURATION, TokenEntry, make_token, softhsm_module
from tests.support.pki import NAME, Authority, InMemoryKey

PIN = b"482913-Tk"
KINDS = ("rsa-2048", "rsa-3072", "p-256")

Judge = Callable[..., subprocess.CompletedProcess[bytes]]
MakeSource = Callable[..., TokenSource]


class Typist(Nobody):
    """Types the given PINs one after the other, and remembers what was shown."""

    def __init__(self, *pins: bytes) -> None:
        super().__init__()
        self.pins = list(pins)
        self.shown: list[tuple[str, PinState]] = []

    def pin(self, label: str, state: PinState) -> bytes:
        """The next PIN."""
        self.shown.append((label, state))
        return self.pins.pop(0)


def double_certificate(
    authority: Authority, kind: str, name: str = NAME, number: int = 0
) -> list[InMemoryKey]:
    """A signing and an encryption key of one kind for one company."""
    return [
        authority.issue("signing", kind, number=number, name=name),
        authority.issue("encryption", kind, number=number + 1, name=name),
    ]


def company_token(
    folder: Path,
    label: str,
    keys: Sequence[InMemoryKey],
    authority: Authority | None = None,
    always_authenticate: bool = False,
) -> dict[str, str]:
    """A token with `keys`; the environment that a key host needs to see all tokens of `folder`."""
    entries = [TokenEntry(key.key, key.certificate, always_authenticate) for key in keys]
    issuers = [authority.certificate] if authority is not None else []
    return {CONFIGURATION: make_token(folder, label, PIN, entries, issuers)}


def softhsm_source(
    environment: dict[str, str], deadlines: Deadlines | None = None, module: Path | None = None
) -> TokenSource:
    """A source that sees nothing but these SoftHSM tokens, whatever is installed here."""
    library = module or softhsm_module()
    return TokenSource((library,), environment=environment, known=(), deadlines=deadlines)


def key_for(keys: Sequence[KeyInfo], owner: InMemoryKey) -> KeyInfo:
    """The entry of a listing that shows the certificate of `owner`."""
    (found,) = [key for key in keys if key.certificate.der == owner.certificate.der]
    return found


@dataclass(frozen=True)
class Place:
    """A source with what the tests know of its keys: pairs of a signing and an encryption key."""

    name: str
    source: KeySource
    signing: InMemoryKey
    encryption: InMemoryKey

    def info(self, owner: InMemoryKey) -> KeyInfo:
        """The entry of `owner` in the listing."""
        return key_for(self.source.keys(), owner)

    def unlock(self, owner: InMemoryKey, ask: Ask) -> AbstractContextManager[PrivateKey]:
        """The key of `owner`."""
        return self.source.unlock(self.info(owner), ask)


def write_pfx(path: Path, key: InMemoryKey, password: bytes = PIN) -> Path:
    """A PFX with the key, its certificate and chain; beside it the same certificates as PEM."""
    chain = [load_der_x509_certificate(one.der) for one in key.chain]
    certificate = load_der_x509_certificate(key.certificate.der)
    data = pkcs12.serialize_key_and_certificates(
        "企业证书".encode(), key.key, certificate, chain, BestAvailableEncryption(password)
    )
    path.write_bytes(data)
    path.with_suffix(".pem").write_bytes(key.certificate.pem + b"".join(one.pem for one in key.chain))
    return path


def host_pids(environment: dict[str, str]) -> list[int]:
    """The key hosts of this process that were given `environment`, found as any other user of /proc would."""
    wanted = {f"{name}={value}".encode() for name, value in environment.items()}
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdecimal() and _parent(process) == os.getpid():
            given = set((process / "environ").read_bytes().split(b"\0"))
            if wanted <= given and b"bidclient.keys.host" in (process / "cmdline").read_bytes():
                found.append(int(process.name))
    return found


def _parent(process: Path) -> int:
    try:
        return int((process / "stat").read_text("utf-8").rpartition(")")[2].split()[1])
    except OSError:
        return 0
