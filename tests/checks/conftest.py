from pathlib import Path

import pytest

from bidclient.stages.draft import Draft
from bidclient.stages.tender import Tender, TenderPackage
from tests.support.bids import make_draft, make_pki, make_tender


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> TenderPackage:
    """A tender that the network has signed."""
    return make_tender(tmp_path_factory.mktemp("tender"), make_pki())


@pytest.fixture(scope="session")
def tender(package: TenderPackage) -> Tender:
    """What it asks for."""
    return package.tender


@pytest.fixture
def complete(package: TenderPackage, tmp_path: Path) -> tuple[Draft, Path]:
    """A draft without any finding, and the folder with its parts."""
    return make_draft(tmp_path, package)
