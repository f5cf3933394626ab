"""Whose bid a text says it is, in the spellings that bids have."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bidclient.crypto.uscc import uscc_check
from bidclient.similarity.findings.bidder import Declared, declared_bidders, foreign_bidder, is_our_bid
from bidclient.similarity.findings.marks import marks

OURS, THEIRS = "陇原示范建设工程有限公司", "另一家建设集团有限公司"
CODE = "91629999TBX00001X"
USCC = CODE + uscc_check(CODE)
OTHER = "91629999TBX000028"
OTHER_USCC = OTHER + uscc_check(OTHER)


@pytest.mark.parametrize(
    "line",
    [
        f"投标人：{THEIRS}",
        f"投标人: {THEIRS}（盖单位公章）",
        f"投 标 人：　{THEIRS}",
        f"投标人（盖章）：{THEIRS}",
        f"投标人名称：{THEIRS}   日期：2026 年",
        f"投标单位：____{THEIRS}____",
        "投标人：另一家建设集团 有限公司",
        f"封面\n\n投标人全称：{THEIRS}\n",
        f"投标人：\n{THEIRS}（盖章）",
        f"项目名称\t道路工程\n投标人\t{THEIRS}\n",
        f"投标人名称\n{THEIRS}\n",
        f'<bid 投标人="{THEIRS}" 总价="1">',
        f'{{"bidder":{{"agent":"甲","name":"{THEIRS}","phone":""}}}}',
    ],
)
def test_a_bidder_is_found(line: str) -> None:
    assert [one.name for one in declared_bidders(line)] == [THEIRS]
    assert foreign_bidder(line, USCC, [OURS]) == Declared(THEIRS, "")
    assert foreign_bidder(line, USCC, [THEIRS]) is None
    assert foreign_bidder(line, USCC, ["", THEIRS.replace("公司", " 公 司")]) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "投标人：________（盖章）",
        "投标人：（盖单位章）\n法定代表人：",
        f"招标人：{THEIRS}",
        f"投标人须知\n{THEIRS}",
        f"我公司与{THEIRS}签订的合同",
        "x" * 6_000 + f"投标人：{THEIRS}",
    ],
)
def test_who_names_none_is_not_foreign(text: str) -> None:
    assert foreign_bidder(text, USCC, [OURS]) is None


def test_a_draft_out_of_its_folder_tells_the_code_too() -> None:
    text = f'{{"bidder":{{"name":"{THEIRS}","phone":"","uscc":"{OTHER_USCC}"}}}}'
    assert foreign_bidder(text, USCC, []) == Declared(THEIRS, OTHER_USCC)
    assert is_our_bid(text, OTHER_USCC, [])


def test_no_text_takes_long() -> None:
    """Blanks between the words may be many; trying all ways to share them out would take hours."""
    start = time.perf_counter()
    for blank in (" ", "\n", "\t", "_", "(", '{"bidder":'):
        assert declared_bidders("投标人" + blank * 6_000) == ()
        assert marks("姓名" + blank * 200_000) == ()
    assert time.perf_counter() - start < 2.0


def test_one_of_a_consortium_is_ours() -> None:
    text = f"投标人：{THEIRS}（牵头人）、{OURS}（成员）"
    assert {one.name for one in declared_bidders(text)} == {THEIRS, OURS}
    assert foreign_bidder(text, USCC, [OURS]) is None


def test_where_only_the_code_is_known_only_a_code_tells() -> None:
    with_code = f"投标人：{THEIRS}\n统一社会信用代码：{OTHER_USCC}"
    assert foreign_bidder(with_code, USCC, []) == Declared(THEIRS, OTHER_USCC)
    assert foreign_bidder(with_code, OTHER_USCC, []) is None
    assert foreign_bidder(with_code, OTHER_USCC, [OURS]) is None
    assert foreign_bidder(f"投标人：{THEIRS}", USCC, []) is None
    assert foreign_bidder(with_code, "", []) is None
    wrong = f"投标人：{THEIRS}\n统一社会信用代码：{OTHER}0"
    assert declared_bidders(wrong) == (Declared(THEIRS, ""),)


@given(st.text(max_size=400))
def test_any_text_is_read(text: str) -> None:
    for one in declared_bidders(f"投标人：{text}"):
        assert one.name
        assert "\n" not in one.name
