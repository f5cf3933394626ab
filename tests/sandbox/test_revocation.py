"""The sandbox's authority as others ask it: openssl's own OCSP client, lists by address, faults."""

import subprocess
from pathlib import Path

import pytest
import requests

from bidclient.crypto.revocation import Standing
from bidclient.network.clock import system_now
from bidclient.network.revocation import Revocations
from bidclient.sandbox.pki import KeyType, issue_bidder, revoke
from tests.sandbox.conftest import NOW
from tests.support.firms import USCCS
from tests.support.pki import Authority
from tests.support.sandbox import LocalSandbox

TYPE = {"Content-Type": "application/ocsp-request"}


def openssl(*arguments: str) -> str:
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False, timeout=30)
    return done.stdout + done.stderr


def test_openssls_own_client_gets_an_answer_that_it_verifies(sandbox: LocalSandbox, tmp_path: Path) -> None:
    keys = issue_bidder(sandbox.data, "陇东示范有限公司", USCCS[0], "p-256")
    (tmp_path / "c.pem").write_bytes(keys.signing_cert.pem)
    root = str(sandbox.trust / "ca.pem")
    ask = ("ocsp", "-issuer", root, "-CAfile", root, "-cert", str(tmp_path / "c.pem"), "-url")
    address = f"{sandbox.url}/ocsp"
    for status in ("good", "revoked"):
        if status == "revoked":
            revoke(sandbox.data, keys.signing_cert, NOW)
        said = openssl(*ask, address)
        assert "Response verify OK" in said
        assert f"c.pem: {status}" in said
    (tmp_path / "other.pem").write_bytes(Authority.root().certificate.pem)
    other = ("-issuer", str(tmp_path / "other.pem"))
    assert "unauthorized" in openssl("ocsp", *other, "-cert", str(tmp_path / "c.pem"), "-url", address)


@pytest.mark.parametrize(("key_type", "name"), [("p-256", "ca"), ("sm2", "ca-sm2")])
def test_the_fault_revokes_every_bidder_and_nobody_else(
    sandbox: LocalSandbox, key_type: KeyType, name: str
) -> None:
    keys = issue_bidder(sandbox.data, "国密示范有限公司", USCCS[1], key_type)
    services = Revocations(ocsp=(f"{sandbox.url}/ocsp",))
    authority = sandbox.world.authority
    own = authority.sm2_opening if key_type == "sm2" else authority.identity

    def asked() -> tuple[Standing, Standing]:
        issuer, now = keys.chain[0], system_now()
        return (
            services.standing(keys.signing_cert, issuer, now),
            services.standing(own.certificate, issuer, now),
        )

    assert [one.status for one in asked()] == ["good", "good"]
    sandbox.fault("cert-revoked")
    assert [one.status for one in asked()] == ["revoked", "good"]
    sandbox.fault("cert-revoked", 0)
    assert [one.status for one in asked()] == ["good", "good"]
    listed = Revocations(crl=(f"{sandbox.url}/crl/{name}.crl",))
    assert listed.standing(keys.signing_cert, keys.chain[0], system_now()).status == "good"
    revoke(sandbox.data, keys.signing_cert, NOW)
    found = listed.standing(keys.signing_cert, keys.chain[0], system_now())
    assert (found.status, found.since) == ("revoked", NOW.replace(microsecond=0))


def test_what_is_no_question_gets_no_answer(sandbox: LocalSandbox) -> None:
    def status(body: bytes, headers: dict[str, str]) -> int:
        return requests.post(f"{sandbox.url}/ocsp", body, headers=headers, timeout=20).status_code

    assert status(b"x", {"Content-Type": "text/plain"}) == 415
    for garbage in (b"", b"\x30\x00", b"x" * 100):
        answer = requests.post(f"{sandbox.url}/ocsp", garbage, headers=TYPE, timeout=20)
        assert answer.content == bytes.fromhex("30030a0101")
    assert requests.get(f"{sandbox.url}/crl/nothing.crl", timeout=20).status_code == 404
