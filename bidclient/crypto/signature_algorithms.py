"""The signature schemes by their algorithms, so that a signature is named and judged in one place."""

import hashlib

from asn1crypto import algos, core
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from bidclient.crypto import sm
from bidclient.crypto.certificate import Certificate
from bidclient.crypto.message_syntax import SM2, SM2_SIGN, SM3, SM3_WITH_SM2, no_parameters
from bidclient.crypto.private_key import SignatureScheme
from bidclient.errors import BadCertificate, BadSignature

_SHA256_SIZE = 32
_KEY_OF = {
    SignatureScheme.RSA_PKCS1_SHA256: "rsa-",
    SignatureScheme.RSA_PSS_SHA256: "rsa-",
    SignatureScheme.ECDSA_SHA256: "p-256",
    SignatureScheme.SM2_SM3: "sm2",
}
"""How the kinds of keys begin that can do a scheme (Certificate.key_algorithm)."""


def fits(certificate: Certificate, scheme: SignatureScheme) -> bool:
    """Whether the kind of the certificate's key can do `scheme`."""
    return certificate.key_algorithm.startswith(_KEY_OF[scheme])


def digest(scheme: SignatureScheme, data: bytes) -> bytes:
    """The 32-byte digest of `data` by the hash that goes with `scheme`."""
    return sm.sm3(data) if scheme is SignatureScheme.SM2_SM3 else hashlib.sha256(data).digest()


def digest_oid(scheme: SignatureScheme) -> str:
    """The dotted identifier of that hash."""
    if scheme is SignatureScheme.SM2_SM3:
        return SM3
    return str(algos.DigestAlgorithmId.unmap("sha256"))


def is_digest(scheme: SignatureScheme, algorithm: algos.DigestAlgorithm) -> bool:
    """Whether `algorithm` is the hash of `scheme`, with NULL or no parameters (RFC 5754 §2)."""
    return algorithm["algorithm"].dotted == digest_oid(scheme) and no_parameters(algorithm)


def signature_algorithm(scheme: SignatureScheme) -> algos.SignedDigestAlgorithm:
    """How `scheme` is named in messages: RFC 3370 §3.2, RFC 4056, RFC 5754 §3.3, GM/T 0006."""
    if scheme is SignatureScheme.SM2_SM3:
        return algos.SignedDigestAlgorithm({"algorithm": SM3_WITH_SM2})
    if scheme is SignatureScheme.ECDSA_SHA256:
        return algos.SignedDigestAlgorithm({"algorithm": "sha256_ecdsa"})
    if scheme is SignatureScheme.RSA_PKCS1_SHA256:
        return algos.SignedDigestAlgorithm({"algorithm": "rsassa_pkcs1v15"})
    return algos.SignedDigestAlgorithm({"algorithm": "rsassa_pss", "parameters": _pss_parameters()})


def read_scheme(algorithm: algos.SignedDigestAlgorithm, what: str) -> SignatureScheme:
    """The scheme that a message names. Raises BadSignature for one that is not accepted."""
    name = algorithm["algorithm"].native
    if name == "sha256_ecdsa" and isinstance(algorithm["parameters"], core.Void):
        return SignatureScheme.ECDSA_SHA256
    if name in ("rsassa_pkcs1v15", "sha256_rsa") and no_parameters(algorithm):
        return SignatureScheme.RSA_PKCS1_SHA256
    if name == "rsassa_pss" and algorithm["parameters"].native == _pss_parameters().native:
        return SignatureScheme.RSA_PSS_SHA256
    if name in (SM3_WITH_SM2, SM2_SIGN, SM2) and no_parameters(algorithm):
        return SignatureScheme.SM2_SM3
    raise BadSignature(what, f"signature algorithm {name} is not accepted")


def rsa_padding(scheme: SignatureScheme) -> padding.AsymmetricPadding:
    """The RSA padding of a scheme (RFC 8017): PKCS1-v1_5, or PSS with MGF1-SHA-256 and a 32-byte salt."""
    if scheme is SignatureScheme.RSA_PSS_SHA256:
        return padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=_SHA256_SIZE)
    return padding.PKCS1v15()


def verify(
    certificate: Certificate, message: bytes, scheme: SignatureScheme, signature: bytes, what: str
) -> None:
    """Raise BadSignature unless `signature` is one over `message` with the certificate's key.

    ECDSA and SM2 signatures are DER. `what` names the artefact in the error. Raises Sm2Missing when nothing
    on this computer can judge an SM2 signature.
    """
    if not fits(certificate, scheme):
        raise BadSignature(what, f"{scheme} with a key of kind {certificate.key_algorithm}")
    try:
        if scheme is SignatureScheme.SM2_SM3:
            sm.verify(certificate.sm2_point, message, signature)
        else:
            _verify(certificate, message, scheme, signature)
    except InvalidSignature as error:
        raise BadSignature(what, "the signature is wrong") from error
    except BadCertificate as error:
        raise BadSignature(what, error.reason) from error


def _verify(certificate: Certificate, message: bytes, scheme: SignatureScheme, signature: bytes) -> None:
    public = certificate.public_key()
    if isinstance(public, RSAPublicKey):
        public.verify(signature, message, rsa_padding(scheme), hashes.SHA256())
    elif isinstance(public, ec.EllipticCurvePublicKey):
        public.verify(signature, message, ec.ECDSA(hashes.SHA256()))
    else:
        raise InvalidSignature


def _pss_parameters() -> algos.RSASSAPSSParams:
    return algos.RSASSAPSSParams(
        {
            "hash_algorithm": {"algorithm": "sha256"},
            "mask_gen_algorithm": {"algorithm": "mgf1", "parameters": {"algorithm": "sha256"}},
            "salt_length": _SHA256_SIZE,
        }
    )
