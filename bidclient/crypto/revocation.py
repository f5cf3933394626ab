"""Has the issuer revoked a certificate? OCSP answers and revocation lists, judged with three values."""

import hmac
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha1, sha256
from typing import TYPE_CHECKING, Literal

from asn1crypto import algos, core, crl, ocsp, pem, x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from bidclient.crypto import der, signature_algorithms
from bidclient.crypto.certificate import Certificate, verify_chain
from bidclient.errors import BadCertificate, BadFormat, BadSignature

if TYPE_CHECKING:
    from cryptography.x509 import CertificateRevocationList

Cause = Literal[
    "", "no-address", "unreachable", "stale", "clock", "unknown", "bad-answer", "no-chain", "unproven-time"
]
"""Why it cannot be told: nobody to ask, no answer, an old one, this computer's clock is off, the service does
not know the certificate, the answer does not count, no chain says whose answer would count, or nothing proves
that a signature is older than the revocation."""

OCSP_LIMIT = 128 * 1024
CRL_LIMIT = 32 * 1024 * 1024
CLOCK_TOLERANCE = timedelta(minutes=5)
"""By so much two honest clocks may differ; beyond it one of them is wrong, and it is rarely the issuer's."""

_OCSP_SIGNING = "1.3.6.1.5.5.7.3.9"
_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
_WEAK = ("md2", "md5", "sha1")
_CRL_CAUSES: dict[int, tuple[Cause, str]] = {
    3: ("bad-answer", "the list is another issuer's"),
    8: ("bad-answer", "the signature of the list is wrong"),
    10: ("bad-answer", "the certificate has ended, and lists leave out what has ended"),
    11: ("clock", "the list is from the future: this computer's clock is slow"),
    12: ("stale", "the list is out of date"),
    35: ("bad-answer", "the issuer may not sign lists"),
    44: ("bad-answer", "the list is about other certificates"),
}
"""OpenSSL's verification results (x509_vfy.h) as far as they come from a list; 23 is "revoked"."""
_REVOKED = 23


@dataclass(frozen=True)
class Standing:
    """What is known about the revocation of one certificate, and from where.

    `since` and `reason` say when and why it was revoked (RFC 5280 §5.3.1), else `reason` says why nothing is
    known; `until` is how long the answer may be kept, None for not at all.
    """

    status: Literal["good", "revoked", "cannot-tell"]
    reason: str = ""
    cause: Cause = ""
    source: str = ""
    since: datetime | None = None
    until: datetime | None = None
    ocsp_response: bytes = field(default=b"", compare=False, repr=False)
    crl: bytes = field(default=b"", compare=False, repr=False)
    """The DER of the one or the other that said so, where it was had over the network or kept."""

    def at(self, moment: datetime, proven: bool) -> "Standing":
        """The standing of what was signed at `moment`: a later revocation leaves it good.

        EN 319 102-1 §5.5: only what is `proven` to be older, by a timestamp, is not touched by it; whoever
        has the stolen key can claim any time.
        """
        if self.status != "revoked" or self.since is None or moment >= self.since:
            return self
        later = f"revoked later, {self.since.isoformat()}"
        if not proven:
            reason = f"{later}; no timestamp proves that the signature is older"
            return undecided("unproven-time", reason, self.source)
        return Standing("good", later, "", self.source)


@dataclass(frozen=True)
class Revocation:
    """What proves later that a signer's certificate was good: DER, for PAdES-B-LT (EN 319 142-1 §6)."""

    certificates: tuple[Certificate, ...] = ()
    ocsp_responses: tuple[bytes, ...] = ()
    crls: tuple[bytes, ...] = ()


def undecided(cause: Cause, reason: str, source: str = "") -> Standing:
    """The standing of which nothing can be told."""
    return Standing("cannot-tell", reason, cause, source)


# ------------------------------------------------------------------------------------------- addresses


def ocsp_addresses(certificate: Certificate) -> tuple[str, ...]:
    """Where the issuer answers OCSP, from authorityInfoAccess (RFC 5280 §4.2.2.1); http and https only."""
    value = certificate.asn1().authority_information_access_value
    names = [one["access_location"] for one in value or () if one["access_method"].native == "ocsp"]
    return _web_addresses(names)


def crl_addresses(certificate: Certificate) -> tuple[str, ...]:
    """Where the issuer's list lies, from cRLDistributionPoints (RFC 5280 §4.2.1.13); http and https only.

    Points that cover only some reasons, or are another authority's, are left out.
    """
    names: list[x509.GeneralName] = []
    for point in certificate.asn1().crl_distribution_points_value or ():
        whole = isinstance(point["reasons"], core.Void) and isinstance(point["crl_issuer"], core.Void)
        if whole and point["distribution_point"].name == "full_name":
            names += list(point["distribution_point"].chosen)
    return _web_addresses(names)


def _web_addresses(names: list[x509.GeneralName]) -> tuple[str, ...]:
    texts = [str(name.native) for name in names if name.name == "uniform_resource_identifier"]
    return tuple(text for text in texts if text.lower().startswith(("http://", "https://")))


# ------------------------------------------------------------------------------------------------ OCSP


def ocsp_request(certificate: Certificate, issuer: Certificate, nonce: bytes) -> bytes:
    """The DER OCSPRequest (RFC 6960 §4.1) about one certificate.

    The issuer is named by SHA-1, which every service understands (RFC 5019 §2.1.1) and nothing rests on.
    """
    asked = ocsp.CertId(
        {
            "hash_algorithm": algos.DigestAlgorithm({"algorithm": "sha1", "parameters": core.Null()}),
            "issuer_name_hash": sha1(_name(certificate), usedforsecurity=False).digest(),
            "issuer_key_hash": sha1(_key(issuer), usedforsecurity=False).digest(),
            "serial_number": int(certificate.serial, 16),
        }
    )
    extension = {"extn_id": "nonce", "extn_value": core.ParsableOctetString(core.OctetString(nonce).dump())}
    request = {"request_list": [{"req_cert": asked}], "request_extensions": [extension]}
    return bytes(ocsp.OCSPRequest({"tbs_request": request}).dump())


def read_ocsp(
    answer: bytes,
    certificate: Certificate,
    issuer: Certificate,
    now: datetime,
    nonce: bytes | None,
    source: str,
) -> Standing:
    """What a DER OCSPResponse (RFC 6960 §4.2) says about `certificate` at `now`.

    It counts only when it is signed by `issuer`, or by a service that `issuer` itself has certified for OCSP
    (§4.2.2.2), is about this certificate, carries `nonce` (None for an answer that was kept) and is neither
    old nor from the future. Never raises for what the answer is.
    """
    try:
        der.check(answer, source, OCSP_LIMIT)
        with der.reading(source):
            parsed = ocsp.OCSPResponse.load(answer, strict=True)
            status = parsed["response_status"].native
            if status != "successful":
                return undecided("bad-answer", f"the service answers {status}", source)
            basic = parsed["response_bytes"]["response"].parsed
            told = basic["tbs_response_data"]
            produced = der.moment(told["produced_at"])
            _check_responder(basic, issuer, produced, source)
            _check_extensions(told, nonce)
            single = _about(told, certificate, issuer)
            standing = _dated(single, produced, now, nonce is not None, source)
            # A service whose own certificate has ended may no longer speak, whatever date it writes.
            _check_responder(basic, issuer, now, source)
    except (BadFormat, BadCertificate, BadSignature) as error:
        return undecided("bad-answer", error.reason, source)
    return standing


def _check_responder(basic: core.Sequence, issuer: Certificate, at: datetime, source: str) -> None:
    """Raises BadSignature, BadCertificate unless the issuer, or its delegate at `at`, has signed."""
    told = basic["tbs_response_data"]
    identifier = told["responder_id"]
    responder = issuer
    if not _is_named(identifier, issuer):
        found = [Certificate.from_der(one.dump()) for one in basic["certs"] or ()]
        named = [one for one in found if _is_named(identifier, one)]
        if not named:
            raise BadSignature(source, "the answer is by somebody else than the issuer")
        responder = named[0]
        if _OCSP_SIGNING not in responder.extended_usages:
            raise BadSignature(source, f"{responder.subject} may not answer for the issuer")
        verify_chain(responder, (), [issuer], at, source)
    _check_signature(responder, basic, source)


def _check_signature(responder: Certificate, basic: core.Sequence, source: str) -> None:
    """Raises BadSignature, BadCertificate. Longer hashes and curves than in bids are taken from issuers."""
    algorithm, body = basic["signature_algorithm"], basic["tbs_response_data"].dump()
    kind, _, key_kind = algorithm["algorithm"].native.partition("_")
    digest, signature = _HASHES.get(kind), basic["signature"].native
    if digest is None or key_kind not in ("rsa", "ecdsa"):
        scheme = signature_algorithms.read_scheme(algorithm, source)
        signature_algorithms.verify(responder, body, scheme, signature, source)
        return
    public = responder.public_key()
    try:
        if isinstance(public, rsa.RSAPublicKey) and key_kind == "rsa":
            public.verify(signature, body, padding.PKCS1v15(), digest)
        elif isinstance(public, ec.EllipticCurvePublicKey) and key_kind == "ecdsa":
            public.verify(signature, body, ec.ECDSA(digest))
        else:
            raise BadSignature(source, f"{kind}_{key_kind} with a key of kind {responder.key_algorithm}")
    except InvalidSignature as error:
        raise BadSignature(source, "the signature is wrong") from error


def _is_named(identifier: ocsp.ResponderId, certificate: Certificate) -> bool:
    if identifier.name == "by_name":
        return bool(identifier.chosen.hashable == certificate.asn1().subject.hashable)
    # SHA-1 is what the standard fixes here (RFC 6960 §4.2.1); who has signed, the signature proves.
    return bool(identifier.native == sha1(_key(certificate), usedforsecurity=False).digest())


def _check_extensions(told: core.Sequence, nonce: bytes | None) -> None:
    echoed = None
    for extension in told["response_extensions"] or ():
        if extension["extn_id"].native == "nonce":
            echoed = bytes(extension["extn_value"].parsed.native)
        elif extension["critical"].native:
            raise BadFormat("OCSP", "a critical extension that we do not know")
    if nonce is not None and not hmac.compare_digest(echoed or b"", nonce):
        raise BadFormat("OCSP", "our nonce does not come back: perhaps an answer of another day")


def _about(told: core.Sequence, certificate: Certificate, issuer: Certificate) -> core.Sequence:
    """The one answer about our certificate. Raises BadFormat."""
    for single in told["responses"]:
        asked = single["cert_id"]
        hashes = {"sha1": sha1, "sha256": sha256}.get(asked["hash_algorithm"]["algorithm"].native)
        if hashes is None or asked["serial_number"].native != int(certificate.serial, 16):
            continue
        name, key = hashes(_name(certificate)).digest(), hashes(_key(issuer)).digest()
        if (asked["issuer_name_hash"].native, asked["issuer_key_hash"].native) == (name, key):
            if any(one["critical"].native for one in single["single_extensions"] or ()):
                raise BadFormat("OCSP", "a critical extension that we do not know")
            return single
    raise BadFormat("OCSP", "the answer is about another certificate")


def _dated(single: core.Sequence, produced: datetime, now: datetime, is_fresh: bool, source: str) -> Standing:
    """The standing that one answer gives, or why its dates forbid to believe it."""
    begins, until = der.moment(single["this_update"]), single["next_update"]
    ends = None if isinstance(until, core.Void) else der.moment(until)
    if begins > now + CLOCK_TOLERANCE or (is_fresh and abs(produced - now) > CLOCK_TOLERANCE):
        return undecided("clock", f"the service has {produced.isoformat()}, we {now.isoformat()}", source)
    # Without a nextUpdate there is always something newer (RFC 6960 §4.2.2.1).
    oldest = ends if ends is not None else begins + CLOCK_TOLERANCE
    if now > oldest and not (is_fresh and ends is None):
        return undecided("stale", f"the answer held until {oldest.isoformat()}", source)
    status = single["cert_status"]
    if status.name == "good":
        return Standing("good", f"not revoked as of {begins.isoformat()}", "", source, None, ends)
    if status.name == "unknown":
        return undecided("unknown", "the service does not know this certificate", source)
    why = status.chosen["revocation_reason"]
    reason = "unspecified" if isinstance(why, core.Void) else str(why.native)
    since: datetime = status.chosen["revocation_time"].native
    # Revoked it is, even where nobody can say since when.
    return Standing("revoked", reason, "", source, None if since.tzinfo is None else since, ends)


def _name(certificate: Certificate) -> bytes:
    return bytes(certificate.asn1().issuer.dump())


def _key(certificate: Certificate) -> bytes:
    """The bits of the public key, without tag, length and number of unused bits."""
    return bytes(certificate.asn1().public_key["public_key"])


# ------------------------------------------------------------------------------------------------- CRL


def read_crl(
    data: bytes, certificate: Certificate, issuer: Certificate, now: datetime, source: str
) -> Standing:
    """What a revocation list (RFC 5280 §5, DER or PEM) says about `certificate` at `now`.

    OpenSSL judges the list: signature by `issuer`, keyUsage, scope, dates; also SM2 with SM3. The chain of
    `certificate` has been verified before. Never raises for what the list is.
    """
    # Slow to import, see verify_chain.
    from OpenSSL import crypto

    try:
        parsed = _list(data, source)
        ends = parsed.next_update_utc
    except (BadFormat, ValueError) as error:
        return undecided("bad-answer", error.reason if isinstance(error, BadFormat) else str(error), source)
    if ends is None:
        return undecided("bad-answer", "the list does not say how long it holds", source)
    store = crypto.X509Store()
    store.set_flags(crypto.X509StoreFlags.PARTIAL_CHAIN | crypto.X509StoreFlags.CRL_CHECK)
    # pyOpenSSL takes the fields of the time as UTC and ignores its zone.
    store.set_time(now.astimezone(UTC))
    try:
        store.add_cert(crypto.load_certificate(crypto.FILETYPE_ASN1, issuer.der))
        store.add_crl(parsed)
        own = crypto.load_certificate(crypto.FILETYPE_ASN1, certificate.der)
        crypto.X509StoreContext(store, own).verify_certificate()
    except crypto.X509StoreContextError as error:
        number, _, text = error.errors
        if number == _REVOKED:
            return _revoked(parsed, certificate, ends, source)
        cause, reason = _CRL_CAUSES.get(number, ("bad-answer", text))
        return undecided(cause, reason, source)
    except crypto.Error:
        return undecided("bad-answer", "OpenSSL cannot read the list", source)
    return Standing(
        "good", f"not on the list of {parsed.last_update_utc.isoformat()}", "", source, None, ends
    )


def _list(data: bytes, source: str) -> "CertificateRevocationList":
    """The list, read. Raises BadFormat, ValueError."""
    from cryptography.x509 import InvalidVersion, load_der_x509_crl

    if len(data) > CRL_LIMIT:
        raise BadFormat(source, f"{len(data)} bytes, at most {CRL_LIMIT} allowed")
    with der.reading(source):
        content = pem.unarmor(data)[2] if pem.detect(data) else data
        algorithm = crl.CertificateList.load(content)["signature_algorithm"]["algorithm"].native
    if algorithm.startswith(_WEAK):
        raise BadFormat(source, f"weak signature algorithm {algorithm}")
    try:
        return load_der_x509_crl(content)
    except InvalidVersion as error:
        raise BadFormat(source, "a list of an unknown version") from error


def _revoked(
    parsed: "CertificateRevocationList", certificate: Certificate, ends: datetime, source: str
) -> Standing:
    from cryptography.x509 import CRLReason, ExtensionNotFound

    entry = parsed.get_revoked_certificate_by_serial_number(int(certificate.serial, 16))
    if entry is None:
        return undecided("bad-answer", "OpenSSL finds what the list does not name", source)
    try:
        reason = entry.extensions.get_extension_for_class(CRLReason).value.reason.value
    except (ExtensionNotFound, ValueError):
        reason = "unspecified"
    return Standing("revoked", reason, "", source, entry.revocation_date_utc, ends)
