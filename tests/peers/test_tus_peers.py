"""Our upload client against the tus project's server, and the tus project's clients against our server."""

import hashlib
import json
import os
import random
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tusclient.client import TusClient

from bidclient.errors import Rejected
from bidclient.network.upload import Upload
from tests.support.firms import USCCS, Bid, Firm, make_bid, small_tender
from tests.support.loopback import transport_to
from tests.support.sandbox import LocalSandbox, local_sandbox

pytestmark = pytest.mark.peers

HERE = Path(__file__).resolve().parent
NOW = datetime(2026, 12, 1, 1, 0, tzinfo=UTC)
MEBIBYTE = 1024 * 1024
SIZE = 9 * MEBIBYTE + 17


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("upload") / "bid.sealed"
    path.write_bytes(random.Random(2).randbytes(SIZE))
    return path


@pytest.fixture
def peer(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The address of @tus/server and the folder where it keeps files."""
    store = tmp_path / "store"
    store.mkdir()
    command = ["node", "tus_server.mjs", str(store)]
    with subprocess.Popen(command, cwd=HERE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip(), store
        finally:
            process.terminate()


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_tus_projects_server_takes_our_upload(file: Path, peer: tuple[str, Path]) -> None:
    address, store = peer
    with transport_to(address) as transport:
        upload = Upload.create(transport, "/files", SIZE, {"filename": "bid.sealed"})
        assert upload.send(file) == SIZE
        assert upload.state().offset == SIZE
    assert digest(store / upload.address.rpartition("/")[2]) == digest(file)


def test_our_upload_goes_on_where_the_tus_projects_server_stands(file: Path, peer: tuple[str, Path]) -> None:
    address, store = peer
    with transport_to(address) as transport:
        upload = Upload.create(transport, "/files", SIZE, {})
        first = file.read_bytes()[: 3 * MEBIBYTE]
        headers = {
            "Tus-Resumable": "1.0.0",
            "Upload-Offset": "0",
            "Content-Type": "application/offset+octet-stream",
        }
        transport.send("PATCH", upload.address, data=first, headers=headers)
        told: list[int] = []
        Upload(transport, upload.address).send(file, progress=lambda _, done, __: told.append(done))
        assert told[0] == 3 * MEBIBYTE
    assert digest(store / upload.address.rpartition("/")[2]) == digest(file)


def test_an_upload_that_the_tus_projects_server_does_not_know_is_said_so(
    file: Path, peer: tuple[str, Path]
) -> None:
    with transport_to(peer[0]) as transport, pytest.raises(Rejected) as caught:
        Upload(transport, transport.address("/files/none")).send(file)
    assert caught.value.status == 404


# -------------------------------------------------------------------------------------------- our server


@dataclass
class Begun:
    """A submission in our sandbox whose bytes are missing."""

    sandbox: LocalSandbox
    firm: Firm
    bid: Bid
    address: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": str(self.firm.http.headers["Authorization"])}

    def stored(self) -> Path:
        return self.sandbox.world.upload_path(self.address.rpartition("/")[2])


@pytest.fixture
def begun(tmp_path: Path) -> Iterator[Begun]:
    with ExitStack() as stack:
        sandbox = stack.enter_context(local_sandbox(tmp_path / "data", NOW))
        tender = sandbox.world.announce(small_tender(sandbox.world, NOW + timedelta(hours=3)), {}).tender
        firm = Firm(sandbox.url, sandbox.issue("甲示范建设有限公司", USCCS[0]), NOW).log_in()
        stack.callback(firm.http.close)
        assert firm.register(tender.lot.id).status_code == 201
        bid = make_bid(tmp_path / "bid", tender, firm.keys, NOW, size=3 * MEBIBYTE)
        view = firm.create(tender.lot.id, bid.stub).json()
        yield Begun(sandbox, firm, bid, sandbox.url + view["upload_url"])


def test_tus_js_client_uploads_to_our_server(begun: Begun) -> None:
    command = ["node", "tus_upload.mjs", begun.address, str(begun.bid.sealed.path)]
    environment = {**os.environ, "TUS_HEADERS": json.dumps(begun.headers)}
    done = subprocess.run(
        command, cwd=HERE, env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout.strip()) == (0, "done"), done.stderr
    assert digest(begun.stored()) == digest(begun.bid.sealed.path)


def test_tuspy_uploads_to_our_server(begun: Begun) -> None:
    client = TusClient(begun.sandbox.url + "/v1/uploads", headers=begun.headers)
    with begun.bid.sealed.path.open("rb") as stream:
        uploader = client.uploader(file_stream=stream, url=begun.address, chunk_size=MEBIBYTE)
        uploader.upload()
    assert uploader.offset == begun.bid.sealed.path.stat().st_size
    assert digest(begun.stored()) == digest(begun.bid.sealed.path)


def test_tus_js_client_is_told_when_our_server_refuses(begun: Begun) -> None:
    shown_out = {**begun.headers, "Authorization": "Bearer nobody"}
    command = ["node", "tus_upload.mjs", begun.address, str(begun.bid.sealed.path)]
    environment = {**os.environ, "TUS_HEADERS": json.dumps(shown_out)}
    done = subprocess.run(
        command, cwd=HERE, env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 1
    assert "401" in done.stderr
