"""SKF devices at the command line: their attempts, their layout, and their line in the diagnosis."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Program
from tests.support.skf_token import SkfDevice, skf_device, skf_library
from tests.support.sm2_pki import Sm2Authority
from tests.support.sm2_use import PIN


@pytest.fixture
def device(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> SkfDevice:
    """A device, plugged in; the settings name its library like any other."""
    authority = Sm2Authority.root()
    pair = authority.issue("signing"), authority.issue("encryption")
    made = skf_device(tmp_path / "devices" / "KEY1", "SKF-0001", *pair)
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)
    library = skf_library(tmp_path_factory.mktemp("skf-module"), (8, 0))
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "settings.toml").write_text(f"modules = [{json.dumps(str(library))}]\n", "utf-8")
    return made


def test_an_skf_device_is_a_token_like_others(device: SkfDevice, tmp_path: Path) -> None:
    program = Program(tmp_path / "home", PIN)
    listed = program.json("keys", "--all")
    assert [(key["token_serial"], key["attempts_left"]) for key in listed["keys"]] == [("SKF-0001", 6)] * 2
    assert [row["api"] for row in listed["modules"] if row["tokens"]] == ["SKF"]
    (opens,) = [key["id"] for key in listed["keys"] if key["uses"] == ["decrypt"]]
    tested = program.json("keys", "test", opens, "--pin-stdin")
    assert tested["open_seconds"] > 0
    assert (tested["token"]["api"], tested["token"]["layout"]) == ("SKF", "ULONG 8, pack 0")
    told = program.run("keys", "test", opens, "--pin-stdin", "--language", "en").stdout
    assert "SKF ULONG 8, pack 0" in told
    assert "SM2 by decrypt 0x00000402 ULONG 8" in told


def test_the_diagnosis_names_the_interface_and_a_wrong_pin_the_attempts(
    device: SkfDevice, tmp_path: Path
) -> None:
    program = Program(tmp_path / "home", b"000000")
    assert "SKF 国密锁 SKF-0001" in program.run("diag").stdout
    (signs,) = [key["id"] for key in program.json("keys")["keys"] if key["uses"] == ["sign"]]
    error = program.error(3, "keys", "test", signs, "--pin-stdin")
    assert (error["code"], error["facts"]["attempts_left"]) == ("E-PIN-WRONG", 5)
    assert "密码还可试 5 次" in program.run("keys").stdout
    assert device.left() == 5
