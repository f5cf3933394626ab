"""The sandbox's certification authority: a root of its own, the network's certificates and the bidders'."""

import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from bidclient.crypto.certificate import Certificate
from bidclient.errors import BadCertificate
from bidclient.formats import atomic
from bidclient.keys.soft import SoftKey
from bidclient.sandbox.clock import Clock, machine_time

SoftPrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
KeyType = Literal["rsa-2048", "rsa-3072", "p-256"]
Use = Literal["ca", "sign", "encrypt", "stamp"]

CENTRE = "模拟公共资源交易中心"
CENTRE_USCC = "12629999TBX001012L"
TENDERER = "模拟招标人"
_YEARS = timedelta(days=365 * 10)
_BIDDER_YEARS = timedelta(days=365 * 3)
_KEPT = ("sign", "encrypt")
"""Names of the two keys of a company that BidderKeys.keep keeps; the first is written last."""


@dataclass(frozen=True)
class BidderKeys:
    """A company's two certificates (双证书), for signing and for encryption, with their keys and the root."""

    signing_key: SoftPrivateKey
    signing_cert: Certificate
    encryption_key: SoftPrivateKey
    encryption_cert: Certificate
    chain: tuple[Certificate, ...]

    def signer(self) -> SoftKey:
        """The signing key, unlocked."""
        return SoftKey(self.signing_key, self.signing_cert, self.chain)

    def opener(self) -> SoftKey:
        """The encryption key, unlocked."""
        return SoftKey(self.encryption_key, self.encryption_cert, self.chain)

    def write(self, folder: Path, name: str, password: bytes) -> tuple[Path, Path]:
        """Write `name`-sign.pfx and `name`-encrypt.pfx, each with its .pem beside it; returns both paths."""
        folder.mkdir(parents=True, exist_ok=True)
        made = []
        for use, key, certificate in (
            ("sign", self.signing_key, self.signing_cert),
            ("encrypt", self.encryption_key, self.encryption_cert),
        ):
            path = folder / f"{name}-{use}.pfx"
            own, *chain = [x509.load_der_x509_certificate(c.der) for c in (certificate, *self.chain)]
            content = pkcs12.serialize_key_and_certificates(
                name.encode(), key, own, chain, serialization.BestAvailableEncryption(password)
            )
            atomic.write(path, content)
            atomic.write(path.with_suffix(".pem"), _pem([certificate, *self.chain]))
            made.append(path)
        return made[0], made[1]

    def keep(self, folder: Path) -> None:
        """Keep both keys, unprotected, in a folder of the sandbox's own, for `read_kept`. Raises
        DiskProblem."""
        for place in ("trust", "keys"):
            (folder / place).mkdir(parents=True, exist_ok=True)
        (folder / "keys").chmod(0o700)
        _keep(folder, _KEPT[1], self.encryption_key, x509.load_der_x509_certificate(self.encryption_cert.der))
        _keep(folder, _KEPT[0], self.signing_key, x509.load_der_x509_certificate(self.signing_cert.der))


@dataclass(frozen=True)
class Authority:
    """The root and what it has issued to the network itself, as files under `trust/` and `keys/`."""

    data: Path
    root: SoftKey
    identity: SoftKey
    stamping: SoftKey
    opening: SoftKey
    tenderer: SoftKey

    @property
    def anchors(self) -> tuple[Certificate, ...]:
        """What everybody in this world trusts: the root."""
        return (self.root.certificate,)

    def check_revocation(self, certificate: Certificate) -> Certificate:
        """The certificate, which is not on the revocation list. Raises BadCertificate."""
        crl = x509.load_pem_x509_crl((self.data / "trust" / "ca.crl").read_bytes())
        serial = x509.load_der_x509_certificate(certificate.der).serial_number
        if crl.get_revoked_certificate_by_serial_number(serial) is not None:
            raise BadCertificate(certificate.subject, "revoked")
        return certificate


_OWN: tuple[tuple[str, str, str, Use, KeyType], ...] = (
    ("identity", CENTRE, CENTRE_USCC, "sign", "p-256"),
    ("tsa", "模拟时间戳服务", CENTRE_USCC, "stamp", "p-256"),
    ("opening", CENTRE + "开标", CENTRE_USCC, "encrypt", "rsa-2048"),
    ("tenderer", TENDERER, "12629999TBX001012L", "encrypt", "rsa-2048"),
)


def create_authority(data: Path, now: datetime) -> Authority:
    """A new root and the network's certificates, valid at `now` and at the machine's time.

    Raises DiskProblem.
    """
    start = min(now, machine_time()) - timedelta(days=1)
    for folder in ("trust", "keys"):
        (data / folder).mkdir(parents=True, exist_ok=True)
    (data / "keys").chmod(0o700)
    key = new_key("p-256")
    name = _name("模拟交易网络根证书", "12629999TBX001012L", "bidclient sandbox root")
    root = _certificate(name, name, key, key, "ca", start, _YEARS)
    _keep(data, "ca", key, root)
    for file, title, uscc, use, key_type in _OWN:
        own_key = new_key(key_type)
        issued = _certificate(_name(title, uscc, title), name, own_key, key, use, start, _YEARS)
        _keep(data, file, own_key, issued)
    _write_revocations(data, [], now)
    return open_authority(data)


def open_authority(data: Path) -> Authority:
    """The authority in a data folder."""
    root = _load(data, "ca", ())
    chain = (root.certificate,)
    return Authority(
        data,
        root,
        _load(data, "identity", chain),
        _load(data, "tsa", chain),
        _load(data, "opening", chain),
        _load(data, "tenderer", chain),
    )


def issue_bidder(
    data: Path, name: str, uscc: str, key_type: KeyType = "rsa-2048", not_after: datetime | None = None
) -> BidderKeys:
    """A signing and an encryption certificate for a company, whether the sandbox runs or not.

    Valid by the machine's time and by the sandbox's, for three years or until `not_after`.
    """
    root = _load(data, "ca", ())
    issuer = x509.load_der_x509_certificate(root.certificate.der).subject
    times = (machine_time(), Clock(data / "clock.json").now())
    start = min(times) - timedelta(days=1)
    validity = (max(times) + _BIDDER_YEARS if not_after is None else not_after) - start
    made = []
    uses: tuple[Use, Use] = ("sign", "encrypt")
    for use in uses:
        key = new_key(key_type)
        certificate = _certificate(
            _name(name, uscc, name), issuer, key, _private(data, "ca"), use, start, validity
        )
        made.append((key, Certificate.from_der(certificate.public_bytes(serialization.Encoding.DER))))
    (signing_key, signing), (encryption_key, encryption) = made
    return BidderKeys(signing_key, signing, encryption_key, encryption, (root.certificate,))


def read_kept(data: Path, folder: Path) -> BidderKeys | None:
    """A company's keys as `BidderKeys.keep` has left them in `folder`, None when they are not all there."""
    if not (folder / "trust" / f"{_KEPT[0]}.pem").exists():
        return None
    chain = (_load(data, "ca", ()).certificate,)
    signing, encryption = (_load(folder, name, chain).certificate for name in _KEPT)
    return BidderKeys(_private(folder, _KEPT[0]), signing, _private(folder, _KEPT[1]), encryption, chain)


def revoke(data: Path, certificate: Certificate, now: datetime) -> None:
    """Put a certificate on the revocation list; a running sandbox sees it at once."""
    crl = x509.load_pem_x509_crl((data / "trust" / "ca.crl").read_bytes())
    serial = x509.load_der_x509_certificate(certificate.der).serial_number
    _write_revocations(data, [*(entry.serial_number for entry in crl), serial], now)


def new_key(key_type: KeyType) -> SoftPrivateKey:
    """A fresh private key."""
    if key_type == "p-256":
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(public_exponent=65537, key_size=int(key_type.removeprefix("rsa-")))


def _write_revocations(data: Path, serials: list[int], now: datetime) -> None:
    root = x509.load_pem_x509_certificate((data / "trust" / "ca.pem").read_bytes())
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(root.subject)
        .last_update(now)
        .next_update(now + _YEARS)
    )
    for serial in serials:
        builder = builder.add_revoked_certificate(
            x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now).build()
        )
    crl = builder.sign(_private(data, "ca"), hashes.SHA256())
    atomic.write(data / "trust" / "ca.crl", crl.public_bytes(serialization.Encoding.PEM))


def _name(organization: str, uscc: str, common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
            x509.NameAttribute(NameOID.ORGANIZATION_IDENTIFIER, uscc),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: SoftPrivateKey,
    issuer_key: SoftPrivateKey,
    use: Use,
    start: datetime,
    validity: timedelta,
) -> x509.Certificate:
    public = key.public_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + validity)
        .add_extension(x509.BasicConstraints(ca=use == "ca", path_length=None), critical=True)
        .add_extension(_usage(use, isinstance(key, rsa.RSAPrivateKey)), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False
        )
    )
    if use == "stamp":
        # RFC 3161 §2.3: exactly this extended usage, and critical.
        builder = builder.add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True
        )
    return builder.sign(issuer_key, hashes.SHA256())


def _usage(use: Use, is_rsa: bool) -> x509.KeyUsage:
    signs = use in ("sign", "stamp")
    return x509.KeyUsage(
        digital_signature=signs,
        content_commitment=signs,
        key_encipherment=use == "encrypt" and is_rsa,
        data_encipherment=use == "encrypt" and is_rsa,
        key_agreement=use == "encrypt" and not is_rsa,
        key_cert_sign=use == "ca",
        crl_sign=use == "ca",
        encipher_only=False,
        decipher_only=False,
    )


def _keep(data: Path, name: str, key: SoftPrivateKey, certificate: x509.Certificate) -> None:
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    atomic.write(data / "keys" / f"{name}.key", pem)
    atomic.write(data / "trust" / f"{name}.pem", certificate.public_bytes(serialization.Encoding.PEM))
    os.chmod(data / "trust" / f"{name}.pem", 0o644)  # noqa: PTH101 - certificates are for everybody


def _private(data: Path, name: str) -> SoftPrivateKey:
    key = serialization.load_pem_private_key((data / "keys" / f"{name}.key").read_bytes(), None)
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise TypeError(type(key).__name__)
    return key


def _load(data: Path, name: str, chain: tuple[Certificate, ...]) -> SoftKey:
    certificate = Certificate.from_pem((data / "trust" / f"{name}.pem").read_bytes())
    return SoftKey(_private(data, name), certificate, chain)


def _pem(certificates: list[Certificate]) -> bytes:
    return b"".join(
        x509.load_der_x509_certificate(c.der).public_bytes(serialization.Encoding.PEM) for c in certificates
    )
