"""What `keys test` tells of an SM2 token: the library, the model, what was tried and what is known."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Program
from tests.support.sm2_pki import Sm2Authority
from tests.support.sm2_token import Sm2Token, sm2_library, sm2_token
from tests.support.sm2_use import PIN


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sm2_library(tmp_path_factory.mktemp("sm2-module"))


@pytest.fixture
def token(tmp_path: Path, library: Path, monkeypatch: pytest.MonkeyPatch) -> Sm2Token:
    """A token whose vendor's numbers no row knows, plugged in; the settings name its library."""
    authority = Sm2Authority.root()
    made = sm2_token(tmp_path / "token", authority.issue("signing"), authority.issue("encryption"))
    for name, value in {**made.environment, "SM2_FAMILY": "unlisted"}.items():
        monkeypatch.setenv(name, value)
    home = tmp_path / "home"
    home.mkdir()
    (home / "settings.toml").write_text(f"modules = [{json.dumps(str(library))}]\n", "utf-8")
    return made


@pytest.fixture
def program(tmp_path: Path, token: Sm2Token) -> Program:
    return Program(tmp_path / "home", PIN)


def report_of(program: Program, token: Sm2Token, *arguments: str) -> Any:
    key = f"GM-0001:{token.signing.certificate.sha256[:8]}"
    return program.json("keys", "test", key, "--pin-stdin", *arguments)


def test_the_first_test_searches_and_the_next_remembers(program: Program, token: Sm2Token) -> None:
    tested = report_of(program, token)
    assert (tested["scheme"], tested["open_seconds"]) == ("sm2-sm3", None)
    told = tested["token"]
    assert told["module"].endswith("libsm2token.so")
    assert (told["manufacturer"], told["model"], told["firmware"]) == ("bidclient tests", "SM2 folder", "1.0")
    assert {"number": "0x00000001", "name": "CKM_RSA_PKCS"} in told["mechanisms"]
    assert {"number": "0x8000AB01", "name": ""} in told["mechanisms"]
    assert [(row["form"], bool(row["reason"])) for row in told["tried"]] == [
        ("e", True),
        ("z-message", True),
        ("message → der", False),
    ]
    way = {"use": "sign", "mechanism": "0x8000AB01", "form": "message → der", "remembered": False}
    assert told["ways"] == [way]
    assert report_of(program, token)["token"]["tried"] == []
    assert len(report_of(program, token, "--probe")["token"]["tried"]) == 3


def test_it_is_told_in_both_languages(program: Program, token: Sm2Token) -> None:
    key = f"GM-0001:{token.encryption.certificate.sha256[:8]}"
    chinese = program.run("keys", "test", key, "--pin-stdin")
    assert chinese.returncode == 0, chinese.stderr
    for words in (
        "驱动",
        "型号",
        "机制（4 个）",
        "探测 解密 0x8000AB02 C1C2C3",
        "可用",
        "SM2 用法 解密",
        "已验证",
    ):
        assert words in chinese.stdout
    english = program.run("keys", "test", key, "--pin-stdin", "--probe", "--language", "en").stdout
    for words in ("driver", "model", "firmware 1.0", "tried decrypt 0x8000AB02 C1C2C3", "proven now"):
        assert words in english


def test_a_token_that_speaks_no_sm2_is_refused_with_its_list(
    program: Program, token: Sm2Token, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SM2_FAMILY", "strange")
    key = f"GM-0001:{token.signing.certificate.sha256[:8]}"
    error = program.error(3, "keys", "test", key, "--pin-stdin")
    assert error["code"] == "E-SM2-DIALECT"
    assert error["facts"]["mechanisms"].startswith("0x0000AB02, 0x0000AB01")
    assert "0x0000AB01" in error["cause"]


def test_a_key_that_wants_its_pin_each_time_is_searched_only_when_that_is_asked_for(
    program: Program, token: Sm2Token, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SM2_ALWAYS_AUTHENTICATE", "1")
    key = f"GM-0001:{token.signing.certificate.sha256[:8]}"
    error = program.error(3, "keys", "test", key, "--pin-stdin")
    assert (error["code"], error["facts"]["tries"]) == ("E-SM2-PROBE", 3)
    assert "--probe" in error["next_step"]
    assert len(report_of(program, token, "--probe")["token"]["tried"]) == 3
    assert report_of(program, token)["sign_seconds"] > 0
