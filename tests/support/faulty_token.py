"""SoftHSM tokens behind a library with the faults of real ones: tests/modules/faulty_module.c."""

from dataclasses import dataclass
from pathlib import Path

from bidclient.sandbox.token import softhsm_module
from tests.support.modules import compiled

FAULTY = "FAULTY"
TRIES = 3


def faulty_library(folder: Path) -> Path:
    """The library, compiled."""
    real = f'-DREAL_MODULE="{softhsm_module()}"'
    return compiled(folder / "libfaulty.so", "faulty_module.c", options=(real, "-ldl"))


@dataclass(frozen=True)
class Faults:
    """What is wrong with the library: one fault at a time, in the folder that the environment names."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """What a key host needs to meet the faults."""
        return {FAULTY: str(self.folder)}

    def begin(self, fault: str) -> None:
        """From now on, in running hosts too; a number may follow behind a space."""
        (self.folder / "fault").write_text(fault, "ascii")

    def end(self) -> None:
        """No fault any more, and the token is plugged in."""
        for name in ("fault", "unplugged", "swapped"):
            (self.folder / name).unlink(missing_ok=True)

    def unplug(self) -> None:
        """Take the token away."""
        (self.folder / "unplugged").touch()

    def swap(self) -> None:
        """Put the other token in (fault "same-serial")."""
        (self.folder / "swapped").touch()

    def press(self, pin: bytes) -> None:
        """What somebody enters on the PIN pad (fault "pin-pad")."""
        (self.folder / "pressed").write_bytes(pin)

    @property
    def logins(self) -> str:
        """A letter for each PIN that the token was given: u for a login, c for one operation."""
        path = self.folder / "logins"
        return path.read_text("ascii") if path.exists() else ""
