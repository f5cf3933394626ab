"""USB tokens for those who have none: SoftHSM tokens, filled for the demonstration and for tests."""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bidclient.crypto.certificate import Certificate
from bidclient.crypto.sm import Sm2PrivateKey
from bidclient.errors import DriverFailed, DriverMissing
from bidclient.keys.frames import child_command
from bidclient.keys.modules import known_modules
from bidclient.keys.provision import EntryOrder, TokenOrder
from bidclient.sandbox.certificates import SoftPrivateKey

CONFIGURATION = "SOFTHSM2_CONF"
"""The environment variable by which SoftHSM finds its tokens; a key host needs it too."""
_PRODUCT = "SoftHSM2"
_SECONDS = 60


@dataclass(frozen=True)
class TokenEntry:
    """A private key and its certificate, to be put on a token."""

    private_key: SoftPrivateKey
    certificate: Certificate
    always_authenticate: bool = False


def softhsm_module() -> Path:
    """The library of SoftHSM2. Raises DriverMissing when it is not installed."""
    for module in known_modules():
        if module.name == _PRODUCT and module.installed is not None:
            return module.installed
    raise DriverMissing(_PRODUCT)


def softhsm_available() -> bool:
    """Whether tokens can be made on this computer."""
    return any(module.name == _PRODUCT and module.installed for module in known_modules())


def make_token(
    folder: Path, label: str, pin: bytes, entries: Sequence[TokenEntry], issuers: Sequence[Certificate] = ()
) -> str:
    """Make one more SoftHSM token under `folder`, filled; returns what SOFTHSM2_CONF must be to see it.

    Signing and encryption keys may lie on one token, as on a double certificate's; `issuers` are put beside
    them. RSA and P-256. Raises DriverMissing, DriverFailed.
    """
    configuration = folder / "softhsm2.conf"
    tokens = folder / "tokens"
    tokens.mkdir(parents=True, exist_ok=True)
    # The demonstration's tokens are worth nothing, so a plain write is good enough for their settings.
    configuration.write_text(f"directories.tokendir = {tokens}\nlog.level = ERROR\n", "utf-8")
    order = TokenOrder(
        module=str(softhsm_module()),
        label=label,
        pin=pin,
        entries=tuple(_order(entry) for entry in entries),
        issuers=tuple(issuer.der for issuer in issuers),
    )
    try:
        subprocess.run(
            child_command("provision"),
            input=msgspec.json.encode(order),
            env={**os.environ, CONFIGURATION: str(configuration)},
            capture_output=True,
            check=True,
            timeout=_SECONDS,
        )
    except subprocess.CalledProcessError as error:
        raise DriverFailed("provision", error.stderr.decode("utf-8", "replace")[-300:]) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DriverFailed("provision", str(error)) from error
    return str(configuration)


def _order(entry: TokenEntry) -> EntryOrder:
    if isinstance(entry.private_key, Sm2PrivateKey):
        raise DriverFailed("provision", "SoftHSM does not know SM2")
    pkcs8 = entry.private_key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return EntryOrder(pkcs8, entry.certificate.der, entry.always_authenticate)
