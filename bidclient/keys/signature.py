"""The last look at a signature before it leaves: it must verify with the certificate that goes beside it."""

from bidclient.crypto import signature_algorithms
from bidclient.crypto.certificate import Certificate
from bidclient.crypto.private_key import MESSAGE_LIMIT, SignatureScheme
from bidclient.errors import BadSignature, KeyRefused

DIGEST_INFO_SHA256 = bytes.fromhex("3031300d060960864801650304020105000420")
"""What stands before a SHA-256 digest that is signed with RSA (RFC 8017 §9.2, note 1)."""


def check_request(certificate: Certificate, message: bytes, scheme: SignatureScheme) -> None:
    """Refuse what cannot come to a good end, before the key is touched. Raises KeyRefused."""
    if len(message) > MESSAGE_LIMIT:
        raise KeyRefused("sign", f"a message of {len(message)} bytes, at most {MESSAGE_LIMIT} allowed")
    if not signature_algorithms.fits(certificate, scheme):
        raise KeyRefused("sign", f"{scheme} with a key of kind {certificate.key_algorithm}")


def checked_signature(
    certificate: Certificate, message: bytes, scheme: SignatureScheme, signature: bytes
) -> bytes:
    """`signature` itself, once it verifies over `message`; ECDSA and SM2 as DER. Raises KeyRefused."""
    try:
        signature_algorithms.verify(certificate, message, scheme, signature, "signature")
    except BadSignature as error:
        raise KeyRefused("sign", "the signature does not match the certificate") from error
    return signature
