"""The sandbox's certification authority: roots of its own, the network's certificates and the bidders'."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from asn1crypto import pem
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from bidclient.crypto.certificate import Certificate
from bidclient.crypto.sm import Sm2PrivateKey
from bidclient.crypto.suite import GM
from bidclient.errors import BadCertificate
from bidclient.formats import atomic
from bidclient.keys.soft import SoftKey
from bidclient.sandbox.certificates import (
    Issuer,
    KeyType,
    SoftPrivateKey,
    Use,
    issued,
    key_of_pem,
    key_pem,
    new_key,
    subject_name,
)
from bidclient.sandbox.clock import Clock, machine_time
from bidclient.sandbox.revocation_answers import revocation_list, revoked_serials

__all__ = [
    "Authority",
    "BidderKeys",
    "KeyType",
    "SoftPrivateKey",
    "create_authority",
    "issue_bidder",
    "new_key",
    "open_authority",
    "read_kept",
    "revoke",
    "trust_files",
]

ADDRESS = "address"
"""The file that says where the sandbox answers, or has answered last: certificates say it, too."""
CENTRE = "模拟公共资源交易中心"
CENTRE_USCC = "12629999TBX001012L"
TENDERER = "模拟招标人"
_YEARS = timedelta(days=365 * 10)
_BIDDER_YEARS = timedelta(days=365 * 3)
_ROOT, _SM2_ROOT = "ca", "ca-sm2"
_ROOTS = "roots.pem"
"""Both roots in one file of trust/, as stock tools take them."""
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
        """Write `name`-sign.pfx and `name`-encrypt.pfx, each with its .pem beside it; returns both paths.

        SM2 keys become .key files instead: no PFX is made of them here.
        """
        folder.mkdir(parents=True, exist_ok=True)
        made = []
        for use, key, certificate in (
            ("sign", self.signing_key, self.signing_cert),
            ("encrypt", self.encryption_key, self.encryption_cert),
        ):
            if isinstance(key, Sm2PrivateKey):
                path, content = folder / f"{name}-{use}.key", key_pem(key, password)
            else:
                path = folder / f"{name}-{use}.pfx"
                own, *chain = [x509.load_der_x509_certificate(c.der) for c in (certificate, *self.chain)]
                content = pkcs12.serialize_key_and_certificates(
                    name.encode(), key, own, chain, serialization.BestAvailableEncryption(password)
                )
            atomic.write(path, content)
            atomic.write(path.with_suffix(".pem"), b"".join(c.pem for c in (certificate, *self.chain)))
            made.append(path)
        return made[0], made[1]

    def keep(self, folder: Path) -> None:
        """Keep both keys, unprotected, in a folder of the sandbox's own, for `read_kept`. Raises
        DiskProblem."""
        for place in ("trust", "keys"):
            (folder / place).mkdir(parents=True, exist_ok=True)
        (folder / "keys").chmod(0o700)
        _keep(folder, _KEPT[1], self.encryption_key, self.encryption_cert)
        _keep(folder, _KEPT[0], self.signing_key, self.signing_cert)


@dataclass(frozen=True)
class Authority:
    """The roots and what they have issued to the network itself, as files under `trust/` and `keys/`."""

    data: Path
    root: SoftKey
    sm2_root: SoftKey
    identity: SoftKey
    stamping: SoftKey
    opening: SoftKey
    sm2_opening: SoftKey
    tenderer: SoftKey
    seal_maker: SoftKey

    @property
    def anchors(self) -> tuple[Certificate, ...]:
        """What everybody in this world trusts: the roots."""
        return (self.root.certificate, self.sm2_root.certificate)

    def opening_of(self, suites: Sequence[str]) -> SoftKey:
        """The key to which a lot with these suites has the secrets released: SM2 where nothing else goes."""
        return self.sm2_opening if tuple(suites) == (GM.name,) else self.opening

    @property
    def own(self) -> tuple[Certificate, ...]:
        """The certificates of the network itself."""
        keys = (self.identity, self.stamping, self.opening, self.sm2_opening, self.tenderer, self.seal_maker)
        return (*self.anchors, *(key.certificate for key in keys))

    def revoked(self) -> dict[int, datetime]:
        """The serial numbers on both revocation lists, with the time of each revocation."""
        return {**_listed(self.data, _ROOT), **_listed(self.data, _SM2_ROOT)}

    def check_revocation(self, certificate: Certificate) -> Certificate:
        """The certificate, which is not on a revocation list. Raises BadCertificate."""
        if int(certificate.serial, 16) in self.revoked():
            raise BadCertificate(certificate.subject, "revoked")
        return certificate


_OWN: tuple[tuple[str, str, str, Use, KeyType], ...] = (
    ("identity", CENTRE, CENTRE_USCC, "sign", "p-256"),
    ("tsa", "模拟时间戳服务", CENTRE_USCC, "stamp", "p-256"),
    ("opening", CENTRE + "开标", CENTRE_USCC, "encrypt", "rsa-2048"),
    ("opening-sm2", CENTRE + "国密开标", CENTRE_USCC, "encrypt", "sm2"),
    ("tenderer", TENDERER, CENTRE_USCC, "encrypt", "rsa-2048"),
    ("seal-maker", "演示制章单位（非真实）", CENTRE_USCC, "sign", "sm2"),
)


def create_authority(data: Path, now: datetime) -> Authority:
    """New roots and the network's certificates, valid at `now` and at the machine's time.

    Raises DiskProblem.
    """
    times = (now, machine_time())
    start, end = min(times) - timedelta(days=1), max(times) + _YEARS
    for folder in ("trust", "keys"):
        (data / folder).mkdir(parents=True, exist_ok=True)
    (data / "keys").chmod(0o700)
    issuers = {
        _ROOT: Issuer(
            subject_name("模拟交易网络根证书", CENTRE_USCC, "bidclient sandbox root"), new_key("p-256")
        ),
        _SM2_ROOT: Issuer(
            subject_name("模拟交易网络国密根证书", CENTRE_USCC, "bidclient sandbox SM2 root"), new_key("sm2")
        ),
    }
    for file, root in issuers.items():
        _keep(data, file, root.key, issued(root.name, root.key, "ca", root, start, end))
    _publish(data, _ROOTS, b"".join(path.read_bytes() for path in trust_files(data / "trust")))
    for file, title, uscc, use, key_type in _OWN:
        key = new_key(key_type)
        issuer = _with_services(data, _root_of(key_type), issuers[_root_of(key_type)])
        _keep(data, file, key, issued(subject_name(title, uscc, title), key, use, issuer, start, end))
    for file in issuers:
        _write_revocations(data, file, {}, now)
    return open_authority(data)


def open_authority(data: Path) -> Authority:
    """The authority in a data folder."""
    root, sm2_root = _load(data, _ROOT, ()), _load(data, _SM2_ROOT, ())
    chain, sm2_chain = (root.certificate,), (sm2_root.certificate,)
    return Authority(
        data=data,
        root=root,
        sm2_root=sm2_root,
        identity=_load(data, "identity", chain),
        stamping=_load(data, "tsa", chain),
        opening=_load(data, "opening", chain),
        sm2_opening=_load(data, "opening-sm2", sm2_chain),
        tenderer=_load(data, "tenderer", chain),
        seal_maker=_load(data, "seal-maker", sm2_chain),
    )


def trust_files(trust: Path) -> tuple[Path, ...]:
    """The files of the roots in a sandbox's folder trust/, for the settings of a client."""
    return (trust / f"{_ROOT}.pem", trust / f"{_SM2_ROOT}.pem")


def issue_bidder(
    data: Path, name: str, uscc: str, key_type: KeyType = "rsa-2048", not_after: datetime | None = None
) -> BidderKeys:
    """A signing and an encryption certificate for a company, whether the sandbox runs or not.

    Valid by the machine's time and by the sandbox's, for three years or until `not_after`.
    """
    name_of_root = _root_of(key_type)
    root = _load(data, name_of_root, ())
    issuer = _with_services(
        data,
        name_of_root,
        Issuer(x509.load_der_x509_certificate(root.certificate.der).subject, _private(data, name_of_root)),
    )
    times = (machine_time(), Clock(data / "clock.json").now())
    start = min(times) - timedelta(days=1)
    end = max(times) + _BIDDER_YEARS if not_after is None else not_after
    made = []
    uses: tuple[Use, Use] = ("sign", "encrypt")
    for use in uses:
        key = new_key(key_type)
        made.append((key, issued(subject_name(name, uscc, name), key, use, issuer, start, end)))
    (signing_key, signing), (encryption_key, encryption) = made
    return BidderKeys(signing_key, signing, encryption_key, encryption, (root.certificate,))


def read_kept(data: Path, folder: Path) -> BidderKeys | None:
    """A company's keys as `BidderKeys.keep` has left them in `folder`, None when they are not all there."""
    if not (folder / "trust" / f"{_KEPT[0]}.pem").exists():
        return None
    signing, encryption = (_load(folder, name, ()) for name in _KEPT)
    root = _SM2_ROOT if signing.certificate.key_algorithm == "sm2" else _ROOT
    return BidderKeys(
        _private(folder, _KEPT[0]),
        signing.certificate,
        _private(folder, _KEPT[1]),
        encryption.certificate,
        (_load(data, root, ()).certificate,),
    )


def revoke(data: Path, certificate: Certificate, now: datetime) -> None:
    """Put a certificate on the revocation list of its root; a running sandbox sees it at once."""
    name = _SM2_ROOT if certificate.issuer == _certificate(data, _SM2_ROOT).subject else _ROOT
    _write_revocations(data, name, {**_listed(data, name), int(certificate.serial, 16): now}, now)


def _listed(data: Path, name: str) -> dict[int, datetime]:
    return revoked_serials(pem.unarmor((data / "trust" / f"{name}.crl").read_bytes())[2])


def _write_revocations(data: Path, name: str, revoked: Mapping[int, datetime], now: datetime) -> None:
    made = revocation_list(_load(data, name, ()), revoked, now, now + _YEARS)
    atomic.write(data / "trust" / f"{name}.crl", pem.armor("X509 CRL", made))


def _with_services(data: Path, name: str, issuer: Issuer) -> Issuer:
    """The issuer with the addresses under which the sandbox answers for it, as far as one is known."""
    address = data / ADDRESS
    if not address.exists():
        return issuer
    url = address.read_text("ascii").strip()
    return replace(issuer, ocsp=f"{url}/ocsp", crl=f"{url}/crl/{name}.crl")


def _root_of(key_type: KeyType) -> str:
    return _SM2_ROOT if key_type == "sm2" else _ROOT


def _keep(data: Path, name: str, key: SoftPrivateKey, certificate: Certificate) -> None:
    atomic.write(data / "keys" / f"{name}.key", key_pem(key))
    _publish(data, f"{name}.pem", certificate.pem)


def _publish(data: Path, file: str, certificates: bytes) -> None:
    """Into trust/: certificates are for everybody."""
    atomic.write(data / "trust" / file, certificates)
    (data / "trust" / file).chmod(0o644)


def _certificate(data: Path, name: str) -> Certificate:
    return Certificate.from_pem((data / "trust" / f"{name}.pem").read_bytes())


def _private(data: Path, name: str) -> SoftPrivateKey:
    return key_of_pem((data / "keys" / f"{name}.key").read_bytes(), _certificate(data, name))


def _load(data: Path, name: str, chain: tuple[Certificate, ...]) -> SoftKey:
    return SoftKey(_private(data, name), _certificate(data, name), chain)
