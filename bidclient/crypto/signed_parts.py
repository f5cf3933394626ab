"""What lies in a SignedData, read strictly out of ASN.1: nothing of it is proven or believed yet."""

from dataclasses import dataclass

from asn1crypto import cms, core

from bidclient.crypto import der, signature_algorithms
from bidclient.crypto.certificate import Certificate
from bidclient.crypto.message_syntax import GM, PKCS7, MessageSyntax
from bidclient.crypto.private_key import SignatureScheme
from bidclient.errors import BadCertificate, BadFormat

TOKEN = "signature_time_stamp_token"  # noqa: S105 - an attribute's name
_CERTIFICATES = 16
_REQUIRED = ("content_type", "message_digest", "signing_time", "signing_certificate_v2")


@dataclass(frozen=True)
class Parts:
    """The fields of a SignedData with one signer."""

    syntax: MessageSyntax
    content: bytes | None
    certificates: tuple[Certificate, ...]
    sid: cms.SignerIdentifier
    attributes: dict[str, core.Asn1Value]
    """The signed attributes by name."""
    signed_bytes: bytes
    """What the signature covers."""
    scheme: SignatureScheme
    signature: bytes
    timestamp: bytes | None


def read_parts(data: bytes, what: str, limit: int) -> Parts:
    """The fields of a DER SignedData of at most `limit` bytes, with the CAdES-B attributes.

    Names of RFC 5652 or of GM/T 0010, not mixed; GM names only with SM2. Raises BadFormat, BadSignature.
    """
    der.check(data, what, limit)
    with der.reading(what):
        info = cms.ContentInfo.load(data, strict=True)
        syntax = next((one for one in (PKCS7, GM) if one.signed_data == info["content_type"].dotted), None)
        if syntax is None:
            raise BadFormat(what, "not CMS SignedData")
        return _read(info["content"], syntax, what)


def _read(signed_data: cms.SignedData, syntax: MessageSyntax, what: str) -> Parts:
    encapsulated = signed_data["encap_content_info"]
    _expect(encapsulated["content_type"].dotted == syntax.data, what, "the content is not of type data")
    _expect(len(signed_data["signer_infos"]) == 1, what, "not exactly one signer")
    signer = signed_data["signer_infos"][0]
    # RFC 5652 §5.1: with content of type data the version follows the one signer's.
    _expect(signed_data["version"].native == signer["version"].native, what, "the version does not fit")
    version = "v1" if signer["sid"].name == "issuer_and_serial_number" else "v3"
    _expect(signer["version"].native == version, what, "the signer's version does not fit")
    scheme = signature_algorithms.read_scheme(signer["signature_algorithm"], what)
    _expect(syntax is PKCS7 or scheme is SignatureScheme.SM2_SM3, what, f"GM/T 0010 with {scheme}")
    digests = [*signed_data["digest_algorithms"], signer["digest_algorithm"]]
    fit = [signature_algorithms.is_digest(scheme, one) for one in digests]
    _expect(fit == [True, True], what, "the digest algorithm is not the one of the signature")
    attributes = _single_values(signer["signed_attrs"], what)
    missing = [name for name in _REQUIRED if name not in attributes]
    _expect(not missing, what, f"signed attributes missing: {', '.join(missing)}")
    content = encapsulated["content"]
    return Parts(
        syntax=syntax,
        content=None if isinstance(content, core.Void) else bytes(content),
        certificates=_read_certificates(signed_data["certificates"], what),
        sid=signer["sid"],
        attributes=attributes,
        signed_bytes=_as_set(signer["signed_attrs"], what),
        scheme=scheme,
        signature=signer["signature"].native,
        timestamp=_read_token(signer["unsigned_attrs"], what),
    )


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


def _read_token(attributes: cms.CMSAttributes, what: str) -> bytes | None:
    if isinstance(attributes, core.Void):
        return None
    token = _single_values(attributes, what).get(TOKEN)
    return None if token is None else bytes(token.dump())


def _expect(holds: bool, what: str, reason: str) -> None:
    if not holds:
        raise BadFormat(what, reason)
