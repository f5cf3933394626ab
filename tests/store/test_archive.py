"""One archive, two databases: whatever holds for the one holds for the other."""

import multiprocessing
import random
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bidclient.errors import ArchiveUnfit, Busy, NoSuchBid
from bidclient.similarity.passages.compare import compare
from bidclient.similarity.passages.fingerprint import PARAMETERS, SENSITIVE
from bidclient.similarity.passages.source import Query, TextSource
from bidclient.store.archive import Archive, Content, Filed
from bidclient.store.archive_records import KeptDocument, Outdated, RefusedFile
from tests.support.archives import (
    AT,
    READER,
    ArchivePlace,
    add_many,
    extract_of,
    filed,
    known,
    past_bid,
    slow_writer,
    stale,
    text,
    texts,
)
from tests.support.postgres import Server, running_postgres

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["tests.support.archives"])


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running_postgres() as running:
        yield running


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> ArchivePlace:
    """An empty archive."""
    if request.param == "sqlite":
        return ArchivePlace(tmp_path / "archive")
    running: Server = request.getfixturevalue("server")
    running.run("DROP SCHEMA IF EXISTS bidclient_archive CASCADE")
    return ArchivePlace(address=running.address)


@pytest.fixture
def archive(place: ArchivePlace) -> Iterator[Archive]:
    opened = place.open()
    yield opened
    opened.close()


def test_what_is_filed_comes_back(archive: Archive, place: ArchivePlace) -> None:
    words = text(1)
    bid = past_bid(code="C-1")
    number = archive.add(
        bid, [filed(words), Filed("b.dwg", "cd" * 32, None, "不支持", "no such kind")], READER
    )
    other = place.open()
    (kept,) = other.bids("P-L1")
    assert (kept.id, kept.bid, kept.documents, kept.pages, kept.unread) == (number, bid, 2, 2, 1)
    assert other.bids() == [replace(kept, bid=replace(bid, prices=()))]
    assert other.bids("P-L2") == []
    one, two = other.documents(number, READER)
    assert (one.name, one.kind, one.pages, one.current) == ("parts/technical/a.txt", "pdf", 2, True)
    assert one.skipped == extract_of(words).skipped
    assert (two.reason_zh, two.reason_en, two.pages) == ("不支持", "no such kind", 0)
    extract = other.extract(one.id)
    asked = extract_of(words, one.name)
    assert (extract.text, extract.pages, extract.pictures) == (words, asked.pages, asked.pictures)
    assert (extract.sha256, extract.name, extract.skipped) == (asked.sha256, one.name, asked.skipped)
    # A NUL or half a surrogate is not what a database takes: they are replaced, the rest is as it was.
    assert [trait.value for trait in extract.traits] == ["张三\ufffd?"]
    assert other.bid_of(one.id) == kept
    with pytest.raises(NoSuchBid):
        other.extract(two.id)
    other.close()


def test_a_source_is_what_was_read(archive: Archive) -> None:
    words = text(2)
    content = replace(_content(filed(words)), leave_out=((10, 20), (30, 40)))
    number = archive.add(past_bid(lot="L9"), [Filed("a", content.extract.sha256, content)], READER)
    (source,) = archive.sources()
    (document,) = archive.documents(number, READER)
    assert (source.id, source.owner, source.project) == (document.id, "own", "P-L9")
    assert source.text() == words
    assert source.leave_out() == [(10, 20), (30, 40)]
    made = content.fingerprint
    assert source.fingerprint().hashes.tolist() == made.hashes.tolist()
    assert source.fingerprint().positions.tolist() == made.positions.tolist()


def test_a_draft_is_compared_with_it(archive: Archive) -> None:
    copied = text(50, 200)
    words = text(51) + copied + text(52)
    archive.add(past_bid("one", "L1"), [filed(text(53))], READER)
    number = archive.add(past_bid("two", "L2"), [filed(words)], READER)
    archive.add(past_bid("three", "L3"), [filed(text(54))], READER)
    draft = text(60) + copied + text(61)
    with archive.reading():
        found = compare([Query("plan.pdf", draft)], archive.sources())
    (passage,) = found.passages
    assert passage.source == _only(archive.documents(number, READER)).id
    assert draft[passage.start : passage.end] == words[passage.source_start : passage.source_end]
    assert passage.end - passage.start >= 200
    assert archive.bid_of(passage.source).bid.name == "two"
    assert archive.extract(passage.source).page_at(passage.source_start) == 1


def test_by_other_parameters_a_fingerprint_is_made_from_the_text(archive: Archive) -> None:
    words = text(3)
    archive.add(past_bid(), [filed(words)], READER)
    (source,) = archive.sources(parameters=SENSITIVE)
    wanted = TextSource(0, "own", words, parameters=SENSITIVE).fingerprint()
    assert source.fingerprint().hashes.tolist() == wanted.hashes.tolist()
    assert len(wanted.hashes) > len(next(iter(archive.sources())).fingerprint().hashes)


def test_sources_come_in_order_and_only_those_that_are_wanted(archive: Archive) -> None:
    for number in range(40):
        archive.add(past_bid(f"b{number}", f"L{number}"), [filed(text(number, 60))], READER)
    archive.add(past_bid("house style", owner="template"), [filed(text(900))], READER)
    archive.add(past_bid("statutes", owner="public"), [filed(text(901))], READER)
    own = list(archive.sources())
    assert [source.text() for source in own] == [text(number, 60) for number in range(40)]
    assert [source.id for source in own] == sorted(source.id for source in own)
    assert [source.owner for source in archive.sources(("template", "public"))] == ["template", "public"]
    rest = list(archive.sources(without_lots=("L3", "code-L5", "unknown")))
    assert {source.project for source in own} - {source.project for source in rest} == {"P-L3", "P-L5"}
    described = list(archive.descriptions(without_lots=("L3",)))
    assert [one.document for one in described] == [source.id for source in own if source.project != "P-L3"]
    assert described[0].pictures == extract_of(text(0, 60)).pictures
    assert described[0].traits[0].key == "pdf.author"


def test_a_file_is_kept_once_and_lives_as_long_as_a_bid_has_it(archive: Archive) -> None:
    licence, method = filed(text(5), "licence"), filed(text(6), "method")
    assert archive.missing({licence.sha256, method.sha256}, READER) == {licence.sha256, method.sha256}
    first = archive.add(past_bid("one", "L1"), [licence, method], READER)
    second = archive.add(past_bid("two", "L2"), [known(licence)], READER)
    assert archive.missing({licence.sha256}, READER) == frozenset()
    assert archive.missing({licence.sha256}, "another reader") == {licence.sha256}
    # In two bids it is two sources: what is in three projects is a template.
    assert [source.project for source in archive.sources()].count("P-L2") == 1
    assert texts(archive) == [text(5), text(6), text(5)]
    assert archive.remove(first).bid.name == "one"
    assert texts(archive) == [text(5)]
    assert archive.missing({licence.sha256, method.sha256}, READER) == {method.sha256}
    archive.remove(second)
    assert archive.missing({licence.sha256}, READER) == {licence.sha256}
    assert archive.bids() == []


def test_the_same_bid_again_takes_the_place_of_the_old(archive: Archive) -> None:
    first = archive.add(past_bid(code="C"), [filed(text(1), "a"), filed(text(2), "b")], READER)
    again = archive.add(replace(past_bid("renamed", code="C"), total_fen=None), [filed(text(3), "a")], READER)
    assert again == first
    (kept,) = archive.bids()
    assert (kept.bid.name, kept.bid.total_fen, kept.documents) == ("renamed", None, 1)
    assert texts(archive) == [text(3)]
    # A copied project keeps its creation code: for another lot it is another bid.
    archive.add(past_bid(lot="L2", code="C"), [filed(text(4))], READER)
    archive.add(past_bid("plain", "L2"), [filed(text(7))], READER)
    archive.add(past_bid("plain too", "L2"), [filed(text(8))], READER)
    assert len(archive.bids()) == 4


def test_what_another_version_did_is_told_and_done_anew(archive: Archive) -> None:
    documents = [filed(text(number), f"d{number}") for number in range(40)]
    old = [replace(one, content=stale(_content(one))) for one in documents]
    archive.add(past_bid(), old, READER)
    assert archive.outdated(READER) == Outdated(40, 0)
    assert archive.outdated("2") == Outdated(40, 40)
    # Nothing is missed meanwhile: the fingerprint is made from the text.
    wanted = TextSource(0, "own", text(0), parameters=PARAMETERS).fingerprint().hashes.tolist()
    assert next(iter(archive.sources())).fingerprint().hashes.tolist() == wanted
    steps: list[tuple[str, int, int]] = []
    assert archive.reindex(lambda *step: steps.append(step)) == 40
    assert steps == [("reindex", 32, 40), ("reindex", 40, 40)]
    assert archive.outdated(READER) == Outdated(0, 0)
    assert archive.reindex() == 0
    assert texts(archive) == [text(number) for number in range(40)]


def test_what_a_newer_reader_gives_replaces_the_old(archive: Archive) -> None:
    document = filed(text(1))
    number = archive.add(past_bid(), [document], READER)
    assert not _only(archive.documents(number, "2")).current
    better = replace(_content(document), reader="2")
    archive.add(past_bid(), [replace(document, content=better)], "2")
    assert _only(archive.documents(number, "2")).current
    assert archive.missing({document.sha256}, READER) == {document.sha256}
    # Read again under the same version, for example with a text recognition that was not there before.
    other = replace(better, extract=replace(better.extract, text=text(9)))
    archive.add(past_bid(), [replace(document, content=other)], "2")
    assert texts(archive) == [text(9)]


def test_refused_files_are_on_record(archive: Archive) -> None:
    files = [RefusedFile("对手.asice", "ef" * 32, AT), RefusedFile("b.pdf", "01" * 32, AT)]
    for file in files:
        archive.refuse(file)
    assert archive.refused() == files
    assert archive.bids() == []


def test_a_number_that_is_not_there(archive: Archive) -> None:
    number = archive.add(past_bid(), [filed(text(1))], READER)
    archive.remove(number)
    for ask in (archive.remove, archive.extract, archive.bid_of, lambda n: archive.documents(n, READER)):
        with pytest.raises(NoSuchBid):
            ask(number)
    # A number is never given twice: what a report names stays what it was.
    assert archive.add(past_bid(), [filed(text(1))], READER) > number


def test_what_was_removed_by_another_meanwhile_is_not_filed_empty(
    archive: Archive, place: ArchivePlace
) -> None:
    document = filed(text(1))
    number = archive.add(past_bid("one", "L1"), [document], READER)
    assert archive.missing({document.sha256}, READER) == frozenset()
    other = place.open()
    other.remove(number)
    with pytest.raises(Busy):
        archive.add(past_bid("two", "L2"), [known(document)], READER)
    assert archive.bids() == []
    other.close()


def test_a_reader_sees_one_state(archive: Archive, place: ArchivePlace) -> None:
    archive.add(past_bid("one", "L1"), [filed(text(1))], READER)
    other = place.open()
    with archive.reading():
        assert texts(archive) == [text(1)]
        other.add(past_bid("two", "L2"), [filed(text(2))], READER)
        other.remove(other.bids()[0].id)
        with archive.reading():
            assert texts(archive) == [text(1)]
    assert texts(archive) == [text(2)]
    other.close()


def test_an_error_in_the_middle_leaves_nothing(archive: Archive) -> None:
    archive.add(past_bid(), [filed(text(1), "a")], READER)
    before = archive.bids()
    with pytest.raises(Busy):
        archive.add(past_bid(), [filed(text(2), "b"), Filed("gone", "99" * 32)], READER)
    assert archive.bids() == before
    assert texts(archive) == [text(1)]


def test_two_processes_add_at_once(archive: Archive, place: ArchivePlace) -> None:
    workers = [
        _context.Process(target=add_many, args=(place, range(start, start + 5))) for start in (100, 200)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    assert {kept.bid.name for kept in archive.bids()} == {
        f"bid-{n}" for start in (100, 200) for n in range(start, start + 5)
    }
    assert len(texts(archive)) == 30


def test_who_waits_too_long_is_told_and_who_reads_does_not_wait(
    archive: Archive, place: ArchivePlace
) -> None:
    archive.add(past_bid(), [filed(text(1))], READER)
    ready, go_on = _context.Event(), _context.Event()
    writer = _context.Process(target=slow_writer, args=(place, ready, go_on))
    writer.start()
    assert ready.wait(60)
    hasty = place.open(patience=0.05)
    with pytest.raises(Busy) as caught:
        hasty.add(past_bid("other"), [filed(text(2))], READER)
    assert caught.value.retryable
    assert texts(hasty) == [text(1)]
    go_on.set()
    writer.join(60)
    hasty.add(past_bid("other"), [filed(text(2))], READER)
    assert len(texts(hasty)) == 2
    hasty.close()


def test_killed_at_any_instant(archive: Archive, place: ArchivePlace) -> None:
    seed = random.SystemRandom().randrange(2**32)
    chance = random.Random(seed)
    volumes = [text(7 * 10 + n, 40_000) for n in range(3)]
    start = time.monotonic()
    add_many(place, [7])
    seconds = time.monotonic() - start
    archive.remove(archive.bids()[0].id)
    for instant in range(6):
        ready = _context.Event()
        worker = _context.Process(target=add_many, args=(place, [7], ready))
        worker.start()
        assert ready.wait(60)
        worker.join(chance.uniform(0, seconds))
        worker.kill()
        worker.join(60)
        told = f"seed {seed}, instant {instant}"
        # A server may need a moment to notice that its client has gone; its lock is what we wait for.
        other = place.open()
        other.refuse(RefusedFile(told, "00" * 32, AT))
        assert [kept.documents for kept in other.bids()] in ([], [3]), told
        assert texts(other) in ([], volumes), told
        for kept in other.bids():
            other.remove(kept.id)
        other.close()
    add_many(place, [7])
    assert texts(archive) == volumes


def test_a_newer_layout_is_refused(archive: Archive, place: ArchivePlace) -> None:
    tables = archive._tables  # type: ignore[attr-defined]
    with tables.writing():
        tables.run("UPDATE meta SET value = 99")
    with pytest.raises(ArchiveUnfit) as caught:
        place.open()
    assert "99" in caught.value.reason


def test_damage_is_told(archive: Archive) -> None:
    archive.add(past_bid(), [filed(text(1))], READER)
    tables = archive._tables  # type: ignore[attr-defined]
    with tables.writing():
        tables.run("UPDATE body SET letters = ?", b"damaged")
        tables.run("UPDATE fingerprint SET hashes = ?", b"12345")
        tables.run("UPDATE description SET traits = ?", b"damaged")
    (source,) = archive.sources()
    for ask in (source.text, source.fingerprint, lambda: list(archive.descriptions())):
        with pytest.raises(ArchiveUnfit):
            ask()


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    words=st.text(st.characters(codec=None), max_size=200),
    name=st.text(st.characters(codec=None), max_size=30),
)
def test_any_text_and_any_name(archive: Archive, words: str, name: str) -> None:
    document = filed(words, name)
    number = archive.add(past_bid(name, name), [document], READER)
    assert archive.extract(_only(archive.documents(number, READER)).id).text == words
    archive.remove(number)


def _content(document: Filed) -> Content:
    assert document.content is not None
    return document.content


def _only(documents: list[KeptDocument]) -> KeptDocument:
    (one,) = documents
    return one
