"""What `keys` says of a token's PIN before anybody types one, in both languages and as JSON."""

import json
from pathlib import Path

import pytest

from bidclient.ask import Nobody
from bidclient.errors import PinWrong
from bidclient.keys.token import TokenSource
from tests.cli.conftest import Program
from tests.support.faulty_token import Faults, faulty_library
from tests.support.pki import Authority
from tests.support.softhsm import PIN, company_token

WRONG = b"nottheone"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return faulty_library(tmp_path_factory.mktemp("module"))


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    key = Authority.root().intermediate().issue("signing", "p-256")
    return company_token(tmp_path_factory.mktemp("token"), "企业锁", [key])


@pytest.fixture
def faults(tmp_path: Path) -> Faults:
    (tmp_path / "faults").mkdir()
    return Faults(tmp_path / "faults")


@pytest.fixture
def program(
    tmp_path: Path,
    library: Path,
    token: dict[str, str],
    faults: Faults,
    monkeypatch: pytest.MonkeyPatch,
) -> Program:
    for name, value in {**token, **faults.environment}.items():
        monkeypatch.setenv(name, value)
    home = tmp_path / "home"
    home.mkdir()
    (home / "settings.toml").write_text(f"modules = [{json.dumps(str(library))}]\n", "utf-8")
    return Program(home, PIN)


def wrong_pins(library: Path, times: int) -> None:
    """So many wrong PINs."""
    source = TokenSource((library,), known=())
    for _ in range(times):
        with pytest.raises(PinWrong), source.unlock(source.keys()[0], Nobody(WRONG)):
            pass
    source.close()


def shown(program: Program, language: str) -> str:
    """The line about the token, after the date."""
    lines = program.run("keys", "--language", language).stdout.splitlines()
    (entry,) = [number for number, line in enumerate(lines) if "[签名]" in line or "[sign]" in line]
    _, *warnings = lines[entry + 1].split("  ! ")
    return " ".join(warnings)


@pytest.mark.parametrize(
    ("fault", "wrong", "chinese", "english"),
    [
        pytest.param("none", 0, "", "", id="nothing to say"),
        pytest.param("countdown", 1, "此前输错过密码", "a wrong PIN was entered before", id="wrong before"),
        pytest.param("countdown", 2, "只剩最后一次机会", "last try", id="last try"),
        pytest.param("locked", 0, "密码已锁死", "PIN locked", id="locked"),
        pytest.param(
            "must-change",
            0,
            "须先用锁的工具修改密码",
            "change its PIN with the vendor's tool first",
            id="must change",
        ),
        pytest.param("pin-pad", 0, "在锁的键盘上输密码", "PIN is entered on its own pad", id="PIN pad"),
    ],
)
def test_the_state_of_the_pin_is_told_before_it_is_typed(
    program: Program, library: Path, faults: Faults, fault: str, wrong: int, chinese: str, english: str
) -> None:
    faults.begin(fault)
    wrong_pins(library, wrong)
    assert (shown(program, "zh"), shown(program, "en")) == (chinese, english)
    assert faults.logins == "u" * wrong


def test_the_state_of_the_pin_is_in_the_json(program: Program, library: Path, faults: Faults) -> None:
    faults.begin("countdown")
    wrong_pins(library, 2)
    (row,) = program.json("keys")["keys"]
    states = ("wrong_before", "last_try", "locked", "must_change", "pin_pad", "always_authenticate")
    assert [name for name in states if row[name]] == ["wrong_before", "last_try"]
    assert row["attempts_left"] is None


def test_a_locked_token_is_refused_in_words_and_without_a_pin(program: Program, faults: Faults) -> None:
    (row,) = program.json("keys")["keys"]
    faults.begin("locked")
    error = program.error(3, "keys", "test", row["id"], "--pin-stdin")
    assert (error["code"], error["title"]) == ("E-PIN-LOCKED", "密码已锁死")
    faults.begin("pulled-out 0x5")
    error = program.error(3, "keys", "test", row["id"], "--pin-stdin", "--language", "en")
    assert (error["code"], error["title"]) == ("E-TOKEN-REMOVED", "The token was pulled out")
    faults.end()
    assert program.json("keys", "test", row["id"], "--pin-stdin")["sign_seconds"] > 0
    assert faults.logins == "uu"
