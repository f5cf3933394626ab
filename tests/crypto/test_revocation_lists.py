"""Revocation lists: what counts and what does not, with certomancer and openssl on the other side."""

import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from asn1crypto import crl as crl_asn1
from asn1crypto import pem
from cryptography import x509
from hypothesis import given, settings
from hypothesis import strategies as st

from bidclient.crypto.certificate import Certificate
from bidclient.crypto.revocation import Standing, read_crl
from bidclient.sandbox import revocation_answers
from tests.crypto.conftest import Judge
from tests.support.certomancer_pki import REVOKED_SINCE, PublicAuthority
from tests.support.pki import NOW, Authority
from tests.support.sm2_pki import Sm2Authority, Sm2InMemoryKey

MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="session")
def listed(public: PublicAuthority) -> bytes:
    """The list."""
    return public.list_at(NOW)


def told(standing: Standing) -> tuple[str, str]:
    return standing.status, standing.cause


def test_a_list_is_judged_by_signature_issuer_and_dates(public: PublicAuthority, root: Authority) -> None:
    data, issuer = public.list_at(NOW), public.certificate("ca")
    company, revoked = public.certificate("company"), public.certificate("revoked")
    assert read_crl(data, company, issuer, NOW, "x").status == "good"
    found = read_crl(data, revoked, issuer, NOW, "x")
    assert (found.status, found.since, found.reason) == ("revoked", REVOKED_SINCE, "keyCompromise")
    assert read_crl(pem.armor("X509 CRL", data), revoked, issuer, NOW, "x").status == "revoked"
    assert told(read_crl(data, company, issuer, NOW + timedelta(days=2), "x")) == ("cannot-tell", "stale")
    assert told(read_crl(data, company, issuer, NOW - timedelta(days=2), "x")) == ("cannot-tell", "clock")
    assert told(read_crl(data, company, root.certificate, NOW, "x"))[0] == "cannot-tell"
    # A list that speaks of certificates from one address says nothing about those from elsewhere.
    assert told(read_crl(data, public.certificate("lonely"), issuer, NOW, "x")) == (
        "cannot-tell",
        "bad-answer",
    )
    version = data.index(b"\x02\x01\x01") + 2
    unknown = data[:version] + b"\0" + data[version + 1 :]
    for garbage in (b"", b"\x30\x00", b"-----BEGIN X509 CRL-----\n", data[:-1], unknown):
        assert told(read_crl(garbage, company, issuer, NOW, "x")) == ("cannot-tell", "bad-answer")


@settings(deadline=None, max_examples=100)
@given(data=st.data())
def test_no_flipped_bit_takes_a_certificate_off_the_list(
    data: st.DataObject, public: PublicAuthority, listed: bytes
) -> None:
    content = bytearray(listed)
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    revoked, issuer = public.certificate("revoked"), public.certificate("ca")
    assert read_crl(bytes(content), revoked, issuer, NOW, "x").status != "good"


def test_a_list_without_an_end_or_by_a_weak_hash_does_not_count(public: PublicAuthority) -> None:
    company, issuer = public.certificate("company"), public.certificate("ca")
    endless = crl_asn1.CertificateList.load(public.list_at(NOW))
    del endless["tbs_cert_list"]["next_update"]
    found = read_crl(endless.dump(force=True), company, issuer, NOW, "x")
    assert (found.status, found.reason) == ("cannot-tell", "the list does not say how long it holds")
    weak = crl_asn1.CertificateList.load(public.list_at(NOW))
    weak["signature_algorithm"] = {"algorithm": "sha1_ecdsa"}
    assert "weak" in read_crl(weak.dump(force=True), company, issuer, NOW, "x").reason


# -------------------------------------------------------------------------------------- SM2 by openssl


@pytest.fixture(scope="session")
def sm2_world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SM2 authority, two companies and a list with the second on it, all made by the openssl program."""
    folder = tmp_path_factory.mktemp("sm2")
    (folder / "ca.cnf").write_text(
        "[ca]\ndefault_ca = one\n[one]\ndatabase = index.txt\nserial = serial\ncrlnumber = crlnumber\n"
        "default_md = sm3\ndefault_crl_days = 30\ncertificate = ca.pem\nprivate_key = ca.key\n"
        "[v3_ca]\nbasicConstraints = critical,CA:true\nkeyUsage = critical,keyCertSign,cRLSign\n"
        "subjectKeyIdentifier = hash\n[v3_end]\nkeyUsage = critical,digitalSignature\n"
        "authorityKeyIdentifier = keyid\n[req]\ndistinguished_name = dn\n[dn]\n"
    )
    (folder / "index.txt").touch()
    (folder / "crlnumber").write_text("01\n")
    identity = ("-sigopt", "distid:1234567812345678")

    def run(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True, timeout=60)

    for name in ("ca", "good", "bad"):
        run("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:SM2", "-out", f"{name}.key")
    ca = ("-subj", "/C=CN/O=SM2 CA/CN=root", "-days", "3650", "-extensions", "v3_ca", "-config", "ca.cnf")
    run("req", "-new", "-x509", "-sm3", *identity, "-key", "ca.key", "-out", "ca.pem", *ca)
    for number, name in enumerate(("good", "bad"), 17):
        subject = ("-subj", f"/C=CN/O={name}/CN={name}", "-config", "ca.cnf")
        run("req", "-new", "-sm3", *identity, "-key", f"{name}.key", "-out", f"{name}.csr", *subject)
        issue = ("-CA", "ca.pem", "-CAkey", "ca.key", "-set_serial", str(number), "-days", "365")
        extensions = ("-extfile", "ca.cnf", "-extensions", "v3_end")
        verify = ("-vfyopt", "distid:1234567812345678")
        csr = ("-in", f"{name}.csr", "-out", f"{name}.pem")
        run("x509", "-req", "-sm3", *identity, *verify, *csr, *issue, *extensions)
    run("ca", "-config", "ca.cnf", "-revoke", "bad.pem", "-crl_reason", "cessationOfOperation")
    run("ca", "-config", "ca.cnf", "-gencrl", *identity, "-out", "ca.crl")
    return folder


def test_an_sm2_list_by_openssl_is_judged_like_any_other(sm2_world: Path, sm2_root: Sm2Authority) -> None:
    data = (sm2_world / "ca.crl").read_bytes()
    issuer, good, bad = (
        Certificate.from_pem((sm2_world / f"{name}.pem").read_bytes()) for name in ("ca", "good", "bad")
    )
    now = x509.load_pem_x509_crl(data).last_update_utc + MINUTE
    assert read_crl(data, good, issuer, now, "x").status == "good"
    found = read_crl(data, bad, issuer, now, "x")
    assert (found.status, found.reason) == ("revoked", "cessationOfOperation")
    assert told(read_crl(data, good, issuer, now + timedelta(days=31), "x")) == ("cannot-tell", "stale")
    assert told(read_crl(data, good, issuer, now - timedelta(days=1), "x")) == ("cannot-tell", "clock")
    assert read_crl(data, good, sm2_root.certificate, now, "x").status == "cannot-tell"
    der = pem.unarmor(data)[2]
    for offset in (len(der) - 3, der.index(b"root") + 1, len(der) // 2):
        damaged = bytearray(der)
        damaged[offset] ^= 1
        assert read_crl(bytes(damaged), bad, issuer, now, "x").status == "cannot-tell"


def test_openssl_takes_the_sandboxs_sm2_list_and_refuses_a_damaged_one(
    sm2_root: Sm2Authority, openssl: Judge, tmp_path: Path
) -> None:
    issuer = Sm2InMemoryKey(sm2_root.key, sm2_root.certificate)
    good, bad = sm2_root.issue().certificate, sm2_root.issue().certificate
    revoked = {int(bad.serial, 16): NOW - MINUTE}
    data = revocation_answers.revocation_list(issuer, revoked, NOW, NOW + timedelta(days=1))
    assert read_crl(data, good, sm2_root.certificate, NOW, "x").status == "good"
    found = read_crl(data, bad, sm2_root.certificate, NOW, "x")
    assert (found.status, found.since) == ("revoked", NOW - MINUTE)
    assert revocation_answers.revoked_serials(data) == revoked
    (tmp_path / "ca.pem").write_bytes(sm2_root.certificate.pem)
    # This openssl takes no identity for lists (`verify -crl_check`), so it judges the bare signature.
    parsed = crl_asn1.CertificateList.load(data)
    (tmp_path / "body").write_bytes(parsed["tbs_cert_list"].dump())
    (tmp_path / "signature").write_bytes(parsed["signature"].native)
    openssl("x509 -in ca.pem -pubkey -noout -out ca.pub")
    verify = (
        "pkeyutl -verify -rawin -digest sm3 -pkeyopt distid:1234567812345678 -pubin -inkey ca.pub"
        " -in body -sigfile signature"
    )
    assert openssl(verify).returncode == 0
    (tmp_path / "body").write_bytes(parsed["tbs_cert_list"].dump()[:-1] + b"\0")
    assert openssl(verify).returncode != 0
