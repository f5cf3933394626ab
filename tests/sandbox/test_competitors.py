"""The companies that bid against the demo: they go the whole way, without favours, and stay blind."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from pypdf import PdfReader

from bidclient.checks.draft import check_draft
from bidclient.errors import DeadlinePassed, OpeningClosed
from bidclient.sandbox.clock import machine_time
from bidclient.sandbox.competitors import MOST, Competitors
from bidclient.sandbox.rivals import RIVALS, prepare
from bidclient.sandbox.rooms import find_opening
from bidclient.sandbox.samples import load_sample, sample_bid, sample_ids
from bidclient.sandbox.world import LotRow
from bidclient.stages.opened import Readout
from tests.support.bids import make_pki, make_tender
from tests.support.pki import NOW
from tests.support.sandbox import LocalSandbox, local_sandbox

TO_DEADLINE = 2 * 3600
TO_WINDOW_END = 41 * 60


@dataclass(frozen=True)
class Lot:
    """A sandbox with one lot of a sample."""

    sandbox: LocalSandbox
    sample: str

    @property
    def row(self) -> LotRow:
        """The lot as the network knows it."""
        return self.sandbox.world.database.rows(LotRow, "SELECT * FROM lots")[0]

    @property
    def id(self) -> str:
        """Its identifier."""
        return self.row.id

    @property
    def state(self) -> str:
        """The state of its opening."""
        return find_opening(self.sandbox.world, self.row.opening).state

    def readout(self) -> Readout:
        """The read-out table."""
        data = find_opening(self.sandbox.world, self.row.opening).readout
        return msgspec.json.decode(data or b"", type=Readout)

    def rivals(self, count: int, absent: int = 0) -> Competitors:
        """Competitors for this lot."""
        return Competitors(self.sandbox.url, self.sandbox.data, [self.id], count, absent=absent)


@pytest.fixture(params=sample_ids())
def lot(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Lot]:
    with local_sandbox(tmp_path / "data", machine_time(), samples=(request.param,)) as sandbox:
        yield Lot(sandbox, request.param)


def test_competitors_go_the_whole_way(lot: Lot) -> None:
    with lot.rivals(4) as rivals:
        rivals.submit_all()
        rivals.sign_in_all()
        lot.sandbox.jump(TO_DEADLINE)
        rivals.release_all()
        lot.sandbox.jump(1)
        assert lot.state == "read-out"  # all have released: nobody waits for the end of the window
        rivals.confirm_all()
    rows = lot.readout().rows
    assert {row.bidder for row in rows} == {rival.uscc for rival in RIVALS[:4]}
    assert {row.state for row in rows} == {"opened"}
    prices = {row.price_fen for row in rows} | {sample_bid(lot.sample).total_fen}
    assert len(prices) == 5
    assert max(prices) <= load_sample(lot.sample).price.ceiling_fen


@pytest.mark.parametrize("lot", ["goods"], indirect=True)
def test_one_that_does_not_release_is_read_out_as_such(lot: Lot) -> None:
    with lot.rivals(3, absent=1) as rivals:
        assert [rival.name for rival in rivals.rivals] == [rival.name for rival in RIVALS[:3]]
        rivals.submit_all()
        rivals.sign_in_all()
        lot.sandbox.jump(TO_DEADLINE)
        rivals.release_all()
        assert lot.state == "decrypting"
        with pytest.raises(OpeningClosed):
            rivals.confirm_all()
        lot.sandbox.jump(TO_WINDOW_END)
        rivals.confirm_all()
    states = {row.bidder: row.state for row in lot.readout().rows}
    assert states == {
        RIVALS[0].uscc: "opened",
        RIVALS[1].uscc: "opened",
        RIVALS[2].uscc: "not-released",
    }


@pytest.mark.parametrize("lot", ["goods"], indirect=True)
def test_competitors_get_no_favours(lot: Lot) -> None:
    with lot.rivals(1) as rivals:
        lot.sandbox.jump(TO_DEADLINE)
        with pytest.raises(DeadlinePassed):
            rivals.submit_all()


@pytest.mark.parametrize(("count", "absent"), [(MOST + 1, 0), (2, 3), (2, -1)])
def test_impossible_numbers_of_companies_are_refused(tmp_path: Path, count: int, absent: int) -> None:
    with pytest.raises(ValueError, match="companies"):
        Competitors("http://127.0.0.1:1", tmp_path, [], count, absent=absent)


def test_a_rival_answers_any_tender_completely(tmp_path: Path) -> None:
    package = make_tender(tmp_path, make_pki())
    prices = []
    for rival in RIVALS:
        parts = tmp_path / rival.uscc
        draft = prepare(rival, package, parts, NOW)
        findings = check_draft(draft, package.tender, parts, NOW)
        assert [finding for finding in findings if finding.severity == "blocking"] == []
        prices.append(sum(item.total_fen for item in draft.prices))
    assert len(set(prices)) == len(RIVALS)
    assert max(prices) <= package.tender.price.ceiling_fen


def test_rivals_work_on_computers_of_their_own(tmp_path: Path) -> None:
    devices = [rival.device for rival in RIVALS]
    for values in zip(*(msgspec.structs.astuple(device) for device in devices), strict=True):
        assert len(set(values)) == len(RIVALS)
    package = make_tender(tmp_path, make_pki())
    drafts = [prepare(rival, package, tmp_path / rival.uscc, NOW) for rival in RIVALS[:2]]
    assert drafts[0].creation_code != drafts[1].creation_code
    assert drafts[0].salt != drafts[1].salt


def test_a_rivals_blind_part_names_nobody(tmp_path: Path) -> None:
    package = make_tender(tmp_path, make_pki())
    rival = RIVALS[0]
    draft = prepare(rival, package, tmp_path / "parts", NOW)
    blind = {part.id for part in package.tender.parts if part.blind}
    seen = set()
    for document in draft.documents:
        reader = PdfReader(tmp_path / "parts" / document.part / document.file)
        told = rival.name in "".join(page.extract_text() for page in reader.pages)
        assert reader.metadata is not None
        signed = reader.metadata.author == rival.name
        assert (told, signed) == ((False, False) if document.part in blind else (True, True))
        seen.add(document.part in blind)
    assert seen == {True, False}
