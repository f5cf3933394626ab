"""Timestamps (RFC 3161): a third party says when a digest existed, checked before it is used."""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from asn1crypto import cms, core, tsp

from bidclient.crypto import der
from bidclient.crypto.certificate import Certificate
from bidclient.errors import BadFormat, BadTimestamp, NetworkProblem, Unreachable

Stamp = Callable[[bytes], bytes]
"""stamp(SHA-256 digest) → DER TimeStampToken that verifies. Raises BadTimestamp, NetworkProblem."""

_LIMIT = 256 * 1024
_DIGEST_SIZE = 32
_NONCE_BITS = 63
_NAMING_DIGESTS = ("sha1", "sha256", "sha384", "sha512")
"""SHA-1 is all that RFC 3161 knew; finding a second certificate for a digest is still out of reach for it."""


class _Response(core.Sequence):  # type: ignore[misc]
    """TimeStampResp (RFC 3161 §2.4.2); asn1crypto's own cannot read a refusal, which has no token."""

    _fields = [  # noqa: RUF012 - asn1crypto's way to declare a structure
        ("status", tsp.PKIStatusInfo),
        ("time_stamp_token", cms.ContentInfo, {"optional": True}),
    ]


def stamp_by(
    transport: Callable[[bytes], bytes], anchors: Sequence[Certificate], what: str = "timestamp"
) -> Stamp:
    """A Stamp that asks one timestamp service.

    `transport` posts a DER TimeStampReq and returns the DER TimeStampResp (RFC 3161 §3.4). The answer must
    carry our nonce and digest and lead to one of `anchors`, or the Stamp raises BadTimestamp.
    """

    def stamp(digest: bytes) -> bytes:
        nonce = secrets.randbits(_NONCE_BITS)
        response = transport(timestamp_request(digest, nonce))
        token = response_token(response, what)
        _verify(response, digest, anchors, what, nonce)
        return token

    return stamp


def fail_over(stamps: Sequence[Stamp]) -> Stamp:
    """A Stamp that tries `stamps` in order until one succeeds.

    When none does it raises with every reason: Unreachable if all of them failed in the network (try again
    later), else BadTimestamp.
    """

    def stamp(digest: bytes) -> bytes:
        failures: list[BadTimestamp | NetworkProblem] = []
        for one in stamps:
            try:
                return one(digest)
            except (BadTimestamp, NetworkProblem) as error:
                failures.append(error)
        reasons = "; ".join(str(failure) for failure in failures) or "no timestamp service is set"
        if failures and all(isinstance(failure, NetworkProblem) for failure in failures):
            raise Unreachable("timestamp services", reasons) from failures[-1]
        raise BadTimestamp("timestamp", reasons)

    return stamp


def timestamp_request(digest: bytes, nonce: int) -> bytes:
    """The DER TimeStampReq for a SHA-256 `digest`, certificates wanted (RFC 3161 §2.4.1)."""
    if len(digest) != _DIGEST_SIZE:
        raise ValueError("a SHA-256 digest has 32 bytes")
    request = tsp.TimeStampReq(
        {
            "version": "v1",
            "message_imprint": {"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": digest},
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


def verify_token(token: bytes, digest: bytes, anchors: Sequence[Certificate], what: str) -> datetime:
    """The time (UTC) at which a trusted service saw the SHA-256 `digest`, from a DER TimeStampToken.

    Checked: signature, chain to `anchors` at the token's own time, critical extendedKeyUsage timeStamping
    (RFC 3161 §2.3), signing-certificate attribute (§2.4.2), digest. `what` names the artefact in errors.
    Raises BadTimestamp.
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
    return _verify(response, digest, anchors, what, None)


def _verify(
    response: bytes, digest: bytes, anchors: Sequence[Certificate], what: str, nonce: int | None
) -> datetime:
    # Slow to import, and sealing and unsealing never come here.
    from cryptography.x509 import load_der_x509_certificate
    from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response

    if not anchors:
        raise BadTimestamp(what, "no trust anchor for timestamps")
    builder = VerifierBuilder(
        roots=[load_der_x509_certificate(anchor.der) for anchor in anchors], nonce=nonce
    )
    try:
        with der.reading(what):
            response = _in_order(response)
        parsed = decode_timestamp_response(response)
        with der.reading(what):
            _check_binding(parsed.time_stamp_token(), what)
        builder.build().verify(parsed, digest)
        return parsed.tst_info.gen_time.astimezone(UTC)
    except BadFormat as error:
        raise BadTimestamp(what, error.reason) from error
    except (VerificationError, ValueError) as error:
        raise BadTimestamp(what, str(error)) from error


def _in_order(response: bytes) -> bytes:
    """The response with its certificates in DER order: `openssl ts` does not sort them, the library insists.

    The order is not signed, and asn1crypto keeps every other byte as it was.
    """
    parsed = _Response.load(response, strict=True)
    signed_data = parsed["time_stamp_token"]["content"]
    if len(signed_data["certificates"]):
        signed_data["certificates"] = list(signed_data["certificates"])
    return bytes(parsed.dump())


def _check_binding(token: bytes, what: str) -> None:
    """What the library leaves out: the imprint's algorithm, and that the token names its signer by digest."""
    signed_data = cms.ContentInfo.load(token, strict=True)["content"]
    imprint = signed_data["encap_content_info"]["content"].parsed["message_imprint"]
    if imprint["hash_algorithm"]["algorithm"].native != "sha256":
        raise BadTimestamp(what, "the imprint is not SHA-256")
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
