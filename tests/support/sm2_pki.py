"""The Chinese half of the tests' PKI: an SM2 authority, and keys in memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from asn1crypto import pem
from cryptography import x509

from bidclient.crypto import cms
from bidclient.crypto.certificate import Certificate
from bidclient.crypto.private_key import SignatureScheme, WrapScheme
from bidclient.crypto.sm import Sm2PrivateKey
from bidclient.errors import BadEnvelope
from bidclient.sandbox.sm2_certificates import sm2_certificate
from tests.support.pki import NAME, NOT_AFTER, NOT_BEFORE, USCC, key_usage, subject_name


@dataclass(frozen=True)
class Sm2InMemoryKey:
    """A PrivateKey over an SM2 key, and the primitive that opens envelopes with it."""

    key: Sm2PrivateKey
    certificate: Certificate
    chain: tuple[Certificate, ...] = ()

    def sign(self, messages: Sequence[bytes], scheme: SignatureScheme) -> list[bytes]:
        """One signature for each message."""
        assert scheme is SignatureScheme.SM2_SM3
        return [self.key.sign(message) for message in messages]

    def unwrap(self, envelope: bytes) -> bytes:
        """The content of an envelope."""
        return cms.open_envelope(envelope, self.certificate, self)

    def decrypt(self, ciphertext: bytes, scheme: WrapScheme) -> bytes:
        """What only RSA keys can do."""
        raise BadEnvelope("not an RSA key")

    def agree(self, point: bytes) -> bytes:
        """What only keys for ECDH can do."""
        raise BadEnvelope("not a key for ECDH")

    def open_content(self, encrypted_key: bytes, vector: bytes, ciphertext: bytes) -> bytes:
        """SM2, then SM4-CBC."""
        try:
            key = self.key.decrypt(encrypted_key)
        except ValueError as error:
            raise BadEnvelope("decryption") from error
        return cms.sm4_cbc_decrypt(key, vector, ciphertext)

    @property
    def secret(self) -> bytes:
        """The private number, for judges that take nothing else."""
        return self.key._secret

    @property
    def pem(self) -> bytes:
        """The private key as unencrypted PKCS #8 PEM, for stock tools."""
        return bytes(pem.armor("PRIVATE KEY", self.key.to_pkcs8()))


@dataclass(frozen=True)
class Sm2Authority:
    """An SM2 authority; `above` are the certificates above its own, nearest first, without the root."""

    key: Sm2PrivateKey
    certificate: Certificate
    name: x509.Name
    above: tuple[Certificate, ...] = ()

    @classmethod
    def root(cls, name: str = "测试国密根证书") -> "Sm2Authority":
        """A self-signed root."""
        key, subject = Sm2PrivateKey.generate(), subject_name(name, None, None)
        made = _issued(subject, subject, key, key, "ca", NOT_BEFORE, NOT_AFTER)
        return cls(key, made, subject)

    def intermediate(self, name: str = "测试国密中级证书") -> "Sm2Authority":
        """An authority below this one."""
        key, subject = Sm2PrivateKey.generate(), subject_name(name, None, None)
        made = _issued(subject, self.name, key, self.key, "ca", NOT_BEFORE, NOT_AFTER)
        return Sm2Authority(key, made, subject, (made, *self.above))

    def issue(
        self,
        use: str = "signing",
        name: str = NAME,
        uscc: str | None = USCC,
        not_before: datetime = NOT_BEFORE,
        not_after: datetime = NOT_AFTER,
        key: Sm2PrivateKey | None = None,
    ) -> Sm2InMemoryKey:
        """A key with a certificate for one of signing, encryption; a new key unless one is given."""
        key = key or Sm2PrivateKey.generate()
        subject = subject_name(name, name, uscc)
        made = _issued(subject, self.name, key, self.key, use, not_before, not_after)
        return Sm2InMemoryKey(key, made, self.above)


def _issued(
    subject: x509.Name,
    issuer: x509.Name,
    key: Sm2PrivateKey,
    issuer_key: Sm2PrivateKey,
    use: str,
    not_before: datetime,
    not_after: datetime,
) -> Certificate:
    usages = {
        "ca": key_usage(key_cert_sign=True, crl_sign=True),
        "signing": key_usage(digital_signature=True, content_commitment=True),
        "encryption": key_usage(key_encipherment=True, data_encipherment=True, key_agreement=True),
    }
    extensions = [(x509.BasicConstraints(ca=use == "ca", path_length=None), True), (usages[use], True)]
    return sm2_certificate(subject, issuer, key, issuer_key, extensions, not_before, not_after)
