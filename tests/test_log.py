"""The log rotates, stays private and holds no secret, whatever is written to it."""

import base64
import logging
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bidclient import log

DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


@pytest.fixture(autouse=True)
def closed_afterwards() -> Iterator[None]:
    yield
    log.stop()


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("login with pin=12345678 done", "12345678"),
        ('{"pin": "a b c", "serial": 1}', "a b c"),
        ("password: hunter2", "hunter2"),
        ("密码：hunter2", "hunter2"),
        ("Authorization: Bearer abc.def-123", "abc.def-123"),
        ('"access_token":"Zm9vYmFy"', "Zm9vYmFy"),
        ("call 13812345678 now", "13812345678"),
        ("call +86 138-1234-5678 now", "1234-5678"),
        ("person 11010519491231002X came", "11010519491231002X"),
        ("code ABCD2345-EFGH2345-IJKL2345-MNOP2345-QRST", "EFGH2345"),
        ("body " + base64.b64encode(bytes(range(90))).decode(), "AAECAwQFBgcICQ"),
    ],
)
def test_a_secret_is_redacted(text: str, secret: str) -> None:
    assert secret not in log.redact(text)


@pytest.mark.parametrize(
    "text",
    [
        f"sealed sha256={DIGEST}",
        "uscc 91629999MA0000001X registered",
        "GET /v1/lots/lot-1/tender 200 in 12 ms",
        "2026-12-01T09:30:00.000+08:00 deadline",
    ],
)
def test_what_a_fault_report_needs_stays(text: str) -> None:
    assert log.redact(text) == text


@settings(deadline=None, max_examples=60)
@given(st.binary(min_size=48, max_size=300))
def test_no_base64_body_survives(body: bytes) -> None:
    text = base64.b64encode(body).decode()
    assert text not in log.redact(f"<< {text} >>")


def test_tracebacks_are_redacted_too(tmp_path: Path) -> None:
    path = log.start(tmp_path)
    try:
        raise ValueError("pin=87654321")
    except ValueError:
        logging.getLogger("bidclient.x").exception("failed for %s", "13812345678")
    text = path.read_text("utf-8")
    assert "ValueError" in text
    assert "87654321" not in text
    assert "13812345678" not in text


def test_the_log_rotates_and_is_bounded(tmp_path: Path) -> None:
    log.start(tmp_path)
    logger = logging.getLogger("bidclient.x")
    line = "x " * 4000
    for _ in range(int(log.FILE_BYTES * (log.FILES_KEPT + 2) / len(line))):
        logger.info(line)
    log.stop()
    files = sorted(tmp_path.iterdir())
    assert len(files) == log.FILES_KEPT + 1
    assert all(file.stat().st_size <= log.FILE_BYTES for file in files)


def test_traffic_is_written_only_when_asked_for(tmp_path: Path) -> None:
    logger = logging.getLogger("bidclient.x")
    path = log.start(tmp_path / "quiet", debug=True)
    logger.log(log.TRAFFIC, "GET /quiet")
    logger.debug("seen")
    assert "GET /quiet" not in path.read_text("utf-8")
    path = log.start(tmp_path / "loud", traffic=True)
    logger.log(log.TRAFFIC, "GET /loud")
    assert "TRAFFIC" in path.read_text("utf-8")
    assert "警告" in log.TRAFFIC_WARNING
    assert "WARNING" in log.TRAFFIC_WARNING


def test_a_log_that_cannot_be_written_is_told_at_the_start(tmp_path: Path) -> None:
    (tmp_path / log.FILE_NAME).mkdir()
    with pytest.raises(OSError, match=log.FILE_NAME):
        log.start(tmp_path)


def test_the_log_folder_is_private(tmp_path: Path) -> None:
    log.start(tmp_path / "log")
    assert stat.S_IMODE((tmp_path / "log").stat().st_mode) == 0o700
