"""SKF devices for tests: folders of PEM files behind the library of tests/modules/skf_mock.c."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bidclient.keys.child import Deadlines
from bidclient.keys.frames import NO_HINT, Hint
from bidclient.keys.info import KeyInfo
from bidclient.keys.modules import Module
from bidclient.keys.token import TokenSource
from tests.support.modules import compiled
from tests.support.pki import InMemoryKey
from tests.support.sm2_pki import Sm2InMemoryKey
from tests.support.sm2_use import PIN, TRIES

Layout = tuple[int, int]
"""The size of ULONG in bytes, and 1 for structures without padding."""
LAYOUTS: tuple[Layout, ...] = ((4, 1), (4, 0), (8, 1), (8, 0))
MakeSkfSource = Callable[..., TokenSource]
_FILES = ("skf_mock.c", "skf_handles.c", "skf_keys.c", "sm2_crypto.c")


def skf_library(folder: Path, layout: Layout = (4, 1)) -> Path:
    """The library, compiled with one of the four layouts."""
    ulong, packed = layout
    name = f"libskf-{ulong}-{packed}.so"
    return compiled(
        folder / name, *_FILES, options=(f"-DULONG_BYTES={ulong}", f"-DPACKED={packed}", "-lcrypto")
    )


@dataclass(frozen=True)
class SkfDevice:
    """One device: plugged in while its folder has this name."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """What a key host needs to see the device, and all others beside it."""
        return {"SKF_DEVICES": str(self.folder.parent), "SKF_HANDLES": str(self._handles)}

    @property
    def open_handles(self) -> int:
        """How many handles the library has open."""
        return int(self._handles.read_text("utf-8"))

    def container(self, name: str, application: str = "ENTERSAFE") -> Path:
        """The folder of a container, made if it is not there; its application has the PIN then."""
        path = self.folder / application / name
        path.mkdir(parents=True, exist_ok=True)
        (path.parent / "pin").write_text(PIN.decode(), "utf-8")
        return path

    def left(self, application: str = "ENTERSAFE") -> int:
        """How many attempts the PIN has left."""
        path = self.folder / application / "left"
        return int(path.read_text("utf-8")) if path.exists() else TRIES

    def unplug(self) -> None:
        """Take the device away."""
        self.folder.rename(self._elsewhere)

    def plug_in(self) -> None:
        """Bring it back: what was open on it is not open any more, as the folder is not the same one."""
        shutil.copytree(self._elsewhere, self.folder)
        shutil.rmtree(self._elsewhere)

    @property
    def _elsewhere(self) -> Path:
        return self.folder.parent.with_name("drawer-" + self.folder.name)

    @property
    def _handles(self) -> Path:
        return self.folder.parent.with_name("handles")


def put(container: Path, half: str, key: Sm2InMemoryKey | InMemoryKey) -> None:
    """Put a key into a half of a container, "sign" or "encrypt", with its certificate."""
    (container / f"{half}.crt").write_bytes(key.certificate.pem)
    (container / f"{half}.key").write_bytes(key.pem)


def skf_device(
    folder: Path, serial: str, signing: Sm2InMemoryKey, encryption: Sm2InMemoryKey, label: str = "国密锁"
) -> SkfDevice:
    """A new device with a double certificate in one container."""
    folder.mkdir(parents=True)
    device = SkfDevice(folder)
    container = device.container("bid-container")
    put(container, "sign", signing)
    put(container, "encrypt", encryption)
    for name, text in (("label", label), ("serial", serial)):
        (folder / name).write_text(text, "utf-8")
    return device


def skf_source(
    library: Path,
    environment: Mapping[str, str],
    hint: Hint = NO_HINT,
    deadlines: Deadlines | None = None,
) -> TokenSource:
    """A source that sees nothing but this library."""
    module = Module("SKF test library", (library,), hint)
    return TokenSource((), environment=environment, known=(module,), deadlines=deadlines)


def listed(source: TokenSource) -> list[KeyInfo]:
    """What the source has."""
    return source.keys()
