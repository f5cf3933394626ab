"""Envelopes for small secrets: CMS EnvelopedData (RFC 5652 §6), for SM2 certificates as in GM/T 0010."""

import os
import secrets
from typing import Protocol

from asn1crypto import cms, core, keys
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.x963kdf import X963KDF
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap
from cryptography.hazmat.primitives.padding import PKCS7

from bidclient.crypto import message_syntax, sm
from bidclient.crypto.certificate import Certificate
from bidclient.crypto.envelope_parts import (
    AES256_WRAP,
    BLOCK,
    ECDH_SHA256,
    Parts,
    Recipient,
    Target,
    is_for,
    oaep_parameters,
    read_parts,
    shared_info,
)
from bidclient.crypto.message_syntax import MessageSyntax
from bidclient.crypto.private_key import WrapScheme
from bidclient.errors import BadEnvelope, CertificateUnfit, WrongKey

CONTENT_LIMIT = 64 * 1024
"""Bytes of content that fit into an envelope: it carries secrets, not documents."""
_SHORTEST_RSA = 2048
_AES_KEY, _SM4_KEY = 32, 16
_CLOSED = "it does not open with this key"


class UnwrapPrimitive(Protocol):
    """The private operations that opening an envelope needs; everything around them is done here."""

    def decrypt(self, ciphertext: bytes, scheme: WrapScheme) -> bytes:
        """RSA decryption with the padding of `scheme` removed. Raises BadEnvelope, KeyProblem."""

    def agree(self, point: bytes) -> bytes:
        """ECDH: the 32-byte x shared with an uncompressed point. Raises BadEnvelope, KeyProblem."""

    def open_content(self, encrypted_key: bytes, vector: bytes, ciphertext: bytes) -> bytes:
        """SM4-CBC decryption under a key that is encrypted with SM2; the PKCS #7 padding stays on.

        `encrypted_key` is a DER SM2Cipher (GM/T 0009 §7.2) of the 16-byte key. One operation, because some
        locks never let that key out. Raises BadEnvelope, KeyProblem.
        """


def make_envelope(content: bytes, recipient: Certificate, scheme: WrapScheme | None = None) -> bytes:
    """DER EnvelopedData with `content` (at most CONTENT_LIMIT bytes) for one recipient.

    Under AES-256-CBC, for an SM2 certificate under SM4-CBC in the names of GM/T 0010. The content is NOT
    authenticated: what it says must be bound by other means (a commitment, a digest). `scheme` defaults to
    RSA-OAEP with SHA-1 (RFC 8017 defaults: what most tokens can do), ECDH or SM2. Raises CertificateUnfit
    when the certificate is not for encryption or its key cannot do `scheme`, Sm2Missing.
    """
    if len(content) > CONTENT_LIMIT:
        raise ValueError(f"an envelope takes at most {CONTENT_LIMIT} bytes")
    if not recipient.can_encrypt:
        raise CertificateUnfit(recipient.holder, "its key usage does not allow encryption")
    scheme = scheme or _usual_scheme(recipient)
    if scheme is WrapScheme.SM2:
        return _gm_enveloped(content, recipient)
    content_key = secrets.token_bytes(_AES_KEY)
    info = _recipient_info(content_key, recipient, scheme)
    version = "v0" if info.name == "ktri" else "v2"
    cipher = algorithms.AES256(content_key), "aes256_cbc"
    return _enveloped(message_syntax.PKCS7, version, info, cipher, content)


def open_envelope(envelope: bytes, certificate: Certificate, primitive: UnwrapPrimitive) -> bytes:
    """The content of a DER EnvelopedData made to `certificate`, whose private key `primitive` holds.

    The content is NOT authenticated. Whatever does not decrypt gives one and the same BadEnvelope, so that
    nobody learns from the error where it failed (RFC 3218). Raises WrongKey when the envelope is for others,
    BadEnvelope, KeyProblem.
    """
    parts = read_parts(envelope)
    for target in parts.targets:
        if is_for(target, certificate):
            return _open(parts, target, primitive)
    needed = "; ".join(target.recipient.text for target in parts.targets)
    raise WrongKey(needed, f"{certificate.issuer} #{certificate.serial}")


def envelope_recipients(envelope: bytes) -> tuple[Recipient, ...]:
    """Which certificates can open `envelope`, in its order. Raises BadEnvelope."""
    return tuple(target.recipient for target in read_parts(envelope).targets)


def sm4_cbc_decrypt(key: bytes, vector: bytes, ciphertext: bytes) -> bytes:
    """The SM4-CBC half of UnwrapPrimitive.open_content, for keys that let the 16-byte `key` out.

    The PKCS #7 padding stays on. Raises BadEnvelope when the key or the ciphertext has the wrong size.
    """
    if len(key) != _SM4_KEY or len(vector) != BLOCK or len(ciphertext) % BLOCK:
        raise BadEnvelope(_CLOSED)
    decryptor = Cipher(algorithms.SM4(key), modes.CBC(vector)).decryptor()
    return decryptor.update(ciphertext) + decryptor.finalize()


# -------------------------------------------------------------------------------------------------- making


def _usual_scheme(recipient: Certificate) -> WrapScheme:
    if recipient.key_algorithm.startswith("rsa-"):
        return WrapScheme.RSA_OAEP_SHA1
    return WrapScheme.SM2 if recipient.key_algorithm == "sm2" else WrapScheme.ECDH_SHA256


def _enveloped(
    syntax: MessageSyntax,
    version: str,
    info: cms.RecipientInfo,
    cipher: tuple[algorithms.AES256 | algorithms.SM4, str],
    content: bytes,
) -> bytes:
    vector = secrets.token_bytes(BLOCK)
    padder = PKCS7(8 * BLOCK).padder()
    padded = padder.update(content) + padder.finalize()
    encryptor = Cipher(cipher[0], modes.CBC(vector)).encryptor()
    enveloped = cms.EnvelopedData(
        {
            "version": version,
            "recipient_infos": [info],
            "encrypted_content_info": {
                "content_type": syntax.data,
                "content_encryption_algorithm": {
                    "algorithm": cipher[1],
                    "parameters": core.OctetString(vector),
                },
                "encrypted_content": encryptor.update(padded) + encryptor.finalize(),
            },
        }
    )
    return bytes(cms.ContentInfo({"content_type": syntax.enveloped_data, "content": enveloped}).dump())


def _gm_enveloped(content: bytes, recipient: Certificate) -> bytes:
    """EnvelopedData of GM/T 0010: version 1 throughout, the SM4 key as a DER SM2Cipher."""
    if recipient.key_algorithm != "sm2":
        raise CertificateUnfit(
            recipient.holder, f"{WrapScheme.SM2} with a key of kind {recipient.key_algorithm}"
        )
    content_key = secrets.token_bytes(_SM4_KEY)
    encrypted = sm.encrypt(recipient.sm2_point, content_key)
    info = _transported(_rid(recipient), "v1", {"algorithm": message_syntax.SM2_ENCRYPT}, encrypted)
    cipher = algorithms.SM4(content_key), message_syntax.SM4_CBC
    return _enveloped(message_syntax.GM, "v1", info, cipher, content)


def _recipient_info(content_key: bytes, recipient: Certificate, scheme: WrapScheme) -> cms.RecipientInfo:
    public = recipient.public_key() if recipient.key_algorithm != "sm2" else None
    if scheme is WrapScheme.ECDH_SHA256:
        if isinstance(public, ec.EllipticCurvePublicKey) and recipient.key_algorithm == "p-256":
            return _agreed(content_key, public, _rid(recipient))
    elif isinstance(public, rsa.RSAPublicKey) and public.key_size >= _SHORTEST_RSA:
        encrypted = public.encrypt(content_key, _padding(scheme))
        return _transported(_rid(recipient), "v0", _transport_algorithm(scheme), encrypted)
    raise CertificateUnfit(recipient.holder, f"{scheme} with a key of kind {recipient.key_algorithm}")


def _rid(recipient: Certificate) -> cms.IssuerAndSerialNumber:
    parsed = recipient.asn1()
    return cms.IssuerAndSerialNumber({"issuer": parsed.issuer, "serial_number": parsed.serial_number})


def _transported(
    rid: cms.IssuerAndSerialNumber, version: str, algorithm: dict[str, object], encrypted_key: bytes
) -> cms.RecipientInfo:
    """KeyTransRecipientInfo (RFC 5652 §6.2.1, RFC 3560), the RecipientInfo of GM/T 0010."""
    info = cms.KeyTransRecipientInfo(
        {
            "version": version,
            "rid": cms.RecipientIdentifier("issuer_and_serial_number", rid),
            "key_encryption_algorithm": algorithm,
            "encrypted_key": encrypted_key,
        }
    )
    return cms.RecipientInfo("ktri", info)


def _transport_algorithm(scheme: WrapScheme) -> dict[str, object]:
    if scheme is WrapScheme.RSA_PKCS1:
        return {"algorithm": "rsaes_pkcs1v15"}
    return {"algorithm": "rsaes_oaep", "parameters": oaep_parameters(scheme)}


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
    wrap = cms.KeyEncryptionAlgorithm({"algorithm": AES256_WRAP})
    wrapping_key = _derive(ephemeral.exchange(ec.ECDH(), public), shared_info(wrap, None))
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
            "key_encryption_algorithm": {"algorithm": ECDH_SHA256, "parameters": wrap},
            "recipient_encrypted_keys": [recipient],
        }
    )
    return cms.RecipientInfo("kari", info)


def _derive(shared: bytes, information: bytes) -> bytes:
    return X963KDF(algorithm=hashes.SHA256(), length=_AES_KEY, sharedinfo=information).derive(shared)


# ------------------------------------------------------------------------------------------------- opening


def _open(parts: Parts, target: Target, primitive: UnwrapPrimitive) -> bytes:
    if target.scheme is None:
        raise BadEnvelope("the key is wrapped in a way that is not supported")
    if target.scheme is WrapScheme.SM2:
        usable, padded = _gm_content(parts, target.encrypted_key, primitive)
    else:
        content_key = _content_key(target, target.scheme, primitive)
        usable = len(content_key) == _AES_KEY
        # The same work is done with a key that cannot be right, so that time tells nothing (RFC 3218 §2.3.2).
        cipher = algorithms.AES256(content_key if usable else os.urandom(_AES_KEY))
        decryptor = Cipher(cipher, modes.CBC(parts.vector)).decryptor()
        padded = decryptor.update(parts.ciphertext) + decryptor.finalize()
    unpadder = PKCS7(8 * BLOCK).unpadder()
    try:
        content = unpadder.update(padded) + unpadder.finalize()
    except ValueError:
        usable = False
    if not usable:
        raise BadEnvelope(_CLOSED)
    return content


def _gm_content(parts: Parts, encrypted_key: bytes, primitive: UnwrapPrimitive) -> tuple[bool, bytes]:
    """Whether the key opened, and the padded content; SM2 checks its ciphertext, time has no more to tell."""
    try:
        cipher = _sm2_cipher(encrypted_key)
        return True, primitive.open_content(cipher, parts.vector, parts.ciphertext)
    except (BadEnvelope, ValueError):
        return False, b""


def _sm2_cipher(encrypted_key: bytes) -> bytes:
    """The SM2Cipher as DER; some authorities write the bare C1C3C2 instead. Raises ValueError."""
    try:
        sm.cipher_to_raw(encrypted_key, "C1C3C2", prefix=False)
    except ValueError:
        return sm.cipher_from_raw(encrypted_key, "C1C3C2")
    return encrypted_key


def _content_key(target: Target, scheme: WrapScheme, primitive: UnwrapPrimitive) -> bytes:
    """The content key, or something of another length when it cannot be had."""
    try:
        if scheme is not WrapScheme.ECDH_SHA256:
            return primitive.decrypt(target.encrypted_key, scheme)
        shared = primitive.agree(target.point)
        return aes_key_unwrap(_derive(shared, target.shared_info), target.encrypted_key)
    except (BadEnvelope, InvalidUnwrap, ValueError):
        return b""
