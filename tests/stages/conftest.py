"""One small signed bid for the tests of sealing, and what it is sealed with."""

import shutil
from pathlib import Path

import pytest

from bidclient.formats.wraps import Recipient
from bidclient.stages.sealed import Sealed
from bidclient.stages.sealing import seal
from bidclient.stages.signed import SignedBid
from bidclient.stages.tender import Tender
from tests.support.pki import Authority
from tests.support.sealing import CHUNK, CODE, Keys, make_bid, make_keys, make_tender


@pytest.fixture(scope="session")
def root() -> Authority:
    return Authority.root()


@pytest.fixture(scope="session")
def keys(root: Authority) -> Keys:
    return make_keys(root)


@pytest.fixture(scope="session")
def tender(keys: Keys) -> Tender:
    return make_tender(keys, 3)


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory, tender: Tender, keys: Keys) -> SignedBid:
    return make_bid(tmp_path_factory.mktemp("bid"), tender, keys, [9000, 30000, 1])


@pytest.fixture
def signed(tmp_path: Path, original: SignedBid) -> SignedBid:
    """The bid in a folder of its own, where a test may spoil it."""
    path = tmp_path / "bid.asice"
    shutil.copyfile(original.path, path)
    return SignedBid(path, *[getattr(original, name) for name in list(original.__dataclass_fields__)[1:]])


@pytest.fixture
def sealed(signed: SignedBid, tender: Tender, keys: Keys) -> Sealed:
    recipients = (*keys.bidder, Recipient("second-lock", keys.second.certificate))
    out = signed.path.parent / "bid.sealed"
    return seal(signed, tender, recipients, out, recovery_code=CODE, chunk=CHUNK)
