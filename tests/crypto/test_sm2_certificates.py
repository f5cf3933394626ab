"""SM2 certificates: read, and their chains proven, ours and OpenSSL's."""

import operator
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from asn1crypto import core
from asn1crypto import x509 as asn1

from bidclient.crypto.certificate import Certificate, verify_chain
from bidclient.errors import BadCertificate
from tests.crypto.conftest import Judge
from tests.support.pki import NAME, NOW, USCC, InMemoryKey
from tests.support.sm2_pki import Sm2Authority, Sm2InMemoryKey

DISTID = "distid:1234567812345678"


def test_an_sm2_certificate_tells_whose_it_is_and_what_for(
    sm2_signer: Sm2InMemoryKey, sm2_recipient: Sm2InMemoryKey, sm2_authority: Sm2Authority
) -> None:
    for key, signs in ((sm2_signer, True), (sm2_recipient, False)):
        certificate = key.certificate
        assert certificate.key_algorithm == "sm2"
        assert certificate.sm2_point == key.key.point
        assert (certificate.common_name, certificate.uscc) == (NAME, USCC)
        assert certificate.issuer == sm2_authority.certificate.subject
        assert (certificate.can_sign, certificate.can_encrypt) == (signs, not signs)
    assert sm2_authority.certificate.is_ca


def test_other_keys_have_no_sm2_point(ec_signer: InMemoryKey, signer: InMemoryKey) -> None:
    for key in (ec_signer, signer):
        with pytest.raises(BadCertificate, match="not an SM2 key"):
            _ = key.certificate.sm2_point


def test_a_point_off_the_curve_is_refused(sm2_signer: Sm2InMemoryKey) -> None:
    der = sm2_signer.certificate.der
    place = der.index(sm2_signer.key.point) + 64
    off = Certificate.from_der(der[:place] + bytes([der[place] ^ 1]) + der[place + 1 :])
    with pytest.raises(BadCertificate, match="not a point"):
        _ = off.sm2_point


def chain(certificate: Certificate, authority: Sm2Authority, root: Sm2Authority, at: datetime = NOW) -> None:
    verify_chain(certificate, authority.above, [root.certificate], at, "x")


def test_the_chain_of_an_sm2_certificate_holds(
    sm2_signer: Sm2InMemoryKey, sm2_authority: Sm2Authority, sm2_root: Sm2Authority
) -> None:
    chain(sm2_signer.certificate, sm2_authority, sm2_root)


def test_another_authority_of_the_same_name_does_not_do(
    sm2_signer: Sm2InMemoryKey, sm2_authority: Sm2Authority, sm2_root: Sm2Authority
) -> None:
    with pytest.raises(BadCertificate, match=r"unknown issuer|bad signature"):
        chain(sm2_signer.certificate, sm2_authority, Sm2Authority.root())
    other = Sm2Authority.root().intermediate()
    with pytest.raises(BadCertificate):
        chain(other.issue().certificate, sm2_authority, sm2_root)


def test_dates_count(sm2_authority: Sm2Authority, sm2_root: Sm2Authority) -> None:
    old = sm2_authority.issue(not_after=datetime(2022, 1, 1, tzinfo=UTC)).certificate
    with pytest.raises(BadCertificate, match="expired"):
        chain(old, sm2_authority, sm2_root)
    chain(old, sm2_authority, sm2_root, datetime(2021, 6, 1, tzinfo=UTC))


def resigned(certificate: Certificate, change: Callable[[asn1.Certificate], object]) -> Certificate:
    parsed = certificate.asn1()
    change(parsed)
    return Certificate.from_der(parsed.dump(force=True))


def test_a_changed_certificate_is_refused(
    sm2_signer: Sm2InMemoryKey, sm2_authority: Sm2Authority, sm2_root: Sm2Authority
) -> None:
    signature = bytearray(sm2_signer.certificate.asn1()["signature_value"].native)
    signature[-1] ^= 1
    flipped = core.OctetBitString(bytes(signature))
    later = asn1.Time("utc_time", datetime(2049, 1, 1, tzinfo=UTC))
    changes: list[Callable[[asn1.Certificate], object]] = [
        lambda parsed: operator.setitem(parsed, "signature_value", flipped),
        lambda parsed: operator.setitem(parsed["tbs_certificate"]["validity"], "not_after", later),
    ]
    for change in changes:
        with pytest.raises(BadCertificate, match="bad signature"):
            chain(resigned(sm2_signer.certificate, change), sm2_authority, sm2_root)


def test_openssl_proves_our_chain_and_not_another(
    sm2_signer: Sm2InMemoryKey,
    sm2_authority: Sm2Authority,
    sm2_root: Sm2Authority,
    openssl: Judge,
    tmp_path: Path,
) -> None:
    (between,) = sm2_authority.above
    other = Sm2Authority.root().certificate
    files = {"c": sm2_signer.certificate, "between": between, "ca": sm2_root.certificate, "other": other}
    for name, certificate in files.items():
        (tmp_path / f"{name}.pem").write_bytes(certificate.pem)
    # OpenSSL 3.0 gives the identity to the first certificate of a chain only: link by link.
    verify = f"verify -vfyopt {DISTID} -partial_chain"
    assert openssl(f"{verify} -CAfile between.pem c.pem").returncode == 0
    assert openssl(f"{verify} -CAfile ca.pem between.pem").returncode == 0
    assert openssl(f"{verify} -CAfile other.pem between.pem").returncode != 0


def test_what_openssl_issues_is_proven_and_under_the_usual_identity_only(
    openssl: Judge, tmp_path: Path
) -> None:
    (tmp_path / "x.cnf").write_text(
        "[req]\ndistinguished_name=dn\nx509_extensions=ca\n[dn]\n[ca]\nbasicConstraints=critical,CA:TRUE\n"
        "[leaf]\nkeyUsage=critical,digitalSignature\n"
    )
    openssl("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:SM2 -out ca.key")
    openssl("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:SM2 -out c.key")
    made = openssl(
        f"req -new -x509 -config x.cnf -sm3 -sigopt {DISTID} -key ca.key -subj /CN=root -days 9 -out ca.pem"
    )
    assert made.returncode == 0, made.stderr
    openssl(f"req -new -config x.cnf -sm3 -sigopt {DISTID} -key c.key -subj /CN=leaf -out c.csr")
    issue = (
        f"x509 -req -sm3 -vfyopt {DISTID} -in c.csr -CA ca.pem -CAkey ca.key -extfile x.cnf -extensions leaf"
    )
    for identity, holds in ((DISTID, True), ("distid:8765432187654321", False)):
        assert openssl(f"{issue} -sigopt {identity} -out c.pem").returncode == 0
        leaf = Certificate.from_pem((tmp_path / "c.pem").read_bytes())
        root = Certificate.from_pem((tmp_path / "ca.pem").read_bytes())
        assert leaf.sm2_point
        assert leaf.can_sign
        at = max(leaf.not_before, root.not_before)
        if holds:
            verify_chain(leaf, [], [root], at, "x")
        else:
            with pytest.raises(BadCertificate, match="bad signature"):
                verify_chain(leaf, [], [root], at, "x")
