"""Two files of one draft or one hand are told apart from two that only use the same programs."""

import random
from collections.abc import Sequence
from pathlib import Path

import pikepdf
import pytest
from reportlab.pdfgen.canvas import Canvas

from bidclient.checks.finding import Finding
from bidclient.similarity.findings.ancestry import check_ancestry
from bidclient.similarity.findings.examined import Counterpart, Examined
from bidclient.similarity.findings.thresholds import Thresholds
from bidclient.similarity.findings.traces import Traces, traces_of
from bidclient.similarity.passages.passage import Owner
from bidclient.similarity.reading.document import Extract, Trait
from bidclient.similarity.reading.office_traits import traits as office_traits
from bidclient.similarity.reading.pdf_traits import traits as pdf_traits
from tests.support.bids import make_pdf
from tests.support.manuals import debian_manuals
from tests.support.office_files import made_docx, made_xlsx, properties, sessions


def examined(traits: Sequence[Trait]) -> Examined:
    return Examined(
        "technical/plan", "施工组织设计", Extract("plan", "0" * 64, "docx", "", (), (), tuple(traits))
    )


def traces(traits: Sequence[Trait], owner: Owner = "named", name: str = "伙伴.docx") -> Traces:
    return Traces(owner, name, name, (), tuple(traits))


def compared(ours: Sequence[Trait], *others: Traces) -> list[Finding]:
    return check_ancestry([examined(ours)], others)


def marks(seed: int, count: int) -> list[str]:
    chance = random.Random(seed)
    return [f"00{chance.randrange(1 << 24):06X}" for _ in range(count)]


def docx(
    path: Path, seed: int, shared: Sequence[str] = (), name: str = "", root: str = ""
) -> tuple[Trait, ...]:
    own = marks(seed, 30)
    core = {"creator": name or f"作者{seed}", "created": f"2026-11-0{seed % 9 + 1}T02:15:00Z"}
    extended = {"Application": "Microsoft Office Word", "Template": "Normal.dotm"}
    return office_traits(made_docx(path, core, extended, sessions(root or own[0], [*own, *shared])))


def test_the_same_family_of_documents_is_told(tmp_path: Path) -> None:
    ours = docx(tmp_path / "a.docx", 1, root="00A71B3C")
    theirs = docx(tmp_path / "b.docx", 2, root="00A71B3C")
    found = compared(ours, traces(theirs))
    assert [(one.rule, one.severity) for one in found] == [("META-005", "warning")]
    assert "00A71B3C" in found[0].message_zh
    there = found[0].evidence[0].there
    assert there is not None
    assert there.document == "伙伴.docx"


def test_common_editing_sessions_are_told_and_a_few_are_not(tmp_path: Path) -> None:
    shared = marks(99, 8)
    ours = docx(tmp_path / "a.docx", 1, shared)
    assert "8 个编辑会话" in compared(ours, traces(docx(tmp_path / "b.docx", 2, shared)))[0].message_zh
    assert compared(ours, traces(docx(tmp_path / "c.docx", 3, shared[:3]))) == []


def test_files_from_scratch_with_the_same_programs_share_nothing(tmp_path: Path) -> None:
    ours = docx(tmp_path / "a.docx", 1)
    assert compared(ours, traces(docx(tmp_path / "b.docx", 2)), traces(docx(tmp_path / "c.docx", 3))) == []


def test_two_files_by_python_docx_or_openpyxl_are_no_family(tmp_path: Path) -> None:
    core = {"creator": "python-docx", "created": "2013-12-23T23:15:00Z"}
    default = ["00034616", "0006063C", "0015074B", "0029639D", "00326F90", "00AA1D8D", "00B47730", "00CB0664"]
    one, other = (
        office_traits(made_docx(tmp_path / name, core, parts=sessions("00B47730", default)))
        for name in ("a", "b")
    )
    assert compared(one, traces(other)) == []
    books = [
        office_traits(
            made_xlsx(tmp_path / f"{n}.xlsx", {"creator": "openpyxl", "created": "2006-09-16T00:00:00Z"})
        )
        for n in range(2)
    ]
    assert compared(books[0], traces(books[1])) == []


def test_what_the_tender_handed_out_is_in_order(tmp_path: Path) -> None:
    shared = marks(99, 20)
    form = docx(tmp_path / "form.docx", 5, shared, name="招标代理", root="00A71B3C")
    ours = docx(tmp_path / "a.docx", 1, shared, root="00A71B3C")
    theirs = docx(tmp_path / "b.docx", 2, shared, root="00A71B3C")
    assert len(compared(ours, traces(theirs))) == 1
    assert compared(ours, traces(form, "tender"), traces(theirs)) == []
    assert check_ancestry([examined(ours)], [traces(theirs)], form) == []


def test_real_manuals_by_one_tool_chain_are_no_family() -> None:
    manuals = [pdf_traits(path) for path in sorted(debian_manuals().glob("*.pdf"))]
    assert len(manuals) >= 3
    for one in manuals:
        others = [traces(other) for other in manuals if other is not one]
        assert compared(one, *others) == []
        assert len(compared(one, traces(one))) == 1


def test_one_hand_in_different_kinds_of_files_is_told(tmp_path: Path) -> None:
    ours = pdf_traits(make_pdf(tmp_path / "a.pdf", ["正文"], author="王五"))
    theirs = docx(tmp_path / "b.docx", 2, name="王五")
    assert "王五" in compared(ours, traces(theirs))[0].message_zh
    anybody = pdf_traits(make_pdf(tmp_path / "c.pdf", ["正文"], author="Administrator"))
    assert compared(anybody, traces(docx(tmp_path / "d.docx", 3, name="Administrator"))) == []


def test_a_copy_of_a_pdf_is_told_and_two_of_one_program_are_not(tmp_path: Path) -> None:
    ours, copy, other = (tmp_path / f"{name}.pdf" for name in ("ours", "copy", "other"))
    for path in (ours, other):
        page = Canvas(str(path))
        page.drawString(72, 72, path.stem)
        page.save()
    with pikepdf.open(ours) as pdf:
        pdf.docinfo["/Title"] = "另存"
        pdf.save(copy)
    assert "PDF 首次标识" in compared(pdf_traits(ours), traces(pdf_traits(copy)))[0].message_zh
    assert compared(pdf_traits(ours), traces(pdf_traits(other))) == []
    one, two = (pdf_traits(make_pdf(tmp_path / f"{n}.pdf", [f"第 {n} 份"])) for n in range(2))
    assert {trait.value for trait in one if trait.key == "pdf.id0"} == {
        trait.value for trait in two if trait.key == "pdf.id0"
    }
    assert compared(one, traces(two)) == []


def test_two_files_with_the_number_that_wps_gives_are_told(tmp_path: Path) -> None:
    number = {"ICV": "0B3C5D7E9F1A4B2C8D6E0F1A2B3C4D5E"}
    one, two = (
        office_traits(made_docx(tmp_path / name, parts=properties({"creator": name}, custom=number)))
        for name in ("a.docx", "b.docx")
    )
    assert "ICV" in compared(one, traces(two))[0].message_zh


@pytest.mark.parametrize(("key", "told"), [("docx.templatePath", True), ("docx.minutes", False)])
def test_one_circumstance_alone_tells_nothing_two_do(key: str, *, told: bool) -> None:
    created = Trait("docx.created", "2026-11-03T02:15:00Z", "medium")
    assert compared([created], traces([created])) == []
    further = Trait(key, "C:/甲/标书.dotm", "medium")
    assert bool(compared([created, further], traces([created, further]))) == told


def test_earlier_bids_of_our_own_make_one_hint_and_persons_none(tmp_path: Path) -> None:
    ours = docx(tmp_path / "a.docx", 1, root="00A71B3C", name="张三")
    past = [
        traces(docx(tmp_path / f"{n}.docx", n, root="00A71B3C"), "own", f"[{n}] 标书") for n in range(2, 9)
    ]
    found = compared(ours, *past)
    assert [(one.rule, one.severity) for one in found] == [("META-005", "info")]
    assert "等 7 项" in found[0].message_zh
    staff = traces(docx(tmp_path / "s.docx", 9, name="张三"), "own", "[9] 标书")
    assert compared(ours, staff) == []


def test_the_thresholds_can_be_set(tmp_path: Path) -> None:
    shared = marks(99, 8)
    ours, theirs = docx(tmp_path / "a.docx", 1, shared), docx(tmp_path / "b.docx", 2, shared)
    assert check_ancestry([examined(ours)], [traces(theirs)], thresholds=Thresholds(shared_rsids=9)) == []


def test_a_file_that_was_read_has_traces() -> None:
    trait = Trait("docx.rsidRoot", "00A71B3C", "strong")
    one = Counterpart(
        "named", "伙伴.docx", "b", Extract("x", "0" * 64, "docx", "", (), (), (trait,)), "P", "L"
    )
    assert traces_of(one) == Traces("named", "伙伴.docx", "b", (), (trait,), "P", "L")
