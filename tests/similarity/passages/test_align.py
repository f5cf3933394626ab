from collections import deque
from collections.abc import Sequence
from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bidclient.similarity.passages.align import align
from bidclient.similarity.passages.draft import joined
from bidclient.similarity.passages.fingerprint import PARAMETERS, fingerprint, grams
from bidclient.similarity.passages.likeness import reach
from bidclient.similarity.passages.merge import Aligned, merged
from bidclient.similarity.passages.ranking import Ranking
from bidclient.similarity.passages.regions import Lookup, Places, Regions, Seeds, regions
from bidclient.similarity.passages.source import Query, TextSource
from tests.support.clauses import paragraph

GRAM = PARAMETERS.gram
SEEDS = st.lists(
    st.tuples(st.integers(5, 7), st.integers(0, 600), st.integers(0, 600)), max_size=40, unique=True
)


def columns(rows: Sequence[tuple[int, ...]], width: int) -> list[Places]:
    return list(np.array(rows, np.int64).reshape(-1, width).T)


@given(SEEDS)
def test_regions_are_what_a_walk_from_cell_to_cell_finds(rows: list[tuple[int, int, int]]) -> None:
    found = regions(Seeds(*columns(rows, 3)), GRAM)
    assert sorted(zip(*(getattr(found, name).tolist() for name in ROW), strict=True)) == sorted(walked(rows))


ROW = ("source", "start", "end", "there_start", "there_end", "covered")


def walked(rows: list[tuple[int, int, int]]) -> list[tuple[int, ...]]:
    """The same by a plain search."""
    left = set(rows)
    groups: list[tuple[int, ...]] = []
    while left:
        group, ways = [], deque([left.pop()])
        while ways:
            one = ways.popleft()
            group.append(one)
            near = {
                other
                for other in left
                if other[0] == one[0]
                and all(abs(other[side] // 64 - one[side] // 64) <= 1 for side in (1, 2))
            }
            left -= near
            ways.extend(near)
        covered = {place + step for _, place, _ in group for step in range(GRAM)}
        if len(group) >= 2 and len(covered) >= 26:
            query, there = [one[1] for one in group], [one[2] for one in group]
            groups.append(
                (group[0][0], min(query), max(query) + GRAM, min(there), max(there) + GRAM, len(covered))
            )
    return groups


def test_the_lookup_finds_every_common_gram_but_those_that_repeat_too_often() -> None:
    random = Random(5)
    common = paragraph(random, 4, 4).strip()
    query = joined([Query("q", paragraph(random) + common + "重复的话总是同样一句" * 40)])
    hashes = grams(query.chars, GRAM)
    lookup = Lookup(hashes, np.ones(len(hashes), bool))
    text = common + "重复的话总是同样一句" * 3
    seeds = lookup.seeds(0, fingerprint(joined([Query("s", text)]).normals[0]))
    assert len(seeds.query) > 5
    assert set(seeds.there.tolist()) <= set(range(len(common)))
    for here, there in zip(seeds.query.tolist(), seeds.there.tolist(), strict=True):
        start, _ = query.span(here, here + 1)
        assert query.queries[0].text[start] == text[there]


def test_of_many_sources_the_best_are_kept_and_all_are_counted() -> None:
    ranking = Ranking(1000, 5)
    for source in range(20):
        row = (source, 96, 192, 0, 96, 30 + source)
        ranking.add(Regions(*columns([row], 6)), np.array([source // 10]))
    assert sorted(ranking.regions.source.tolist()) == [15, 16, 17, 18, 19]
    assert ranking.sources(96, 192) == 20
    assert ranking.sources(480, 528) == 0
    assert not ranking.is_template(96, 192)


def test_text_of_three_projects_is_a_template_and_of_two_it_is_not() -> None:
    ranking = Ranking(1000, 5)
    rows = [(source, 96, 192, 0, 96, 40) for source in range(4)]
    ranking.add(Regions(*columns(rows[:3], 6)), np.array([0, 0, 1]))
    ranking.add(Regions(*columns([(9, 96, 192, 0, 96, 40)], 6)), np.array([-1]))
    assert not ranking.is_template(96, 192)
    ranking.add(Regions(*columns(rows[3:], 6)), np.array([2]))
    assert ranking.is_template(96, 192)
    assert not ranking.is_template(96, 700)


def piece(start: int, there: int, length: int) -> Aligned:
    return Aligned(0, start, start + length, there, there + length, length, length)


def test_pieces_near_each_other_are_one_passage_in_whatever_order() -> None:
    shuffled = [piece(0, 200, 90), piece(100, 0, 90), piece(200, 100, 90)]
    (one,) = merged(shuffled)
    assert (one.start, one.end, one.there_start, one.there_end) == (0, 290, 0, 290)


def test_own_words_between_two_pieces_are_not_drawn_in() -> None:
    assert len(merged([piece(0, 0, 100), piece(500, 110, 100)])) == 2


def test_a_few_common_characters_do_not_draw_a_passage_out() -> None:
    first, *_ = merged([piece(0, 0, 200), piece(300, 300, 9)])
    assert (first.start, first.end) == (0, 200)


def test_what_the_source_says_twice_is_one_passage() -> None:
    assert merged([piece(0, 0, 200), piece(50, 900, 60)]) == [piece(0, 0, 200)]


def test_only_usable_characters_of_the_draft_are_aligned() -> None:
    text = paragraph(Random(6), 6, 6)
    draft = joined([Query("q", text)])
    source = TextSource(0, "own", text)
    whole = Regions(*columns([(0, 0, len(draft.normals[0]), 0, len(text), 99)], 6))
    usable = draft.usable.copy()
    usable[:100] = False
    ((passage,),) = [found for found, _ in align(draft.chars, usable, whole, lambda _: (source.text(), ()))]
    assert passage.start == 100
    assert passage.end == len(draft.normals[0])


def test_a_passage_goes_on_over_a_change_but_not_into_other_text() -> None:
    assert reach("采用三级检验制度随后内容不同", "采用二级检验制度甲乙丙丁戊己") == (8, 8)
    assert reach("完全不同的一段话", "另外写成的几句子") == (0, 0)
    assert reach("", "任何内容") == (0, 0)
