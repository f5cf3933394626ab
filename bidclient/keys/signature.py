"""The last look at a signature before it leaves: it must verify with the certificate that goes beside it."""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from bidclient.crypto.certificate import Certificate
from bidclient.crypto.private_key import SignatureScheme
from bidclient.errors import KeyRefused

PREHASHED = utils.Prehashed(hashes.SHA256())
DIGEST_SIZE = 32


def rsa_padding(scheme: SignatureScheme) -> padding.AsymmetricPadding:
    """The RSA padding of a scheme (RFC 8017): PKCS1-v1_5, or PSS with MGF1-SHA-256 and a 32-byte salt."""
    if scheme is SignatureScheme.RSA_PSS_SHA256:
        return padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=DIGEST_SIZE)
    return padding.PKCS1v15()


def check_request(certificate: Certificate, digest: bytes, scheme: SignatureScheme) -> None:
    """Refuse what cannot come to a good end, before the key is touched. Raises KeyRefused."""
    if len(digest) != DIGEST_SIZE:
        raise KeyRefused("sign", f"a digest of {len(digest)} bytes, not {DIGEST_SIZE}")
    if (scheme is SignatureScheme.ECDSA_SHA256) != certificate.key_algorithm.startswith("p-"):
        raise KeyRefused("sign", f"{scheme} with a key of kind {certificate.key_algorithm}")


def checked_signature(
    certificate: Certificate, digest: bytes, scheme: SignatureScheme, signature: bytes
) -> bytes:
    """`signature` itself, once it verifies over the SHA-256 `digest`; ECDSA as DER. Raises KeyRefused."""
    public = certificate.public_key()
    try:
        if isinstance(public, RSAPublicKey):
            public.verify(signature, digest, rsa_padding(scheme), PREHASHED)
        elif isinstance(public, ec.EllipticCurvePublicKey):
            public.verify(signature, digest, ec.ECDSA(PREHASHED))
        else:
            raise KeyRefused("sign", certificate.key_algorithm)
    except InvalidSignature as error:
        raise KeyRefused("sign", "the signature does not match the certificate") from error
    return signature
