"""The sandbox's certificates and time stamps, judged by openssl."""

import subprocess
from pathlib import Path

import pytest
import requests
from asn1crypto import tsp

from bidclient.crypto.certificate import Certificate, certificates_from_pem
from bidclient.crypto.timestamp import Imprint, response_token, stamp_by, timestamp_request, verify_token
from bidclient.errors import BadTimestamp
from bidclient.sandbox import tsa
from bidclient.sandbox.clock import machine_time
from bidclient.sandbox.pki import KeyType, create_authority, issue_bidder, revoke, trust_files
from tests.sandbox.conftest import NOW, Template
from tests.support.firms import USCCS
from tests.support.sandbox import LocalSandbox


def openssl(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("key_type", ["rsa-2048", "rsa-3072", "p-256", "sm2"])
def test_bidders_get_two_certificates_that_openssl_accepts(
    template: Template, tmp_path: Path, key_type: KeyType
) -> None:
    keys = issue_bidder(template.data, "陇东示范有限公司", USCCS[0], key_type)
    sign_pfx, encrypt_pfx = keys.write(tmp_path, "firm", b"secret-1")
    root, other = trust_files(template.data / "trust")[:: -1 if key_type == "sm2" else 1]
    identity = ("-vfyopt", "distid:1234567812345678") if key_type == "sm2" else ()
    reads = ("pkey", "-in") if key_type == "sm2" else ("pkcs12", "-nodes", "-in")
    for path in (sign_pfx, encrypt_pfx):
        written = str(path.with_suffix(".pem"))
        good = openssl("verify", *identity, "-CAfile", str(root), written)
        assert good.returncode == 0, good.stderr
        assert openssl("verify", *identity, "-CAfile", str(other), written).returncode != 0
        listed = openssl(*reads, str(path), "-passin", "pass:secret-1")
        assert "PRIVATE KEY" in listed.stdout
        assert openssl(*reads, str(path), "-passin", "pass:other").returncode != 0
    for certificate in (keys.signing_cert, keys.encryption_cert):
        assert (certificate.uscc, certificate.organization) == (USCCS[0], "陇东示范有限公司")
        assert certificate.key_algorithm == key_type
    assert (keys.signing_cert.can_sign, keys.signing_cert.can_encrypt) == (True, False)
    assert (keys.encryption_cert.can_sign, keys.encryption_cert.can_encrypt) == (False, True)


def test_the_revocation_list_names_what_was_revoked(template: Template, tmp_path: Path) -> None:
    data = template.copy(tmp_path / "data")
    keys = issue_bidder(data, "吊销示范有限公司", USCCS[1], "p-256")
    pem = tmp_path / "c.pem"
    pem.write_bytes(keys.signing_cert.pem)
    trust = data / "trust"
    check = ("verify", "-crl_check", "-CAfile", str(trust / "ca.pem"), "-CRLfile", str(trust / "ca.crl"))
    at = ("-attime", str(int(NOW.timestamp()) + 60))
    assert openssl(*check, *at, str(pem)).returncode == 0
    revoke(data, keys.signing_cert, NOW)
    assert "certificate revoked" in openssl(*check, *at, str(pem)).stderr


def test_openssl_verifies_our_time_stamps_and_refuses_others(sandbox: LocalSandbox, tmp_path: Path) -> None:
    data, query, reply = tmp_path / "bid.bin", tmp_path / "query.tsq", tmp_path / "reply.tsr"
    data.write_bytes(b"bid")
    assert openssl("ts", "-query", "-data", str(data), "-sha256", "-cert", "-out", str(query)).returncode == 0
    headers = {"Content-Type": tsa.REQUEST_TYPE}
    answer = requests.post(f"{sandbox.url}/tsa", query.read_bytes(), headers=headers, timeout=20)
    assert answer.headers["Content-Type"] == tsa.REPLY_TYPE
    reply.write_bytes(answer.content)
    check = ("-in", str(reply), "-CAfile", str(sandbox.trust / "ca.pem"))
    assert "Verification: OK" in openssl("ts", "-verify", "-queryfile", str(query), *check).stdout
    assert "Verification: OK" in openssl("ts", "-verify", "-data", str(data), *check).stdout
    data.write_bytes(b"bid!")
    assert openssl("ts", "-verify", "-data", str(data), *check).returncode != 0
    damaged = bytearray(answer.content)
    damaged[-3] ^= 1
    reply.write_bytes(bytes(damaged))
    assert openssl("ts", "-verify", "-queryfile", str(query), *check).returncode != 0


def test_our_own_client_takes_the_stamps_with_the_networks_time(sandbox: LocalSandbox) -> None:
    anchors = (Certificate.from_pem((sandbox.trust / "ca.pem").read_bytes()),)
    headers = {"Content-Type": tsa.REQUEST_TYPE}

    def transport(request: bytes) -> bytes:
        return requests.post(f"{sandbox.url}/tsa", request, headers=headers, timeout=20).content

    imprints: tuple[Imprint, Imprint] = ("sha256", "sm3")
    for imprint in imprints:
        token = stamp_by(transport, anchors, imprints=(imprint,))(b"signature")
        assert verify_token(token, b"signature", anchors, "test") == NOW
        with pytest.raises(BadTimestamp):
            verify_token(token, b"other", anchors, "test")


@pytest.mark.parametrize("years", [-20, 20])
def test_a_world_of_another_time_is_valid_then_and_now(tmp_path: Path, years: int) -> None:
    now = NOW.replace(year=NOW.year + years)
    authority = create_authority(tmp_path, now)
    for at in (now, machine_time()):
        for certificate in authority.own:
            assert certificate.not_before < at < certificate.not_after
    roots = certificates_from_pem((tmp_path / "trust" / "roots.pem").read_bytes())
    assert roots == authority.anchors


def rejected(answer: bytes, folder: Path) -> bool:
    """Whether openssl reads a rejection."""
    (folder / "reply.tsr").write_bytes(answer)
    text = openssl("ts", "-reply", "-in", str(folder / "reply.tsr"), "-text").stdout
    return "Status: Rejected" in text


@pytest.mark.parametrize(
    "request_bytes", [b"", b"\x30\x00", b"x" * 100, timestamp_request(b"\0" * 32, 1)[:-4]]
)
def test_what_is_no_request_is_rejected_in_the_answer(
    sandbox: LocalSandbox, request_bytes: bytes, tmp_path: Path
) -> None:
    answer = tsa.answer(request_bytes, sandbox.world.authority.stamping, NOW)
    assert rejected(answer, tmp_path)
    with pytest.raises(BadTimestamp):
        response_token(answer, "test")


def test_another_digest_than_its_length_says_is_rejected(sandbox: LocalSandbox, tmp_path: Path) -> None:
    request = tsp.TimeStampReq.load(timestamp_request(b"\0" * 32, 1))
    request["message_imprint"]["hash_algorithm"] = {"algorithm": "sha512"}
    answer = tsa.answer(request.dump(force=True), sandbox.world.authority.stamping, NOW)
    assert rejected(answer, tmp_path)
