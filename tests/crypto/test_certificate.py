import subprocess
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from bidclient.crypto.certificate import Certificate, certificates_from_pem, verify_chain
from bidclient.crypto.uscc import is_uscc
from bidclient.errors import BadCertificate, BidError
from tests.crypto.conftest import Judge
from tests.support.pki import NAME, NOT_AFTER, NOT_BEFORE, NOW, USCC, Authority, InMemoryKey


def self_signed(name: x509.Name, bits: int = 2048) -> Certificate:
    key = rsa.generate_private_key(65537, bits)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = (
        builder.serial_number(1)
        .not_valid_before(NOT_BEFORE)
        .not_valid_after(NOT_AFTER)
        .sign(key, hashes.SHA256())
    )
    return Certificate.from_der(made.public_bytes(serialization.Encoding.DER))


def named(*parts: tuple[x509.ObjectIdentifier, str]) -> Certificate:
    return self_signed(x509.Name([x509.NameAttribute(kind, value) for kind, value in parts]))


def test_a_signing_certificate_tells_whose_it_is(signer: InMemoryKey) -> None:
    certificate = signer.certificate
    assert certificate.common_name == certificate.organization == NAME
    assert certificate.uscc == USCC
    assert certificate.subject == f"C=CN, CN={NAME}, O={NAME}, organizationIdentifier={USCC}"
    assert certificate.issuer_common_name == "测试中级证书"
    assert (certificate.not_before, certificate.not_after) == (NOT_BEFORE, NOT_AFTER)
    assert certificate.key_algorithm == "rsa-2048"
    assert certificate.can_sign
    assert not certificate.can_encrypt
    assert not certificate.is_ca


def test_usages_and_kinds(authority: Authority, ec_recipient: InMemoryKey, tsa: InMemoryKey) -> None:
    assert authority.certificate.is_ca
    assert not authority.certificate.can_sign
    assert ec_recipient.certificate.key_algorithm == "p-256"
    assert ec_recipient.certificate.can_encrypt
    assert not ec_recipient.certificate.can_sign
    assert tsa.certificate.extended_usages == {"1.3.6.1.5.5.7.3.8"}
    assert ec_recipient.certificate.extended_usages == frozenset()


def test_without_key_usage_everything_is_allowed() -> None:
    certificate = named((NameOID.COMMON_NAME, "x"))
    assert certificate.can_sign
    assert certificate.can_encrypt


def test_openssl_reads_the_same_fields(signer: InMemoryKey, openssl: Judge, tmp_path: Path) -> None:
    (tmp_path / "c.pem").write_bytes(signer.certificate.pem)
    said = openssl("x509 -in c.pem -noout -serial -fingerprint -sha256").stdout.decode()
    fields = dict(line.split("=") for line in said.splitlines())
    assert int(fields["serial"], 16) == int(signer.certificate.serial, 16)
    assert fields["sha256 Fingerprint"].replace(":", "").lower() == signer.certificate.sha256


def test_pem_goes_round(signer: InMemoryKey, ec_signer: InMemoryKey) -> None:
    both = signer.certificate.pem + signer.pem + ec_signer.certificate.pem
    assert certificates_from_pem(both) == (signer.certificate, ec_signer.certificate)
    assert certificates_from_pem(b"no certificate here") == ()
    assert Certificate.from_pem(signer.certificate.pem) == signer.certificate
    for wrong in (b"", both):
        with pytest.raises(BadCertificate):
            Certificate.from_pem(wrong)
    with pytest.raises(BadCertificate):
        certificates_from_pem(b"-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n")


@pytest.mark.parametrize("prefix", ["", "USCC-", "NTRCN-"])
def test_the_code_of_the_organization_identifier(prefix: str) -> None:
    assert named((NameOID.ORGANIZATION_IDENTIFIER, prefix + USCC)).uscc == USCC


def test_the_code_in_other_attributes() -> None:
    assert named((NameOID.COMMON_NAME, "x"), (NameOID.ORGANIZATIONAL_UNIT_NAME, USCC)).uscc == USCC
    assert named((NameOID.SERIAL_NUMBER, USCC)).uscc == USCC
    wrong_check = USCC[:-1] + ("0" if USCC[-1] != "0" else "1")
    assert named((NameOID.ORGANIZATIONAL_UNIT_NAME, wrong_check)).uscc is None
    assert named((NameOID.ORGANIZATIONAL_UNIT_NAME, f"code {USCC}")).uscc is None


@pytest.mark.parametrize(
    ("code", "good"),
    [("91350100M000100Y43", True), ("91350100M000100Y44", False), ("91350100M000100Y4I", False), ("", False)],
)
def test_uscc_check_characters(code: str, good: bool) -> None:
    assert is_uscc(code) is good


def test_a_name_cannot_forge_lines_on_the_screen() -> None:
    certificate = named((NameOID.COMMON_NAME, "甲, O=乙\r\n\x1b[2J丙"))
    assert (certificate.holder, certificate.issuer_holder) == (certificate.common_name,) * 2
    assert certificate.common_name == "甲, O=乙\ufffd\ufffd\ufffd[2J丙"
    assert certificate.subject == "CN=甲\\, O=乙\ufffd\ufffd\ufffd[2J丙"


def test_sm2_certificates_are_readable(openssl: Judge, tmp_path: Path) -> None:
    openssl("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:SM2 -out sm2.key")
    subject = "-utf8 -subj /C=CN/O=甲公司/CN=甲公司"
    made = openssl(f"req -new -x509 -sm3 -key sm2.key -out sm2.pem -days 30 {subject}")
    assert made.returncode == 0, made.stderr
    certificate = Certificate.from_pem((tmp_path / "sm2.pem").read_bytes())
    assert certificate.key_algorithm == "sm2"
    assert certificate.organization == "甲公司"
    with pytest.raises(BadCertificate):
        certificate.public_key()


# ---------------------------------------------------------------------------------------------- chains


def test_any_anchor_ends_a_chain(signer: InMemoryKey, authority: Authority, root: Authority) -> None:
    for anchor in (root.certificate, authority.certificate, signer.certificate):
        verify_chain(signer.certificate, signer.chain, [anchor], NOW, "x")
        with pytest.raises(BadCertificate):
            verify_chain(signer.certificate, signer.chain, [anchor], NOT_AFTER + timedelta(seconds=1), "x")


@pytest.mark.parametrize(
    ("at", "reason"),
    [(NOT_BEFORE - timedelta(seconds=1), "not yet valid"), (NOT_AFTER + timedelta(seconds=1), "expired")],
)
def test_dates_are_looked_at(signer: InMemoryKey, root: Authority, at: datetime, reason: str) -> None:
    with pytest.raises(BadCertificate) as caught:
        verify_chain(signer.certificate, signer.chain, [root.certificate], at, "bid.stub")
    assert caught.value.reason.startswith(reason)
    assert caught.value.subject == f"bid.stub: {signer.certificate.common_name}"


def test_the_zone_of_the_time_counts(authority: Authority, root: Authority) -> None:
    beijing = timezone(timedelta(hours=8))
    short = authority.issue(not_before=NOW, not_after=NOW + timedelta(minutes=1))
    verify_chain(short.certificate, short.chain, [root.certificate], NOW.astimezone(beijing), "x")
    wrong = NOW.astimezone(beijing).replace(tzinfo=UTC)
    with pytest.raises(BadCertificate, match="expired"):
        verify_chain(short.certificate, short.chain, [root.certificate], wrong, "x")


def test_an_unknown_issuer_is_refused(signer: InMemoryKey, root: Authority, stranger: Authority) -> None:
    for chain, anchors in (
        [signer.chain, [stranger.certificate]],
        [signer.chain, []],
        [(), [root.certificate]],
    ):
        with pytest.raises(BadCertificate, match="unknown issuer"):
            verify_chain(signer.certificate, chain, anchors, NOW, "x")


def test_an_issuer_of_the_same_name_with_another_key_is_refused(signer: InMemoryKey) -> None:
    double = Authority.root("测试中级证书", 1003)
    with pytest.raises(BadCertificate):
        verify_chain(signer.certificate, [], [double.certificate], NOW, "x")


def test_a_flipped_signature_is_refused(signer: InMemoryKey, root: Authority) -> None:
    flipped = Certificate.from_der(signer.certificate.der[:-1] + bytes([signer.certificate.der[-1] ^ 1]))
    with pytest.raises(BadCertificate, match="bad signature"):
        verify_chain(flipped, signer.chain, [root.certificate], NOW, "x")


def test_a_company_is_no_authority(signer: InMemoryKey, root: Authority) -> None:
    fake = Authority(signer.key, x509.load_der_x509_certificate(signer.certificate.der)).issue(number=3)
    with pytest.raises(BadCertificate):
        verify_chain(fake.certificate, [signer.certificate, *signer.chain], [root.certificate], NOW, "x")


def test_weak_keys_below_the_anchor_are_refused(openssl: Judge, tmp_path: Path, root: Authority) -> None:
    (tmp_path / "ca.pem").write_bytes(root.certificate.pem)
    (tmp_path / "ca.key").write_bytes(InMemoryKey(root.key, root.certificate).pem)
    pss = "-sha1 -sigopt rsa_padding_mode:pss"
    weak = (
        ("key", "rsa:1024", "-sha256"),
        ("signature", "rsa:2048", "-sha1"),
        ("signature", "rsa:2048", pss),
    )
    for name, size, digest in weak:
        openssl(f"req -newkey {size} -nodes -keyout k -out r -subj /CN=weak")
        openssl(f"x509 -req -in r -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -out c {digest}")
        certificate = Certificate.from_pem((tmp_path / "c").read_bytes())
        with pytest.raises(BadCertificate, match=f"weak {name}"):
            verify_chain(certificate, [], [root.certificate], certificate.not_after - timedelta(days=1), "x")


# ----------------------------------------------------------------------------------------------- noise


@pytest.mark.parametrize(
    "data", [b"", b"\x30", b"\x30\x00", b"0" * 100, b"\x30\x80\x00\x00", b"\x00" * 70_000]
)
def test_what_is_no_certificate_is_refused(data: bytes) -> None:
    with pytest.raises(BadCertificate):
        Certificate.from_der(data)


@pytest.mark.parametrize("serial", [b"\x00", b"\x80"])
def test_a_serial_number_is_positive(serial: bytes, openssl: Judge, tmp_path: Path) -> None:
    openssl("req -x509 -newkey rsa:2048 -nodes -keyout k -out c -outform DER -subj /CN=x -set_serial 5")
    der = (tmp_path / "c").read_bytes()
    assert Certificate.from_der(der).serial == "5"
    with pytest.raises(BadCertificate, match="not positive"):
        Certificate.from_der(der.replace(b"\x02\x01\x05", b"\x02\x01" + serial, 1))


def test_bytes_after_the_end_are_refused(signer: InMemoryKey) -> None:
    with pytest.raises(BadCertificate):
        Certificate.from_der(signer.certificate.der + b"\x00")


@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_flipped_bits_give_only_our_errors_and_never_a_chain(
    data: st.DataObject, signer: InMemoryKey, root: Authority
) -> None:
    der = bytearray(signer.certificate.der)
    der[data.draw(st.integers(0, len(der) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(BidError):
        verify_chain(Certificate.from_der(bytes(der)), signer.chain, [root.certificate], NOW, "x")


def test_the_chain_judge_agrees_with_openssl(
    signer: InMemoryKey, root: Authority, stranger: Authority, openssl: Judge, tmp_path: Path
) -> None:
    (tmp_path / "leaf.pem").write_bytes(signer.certificate.pem)
    (tmp_path / "between.pem").write_bytes(signer.chain[0].pem)
    said: list[subprocess.CompletedProcess[bytes]] = []
    for anchor in (root, stranger):
        (tmp_path / "ca.pem").write_bytes(anchor.certificate.pem)
        said.append(openssl("verify -CAfile ca.pem -untrusted between.pem leaf.pem"))
    assert [one.returncode == 0 for one in said] == [True, False]
