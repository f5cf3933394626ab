"""What a private key can do for us, wherever it lives: in a token, on a phone, in a file."""

from collections.abc import Sequence
from typing import Protocol

from bidclient.crypto.certificate import Certificate
from bidclient.crypto.scheme import SignatureScheme as SignatureScheme
from bidclient.crypto.scheme import WrapScheme as WrapScheme
from bidclient.errors import KeyRefused

MESSAGE_LIMIT = 64 * 1024
"""Bytes of a message to be signed: signed attributes or a TBS structure, never a document."""


def usual_scheme(certificate: Certificate) -> SignatureScheme:
    """The scheme that every verifier knows for this kind of key. Raises KeyRefused for other kinds."""
    if certificate.key_algorithm.startswith("rsa-"):
        return SignatureScheme.RSA_PKCS1_SHA256
    if certificate.key_algorithm == "p-256":
        return SignatureScheme.ECDSA_SHA256
    if certificate.key_algorithm == "sm2":
        return SignatureScheme.SM2_SM3
    raise KeyRefused("sign", f"no signature scheme for {certificate.key_algorithm}")


class PrivateKey(Protocol):
    """One unlocked key and its certificate."""

    @property
    def certificate(self) -> Certificate:
        """The certificate of this key."""

    @property
    def chain(self) -> tuple[Certificate, ...]:
        """Issuer certificates that came with the key, nearest first; may be empty."""

    def sign(self, messages: Sequence[bytes], scheme: SignatureScheme) -> list[bytes]:
        """One signature for each message of at most MESSAGE_LIMIT bytes; ECDSA and SM2 as DER.

        Messages, not digests: some tokens insist on hashing by themselves. Each signature is verified with
        the certificate before it is returned. Raises KeyProblem.
        """

    def unwrap(self, envelope: bytes) -> bytes:
        """The content of a DER CMS EnvelopedData that was made to this certificate.

        Raises WrongKey when no recipient is this certificate, BadEnvelope when it does not open, KeyProblem.
        """
