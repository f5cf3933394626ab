"""A smart card reader without hardware: pcscd with the vpcd driver in a corner of its own, and its cards."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bidclient.crypto.sm import Sm2PrivateKey
from bidclient.keys.info import KeyInfo
from bidclient.keys.modules import known_modules
from bidclient.sandbox.token import TokenEntry
from tests.support import piv_card

_DAEMON = Path("/usr/sbin/pcscd")
_DRIVER = Path("/usr/lib/pcsc/drivers/serial/libifdvpcd.so")
_PORT = 0x8C7B
_START_SECONDS = 20.0
_SEEN_SECONDS = 20.0
_NEEDED = "needed: installers/linux/packages.sh cards"


@dataclass(frozen=True)
class CardFolder:
    """The chip of a PIV card: what piv_card.py reads and writes, plugged in or not."""

    path: Path

    @property
    def pins_received(self) -> int:
        """How many PINs were sent to the card, right and wrong ones."""
        log = self.path / "verified"
        return len(log.read_text("ascii").splitlines()) if log.exists() else 0

    def leave_at(self, instruction: piv_card.Instruction | None) -> None:
        """Be pulled out in the middle of the next such command; None stays in."""
        (self.path / "leaves-at").unlink(missing_ok=True)
        if instruction is not None:
            (self.path / "leaves-at").write_text(str(int(instruction)), "ascii")


@dataclass
class CardReader:
    """An empty reader; `environment` makes a key host find it, and no reader of this computer.

    `inside` begins every command that is to run where the reader has its port.
    """

    inside: list[str]
    environment: dict[str, str]
    _plugged: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    def insert(self, card: CardFolder) -> None:
        """Plug a card in. Drivers see it within a second."""
        assert self._plugged is None, "one card at a time"
        command = [*self.inside, sys.executable, piv_card.__file__, str(_PORT), str(card.path)]
        self._plugged = subprocess.Popen(command)

    def remove(self) -> None:
        """Pull the card out, if one is in: at once, in the middle of whatever it is doing."""
        if self._plugged is not None:
            self._plugged.kill()
            self._plugged.wait()
            self._plugged = None


def opensc() -> Path:
    """The library of OpenSC; without it the test is skipped."""
    for module in known_modules():
        if module.name == "OpenSC" and module.installed is not None:
            return module.installed
    pytest.skip("OpenSC is not installed")


def make_card(folder: Path, pin: bytes, slots: Mapping[str, TokenEntry]) -> CardFolder:
    """A new card with keys and certificates, by slot: "9c" signs, "9d" decrypts."""
    folder.mkdir(parents=True)
    for slot, entry in slots.items():
        assert not isinstance(entry.private_key, Sm2PrivateKey), "PIV has no SM2"
        pkcs8 = entry.private_key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        (folder / f"{slot}.key").write_bytes(pkcs8)
        (folder / f"{slot}.der").write_bytes(entry.certificate.der)
    (folder / "pin").write_bytes(pin)
    (folder / "tries").write_text(str(piv_card.TRIES), "ascii")
    (folder / "serial").write_bytes(sha256(str(folder).encode()).digest()[:16])
    return CardFolder(folder)


def seen(listing: Callable[[], list[KeyInfo]], count: int) -> list[KeyInfo]:
    """The keys, those that sign first, as soon as there are `count`: drivers look a few times a second."""
    end = time.monotonic() + _SEEN_SECONDS
    while len(keys := listing()) != count:
        assert time.monotonic() < end, f"{len(keys)} keys in the end, not {count}"
        time.sleep(0.05)
    return sorted(keys, key=lambda key: key.can_decrypt)


@contextmanager
def card_reader(folder: Path) -> Iterator[CardReader]:
    """A running pcscd with one reader; where it cannot run, the test is skipped with the reason.

    It has its own view of /run, so that it meets no other pcscd and no other test meets it, a network of its
    own, because its driver would listen to all others, and a driver folder without drivers, so that it leaves
    USB readers alone.
    """
    if not (_DAEMON.exists() and _DRIVER.exists()):
        pytest.skip(f"pcscd and its driver vpcd are not installed; {_NEEDED}")
    run, settings, drivers = (folder / name for name in ("run", "reader.conf.d", "drivers"))
    for made in (run, settings, drivers):
        made.mkdir()
    line = f"DEVICENAME /dev/null:{_PORT:#x}\nLIBPATH {_DRIVER}\nCHANNELID {_PORT:#x}\n"
    (settings / "vpcd").write_text(f'FRIENDLYNAME "Virtual reader"\n{line}', "ascii")
    is_root = os.geteuid() == 0
    as_root = [] if is_root else ["--map-root-user"]
    # It ends with us, however we end.
    bound = 'ip link set lo up && mount --no-mtab --bind "$0" /run && exec setpriv --pdeathsig TERM -- "$@"'
    inside = ["sh", "-c", bound, str(run), str(_DAEMON), "--foreground", "--config", str(settings)]
    with (folder / "pcscd.log").open("wb") as log:
        process = subprocess.Popen(
            ["unshare", *as_root, "--mount", "--net", "--", *inside],
            stdout=log,
            stderr=log,
            env={**os.environ, "PCSCLITE_HP_DROPDIR": str(drivers)},
        )
    address = run / "pcscd" / "pcscd.comm"
    enter = ["nsenter", f"--target={process.pid}", "--net"]
    enter += [] if is_root else ["--user", "--preserve-credentials"]
    reader = CardReader([*enter, "--"], {"PCSCLITE_CSOCK_NAME": str(address)})
    try:
        _wait_for(address, process, folder / "pcscd.log")
        yield reader
    finally:
        reader.remove()
        process.terminate()
        process.wait(_START_SECONDS)


def _wait_for(address: Path, process: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + _START_SECONDS
    while not address.exists():
        if process.poll() is not None:
            said = log.read_text("utf-8", "replace").strip()
            pytest.skip(f"pcscd cannot run with a /run of its own here: {said}")
        assert time.monotonic() < end, "pcscd did not start in time"
        time.sleep(0.02)
