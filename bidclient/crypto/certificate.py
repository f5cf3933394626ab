"""Certificates: whose key this is, what it may do, and whether its chain leads to a trust anchor."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from asn1crypto import core, pem, x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import load_der_public_key

from bidclient.crypto.der import PARSE_ERRORS, moment
from bidclient.crypto.sm_forms import check_point
from bidclient.crypto.uscc import USCC_SHAPE, is_uscc
from bidclient.errors import BadCertificate, UnknownIssuer, UnprovenTime

_SIZE_LIMIT = 64 * 1024
_PEM_LIMIT = 4 * 1024 * 1024
_CURVES = {"secp256r1": "p-256", "1.2.156.10197.1.301": "sm2"}
_SHORT_NAMES = {
    "common_name": "CN",
    "organization_name": "O",
    "organizational_unit_name": "OU",
    "country_name": "C",
    "state_or_province_name": "ST",
    "locality_name": "L",
    "serial_number": "SERIALNUMBER",
    "organization_identifier": "organizationIdentifier",
    "email_address": "E",
}
_WEAK_HASHES = ("md2", "md5", "sha1")
_SHORTEST_RSA = 2048
_UNKNOWN_ISSUER = "unknown issuer"
_REASONS = {
    2: _UNKNOWN_ISSUER,
    7: "bad signature",
    9: "not yet valid",
    10: "expired",
    18: _UNKNOWN_ISSUER,
    19: _UNKNOWN_ISSUER,
    20: _UNKNOWN_ISSUER,
    21: _UNKNOWN_ISSUER,
    23: "revoked",
}
"""OpenSSL's verification results (x509_vfy.h) in the words of the trade; any other keeps OpenSSL's text."""


@dataclass(frozen=True)
class Certificate:
    """One X.509 certificate (RFC 5280); every instance has been parsed, none has been trusted yet.

    Parsed with asn1crypto, because SM2 certificates must be readable too. Raises BadCertificate.
    """

    der: bytes

    def __post_init__(self) -> None:
        if len(self.der) > _SIZE_LIMIT:
            raise BadCertificate("(unreadable)", f"{len(self.der)} bytes, at most {_SIZE_LIMIT} allowed")
        try:
            self._touch()
        except PARSE_ERRORS as error:
            raise BadCertificate("(unreadable)", "malformed") from error
        if self._parsed.serial_number <= 0:
            raise BadCertificate(self.subject, "the serial number is not positive (RFC 5280 §4.1.2.2)")

    @classmethod
    def from_der(cls, der: bytes) -> "Certificate":
        """The certificate in `der`. Raises BadCertificate."""
        return cls(bytes(der))

    @classmethod
    def from_pem(cls, data: bytes) -> "Certificate":
        """The one certificate in PEM text (RFC 7468). Raises BadCertificate, also for several."""
        found = certificates_from_pem(data)
        if len(found) != 1:
            raise BadCertificate("(PEM)", f"{len(found)} certificates where one is expected")
        return found[0]

    @cached_property
    def sha256(self) -> str:
        """Hex SHA-256 of the DER: how certificates are named everywhere here."""
        return hashlib.sha256(self.der).hexdigest()

    @cached_property
    def subject(self) -> str:
        """The subject on one readable line, in the order of the certificate."""
        return name_line(self._parsed.subject)

    @cached_property
    def issuer(self) -> str:
        """The issuer on one readable line."""
        return name_line(self._parsed.issuer)

    @cached_property
    def common_name(self) -> str:
        """The subject's CN, empty when it has none."""
        return _attribute(self._parsed.subject, "common_name")

    @cached_property
    def holder(self) -> str:
        """Who it is made out to, for people: the subject's CN, the whole subject when it has none."""
        return self.common_name or self.subject

    @cached_property
    def organization(self) -> str:
        """The subject's O, empty when it has none."""
        return _attribute(self._parsed.subject, "organization_name")

    @cached_property
    def issuer_common_name(self) -> str:
        """The issuer's CN, empty when it has none."""
        return _attribute(self._parsed.issuer, "common_name")

    @cached_property
    def issuer_holder(self) -> str:
        """Who has issued it, for people: the issuer's CN, the whole issuer when it has none."""
        return self.issuer_common_name or self.issuer

    @cached_property
    def uscc(self) -> str | None:
        """The 18 characters of the subject's unified social credit code (GB 32100), None when it names none.

        From organizationIdentifier, bare or after a prefix such as "USCC-"; else from any attribute that is
        nothing but a code with a right check character.
        """
        attributes = _attributes(self._parsed.subject)
        for name, value in attributes:
            code = value.rpartition("-")[2].upper()
            if name == "organization_identifier" and USCC_SHAPE.fullmatch(code):
                return code
        return next((value for _, value in attributes if is_uscc(value)), None)

    @cached_property
    def serial(self) -> str:
        """The serial number in lower-case hex."""
        return f"{int(self._parsed.serial_number):x}"

    @cached_property
    def not_before(self) -> datetime:
        """The first second of validity, UTC."""
        return self._instant("not_before")

    @cached_property
    def not_after(self) -> datetime:
        """The last second of validity, UTC."""
        return self._instant("not_after")

    @cached_property
    def key_algorithm(self) -> str:
        """The kind of the key: "rsa-2048", "p-256", "sm2" …; the dotted OID for kinds without a name here."""
        key = self._parsed.public_key
        if key.algorithm == "rsa":
            return f"rsa-{key['public_key'].parsed['modulus'].native.bit_length()}"
        if key.algorithm == "ec" and key["algorithm"]["parameters"].name == "named":
            curve = key["algorithm"]["parameters"].chosen
            return _CURVES.get(curve.native, str(curve.dotted))
        return str(key["algorithm"]["algorithm"].dotted)

    @cached_property
    def can_sign(self) -> bool:
        """Whether keyUsage (RFC 5280 §4.2.1.3) permits signatures over documents, or is absent."""
        return self._may("digital_signature", "non_repudiation")

    @cached_property
    def can_encrypt(self) -> bool:
        """Whether keyUsage permits that a key is wrapped to this certificate, or is absent."""
        return self._may("key_encipherment", "data_encipherment", "key_agreement")

    @cached_property
    def is_ca(self) -> bool:
        """Whether basicConstraints says CA."""
        return bool(self._parsed.ca)

    @cached_property
    def extended_usages(self) -> frozenset[str]:
        """The dotted OIDs of extendedKeyUsage; empty when the extension is absent."""
        usages = self._parsed.extended_key_usage_value
        return frozenset(usage.dotted for usage in usages) if usages is not None else frozenset()

    @cached_property
    def key_identifier(self) -> bytes | None:
        """The subjectKeyIdentifier extension, None when absent."""
        identifier: bytes | None = self._parsed.key_identifier
        return identifier

    @property
    def pem(self) -> bytes:
        """The certificate as PEM text."""
        return bytes(pem.armor("CERTIFICATE", self.der))

    def public_key(self) -> PublicKeyTypes:
        """The key for use with pyca/cryptography. Raises BadCertificate for kinds unknown to it (SM2)."""
        try:
            return load_der_public_key(self._parsed.public_key.dump())
        except (ValueError, UnsupportedAlgorithm) as error:
            raise BadCertificate(self.holder, f"the key cannot be used: {self.key_algorithm}") from error

    @cached_property
    def sm2_point(self) -> bytes:
        """The public key of an SM2 certificate, 65 bytes 04‖X‖Y. Raises BadCertificate for other keys."""
        if self.key_algorithm != "sm2":
            raise BadCertificate(self.holder, f"not an SM2 key: {self.key_algorithm}")
        point = bytes(self._parsed.public_key["public_key"].native)
        try:
            check_point(point)
        except ValueError as error:
            raise BadCertificate(self.holder, str(error)) from error
        return point

    def asn1(self) -> x509.Certificate:
        """A fresh asn1crypto structure of the same bytes, to be put into other ASN.1 structures."""
        return x509.Certificate.load(self.der, strict=True)

    @cached_property
    def _parsed(self) -> x509.Certificate:
        return self.asn1()

    def _touch(self) -> None:
        """Read everything once: asn1crypto parses lazily, and a bad certificate must not fail later."""
        _ = self.subject, self.issuer, self.uscc, self.serial, self.not_before, self.not_after
        _ = self.key_algorithm, self.can_sign, self.is_ca, self.extended_usages, self.key_identifier
        _ = self._parsed["signature_algorithm"].native

    def _instant(self, field: str) -> datetime:
        return moment(self._parsed["tbs_certificate"]["validity"][field].chosen)

    def _may(self, *usages: str) -> bool:
        allowed = self._parsed.key_usage_value
        return allowed is None or not allowed.native.isdisjoint(usages)


def certificates_from_pem(data: bytes) -> tuple[Certificate, ...]:
    """Every certificate in PEM text, in its order; other blocks are passed over. Raises BadCertificate."""
    if len(data) > _PEM_LIMIT:
        raise BadCertificate("(PEM)", f"{len(data)} bytes, at most {_PEM_LIMIT} allowed")
    if b"-----BEGIN CERTIFICATE-----" not in data:
        return ()
    try:
        blocks = [der for name, _, der in pem.unarmor(data, multiple=True) if name == "CERTIFICATE"]
    except PARSE_ERRORS as error:
        raise BadCertificate("(PEM)", "not PEM text") from error
    return tuple(Certificate.from_der(der) for der in blocks)


def verify_chain(
    certificate: Certificate,
    intermediates: Sequence[Certificate],
    anchors: Sequence[Certificate],
    at: datetime,
    what: str,
) -> tuple[Certificate, ...]:
    """The chain that OpenSSL finds from `certificate` to an anchor, both inside, every link valid at `at`.

    `intermediates` are untrusted. Any anchor ends the chain, self-signed or not. `what` names the artefact in
    the error. MD5, SHA-1 and RSA keys below 2048 bits are refused below the anchor. Revocation and the key's
    usage are not looked at (RFC 5280 §6 without CRLs). Raises BadCertificate; UnknownIssuer, which names the
    issuer and the anchors that are known, when nothing is wrong but that no chain leads to one of them.
    """
    # Slow to import, and sealing and unsealing never come here.
    from OpenSSL import crypto

    def loaded(one: Certificate) -> crypto.X509:
        try:
            return crypto.load_certificate(crypto.FILETYPE_ASN1, one.der)
        except crypto.Error as error:
            raise BadCertificate(one.holder, "malformed") from error

    store = crypto.X509Store()
    store.set_flags(crypto.X509StoreFlags.PARTIAL_CHAIN)
    # pyOpenSSL takes the fields of the time as UTC and ignores its zone.
    store.set_time(at.astimezone(UTC))
    for anchor in anchors:
        store.add_cert(loaded(anchor))
    context = crypto.X509StoreContext(store, loaded(certificate), [loaded(one) for one in intermediates])
    try:
        chain = context.get_verified_chain()
    except crypto.X509StoreContextError as error:
        number, depth, text = error.errors
        where = "" if depth == 0 else f", at issuer {depth}"
        reason = f"{_REASONS.get(number, text)}{where}"
        subject = f"{what}: {certificate.holder}"
        if _REASONS.get(number) != _UNKNOWN_ISSUER:
            raise BadCertificate(subject, reason) from error
        highest = Certificate.from_der(crypto.dump_certificate(crypto.FILETYPE_ASN1, error.certificate))
        known = "; ".join(anchor.holder for anchor in anchors) or "none"
        raise UnknownIssuer(subject, reason, highest.issuer_holder, known) from error
    links = [Certificate.from_der(crypto.dump_certificate(crypto.FILETYPE_ASN1, link)) for link in chain]
    trusted = {anchor.der for anchor in anchors}
    for link in links:
        if link.der not in trusted:
            _check_strength(link, what)
    return tuple(links)


def verify_claimed(
    certificate: Certificate,
    intermediates: Sequence[Certificate],
    anchors: Sequence[Certificate],
    claimed: datetime,
    now: datetime,
    what: str,
) -> tuple[Certificate, ...]:
    """The chain of a signer who says that it was `claimed` when he signed, and nobody else says so.

    Whoever has the key of a certificate that has ended can claim any time for a signature of today: such a
    chain counts `now`. Raises UnprovenTime when it holds at the claimed time only; otherwise as verify_chain.
    """
    try:
        return verify_chain(certificate, intermediates, anchors, now, what)
    except UnknownIssuer:
        raise
    except BadCertificate as error:
        verify_chain(certificate, intermediates, anchors, claimed, what)
        raise UnprovenTime(error.subject, error.reason, claimed.isoformat()) from error


def _check_strength(certificate: Certificate, what: str) -> None:
    signature = certificate.asn1()["signature_algorithm"]
    algorithm = signature["algorithm"].native
    # RSASSA-PSS names its hash in the parameters, and means SHA-1 where it names none (RFC 4055 §3.1).
    digest = signature["parameters"]["hash_algorithm"] if algorithm == "rsassa_pss" else signature
    if digest["algorithm"].native.startswith(_WEAK_HASHES):
        raise BadCertificate(f"{what}: {certificate.holder}", f"weak signature algorithm {algorithm}")
    kind, _, bits = certificate.key_algorithm.partition("-")
    if kind == "rsa" and int(bits) < _SHORTEST_RSA:
        raise BadCertificate(f"{what}: {certificate.holder}", f"weak key {certificate.key_algorithm}")


def _attributes(name: x509.Name) -> list[tuple[str, str]]:
    """The attributes of a name in their order: asn1crypto's name or the dotted OID, and the text."""
    return [(pair["type"].native, _text(pair["value"])) for rdn in name.chosen for pair in rdn]


def _attribute(name: x509.Name, wanted: str) -> str:
    return next((value for kind, value in _attributes(name) if kind == wanted), "")


def _text(value: core.Asn1Value) -> str:
    """The text of an attribute without control characters, which could forge lines on a screen."""
    return "".join(character if character.isprintable() else "\ufffd" for character in str(value.native))


def name_line(name: x509.Name) -> str:
    """A name on one readable line, in its own order, commas escaped: "CN=…, O=…"."""
    parts = []
    for kind, value in _attributes(name):
        escaped = value.replace("\\", "\\\\").replace(",", "\\,")
        parts.append(f"{_SHORT_NAMES.get(kind, kind)}={escaped}")
    return ", ".join(parts)
