"""What the sandbox's authority says about revocation: lists (RFC 5280 §5) and OCSP answers (RFC 6960).

Composed here because `cryptography` signs neither with SM2; one way serves both of the sandbox's roots.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha1, sha256

from asn1crypto import core, crl, ocsp

from bidclient.crypto.certificate import Certificate
from bidclient.crypto.private_key import PrivateKey, usual_scheme
from bidclient.crypto.signature_algorithms import signature_algorithm
from bidclient.sandbox.sm2_certificates import asn1_time

_HASHES = {"sha1": sha1, "sha256": sha256}


def revocation_list(
    issuer: PrivateKey, revoked: Mapping[int, datetime], now: datetime, until: datetime
) -> bytes:
    """The DER list of `issuer`: serial numbers with the time of their revocation."""
    scheme = usual_scheme(issuer.certificate)
    entries = [
        {"user_certificate": serial, "revocation_date": asn1_time(at)}
        for serial, at in sorted(revoked.items())
    ]
    body = crl.TbsCertList(
        {
            "version": "v2",
            "signature": signature_algorithm(scheme),
            "issuer": issuer.certificate.asn1().subject,
            "this_update": asn1_time(now),
            "next_update": asn1_time(until),
            **({"revoked_certificates": entries} if entries else {}),
            "crl_extensions": [
                {
                    "extn_id": "authority_key_identifier",
                    "extn_value": {"key_identifier": issuer.certificate.key_identifier},
                },
                {"extn_id": "crl_number", "extn_value": int(now.timestamp())},
            ],
        }
    )
    made = crl.CertificateList(
        {
            "tbs_cert_list": body,
            "signature_algorithm": signature_algorithm(scheme),
            "signature": issuer.sign([body.dump()], scheme)[0],
        }
    )
    return bytes(made.dump())


def revoked_serials(data: bytes) -> dict[int, datetime]:
    """The serial numbers on a DER list, with the time of each revocation."""
    entries = crl.CertificateList.load(data)["tbs_cert_list"]["revoked_certificates"]
    return {entry["user_certificate"].native: entry["revocation_date"].native for entry in entries or ()}


def asked_serials(request: bytes) -> tuple[int, ...]:
    """The serial numbers that a DER OCSPRequest asks about; none when it is no such request."""
    try:
        asked = ocsp.OCSPRequest.load(request, strict=True)["tbs_request"]["request_list"]
        return tuple(one["req_cert"]["serial_number"].native for one in asked)
    except (ValueError, TypeError, KeyError):
        return ()


def ocsp_answer(
    request: bytes, issuers: Sequence[PrivateKey], revoked: Mapping[int, datetime], now: datetime
) -> bytes:
    """The DER OCSPResponse to a DER OCSPRequest, signed by the issuer that it asks about.

    `revoked` holds the serial numbers of all of them. The answer is for now and nobody may keep it: there is
    no nextUpdate (RFC 6960 §4.2.2.1).
    """
    try:
        asked = ocsp.OCSPRequest.load(request, strict=True)
        ids = [one["req_cert"] for one in asked["tbs_request"]["request_list"]]
        nonce = asked.nonce_value
        issuer = next((one for one in issuers if ids and _is_about(ids[0], one.certificate)), None)
    except (ValueError, TypeError, KeyError):
        return _failure("malformed_request")
    if issuer is None:
        return _failure("unauthorized")
    responses = [
        {"cert_id": one, "cert_status": _status(one, issuer, revoked), "this_update": _seconds(now)}
        for one in ids
    ]
    told = ocsp.ResponseData(
        {
            "responder_id": ocsp.ResponderId("by_name", issuer.certificate.asn1().subject),
            "produced_at": _seconds(now),
            "responses": responses,
            **({} if nonce is None else {"response_extensions": [{"extn_id": "nonce", "extn_value": nonce}]}),
        }
    )
    scheme = usual_scheme(issuer.certificate)
    basic = ocsp.BasicOCSPResponse(
        {
            "tbs_response_data": told,
            "signature_algorithm": signature_algorithm(scheme),
            "signature": issuer.sign([told.dump()], scheme)[0],
        }
    )
    answer = {"response_type": "basic_ocsp_response", "response": basic}
    return bytes(ocsp.OCSPResponse({"response_status": "successful", "response_bytes": answer}).dump())


def _is_about(asked: ocsp.CertId, issuer: Certificate) -> bool:
    hashes = _HASHES.get(asked["hash_algorithm"]["algorithm"].native)
    key = bytes(issuer.asn1().public_key["public_key"])
    return hashes is not None and bool(hashes(key).digest() == asked["issuer_key_hash"].native)


def _status(asked: ocsp.CertId, issuer: PrivateKey, revoked: Mapping[int, datetime]) -> ocsp.CertStatus:
    if not _is_about(asked, issuer.certificate):
        return ocsp.CertStatus("unknown", ocsp.StatusUnknown())
    since = revoked.get(asked["serial_number"].native)
    if since is None:
        return ocsp.CertStatus("good", ocsp.StatusGood())
    return ocsp.CertStatus("revoked", {"revocation_time": _seconds(since)})


def _failure(status: str) -> bytes:
    return bytes(ocsp.OCSPResponse({"response_status": status}).dump())


def _seconds(at: datetime) -> core.GeneralizedTime:
    return core.GeneralizedTime(at.replace(microsecond=0))
