"""Files made to stop the self-check: each is refused, or named as not read, soon and in little memory."""

import io
import os
import signal
import struct
import subprocess
import sys
import threading
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bidclient.errors import BadDocument, FileProblem
from bidclient.explain import in_words
from bidclient.similarity.reading.apart import Reader
from bidclient.similarity.reading.document import Extract
from bidclient.similarity.reading.extract import extract
from bidclient.similarity.reading.limits import Limits
from tests.support.bids import make_pdf
from tests.support.pdf_files import make_claiming_image, make_many_pages, make_nested_forms
from tests.support.word_files import (
    docx_entries,
    entries_of,
    make_docx,
    make_ofd,
    make_xlsx,
    make_zip,
    paragraph,
    word_part,
)

ROOT = Path(__file__).resolve().parents[2]
MEGABYTE = 1024 * 1024
MOST_SECONDS = 20.0
MOST_MEMORY = 350 * MEGABYTE
"""Of the whole process with its libraries; without bounds the files below take gigabytes."""
ENTITIES = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
LAUGHS = f'<!DOCTYPE w:document [<!ENTITY e0 "ha">{ENTITIES}]>'
OUTSIDE = '<!DOCTYPE w:document [<!ENTITY x SYSTEM "file:///etc/passwd">]>'


@dataclass(frozen=True)
class Attack:
    """How the file is made, and a part of the reason that must be given."""

    make: Callable[[Path], Path]
    reason: str


def with_document(path: Path, document: str) -> Path:
    """A DOCX with this main part."""
    return make_zip(path, {**docx_entries(""), "word/document.xml": document})


def with_type(path: Path, declared: str, entity: str) -> Path:
    """A DOCX whose main part declares entities and uses one."""
    part = word_part("document", f"<w:body><w:p><w:r><w:t>{entity}</w:t></w:r></w:p></w:body>")
    head, _, rest = part.partition("?>")
    return with_document(path, f"{head}?>{declared}{rest}")


def claiming_entries(path: Path) -> Path:
    """More entries than any document has; they take nothing."""
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(20_001):
            archive.writestr(str(number), b"")
    return path


def twins(path: Path) -> Path:
    """Two main parts: one reader takes the first, another the last."""
    make_docx(path, paragraph("甲"))
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("word/document.xml", word_part("document", f"<w:body>{paragraph('乙')}</w:body>"))
    return path


def bomb_inside(path: Path) -> Path:
    """A DOCX with a ZIP in it that unfolds: it is not opened, and named."""
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(64 * MEGABYTE))
    return make_docx(path, paragraph("正文"), {"word/embeddings/inner.docx": inner.getvalue()})


def spoilt(path: Path) -> Path:
    """A DOCX with a byte of its main part changed."""
    make_docx(path, paragraph("正文" * 500))
    data = bytearray(path.read_bytes())
    data[data.index(b"word/document.xml") + 40] ^= 0xFF
    path.write_bytes(data)
    return path


def sheet_of_text(path: Path) -> Path:
    """A workbook with one long string that two hundred thousand cells show: gigabytes of text."""
    entries = entries_of(make_xlsx(path, {"表": [["x"]]}))
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    # The letters differ, so that it does not look like a bomb.
    long = os.urandom(8000).hex()
    cells = "".join(f'<c t="s" r="A{number}"><v>0</v></c>' for number in range(200_000))
    entries["xl/worksheets/sheet1.xml"] = f'<worksheet xmlns="{main}"><row>{cells}</row></worksheet>'
    entries["xl/sharedStrings.xml"] = f'<sst xmlns="{main}"><si><t>{long}</t></si></sst>'
    relations = entries["xl/_rels/workbook.xml.rels"]
    assert isinstance(relations, bytes)
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings"
    row = f'<Relationship Type="{kind}" Target="sharedStrings.xml" Id="rId9"/></Relationships>'
    entries["xl/_rels/workbook.xml.rels"] = relations.replace(b"</Relationships>", row.encode())
    return make_zip(path, entries)


def huge_picture(path: Path) -> Path:
    """A PNG of 400 million pixels (W3C PNG §11.2.2: one bit each) in some kilobytes."""
    side = 20_000
    chunks = {
        b"IHDR": struct.pack(">LLBBBBB", side, side, 1, 0, 0, 0, 0),
        b"IDAT": zlib.compress(bytes((side // 8 + 1) * side), 1),
        b"IEND": b"",
    }
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + b"".join(
            struct.pack(">L", len(data)) + kind + data + struct.pack(">L", zlib.crc32(kind + data))
            for kind, data in chunks.items()
        )
    )
    return path


def most_memory(process: int | str) -> int:
    """The most memory that a process has had (VmHWM, proc(5)), in bytes."""
    status = Path(f"/proc/{process}/status").read_text("ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def deep(path: Path) -> Path:
    """XML without ground."""
    return with_document(path, word_part("document", "<w:body>" + "<w:sdt>" * 50_000))


ATTACKS = {
    "zip bomb.docx": Attack(lambda p: with_document(p, " " * (64 * MEGABYTE)), "压缩比异常"),
    "bomb inside.docx": Attack(bomb_inside, "嵌入的文件或对象未检查：inner.docx"),
    "entries.docx": Attack(claiming_entries, "压缩包条目过多"),
    "twins.docx": Attack(twins, "同名条目"),
    "spoilt.docx": Attack(spoilt, "损坏"),
    "laughs.docx": Attack(lambda p: with_type(p, LAUGHS, "&e9;"), "文档类型定义"),
    "outside.docx": Attack(lambda p: with_type(p, OUTSIDE, "&x;"), "文档类型定义"),
    "deep.docx": Attack(deep, "XML 内容有误"),
    "no main part.docx": Attack(lambda p: make_zip(p, {"word/x": b""}), "缺少主文档"),
    "text.xlsx": Attack(sheet_of_text, "文字超过数量上限"),
    "claims.pdf": Attack(lambda p: make_claiming_image(p, 100_000, 100_000), "无法读取的图片"),
    "picture.png": Attack(huge_picture, "无法读取的图片"),
    "pages.pdf": Attack(lambda p: make_many_pages(p, 10_001), "第 10001 页超过页数上限"),
}


MAKERS: dict[str, Callable[[Path], Path]] = {
    "docx": lambda path: make_docx(path, paragraph("正文") + paragraph("第二段")),
    "xlsx": lambda path: make_xlsx(path, {"表": [["序号", 1], ["合计", 2.5]]}),
    "ofd": lambda path: make_ofd(path, [["投标函"], ["第二页"]], "页眉"),
}


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    """One reader for all attacks: what one does must not harm the next."""
    with Reader() as one:
        yield one


def outcome(reader: Reader, path: Path) -> tuple[str, str]:
    """The name in the refusal, and why the file or a part of it was not read."""
    try:
        return path.name, " ".join(zh for zh, _ in reader.extract(path).skipped)
    except BadDocument as error:
        return error.document, in_words(error.reason, "zh")


@pytest.mark.parametrize("name", ATTACKS)
def test_each_is_refused_or_named_soon_and_in_little_memory(
    reader: Reader, tmp_path: Path, name: str
) -> None:
    path = ATTACKS[name].make(tmp_path / name)
    start = time.perf_counter()
    document, reason = outcome(reader, path)
    assert time.perf_counter() - start < MOST_SECONDS
    assert (document, ATTACKS[name].reason in reason) == (name, True), reason
    assert "root:" not in reason
    assert reader.pid is not None
    assert most_memory(reader.pid) < MOST_MEMORY


def test_a_page_that_never_ends_is_ended_and_named(tmp_path: Path) -> None:
    """Forms that draw forms, ten to the twelfth in all: PDFium would be at it for days."""
    path = make_nested_forms(tmp_path / "forms.pdf", 12, 10)
    with Reader(Limits(silence=2.0)) as reader:
        assert outcome(reader, path) == ("forms.pdf", "读取无响应（第 1 页，2 秒），已中止")
        assert reader.pid is None


def test_the_judge_of_memory_sees_what_an_unbounded_reader_takes(tmp_path: Path) -> None:
    """Pillow alone, told not to mind, takes what the reader above does not."""
    work = (
        "import sys\nfrom PIL import Image\nfrom tests.hostile.bounded_work import memory\n"
        "Image.MAX_IMAGE_PIXELS = None\nImage.open(sys.argv[1]).load()\nprint(memory('VmHWM'))\n"
    )
    path = huge_picture(tmp_path / "picture.png")
    command = [sys.executable, "-c", work, str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, timeout=100)
    assert int(done.stdout) > MOST_MEMORY


@given(data=st.data())
@settings(max_examples=60, deadline=None)
@pytest.mark.parametrize("kind", ["docx", "xlsx", "ofd"])
def test_a_few_spoilt_bytes_give_a_text_or_a_reason(
    tmp_path_factory: pytest.TempPathFactory, kind: str, data: st.DataObject
) -> None:
    folder = tmp_path_factory.getbasetemp() / f"spoilt-{kind}"
    folder.mkdir(exist_ok=True)
    good, bad = folder / f"good.{kind}", folder / f"bad.{kind}"
    if not good.exists():
        MAKERS[kind](good)
    content = bytearray(good.read_bytes())
    places = st.integers(4, len(content) - 1)
    for at, value in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), min_size=1, max_size=4)):
        content[at] = value
    bad.write_bytes(content)
    with suppress(BadDocument):
        assert extract(bad).kind == kind


@given(data=st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_spoilt_pdf_never_ends_its_reader(reader: Reader, tmp_path: Path, data: st.DataObject) -> None:
    path = make_pdf(tmp_path / "good.pdf", ["正文", "第二页"])
    content = bytearray(path.read_bytes())
    places = st.integers(8, len(content) - 1)
    for at, value in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), min_size=1, max_size=6)):
        content[at] = value
    path.with_name("bad.pdf").write_bytes(content)
    _, reason = outcome(reader, path.with_name("bad.pdf"))
    assert "崩溃" not in reason
    assert reader.pid is not None


def test_a_reader_that_stalls_is_ended_with_the_page_named_and_the_next_file_is_read(tmp_path: Path) -> None:
    """A file that never gives a byte stalls whoever opens it."""
    stalling = tmp_path / "stalls.pdf"
    os.mkfifo(stalling)
    good = make_pdf(tmp_path / "good.pdf", ["正文"])
    with Reader(Limits(silence=0.5)) as reader:
        with pytest.raises(BadDocument, match="no answer of its reader"):
            reader.extract(stalling)
        assert reader.pid is None
    with Reader() as reader:
        assert reader.extract(good) == extract(good)


def test_a_crash_in_the_middle_costs_only_that_file(tmp_path: Path) -> None:
    long, good = make_many_pages(tmp_path / "long.pdf", 3000), make_pdf(tmp_path / "good.pdf", ["正文"])
    with Reader() as reader:

        def crash(_: str, done: int, total: int) -> None:
            if done == 100:
                assert total == 3000
                os.kill(reader.pid or 0, signal.SIGSEGV)

        with pytest.raises(BadDocument, match="crashed") as caught:
            reader.extract(long, crash)
        assert caught.value.document == "long.pdf"
        first = reader.extract(good)
        process = reader.pid
        assert reader.extract(good) == first == extract(good)
        assert reader.pid == process


def test_memory_beyond_the_bound_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "large.txt"
    with path.open("w", encoding="utf-8") as file:
        for _ in range(250):
            file.write("工程" * 100_000)
    with Reader(Limits(memory=600 * MEGABYTE, plain_bytes=400 * MEGABYTE)) as reader:
        with pytest.raises(BadDocument, match="more memory than allowed"):
            reader.extract(path)
        assert reader.extract(make_pdf(tmp_path / "good.pdf", ["正文"])).text == "正文\n"


def test_a_person_who_stops_it_leaves_no_process_behind(tmp_path: Path) -> None:
    path = make_many_pages(tmp_path / "long.pdf", 3000)
    with Reader() as reader:
        seen: list[int | None] = []

        def stop(_: str, done: int, __: int) -> None:
            seen.append(reader.pid)
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            reader.extract(path, stop)
        assert reader.pid is None
        assert seen[0] is not None
        with pytest.raises(ProcessLookupError):
            os.kill(seen[0], 0)


def test_problems_of_the_file_come_through_as_they_are(tmp_path: Path) -> None:
    with Reader() as reader:
        with pytest.raises(FileProblem):
            reader.extract(tmp_path / "none.pdf")
        path = make_pdf(tmp_path / "a.pdf", ["第一行\n第二行"])
        assert len(reader.places(path, 1, 0, 7)) == 2


def test_two_readers_work_side_by_side(tmp_path: Path) -> None:
    paths = [make_many_pages(tmp_path / f"{number}.pdf", 400) for number in range(2)]
    found: dict[int, Extract] = {}

    def read(number: int) -> None:
        with Reader() as reader:
            found[number] = reader.extract(paths[number])

    threads = [threading.Thread(target=read, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [len(found[number].pages) for number in range(2)] == [400, 400]


def test_an_extract_survives_the_pipe_byte_for_byte(tmp_path: Path) -> None:
    path = make_docx(tmp_path / "a.docx", paragraph("𠮷 é \u00a0 \u200b 末"))
    here = extract(path)
    with Reader() as reader:
        assert msgspec.msgpack.encode(reader.extract(path)) == msgspec.msgpack.encode(here)
