"""CMS SignedData in the CAdES baseline profile (EN 319 122-1 §6): made with any key, read strictly."""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from asn1crypto import algos, cms, core, tsp, x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from bidclient.crypto import der
from bidclient.crypto.certificate import Certificate
from bidclient.crypto.private_key import PrivateKey, SignatureScheme, usual_scheme
from bidclient.errors import BadCertificate, BadFormat, BadSignature

ATTACHED_LIMIT = 32 * 1024 * 1024
"""Bytes of a SignedData with attached content that we read unless the caller says otherwise."""
_DETACHED_LIMIT = 1024 * 1024
_CERTIFICATES = 16
_SHORTEST_RSA = 2048
_DIGEST_SIZE = 32
_UTC_TIME_ENDS = 2050
_PREHASHED = utils.Prehashed(hashes.SHA256())
_PSS = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=_DIGEST_SIZE)
_REQUIRED = ("content_type", "message_digest", "signing_time", "signing_certificate_v2")
_TOKEN = "signature_time_stamp_token"  # noqa: S105 - an attribute's name


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
    digest: bytes
    """SHA-256 of the content."""


@dataclass(frozen=True)
class _Parts:
    """The fields of a SignedData with one signer, out of ASN.1 and not yet believed."""

    content: bytes | None
    certificates: tuple[Certificate, ...]
    sid: cms.SignerIdentifier
    attributes: dict[str, core.Asn1Value]
    signed_bytes: bytes
    scheme: SignatureScheme
    signature: bytes
    timestamp: bytes | None


def sign_attached(
    content: bytes, key: PrivateKey, signing_time: datetime, scheme: SignatureScheme | None = None
) -> bytes:
    """DER SignedData (CAdES-B-B) with `content` inside and the signer's certificate and chain.

    `signing_time` is aware; `scheme` defaults to PKCS #1 v1.5 for RSA keys. Raises KeyProblem.
    """
    signer_info = _signer_info(hashlib.sha256(content).digest(), key, signing_time, scheme)
    return _signed_data(content, signer_info, key)


def sign_detached(
    digest: bytes,
    key: PrivateKey,
    signing_time: datetime,
    stamp: Callable[[bytes], bytes] | None = None,
    scheme: SignatureScheme | None = None,
) -> bytes:
    """DER SignedData over the content whose SHA-256 is `digest`, without the content.

    With `stamp` (SHA-256 → DER TimeStampToken) the signature value gets a timestamp: CAdES-B-T, EN 319 122-1
    §5.3. Raises KeyProblem, and whatever `stamp` raises.
    """
    signer_info = _signer_info(digest, key, signing_time, scheme)
    if stamp is not None:
        token = stamp(hashlib.sha256(signer_info["signature"].native).digest())
        signer_info["unsigned_attrs"] = [
            {"type": _TOKEN, "values": [cms.ContentInfo.load(token, strict=True)]},
        ]
    return _signed_data(None, signer_info, key)


def verify_attached(data: bytes, what: str, limit: int = ATTACHED_LIMIT) -> Signed:
    """The content and signer of a DER SignedData with attached content of at most `limit` bytes in all.

    Strict: DER, one signer, SHA-256, the algorithms of the suite, the CAdES-B attributes. The chain is NOT
    checked (see certificate.verify_chain), and the timestamp neither. Raises BadSignature, BadFormat.
    """
    parts = _read(data, what, limit)
    if parts.content is None:
        raise BadFormat(what, "the signed content is not inside")
    return _verified(parts, hashlib.sha256(parts.content).digest(), what)


def verify_detached(data: bytes, digest: bytes, what: str) -> Signed:
    """The signer of a DER SignedData over the content whose SHA-256 is `digest`.

    As strict as verify_attached; the chain and the timestamp are NOT checked. Raises BadSignature, BadFormat.
    """
    parts = _read(data, what, _DETACHED_LIMIT)
    if parts.content is not None:
        raise BadFormat(what, "content inside a detached signature")
    return _verified(parts, digest, what)


# -------------------------------------------------------------------------------------------------- making


def _signature_algorithm(scheme: SignatureScheme) -> algos.SignedDigestAlgorithm:
    """RFC 3370 §3.2, RFC 4056, RFC 5754 §3.3."""
    if scheme is SignatureScheme.ECDSA_SHA256:
        return algos.SignedDigestAlgorithm({"algorithm": "sha256_ecdsa"})
    if scheme is SignatureScheme.RSA_PKCS1_SHA256:
        return algos.SignedDigestAlgorithm({"algorithm": "rsassa_pkcs1v15"})
    return algos.SignedDigestAlgorithm({"algorithm": "rsassa_pss", "parameters": _pss_parameters()})


def _pss_parameters() -> algos.RSASSAPSSParams:
    return algos.RSASSAPSSParams(
        {
            "hash_algorithm": {"algorithm": "sha256"},
            "mask_gen_algorithm": {"algorithm": "mgf1", "parameters": {"algorithm": "sha256"}},
            "salt_length": _DIGEST_SIZE,
        }
    )


def _signer_info(
    digest: bytes, key: PrivateKey, signing_time: datetime, scheme: SignatureScheme | None
) -> cms.SignerInfo:
    if len(digest) != _DIGEST_SIZE:
        raise ValueError("a SHA-256 digest has 32 bytes")
    scheme = scheme or usual_scheme(key.certificate)
    attributes = _signed_attributes(digest, key.certificate, signing_time)
    signature = key.sign([hashlib.sha256(attributes.dump()).digest()], scheme)[0]
    return cms.SignerInfo(
        {
            "version": "v1",
            "sid": cms.SignerIdentifier("issuer_and_serial_number", _issuer_and_serial(key.certificate)),
            "digest_algorithm": {"algorithm": "sha256"},
            "signed_attrs": attributes,
            "signature_algorithm": _signature_algorithm(scheme),
            "signature": signature,
        }
    )


def _signed_attributes(digest: bytes, signer: Certificate, signing_time: datetime) -> cms.CMSAttributes:
    """The signed attributes of CAdES-B-B (EN 319 122-1 §6.3); sorted by asn1crypto as DER demands."""
    at = signing_time.astimezone(UTC).replace(microsecond=0)
    kind = "utc_time" if at.year < _UTC_TIME_ENDS else "generalized_time"
    issuer = x509.GeneralName("directory_name", signer.asn1().issuer)
    identifier = tsp.ESSCertIDv2(
        {
            "cert_hash": hashlib.sha256(signer.der).digest(),
            "issuer_serial": {"issuer": [issuer], "serial_number": signer.asn1().serial_number},
        }
    )
    return cms.CMSAttributes(
        [
            {"type": "content_type", "values": ["data"]},
            {"type": "message_digest", "values": [digest]},
            {"type": "signing_time", "values": [cms.Time(kind, at)]},
            {"type": "signing_certificate_v2", "values": [tsp.SigningCertificateV2({"certs": [identifier]})]},
        ]
    )


def _issuer_and_serial(certificate: Certificate) -> cms.IssuerAndSerialNumber:
    parsed = certificate.asn1()
    return cms.IssuerAndSerialNumber({"issuer": parsed.issuer, "serial_number": parsed.serial_number})


def _signed_data(content: bytes | None, signer_info: cms.SignerInfo, key: PrivateKey) -> bytes:
    certificates = dict.fromkeys((key.certificate, *key.chain))
    encapsulated: dict[str, object] = {"content_type": "data"}
    if content is not None:
        encapsulated["content"] = content
    signed_data = cms.SignedData(
        {
            "version": "v1",
            "digest_algorithms": [{"algorithm": "sha256"}],
            "encap_content_info": encapsulated,
            "certificates": [cms.CertificateChoices("certificate", one.asn1()) for one in certificates],
            "signer_infos": [signer_info],
        }
    )
    return bytes(cms.ContentInfo({"content_type": "signed_data", "content": signed_data}).dump())


# ------------------------------------------------------------------------------------------------- reading


def _read(data: bytes, what: str, limit: int) -> _Parts:
    der.check(data, what, limit)
    with der.reading(what):
        info = cms.ContentInfo.load(data, strict=True)
        _expect(info["content_type"].native == "signed_data", what, "not CMS SignedData")
        signed_data = info["content"]
        digests = [_is_sha256(one) for one in signed_data["digest_algorithms"]]
        _expect(digests == [True], what, "the digest algorithm is not SHA-256")
        encapsulated = signed_data["encap_content_info"]
        _expect(encapsulated["content_type"].native == "data", what, "the content is not of type data")
        _expect(len(signed_data["signer_infos"]) == 1, what, "not exactly one signer")
        # RFC 5652 §5.1: with content of type data the version follows the one signer's.
        version = signed_data["signer_infos"][0]["version"].native
        _expect(signed_data["version"].native == version, what, "the version does not fit")
        content = encapsulated["content"]
        return _read_signer(
            signed_data["signer_infos"][0],
            None if isinstance(content, core.Void) else bytes(content),
            _read_certificates(signed_data["certificates"], what),
            what,
        )


def _read_signer(
    signer: cms.SignerInfo, content: bytes | None, certificates: tuple[Certificate, ...], what: str
) -> _Parts:
    version = "v1" if signer["sid"].name == "issuer_and_serial_number" else "v3"
    _expect(signer["version"].native == version, what, "the signer's version does not fit")
    _expect(_is_sha256(signer["digest_algorithm"]), what, "the digest is not SHA-256")
    attributes = _single_values(signer["signed_attrs"], what)
    missing = [name for name in _REQUIRED if name not in attributes]
    _expect(not missing, what, f"signed attributes missing: {', '.join(missing)}")
    return _Parts(
        content=content,
        certificates=certificates,
        sid=signer["sid"],
        attributes=attributes,
        signed_bytes=_as_set(signer["signed_attrs"], what),
        scheme=_read_scheme(signer["signature_algorithm"], what),
        signature=signer["signature"].native,
        timestamp=_read_token(signer["unsigned_attrs"], what),
    )


def _is_sha256(algorithm: algos.DigestAlgorithm) -> bool:
    """SHA-256 with NULL or no parameters (RFC 5754 §2); the parameters are read, or they would go unseen."""
    parameters = algorithm["parameters"]
    return algorithm["algorithm"].native == "sha256" and isinstance(parameters, core.Null | core.Void)


def _read_certificates(certificates: cms.CertificateSet, what: str) -> tuple[Certificate, ...]:
    _expect(len(certificates) <= _CERTIFICATES, what, "too many certificates")
    found = []
    for choice in certificates:
        _expect(choice.name == "certificate", what, "not an X.509 certificate")
        try:
            found.append(Certificate.from_der(choice.chosen.dump()))
        except BadCertificate as error:
            raise BadFormat(what, "a malformed certificate inside") from error
    return tuple(found)


def _single_values(attributes: cms.CMSAttributes, what: str) -> dict[str, core.Asn1Value]:
    """The values by attribute name; each attribute once, with one value (RFC 5652 §11)."""
    found: dict[str, core.Asn1Value] = {}
    for attribute in attributes:
        name = attribute["type"].native
        _expect(name not in found, what, f"attribute {name} twice")
        _expect(len(attribute["values"]) == 1, what, f"attribute {name} without exactly one value")
        found[name] = attribute["values"][0]
    return found


def _as_set(attributes: cms.CMSAttributes, what: str) -> bytes:
    """What the signature covers: the attributes as DER SET OF instead of [0] (RFC 5652 §5.4)."""
    encoded = [attribute.dump() for attribute in attributes]
    _expect(encoded == sorted(encoded), what, "the signed attributes are not in DER order")
    return b"\x31" + bytes(attributes.dump())[1:]


def _read_scheme(algorithm: algos.SignedDigestAlgorithm, what: str) -> SignatureScheme:
    name = algorithm["algorithm"].native
    parameters = algorithm["parameters"]
    if name == "sha256_ecdsa" and isinstance(parameters, core.Void):
        return SignatureScheme.ECDSA_SHA256
    if name in ("rsassa_pkcs1v15", "sha256_rsa") and isinstance(parameters, core.Null | core.Void):
        return SignatureScheme.RSA_PKCS1_SHA256
    if name == "rsassa_pss" and parameters.native == _pss_parameters().native:
        return SignatureScheme.RSA_PSS_SHA256
    raise BadSignature(what, f"signature algorithm {name} is not accepted")


def _read_token(attributes: cms.CMSAttributes, what: str) -> bytes | None:
    if isinstance(attributes, core.Void):
        return None
    token = _single_values(attributes, what).get(_TOKEN)
    return None if token is None else bytes(token.dump())


def _expect(holds: bool, what: str, reason: str) -> None:
    if not holds:
        raise BadFormat(what, reason)


# ----------------------------------------------------------------------------------------------- verifying


def _verified(parts: _Parts, digest: bytes, what: str) -> Signed:
    with der.reading(what):
        signer = _signer(parts, what)
        if not signer.can_sign:
            # The authority may hold a copy of an encryption key: what it signs binds nobody.
            raise BadSignature(what, "the signer's certificate is not for signatures")
        _check_attributes(parts, digest, signer, what)
        signing_time = _signing_time(parts.attributes["signing_time"], what)
    _check_signature(signer, parts, what)
    return Signed(
        content=parts.content,
        signer=signer,
        chain=tuple(one for one in parts.certificates if one != signer),
        signing_time=signing_time,
        signature=parts.signature,
        timestamp=parts.timestamp,
        digest=digest,
    )


def _signer(parts: _Parts, what: str) -> Certificate:
    """The certificate inside that the signer identifier names."""
    for certificate in parts.certificates:
        if parts.sid.name == "subject_key_identifier":
            named = parts.sid.chosen.native == certificate.key_identifier
        else:
            named = parts.sid.chosen.dump() == _issuer_and_serial(certificate).dump()
        if named:
            return certificate
    raise BadSignature(what, "the signer's certificate is not inside")


def _check_attributes(parts: _Parts, digest: bytes, signer: Certificate, what: str) -> None:
    attributes = parts.attributes
    if attributes["content_type"].native != "data":
        raise BadSignature(what, "the signed content type differs")
    if not hmac.compare_digest(attributes["message_digest"].native, digest):
        raise BadSignature(what, "the content is not what was signed")
    identifier = attributes["signing_certificate_v2"]["certs"][0]
    if identifier["hash_algorithm"]["algorithm"].native != "sha256":
        raise BadSignature(what, "the certificate reference is not SHA-256")
    if identifier["cert_hash"].native != hashlib.sha256(signer.der).digest():
        raise BadSignature(what, "the signature names another certificate")


def _signing_time(value: cms.Time, what: str) -> datetime:
    moment: datetime = value.native
    if moment.tzinfo is None:
        raise BadFormat(what, "the signing time has no zone")
    return moment.astimezone(UTC)


def _check_signature(signer: Certificate, parts: _Parts, what: str) -> None:
    digest = hashlib.sha256(parts.signed_bytes).digest()
    try:
        public = signer.public_key()
        if isinstance(public, rsa.RSAPublicKey) and parts.scheme is not SignatureScheme.ECDSA_SHA256:
            if public.key_size < _SHORTEST_RSA:
                raise BadSignature(what, f"an RSA key of {public.key_size} bits")
            scheme = _PSS if parts.scheme is SignatureScheme.RSA_PSS_SHA256 else padding.PKCS1v15()
            public.verify(parts.signature, digest, scheme, _PREHASHED)
        elif signer.key_algorithm == "p-256" and parts.scheme is SignatureScheme.ECDSA_SHA256:
            _verify_ecdsa(public, parts.signature, digest)
        else:
            raise BadSignature(what, f"{parts.scheme} with a key of kind {signer.key_algorithm}")
    except InvalidSignature as error:
        raise BadSignature(what, "the signature is wrong") from error
    except BadCertificate as error:
        raise BadSignature(what, error.reason) from error


def _verify_ecdsa(public: object, signature: bytes, digest: bytes) -> None:
    if not isinstance(public, ec.EllipticCurvePublicKey):
        raise InvalidSignature
    public.verify(signature, digest, ec.ECDSA(_PREHASHED))
