"""The tokens of the demonstration: stock tools see what was put on them."""

import os
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from bidclient.errors import DriverFailed
from bidclient.sandbox.token import (
    CONFIGURATION,
    TokenEntry,
    make_token,
    softhsm_available,
    softhsm_module,
)
from tests.support.pki import Authority, InMemoryKey
from tests.support.softhsm import PIN, company_token


def objects_on(environment: dict[str, str], tmp_path: Path) -> str:
    """What pkcs11-tool lists, with the PIN from its environment."""
    command: list[str | Path] = [
        "pkcs11-tool",
        "--module",
        softhsm_module(),
        "--login",
        "--pin",
        "env:TOKEN_PIN",
        "--list-objects",
    ]
    return subprocess.run(
        command,
        env={**os.environ, **environment, "TOKEN_PIN": PIN.decode()},
        capture_output=True,
        check=True,
        timeout=60,
        cwd=tmp_path,
    ).stdout.decode()


def test_a_stock_tool_sees_keys_and_certificates(
    tmp_path: Path, authority: Authority, pairs: dict[str, list[InMemoryKey]]
) -> None:
    assert softhsm_available()
    environment = company_token(tmp_path, "演示锁", pairs["rsa-2048"], authority)
    listed = objects_on(environment, tmp_path)
    assert listed.count("Private Key Object; RSA") == 2
    assert listed.count("Certificate Object") == 3
    for key in pairs["rsa-2048"]:
        assert key.certificate.sha256[:16] in listed
    assert "sensitive" in listed


def test_a_key_that_does_not_fit_on_a_token_is_named(tmp_path: Path, authority: Authority) -> None:
    owner = authority.issue("signing", "p-256", number=40)
    odd = TokenEntry(ec.generate_private_key(ec.SECP384R1()), owner.certificate)
    with pytest.raises(DriverFailed) as caught:
        make_token(tmp_path, "演示锁", PIN, [odd])
    assert PIN.decode() not in str(caught.value)


def test_the_value_for_the_environment_is_the_configuration_file(tmp_path: Path) -> None:
    environment = company_token(tmp_path, "空锁", [])
    assert environment == {CONFIGURATION: str(tmp_path / "softhsm2.conf")}
