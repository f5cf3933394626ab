"""Signatures in the CAdES baseline profile (EN 319 122-1 §6): CMS SignedData, for SM2 as in GM/T 0010."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from asn1crypto import cms, tsp, x509

from bidclient.crypto import der, signature_algorithms
from bidclient.crypto.certificate import Certificate
from bidclient.crypto.message_syntax import GM, PKCS7, MessageSyntax
from bidclient.crypto.private_key import PrivateKey, SignatureScheme, usual_scheme
from bidclient.crypto.signed_parts import TOKEN, Parts, read_parts
from bidclient.errors import BadFormat, BadSignature

ATTACHED_LIMIT = 32 * 1024 * 1024
"""Bytes of a SignedData with attached content that we read unless the caller says otherwise."""
_DETACHED_LIMIT = 1024 * 1024
_SHORTEST_RSA = 2048
_UTC_TIME_ENDS = 2050


@dataclass(frozen=True)
class Signed:
    """A SignedData whose signature verifies with the certificate inside, which is not trusted yet."""

    content: bytes | None
    """The attached content; None when detached."""
    signer: Certificate
    chain: tuple[Certificate, ...]
    """The other certificates inside, untrusted, in the order of the file."""
    signing_time: datetime
    """What the signer claims, UTC."""
    signature: bytes
    timestamp: bytes | None
    """The DER TimeStampToken (RFC 3161) over `signature`, not verified: see timestamp.verify_token."""


def sign_attached(
    content: bytes, key: PrivateKey, signing_time: datetime, scheme: SignatureScheme | None = None
) -> bytes:
    """DER SignedData (CAdES-B-B) with `content` inside and the signer's certificate and chain.

    `signing_time` is aware; `scheme` defaults to PKCS #1 v1.5 for RSA keys. An SM2 key signs in the names of
    GM/T 0010 with SM3. Raises KeyProblem.
    """
    scheme = scheme or usual_scheme(key.certificate)
    return _signed_data(content, _signer_info(content, key, signing_time, scheme), key, scheme)


def sign_detached(
    content: bytes,
    key: PrivateKey,
    signing_time: datetime,
    stamp: Callable[[bytes], bytes] | None = None,
    scheme: SignatureScheme | None = None,
) -> bytes:
    """DER SignedData over `content`, which stays outside; otherwise as sign_attached.

    With `stamp` (data → DER TimeStampToken) the signature value gets a timestamp: CAdES-B-T, EN 319 122-1
    §5.3. Raises KeyProblem, and whatever `stamp` raises.
    """
    scheme = scheme or usual_scheme(key.certificate)
    signer_info = _signer_info(content, key, signing_time, scheme)
    if stamp is not None:
        token = stamp(signer_info["signature"].native)
        signer_info["unsigned_attrs"] = [
            {"type": TOKEN, "values": [cms.ContentInfo.load(token, strict=True)]},
        ]
    return _signed_data(None, signer_info, key, scheme)


def verify_attached(data: bytes, what: str, limit: int = ATTACHED_LIMIT) -> Signed:
    """The content and signer of a DER SignedData with attached content of at most `limit` bytes in all.

    Strict: DER, one signer, the algorithms of the suites, the CAdES-B attributes, the names of RFC 5652 or
    with SM2 those of GM/T 0010. The chain is NOT checked (see certificate.verify_chain), and the timestamp
    neither. Raises BadSignature, BadFormat, Sm2Missing.
    """
    parts = read_parts(data, what, limit)
    if parts.content is None:
        raise BadFormat(what, "the signed content is not inside")
    return _verified(parts, parts.content, what)


def verify_detached(data: bytes, content: bytes, what: str) -> Signed:
    """The signer of a DER SignedData over `content`, which lies outside.

    As strict as verify_attached; the chain and the timestamp are NOT checked. Raises BadSignature, BadFormat,
    Sm2Missing.
    """
    parts = read_parts(data, what, _DETACHED_LIMIT)
    if parts.content is not None:
        raise BadFormat(what, "content inside a detached signature")
    return _verified(parts, content, what)


# -------------------------------------------------------------------------------------------------- making


def _syntax(scheme: SignatureScheme) -> MessageSyntax:
    return GM if scheme is SignatureScheme.SM2_SM3 else PKCS7


def _signer_info(
    content: bytes, key: PrivateKey, signing_time: datetime, scheme: SignatureScheme
) -> cms.SignerInfo:
    attributes = _signed_attributes(content, key.certificate, signing_time, scheme)
    signature = key.sign([attributes.dump()], scheme)[0]
    return cms.SignerInfo(
        {
            "version": "v1",
            "sid": cms.SignerIdentifier("issuer_and_serial_number", _issuer_and_serial(key.certificate)),
            "digest_algorithm": {"algorithm": signature_algorithms.digest_oid(scheme)},
            "signed_attrs": attributes,
            "signature_algorithm": signature_algorithms.signature_algorithm(scheme),
            "signature": signature,
        }
    )


def _signed_attributes(
    content: bytes, signer: Certificate, signing_time: datetime, scheme: SignatureScheme
) -> cms.CMSAttributes:
    """The signed attributes of CAdES-B-B (EN 319 122-1 §6.3); sorted by asn1crypto as DER demands."""
    at = signing_time.astimezone(UTC).replace(microsecond=0)
    kind = "utc_time" if at.year < _UTC_TIME_ENDS else "generalized_time"
    issuer = x509.GeneralName("directory_name", signer.asn1().issuer)
    identifier = tsp.ESSCertIDv2(
        {
            "hash_algorithm": {"algorithm": signature_algorithms.digest_oid(scheme)},
            "cert_hash": signature_algorithms.digest(scheme, signer.der),
            "issuer_serial": {"issuer": [issuer], "serial_number": signer.asn1().serial_number},
        }
    )
    return cms.CMSAttributes(
        [
            {"type": "content_type", "values": [_syntax(scheme).data]},
            {"type": "message_digest", "values": [signature_algorithms.digest(scheme, content)]},
            {"type": "signing_time", "values": [cms.Time(kind, at)]},
            {"type": "signing_certificate_v2", "values": [tsp.SigningCertificateV2({"certs": [identifier]})]},
        ]
    )


def _issuer_and_serial(certificate: Certificate) -> cms.IssuerAndSerialNumber:
    parsed = certificate.asn1()
    return cms.IssuerAndSerialNumber({"issuer": parsed.issuer, "serial_number": parsed.serial_number})


def _signed_data(
    content: bytes | None, signer_info: cms.SignerInfo, key: PrivateKey, scheme: SignatureScheme
) -> bytes:
    syntax = _syntax(scheme)
    certificates = dict.fromkeys((key.certificate, *key.chain))
    encapsulated: dict[str, object] = {"content_type": syntax.data}
    if content is not None:
        encapsulated["content"] = content
    signed_data = cms.SignedData(
        {
            "version": "v1",
            "digest_algorithms": [{"algorithm": signature_algorithms.digest_oid(scheme)}],
            "encap_content_info": encapsulated,
            "certificates": [cms.CertificateChoices("certificate", one.asn1()) for one in certificates],
            "signer_infos": [signer_info],
        }
    )
    return bytes(cms.ContentInfo({"content_type": syntax.signed_data, "content": signed_data}).dump())


# ----------------------------------------------------------------------------------------------- verifying


def _verified(parts: Parts, content: bytes, what: str) -> Signed:
    with der.reading(what):
        signer = _signer(parts, what)
        if not signer.can_sign:
            # The authority may hold a copy of an encryption key: what it signs binds nobody.
            raise BadSignature(what, "the signer's certificate is not for signatures")
        _check_attributes(parts, content, signer, what)
        signing_time = der.moment(parts.attributes["signing_time"].chosen)
    _check_signature(signer, parts, what)
    return Signed(
        content=parts.content,
        signer=signer,
        chain=tuple(one for one in parts.certificates if one != signer),
        signing_time=signing_time,
        signature=parts.signature,
        timestamp=parts.timestamp,
    )


def _signer(parts: Parts, what: str) -> Certificate:
    """The certificate inside that the signer identifier names."""
    for certificate in parts.certificates:
        if parts.sid.name == "subject_key_identifier":
            named = parts.sid.chosen.native == certificate.key_identifier
        else:
            named = parts.sid.chosen.dump() == _issuer_and_serial(certificate).dump()
        if named:
            return certificate
    raise BadSignature(what, "the signer's certificate is not inside")


def _check_attributes(parts: Parts, content: bytes, signer: Certificate, what: str) -> None:
    attributes = parts.attributes
    if attributes["content_type"].dotted != parts.syntax.data:
        raise BadSignature(what, "the signed content type differs")
    digest = signature_algorithms.digest(parts.scheme, content)
    if not hmac.compare_digest(attributes["message_digest"].native, digest):
        raise BadSignature(what, "the content is not what was signed")
    identifier = attributes["signing_certificate_v2"]["certs"][0]
    # SHA-256 is what the attribute means where it names no hash (RFC 5035 §4), beside SM2 too.
    for scheme in (parts.scheme, SignatureScheme.RSA_PKCS1_SHA256):
        if signature_algorithms.is_digest(scheme, identifier["hash_algorithm"]):
            if identifier["cert_hash"].native != signature_algorithms.digest(scheme, signer.der):
                raise BadSignature(what, "the signature names another certificate")
            return
    raise BadSignature(what, "the certificate is named by a digest that is not accepted")


def _check_signature(signer: Certificate, parts: Parts, what: str) -> None:
    kind, _, bits = signer.key_algorithm.partition("-")
    if kind == "rsa" and int(bits) < _SHORTEST_RSA:
        raise BadSignature(what, f"an RSA key of {bits} bits")
    signature_algorithms.verify(signer, parts.signed_bytes, parts.scheme, parts.signature, what)
