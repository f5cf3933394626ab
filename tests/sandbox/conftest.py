"""A sandbox that stands still, a lot in it, and firms that bid for it."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bidclient.sandbox.pki import BidderKeys, issue_bidder
from bidclient.sandbox.world import create_world
from bidclient.stages.tender import Tender, TenderPackage
from tests.support.firms import USCCS, Bid, Firm, make_bid, small_tender
from tests.support.sandbox import LocalSandbox, local_sandbox

NOW = datetime(2026, 12, 1, 1, 0, tzinfo=UTC)
DEADLINE = NOW + timedelta(hours=3)
NAMES = ("甲示范建设有限公司", "乙示范建设有限公司", "丙示范建设有限公司", "丁示范建设有限公司")


@dataclass(frozen=True)
class Template:
    """A data folder without lots and the certificates of four firms, made once."""

    data: Path
    keys: tuple[BidderKeys, ...]

    def copy(self, to: Path) -> Path:
        """The folder once more."""
        shutil.copytree(self.data, to)
        return to


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    data = tmp_path_factory.mktemp("template") / "data"
    data.mkdir()
    create_world(data, NOW, samples=()).close()
    firms = zip(NAMES, USCCS, strict=True)
    return Template(data, tuple(issue_bidder(data, name, uscc, "p-256") for name, uscc in firms))


@pytest.fixture
def sandbox(template: Template, tmp_path: Path) -> Iterator[LocalSandbox]:
    with local_sandbox(template.copy(tmp_path / "data"), NOW) as running:
        yield running


@dataclass
class Market:
    """One lot and its bidders."""

    sandbox: LocalSandbox
    package: TenderPackage
    firms: tuple[Firm, ...]
    folder: Path
    made: int = 0

    @property
    def tender(self) -> Tender:
        """The tender in force when the market was made."""
        return self.package.tender

    @property
    def lot(self) -> str:
        """The lot's id."""
        return self.tender.lot.id

    @property
    def opening(self) -> str:
        """The opening's id."""
        return self.sandbox.world.lot(self.lot).opening

    def bid(self, firm: Firm, price_fen: int = 980_000_00, size: int = 9000) -> Bid:
        """A fresh bid of a firm."""
        self.made += 1
        folder = self.folder / f"bid-{self.made}"
        return make_bid(folder, self.tender, firm.keys, self.sandbox.world.now(), price_fen, size)

    def submitted(self, count: int) -> list[tuple[Firm, Bid, dict[str, Any]]]:
        """The first firms have submitted: firm, bid and ReceiptReply of each."""
        made = []
        for number, firm in enumerate(self.firms[:count]):
            bid = self.bid(firm, 980_000_00 + number)
            made.append((firm, bid, firm.submit(self.lot, bid)))
        return made


NewMarket = Callable[..., Market]


@pytest.fixture
def new_market(sandbox: LocalSandbox, template: Template, tmp_path: Path) -> NewMarket:
    def make(count: int = 1, **changes: object) -> Market:
        package = sandbox.world.announce(small_tender(sandbox.world, DEADLINE, **changes), {})
        firms = tuple(Firm(sandbox.url, keys, NOW).log_in() for keys in template.keys[:count])
        return Market(sandbox, package, firms, tmp_path / "bids")

    return make


@pytest.fixture
def market(new_market: NewMarket) -> Market:
    return new_market(1)
