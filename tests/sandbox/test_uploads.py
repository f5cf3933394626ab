"""The tus server, check by check: versions, headers, offsets, checksums, take-over, expiry, termination."""

import hashlib
import json
import socket
import time
from base64 import b64encode
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from tests.sandbox.conftest import DEADLINE, Market
from tests.support.firms import TUS, Bid, Firm, code_of


@pytest.fixture
def started(market: Market) -> tuple[Market, Firm, Bid, dict[str, Any]]:
    """A submission that waits for its bytes."""
    firm = market.firms[0]
    bid = market.bid(firm, size=60_000)
    firm.register(market.lot)
    return market, firm, bid, firm.create(market.lot, bid.stub).json()


Started = tuple[Market, Firm, Bid, dict[str, Any]]


def head(firm: Firm, view: dict[str, Any]) -> requests.Response:
    return firm.call("HEAD", view["upload_url"], headers=TUS)


def stored(firm: Firm, view: dict[str, Any]) -> int:
    return int(head(firm, view).headers["Upload-Offset"])


def create(firm: Firm, view: dict[str, Any], **changes: str) -> requests.Response:
    """tus creation, with headers changed; an empty one is left out."""
    metadata = "submission " + b64encode(view["id"].encode()).decode()
    sent = {**TUS, "Upload-Length": str(view["size"]), "Upload-Metadata": metadata}
    sent |= {name.replace("_", "-"): value for name, value in changes.items()}
    return firm.call("POST", "/v1/uploads", headers={name: value for name, value in sent.items() if value})


def test_options_tell_what_is_spoken(started: Started) -> None:
    _, firm, _, _ = started
    answer = firm.call("OPTIONS", "/v1/uploads")
    assert answer.status_code == 204
    assert answer.headers["Tus-Version"] == "1.0.0"
    assert set(answer.headers["Tus-Extension"].split(",")) == {
        "creation",
        "checksum",
        "expiration",
        "termination",
    }
    assert answer.headers["Tus-Checksum-Algorithm"] == "sha256"
    assert int(answer.headers["Tus-Max-Size"]) > 2**31


def test_creation_gives_the_upload_of_the_submission(started: Started) -> None:
    _, firm, _, view = started
    answer = create(firm, view)
    assert answer.status_code == 201
    assert answer.headers["Location"] == view["upload_url"]
    assert answer.headers["Tus-Resumable"] == "1.0.0"
    assert "GMT" in answer.headers["Upload-Expires"]
    assert create(firm, view).headers["Location"] == view["upload_url"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"Tus_Resumable": "0.2.2"}, "precondition"),
        ({"Tus_Resumable": ""}, "precondition"),
        ({"Upload_Length": ""}, "bad-request"),
        ({"Upload_Length": "-1"}, "bad-request"),
        ({"Upload_Length": "x"}, "bad-request"),
        ({"Upload_Length": "1"}, "bad-request"),
        ({"Upload_Length": str(2**50)}, "payload-too-large"),
        ({"Upload_Metadata": ""}, "bad-request"),
        ({"Upload_Metadata": "submission ?"}, "bad-request"),
        ({"Upload_Metadata": "submission UzA="}, "not-found"),
    ],
)
def test_a_creation_that_lacks_something_is_refused(
    started: Started, changes: dict[str, str], code: str
) -> None:
    _, firm, _, view = started
    assert code_of(create(firm, view, **changes)) == code


def test_head_tells_the_offset_and_no_cache_keeps_it(started: Started) -> None:
    _, firm, bid, view = started
    firm.patch(view["upload_url"], 0, bid.sealed.path.read_bytes()[:1000])
    answer = head(firm, view)
    assert answer.status_code == 200
    assert answer.headers["Upload-Offset"] == "1000"
    assert answer.headers["Upload-Length"] == str(bid.sealed.size)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Bidnet-Upload-State"] == "open"
    assert firm.call("HEAD", view["upload_url"]).status_code == 412
    assert firm.call("HEAD", "/v1/uploads/U" + "0" * 32, headers=TUS).status_code == 404


def test_patches_follow_each_other(started: Started) -> None:
    _, firm, bid, view = started
    data = bid.sealed.path.read_bytes()
    answer = firm.patch(view["upload_url"], 0, data[:4096])
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, "4096")
    assert "Upload-Expires" in answer.headers
    late = firm.patch(view["upload_url"], 0, data[:4096])
    assert (code_of(late), late.json()["offset"]) == ("offset-mismatch", 4096)
    assert late.headers["Upload-Offset"] == "4096"
    assert code_of(firm.patch(view["upload_url"], 8000, data[8000:])) == "offset-mismatch"
    assert firm.patch(view["upload_url"], 4096, data[4096:]).status_code == 204
    assert firm.call("GET", f"/v1/submissions/{view['id']}").json()["state"] == "uploaded"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"Tus_Resumable": "0.2.2"}, "precondition"),
        ({"Content_Type": "application/octet-stream"}, "unsupported-media-type"),
        ({"Upload_Offset": "-1"}, "bad-request"),
        ({"Upload_Offset": "x"}, "bad-request"),
        ({"Upload_Checksum": "md5 AAAA"}, "bad-request"),
        ({"Upload_Checksum": "sha256 ?"}, "bad-request"),
    ],
)
def test_a_patch_that_is_refused_stores_nothing(started: Started, changes: dict[str, str], code: str) -> None:
    _, firm, bid, view = started
    answer = firm.patch(view["upload_url"], 0, bid.sealed.path.read_bytes()[:5000], None, **changes)
    assert code_of(answer) == code
    assert stored(firm, view) == 0


def test_a_wrong_checksum_leaves_the_offset_where_it_was(started: Started) -> None:
    _, firm, bid, view = started
    data = bid.sealed.path.read_bytes()
    answer = firm.patch(view["upload_url"], 0, data[:5000], hashlib.sha256(b"other").digest())
    assert answer.status_code == 460
    assert code_of(answer) == "checksum-mismatch"
    assert stored(firm, view) == 0
    assert firm.patch(view["upload_url"], 0, data[:5000]).status_code == 204


def test_more_bytes_than_announced_are_refused(started: Started) -> None:
    _, firm, bid, view = started
    data = bid.sealed.path.read_bytes()
    assert code_of(firm.patch(view["upload_url"], 0, data + b"x")) == "payload-too-large"
    assert firm.patch(view["upload_url"], 0, data).status_code == 204
    assert code_of(firm.patch(view["upload_url"], len(data), b"x")) == "payload-too-large"


def test_proxies_without_patch_can_be_passed(started: Started) -> None:
    _, firm, bid, view = started
    data = bid.sealed.path.read_bytes()
    override = {**TUS, "X-HTTP-Method-Override": "PATCH", "Content-Type": "application/offset+octet-stream"}
    answer = firm.call("POST", view["upload_url"], data=data, headers={**override, "Upload-Offset": "0"})
    assert answer.status_code == 204
    answer = firm.call("POST", view["upload_url"], headers={**TUS, "X-HTTP-Method-Override": "HEAD"})
    assert answer.headers["Upload-Offset"] == str(len(data))
    assert code_of(firm.call("POST", view["upload_url"], headers=TUS)) == "bad-request"
    answer = firm.call("PUT", view["upload_url"], headers=TUS)
    assert code_of(answer) == "method-not-allowed"
    assert set(answer.headers["Allow"].replace(" ", "").split(",")) == {"HEAD", "PATCH", "DELETE", "POST"}


def test_termination_removes_the_bytes(started: Started) -> None:
    market, firm, bid, view = started
    firm.patch(view["upload_url"], 0, bid.sealed.path.read_bytes()[:1000])
    assert firm.call("DELETE", view["upload_url"], headers=TUS).status_code == 204
    assert head(firm, view).status_code == 410
    assert code_of(firm.patch(view["upload_url"], 1000, b"x")) == "gone"
    assert not market.sandbox.world.upload_path(view["upload_url"].rsplit("/", 1)[1]).exists()
    assert firm.create(market.lot, bid.stub).json()["id"] != view["id"]


def test_what_is_submitted_cannot_be_terminated(started: Started) -> None:
    _, firm, bid, view = started
    firm.upload(view, bid.sealed.path)
    firm.finalize(view, bid.stub)
    assert code_of(firm.call("DELETE", view["upload_url"], headers=TUS)) == "wrong-state"
    assert stored(firm, view) == bid.sealed.size


def test_unfinished_uploads_expire(started: Started) -> None:
    market, firm, bid, view = started
    firm.patch(view["upload_url"], 0, bid.sealed.path.read_bytes()[:1000])
    market.sandbox.at(DEADLINE + timedelta(days=6))
    closed = head(firm, view)
    assert (closed.status_code, closed.headers["Bidnet-Upload-State"]) == (200, "closed")
    market.sandbox.at(DEADLINE + timedelta(days=8))
    assert head(firm, view).status_code == 410


class Line:
    """A raw connection, for saying half of something."""

    def __init__(self, firm: Firm) -> None:
        host, _, port = urlsplit(firm.url).netloc.partition(":")
        self._socket = socket.create_connection((host, int(port)), 20)
        self._firm = firm

    def begin_patch(self, view: dict[str, Any], length: int, sent: bytes, offset: int = 0) -> None:
        """The head of a PATCH of `length` bytes, and the first of them."""
        lines = [
            f"PATCH {view['upload_url']} HTTP/1.1",
            f"Host: {urlsplit(self._firm.url).netloc}",
            f"Authorization: {self._firm.http.headers['Authorization']!s}",
            "Tus-Resumable: 1.0.0",
            "Content-Type: application/offset+octet-stream",
            f"Upload-Offset: {offset}",
            f"Content-Length: {length}",
        ]
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode() + sent)

    def send(self, data: bytes) -> None:
        """More bytes."""
        self._socket.sendall(data)

    def answer(self) -> str:
        """All that comes until a whole JSON object has come."""
        self._socket.settimeout(20)
        got = b""
        while not got.endswith(b"}"):
            piece = self._socket.recv(65536)
            assert piece, "the line ended"
            got += piece
        return got.decode()

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


def wait_for_bytes(market: Market, count: int) -> None:
    """Return when the server has read so many bytes of uploads."""
    end = time.monotonic() + 20
    while market.sandbox.world.transfers.passed < count:
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_newer_request_takes_over_from_a_stalled_one(started: Started) -> None:
    market, firm, bid, view = started
    data = bid.sealed.path.read_bytes()
    stalled = Line(firm)
    stalled.begin_patch(view, len(data), data[:7000])
    wait_for_bytes(market, 7000)
    began = time.monotonic()
    offset = stored(firm, view)
    assert time.monotonic() - began < 5
    assert offset == 7000
    assert firm.patch(view["upload_url"], offset, data[offset:]).status_code == 204
    assert firm.finalize(view, bid.stub).status_code == 200
    stalled.close()


def test_what_arrived_before_the_line_broke_stays(started: Started) -> None:
    market, firm, bid, view = started
    data = bid.sealed.path.read_bytes()
    broken = Line(firm)
    broken.begin_patch(view, len(data), data[:9000])
    wait_for_bytes(market, 9000)
    broken.close()
    assert stored(firm, view) == 9000


def test_an_upload_in_flight_at_the_deadline_gets_its_answer(started: Started) -> None:
    market, firm, bid, view = started
    data = bid.sealed.path.read_bytes()
    slow = Line(firm)
    slow.begin_patch(view, len(data), data[:9000])
    wait_for_bytes(market, 9000)
    market.sandbox.world.clock.set(DEADLINE, 0)
    text = slow.answer()
    slow.close()
    head_lines, _, body = text.partition("\r\n\r\n")
    assert head_lines.startswith("HTTP/1.1 403")
    problem = json.loads(body)
    assert (problem["code"], problem["offset"]) == ("deadline-passed", 0)
    assert stored(firm, view) == 0


def test_a_line_that_resets_again_and_again_still_brings_the_file(started: Started) -> None:
    market, firm, bid, view = started
    data = bid.sealed.path.read_bytes()
    market.sandbox.fault("reset-every-n", 20_000)
    broken = offset = 0
    while offset < len(data) and broken < 50:
        try:
            firm.patch(view["upload_url"], offset, data[offset : offset + 8192])
        except requests.exceptions.ConnectionError:
            broken += 1
        offset = stored(firm, view)
    market.sandbox.fault("reset-every-n", 0)
    assert broken >= 2
    assert firm.finalize(view, bid.stub).status_code == 200
