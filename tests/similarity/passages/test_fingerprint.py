from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bidclient.similarity.passages.fingerprint import (
    PARAMETERS,
    SENSITIVE,
    Fingerprint,
    Parameters,
    fingerprint,
    grams,
)
from bidclient.similarity.passages.normal import normalise
from tests.support.clauses import paragraph

TEXTS = st.text("投标文件施工方案质量安", max_size=80)
GUARANTEED = PARAMETERS.gram + PARAMETERS.window - 1


@given(TEXTS, TEXTS, TEXTS, st.text("项目经理部技术负责人", min_size=GUARANTEED, max_size=60))
def test_a_common_run_as_long_as_window_and_gram_has_a_common_fingerprint(
    before: str, after: str, other: str, common: str
) -> None:
    here, there = fingerprint(normalise(before + common + after)), fingerprint(normalise(other + common))
    assert set(here.hashes.tolist()) & set(there.hashes.tolist())


@given(TEXTS.filter(len))
def test_a_fingerprint_names_the_place_of_its_gram(text: str) -> None:
    spaced = "。".join(text)
    made = fingerprint(normalise(spaced))
    everything = grams(normalise(text).chars, PARAMETERS.gram)
    for value, place in zip(made.hashes.tolist(), made.positions.tolist(), strict=True):
        assert spaced[place] == text[place // 2]
        assert everything[place // 2] == value


@given(TEXTS, st.integers(1, 12))
def test_equal_grams_and_only_those_have_equal_hashes(text: str, length: int) -> None:
    hashes = grams(normalise(text).chars, length).tolist()
    runs = [text[place : place + length] for place in range(len(text) - length + 1)]
    assert len(hashes) == len(runs)
    assert len(set(zip(runs, hashes, strict=True))) == len(set(runs)) == len(set(hashes))


def test_two_of_window_plus_one_grams_are_kept() -> None:
    random = Random(1)
    text = "".join(chr(random.randrange(0x4E00, 0x9FA5)) for _ in range(50_000))
    for parameters in (PARAMETERS, SENSITIVE):
        kept = len(fingerprint(normalise(text), parameters).hashes) / len(text)
        assert kept == pytest.approx(2 / (parameters.window + 1), rel=0.02)


def test_a_text_shorter_than_a_window_still_has_a_fingerprint_and_one_shorter_than_a_gram_none() -> None:
    assert len(fingerprint(normalise("一二三四五六七八九十甲")).hashes) == 1
    assert len(fingerprint(normalise("一二三四五六七八九")).hashes) == 0


def test_running_heads_leave_no_trace() -> None:
    text = paragraph(Random(2), 5, 5)
    with_head = text[:50] + "\n某公司 第 3 页\n" + text[50:]
    head = [(50, len(with_head) - len(text) + 50)]
    assert (
        fingerprint(normalise(with_head, head)).hashes.tolist()
        == fingerprint(normalise(text)).hashes.tolist()
    )


def test_stored_and_read_it_is_the_same() -> None:
    made = fingerprint(normalise(paragraph(Random(3), 5, 5)))
    read = Fingerprint.from_blobs(*made.to_blobs())
    assert len(read.hashes)
    assert np.array_equal(read.hashes, made.hashes)
    assert np.array_equal(read.positions, made.positions)


def test_blobs_that_do_not_belong_together_are_refused() -> None:
    hashes, positions = fingerprint(normalise(paragraph(Random(4), 5, 5))).to_blobs()
    with pytest.raises(ValueError, match="differ in number"):
        Fingerprint.from_blobs(hashes, positions[:-4])


def test_other_parameters_have_another_version() -> None:
    versions = {one.version for one in (PARAMETERS, SENSITIVE, Parameters(gram=8), Parameters(revision=2))}
    assert len(versions) == 4
