"""A sealed bid without its stub: nobody can tell whether its chunks are those that were sealed."""

import shutil
from pathlib import Path

from tests.support.desks import Bidder


def test_a_sealed_bid_is_valid_only_beside_its_stub(bidder: Bidder, tmp_path: Path) -> None:
    folder = bidder.sealed()
    (beside,) = bidder.desk.verifying.verify(folder / "bid.sealed").verdicts
    alone = Path(shutil.copy(folder / "bid.sealed", tmp_path / "alone.sealed"))
    content = bytearray(alone.read_bytes())
    content[-100] ^= 1
    alone.write_bytes(content)
    (verdict,) = bidder.desk.verifying.verify(alone).verdicts
    assert (beside.verdict, verdict.verdict) == ("valid", "cannot-tell")
    assert verdict.reason.startswith("there is no stub beside it: ")
