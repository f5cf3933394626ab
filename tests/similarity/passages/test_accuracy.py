"""How well copied passages are found, on seeds that no parameter was chosen on (11 to 16 were)."""

from dataclasses import replace
from functools import cache

import pytest

from bidclient.similarity.passages.compare import compare
from bidclient.similarity.passages.passage import Passage
from tests.support.plagiarism import Case, Scores, Size, of_the_draft, primary, real, scores, synthetic
from tests.support.real_texts import prose, statutes

SIZE = Size(pages=200, bids=20, bid_pages=50, plants=15, answering=2)
HELD_OUT = (22, 66)


@cache
def judged(seed: int, edited_quotes: float = 0.0, tender: bool = True) -> tuple[Case, list[Passage], Scores]:
    case = synthetic(seed, SIZE, edited_quotes)
    found = compare([case.query], case.sources, [case.tender] if tender else [])
    counted = [one for one in found.passages if not one.excused]
    return case, counted, scores(case.plants, counted)


@pytest.mark.parametrize("seed", HELD_OUT)
def test_copied_passages_are_found_whatever_was_done_to_them(seed: int) -> None:
    case, found, score = judged(seed)
    precision, recall = of_the_draft(case.plants, found)
    assert score.plagdet >= 0.955
    assert score.precision >= 0.98
    assert precision >= 0.99
    assert recall >= 0.93
    assert score.granularity <= 1.02
    assert min(score.kinds[kind] for kind in ("verbatim", "numbers", "reorder")) >= 0.98
    assert score.kinds["synonym"] >= 0.93
    assert score.kinds["insert-delete"] >= 0.92
    assert score.kinds["heavy"] >= 0.70


@pytest.mark.parametrize("seed", HELD_OUT)
def test_without_the_tender_quotes_drown_what_counts(seed: int) -> None:
    _, with_tender, score = judged(seed)
    _, without, drowned = judged(seed, tender=False)
    assert len(without) > 1.3 * len(with_tender)
    assert drowned.plagdet < score.plagdet - 0.15


@pytest.mark.parametrize("seed", HELD_OUT)
def test_editing_the_quotes_changes_next_to_nothing(seed: int) -> None:
    case, _, score = judged(seed)
    edited_case, _, edited = judged(seed, edited_quotes=0.6)
    assert edited_case.query.text != case.query.text
    assert edited.plagdet >= score.plagdet - 0.015


@pytest.mark.parametrize("seed", HELD_OUT)
def test_articles_of_laws_are_found_in_prose_that_nobody_here_wrote(seed: int) -> None:
    case = real(seed, prose(120_000), statutes(120), 15)
    found = compare([case.query], case.sources).passages
    score = scores(case.plants, primary(found))
    precision, recall = of_the_draft(case.plants, found)
    assert score.plagdet >= 0.91
    assert score.granularity <= 1.02
    assert precision >= 0.99
    assert recall >= 0.95
    assert min(score.kinds[kind] for kind in ("verbatim", "numbers", "synonym")) >= 0.93


def test_the_judge_is_not_satisfied_with_less() -> None:
    case, found, score = judged(HELD_OUT[0])
    assert scores(case.plants, []).plagdet == 0
    shifted = [replace(one, start=one.start + 400, end=one.end + 400) for one in found]
    assert scores(case.plants, shifted).plagdet < 0.6
    elsewhere = [replace(one, source=one.source % len(case.sources) + 1) for one in found]
    assert scores(case.plants, elsewhere).plagdet < 0.1
    halves = [half for one in found for half in halved(one)]
    assert scores(case.plants, halves).granularity > 1.8
    assert scores(case.plants, halves).plagdet < score.plagdet - 0.2
    everything = [
        Passage("draft.pdf", 0, len(case.query.text), one.id, 0, len(one.content), 1.0, "verbatim")
        for one in case.sources
    ]
    assert scores(case.plants, everything).precision < 0.3
    assert of_the_draft(case.plants, everything)[0] < 0.6


def halved(one: Passage) -> tuple[Passage, Passage]:
    here, there = (one.start + one.end) // 2, (one.source_start + one.source_end) // 2
    return replace(one, end=here, source_end=there), replace(one, start=here, source_start=there)


def test_the_judge_knows_the_example_that_can_be_counted_by_hand() -> None:
    case, _, _ = judged(HELD_OUT[0])
    (plant, *_) = case.plants
    length, there = plant.end - plant.start, plant.there_end - plant.there_start
    half = Passage(
        "draft.pdf",
        plant.start,
        plant.start + length // 2,
        plant.source,
        plant.there_start,
        plant.there_start + there // 2,
        1.0,
        "verbatim",
    )
    score = scores([plant], [half])
    assert score.precision == 1
    assert score.recall == pytest.approx(0.5, abs=0.01)
    assert score.plagdet == pytest.approx(2 / 3, abs=0.01)
