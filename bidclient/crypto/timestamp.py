"""Timestamps (RFC 3161): a third party says when some data existed, checked before it is used."""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Literal

from asn1crypto import cms, core, tsp

from bidclient.crypto import der, sm
from bidclient.crypto.certificate import Certificate, verify_chain
from bidclient.crypto.message_syntax import SM3
from bidclient.errors import (
    BadCertificate,
    BadFormat,
    BadTimestamp,
    NetworkProblem,
    TimestampUnreachable,
    UnknownIssuer,
    Unreachable,
    Untrusted,
)

Stamp = Callable[[bytes], bytes]
"""stamp(data) → DER TimeStampToken over it that verifies. Raises BadTimestamp, NetworkProblem."""
Imprint = Literal["sha256", "sm3"]
"""The hash by which a service gets to see the data; a service for RSA signatures may well take SM3."""

_LIMIT = 256 * 1024
_NONCE_BITS = 63
_NAMING_DIGESTS = ("sha1", "sha256", "sha384", "sha512")
"""SHA-1 is all that RFC 3161 knew; finding a second certificate for a digest is still out of reach for it."""
_IMPRINTS: dict[Imprint, str] = {"sha256": "2.16.840.1.101.3.4.2.1", "sm3": SM3}


_TIME_STAMPING = "1.3.6.1.5.5.7.3.8"
_LIBRARY_STACK = "ErrorStack"
"""Marks what the library passes on from OpenSSL, with its source files: nothing for people."""


class _Response(core.Sequence):  # type: ignore[misc]
    """TimeStampResp (RFC 3161 §2.4.2); asn1crypto's own cannot read a refusal, which has no token."""

    _fields = [  # noqa: RUF012 - asn1crypto's way to declare a structure
        ("status", tsp.PKIStatusInfo),
        ("time_stamp_token", cms.ContentInfo, {"optional": True}),
    ]


def stamp_by(
    transport: Callable[[bytes], bytes],
    anchors: Sequence[Certificate],
    what: str = "timestamp",
    imprints: Sequence[Imprint] = ("sha256",),
) -> Stamp:
    """A Stamp that asks one timestamp service.

    `transport` posts a DER TimeStampReq and returns the DER TimeStampResp (RFC 3161 §3.4). The answer must
    carry our nonce and digest and lead to one of `anchors`, or the Stamp raises BadTimestamp. `imprints` are
    tried in their order, because not every service takes SM3. `what` names the service in errors.
    """

    def stamp(data: bytes) -> bytes:
        first, *others = imprints
        try:
            return stamp_with(first, data)
        except BadTimestamp:
            if not others:
                raise
        return stamp_by(transport, anchors, what, others)(data)

    def stamp_with(imprint: Imprint, data: bytes) -> bytes:
        nonce = secrets.randbits(_NONCE_BITS)
        try:
            response = transport(timestamp_request(data, nonce, imprint))
        except BadFormat as error:
            raise BadTimestamp(what, error.reason) from error
        token = response_token(response, what)
        _verify(response, data, anchors, what, nonce, (imprint,))
        return token

    return stamp


def fail_over(stamps: Sequence[Stamp]) -> Stamp:
    """A Stamp that tries `stamps` in order until one succeeds.

    When none does it raises with every reason: TimestampUnreachable if all of them failed in the
    network (try again later), else BadTimestamp.
    """

    def stamp(data: bytes) -> bytes:
        failures: list[BadTimestamp | NetworkProblem] = []
        for one in stamps:
            try:
                return one(data)
            except (BadTimestamp, NetworkProblem) as error:
                failures.append(error)
        reasons = "; ".join(map(_failure_text, failures)) or "no timestamp service is set"
        if failures and all(isinstance(failure, NetworkProblem) for failure in failures):
            raise TimestampUnreachable("timestamp services", reasons) from failures[-1]
        raise BadTimestamp("timestamp", reasons)

    return stamp


def _failure_text(failure: BadTimestamp | NetworkProblem) -> str:
    """Which service failed and why, for people."""
    if isinstance(failure, BadTimestamp):
        return f"{failure.what}: {failure.reason}"
    if isinstance(failure, Unreachable | Untrusted):
        return f"{failure.address}: {failure.reason}"
    return str(failure)


def timestamp_request(data: bytes, nonce: int, imprint: Imprint = "sha256") -> bytes:
    """The DER TimeStampReq for `data`, certificates wanted (RFC 3161 §2.4.1)."""
    request = tsp.TimeStampReq(
        {
            "version": "v1",
            "message_imprint": {
                "hash_algorithm": {"algorithm": _IMPRINTS[imprint]},
                "hashed_message": _digest(imprint, data),
            },
            "nonce": nonce,
            "cert_req": True,
        }
    )
    return bytes(request.dump())


def response_token(response: bytes, what: str) -> bytes:
    """The DER TimeStampToken in a DER TimeStampResp, not verified (see verify_token).

    Raises BadTimestamp, also when the service refused.
    """
    try:
        der.check(response, what, _LIMIT)
        with der.reading(what):
            parsed = _Response.load(response, strict=True)
            status = parsed["status"]["status"].native
            if status != "granted":
                text = parsed["status"]["status_string"].native or ()
                raise BadTimestamp(what, f"refused: {status} {' '.join(text)}".rstrip())
            if isinstance(parsed["time_stamp_token"], core.Void):
                raise BadTimestamp(what, "granted without a token")
            return bytes(parsed["time_stamp_token"].dump())
    except BadFormat as error:
        raise BadTimestamp(what, error.reason) from error


def verify_token(token: bytes, data: bytes, anchors: Sequence[Certificate], what: str) -> datetime:
    """The time (UTC) at which a trusted service saw the digest of `data`, from a DER TimeStampToken.

    Checked: signature, chain to `anchors` at the token's own time, critical extendedKeyUsage timeStamping
    (RFC 3161 §2.3), signing-certificate attribute (§2.4.2), imprint by SHA-256 or SM3. `what` names the
    artefact in errors. Raises BadTimestamp, from UnknownIssuer when nothing is wrong but that no anchor is
    known for it.
    """
    try:
        der.check(token, what, _LIMIT)
        with der.reading(what):
            response = _Response(
                {
                    "status": {"status": "granted"},
                    "time_stamp_token": cms.ContentInfo.load(token, strict=True),
                }
            ).dump()
    except BadFormat as error:
        raise BadTimestamp(what, error.reason) from error
    return _verify(response, data, anchors, what, None, tuple(_IMPRINTS))


def _digest(imprint: Imprint, data: bytes) -> bytes:
    return sm.sm3(data) if imprint == "sm3" else hashlib.sha256(data).digest()


def _verify(
    response: bytes,
    data: bytes,
    anchors: Sequence[Certificate],
    what: str,
    nonce: int | None,
    imprints: Sequence[Imprint],
) -> datetime:
    # Slow to import, and sealing and unsealing never come here.
    from cryptography.x509 import InvalidVersion, load_der_x509_certificate
    from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response

    if not anchors:
        nobody = UnknownIssuer(what, "no trust anchor for timestamps", "", "none")
        raise BadTimestamp(what, nobody.reason) from nobody
    try:
        builder = VerifierBuilder(
            roots=[load_der_x509_certificate(anchor.der) for anchor in anchors], nonce=nonce
        )
        with der.reading(what):
            response = _in_order(response)
        parsed = decode_timestamp_response(response)
        with der.reading(what):
            imprint = _bound_imprint(parsed.time_stamp_token(), imprints, what)
        builder.build().verify(parsed, _digest(imprint, data))
        # The library asks nothing of the strength of keys and hashes in the chain.
        _check_chain(parsed.time_stamp_token(), _digest(imprint, data), anchors, what)
        return parsed.tst_info.gen_time.astimezone(UTC)
    except BadFormat as error:
        raise BadTimestamp(what, error.reason) from error
    except VerificationError as error:
        if _LIBRARY_STACK not in str(error):
            raise BadTimestamp(what, str(error)) from error
        _check_chain(parsed.time_stamp_token(), _digest(imprint, data), anchors, what)
        raise BadTimestamp(what, "the signature does not hold") from error
    except (ValueError, InvalidVersion) as error:
        raise BadTimestamp(what, "the timestamp, or a trust anchor for timestamps, cannot be read") from error


def token_signer(token: bytes, what: str) -> tuple[Certificate, tuple[Certificate, ...]]:
    """The certificate of the service in a DER TimeStampToken, and the others that came with it; unverified.

    Raises BadTimestamp.
    """
    try:
        with der.reading(what):
            signed_data = cms.ContentInfo.load(token, strict=True)["content"]
            signer = signed_data["signer_infos"][0]
            found = [one.chosen for one in signed_data["certificates"] if one.name == "certificate"]
            own = [one for one in found if _is_signer(signer, one)]
            certificates = tuple(Certificate.from_der(one.dump()) for one in (*own[:1], *found))
    except (BadFormat, BadCertificate) as error:
        raise BadTimestamp(what, error.reason) from error
    if not own:
        raise BadTimestamp(what, "the signing certificate is not inside")
    return certificates[0], tuple(one for one in certificates[1:] if one.der != certificates[0].der)


def _check_chain(token: bytes, digest: bytes, anchors: Sequence[Certificate], what: str) -> None:
    """Raise BadTimestamp when the chain fails or is weak: the library tells the first in OpenSSL's own words.

    It comes from UnknownIssuer when nobody can tell: the token is about this digest, its signature cannot be
    judged, and we do not know who issued the service's certificate.
    """
    try:
        with der.reading(what):
            statement = cms.ContentInfo.load(token)["content"]["encap_content_info"]["content"].parsed
            stamped = statement["message_imprint"]["hashed_message"].native
            at = der.moment(statement["gen_time"])
    except BadFormat as error:
        raise BadTimestamp(what, error.reason) from error
    if not hmac.compare_digest(stamped, digest):
        raise BadTimestamp(what, "Mismatch between messages")
    signer, others = token_signer(token, what)
    if _TIME_STAMPING not in signer.extended_usages:
        raise BadTimestamp(what, f"{signer.subject} has another purpose than timestamps")
    try:
        *_, anchor = verify_chain(signer, others, anchors, at, what)
    except BadCertificate as error:
        raise BadTimestamp(what, error.reason) from error
    if anchor.issuer != anchor.subject:
        raise BadTimestamp(what, f"the anchor {anchor.subject} is not a root, as timestamps need it")


def _in_order(response: bytes) -> bytes:
    """The response with its certificates in DER order: `openssl ts` does not sort them, the library insists.

    The order is not signed, and asn1crypto keeps every other byte as it was.
    """
    parsed = _Response.load(response, strict=True)
    signed_data = parsed["time_stamp_token"]["content"]
    if len(signed_data["certificates"]):
        signed_data["certificates"] = list(signed_data["certificates"])
    return bytes(parsed.dump())


def _bound_imprint(token: bytes, imprints: Sequence[Imprint], what: str) -> Imprint:
    """What the library leaves out: the imprint's algorithm, and that the token names its signer by digest."""
    signed_data = cms.ContentInfo.load(token, strict=True)["content"]
    algorithm = signed_data["encap_content_info"]["content"].parsed["message_imprint"]["hash_algorithm"]
    found = [one for one in imprints if _IMPRINTS[one] == algorithm["algorithm"].dotted]
    if not found:
        raise BadTimestamp(what, f"the imprint is not by {' or '.join(imprints)}")
    if len(signed_data["signer_infos"]) != 1:
        raise BadTimestamp(what, "not exactly one signer")
    signer = signed_data["signer_infos"][0]
    certificates = [one.chosen for one in signed_data["certificates"] if one.name == "certificate"]
    own = [one for one in certificates if _is_signer(signer, one)]
    named = _named_digest(signer["signed_attrs"])
    if not own or named is None:
        raise BadTimestamp(what, "the signing certificate is not inside, or not named")
    name, value = named
    if name not in _NAMING_DIGESTS:
        raise BadTimestamp(what, f"the token names its certificate by {name}")
    if not hmac.compare_digest(hashlib.new(name, own[0].dump(), usedforsecurity=False).digest(), value):
        raise BadTimestamp(what, "the token names another certificate")
    return found[0]


def _is_signer(signer: cms.SignerInfo, certificate: cms.Certificate) -> bool:
    sid = signer["sid"].chosen
    return bool(
        signer["sid"].name == "issuer_and_serial_number"
        and sid["issuer"].dump() == certificate.issuer.dump()
        and sid["serial_number"].native == certificate.serial_number
    )


def _named_digest(attributes: cms.CMSAttributes) -> tuple[str, bytes] | None:
    """Algorithm and digest of signing-certificate-v2 (RFC 5816), or of the form before it (RFC 2634)."""
    found = {attribute["type"].native: attribute["values"] for attribute in attributes}
    if "signing_certificate_v2" in found:
        first = found["signing_certificate_v2"][0]["certs"][0]
        return str(first["hash_algorithm"]["algorithm"].native), bytes(first["cert_hash"].native)
    if "signing_certificate" in found:
        return "sha1", bytes(found["signing_certificate"][0]["certs"][0]["cert_hash"].native)
    return None
