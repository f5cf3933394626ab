"""A sealed bid that tests may spoil, and a sandbox with bidders that may lie to it."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from bidclient.formats.bseal import read_frame
from bidclient.formats.wraps import Recipient, unwrap_secret
from bidclient.stages.sealed import Sealed
from bidclient.stages.sealing import seal
from bidclient.stages.signed import SignedBid
from bidclient.stages.stub import make_stub
from bidclient.stages.tender import Tender
from tests.sandbox.conftest import market as market
from tests.sandbox.conftest import new_market as new_market
from tests.sandbox.conftest import sandbox as sandbox
from tests.sandbox.conftest import template as template
from tests.support.pki import NOW, Authority
from tests.support.sealing import Keys, make_bid, make_keys, make_tender

CHUNK = 4096


@dataclass(frozen=True)
class Vault:
    """One sealed bid with all that belongs to it; `path` is a copy that a test may spoil."""

    root: Authority
    keys: Keys
    tender: Tender
    signed: SignedBid
    sealed: Sealed
    stub: bytes
    path: Path

    @property
    def secret(self) -> bytearray:
        """The content secret, as the bidder's own key gives it."""
        return unwrap_secret(read_frame(self.sealed.path), self.keys.encryption)

    def left(self) -> list[str]:
        """What lies beside the spoilt file: no plaintext may be there."""
        return sorted(path.name for path in self.path.parent.iterdir() if path != self.path)


@pytest.fixture(scope="session", params=["intl-1", "gm-1"])
def master(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Vault:
    """A bid sealed in each suite."""
    folder = tmp_path_factory.mktemp("vault")
    root = Authority.root()
    keys = make_keys(root)
    tender = make_tender(keys, 3, suites=(request.param,))
    signed = make_bid(folder, tender, keys, [9000, 9000, 1])
    recipients = (*keys.bidder, Recipient("second-lock", keys.second.certificate))
    sealed = seal(signed, tender, recipients, folder / "bid.sealed", chunk=CHUNK)
    stub = make_stub(sealed, signed, keys.signing, NOW)
    return Vault(root, keys, tender, signed, sealed, stub, sealed.path)


@pytest.fixture
def vault(master: Vault, tmp_path: Path) -> Vault:
    path = tmp_path / "spoilt" / "bid.sealed"
    path.parent.mkdir()
    shutil.copyfile(master.sealed.path, path)
    return Vault(master.root, master.keys, master.tender, master.signed, master.sealed, master.stub, path)
