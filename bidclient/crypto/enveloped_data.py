"""CMS EnvelopedData (RFC 5652 §6) for small secrets, made to a certificate whose key may sit in a token."""

import os
import secrets
from dataclasses import dataclass
from typing import Protocol

from asn1crypto import algos, cms, core, keys
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.x963kdf import X963KDF
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap
from cryptography.hazmat.primitives.padding import PKCS7

from bidclient.crypto import der
from bidclient.crypto.certificate import Certificate, name_line
from bidclient.crypto.private_key import WrapScheme
from bidclient.errors import BadEnvelope, BadFormat, CertificateUnfit, WrongKey

CONTENT_LIMIT = 64 * 1024
"""Bytes of content that fit into an envelope: it carries secrets, not documents."""
_ENVELOPE_LIMIT = 256 * 1024
_RECIPIENTS = 16
_SHORTEST_RSA = 2048
_KEY, _BLOCK = 32, 16
_ECDH_SHA256 = "1.3.132.1.11.1"
"""dhSinglePass-stdDH-sha256kdf-scheme (SEC 1, RFC 5753 §7.1.4)."""
_AES256_WRAP = "2.16.840.1.101.3.4.1.45"
_WHAT = "envelope"


class UnwrapPrimitive(Protocol):
    """The one private operation that opening an envelope needs; everything around it is done here."""

    def decrypt(self, ciphertext: bytes, scheme: WrapScheme) -> bytes:
        """RSA decryption with the padding of `scheme` removed. Raises BadEnvelope, KeyProblem."""

    def agree(self, point: bytes) -> bytes:
        """ECDH: the 32-byte x shared with an uncompressed point. Raises BadEnvelope, KeyProblem."""


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
class _Target:
    """One recipient with what it takes to get at the content key."""

    recipient: Recipient
    issuer_der: bytes
    scheme: WrapScheme | None
    """None for an algorithm that we do not speak: another recipient's business."""
    encrypted_key: bytes
    point: bytes = b""
    shared_info: bytes = b""


@dataclass(frozen=True)
class _Envelope:
    targets: tuple[_Target, ...]
    vector: bytes
    ciphertext: bytes


def make_envelope(content: bytes, recipient: Certificate, scheme: WrapScheme | None = None) -> bytes:
    """DER EnvelopedData with `content` (at most CONTENT_LIMIT bytes) under AES-256-CBC, for one recipient.

    The content is NOT authenticated: what it says must be bound by other means (a commitment, a digest).
    `scheme` defaults to RSA-OAEP with SHA-1 (RFC 8017 defaults: what most tokens can do) or ECDH. Raises
    CertificateUnfit when the certificate is not for encryption or its key cannot do `scheme`.
    """
    if len(content) > CONTENT_LIMIT:
        raise ValueError(f"an envelope takes at most {CONTENT_LIMIT} bytes")
    content_key, vector = secrets.token_bytes(_KEY), secrets.token_bytes(_BLOCK)
    info = _recipient_info(content_key, recipient, scheme or _usual_scheme(recipient))
    padder = PKCS7(8 * _BLOCK).padder()
    padded = padder.update(content) + padder.finalize()
    encryptor = Cipher(algorithms.AES256(content_key), modes.CBC(vector)).encryptor()
    enveloped = cms.EnvelopedData(
        {
            "version": "v0" if info.name == "ktri" else "v2",
            "recipient_infos": [info],
            "encrypted_content_info": {
                "content_type": "data",
                "content_encryption_algorithm": {"algorithm": "aes256_cbc", "parameters": vector},
                "encrypted_content": encryptor.update(padded) + encryptor.finalize(),
            },
        }
    )
    return bytes(cms.ContentInfo({"content_type": "enveloped_data", "content": enveloped}).dump())


def open_envelope(envelope: bytes, certificate: Certificate, primitive: UnwrapPrimitive) -> bytes:
    """The content of a DER EnvelopedData made to `certificate`, whose private key `primitive` holds.

    The content is NOT authenticated. Whatever does not decrypt gives one and the same BadEnvelope, so that
    nobody learns from the error where it failed (RFC 3218). Raises WrongKey when the envelope is for others,
    BadEnvelope, KeyProblem.
    """
    parsed = _parse(envelope)
    for target in parsed.targets:
        if _is_for(target, certificate):
            return _open(parsed, target, primitive)
    needed = "; ".join(target.recipient.text for target in parsed.targets)
    raise WrongKey(needed, f"{certificate.issuer} #{certificate.serial}")


def envelope_recipients(envelope: bytes) -> tuple[Recipient, ...]:
    """Which certificates can open `envelope`, in its order. Raises BadEnvelope."""
    return tuple(target.recipient for target in _parse(envelope).targets)


# -------------------------------------------------------------------------------------------------- making


def _usual_scheme(recipient: Certificate) -> WrapScheme:
    if recipient.key_algorithm.startswith("rsa-"):
        return WrapScheme.RSA_OAEP_SHA1
    return WrapScheme.ECDH_SHA256


def _recipient_info(content_key: bytes, recipient: Certificate, scheme: WrapScheme) -> cms.RecipientInfo:
    if not recipient.can_encrypt:
        raise CertificateUnfit(recipient.subject, "its key usage does not allow encryption")
    parsed = recipient.asn1()
    rid = cms.IssuerAndSerialNumber({"issuer": parsed.issuer, "serial_number": parsed.serial_number})
    public = recipient.public_key()
    if scheme is WrapScheme.ECDH_SHA256:
        if isinstance(public, ec.EllipticCurvePublicKey) and recipient.key_algorithm == "p-256":
            return _agreed(content_key, public, rid)
    elif isinstance(public, rsa.RSAPublicKey) and public.key_size >= _SHORTEST_RSA:
        return _transported(content_key, public, rid, scheme)
    raise CertificateUnfit(recipient.subject, f"{scheme} with a key of kind {recipient.key_algorithm}")


def _transported(
    content_key: bytes, public: rsa.RSAPublicKey, rid: cms.IssuerAndSerialNumber, scheme: WrapScheme
) -> cms.RecipientInfo:
    """KeyTransRecipientInfo (RFC 5652 §6.2.1, RFC 3560)."""
    info = cms.KeyTransRecipientInfo(
        {
            "version": "v0",
            "rid": cms.RecipientIdentifier("issuer_and_serial_number", rid),
            "key_encryption_algorithm": _transport_algorithm(scheme),
            "encrypted_key": public.encrypt(content_key, _padding(scheme)),
        }
    )
    return cms.RecipientInfo("ktri", info)


def _transport_algorithm(scheme: WrapScheme) -> dict[str, object]:
    if scheme is WrapScheme.RSA_PKCS1:
        return {"algorithm": "rsaes_pkcs1v15"}
    return {"algorithm": "rsaes_oaep", "parameters": _oaep_parameters(scheme)}


def _oaep_parameters(scheme: WrapScheme) -> algos.RSAESOAEPParams:
    if scheme is WrapScheme.RSA_OAEP_SHA1:
        # An empty dictionary would mean "not set" to asn1crypto, not "all defaults".
        return algos.RSAESOAEPParams.load(b"\x30\x00")
    return algos.RSAESOAEPParams(
        {
            "hash_algorithm": {"algorithm": "sha256"},
            "mask_gen_algorithm": {"algorithm": "mgf1", "parameters": {"algorithm": "sha256"}},
        }
    )


def _padding(scheme: WrapScheme) -> padding.AsymmetricPadding:
    if scheme is WrapScheme.RSA_PKCS1:
        return padding.PKCS1v15()
    # SHA-1 is what RFC 8017 defaults to; OAEP does not rest on collision resistance.
    digest = hashes.SHA256() if scheme is WrapScheme.RSA_OAEP_SHA256 else hashes.SHA1()  # noqa: S303
    return padding.OAEP(mgf=padding.MGF1(digest), algorithm=digest, label=None)


def _agreed(
    content_key: bytes, public: ec.EllipticCurvePublicKey, rid: cms.IssuerAndSerialNumber
) -> cms.RecipientInfo:
    """KeyAgreeRecipientInfo with an ephemeral key (RFC 5753 §3.1)."""
    ephemeral = ec.generate_private_key(ec.SECP256R1())
    point = ephemeral.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    wrap = cms.KeyEncryptionAlgorithm({"algorithm": _AES256_WRAP})
    wrapping_key = _derive(ephemeral.exchange(ec.ECDH(), public), _shared_info(wrap, None))
    originator = keys.PublicKeyInfo(
        {"algorithm": {"algorithm": "ec"}, "public_key": keys.ECPointBitString(point)},
    )
    recipient = cms.RecipientEncryptedKey(
        {
            "rid": cms.KeyAgreementRecipientIdentifier("issuer_and_serial_number", rid),
            "encrypted_key": aes_key_wrap(wrapping_key, content_key),
        }
    )
    info = cms.KeyAgreeRecipientInfo(
        {
            "version": "v3",
            "originator": cms.OriginatorIdentifierOrKey("originator_key", originator),
            "key_encryption_algorithm": {"algorithm": _ECDH_SHA256, "parameters": wrap},
            "recipient_encrypted_keys": [recipient],
        }
    )
    return cms.RecipientInfo("kari", info)


class _SharedInfo(core.Sequence):  # type: ignore[misc]
    """ECC-CMS-SharedInfo (RFC 5753 §7.2)."""

    _fields = [  # noqa: RUF012 - asn1crypto's way to declare a structure
        ("key_info", core.Any),
        ("entity_u_info", core.OctetString, {"explicit": 0, "optional": True}),
        ("supp_pub_info", core.OctetString, {"explicit": 2}),
    ]


def _shared_info(wrap: core.Asn1Value, ukm: bytes | None) -> bytes:
    """`wrap` goes in exactly as it stands in the message, absent or NULL parameters included."""
    fields = {"key_info": core.Any(wrap), "supp_pub_info": (8 * _KEY).to_bytes(4, "big")}
    if ukm is not None:
        fields["entity_u_info"] = ukm
    return bytes(_SharedInfo(fields).dump())


def _derive(shared: bytes, shared_info: bytes) -> bytes:
    return X963KDF(algorithm=hashes.SHA256(), length=_KEY, sharedinfo=shared_info).derive(shared)


# ------------------------------------------------------------------------------------------------- reading


def _parse(envelope: bytes) -> _Envelope:
    try:
        der.check(envelope, _WHAT, _ENVELOPE_LIMIT)
        with der.reading(_WHAT):
            return _read(envelope)
    except BadFormat as error:
        raise BadEnvelope(error.reason) from error


def _read(envelope: bytes) -> _Envelope:
    info = cms.ContentInfo.load(envelope, strict=True)
    _expect(info["content_type"].native == "enveloped_data", "not CMS EnvelopedData")
    enveloped = info["content"]
    _expect(enveloped["version"].native in ("v0", "v2"), "unknown version of EnvelopedData")
    _expect(1 <= len(enveloped["recipient_infos"]) <= _RECIPIENTS, "no recipient, or too many")
    content = enveloped["encrypted_content_info"]
    algorithm = content["content_encryption_algorithm"]
    _expect(content["content_type"].native == "data", "the content is not of type data")
    _expect(algorithm["algorithm"].native == "aes256_cbc", "the content cipher is not AES-256-CBC")
    vector, ciphertext = algorithm["parameters"].native, content["encrypted_content"].native
    _expect(len(vector) == _BLOCK, "the initial vector has the wrong size")
    _expect(len(ciphertext) > 0 and len(ciphertext) % _BLOCK == 0, "the ciphertext has the wrong size")
    targets = [target for one in enveloped["recipient_infos"] for target in _targets(one)]
    _expect(0 < len(targets) <= _RECIPIENTS, "no recipient with a certificate, or too many")
    return _Envelope(tuple(targets), vector, ciphertext)


def _targets(recipient: cms.RecipientInfo) -> list[_Target]:
    """The certificates behind one RecipientInfo; kinds without a certificate (passwords) are passed over."""
    if recipient.name == "ktri":
        info = recipient.chosen
        scheme = _transport_scheme(info["key_encryption_algorithm"])
        return [_Target(*_named(info["rid"].chosen), scheme, info["encrypted_key"].native)]
    if recipient.name == "kari":
        return _agreement_targets(recipient.chosen)
    return []


def _transport_scheme(algorithm: cms.KeyEncryptionAlgorithm) -> WrapScheme | None:
    name = algorithm["algorithm"].native
    if name == "rsaes_pkcs1v15":
        return WrapScheme.RSA_PKCS1
    if name == "rsaes_oaep":
        parameters = algorithm["parameters"].native
        for scheme in (WrapScheme.RSA_OAEP_SHA1, WrapScheme.RSA_OAEP_SHA256):
            if parameters == _oaep_parameters(scheme).native:
                return scheme
    return None


def _agreement_targets(info: cms.KeyAgreeRecipientInfo) -> list[_Target]:
    scheme, point, shared_info = None, b"", b""
    algorithm = info["key_encryption_algorithm"]
    if algorithm["algorithm"].dotted == _ECDH_SHA256 and info["originator"].name == "originator_key":
        wrap = algorithm["parameters"].parse(cms.KeyEncryptionAlgorithm)
        if wrap["algorithm"].dotted == _AES256_WRAP:
            scheme = WrapScheme.ECDH_SHA256
            ukm = None if isinstance(info["ukm"], core.Void) else info["ukm"].native
            shared_info = _shared_info(wrap, ukm)
            point = _originator_point(info["originator"].chosen)
    return [
        _Target(*_named(one["rid"].chosen), scheme, one["encrypted_key"].native, point, shared_info)
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


def _is_for(target: _Target, certificate: Certificate) -> bool:
    named = target.recipient
    if named.key_identifier is not None:
        own = certificate.key_identifier
        return own is not None and named.key_identifier == own.hex()
    return named.serial == certificate.serial and target.issuer_der == certificate.asn1().issuer.dump()


def _expect(holds: bool, reason: str) -> None:
    if not holds:
        raise BadFormat(_WHAT, reason)


# ------------------------------------------------------------------------------------------------- opening


def _open(envelope: _Envelope, target: _Target, primitive: UnwrapPrimitive) -> bytes:
    if target.scheme is None:
        raise BadEnvelope("the key is wrapped in a way that is not supported")
    content_key = _content_key(target, target.scheme, primitive)
    usable = len(content_key) == _KEY
    # The same work is done with a key that cannot be right, so that time tells nothing (RFC 3218 §2.3.2).
    decryptor = Cipher(
        algorithms.AES256(content_key if usable else os.urandom(_KEY)), modes.CBC(envelope.vector)
    ).decryptor()
    padded = decryptor.update(envelope.ciphertext) + decryptor.finalize()
    unpadder = PKCS7(8 * _BLOCK).unpadder()
    try:
        content = unpadder.update(padded) + unpadder.finalize()
    except ValueError:
        usable = False
    if not usable:
        raise BadEnvelope("it does not open with this key")
    return content


def _content_key(target: _Target, scheme: WrapScheme, primitive: UnwrapPrimitive) -> bytes:
    """The content key, or something of another length when it cannot be had."""
    try:
        if scheme is not WrapScheme.ECDH_SHA256:
            return primitive.decrypt(target.encrypted_key, scheme)
        shared = primitive.agree(target.point)
        return aes_key_unwrap(_derive(shared, target.shared_info), target.encrypted_key)
    except (BadEnvelope, InvalidUnwrap, ValueError):
        return b""
