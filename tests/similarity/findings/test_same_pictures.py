"""A picture that is another's is told: by what is written in it, or because another file shows it."""

import io
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import pytest
from PIL import Image

from bidclient.checks.finding import Finding
from bidclient.similarity.findings.examined import Examined
from bidclient.similarity.findings.ours import Ours
from bidclient.similarity.findings.same_pictures import check_pictures
from bidclient.similarity.findings.thresholds import Thresholds
from bidclient.similarity.findings.traces import Traces
from bidclient.similarity.passages.passage import Owner
from bidclient.similarity.reading.document import Extract, Picture
from bidclient.similarity.reading.pictures import describe, distance
from tests.support.pdf_files import encoded, picture

OURS = Ours(("甲建设工程有限公司",), ("张三",))


@cache
def seen(seed: int, page: int = 1, form: str = "PNG") -> Picture:
    return describe(encoded(picture(seed), form), page)


def worked_on(seed: int, page: int = 1) -> Picture:
    out = io.BytesIO()
    picture(seed).resize((200, 280)).save(out, "JPEG", quality=40)
    return describe(out.getvalue(), page)


def examined(*pictures: Picture) -> Examined:
    return Examined("technical/plan", "施工组织设计", Extract("plan", "0" * 64, "pdf", "", (), pictures))


def traces(pictures: Sequence[Picture], owner: Owner = "named", bid: str = "伙伴.docx") -> Traces:
    return Traces(owner, bid, bid, tuple(pictures), ())


def compared(ours: Examined, *others: Traces, given: Sequence[Picture] = ()) -> list[Finding]:
    return check_pictures([ours], others, OURS, given)


def owned(key: str, value: str) -> Examined:
    return examined(replace(seen(1, 7), exif=((key, value),)))


@pytest.mark.parametrize(
    ("key", "value", "severity"),
    [
        ("Artist", "乙路桥有限公司", "warning"),
        ("Copyright", "© 2026 乙路桥有限公司", "warning"),
        ("CameraOwnerName", "王五", "info"),
    ],
)
def test_another_owner_in_a_picture_is_told(key: str, value: str, severity: str) -> None:
    found = compared(owned(key, value))
    assert [(one.rule, one.severity) for one in found] == [("IMG-001", severity)]
    assert value in found[0].message_zh
    assert found[0].evidence[0].here.page == 7


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("Artist", "甲建设工程有限公司"),
        ("Artist", "张三"),
        ("Artist", "Picasa"),
        ("Copyright", "Canon Inc"),
        ("Software", "乙软件有限公司"),
        ("Artist", "微软用户"),
    ],
)
def test_our_own_pictures_and_programs_are_in_order(key: str, value: str) -> None:
    assert compared(owned(key, value)) == []


def test_a_person_is_foreign_only_where_our_own_are_known() -> None:
    assert check_pictures([owned("Artist", "王五")], [], Ours(("甲建设工程有限公司",))) == []


def test_the_same_picture_in_a_named_file_is_told_whatever_was_done_to_it() -> None:
    ours = examined(seen(1, 3), seen(2, 4), seen(3, 9))
    found = compared(ours, traces([worked_on(1, 8), seen(2, 5), seen(40)]))
    assert [(one.rule, one.severity) for one in found] == [("IMG-001", "warning")]
    assert "第 3 页、第 4 页" in found[0].message_zh
    assert [(one.here.page, one.there.page if one.there else 0) for one in found[0].evidence] == [
        (3, 8),
        (4, 5),
    ]
    assert found[0].evidence[0].fact.startswith("pHash ")
    assert found[0].evidence[1].fact == f"SHA-256 {seen(2).sha256}"


def test_other_pictures_are_in_order() -> None:
    assert compared(examined(seen(1), seen(2)), traces([seen(seed) for seed in range(3, 30)])) == []


def altered(one: Picture, bits: int) -> Picture:
    assert one.phash is not None
    number = int.from_bytes(one.phash, "big") ^ ((1 << bits) - 1)
    return replace(one, phash=number.to_bytes(32, "big"), sha256="f" * 64)


@pytest.mark.parametrize(("bits", "severity"), [(40, "warning"), (41, "info"), (50, "info"), (51, "")])
def test_the_distance_decides(bits: int, severity: str) -> None:
    assert distance(seen(1).phash or b"", altered(seen(1), bits).phash or b"") == bits
    found = compared(examined(seen(1)), traces([altered(seen(1), bits)]))
    assert [one.severity for one in found] == ([severity] if severity else [])


def test_the_nearest_of_many_counts_however_many_there_are() -> None:
    many = [altered(seen(1), 45), *[seen(seed % 20 + 2) for seed in range(300)], altered(seen(1), 5)]
    found = compared(examined(seen(1)), traces(many))
    assert [one.evidence[0].fact for one in found] == ["pHash 5/256"]


def test_what_the_tender_shows_anybody_may_show() -> None:
    ours, theirs = examined(seen(1)), traces([worked_on(1)])
    assert len(compared(ours, theirs)) == 1
    assert compared(ours, theirs, given=[seen(1)]) == []
    assert compared(ours, traces([seen(1)], "template"), theirs) == []


def test_a_picture_of_our_earlier_bids_is_a_hint_and_a_logo_is_none() -> None:
    ours = examined(seen(1, 2))
    past = [traces([seen(1)], "own", f"[{number}] 标书") for number in range(3)]
    found = compared(ours, *past[:2])
    assert [(one.rule, one.severity) for one in found] == [("IMG-001", "info")]
    assert "以往投标文件" in found[0].message_zh
    assert compared(ours, *past) == []
    assert compared(ours, *past, traces([seen(1)])) == []
    again = check_pictures([ours], past, OURS, thresholds=Thresholds(picture_bids=4))
    assert len(again) == 1


def test_small_and_flat_pictures_tell_nothing() -> None:
    small = describe(encoded(picture(1, (60, 60)), "PNG"), 1)
    flat = describe(encoded(Image.new("RGB", (200, 200), "white"), "PNG"), 1)
    assert compared(examined(small, flat), traces([small, flat])) == []
