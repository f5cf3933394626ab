"""What the draft's files say of who made them and when: told when it does not fit, silent when it does."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bidclient.checks.finding import Finding
from bidclient.similarity.findings.examined import Examined
from bidclient.similarity.findings.making import check_making
from bidclient.similarity.findings.ours import Ours
from bidclient.similarity.reading.document import Extract, Trait
from bidclient.similarity.reading.office_traits import traits as office_traits
from bidclient.similarity.reading.pdf_traits import traits as pdf_traits
from tests.support.bids import make_pdf
from tests.support.office_files import made_docx

OURS = Ours(("甲建设工程有限公司", "甲建"), ("张三", "李四"))
ISSUED = datetime(2026, 11, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 20, 1, tzinfo=UTC)
DEADLINE = datetime(2026, 12, 1, 1, tzinfo=UTC)


def examined(number: int, traits: Sequence[Trait]) -> Examined:
    title = f"文件{number}"
    return Examined(
        f"technical/{number}.pdf", title, Extract(title, "0" * 64, "pdf", "", (), (), tuple(traits))
    )


def checked(*documents: Sequence[Trait], given: Sequence[Trait] = (), ours: Ours = OURS) -> list[Finding]:
    each = [examined(number, traits) for number, traits in enumerate(documents, 1)]
    return check_making(each, ours, ISSUED, DEADLINE, NOW, given)


def rules(findings: Sequence[Finding]) -> list[str]:
    return [finding.rule for finding in findings]


def named(name: str, key: str = "docx.lastModifiedBy") -> list[Trait]:
    return [Trait(key, name, "strong")]


def timed(created: datetime, modified: datetime | None = None, kind: str = "docx") -> list[Trait]:
    spelled = [("created", created), ("modified", modified)]
    return [
        Trait(f"{kind}.{name}", f"{moment:%Y-%m-%dT%H:%M:%SZ}", "medium")
        for name, moment in spelled
        if moment is not None
    ]


def test_another_company_is_named_once_with_every_place(tmp_path: Path) -> None:
    path = made_docx(tmp_path / "a.docx", {"creator": "乙路桥有限公司"}, {"Company": "乙路桥有限公司"})
    found = checked(office_traits(path))
    assert rules(found) == ["META-001"]
    assert "乙路桥有限公司" in found[0].message_zh
    assert "乙路桥有限公司" in found[0].message_en
    assert [one.fact for one in found[0].evidence] == [
        "docx.creator = 乙路桥有限公司",
        "docx.company = 乙路桥有限公司",
    ]
    assert "第四十条" in found[0].basis_zh


@pytest.mark.parametrize(
    "name",
    [
        "甲建设工程有限公司",
        "甲 建 设 工 程 有 限 公 司",
        "甲建集团公司（投标部）",
        "张三",
        "Administrator",
        "Microsoft Corporation",
    ],
)
def test_our_own_company_its_people_and_nobody_are_in_order(name: str) -> None:
    assert checked(named(name)) == []


def test_a_person_of_ours_at_another_company_is_foreign() -> None:
    assert rules(checked(named("乙路桥有限公司 张三"))) == ["META-001"]


def test_a_program_is_no_company() -> None:
    assert checked([Trait("pdf.creator", "广联达软件股份有限公司", "weak")]) == []
    assert rules(checked(named("广联达软件股份有限公司", "pdf.author"))) == ["META-001"]


def test_who_issued_the_tender_may_be_the_author_of_its_forms() -> None:
    issued = named("丙招标代理有限公司", "docx.creator")
    assert rules(checked(issued)) == ["META-001"]
    assert checked(issued, given=issued) == []


def test_without_a_name_of_our_own_nothing_is_foreign() -> None:
    assert checked(named("乙路桥有限公司"), ours=Ours(("",))) == []


def test_a_path_that_names_another_company_is_found() -> None:
    found = checked([Trait("xlsx.path", "D:\\乙路桥有限公司\\投标\\", "medium")])
    assert rules(found) == ["META-001"]


@pytest.mark.parametrize(
    ("created", "modified", "word"),
    [
        (NOW + timedelta(hours=1), None, "晚于现在"),
        (NOW - timedelta(days=1), NOW + timedelta(days=1), "晚于现在"),
        (NOW - timedelta(days=1), NOW - timedelta(days=2), "早于创建时间"),
    ],
)
def test_times_that_cannot_be_are_told(created: datetime, modified: datetime | None, word: str) -> None:
    found = checked(timed(created, modified))
    assert rules(found) == ["META-002"]
    assert word in found[0].message_zh


def test_a_file_made_after_the_deadline_is_told_when_that_is_over() -> None:
    late = timed(DEADLINE + timedelta(hours=1))
    found = check_making([examined(1, late)], OURS, ISSUED, DEADLINE, DEADLINE + timedelta(days=1))
    assert rules(found) == ["META-002"]
    assert "投标截止" in found[0].message_zh


def test_possible_times_are_in_order() -> None:
    day = timedelta(days=1)
    assert (
        checked(timed(ISSUED + day, ISSUED + 2 * day), timed(NOW - day, NOW - day - timedelta(seconds=40)))
        == []
    )
    assert checked(timed(NOW + timedelta(minutes=5))) == []
    assert checked([Trait("pdf.created", "2031-01-01T00:00:00", "medium")]) == []


def test_files_that_are_older_than_the_tender_are_listed_once() -> None:
    old = ISSUED - timedelta(days=400)
    found = checked(timed(old), timed(old, old + timedelta(days=1)), timed(old, NOW - timedelta(days=1)))
    assert rules(found) == ["META-004"]
    assert found[0].severity == "info"
    assert len(found[0].evidence) == 2
    assert "《文件1》" in found[0].message_zh
    assert "《文件3》" not in found[0].message_zh


def test_who_differs_from_the_others_is_shown() -> None:
    own = [
        Trait("docx.lastModifiedBy", "张三", "strong"),
        Trait("docx.application", "WPS Office_12.1", "weak"),
    ]
    other = [Trait("docx.lastModifiedBy", "王五", "strong"), Trait("docx.application", "Word 16.0", "weak")]
    found = checked(own, own, other)
    assert [(one.rule, one.severity, one.subject) for one in found] == [
        ("META-003", "info", "technical/3.pdf")
    ]
    assert "王五" in found[0].message_zh
    assert "张三" in found[0].message_zh
    assert len(found[0].evidence) == 2


def test_files_by_one_hand_are_in_order(tmp_path: Path) -> None:
    paths = [make_pdf(tmp_path / f"{n}.pdf", ["正文"], author="张三") for n in range(3)]
    assert checked(*[pdf_traits(path) for path in paths]) == []
    one, later = "LibreOffice 7.4", "LibreOffice 24.2"
    assert checked([Trait("pdf.producer", one, "weak")], [Trait("pdf.producer", later, "weak")]) == []
