"""OCSP: what counts as an answer and what does not, with certomancer and openssl on the other side."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from asn1crypto import core, ocsp, parser
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509 import ocsp as x509_ocsp
from hypothesis import given, settings
from hypothesis import strategies as st

from bidclient.crypto.certificate import Certificate
from bidclient.crypto.private_key import SignatureScheme
from bidclient.crypto.revocation import (
    Standing,
    crl_addresses,
    ocsp_addresses,
    ocsp_request,
    read_ocsp,
)
from bidclient.sandbox import revocation_answers
from tests.crypto.conftest import Judge
from tests.support.certomancer_pki import REVOKED_SINCE, PublicAuthority
from tests.support.pki import NOW, Authority, InMemoryKey
from tests.support.sm2_pki import Sm2Authority, Sm2InMemoryKey

NONCE = bytes(range(32))
MINUTE = timedelta(minutes=1)
AnyKey = InMemoryKey | Sm2InMemoryKey


@pytest.fixture(scope="session")
def answer(public: PublicAuthority) -> bytes:
    """What the service says about the revoked certificate."""
    request = ocsp_request(public.certificate("revoked"), public.certificate("ca"), NONCE)
    return public.answer(request, NOW)


def asked(
    public: PublicAuthority,
    name: str = "company",
    service: str = "main",
    at: datetime = NOW,
    now: datetime = NOW,
    nonce: bytes | None = NONCE,
) -> Standing:
    """What the authority's OCSP service says at `at`, judged at `now`."""
    certificate, issuer = public.certificate(name), public.certificate("ca")
    answer = public.answer(ocsp_request(certificate, issuer, NONCE), at, service)
    return read_ocsp(answer, certificate, issuer, now, nonce, "x")


def told(standing: Standing) -> tuple[str, str]:
    return standing.status, standing.cause


def test_a_good_certificate_is_good_by_a_delegate_and_by_the_issuer_itself(public: PublicAuthority) -> None:
    for service in ("main", "elder"):
        found = asked(public, service=service)
        assert told(found) == ("good", "")
        assert found.until == NOW + 10 * MINUTE


def test_a_revoked_certificate_is_revoked_since_when_and_why(public: PublicAuthority) -> None:
    found = asked(public, "revoked")
    assert (found.status, found.since, found.reason) == ("revoked", REVOKED_SINCE, "key_compromise")


def test_what_is_proven_to_be_older_than_the_revocation_stays_good(public: PublicAuthority) -> None:
    found, before = asked(public, "revoked"), REVOKED_SINCE - MINUTE
    assert found.at(before, proven=True).status == "good"
    assert told(found.at(before, proven=False)) == ("cannot-tell", "unproven-time")
    for proven in (True, False):
        assert found.at(REVOKED_SINCE, proven).status == "revoked"


def test_a_service_that_the_issuer_has_not_certified_for_it_does_not_count(public: PublicAuthority) -> None:
    found = asked(public, "revoked", service="wrong")
    assert told(found) == ("cannot-tell", "bad-answer")
    assert "may not answer" in found.reason


def test_only_the_answer_to_our_own_question_counts(public: PublicAuthority) -> None:
    found = asked(public, nonce=bytes(32))
    assert told(found) == ("cannot-tell", "bad-answer")
    assert "nonce" in found.reason
    certificate, issuer = public.certificate("company"), public.certificate("ca")
    silent = ocsp.OCSPRequest.load(ocsp_request(certificate, issuer, NONCE))
    del silent["tbs_request"]["request_extensions"]
    answer = public.answer(silent.dump(force=True), NOW)
    assert told(read_ocsp(answer, certificate, issuer, NOW, NONCE, "x")) == ("cannot-tell", "bad-answer")
    # Kept answers have the nonce of another day.
    assert read_ocsp(answer, certificate, issuer, NOW, None, "x").status == "good"


def test_an_answer_about_another_certificate_does_not_count(public: PublicAuthority) -> None:
    issuer = public.certificate("ca")
    answer = public.answer(ocsp_request(public.certificate("company"), issuer, NONCE), NOW)
    found = read_ocsp(answer, public.certificate("revoked"), issuer, NOW, NONCE, "x")
    assert told(found) == ("cannot-tell", "bad-answer")


def test_an_answer_by_another_authority_does_not_count(public: PublicAuthority, root: Authority) -> None:
    certificate, issuer = public.certificate("company"), public.certificate("ca")
    answer = public.answer(ocsp_request(certificate, issuer, NONCE), NOW)
    assert told(read_ocsp(answer, certificate, root.certificate, NOW, NONCE, "x"))[0] == "cannot-tell"


def test_dates_are_judged_and_a_wrong_clock_is_named(public: PublicAuthority) -> None:
    # An answer that was kept: it holds ten minutes.
    assert asked(public, now=NOW + 9 * MINUTE, nonce=None).status == "good"
    assert told(asked(public, now=NOW + 11 * MINUTE, nonce=None)) == ("cannot-tell", "stale")
    assert told(asked(public, now=NOW - 6 * MINUTE, nonce=None)) == ("cannot-tell", "clock")
    # A fresh one, our nonce inside: whoever has another time, it is the clock and not the certificate.
    for off in (6 * MINUTE, -6 * MINUTE, timedelta(days=400)):
        for name in ("company", "revoked"):
            assert told(asked(public, name, now=NOW + off)) == ("cannot-tell", "clock")
    assert asked(public, now=NOW + 4 * MINUTE).status == "good"


def test_a_refusal_and_garbage_say_nothing(public: PublicAuthority) -> None:
    certificate, issuer = public.certificate("company"), public.certificate("ca")
    refusal = ocsp.OCSPResponse({"response_status": "try_later"}).dump()
    for answer in (refusal, b"", b"<html>", b"\x30\x00", b"\x30\x03\x0a\x01\x00", bytes(200_000)):
        found = read_ocsp(answer, certificate, issuer, NOW, NONCE, "x")
        assert told(found) == ("cannot-tell", "bad-answer"), answer[:10]


@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_no_flipped_bit_makes_a_revoked_certificate_good(
    data: st.DataObject, public: PublicAuthority, answer: bytes
) -> None:
    certificate, issuer = public.certificate("revoked"), public.certificate("ca")
    flipped = bytearray(answer)
    flipped[data.draw(st.integers(0, len(answer) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    found = read_ocsp(bytes(flipped), certificate, issuer, NOW, NONCE, "x")
    assert found.status != "good"
    if found.status == "revoked":
        assert found.since == REVOKED_SINCE


def test_the_request_names_the_certificate_as_others_do(
    public: PublicAuthority, signer: InMemoryKey, authority: Authority, sm2_signer: Sm2InMemoryKey
) -> None:
    for certificate, issuer in (
        (public.certificate("company"), public.certificate("ca")),
        (signer.certificate, authority.certificate),
    ):
        ours = ocsp.OCSPRequest.load(ocsp_request(certificate, issuer, NONCE))
        theirs = x509_ocsp.OCSPRequestBuilder().add_certificate(
            x509.load_der_x509_certificate(certificate.der),
            x509.load_der_x509_certificate(issuer.der),
            hashes.SHA1(),  # noqa: S303 - how RFC 5019 names issuers
        )
        parsed = x509_ocsp.load_der_ocsp_request(ours.dump())
        wanted = theirs.build()
        for field in ("issuer_name_hash", "issuer_key_hash", "serial_number"):
            assert getattr(parsed, field) == getattr(wanted, field)
        assert ours.nonce_value.native == NONCE
    assert ocsp_request(sm2_signer.certificate, sm2_signer.chain[0], NONCE)


def test_openssl_answers_our_request_and_judges_as_we_do(
    authority: Authority, signer: InMemoryKey, openssl: Judge, tmp_path: Path
) -> None:
    revoked = authority.issue("signing", number=3)
    issuer = InMemoryKey(authority.key, authority.certificate)
    (tmp_path / "ca.pem").write_bytes(authority.certificate.pem)
    (tmp_path / "ca.key").write_bytes(issuer.pem)
    (tmp_path / "index.txt").write_text(
        f"V\t450101000000Z\t\t{_serial(signer)}\tunknown\t/CN=a\n"
        f"R\t450101000000Z\t250301080000Z,keyCompromise\t{_serial(revoked)}\tunknown\t/CN=b\n"
    )
    cases = ((signer, "good", "sha256"), (revoked, "revoked", "sha384"), (signer, "good", "sha512"))
    for key, status, digest in cases:
        (tmp_path / "c.pem").write_bytes(key.certificate.pem)
        (tmp_path / "q.der").write_bytes(ocsp_request(key.certificate, authority.certificate, NONCE))
        served = openssl(
            "ocsp -index index.txt -CA ca.pem -rsigner ca.pem -rkey ca.key -reqin q.der -respout a.der"
            f" -rmd {digest}"
        )
        assert served.returncode == 0, served.stderr
        answer = (tmp_path / "a.der").read_bytes()
        produced = x509_ocsp.load_der_ocsp_response(answer).produced_at_utc
        found = read_ocsp(answer, key.certificate, authority.certificate, produced, NONCE, "x")
        assert found.status == status, found
        parsed = ocsp.OCSPResponse.load(answer)["response_bytes"]["response"].parsed
        assert parsed["signature_algorithm"]["algorithm"].native == f"{digest}_rsa"
        place = answer.index(parsed["signature"].native) + 9
        damaged = answer[:place] + bytes([answer[place] ^ 1]) + answer[place + 1 :]
        refused = read_ocsp(damaged, key.certificate, authority.certificate, produced, NONCE, "x")
        assert (refused.status, refused.reason) == ("cannot-tell", "the signature is wrong")
        if status == "revoked":
            assert (found.since, found.reason) == (datetime(2025, 3, 1, 8, tzinfo=UTC), "key_compromise")


def _serial(key: AnyKey) -> str:
    text = key.certificate.serial.upper()
    return text if len(text) % 2 == 0 else f"0{text}"


@pytest.mark.parametrize("kind", ["p-256", "sm2"])
def test_the_sandboxs_answers_satisfy_us_and_openssl(
    kind: str, ec_signer: InMemoryKey, sm2_root: Sm2Authority, openssl: Judge, tmp_path: Path
) -> None:
    if kind == "sm2":
        issuer: AnyKey = Sm2InMemoryKey(sm2_root.key, sm2_root.certificate)
        certificate = sm2_root.issue().certificate
    else:
        issuer, certificate = p256_authority()
    request = ocsp_request(certificate, issuer.certificate, NONCE)
    serial = int(certificate.serial, 16)
    for revoked, status in (({}, "good"), ({serial: NOW - MINUTE}, "revoked")):
        answer = revocation_answers.ocsp_answer(request, [issuer], revoked, NOW)
        found = read_ocsp(answer, certificate, issuer.certificate, NOW, NONCE, "x")
        assert (found.status, found.until) == (status, None), found
        for offset in (len(answer) // 3, len(answer) - 5):
            damaged = bytearray(answer)
            damaged[offset] ^= 1
            found = read_ocsp(bytes(damaged), certificate, issuer.certificate, NOW, NONCE, "x")
            assert found.status == "cannot-tell"
        if kind == "p-256":
            said = judged(answer, certificate, issuer.certificate, openssl, tmp_path)
            assert f"c.pem: {status}" in said
            assert "Response verify OK" in said
            said = judged(bytes(damaged), certificate, issuer.certificate, openssl, tmp_path)
            assert "Response Verify Failure" in said


def test_a_revocation_without_a_zone_touches_what_was_signed_before_too() -> None:
    """Nobody could say whether a timestamp is older than it."""
    issuer, certificate = p256_authority()
    request = ocsp_request(certificate, issuer.certificate, NONCE)
    revoked = {int(certificate.serial, 16): NOW - MINUTE}
    answer = ocsp.OCSPResponse.load(revocation_answers.ocsp_answer(request, [issuer], revoked, NOW))
    basic, kind = (
        answer["response_bytes"]["response"].parsed,
        answer["response_bytes"]["response_type"].dump(),
    )
    signed, algorithm = (basic[field].dump() for field in ("tbs_response_data", "signature_algorithm"))
    since = f"{NOW - MINUTE:%Y%m%d%H%M%S}Z".encode()
    for other, before in ((since, "good"), (since[:-3] + b".00", "revoked")):
        body = signed.replace(since, other)
        signature = core.OctetBitString(issuer.sign([body], SignatureScheme.ECDSA_SHA256)[0]).dump()
        inside = core.OctetString(parser.emit(0, 1, 16, body + algorithm + signature)).dump()
        typed = parser.emit(2, 1, 0, parser.emit(0, 1, 16, kind + inside))
        made = parser.emit(0, 1, 16, answer["response_status"].dump() + typed)
        found = read_ocsp(made, certificate, issuer.certificate, NOW, NONCE, "x")
        assert found.status == "revoked", found
        assert found.at(NOW - 9 * MINUTE, proven=True).status == before


def p256_authority() -> tuple[InMemoryKey, Certificate]:
    """A root with a P-256 key, and a certificate that it has issued."""
    from bidclient.sandbox.certificates import Issuer, issued, new_key, subject_name

    key = new_key("p-256")
    root = Issuer(subject_name("根", "91110108MA0000001D", "root"), key)
    start, end = NOW - timedelta(days=9), NOW + timedelta(days=900)
    certificate = issued(root.name, key, "ca", root, start, end)
    below = replace(root, ocsp="http://127.0.0.1:9/ocsp", crl="http://127.0.0.1:9/crl/ca.crl")
    other = issued(
        subject_name("企业", "91110108MA0000001D", "企业"), new_key("p-256"), "sign", below, start, end
    )
    return InMemoryKey(key, certificate), other  # type: ignore[arg-type]


def judged(answer: bytes, certificate: Certificate, issuer: Certificate, openssl: Judge, folder: Path) -> str:
    """What `openssl ocsp` prints about an answer."""
    (folder / "a.der").write_bytes(answer)
    (folder / "c.pem").write_bytes(certificate.pem)
    (folder / "i.pem").write_bytes(issuer.pem)
    run = openssl("ocsp -respin a.der -issuer i.pem -cert c.pem -CAfile i.pem -VAfile i.pem -no_nonce")
    return (run.stdout + run.stderr).decode()


def test_the_addresses_are_read_from_the_certificate(public: PublicAuthority) -> None:
    company = public.certificate("company")
    assert ocsp_addresses(company) == (public.ocsp(),)
    assert crl_addresses(company) == (public.crl,)
    assert (ocsp_addresses(public.certificate("lonely")), crl_addresses(public.certificate("lonely"))) == (
        (),
        (),
    )
    _, other = p256_authority()
    assert ocsp_addresses(other) == ("http://127.0.0.1:9/ocsp",)
