"""A key of this account on this computer: what is kept under it can be compared here and read nowhere."""

import secrets
from pathlib import Path

from bidclient.errors import DiskProblem
from bidclient.formats import atomic
from bidclient.store.lock import locked

_NAME = "local.key"
_BYTES = 32


def local_key(folder: Path) -> bytes:
    """The 32 random bytes in `folder`/local.key, which only its owner may read; made when there are none.

    Raises DiskProblem, also for a key of another length: a new one would make all that was kept strange.
    """
    path = folder / _NAME
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            with locked(folder, wait=True):
                if not path.exists():
                    atomic.write(path, secrets.token_bytes(_BYTES))
        key = path.read_bytes()
    except OSError as error:
        raise DiskProblem(str(path), str(error)) from error
    if len(key) != _BYTES:
        raise DiskProblem(str(path), f"{len(key)} bytes, must be {_BYTES}")
    return key
