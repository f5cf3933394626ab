"""Tokens and key files for these tests, made once, and a library with the faults of real tokens."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bidclient.keys.child import Deadlines
from bidclient.keys.soft import SoftSource
from bidclient.keys.token import TokenSource
from tests.support.faulty_token import Faults, faulty_library
from tests.support.pki import Authority, InMemoryKey
from tests.support.sm2_pki import Sm2Authority
from tests.support.softhsm import (
    KINDS,
    Judge,
    MakeSource,
    Place,
    company_token,
    double_certificate,
    softhsm_source,
    write_pfx,
)


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority.root().intermediate()


@pytest.fixture(scope="session")
def sm2_authority() -> Sm2Authority:
    return Sm2Authority.root()


@pytest.fixture(scope="session")
def pairs(authority: Authority) -> dict[str, list[InMemoryKey]]:
    """For each kind of key a signing and an encryption key."""
    return {kind: double_certificate(authority, kind) for kind in KINDS}


@pytest.fixture(scope="session")
def shared_source(
    tmp_path_factory: pytest.TempPathFactory, authority: Authority, pairs: dict[str, list[InMemoryKey]]
) -> Iterator[TokenSource]:
    """One token with all kinds of keys, for tests that leave it as it is."""
    keys = [key for pair in pairs.values() for key in pair]
    environment = company_token(tmp_path_factory.mktemp("shared"), "企业锁", keys, authority)
    source = softhsm_source(environment)
    yield source
    source.close()


@pytest.fixture(scope="session")
def pfx_folder(tmp_path_factory: pytest.TempPathFactory, pairs: dict[str, list[InMemoryKey]]) -> Path:
    """A PFX for each key with its certificate and chain beside it."""
    folder = tmp_path_factory.mktemp("pfx")
    for kind, pair in pairs.items():
        for use, key in zip(("signing", "encryption"), pair, strict=True):
            write_pfx(folder / f"{kind}-{use}.pfx", key)
    return folder


@pytest.fixture(params=[f"{where}-{kind}" for where in ("token", "pfx") for kind in KINDS])
def place(
    request: pytest.FixtureRequest,
    shared_source: TokenSource,
    pfx_folder: Path,
    pairs: dict[str, list[InMemoryKey]],
) -> Place:
    """Every kind of source with every kind of key."""
    where, _, kind = request.param.partition("-")
    signing, encryption = pairs[kind]
    source = shared_source if where == "token" else SoftSource(sorted(pfx_folder.glob(f"{kind}-*.pfx")))
    return Place(request.param, source, signing, encryption)


@pytest.fixture
def make_source(tmp_path: Path) -> Iterator[MakeSource]:
    """make_source(environment, deadlines=None, module=None): a source that is closed after the test."""
    made: list[TokenSource] = []

    def make(
        environment: dict[str, str], deadlines: Deadlines | None = None, module: Path | None = None
    ) -> TokenSource:
        made.append(softhsm_source(environment, deadlines, module))
        return made[-1]

    yield make
    for source in made:
        source.close()


@pytest.fixture(scope="session")
def faulty_module(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library of faulty_module.c."""
    return faulty_library(tmp_path_factory.mktemp("module"))


@pytest.fixture
def faults(tmp_path: Path) -> Faults:
    """The faults of that library, none to begin with."""
    (tmp_path / "faults").mkdir()
    return Faults(tmp_path / "faults")


@pytest.fixture
def openssl(tmp_path: Path) -> Judge:
    """openssl(*arguments): runs it in the test's folder; the caller looks at the exit code."""

    def run(*arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            ["openssl", *arguments], capture_output=True, check=False, cwd=tmp_path, timeout=60
        )

    return run
