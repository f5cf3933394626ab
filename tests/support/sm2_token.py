"""SM2 tokens for tests: a folder of PEM files behind the library of tests/modules/sm2_module.c."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bidclient.keys.child import Deadlines
from bidclient.keys.token import TokenSource
from tests.support.modules import compiled
from tests.support.pki import InMemoryKey
from tests.support.sm2_pki import Sm2Authority, Sm2InMemoryKey
from tests.support.sm2_use import PIN

MakeSm2Source = Callable[..., TokenSource]
_FILES = ("sm2_module.c", "sm2_sessions.c", "sm2_folder.c", "sm2_families.c", "sm2_crypto.c")


def sm2_library(folder: Path) -> Path:
    """The library, compiled."""
    return compiled(folder / "libsm2token.so", *_FILES, options=("-lcrypto",))


@dataclass(frozen=True)
class Sm2Token:
    """One token: plugged in while its folder has this name."""

    folder: Path
    signing: Sm2InMemoryKey
    encryption: Sm2InMemoryKey

    @property
    def environment(self) -> dict[str, str]:
        """What a key host needs to see the token."""
        return {"SM2_TOKEN": str(self.folder)}

    @property
    def wrong_pins(self) -> int:
        """How many wrong PINs in a row the token has counted."""
        path = self.folder / "wrong"
        return int(path.read_text("utf-8")) if path.exists() else 0

    def add(self, name: str, key: Sm2InMemoryKey | InMemoryKey) -> None:
        """Put a further key on the token, with its certificate."""
        (self.folder / f"{name}.crt").write_bytes(key.certificate.pem)
        (self.folder / f"{name}.key").write_bytes(key.pem)

    def unplug(self) -> None:
        """Take the token away."""
        self.folder.rename(self._elsewhere)

    def plug_in(self) -> None:
        """Bring it back."""
        self._elsewhere.rename(self.folder)

    @property
    def _elsewhere(self) -> Path:
        return self.folder.with_name(self.folder.name + "-unplugged")


def sm2_token(
    folder: Path, signing: Sm2InMemoryKey, encryption: Sm2InMemoryKey, authority: Sm2Authority | None = None
) -> Sm2Token:
    """A new token with a double certificate, and that of its authority."""
    folder.mkdir(parents=True)
    token = Sm2Token(folder, signing, encryption)
    token.add("signing", signing)
    token.add("encryption", encryption)
    if authority is not None:
        (folder / "authority.crt").write_bytes(authority.certificate.pem)
    for name, text in (("pin", PIN.decode()), ("label", "国密锁"), ("serial", "GM-0001")):
        (folder / name).write_text(text, "utf-8")
    return token


def sm2_source(
    library: Path,
    environment: Mapping[str, str],
    memory: Path | None = None,
    deadlines: Deadlines | None = None,
) -> TokenSource:
    """A source that sees nothing but this library."""
    return TokenSource((library,), environment=environment, known=(), memory=memory, deadlines=deadlines)
