"""Signatures and envelopes with SM2: in the names of GM/T 0010, judged by OpenSSL and BouncyCastle."""

import hashlib
import operator
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from asn1crypto import cms as asn1
from asn1crypto import core, tsp
from hypothesis import given, settings
from hypothesis import strategies as st

from bidclient.crypto import cms, sm
from bidclient.crypto.message_syntax import (
    GM,
    PKCS7,
    SM2,
    SM2_ENCRYPT,
    SM2_EXCHANGE,
    SM2_SIGN,
    SM3,
    SM4_CBC,
    MessageSyntax,
)
from bidclient.crypto.private_key import SignatureScheme, WrapScheme
from bidclient.crypto.timestamp import Imprint, stamp_by, verify_token
from bidclient.errors import BadEnvelope, BadFormat, BadSignature, BidError, CertificateUnfit, WrongKey
from tests.crypto.conftest import Judge
from tests.support.bouncycastle import BouncyCastle, Disagrees
from tests.support.pki import NOW, Authority, InMemoryKey, openssl_tsa
from tests.support.sm2_pki import Sm2Authority, Sm2InMemoryKey

CONTENT = "投标文件\n".encode() * 20
SECRET = bytes(range(40))
AT = int(NOW.timestamp())
PLACES = st.integers(0, 2**16)


def flip(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def signer_of(data: bytes) -> asn1.SignerInfo:
    return asn1.ContentInfo.load(data)["content"]["signer_infos"][0]


# --------------------------------------------------------------------------------------------- judges


def test_openssl_verifies_the_signature_over_the_attributes_and_not_another(
    sm2_signer: Sm2InMemoryKey, openssl: Judge, tmp_path: Path
) -> None:
    signer = signer_of(cms.sign_attached(CONTENT, sm2_signer, NOW))
    attributes = b"\x31" + signer["signed_attrs"].dump()[1:]
    (tmp_path / "s").write_bytes(signer["signature"].native)
    (tmp_path / "c.pem").write_bytes(sm2_signer.certificate.pem)
    verify = (
        "pkeyutl -verify -rawin -digest sm3 -pkeyopt distid:1234567812345678 -certin -inkey c.pem -sigfile s"
    )
    (tmp_path / "good").write_bytes(attributes)
    (tmp_path / "bad").write_bytes(flip(attributes, len(attributes) - 1))
    assert openssl(f"{verify} -in good").returncode == 0
    assert openssl(f"{verify} -in bad").returncode != 0
    (tmp_path / "content").write_bytes(CONTENT)
    digest = bytes.fromhex(openssl("dgst -sm3 -r content").stdout.split()[0].decode())
    found = {one["type"].native: one["values"][0] for one in signer["signed_attrs"]}
    assert found["message_digest"].native == digest


def test_bouncycastle_verifies_what_we_attach_and_not_what_was_tampered_with(
    sm2_signer: Sm2InMemoryKey, sm2_root: Sm2Authority, bouncycastle: BouncyCastle, tmp_path: Path
) -> None:
    data = cms.sign_attached(CONTENT, sm2_signer, NOW)
    assert asn1.ContentInfo.load(data)["content_type"].dotted == GM.signed_data
    (tmp_path / "ca.pem").write_bytes(sm2_root.certificate.pem)
    (tmp_path / "other.pem").write_bytes(Sm2Authority.root().certificate.pem)
    (tmp_path / "good").write_bytes(data)
    (tmp_path / "content").write_bytes(flip(data, data.index(CONTENT)))
    (tmp_path / "signature").write_bytes(flip(data, len(data) - 1))
    assert bouncycastle.verify_cms(tmp_path / "good", tmp_path / "ca.pem", at=AT)[0] == SM3
    for name, anchor in (("content", "ca.pem"), ("signature", "ca.pem"), ("good", "other.pem")):
        with pytest.raises(Disagrees):
            bouncycastle.verify_cms(tmp_path / name, tmp_path / anchor, at=AT)


def test_bouncycastle_verifies_what_we_detach_and_not_over_something_else(
    sm2_signer: Sm2InMemoryKey, sm2_root: Sm2Authority, bouncycastle: BouncyCastle, tmp_path: Path
) -> None:
    signature, ca, content = (tmp_path / name for name in ("s.p7s", "ca.pem", "content"))
    signature.write_bytes(cms.sign_detached(CONTENT, sm2_signer, NOW))
    ca.write_bytes(sm2_root.certificate.pem)
    content.write_bytes(CONTENT)
    assert bouncycastle.verify_cms(signature, ca, content, AT)
    content.write_bytes(CONTENT + b".")
    with pytest.raises(Disagrees):
        bouncycastle.verify_cms(signature, ca, content, AT)


def test_bouncycastle_opens_our_envelope_with_the_right_key_only(
    sm2_recipient: Sm2InMemoryKey, sm2_signer: Sm2InMemoryKey, bouncycastle: BouncyCastle, tmp_path: Path
) -> None:
    envelope = cms.make_envelope(SECRET, sm2_recipient.certificate)
    (tmp_path / "good").write_bytes(envelope)
    assert bouncycastle.open_cms(tmp_path / "good", sm2_recipient.secret) == SECRET
    with pytest.raises(Disagrees):
        bouncycastle.open_cms(tmp_path / "good", sm2_signer.secret)
    encrypted_key = (
        asn1.ContentInfo.load(envelope)["content"]["recipient_infos"][0].chosen["encrypted_key"].native
    )
    (tmp_path / "bad").write_bytes(flip(envelope, envelope.index(encrypted_key) + len(encrypted_key) - 1))
    with pytest.raises(Disagrees):
        bouncycastle.open_cms(tmp_path / "bad", sm2_recipient.secret)


def test_a_timestamp_of_an_rsa_service_goes_over_an_sm2_signature(
    sm2_signer: Sm2InMemoryKey, root: Authority, tsa: InMemoryKey, tmp_path: Path
) -> None:
    imprints: tuple[Imprint, Imprint] = ("sha256", "sm3")
    for imprint in imprints:
        stamp = stamp_by(openssl_tsa(tmp_path / imprint, tsa), [root.certificate], imprints=(imprint,))
        signed = cms.verify_detached(cms.sign_detached(CONTENT, sm2_signer, NOW, stamp), CONTENT, "x")
        assert signed.timestamp is not None
        assert verify_token(signed.timestamp, signed.signature, [root.certificate], "x")


# ----------------------------------------------------------------------------------------- signatures


def test_signatures_tell_everything(sm2_signer: Sm2InMemoryKey) -> None:
    attached = cms.verify_attached(cms.sign_attached(CONTENT, sm2_signer, NOW), "x")
    assert (attached.content, attached.signing_time) == (CONTENT, NOW)
    detached = cms.verify_detached(cms.sign_detached(CONTENT, sm2_signer, NOW), CONTENT, "x")
    assert detached.content is None
    for signed in (attached, detached):
        assert (signed.signer, signed.chain) == (sm2_signer.certificate, sm2_signer.chain)


def test_another_content_is_refused(sm2_signer: Sm2InMemoryKey) -> None:
    with pytest.raises(BadSignature, match="not what was signed"):
        cms.verify_detached(cms.sign_detached(CONTENT, sm2_signer, NOW), CONTENT + b".", "x")


def renamed(content: asn1.SignedData | asn1.EnvelopedData, kind: str) -> bytes:
    """The changed content in a new frame."""
    same = type(content).load(content.untag().dump(force=True))
    return bytes(asn1.ContentInfo({"content_type": kind, "content": same}).dump())


Change = Callable[[asn1.SignedData], object]
Reword = Callable[[dict[str, asn1.CMSAttribute]], object]


def foreign(
    key: Sm2InMemoryKey,
    change: Change = lambda _same: None,
    reword: Reword = lambda _same: None,
    outer: str = GM.signed_data,
) -> bytes:
    """A SignedData as another program may write it: `reword` goes into what is signed, `change` does not."""
    signed_data = asn1.ContentInfo.load(cms.sign_attached(CONTENT, key, NOW))["content"]
    signer = signed_data["signer_infos"][0]
    attributes = {one["type"].native: one for one in signer["signed_attrs"]}
    reword(attributes)
    signer["signed_attrs"] = asn1.CMSAttributes(list(attributes.values()))
    signer["signature"] = key.key.sign(signer["signed_attrs"].untag().dump(force=True))
    change(signed_data)
    return renamed(signed_data, outer)


def of_signer(field: str, value: object) -> Change:
    return lambda signed_data: operator.setitem(signed_data["signer_infos"][0], field, value)


def inside(syntax: str) -> tuple[Change, Reword]:
    """Another name for the content, where it stands and where it is signed."""

    def change(signed_data: asn1.SignedData) -> None:
        signed_data["encap_content_info"] = {"content_type": syntax, "content": core.OctetString(CONTENT)}

    def reword(attributes: dict[str, asn1.CMSAttribute]) -> None:
        attributes["content_type"] = asn1.CMSAttribute({"type": "content_type", "values": [syntax]})

    return change, reword


def named_by_sha256(key: Sm2InMemoryKey) -> Reword:
    certs = [{"cert_hash": hashlib.sha256(key.certificate.der).digest()}]

    def reword(attributes: dict[str, asn1.CMSAttribute]) -> None:
        value = tsp.SigningCertificateV2({"certs": certs})
        kind = "signing_certificate_v2"
        attributes[kind] = asn1.CMSAttribute({"type": kind, "values": [value]})

    return reword


def test_the_spellings_of_other_programs_are_read(sm2_signer: Sm2InMemoryKey) -> None:
    change, reword = inside(PKCS7.data)
    sm3_null = {"algorithm": SM3, "parameters": core.Null()}
    spellings = [
        foreign(sm2_signer),
        foreign(sm2_signer, change, reword, PKCS7.signed_data),
        foreign(sm2_signer, of_signer("signature_algorithm", {"algorithm": SM2_SIGN})),
        foreign(sm2_signer, of_signer("signature_algorithm", {"algorithm": SM2, "parameters": core.Null()})),
        foreign(sm2_signer, of_signer("digest_algorithm", sm3_null)),
        foreign(sm2_signer, reword=named_by_sha256(sm2_signer)),
    ]
    for data in spellings:
        signed = cms.verify_attached(data, "x")
        assert (signed.content, signed.signer) == (CONTENT, sm2_signer.certificate)
    assert len(set(spellings)) == len(spellings)


def test_names_of_both_families_are_not_mixed(sm2_signer: Sm2InMemoryKey) -> None:
    change, reword = inside(PKCS7.data)
    for data in (
        foreign(sm2_signer, outer=PKCS7.signed_data),
        foreign(sm2_signer, change, reword),
        foreign(sm2_signer, change, outer=PKCS7.signed_data),
    ):
        with pytest.raises((BadFormat, BadSignature), match="type"):
            cms.verify_attached(data, "x")


OUTSIDE: dict[str, Change] = {
    "sha256": of_signer("digest_algorithm", {"algorithm": "sha256"}),
    "sha256 in the list": lambda found: operator.setitem(
        found, "digest_algorithms", [{"algorithm": "sha256"}]
    ),
    "ecdsa": of_signer("signature_algorithm", {"algorithm": "sha256_ecdsa"}),
    "rsa": of_signer("signature_algorithm", {"algorithm": "rsassa_pkcs1v15"}),
    "parameters": of_signer("signature_algorithm", {"algorithm": SM2_SIGN, "parameters": core.Integer(1)}),
    "encryption": of_signer("signature_algorithm", {"algorithm": SM2_ENCRYPT}),
    "version": of_signer("version", "v3"),
    "nobody": lambda found: operator.setitem(found, "signer_infos", []),
    "no certificates": lambda found: operator.setitem(found, "certificates", []),
}


@pytest.mark.parametrize("change", OUTSIDE.values(), ids=OUTSIDE.keys())
def test_what_is_outside_the_profile_is_refused(change: Change, sm2_signer: Sm2InMemoryKey) -> None:
    with pytest.raises((BadFormat, BadSignature)):
        cms.verify_attached(foreign(sm2_signer, change), "x")


def test_gm_names_are_for_sm2_only(signer: InMemoryKey, sm2_signer: Sm2InMemoryKey) -> None:
    info = asn1.ContentInfo.load(cms.sign_attached(CONTENT, signer, NOW))
    info["content"]["encap_content_info"]["content_type"] = GM.data
    with pytest.raises(BadFormat, match="GM/T 0010"):
        cms.verify_attached(renamed(info["content"], GM.signed_data), "x")
    swapped = replace(sm2_signer, certificate=signer.certificate, chain=())
    data = cms.sign_attached(CONTENT, swapped, NOW, SignatureScheme.SM2_SM3)
    with pytest.raises(BadSignature, match="key of kind"):
        cms.verify_attached(data, "x")


def test_an_encryption_certificate_signs_nothing(sm2_recipient: Sm2InMemoryKey) -> None:
    with pytest.raises(BadSignature, match="not for signatures"):
        cms.verify_attached(cms.sign_attached(CONTENT, sm2_recipient, NOW), "x")


def test_no_byte_can_change(sm2_signer: Sm2InMemoryKey) -> None:
    data = cms.sign_attached(b"content", replace(sm2_signer, chain=()), NOW)
    for place in range(len(data)):
        with pytest.raises(BidError):
            cms.verify_attached(flip(data, place), "x")


# ------------------------------------------------------------------------------------------ envelopes


@settings(deadline=None, max_examples=30)
@given(content=st.binary(max_size=300))
def test_envelopes_go_round(content: bytes, sm2_recipient: Sm2InMemoryKey) -> None:
    envelope = cms.make_envelope(content, sm2_recipient.certificate)
    assert sm2_recipient.unwrap(envelope) == content
    (named,) = cms.envelope_recipients(envelope)
    assert named.serial == sm2_recipient.certificate.serial


def test_the_envelope_is_the_one_of_the_standard(sm2_recipient: Sm2InMemoryKey) -> None:
    info = asn1.ContentInfo.load(cms.make_envelope(SECRET, sm2_recipient.certificate, WrapScheme.SM2))
    enveloped = info["content"]
    recipient = enveloped["recipient_infos"][0].chosen
    inside = enveloped["encrypted_content_info"]
    assert info["content_type"].dotted == GM.enveloped_data
    assert (enveloped["version"].native, recipient["version"].native) == ("v1", "v1")
    assert recipient["key_encryption_algorithm"]["algorithm"].dotted == SM2_ENCRYPT
    assert inside["content_type"].dotted == GM.data
    assert inside["content_encryption_algorithm"]["algorithm"].dotted == SM4_CBC


def reenveloped(
    envelope: bytes, syntax: MessageSyntax, version: str, algorithm: str, encrypted_key: bytes
) -> bytes:
    enveloped = asn1.ContentInfo.load(envelope)["content"]
    info = asn1.KeyTransRecipientInfo(
        {
            "version": version,
            "rid": enveloped["recipient_infos"][0].chosen["rid"],
            "key_encryption_algorithm": {"algorithm": algorithm},
            "encrypted_key": encrypted_key,
        }
    )
    enveloped["recipient_infos"] = [asn1.RecipientInfo("ktri", info)]
    enveloped["version"] = version
    kind = syntax.enveloped_data
    enveloped["encrypted_content_info"]["content_type"] = syntax.data
    return renamed(enveloped, kind)


@pytest.mark.parametrize("syntax", [GM, PKCS7], ids=["gm", "pkcs7"])
@pytest.mark.parametrize("algorithm", [SM2_ENCRYPT, SM2, SM2_EXCHANGE])
@pytest.mark.parametrize("form", ["der", "raw", "raw with 04"])
def test_the_envelopes_of_other_programs_open(
    syntax: MessageSyntax, algorithm: str, form: str, sm2_recipient: Sm2InMemoryKey
) -> None:
    envelope = cms.make_envelope(SECRET, sm2_recipient.certificate)
    key = asn1.ContentInfo.load(envelope)["content"]["recipient_infos"][0].chosen["encrypted_key"].native
    if form != "der":
        key = sm.cipher_to_raw(key, "C1C3C2", prefix=form == "raw with 04")
    for version in ("v0", "v1"):
        assert sm2_recipient.unwrap(reenveloped(envelope, syntax, version, algorithm, key)) == SECRET


def test_an_envelope_for_somebody_else_names_whose_it_is(
    sm2_recipient: Sm2InMemoryKey, sm2_signer: Sm2InMemoryKey
) -> None:
    with pytest.raises(WrongKey) as caught:
        sm2_signer.unwrap(cms.make_envelope(SECRET, sm2_recipient.certificate))
    assert sm2_recipient.certificate.serial in caught.value.needed


def test_schemes_and_keys_are_not_mixed(
    sm2_recipient: Sm2InMemoryKey, sm2_signer: Sm2InMemoryKey, recipient: InMemoryKey
) -> None:
    for certificate, scheme in (
        (sm2_recipient.certificate, WrapScheme.ECDH_SHA256),
        (sm2_recipient.certificate, WrapScheme.RSA_PKCS1),
        (recipient.certificate, WrapScheme.SM2),
        (sm2_signer.certificate, WrapScheme.SM2),
    ):
        with pytest.raises(CertificateUnfit):
            cms.make_envelope(SECRET, certificate, scheme)


def test_sm4_goes_with_sm2_only(recipient: InMemoryKey) -> None:
    envelope = cms.make_envelope(SECRET, recipient.certificate, WrapScheme.RSA_PKCS1)
    enveloped = asn1.ContentInfo.load(envelope)["content"]
    enveloped["encrypted_content_info"]["content_encryption_algorithm"] = {
        "algorithm": SM4_CBC,
        "parameters": core.OctetString(bytes(16)),
    }
    with pytest.raises(BadEnvelope, match="not supported"):
        recipient.unwrap(renamed(enveloped, PKCS7.enveloped_data))


@pytest.mark.parametrize(
    "vector", [core.UTF8String("a" * 16), core.Integer(16), core.Null(), core.BitString((0, 1) * 8)]
)
def test_a_vector_that_is_no_octets_is_a_bad_envelope(
    vector: core.Asn1Value, sm2_recipient: Sm2InMemoryKey
) -> None:
    enveloped = asn1.ContentInfo.load(cms.make_envelope(SECRET, sm2_recipient.certificate))["content"]
    enveloped["encrypted_content_info"]["content_encryption_algorithm"] = {
        "algorithm": SM4_CBC,
        "parameters": vector,
    }
    with pytest.raises(BadEnvelope):
        sm2_recipient.unwrap(renamed(enveloped, GM.enveloped_data))


@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_flipped_bits_give_only_our_errors(data: st.DataObject, sm2_recipient: Sm2InMemoryKey) -> None:
    envelope = bytearray(cms.make_envelope(SECRET, sm2_recipient.certificate))
    envelope[data.draw(PLACES) % len(envelope)] ^= 1 << data.draw(st.integers(0, 7))
    try:
        opened: bytes | None = sm2_recipient.unwrap(bytes(envelope))
    except BidError:
        opened = None
    # CBC does not authenticate: what comes out of a changed ciphertext must be bound by other means.
    assert opened is None or len(opened) <= len(SECRET) + 16


def test_every_flaw_of_the_wrapped_key_is_the_same_error(sm2_recipient: Sm2InMemoryKey) -> None:
    envelope = cms.make_envelope(SECRET, sm2_recipient.certificate)
    key = asn1.ContentInfo.load(envelope)["content"]["recipient_infos"][0].chosen["encrypted_key"].native
    short = sm.encrypt(sm2_recipient.certificate.sm2_point, bytes(15))
    reasons = set()
    for wrong in (flip(key, len(key) - 1), flip(key, 10), key[:-1], b"", bytes(112), short):
        with pytest.raises(BadEnvelope) as caught:
            sm2_recipient.unwrap(reenveloped(envelope, GM, "v1", SM2_ENCRYPT, wrong))
        reasons.add(caught.value.reason)
    assert len(reasons) == 1
