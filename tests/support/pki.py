"""A quick PKI for tests: authorities, Chinese names, keys in memory, a local timestamp service."""

import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from bidclient.crypto import cms
from bidclient.crypto.certificate import Certificate
from bidclient.crypto.private_key import SignatureScheme, WrapScheme
from bidclient.errors import BadEnvelope

SoftKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
NOT_BEFORE = datetime(2020, 1, 1, tzinfo=UTC)
NOT_AFTER = datetime(2045, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
"""A moment at which everything that is issued here is valid."""

NAME = "示例建设集团有限公司"
USCC = "91110108MA0000001D"
_USES = ("signing", "encryption", "tsa", "server")


@cache
def private_key(kind: str, number: int = 0) -> SoftKey:
    """A key of kind "rsa-2048", "rsa-3072" or "p-256", made once per run; `number` tells several apart."""
    if kind == "p-256":
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(65537, int(kind.removeprefix("rsa-")))


@dataclass(frozen=True)
class InMemoryKey:
    """A PrivateKey over a pyca key, and the primitive that opens envelopes with it."""

    key: SoftKey
    certificate: Certificate
    chain: tuple[Certificate, ...] = ()

    def sign(self, messages: Sequence[bytes], scheme: SignatureScheme) -> list[bytes]:
        """One signature for each message."""
        return [self._sign(message, scheme) for message in messages]

    def unwrap(self, envelope: bytes) -> bytes:
        """The content of an envelope."""
        return cms.open_envelope(envelope, self.certificate, self)

    def decrypt(self, ciphertext: bytes, scheme: WrapScheme) -> bytes:
        """RSA decryption."""
        assert isinstance(self.key, rsa.RSAPrivateKey)
        digest = hashes.SHA256() if scheme is WrapScheme.RSA_OAEP_SHA256 else hashes.SHA1()  # noqa: S303
        oaep = padding.OAEP(padding.MGF1(digest), digest, None)
        try:
            return self.key.decrypt(
                ciphertext, padding.PKCS1v15() if scheme is WrapScheme.RSA_PKCS1 else oaep
            )
        except ValueError as error:
            raise BadEnvelope("decryption") from error

    def agree(self, point: bytes) -> bytes:
        """ECDH on P-256."""
        assert isinstance(self.key, ec.EllipticCurvePrivateKey)
        peer = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        return self.key.exchange(ec.ECDH(), peer)

    def open_content(self, encrypted_key: bytes, vector: bytes, ciphertext: bytes) -> bytes:
        """What only SM2 keys can do."""
        raise BadEnvelope("not an SM2 key")

    @property
    def pem(self) -> bytes:
        """The private key as unencrypted PKCS #8 PEM, for stock tools."""
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def _sign(self, message: bytes, scheme: SignatureScheme) -> bytes:
        if isinstance(self.key, ec.EllipticCurvePrivateKey):
            return self.key.sign(message, ec.ECDSA(hashes.SHA256()))
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
        chosen = pss if scheme is SignatureScheme.RSA_PSS_SHA256 else padding.PKCS1v15()
        return self.key.sign(message, chosen, hashes.SHA256())


@dataclass(frozen=True)
class Authority:
    """A certificate authority: `issued_by` are the certificates above it, nearest first, without the root."""

    key: SoftKey
    x509: x509.Certificate
    above: tuple[Certificate, ...] = ()

    @classmethod
    def root(cls, name: str = "测试根证书", number: int = 1000) -> "Authority":
        """A self-signed root; roots with the same number share their key."""
        key = private_key("rsa-2048", number)
        subject = subject_name(name, None, None)
        return cls(key, _sign(_builder(subject, subject, key, key, _ca_usage(), ca=True), key))

    @property
    def certificate(self) -> Certificate:
        """The authority's own certificate."""
        return _certificate(self.x509)

    def intermediate(self, name: str = "测试中级证书", number: int = 1001) -> "Authority":
        """An authority below this one."""
        key = private_key("rsa-2048", number)
        subject = subject_name(name, None, None)
        made = _sign(_builder(subject, self.x509.subject, key, self.key, _ca_usage(), ca=True), self.key)
        return Authority(key, made, (_certificate(made), *self.above))

    def issue(
        self,
        use: str = "signing",
        kind: str = "rsa-2048",
        number: int = 0,
        name: str = NAME,
        uscc: str | None = USCC,
        not_before: datetime = NOT_BEFORE,
        not_after: datetime = NOT_AFTER,
        hosts: Sequence[str] = (),
    ) -> InMemoryKey:
        """A key with a certificate for one of signing, encryption, tsa, server."""
        assert use in _USES
        key = private_key(kind, number)
        builder = _builder(
            subject_name(name, name, uscc),
            self.x509.subject,
            key,
            self.key,
            _usage(use, kind),
            False,
            not_before,
            not_after,
        )
        if use == "tsa":
            builder = builder.add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True
            )
        if use == "server":
            builder = builder.add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False
            )
            names = [x509.DNSName(host) for host in hosts or ("localhost",)]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return InMemoryKey(key, _certificate(_sign(builder, self.key)), self.above)


def openssl_tsa(folder: Path, key: InMemoryKey) -> Callable[[bytes], bytes]:
    """A timestamp service made of `openssl ts -reply`: a TimeStampReq goes in, a TimeStampResp comes out.

    Its files are kept in `folder`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tsa.pem").write_bytes(key.certificate.pem)
    (folder / "tsa.key").write_bytes(key.pem)
    (folder / "chain.pem").write_bytes(b"".join(one.pem for one in key.chain) or key.certificate.pem)
    (folder / "serial").write_text("01\n", "ascii")
    (folder / "tsa.cnf").write_text(
        "[tsa]\ndefault_tsa = one\n[one]\n"
        f"serial = {folder}/serial\nsigner_cert = {folder}/tsa.pem\nsigner_key = {folder}/tsa.key\n"
        f"certs = {folder}/chain.pem\nsigner_digest = sha256\ndefault_policy = 1.2.3.4.1\n"
        "digests = sha256, sha384, sm3\nordering = yes\ness_cert_id_chain = no\ness_cert_id_alg = sha256\n",
        "utf-8",
    )

    def reply(request: bytes) -> bytes:
        asked, answered = folder / "request.tsq", folder / "response.tsr"
        asked.write_bytes(request)
        command: list[str | Path] = ["openssl", "ts", "-reply", "-config", folder / "tsa.cnf"]
        command += ["-queryfile", asked, "-out", answered]
        subprocess.run(command, check=True, capture_output=True, timeout=30)
        return answered.read_bytes()

    return reply


def _certificate(made: x509.Certificate) -> Certificate:
    return Certificate.from_der(made.public_bytes(serialization.Encoding.DER))


def subject_name(name: str, organization: str | None, uscc: str | None) -> x509.Name:
    """A name as authorities write it, Chinese and with the USCC."""
    parts = [x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"), x509.NameAttribute(NameOID.COMMON_NAME, name)]
    if organization is not None:
        parts.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    if uscc is not None:
        parts.append(x509.NameAttribute(NameOID.ORGANIZATION_IDENTIFIER, uscc))
    return x509.Name(parts)


def _usage(use: str, kind: str) -> x509.KeyUsage:
    encryption = use == "encryption"
    return key_usage(
        digital_signature=not encryption,
        content_commitment=use in ("signing", "tsa"),
        key_encipherment=(encryption or use == "server") and kind != "p-256",
        data_encipherment=encryption and kind != "p-256",
        key_agreement=encryption and kind == "p-256",
    )


def _ca_usage() -> x509.KeyUsage:
    return key_usage(key_cert_sign=True, crl_sign=True)


def key_usage(**allowed: bool) -> x509.KeyUsage:
    """keyUsage with what is named allowed and the rest not."""
    names = (
        "digital_signature content_commitment key_encipherment data_encipherment key_agreement key_cert_sign"
        " crl_sign encipher_only decipher_only"
    )
    return x509.KeyUsage(**{name: allowed.get(name, False) for name in names.split()})


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: SoftKey,
    issuer_key: SoftKey,
    usage: x509.KeyUsage,
    ca: bool,
    not_before: datetime = NOT_BEFORE,
    not_after: datetime = NOT_AFTER,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before)
        .not_valid_after(not_after)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False
        )
    )


def _sign(builder: x509.CertificateBuilder, issuer_key: SoftKey) -> x509.Certificate:
    return builder.sign(issuer_key, hashes.SHA256())
