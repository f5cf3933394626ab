"""Uploads over lines that break in every way we know, against a real server on this computer."""

import hashlib
import random
from contextlib import AbstractContextManager
from pathlib import Path
from urllib.parse import urljoin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bidclient.errors import (
    BadFormat,
    Cancelled,
    DeadlinePassed,
    FileProblem,
    Mismatch,
    Rejected,
    Untrusted,
    UploadInterrupted,
)
from bidclient.network.transport import Transport
from bidclient.network.upload import LARGEST, SMALLEST, PieceSize, Upload
from tests.support.loopback import Answer, Asked, TusFaults, TusServer, answering, problem, transport_to

SIZE = 9 * 1024 * 1024 + 17
MEBIBYTE = 1024 * 1024


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("upload") / "bid.sealed"
    path.write_bytes(random.Random(1).randbytes(SIZE))
    return path


def server_of(upload: str) -> AbstractContextManager[Transport]:
    """A transport to the server that an upload has its address on."""
    return transport_to(urljoin(upload, "/"))


def uploaded(
    file: Path, server: TusServer, patience: float = 60, read_timeout: float = 30
) -> tuple[int, list[int]]:
    """Upload the file; the number of bytes and the offsets that progress told."""
    offsets: list[int] = []
    with server.serving() as address, server_of(address) as transport:
        sent = Upload(transport, address).send(
            file,
            progress=lambda _, done, __: offsets.append(done),
            patience=patience,
            read_timeout=read_timeout,
        )
    return sent, offsets


def arrived_whole(file: Path, server: TusServer) -> bool:
    return hashlib.sha256(server.stored).digest() == hashlib.sha256(file.read_bytes()).digest()


def test_a_file_goes_up_in_growing_pieces(file: Path) -> None:
    server = TusServer(SIZE)
    sent, offsets = uploaded(file, server)
    assert sent == SIZE
    assert arrived_whole(file, server)
    assert server.pieces == [4 * MEBIBYTE, SIZE - 4 * MEBIBYTE]
    assert offsets == [4 * MEBIBYTE, SIZE]


@pytest.mark.parametrize(
    "faults",
    [
        TusFaults(lose_replies=2),
        TusFaults(refuse_checksums=3),
        TusFaults(wrong_offsets=3),
        TusFaults(unavailable=2),
        TusFaults(no_head=2),
        TusFaults(status=200),
        TusFaults(reset_every=3 * MEBIBYTE),
        TusFaults(reset_every=700 * 1024, lose_replies=1, refuse_checksums=1),
    ],
    ids=["lost", "460", "409", "503", "head", "200", "reset-3M", "all"],
)
def test_the_file_arrives_whole_whatever_happens_on_the_way(file: Path, faults: TusFaults) -> None:
    server = TusServer(SIZE, faults)
    sent, offsets = uploaded(file, server)
    assert sent == SIZE
    assert arrived_whole(file, server)
    assert offsets == sorted(offsets)


def test_on_a_line_that_breaks_every_3_megabytes_pieces_become_small_enough(file: Path) -> None:
    server = TusServer(SIZE, TusFaults(reset_every=3 * MEBIBYTE))
    uploaded(file, server)
    assert max(server.pieces) <= 3 * MEBIBYTE
    assert server.requests.count("PATCH") < 3 * len(server.pieces) + 8


def test_a_silent_server_is_left_after_the_read_timeout_and_the_upload_goes_on(file: Path) -> None:
    server = TusServer(SIZE, TusFaults(stall=1))
    sent, _ = uploaded(file, server, read_timeout=0.3)
    assert sent == SIZE
    assert arrived_whole(file, server)


def test_a_proxy_without_patch_is_passed_with_the_override(file: Path) -> None:
    server = TusServer(SIZE, TusFaults(no_patch=True))
    uploaded(file, server)
    assert arrived_whole(file, server)
    assert server.requests.count("PATCH") == 1


def test_an_upload_goes_on_where_the_server_stands(file: Path) -> None:
    begun = file.read_bytes()[: 5 * MEBIBYTE]
    server = TusServer(SIZE, stored=bytearray(begun))
    _, offsets = uploaded(file, server)
    assert offsets[0] == 5 * MEBIBYTE
    assert sum(server.pieces) == SIZE - 5 * MEBIBYTE
    assert arrived_whole(file, server)


def test_a_finished_upload_sends_nothing_more(file: Path) -> None:
    server = TusServer(SIZE, stored=bytearray(file.read_bytes()))
    assert uploaded(file, server) == (SIZE, [SIZE])
    assert server.requests == ["HEAD"]


def test_an_empty_file_is_an_upload_too(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.touch()
    assert uploaded(empty, TusServer(0)) == (0, [0])


def test_the_deadline_is_seen_while_the_body_is_still_being_sent(file: Path) -> None:
    server = TusServer(SIZE, TusFaults(deadline_after=4 * MEBIBYTE))
    with pytest.raises(DeadlinePassed) as caught:
        uploaded(file, server)
    assert caught.value.deadline == "2026-12-01T09:30:00.000+08:00"
    assert len(server.stored) == 4 * MEBIBYTE


def test_patience_ends_with_what_the_server_has(file: Path) -> None:
    server = TusServer(
        SIZE, TusFaults(refuse_checksums=10_000), stored=bytearray(file.read_bytes()[:MEBIBYTE])
    )
    with pytest.raises(UploadInterrupted) as caught:
        uploaded(file, server, patience=0.5)
    assert (caught.value.offset, caught.value.size) == (MEBIBYTE, SIZE)
    assert "checksum-mismatch" in caught.value.reason
    assert len(server.stored) == MEBIBYTE


def test_a_server_that_is_gone_ends_the_upload(file: Path) -> None:
    with TusServer(SIZE).serving() as address:
        pass
    with server_of(address) as transport, pytest.raises(UploadInterrupted):
        Upload(transport, address).send(file, patience=0.2)


def test_a_person_can_stop_it(file: Path) -> None:
    server = TusServer(SIZE)
    with server.serving() as address, server_of(address) as transport, pytest.raises(Cancelled):
        Upload(transport, address).send(file, cancelled=lambda: bool(server.pieces))
    assert len(server.pieces) == 1


def test_an_upload_of_another_size_is_not_ours(file: Path) -> None:
    server = TusServer(SIZE + 1)
    with pytest.raises(Mismatch):
        uploaded(file, server)
    assert not server.pieces


@pytest.mark.parametrize("told", ["-1", "1.5", "９", "9" * 5000, str(SIZE + 1), ""])
def test_an_offset_that_cannot_be_is_not_believed(file: Path, told: str) -> None:
    state = {"Upload-Offset": told.encode().decode("latin-1"), "Upload-Length": str(SIZE)}
    with (
        answering(lambda _: Answer(200, b"", state)) as (address, _),
        transport_to(address) as transport,
        pytest.raises(BadFormat),
    ):
        Upload(transport, f"{address}/v1/uploads/u").send(file)


def test_a_file_that_becomes_shorter_meanwhile_is_said_so(tmp_path: Path) -> None:
    file = tmp_path / "bid.sealed"
    file.write_bytes(bytes(6 * MEBIBYTE))
    server = TusServer(6 * MEBIBYTE)

    def shorten(_step: str, done: int, _size: int) -> None:
        with file.open("r+b") as opened:
            opened.truncate(done)

    with server.serving() as address, server_of(address) as transport, pytest.raises(FileProblem):
        Upload(transport, address).send(file, progress=shorten)


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(FileProblem):
        uploaded(tmp_path / "missing", TusServer(1))


@pytest.mark.parametrize(("status", "code"), [(410, "gone"), (404, "not-found"), (413, "payload-too-large")])
def test_a_final_refusal_is_not_repeated(file: Path, status: int, code: str) -> None:
    def answer(asked: Asked) -> Answer:
        if asked.method == "HEAD":
            return Answer(200, b"", {"Upload-Offset": "0", "Upload-Length": str(SIZE)})
        return problem(code, status)

    with answering(answer) as (address, asked), transport_to(address) as transport:
        with pytest.raises(Rejected) as caught:
            Upload(transport, f"{address}/v1/uploads/u").send(file)
        assert (caught.value.problem, caught.value.status) == (code, status)
        assert [item.method for item in asked] == ["HEAD", "PATCH"]


def test_creation_names_length_and_metadata_and_termination_ends_it(tmp_path: Path) -> None:
    def answer(asked: Asked) -> Answer:
        if asked.method == "POST":
            return Answer(201, b"", {"Location": "/v1/uploads/new"})
        return Answer(204)

    with answering(answer) as (address, asked), transport_to(address) as transport:
        upload = Upload.create(transport, "/v1/uploads", 12, {"submission": "s-1"})
        assert upload.address == f"{address}/v1/uploads/new"
        assert (asked[0].headers["Upload-Length"], asked[0].headers["Upload-Metadata"]) == (
            "12",
            "submission cy0x",
        )
        Upload.create(transport, "/v1/uploads", 12, {})
        assert "Upload-Metadata" not in asked[1].headers, "an empty one is not allowed"
        upload.terminate()
        assert (asked[2].method, asked[2].path) == ("DELETE", "/v1/uploads/new")


def test_an_upload_at_another_server_is_refused() -> None:
    with (
        answering(lambda _: Answer(201, b"", {"Location": "http://example.org/u"})) as (address, _),
        transport_to(address) as transport,
        pytest.raises(Untrusted),
    ):
        Upload.create(transport, "/v1/uploads", 1, {})


@pytest.fixture
def piece() -> PieceSize:
    return PieceSize(LARGEST)


@given(st.lists(st.booleans(), max_size=60), st.integers(1, 64 * MEBIBYTE))
def test_a_piece_is_never_too_small_nor_too_large(outcomes: list[bool], largest: int) -> None:
    piece = PieceSize(largest)
    for passed in outcomes:
        piece.passed() if passed else piece.failed()
        assert min(SMALLEST, largest) <= piece.bytes <= min(LARGEST, largest)


def test_a_size_that_failed_is_tried_again_only_after_many_that_passed(piece: PieceSize) -> None:
    piece.failed()
    assert piece.bytes == 2 * MEBIBYTE
    sizes = []
    for _ in range(8):
        piece.passed()
        sizes.append(piece.bytes)
    assert sizes == [2 * MEBIBYTE] * 7 + [4 * MEBIBYTE]
