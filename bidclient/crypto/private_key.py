"""What a private key can do for us, wherever it lives: in a token, on a phone, in a file."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

from bidclient.crypto.certificate import Certificate
from bidclient.errors import KeyRefused


class SignatureScheme(StrEnum):
    """How a digest becomes a signature."""

    RSA_PKCS1_SHA256 = "rsa-pkcs1-sha256"
    RSA_PSS_SHA256 = "rsa-pss-sha256"
    ECDSA_SHA256 = "ecdsa-sha256"


class WrapScheme(StrEnum):
    """How a content secret is wrapped to a certificate inside CMS EnvelopedData (RFC 5652 §6)."""

    RSA_OAEP_SHA1 = "rsa-oaep-sha1"
    """RFC 8017 default parameters: what most tokens can do; OAEP does not rest on collision resistance."""
    RSA_OAEP_SHA256 = "rsa-oaep-sha256"
    RSA_PKCS1 = "rsa-pkcs1"
    ECDH_SHA256 = "ecdh-sha256"
    """dhSinglePass-stdDH-sha256kdf-scheme with AES-256 key wrap (RFC 5753)."""


def usual_scheme(certificate: Certificate) -> SignatureScheme:
    """The scheme that every verifier knows for this kind of key. Raises KeyRefused for other kinds."""
    if certificate.key_algorithm.startswith("rsa-"):
        return SignatureScheme.RSA_PKCS1_SHA256
    if certificate.key_algorithm == "p-256":
        return SignatureScheme.ECDSA_SHA256
    raise KeyRefused("sign", f"no signature scheme for {certificate.key_algorithm}")


class PrivateKey(Protocol):
    """One unlocked key and its certificate."""

    @property
    def certificate(self) -> Certificate:
        """The certificate of this key."""

    @property
    def chain(self) -> tuple[Certificate, ...]:
        """Issuer certificates that came with the key, nearest first; may be empty."""

    def sign(self, digests: Sequence[bytes], scheme: SignatureScheme) -> list[bytes]:
        """One signature for each 32-byte digest, ECDSA as DER; each is verified before it is returned.

        Raises KeyProblem.
        """

    def unwrap(self, envelope: bytes) -> bytes:
        """The content of a DER CMS EnvelopedData that was made to this certificate.

        Raises WrongKey when no recipient is this certificate, BadEnvelope when it does not open, KeyProblem.
        """
