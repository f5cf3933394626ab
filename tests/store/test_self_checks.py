"""Reports stay with the bid, each as it was made; what was read and compared before is known again."""

import os
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from bidclient.errors import BadFormat, NotCanonical
from bidclient.similarity.passages.compare import Coverage
from bidclient.similarity.passages.passage import Passage
from bidclient.similarity.reading.document import Extract, Page, Picture, Trait
from bidclient.similarity.report.self_check import Acceptance
from bidclient.store.check_cache import CheckCache, Compared
from bidclient.store.self_checks import PAGE, REPORT, SelfChecks
from tests.support.self_check import AT, DIGEST, OTHER, finding, record

EXTRACT = Extract(
    "方案.pdf",
    DIGEST,
    "pdf",
    "施工方案\ud800",
    (Page(1, 0, 5, "text"), Page(0, 5, 5, "blank")),
    (Picture(1, OTHER, 640, 480, bytes(32), (("Make", "相机"),)),),
    (Trait("pdf.author", "张三", "strong"),),
    (("扫描件", "a scan"),),
)
COMPARED = Compared(
    (Passage("technical/方案.pdf", 0, 40, 7, 3, 44, 0.9375, "reworded", "", 2),),
    Coverage("technical/方案.pdf", 100, 40, 0, 0, 0),
)


def test_each_report_has_its_number_and_the_newest_is_the_last(tmp_path: Path) -> None:
    checks = SelfChecks(tmp_path)
    assert checks.latest() is None
    first = checks.keep(record(finding()), b"<p>1")
    second = checks.keep(record(), b"<p>2")
    assert [one.name for one in (first, second)] == ["001", "002"]
    assert checks.latest() == (second, record())
    assert (first / PAGE).read_bytes() == b"<p>1"


def test_a_report_that_says_nothing_new_is_not_kept_again(tmp_path: Path) -> None:
    checks = SelfChecks(tmp_path)
    first = checks.keep(record(finding()), b"")
    later = msgspec.structs.replace(record(finding()), made_at="2026-11-24T09:00:00.000+08:00")
    assert checks.keep(later, b"") == first
    assert checks.latest() == (first, record(finding()))


def test_a_report_that_was_changed_is_not_believed(tmp_path: Path) -> None:
    checks = SelfChecks(tmp_path)
    path = checks.keep(record(finding()), b"") / REPORT
    content = path.read_bytes()
    path.write_bytes(content.replace(b'"severity":"warning"', b'"severity":"harmless"'))
    with pytest.raises(BadFormat):
        checks.latest()
    path.write_bytes(content + b"\n")
    with pytest.raises(NotCanonical):
        checks.latest()


def test_what_was_explained_is_known_by_the_finding(tmp_path: Path) -> None:
    checks = SelfChecks(tmp_path)
    assert checks.accepted() == {}
    one, other = Acceptance(DIGEST, "TXT-002", "业绩表", AT), Acceptance(OTHER, "ERR-001", "术语", AT)
    checks.accept([one])
    checks.accept([other, msgspec.structs.replace(one, reason="业绩表第三行")])
    assert {number: kept.reason for number, kept in checks.accepted().items()} == {
        DIGEST: "业绩表第三行",
        OTHER: "术语",
    }
    # It lies among the reports and is not taken for one.
    assert checks.latest() is None


def test_what_was_read_is_known_under_any_name(tmp_path: Path) -> None:
    cache = CheckCache(tmp_path / "cache")
    assert cache.extract("a.pdf", (DIGEST, "1")) is None
    cache.keep_extract((DIGEST, "1"), replace(EXTRACT, text="施工方案"))
    assert cache.extract("另一个名字.pdf", (DIGEST, "1")) == replace(
        EXTRACT, name="另一个名字.pdf", text="施工方案"
    )
    for key in ((OTHER, "1"), (DIGEST, "2"), (DIGEST,), (DIGEST, "1", "ocr")):
        assert cache.extract("a.pdf", key) is None
    # What has no UTF-8 is read again each time, and is no reason to fail.
    cache.keep_extract((OTHER, "1"), EXTRACT)
    assert cache.extract("a.pdf", (OTHER, "1")) is None


def test_what_was_compared_is_known_for_a_document_that_was_renamed(tmp_path: Path) -> None:
    cache = CheckCache(tmp_path / "cache")
    cache.keep_compared((DIGEST, "state"), COMPARED)
    assert cache.compared("technical/方案.pdf", (DIGEST, "state")) == COMPARED
    renamed = cache.compared("technical/新.pdf", (DIGEST, "state"))
    assert renamed is not None
    assert {renamed.coverage.document, renamed.passages[0].document} == {"technical/新.pdf"}
    assert cache.compared("technical/方案.pdf", (DIGEST, "another state")) is None


def test_a_damaged_file_of_the_cache_counts_as_none(tmp_path: Path) -> None:
    cache = CheckCache(tmp_path)
    cache.keep_compared((DIGEST,), COMPARED)
    (path,) = tmp_path.iterdir()
    content = path.read_bytes()
    for damaged in (b"", content[:-9], bytes([content[0] ^ 255]) + content[1:], os.urandom(len(content))):
        path.write_bytes(damaged)
        assert cache.compared("a", (DIGEST,)) is None
    if os.name == "posix":
        path.write_bytes(content)
        assert path.stat().st_mode & 0o077 == 0


def test_what_was_used_longest_ago_goes_first(tmp_path: Path) -> None:
    def extract(number: int) -> Extract:
        return replace(EXTRACT, text=os.urandom(2000).hex(), name=str(number))

    cache = CheckCache(tmp_path, most_bytes=4000)
    for number in range(2):
        cache.keep_extract((str(number),), extract(number))
        path = max(tmp_path.iterdir(), key=lambda one: one.stat().st_mtime_ns)
        os.utime(path, (number + 1, number + 1))
    cache.keep_extract(("2",), extract(2))
    assert [cache.extract("a", (str(number),)) is not None for number in range(3)] == [False, False, True]


def test_without_a_folder_nothing_is_kept() -> None:
    cache = CheckCache(None)
    cache.keep_compared((DIGEST,), COMPARED)
    assert cache.compared("a", (DIGEST,)) is None


def test_a_cache_that_cannot_be_written_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    cache = CheckCache(tmp_path / "file" / "cache")
    cache.keep_compared((DIGEST,), COMPARED)
    assert cache.compared("a", (DIGEST,)) is None
