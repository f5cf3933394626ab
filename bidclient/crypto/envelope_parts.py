"""What lies in an EnvelopedData, read strictly out of ASN.1: who can open it, and by what operation."""

from dataclasses import dataclass

from asn1crypto import algos, cms, core, keys

from bidclient.crypto import der
from bidclient.crypto.certificate import Certificate, name_line
from bidclient.crypto.message_syntax import (
    GM,
    PKCS7,
    SM2,
    SM2_ENCRYPT,
    SM2_EXCHANGE,
    SM4_CBC,
    MessageSyntax,
    no_parameters,
)
from bidclient.crypto.private_key import WrapScheme
from bidclient.errors import BadEnvelope, BadFormat

BLOCK = 16
"""Bytes of a block, and of the initial vector, of both content ciphers."""
ECDH_SHA256 = "1.3.132.1.11.1"
"""dhSinglePass-stdDH-sha256kdf-scheme (SEC 1, RFC 5753 §7.1.4)."""
AES256_WRAP = "2.16.840.1.101.3.4.1.45"
_AES256_CBC = "2.16.840.1.101.3.4.1.42"
_AES_KEY = 32
_ENVELOPE_LIMIT = 256 * 1024
_RECIPIENTS = 16
_WHAT = "envelope"


@dataclass(frozen=True)
class Recipient:
    """One certificate that an envelope is made to, as the envelope names it."""

    issuer: str
    """One readable line; empty when the recipient is named by its key identifier."""
    serial: str
    """Lower-case hex; empty when the recipient is named by its key identifier."""
    key_identifier: str | None

    @property
    def text(self) -> str:
        """The name of the certificate for a sentence."""
        return f"{self.issuer} #{self.serial}" if self.key_identifier is None else self.key_identifier


@dataclass(frozen=True)
class Target:
    """One recipient with what it takes to get at the content key."""

    recipient: Recipient
    issuer_der: bytes
    scheme: WrapScheme | None
    """None for an algorithm that we do not speak: another recipient's business."""
    encrypted_key: bytes
    point: bytes = b""
    shared_info: bytes = b""


@dataclass(frozen=True)
class Parts:
    """The fields of an EnvelopedData."""

    targets: tuple[Target, ...]
    vector: bytes
    ciphertext: bytes


def read_parts(envelope: bytes) -> Parts:
    """The fields of a DER EnvelopedData in the names of RFC 5652 or of GM/T 0010. Raises BadEnvelope."""
    try:
        der.check(envelope, _WHAT, _ENVELOPE_LIMIT)
        with der.reading(_WHAT):
            info = cms.ContentInfo.load(envelope, strict=True)
            kind = info["content_type"].dotted
            syntax = next((one for one in (PKCS7, GM) if one.enveloped_data == kind), None)
            if syntax is None:
                raise BadFormat(_WHAT, "not CMS EnvelopedData")
            return _read(info["content"], syntax)
    except BadFormat as error:
        raise BadEnvelope(error.reason) from error


def is_for(target: Target, certificate: Certificate) -> bool:
    """Whether `target` names `certificate`."""
    named = target.recipient
    if named.key_identifier is not None:
        own = certificate.key_identifier
        return own is not None and named.key_identifier == own.hex()
    return named.serial == certificate.serial and target.issuer_der == certificate.asn1().issuer.dump()


def oaep_parameters(scheme: WrapScheme) -> algos.RSAESOAEPParams:
    """The parameters by which an envelope tells the two kinds of OAEP apart (RFC 4055 §4.1)."""
    if scheme is WrapScheme.RSA_OAEP_SHA1:
        # An empty dictionary would mean "not set" to asn1crypto, not "all defaults".
        return algos.RSAESOAEPParams.load(b"\x30\x00")
    return algos.RSAESOAEPParams(
        {
            "hash_algorithm": {"algorithm": "sha256"},
            "mask_gen_algorithm": {"algorithm": "mgf1", "parameters": {"algorithm": "sha256"}},
        }
    )


class _SharedInfo(core.Sequence):  # type: ignore[misc]
    """ECC-CMS-SharedInfo (RFC 5753 §7.2)."""

    _fields = [  # noqa: RUF012 - asn1crypto's way to declare a structure
        ("key_info", core.Any),
        ("entity_u_info", core.OctetString, {"explicit": 0, "optional": True}),
        ("supp_pub_info", core.OctetString, {"explicit": 2}),
    ]


def shared_info(wrap: core.Asn1Value, ukm: bytes | None) -> bytes:
    """What goes into the key derivation beside the shared secret.

    `wrap` goes in exactly as it stands in the message, absent or NULL parameters included.
    """
    fields = {"key_info": core.Any(wrap), "supp_pub_info": (8 * _AES_KEY).to_bytes(4, "big")}
    if ukm is not None:
        fields["entity_u_info"] = ukm
    return bytes(_SharedInfo(fields).dump())


def _read(enveloped: cms.EnvelopedData, syntax: MessageSyntax) -> Parts:
    # GM/T 0010 keeps the version of its parent, PKCS #7 version 1.5 has 0, RFC 5652 has 0 or 2.
    _expect(enveloped["version"].native in ("v0", "v1", "v2"), "unknown version of EnvelopedData")
    _expect(1 <= len(enveloped["recipient_infos"]) <= _RECIPIENTS, "no recipient, or too many")
    content = enveloped["encrypted_content_info"]
    algorithm = content["content_encryption_algorithm"]
    _expect(content["content_type"].dotted == syntax.data, "the content is not of type data")
    cipher = algorithm["algorithm"].dotted
    _expect(cipher in (_AES256_CBC, SM4_CBC), "the content cipher is neither AES-256-CBC nor SM4-CBC")
    vector, ciphertext = der.octets(algorithm["parameters"]), content["encrypted_content"].native
    _expect(len(vector) == BLOCK, "the initial vector has the wrong size")
    _expect(len(ciphertext) > 0 and len(ciphertext) % BLOCK == 0, "the ciphertext has the wrong size")
    targets = [target for one in enveloped["recipient_infos"] for target in _targets(one, cipher)]
    _expect(0 < len(targets) <= _RECIPIENTS, "no recipient with a certificate, or too many")
    return Parts(tuple(targets), vector, ciphertext)


def _targets(recipient: cms.RecipientInfo, cipher: str) -> list[Target]:
    """The certificates behind one RecipientInfo; kinds without a certificate (passwords) are passed over."""
    if recipient.name == "ktri":
        info = recipient.chosen
        scheme = _transport_scheme(info["key_encryption_algorithm"], cipher)
        return [Target(*_named(info["rid"].chosen), scheme, info["encrypted_key"].native)]
    if recipient.name == "kari":
        return _agreement_targets(recipient.chosen, cipher)
    return []


def _transport_scheme(algorithm: cms.KeyEncryptionAlgorithm, cipher: str) -> WrapScheme | None:
    """SM2 goes with SM4, the others with AES: no other pair is in use, and each opens in one way only."""
    name = algorithm["algorithm"].native
    if cipher == SM4_CBC:
        known = name in (SM2_ENCRYPT, SM2, SM2_EXCHANGE) and no_parameters(algorithm)
        return WrapScheme.SM2 if known else None
    if name == "rsaes_pkcs1v15":
        return WrapScheme.RSA_PKCS1
    if name == "rsaes_oaep":
        parameters = algorithm["parameters"].native
        for scheme in (WrapScheme.RSA_OAEP_SHA1, WrapScheme.RSA_OAEP_SHA256):
            if parameters == oaep_parameters(scheme).native:
                return scheme
    return None


def _agreement_targets(info: cms.KeyAgreeRecipientInfo, cipher: str) -> list[Target]:
    scheme, point, shared = None, b"", b""
    algorithm = info["key_encryption_algorithm"]
    known = algorithm["algorithm"].dotted == ECDH_SHA256 and info["originator"].name == "originator_key"
    if known and cipher == _AES256_CBC:
        wrap = algorithm["parameters"].parse(cms.KeyEncryptionAlgorithm)
        if wrap["algorithm"].dotted == AES256_WRAP:
            scheme = WrapScheme.ECDH_SHA256
            ukm = None if isinstance(info["ukm"], core.Void) else info["ukm"].native
            shared = shared_info(wrap, ukm)
            point = _originator_point(info["originator"].chosen)
    return [
        Target(*_named(one["rid"].chosen), scheme, one["encrypted_key"].native, point, shared)
        for one in info["recipient_encrypted_keys"]
    ]


def _originator_point(originator: keys.PublicKeyInfo) -> bytes:
    _expect(originator.algorithm == "ec", "the originator's key is not an EC key")
    return bytes(originator["public_key"].native)


def _named(rid: core.Asn1Value) -> tuple[Recipient, bytes]:
    """The recipient that `rid` names, and the DER of the issuer (empty when named by key identifier)."""
    if isinstance(rid, cms.IssuerAndSerialNumber):
        issuer, serial = rid["issuer"], rid["serial_number"].native
        return Recipient(name_line(issuer), f"{serial:x}", None), bytes(issuer.dump())
    # A RecipientKeyIdentifier (RFC 5652 §6.2.2) is a sequence that begins with the identifier.
    identifier = rid[0] if isinstance(rid, core.Sequence) else rid
    return Recipient("", "", bytes(identifier.native).hex()), b""


def _expect(holds: bool, reason: str) -> None:
    if not holds:
        raise BadFormat(_WHAT, reason)
