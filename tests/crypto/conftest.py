"""One PKI for all tests of this folder, and the stock tool that judges."""

import shlex
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.bouncycastle import BouncyCastle
from tests.support.certomancer_pki import PublicAuthority, public_authority
from tests.support.pki import NOW, Authority, InMemoryKey
from tests.support.sm2_pki import Sm2Authority, Sm2InMemoryKey

Judge = Callable[[str], subprocess.CompletedProcess[bytes]]


@pytest.fixture(scope="session")
def root() -> Authority:
    return Authority.root()


@pytest.fixture(scope="session")
def authority(root: Authority) -> Authority:
    return root.intermediate()


@pytest.fixture(scope="session")
def stranger() -> Authority:
    return Authority.root("别家的根证书", 1002)


@pytest.fixture(scope="session")
def signer(authority: Authority) -> InMemoryKey:
    return authority.issue("signing")


@pytest.fixture(scope="session")
def ec_signer(authority: Authority) -> InMemoryKey:
    return authority.issue("signing", "p-256")


@pytest.fixture(scope="session")
def recipient(authority: Authority) -> InMemoryKey:
    return authority.issue("encryption", number=1)


@pytest.fixture(scope="session")
def ec_recipient(authority: Authority) -> InMemoryKey:
    return authority.issue("encryption", "p-256", number=1)


@pytest.fixture(scope="session")
def tsa(authority: Authority) -> InMemoryKey:
    return authority.issue("tsa", number=2, name="测试时间戳服务")


@pytest.fixture(scope="session")
def bouncycastle() -> Iterator[BouncyCastle]:
    """The second judge of everything with SM2 in it."""
    with BouncyCastle() as judge:
        yield judge


@pytest.fixture(scope="session")
def public(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PublicAuthority]:
    """An authority that answers about revocation, by certomancer."""
    with public_authority(tmp_path_factory.mktemp("public"), NOW) as authority:
        yield authority


@pytest.fixture(scope="session")
def sm2_root() -> Sm2Authority:
    return Sm2Authority.root()


@pytest.fixture(scope="session")
def sm2_authority(sm2_root: Sm2Authority) -> Sm2Authority:
    return sm2_root.intermediate()


@pytest.fixture(scope="session")
def sm2_signer(sm2_authority: Sm2Authority) -> Sm2InMemoryKey:
    return sm2_authority.issue("signing")


@pytest.fixture(scope="session")
def sm2_recipient(sm2_authority: Sm2Authority) -> Sm2InMemoryKey:
    return sm2_authority.issue("encryption")


@pytest.fixture
def openssl(tmp_path: Path) -> Judge:
    """openssl("verify -CAfile ca.pem x.pem"): runs in the test's folder and only reports."""

    def run(command: str) -> subprocess.CompletedProcess[bytes]:
        arguments = ["openssl", *shlex.split(command)]
        return subprocess.run(arguments, capture_output=True, check=False, cwd=tmp_path, timeout=60)

    return run
