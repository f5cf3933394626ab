"""Nobody waits for what a command does not need: these libraries stay unloaded where they have no work.

Names are counted, never seconds.
"""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from io import FileIO
from pathlib import Path
from typing import cast

import pytest

from bidclient.keys.frames import ListTokens, Tokens, child_command, read_answer, write_frame
from bidclient.sandbox.token import CONFIGURATION, make_token, softhsm_module
from bidclient.stages.sealing import seal
from bidclient.store.paths import HOME_VARIABLE
from tests.support.pki import Authority, InMemoryKey
from tests.support.sealing import make_bid, make_keys, make_tender
from tests.support.softhsm import PIN, company_token

NETWORK = ("requests", "urllib3", "http", "ssl", "tenacity", "charset_normalizer", "keyring")
DOCUMENTS = ("pypdf", "pypdfium2", "pyhanko", "PIL", "reportlab", "segno")
TRUST = ("cryptography.x509", "OpenSSL", "rfc3161_client")
SANDBOX = ("bidclient.sandbox", "starlette", "uvicorn", "sqlite3")
CRYPTO = ("cryptography", "asn1crypto", "bidclient.crypto.certificate")
REST = ("asyncio", "importlib.metadata", "importlib.resources", "jsonschema", "pkg_resources")


def imported(
    arguments: list[str], environment: Mapping[str, str] | None = None, given: bytes = b""
) -> tuple[frozenset[str], bytes]:
    """The modules that `python ARGUMENTS` has imported when it ends well, and what it printed."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *arguments],
        input=given,
        capture_output=True,
        env={**os.environ, **(environment or {})},
        timeout=60,
        check=True,
    )
    names = re.findall(rb"import time: +\d+ \| +\d+ \| +(\S+)", done.stderr)
    return frozenset(name.decode() for name in names), done.stdout


def loaded(names: frozenset[str], *unwanted: str) -> list[str]:
    """Those of the unwanted packages that are among the names, themselves or by a module of theirs."""
    return [one for one in unwanted if any(f"{name}.".startswith(f"{one}.") for name in names)]


@pytest.mark.parametrize(("option", "told"), [("--version", b"bidclient"), ("--help", b"Usage: bidclient")])
def test_version_and_help_need_nothing_but_the_parser(option: str, told: bytes) -> None:
    names, said = imported(["-m", "bidclient", option])
    assert said.startswith(told)
    assert "click" in names
    rest = ("msgspec", "tomllib", "platformdirs", "bidclient.desk", "bidclient.keys", "bidclient.stages")
    assert loaded(names, *NETWORK, *DOCUMENTS, *TRUST, *SANDBOX, *CRYPTO, *REST, *rest) == []


def test_a_key_host_that_lists_tokens_needs_only_the_binding(tmp_path: Path) -> None:
    configuration = make_token(tmp_path / "token", "lock", PIN, [], [])
    _, *arguments = child_command("host", str(softhsm_module()))
    question, answer = tmp_path / "question", tmp_path / "answer"
    with FileIO(question, "w") as stream:
        write_frame(stream, ListTokens(number=1))
    names, said = imported(arguments, {CONFIGURATION: configuration}, question.read_bytes())
    answer.write_bytes(said)
    with FileIO(answer) as stream:
        assert [token.label for token in cast(Tokens, read_answer(stream)).tokens] == ["lock"]
    assert "PyKCS11" in names
    others = ("bidclient.keys.soft", "bidclient.keys.token", "bidclient.keys.child", "logging", "subprocess")
    assert loaded(names, *NETWORK, *DOCUMENTS, *TRUST, *SANDBOX, *CRYPTO, *REST, *others) == []


@pytest.fixture(scope="module")
def sealed_bid(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A sealed bid, and the environment in which the program finds the token that opens it."""
    folder = tmp_path_factory.mktemp("startup")
    root = Authority.root()
    keys = make_keys(root)
    tender = make_tender(keys, 1)
    sealed = seal(make_bid(folder, tender, keys, [4096]), tender, keys.bidder, folder / "bid.sealed")
    assert isinstance(keys.encryption, InMemoryKey)
    token = company_token(folder / "token", "lock", [keys.encryption], root)
    return sealed.path, {**token, HOME_VARIABLE: str(folder / "home")}


def test_unsealing_with_a_token_needs_no_network(
    sealed_bid: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    path, environment = sealed_bid
    out = tmp_path / "bid.asice"
    command = ["-m", "bidclient", "--pin-stdin", "unseal", str(path), "-o", str(out)]
    names, _ = imported(command, environment, PIN + b"\n")
    assert out.read_bytes() == path.with_name("bid.asice").read_bytes()
    assert "asn1crypto" in names
    assert loaded(names, "PyKCS11", *NETWORK, *DOCUMENTS, *TRUST, *SANDBOX, *REST) == []
