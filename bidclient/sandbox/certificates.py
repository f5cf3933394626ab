"""The keys and certificates that the sandbox's authority makes, of every kind, and how they lie in files."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from asn1crypto import pem
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from bidclient.crypto.certificate import Certificate
from bidclient.crypto.sm import Sm2PrivateKey
from bidclient.sandbox.sm2_certificates import Extension, sm2_certificate

SoftPrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | Sm2PrivateKey
KeyType = Literal["rsa-2048", "rsa-3072", "p-256", "sm2"]
Use = Literal["ca", "sign", "encrypt", "stamp"]


@dataclass(frozen=True)
class Issuer:
    """Who signs certificates: its name, its key, and the addresses where it tells what is revoked."""

    name: x509.Name
    key: SoftPrivateKey
    ocsp: str = ""
    crl: str = ""


def new_key(key_type: KeyType) -> SoftPrivateKey:
    """A fresh private key."""
    if key_type == "sm2":
        return Sm2PrivateKey.generate()
    if key_type == "p-256":
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(public_exponent=65537, key_size=int(key_type.removeprefix("rsa-")))


def subject_name(organization: str, uscc: str, common: str) -> x509.Name:
    """The name of an organisation as it stands in certificates."""
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
            x509.NameAttribute(NameOID.ORGANIZATION_IDENTIFIER, uscc),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def issued(
    subject: x509.Name, key: SoftPrivateKey, use: Use, issuer: Issuer, start: datetime, end: datetime
) -> Certificate:
    """A certificate for `key`. An SM2 key gets one from an SM2 issuer, every other key from another.

    Raises TypeError when the kinds do not fit.
    """
    extensions: list[Extension] = [
        (x509.BasicConstraints(ca=use == "ca", path_length=None), True),
        (_usage(use, key), True),
    ]
    if use == "stamp":
        # RFC 3161 §2.3: exactly this extended usage, and critical.
        extensions.append((x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), True))
    extensions += _services(issuer)
    if isinstance(key, Sm2PrivateKey) and isinstance(issuer.key, Sm2PrivateKey):
        return sm2_certificate(subject, issuer.name, key, issuer.key, extensions, start, end)
    if isinstance(key, Sm2PrivateKey) or isinstance(issuer.key, Sm2PrivateKey):
        raise TypeError("SM2 and other keys in one certificate")
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), critical=False
        )
    )
    for kind, critical in extensions:
        builder = builder.add_extension(kind, critical=critical)
    made = builder.sign(issuer.key, hashes.SHA256())
    return Certificate.from_der(made.public_bytes(serialization.Encoding.DER))


def _services(issuer: Issuer) -> list[Extension]:
    """Where to ask about revocation (RFC 5280 §4.2.2.1, §4.2.1.13); nothing for an issuer without address."""
    found: list[Extension] = []
    if issuer.ocsp:
        place = x509.UniformResourceIdentifier(issuer.ocsp)
        description = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, place)
        found.append((x509.AuthorityInformationAccess([description]), False))
    if issuer.crl:
        point = x509.DistributionPoint([x509.UniformResourceIdentifier(issuer.crl)], None, None, None)
        found.append((x509.CRLDistributionPoints([point]), False))
    return found


def key_pem(key: SoftPrivateKey, password: bytes | None = None) -> bytes:
    """The key as PKCS #8 in PEM text, unprotected unless there is a password."""
    if isinstance(key, Sm2PrivateKey):
        kind = "PRIVATE KEY" if password is None else "ENCRYPTED PRIVATE KEY"
        return bytes(pem.armor(kind, key.to_pkcs8(password)))
    protection = (
        serialization.NoEncryption() if password is None else serialization.BestAvailableEncryption(password)
    )
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection)


def key_of_pem(data: bytes, certificate: Certificate) -> SoftPrivateKey:
    """The unprotected key of `certificate` out of PEM text. Raises TypeError, ValueError."""
    if certificate.key_algorithm == "sm2":
        return Sm2PrivateKey.from_pkcs8(pem.unarmor(data)[2])
    # Proving the primes would take longer than the rest of a start, and this program wrote the file itself.
    key = serialization.load_pem_private_key(data, None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise TypeError(type(key).__name__)
    return key


def _usage(use: Use, key: SoftPrivateKey) -> x509.KeyUsage:
    signs, encrypts = use in ("sign", "stamp"), use == "encrypt"
    is_rsa, is_sm2 = isinstance(key, rsa.RSAPrivateKey), isinstance(key, Sm2PrivateKey)
    return x509.KeyUsage(
        digital_signature=signs,
        content_commitment=signs,
        key_encipherment=encrypts and (is_rsa or is_sm2),
        data_encipherment=encrypts and (is_rsa or is_sm2),
        key_agreement=encrypts and not is_rsa,
        key_cert_sign=use == "ca",
        crl_sign=use == "ca",
        encipher_only=False,
        decipher_only=False,
    )
