"""The sandbox's time-stamping authority (RFC 3161), with the sandbox's clock."""

import hashlib
import secrets
from datetime import datetime
from typing import ClassVar

from asn1crypto import algos, cms, core, tsp

from bidclient.crypto.message_syntax import SM3
from bidclient.crypto.private_key import PrivateKey, SignatureScheme

POLICY = "1.3.6.1.4.1.99999.1.1"
REQUEST_TYPE = "application/timestamp-query"
REPLY_TYPE = "application/timestamp-reply"
REQUEST_LIMIT = 64 * 1024
_ACCURACY_SECONDS = 1
_DIGEST_LENGTHS = {"sha256": 32, "sha384": 48, "sha512": 64, SM3: 32}


class _Rejection(core.Sequence):  # type: ignore[misc]
    """A TimeStampResp without a token (RFC 3161 §2.4.2), which asn1crypto's own cannot be."""

    _fields: ClassVar[list[tuple[str, type]]] = [("status", tsp.PKIStatusInfo)]


def answer(request: bytes, key: PrivateKey, now: datetime) -> bytes:
    """The DER TimeStampResp to a DER TimeStampReq (RFC 3161 §2.4); it may be a rejection."""
    try:
        asked = tsp.TimeStampReq.load(request, strict=True)
        imprint = asked["message_imprint"]
        algorithm = imprint["hash_algorithm"]["algorithm"].native
        digest = imprint["hashed_message"].native
        nonce = asked["nonce"].native
        version = asked["version"].native
    except (ValueError, TypeError, KeyError):
        return _rejection("bad_data_format")
    if version != "v1" or _DIGEST_LENGTHS.get(algorithm) != len(digest):
        return _rejection("bad_alg")
    return _granted(algorithm, digest, nonce, key, now)


def stamp(digest: bytes, key: PrivateKey, now: datetime) -> bytes:
    """The DER TimeStampResp over a SHA-256 digest, for the network's own receipts."""
    return _granted("sha256", digest, None, key, now)


def _rejection(failure: str) -> bytes:
    status = tsp.PKIStatusInfo({"status": "rejection", "fail_info": {failure}})
    return bytes(_Rejection({"status": status}).dump())


def _granted(algorithm: str, digest: bytes, nonce: int | None, key: PrivateKey, now: datetime) -> bytes:
    info = tsp.TSTInfo(
        {
            "version": "v1",
            "policy": POLICY,
            "message_imprint": {"hash_algorithm": {"algorithm": algorithm}, "hashed_message": digest},
            "serial_number": secrets.randbits(63),
            # DER asks for no trailing zeros; whole seconds with the accuracy beside them avoid the question.
            "gen_time": now.replace(microsecond=0),
            "accuracy": {"seconds": _ACCURACY_SECONDS},
            "nonce": nonce,
        }
    )
    token = _token(info.dump(), key)
    return bytes(tsp.TimeStampResp({"status": {"status": "granted"}, "time_stamp_token": token}).dump())


def _token(info: bytes, key: PrivateKey) -> cms.ContentInfo:
    """SignedData over a TSTInfo, with the certificate's digest among the signed attributes (RFC 5816)."""
    certificate = key.certificate
    essential = tsp.SigningCertificateV2({"certs": [{"cert_hash": hashlib.sha256(certificate.der).digest()}]})
    attributes = cms.CMSAttributes(
        [
            {"type": "content_type", "values": ["tst_info"]},
            {"type": "message_digest", "values": [hashlib.sha256(info).digest()]},
            {"type": "signing_certificate_v2", "values": [essential]},
        ]
    )
    scheme = (
        SignatureScheme.ECDSA_SHA256
        if certificate.key_algorithm == "p-256"
        else SignatureScheme.RSA_PKCS1_SHA256
    )
    name = "sha256_ecdsa" if scheme is SignatureScheme.ECDSA_SHA256 else "rsassa_pkcs1v15"
    signature = key.sign([attributes.dump()], scheme)[0]
    parsed = certificate.asn1()
    sha256 = algos.DigestAlgorithm({"algorithm": "sha256"})
    signer = cms.SignerInfo(
        {
            "version": "v1",
            "sid": cms.SignerIdentifier(
                name="issuer_and_serial_number",
                value={"issuer": parsed.issuer, "serial_number": parsed.serial_number},
            ),
            "digest_algorithm": sha256,
            "signed_attrs": attributes,
            "signature_algorithm": {"algorithm": name},
            "signature": signature,
        }
    )
    signed = cms.SignedData(
        {
            "version": "v3",
            "digest_algorithms": [sha256],
            "encap_content_info": {
                "content_type": "tst_info",
                "content": core.ParsableOctetString(info),
            },
            "certificates": [parsed, *(one.asn1() for one in key.chain)],
            "signer_infos": [signer],
        }
    )
    return cms.ContentInfo({"content_type": "signed_data", "content": signed})
