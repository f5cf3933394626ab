"""Every kind of key in every place that keys live in, from tender to opened, before the same judges."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from bidclient.formats.bseal import read_frame
from bidclient.sandbox.pki import KeyType
from bidclient.stages.signed import read_signed
from bidclient.stages.stub import read_stub
from tests.support.bouncycastle import BouncyCastle
from tests.support.companies import (
    JUDGED_CERTIFICATE,
    JUDGED_KEY,
    Cell,
    Libraries,
    Travelled,
    Where,
    travel,
)
from tests.support.desks import settings_for, soft_desk
from tests.support.journey import strays
from tests.support.judges import (
    EVERY_BID,
    Judge,
    Kept,
    Tamper,
    dearer,
    flipped,
    is_gm,
    readout_row,
    spoiled_wrap,
)
from tests.support.sandbox import Sandbox

KINDS: tuple[KeyType, ...] = ("rsa-2048", "rsa-3072", "p-256", "sm2")
STATEMENTS = ("finalize-001.p7s", "sign-in.p7s", "release.p7s", "confirm.p7s")
JOINT = "services"
"""The lot under joint control: the tenderer holds half of each secret."""


def plain(where: Where, kinds: tuple[KeyType, ...] = KINDS) -> tuple[Cell, ...]:
    """One company for each kind of key."""
    return tuple(Cell(where, kind, kind) for kind in kinds)


LOTS: dict[str, tuple[Cell, ...]] = {
    "construction": (*plain("pkcs11"), *plain("skf", ("sm2",))),
    "goods": (
        *plain("file"),
        Cell("file", "sm2", "rsa-2048"),
        Cell("file", "rsa-2048", "sm2"),
        Cell("file", "sm2", "sm2", "rsa-2048"),
        Cell("file", "p-256", "p-256", "sm2"),
    ),
    JOINT: plain("phone"),
}
"""Every lot takes both suites, so that in each of them both are read out beside each other."""
CELLS = [pytest.param(sample, cell, id=str(cell)) for sample, cells in LOTS.items() for cell in cells]


class Season:
    """The lots of this file, each bid for when the first test asks for it."""

    def __init__(self, folder: Path, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self._folder = folder
        self._libraries = Libraries(folder)
        self._lots: dict[str, dict[Cell, Travelled]] = {}

    def lot(self, sample: str) -> dict[Cell, Travelled]:
        """What the companies have after its opening."""
        if sample not in self._lots:
            cells, folder = LOTS[sample], self._folder / sample
            # A lot that fails fails for all its cells, but is not walked again for each of them.
            self._lots[sample] = {}
            self._lots[sample] = travel(folder, self.sandbox, sample, cells, self._libraries)
        return self._lots[sample]

    def of(self, sample: str, cell: Cell) -> Travelled:
        """What one of them has."""
        travelled = self.lot(sample).get(cell)
        assert travelled is not None, f"the lot {sample} did not come to its end"
        return travelled


@pytest.fixture(scope="module")
def season(tmp_path_factory: pytest.TempPathFactory, network: Sandbox) -> Season:
    return Season(tmp_path_factory.mktemp("season"), network)


@pytest.fixture(scope="module")
def bouncycastle() -> Iterator[BouncyCastle]:
    with BouncyCastle() as judge:
        yield judge


def wrapped_secret(kept: Kept) -> bool:
    """The wrap to the key that opened it: the second where the first lock was lost."""
    wraps = read_frame(kept.folder / "bid" / "bid.sealed").header.wraps
    number = next((at for at, wrap in enumerate(wraps) if wrap.role == "second-lock"), 0)
    return kept.opens_wrap(number, kept.folder / JUDGED_CERTIFICATE, kept.folder / JUDGED_KEY)


def sealed_bid(kept: Kept) -> bool:
    return kept.opens_sealed(kept.folder / JUDGED_CERTIFICATE, kept.folder / JUDGED_KEY)


def statement_signatures(kept: Kept) -> bool:
    return all(kept.signature_holds(kept.folder / "evidence" / name) for name in STATEMENTS)


JUDGES: list[tuple[Judge, Tamper]] = [
    *EVERY_BID,
    (statement_signatures, flipped("evidence/release.p7s", b'"wrapped_key":"', 3)),
    (readout_row, dearer),
    (wrapped_secret, spoiled_wrap(0)),
    (sealed_bid, flipped("bid/bid.sealed")),
]


@pytest.mark.parametrize(("sample", "cell"), CELLS)
def test_a_bid_travels_from_tender_to_opened(season: Season, sample: str, cell: Cell) -> None:
    one = season.of(sample, cell)
    assert one.stages == ["draft", "package", "signed", "sealed", "submitted", "opened"]
    assert one.method == ("key" if cell.second_lock is None else "second-lock")
    frame = read_frame(one.bidder.bid / "bid.sealed")
    assert (frame.header.policy, frame.header.algorithms.name) == (
        "all" if sample == JOINT else "any",
        cell.suite,
    )
    assert read_stub((one.bidder.bid / "bid.stub").read_bytes()).stub.suite == cell.suite
    (signature,) = read_signed(one.bidder.bid / "bid.asice").signatures
    assert signature.signer.key_algorithm == cell.signing
    assert one.confirmed is not None
    assert one.confirmed.own_row.price_fen == one.bidder.offer.total_fen
    with soft_desk(settings_for(season.sandbox)) as desk:
        assert desk.evidence.verify(one.folder / "evidence", season.sandbox.trust).holds
        report = desk.verifying.verify(one.bidder.bid)
        assert report.holds, report
    assert strays(one.folder) == []


@pytest.mark.parametrize(("sample", "cell"), CELLS)
def test_stock_tools_are_content(
    season: Season, bouncycastle: BouncyCastle, tmp_path: Path, sample: str, cell: Cell
) -> None:
    one = season.of(sample, cell)
    assert is_gm((one.bidder.bid / "bid.stub").read_bytes()) == (cell.signing == "sm2")
    assert not is_gm((one.bidder.bid / "receipt.p7s").read_bytes())
    refused = []
    for judge, _ in JUDGES:
        if judge is sealed_bid and sample == JOINT:
            # Our key holds one share of two: nobody outside the opening opens the whole.
            continue
        work = tmp_path / judge.__name__
        work.mkdir()
        if not judge(Kept(one.folder, season.sandbox.trust, work, bouncycastle)):
            refused.append(judge.__name__)
    assert refused == []


@pytest.mark.parametrize("sample", LOTS)
def test_both_suites_are_read_out_in_one_lot(season: Season, sample: str) -> None:
    lot = season.lot(sample).values()
    assert {one.cell.suite for one in lot} == {"intl-1", "gm-1"}
    tables = {one.confirmed.table_sha256 for one in lot if one.confirmed is not None}
    assert len(tables) == 1
    for one in lot:
        assert one.confirmed is not None
        rows = {row.bidder: row for row in one.confirmed.readout.rows}
        assert len(rows) == len(LOTS[sample])
        assert {row.state for row in rows.values()} == {"opened"}
        offers = {other.bidder.offer.bidder.uscc: other.bidder.offer.total_fen for other in lot}
        assert {uscc: row.price_fen for uscc, row in rows.items()} == offers


@pytest.mark.parametrize(("judge", "tamper"), JUDGES, ids=[judge.__name__ for judge, _ in JUDGES])
def test_each_judge_says_no_after_tampering(
    season: Season,
    bouncycastle: BouncyCastle,
    tmp_path: Path,
    judge: Judge,
    tamper: Tamper,
) -> None:
    # What openssl says of other keys after tampering is in test_stock_tools.
    one = season.of("goods", Cell("file", "sm2", "sm2"))
    kept = Kept(tmp_path / "kept", season.sandbox.trust, tmp_path / "work", bouncycastle)
    shutil.copytree(one.folder, kept.folder)
    kept.work.mkdir()
    assert judge(kept)
    shutil.rmtree(kept.work)
    kept.work.mkdir()
    tamper(kept.folder)
    assert not judge(kept)
