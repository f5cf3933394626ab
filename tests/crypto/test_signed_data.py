import operator
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from asn1crypto import cms as asn1
from asn1crypto import core
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.serialization import pkcs7
from hypothesis import given, settings
from hypothesis import strategies as st

from bidclient.crypto import cms
from bidclient.crypto.private_key import SignatureScheme
from bidclient.errors import BadFormat, BadSignature, BidError, KeyRefused
from tests.crypto.conftest import Judge
from tests.support.pki import NOW, Authority, InMemoryKey

CONTENT = "投标文件\n".encode() * 20
RSA, PSS, ECDSA = (
    SignatureScheme.RSA_PKCS1_SHA256,
    SignatureScheme.RSA_PSS_SHA256,
    SignatureScheme.ECDSA_SHA256,
)
PLACES = st.integers(0, 2**16)
VERIFY = "cms -verify -binary -inform DER -purpose any -CAfile ca.pem -out out.bin"


@pytest.fixture(params=[RSA, PSS, ECDSA])
def scheme(request: pytest.FixtureRequest) -> SignatureScheme:
    chosen: SignatureScheme = request.param
    return chosen


@pytest.fixture
def key(scheme: SignatureScheme, signer: InMemoryKey, ec_signer: InMemoryKey) -> InMemoryKey:
    return ec_signer if scheme is ECDSA else signer


def flip(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def without(name: str) -> Callable[[asn1.SignedData], None]:
    def change(signed_data: asn1.SignedData) -> None:
        signer = signed_data["signer_infos"][0]
        kept = [one for one in signer["signed_attrs"] if one["type"].native != name]
        signer["signed_attrs"] = asn1.CMSAttributes(kept)

    return change


def replaced(field: str, value: object) -> Callable[[asn1.SignedData], None]:
    return lambda signed_data: operator.setitem(signed_data, field, value)


def of_signer(field: str, value: object) -> Callable[[asn1.SignedData], None]:
    return lambda signed_data: operator.setitem(signed_data["signer_infos"][0], field, value)


def second_signer(signed_data: asn1.SignedData) -> None:
    signer = signed_data["signer_infos"][0]
    twin = asn1.SignerInfo.load(signer.dump())
    twin["unsigned_attrs"] = [{"type": "1.2.3.4", "values": [core.Null()]}]
    signed_data["signer_infos"] = [signer, twin]


def repeated_attribute(signed_data: asn1.SignedData) -> None:
    signer = signed_data["signer_infos"][0]
    kept = list(signer["signed_attrs"])
    signer["signed_attrs"] = asn1.CMSAttributes([*kept, kept[0]])


def other_type(signed_data: asn1.SignedData) -> None:
    signed_data["encap_content_info"]["content_type"] = "digested_data"


def bare_signer(signed_data: asn1.SignedData) -> None:
    del signed_data["signer_infos"][0]["signed_attrs"]


OUTSIDE: dict[str, Callable[[asn1.SignedData], None]] = {
    "no signer": replaced("signer_infos", []),
    "two signers": second_signer,
    "no certificates": replaced("certificates", []),
    "version 5": replaced("version", "v5"),
    "signer version 3": of_signer("version", "v3"),
    "sha1": of_signer("digest_algorithm", {"algorithm": "sha1"}),
    "sha1 in the list": replaced("digest_algorithms", [{"algorithm": "sha1"}]),
    "md5 signature": of_signer("signature_algorithm", {"algorithm": "md5_rsa"}),
    "other content type": other_type,
    "no content-type": without("content_type"),
    "no message-digest": without("message_digest"),
    "no signing-time": without("signing_time"),
    "no signing-certificate": without("signing_certificate_v2"),
    "no signed attributes": bare_signer,
    "an attribute twice": repeated_attribute,
}


def edited(data: bytes, change: Callable[[asn1.SignedData], None]) -> bytes:
    """The SignedData with one thing changed and everything else kept."""
    info = asn1.ContentInfo.load(data)
    change(info["content"])
    return bytes(info.dump(force=True))


# --------------------------------------------------------------------------------------------- openssl


def test_openssl_verifies_what_we_attach_and_not_what_was_tampered_with(
    key: InMemoryKey,
    scheme: SignatureScheme,
    root: Authority,
    stranger: Authority,
    openssl: Judge,
    tmp_path: Path,
) -> None:
    data = cms.sign_attached(CONTENT, key, NOW, scheme)
    (tmp_path / "ca.pem").write_bytes(root.certificate.pem)
    (tmp_path / "good").write_bytes(data)
    (tmp_path / "content").write_bytes(flip(data, data.index(CONTENT)))
    (tmp_path / "signature").write_bytes(flip(data, len(data) - 1))
    assert openssl(f"{VERIFY} -in good").returncode == 0
    assert (tmp_path / "out.bin").read_bytes() == CONTENT
    assert openssl(f"{VERIFY} -in good -cades").returncode == 0
    assert openssl(f"{VERIFY} -in content").returncode != 0
    assert openssl(f"{VERIFY} -in signature").returncode != 0
    (tmp_path / "ca.pem").write_bytes(stranger.certificate.pem)
    assert openssl(f"{VERIFY} -in good").returncode != 0


def test_openssl_verifies_what_we_detach_and_not_what_was_tampered_with(
    key: InMemoryKey,
    scheme: SignatureScheme,
    root: Authority,
    stranger: Authority,
    openssl: Judge,
    tmp_path: Path,
) -> None:
    data = cms.sign_detached(CONTENT, key, NOW, scheme=scheme)
    (tmp_path / "ca.pem").write_bytes(root.certificate.pem)
    (tmp_path / "good").write_bytes(data)
    (tmp_path / "signature").write_bytes(flip(data, len(data) - 1))
    (tmp_path / "content").write_bytes(CONTENT)
    (tmp_path / "other").write_bytes(flip(CONTENT, 0))
    assert openssl(f"{VERIFY} -cades -in good -content content").returncode == 0
    assert openssl(f"{VERIFY} -in good -content other").returncode != 0
    assert openssl(f"{VERIFY} -in signature -content content").returncode != 0
    (tmp_path / "ca.pem").write_bytes(stranger.certificate.pem)
    assert openssl(f"{VERIFY} -in good -content content").returncode != 0


@pytest.mark.parametrize("options", ["", "-keyopt rsa_padding_mode:pss -keyopt rsa_pss_saltlen:32", "-keyid"])
def test_we_verify_what_openssl_signs(
    options: str, signer: InMemoryKey, openssl: Judge, tmp_path: Path
) -> None:
    (tmp_path / "content").write_bytes(CONTENT)
    (tmp_path / "s.pem").write_bytes(signer.certificate.pem)
    (tmp_path / "s.key").write_bytes(signer.pem)
    sign = f"cms -sign -binary -nodetach -cades -md sha256 -signer s.pem -inkey s.key -in content {options}"
    assert openssl(f"{sign} -outform DER -out signed").returncode == 0
    signed = cms.verify_attached((tmp_path / "signed").read_bytes(), "x")
    assert signed.content == CONTENT
    assert signed.signer == signer.certificate


def test_a_signature_without_certificate_reference_is_no_cades(signer: InMemoryKey) -> None:
    builder = pkcs7.PKCS7SignatureBuilder().set_data(CONTENT)
    certificate = x509.load_der_x509_certificate(signer.certificate.der)
    builder = builder.add_signer(certificate, signer.key, hashes.SHA256())
    plain = builder.sign(serialization.Encoding.DER, [pkcs7.PKCS7Options.Binary])
    with pytest.raises(BadFormat, match="signing_certificate_v2"):
        cms.verify_attached(plain, "x")


# ------------------------------------------------------------------------------------------- our own


def test_attached_tells_everything(key: InMemoryKey, scheme: SignatureScheme) -> None:
    at = datetime(2026, 11, 23, 17, 30, 5, 999, tzinfo=timezone(timedelta(hours=8)))
    signed = cms.verify_attached(cms.sign_attached(CONTENT, key, at, scheme), "x")
    assert signed.content == CONTENT
    assert signed.signer == key.certificate
    assert signed.chain == key.chain
    assert signed.signing_time == datetime(2026, 11, 23, 9, 30, 5, tzinfo=UTC)
    assert signed.timestamp is None
    assert signed.signature


def test_detached_tells_everything(key: InMemoryKey, scheme: SignatureScheme) -> None:
    signed = cms.verify_detached(cms.sign_detached(CONTENT, key, NOW, scheme=scheme), CONTENT, "x")
    assert signed.content is None
    assert signed.signer == key.certificate


@pytest.mark.parametrize("year", [2049, 2050, 2101])
def test_signing_times_around_2050(year: int, signer: InMemoryKey) -> None:
    at = datetime(year, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert cms.verify_attached(cms.sign_attached(b"x", signer, at), "x").signing_time == at


def test_the_default_scheme_follows_the_key(signer: InMemoryKey, ec_signer: InMemoryKey) -> None:
    for key in (signer, ec_signer):
        assert cms.verify_attached(cms.sign_attached(b"", key, NOW), "x").content == b""


def test_a_key_without_scheme_is_refused(signer: InMemoryKey, openssl: Judge, tmp_path: Path) -> None:
    openssl("req -new -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-384 -nodes -keyout k -out c -subj /CN=x")
    other = replace(signer, certificate=type(signer.certificate).from_pem((tmp_path / "c").read_bytes()))
    with pytest.raises(KeyRefused):
        cms.sign_attached(b"x", other, NOW)


def test_attached_and_detached_are_not_taken_for_each_other(signer: InMemoryKey) -> None:
    with pytest.raises(BadFormat, match="not inside"):
        cms.verify_attached(cms.sign_detached(CONTENT, signer, NOW), "x")
    with pytest.raises(BadFormat, match="content inside"):
        cms.verify_detached(cms.sign_attached(CONTENT, signer, NOW), CONTENT, "x")


def test_another_content_is_refused(signer: InMemoryKey) -> None:
    with pytest.raises(BadSignature, match="not what was signed"):
        cms.verify_detached(cms.sign_detached(CONTENT, signer, NOW), b"", "x")


def test_a_certificate_of_the_same_name_and_key_does_not_replace_the_signer(
    signer: InMemoryKey, authority: Authority
) -> None:
    """The signature would verify with it: only signing-certificate-v2 tells them apart (RFC 5035 §1)."""
    other = authority.issue("signing")
    data = cms.sign_attached(CONTENT, replace(other, chain=()), NOW)
    info = asn1.ContentInfo.load(data)
    info["content"]["certificates"] = [asn1.CertificateChoices("certificate", signer.certificate.asn1())]
    sid = info["content"]["signer_infos"][0]["sid"].chosen
    sid["serial_number"] = signer.certificate.asn1().serial_number
    with pytest.raises(BadSignature, match="names another certificate"):
        cms.verify_attached(info.dump(force=True), "x")


@pytest.mark.parametrize("change", OUTSIDE.values(), ids=OUTSIDE.keys())
def test_what_is_outside_the_profile_is_refused(
    change: Callable[[asn1.SignedData], None], signer: InMemoryKey
) -> None:
    data = cms.sign_attached(CONTENT, signer, NOW)
    assert edited(data, lambda _same: None) == data
    with pytest.raises((BadFormat, BadSignature)):
        cms.verify_attached(edited(data, change), "x")


def test_the_size_is_bounded(signer: InMemoryKey) -> None:
    data = cms.sign_attached(CONTENT, signer, NOW)
    assert cms.verify_attached(data, "x", len(data)).content == CONTENT
    with pytest.raises(BadFormat, match="at most"):
        cms.verify_attached(data, "x", len(data) - 1)


@settings(deadline=None, max_examples=25)
@given(content=st.binary(max_size=2000))
def test_random_content_goes_round(content: bytes, ec_signer: InMemoryKey) -> None:
    assert cms.verify_attached(cms.sign_attached(content, ec_signer, NOW), "x").content == content


def test_no_byte_can_change(ec_signer: InMemoryKey) -> None:
    data = cms.sign_attached(b"content", replace(ec_signer, chain=()), NOW)
    for place in range(len(data)):
        with pytest.raises(BidError):
            cms.verify_attached(flip(data, place), "x")


@settings(deadline=None, max_examples=100)
@given(data=st.data(), wanted=st.sampled_from([RSA, PSS, ECDSA]))
def test_flipped_bits_never_verify(
    data: st.DataObject, wanted: SignatureScheme, signer: InMemoryKey, ec_signer: InMemoryKey
) -> None:
    key = replace(ec_signer if wanted is ECDSA else signer, chain=())
    signed = bytearray(cms.sign_attached(b"content", key, NOW, wanted))
    signed[data.draw(PLACES) % len(signed)] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(BidError):
        cms.verify_attached(bytes(signed), "x")
    with pytest.raises(BidError):
        cms.verify_detached(bytes(signed), b"content", "x")


@settings(deadline=None, max_examples=80)
@given(data=st.data())
def test_cuts_never_verify(data: st.DataObject, ec_signer: InMemoryKey) -> None:
    signed = cms.sign_attached(b"content", ec_signer, NOW)
    start = data.draw(PLACES) % len(signed)
    end = start + data.draw(PLACES) % (len(signed) - start)
    cut = signed[:start] + signed[end:] + data.draw(st.binary(max_size=20))
    if cut != signed:
        with pytest.raises((BadFormat, BadSignature)):
            cms.verify_attached(cut, "x")
    assert cms.verify_attached(signed, "x").content == b"content"
