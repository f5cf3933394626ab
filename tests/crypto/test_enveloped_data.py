from dataclasses import replace
from pathlib import Path

import pytest
from asn1crypto import cms as asn1
from hypothesis import given, settings
from hypothesis import strategies as st

from bidclient.crypto import cms
from bidclient.crypto.enveloped_data import CONTENT_LIMIT
from bidclient.crypto.private_key import WrapScheme
from bidclient.errors import BadEnvelope, BidError, CertificateUnfit, TokenRemoved, WrongKey
from tests.crypto.conftest import Judge
from tests.support.pki import Authority, InMemoryKey

SECRET = bytes(range(32)) + "标段".encode()
SCHEMES = [scheme for scheme in WrapScheme if scheme is not WrapScheme.SM2]
ENCRYPT = "cms -encrypt -binary -aes-256-cbc -in content -outform DER -out envelope -recip r.pem"


@pytest.fixture(params=SCHEMES)
def scheme(request: pytest.FixtureRequest) -> WrapScheme:
    chosen: WrapScheme = request.param
    return chosen


@pytest.fixture
def key(scheme: WrapScheme, recipient: InMemoryKey, ec_recipient: InMemoryKey) -> InMemoryKey:
    return ec_recipient if scheme is WrapScheme.ECDH_SHA256 else recipient


@pytest.fixture
def folder(tmp_path: Path, key: InMemoryKey) -> Path:
    (tmp_path / "r.pem").write_bytes(key.certificate.pem)
    (tmp_path / "r.key").write_bytes(key.pem)
    (tmp_path / "content").write_bytes(SECRET)
    return tmp_path


def test_openssl_opens_ours_with_the_right_key_only(
    key: InMemoryKey, scheme: WrapScheme, authority: Authority, folder: Path, openssl: Judge
) -> None:
    (folder / "envelope").write_bytes(cms.make_envelope(SECRET, key.certificate, scheme))
    decrypt = "cms -decrypt -binary -inform DER -in envelope -out opened"
    assert openssl(f"{decrypt} -recip r.pem -inkey r.key").returncode == 0
    assert (folder / "opened").read_bytes() == SECRET
    other = authority.issue("encryption", key.certificate.key_algorithm, number=4)
    (folder / "o.pem").write_bytes(other.certificate.pem)
    (folder / "o.key").write_bytes(other.pem)
    assert openssl(f"{decrypt} -recip o.pem -inkey o.key").returncode != 0
    openssl(f"{decrypt} -inkey o.key")
    assert (folder / "opened").read_bytes() != SECRET


def test_openssl_does_not_open_a_tampered_envelope(
    key: InMemoryKey, scheme: WrapScheme, folder: Path, openssl: Judge
) -> None:
    envelope = cms.make_envelope(SECRET, key.certificate, scheme)
    (folder / "envelope").write_bytes(envelope[:-1] + bytes([envelope[-1] ^ 1]))
    openssl("cms -decrypt -binary -inform DER -in envelope -out opened -recip r.pem -inkey r.key")
    assert not (folder / "opened").exists() or (folder / "opened").read_bytes() != SECRET


@pytest.mark.parametrize("naming", ["", "-keyid"])
def test_we_open_what_openssl_makes(
    key: InMemoryKey, scheme: WrapScheme, naming: str, folder: Path, openssl: Judge
) -> None:
    options = {
        WrapScheme.RSA_PKCS1: "",
        WrapScheme.RSA_OAEP_SHA1: "-keyopt rsa_padding_mode:oaep",
        WrapScheme.RSA_OAEP_SHA256: "-keyopt rsa_padding_mode:oaep -keyopt rsa_oaep_md:sha256",
        WrapScheme.ECDH_SHA256: "-keyopt ecdh_kdf_md:sha256",
    }[scheme]
    made = openssl(f"{ENCRYPT} {options} {naming}")
    assert made.returncode == 0, made.stderr
    envelope = (folder / "envelope").read_bytes()
    assert key.unwrap(envelope) == SECRET
    (named,) = cms.envelope_recipients(envelope)
    if naming:
        identifier = key.certificate.key_identifier
        assert identifier is not None
        assert named.text == named.key_identifier == identifier.hex()
    else:
        assert named.text == f"{key.certificate.issuer} #{key.certificate.serial}"


def test_ours_go_round(key: InMemoryKey, scheme: WrapScheme) -> None:
    for content in (b"", b"x", SECRET, bytes(CONTENT_LIMIT)):
        envelope = cms.make_envelope(content, key.certificate, scheme)
        assert cms.open_envelope(envelope, key.certificate, key) == content
    assert cms.make_envelope(SECRET, key.certificate, scheme) != cms.make_envelope(
        SECRET, key.certificate, scheme
    )


def test_the_usual_scheme_follows_the_key(recipient: InMemoryKey, ec_recipient: InMemoryKey) -> None:
    for key in (recipient, ec_recipient):
        assert key.unwrap(cms.make_envelope(SECRET, key.certificate)) == SECRET


def test_another_certificate_is_told_which_one_is_needed(
    recipient: InMemoryKey, ec_recipient: InMemoryKey
) -> None:
    envelope = cms.make_envelope(SECRET, recipient.certificate)
    with pytest.raises(WrongKey) as caught:
        ec_recipient.unwrap(envelope)
    assert caught.value.needed == f"{recipient.certificate.issuer} #{recipient.certificate.serial}"
    assert caught.value.found == f"{ec_recipient.certificate.issuer} #{ec_recipient.certificate.serial}"


def test_any_of_several_recipients_opens(
    recipient: InMemoryKey, ec_recipient: InMemoryKey, tmp_path: Path, openssl: Judge
) -> None:
    (tmp_path / "content").write_bytes(SECRET)
    for name, key in (("r", recipient), ("e", ec_recipient)):
        (tmp_path / f"{name}.pem").write_bytes(key.certificate.pem)
    openssl(f"{ENCRYPT} -recip e.pem -keyopt ecdh_kdf_md:sha256")
    envelope = (tmp_path / "envelope").read_bytes()
    assert recipient.unwrap(envelope) == ec_recipient.unwrap(envelope) == SECRET
    assert len(cms.envelope_recipients(envelope)) == 2


def test_a_certificate_that_is_not_for_encryption_is_refused(signer: InMemoryKey, root: Authority) -> None:
    for certificate in (signer.certificate, root.certificate):
        with pytest.raises(CertificateUnfit):
            cms.make_envelope(SECRET, certificate)


def test_a_scheme_that_the_key_cannot_do_is_refused(
    recipient: InMemoryKey, ec_recipient: InMemoryKey
) -> None:
    with pytest.raises(CertificateUnfit):
        cms.make_envelope(SECRET, recipient.certificate, WrapScheme.ECDH_SHA256)
    with pytest.raises(CertificateUnfit):
        cms.make_envelope(SECRET, ec_recipient.certificate, WrapScheme.RSA_PKCS1)


def test_too_much_content_is_the_callers_fault(recipient: InMemoryKey) -> None:
    with pytest.raises(ValueError, match="at most"):
        cms.make_envelope(bytes(CONTENT_LIMIT + 1), recipient.certificate)


@pytest.mark.parametrize("options", ["-aes-128-cbc", "-des3", "-aes-256-gcm"])
def test_other_content_ciphers_are_refused(
    options: str, recipient: InMemoryKey, tmp_path: Path, openssl: Judge
) -> None:
    (tmp_path / "content").write_bytes(SECRET)
    (tmp_path / "r.pem").write_bytes(recipient.certificate.pem)
    assert openssl(f"cms -encrypt -binary {options} -in content -outform DER -out e r.pem").returncode == 0
    with pytest.raises(BadEnvelope):
        recipient.unwrap((tmp_path / "e").read_bytes())


def test_the_sha1_key_derivation_is_refused(
    ec_recipient: InMemoryKey, tmp_path: Path, openssl: Judge
) -> None:
    (tmp_path / "content").write_bytes(SECRET)
    (tmp_path / "r.pem").write_bytes(ec_recipient.certificate.pem)
    assert openssl(ENCRYPT).returncode == 0
    with pytest.raises(BadEnvelope, match="not supported"):
        ec_recipient.unwrap((tmp_path / "envelope").read_bytes())


class Odd(InMemoryKey):
    """A key whose decryption gives what it likes, as a token with implicit rejection does."""

    def decrypt(self, ciphertext: bytes, scheme: WrapScheme) -> bytes:
        return ciphertext[: len(ciphertext) % 7 + 24]


class Unplugged(InMemoryKey):
    """A key whose token is gone."""

    def decrypt(self, ciphertext: bytes, scheme: WrapScheme) -> bytes:
        raise TokenRemoved("lock")


@pytest.mark.parametrize("part", ["encrypted_key", "encrypted_content"])
def test_every_failure_of_decryption_is_the_same_error(
    part: str, key: InMemoryKey, scheme: WrapScheme
) -> None:
    seen = set()
    for offset in (0, 100, -1):
        info = asn1.ContentInfo.load(cms.make_envelope(SECRET, key.certificate, scheme))
        recipient = info["content"]["recipient_infos"][0].chosen
        owner = recipient["recipient_encrypted_keys"][0] if scheme is WrapScheme.ECDH_SHA256 else recipient
        place = owner if part == "encrypted_key" else info["content"]["encrypted_content_info"]
        value = bytearray(place[part].native)
        # For the content, the block before the last decides about the padding of the last.
        value[(offset if part == "encrypted_key" else len(value) - 17) % len(value)] ^= 0x80
        place[part] = bytes(value)
        with pytest.raises(BadEnvelope) as caught:
            key.unwrap(info.dump(force=True))
        seen.add(str(caught.value))
    assert len(seen) == 1


def test_a_key_of_the_wrong_size_is_the_same_error(recipient: InMemoryKey) -> None:
    odd = Odd(recipient.key, recipient.certificate)
    with pytest.raises(BadEnvelope, match="does not open"):
        odd.unwrap(cms.make_envelope(SECRET, recipient.certificate))


def test_a_missing_token_is_not_a_bad_envelope(recipient: InMemoryKey) -> None:
    with pytest.raises(TokenRemoved):
        Unplugged(recipient.key, recipient.certificate).unwrap(
            cms.make_envelope(SECRET, recipient.certificate)
        )


def test_a_point_off_the_curve_is_refused(ec_recipient: InMemoryKey) -> None:
    envelope = cms.make_envelope(SECRET, ec_recipient.certificate)
    info = asn1.ContentInfo.load(envelope)
    originator = info["content"]["recipient_infos"][0].chosen["originator"].chosen
    point = originator["public_key"].native
    at = envelope.index(point)
    off = envelope[: at + 64] + bytes([envelope[at + 64] ^ 1]) + envelope[at + 65 :]
    with pytest.raises(BadEnvelope, match="does not open"):
        ec_recipient.unwrap(off)


def test_the_size_is_bounded(recipient: InMemoryKey) -> None:
    with pytest.raises(BadEnvelope, match="at most"):
        recipient.unwrap(b"\x30" + bytes(300_000))
    with pytest.raises(BadEnvelope):
        cms.envelope_recipients(b"")


@settings(deadline=None, max_examples=30)
@given(content=st.binary(max_size=300))
def test_random_content_goes_round(content: bytes, recipient: InMemoryKey, ec_recipient: InMemoryKey) -> None:
    for key in (recipient, ec_recipient):
        assert key.unwrap(cms.make_envelope(content, key.certificate)) == content


@settings(deadline=None, max_examples=250)
@given(data=st.data(), chosen=st.sampled_from(SCHEMES))
def test_flipped_bits_give_only_our_errors(
    data: st.DataObject, chosen: WrapScheme, recipient: InMemoryKey, ec_recipient: InMemoryKey
) -> None:
    """CBC cannot notice every flip, so what opens may be another content; it must never be a crash."""
    key = ec_recipient if chosen is WrapScheme.ECDH_SHA256 else recipient
    envelope = bytearray(cms.make_envelope(SECRET, key.certificate, chosen))
    envelope[data.draw(st.integers(0, 2**16)) % len(envelope)] ^= 1 << data.draw(st.integers(0, 7))
    try:
        opened: bytes | None = key.unwrap(bytes(envelope))
    except BidError:
        opened = None
    assert opened is None or len(opened) < len(envelope)


def test_a_fresh_certificate_for_the_same_key_still_opens_by_key_identifier(
    recipient: InMemoryKey, authority: Authority, tmp_path: Path, openssl: Judge
) -> None:
    (tmp_path / "content").write_bytes(SECRET)
    (tmp_path / "r.pem").write_bytes(recipient.certificate.pem)
    openssl(f"{ENCRYPT} -keyid")
    renewed = replace(recipient, certificate=authority.issue("encryption", number=1).certificate)
    assert renewed.certificate != recipient.certificate
    assert renewed.unwrap((tmp_path / "envelope").read_bytes()) == SECRET
