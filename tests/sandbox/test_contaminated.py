"""The spoiled papers are what a clerk could have on the desk: real PDFs, the same each time."""

from pathlib import Path

import pytest

from bidclient.checks.pdf import preflight
from bidclient.sandbox.contaminated import contaminate
from bidclient.sandbox.practice import write_papers
from bidclient.sandbox.rivals import RIVALS
from bidclient.sandbox.samples import load_sample, sample_ids
from bidclient.similarity.findings.bidder import foreign_bidder
from bidclient.similarity.reading.extract import extract


@pytest.mark.parametrize("sample", sample_ids())
def test_they_are_added_as_any_others_and_say_whose_they_are(sample: str, tmp_path: Path) -> None:
    spoiled = []
    for name in ("one", "other"):
        write_papers(sample, tmp_path / name)
        clean = preflight(min((tmp_path / name / "technical").glob("*.pdf"))).pages
        spoiled.append(contaminate(sample, tmp_path / name))
        assert preflight(spoiled[-1]).pages > clean
    files = [path.relative_to(tmp_path / "one") for path in sorted((tmp_path / "one").rglob("*.pdf"))]
    assert {"earlier", "others"} < {path.parts[0] for path in files}
    for path in files:
        assert (tmp_path / "one" / path).read_bytes() == (tmp_path / "other" / path).read_bytes()
    plan = extract(spoiled[0])
    assert {trait.value for trait in plan.traits if trait.key.lower() == "pdf.author"} == {RIVALS[0].name}
    bidder = load_sample(sample).bid.bidder
    theirs, ours, earlier = (
        extract(tmp_path / "one" / name).text
        for name in ("others/rival.pdf", "others/partner.pdf", "earlier/construction-plan.pdf")
    )
    assert foreign_bidder(theirs, bidder.uscc, [bidder.name]) is not None
    assert foreign_bidder(ours, bidder.uscc, [bidder.name]) is None
    assert "寺前街" in earlier
    assert ours[50:80] in plan.text
