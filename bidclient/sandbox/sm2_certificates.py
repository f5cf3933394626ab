"""Certificates over SM2 keys (GM/T 0015) for the sandbox: `cryptography` refuses to build them."""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha1

from asn1crypto import core, keys
from asn1crypto import x509 as asn1
from cryptography import x509

from bidclient.crypto.certificate import Certificate
from bidclient.crypto.message_syntax import SM2, SM3_WITH_SM2
from bidclient.crypto.sm import Sm2PrivateKey

Extension = tuple[x509.ExtensionType, bool]
"""An extension, and whether it is critical."""


def sm2_certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: Sm2PrivateKey,
    issuer_key: Sm2PrivateKey,
    extensions: Sequence[Extension],
    not_before: datetime,
    not_after: datetime,
) -> Certificate:
    """A certificate for `key`, signed with SM3withSM2 by `issuer_key`.

    The key identifiers of RFC 5280 §4.2.1 are added to `extensions`.
    """
    identifiers: list[Extension] = [
        (x509.SubjectKeyIdentifier(_key_identifier(key)), False),
        (x509.AuthorityKeyIdentifier(_key_identifier(issuer_key), None, None), False),
    ]
    algorithm = {"algorithm": SM3_WITH_SM2}
    body = asn1.TbsCertificate(
        {
            "version": "v3",
            "serial_number": x509.random_serial_number(),
            "signature": algorithm,
            "issuer": asn1.Name.load(issuer.public_bytes()),
            "validity": {"not_before": asn1_time(not_before), "not_after": asn1_time(not_after)},
            "subject": asn1.Name.load(subject.public_bytes()),
            "subject_public_key_info": {
                "algorithm": {"algorithm": "ec", "parameters": keys.ECDomainParameters("named", SM2)},
                "public_key": keys.ECPointBitString(key.point),
            },
            "extensions": [_extension(kind, critical) for kind, critical in (*extensions, *identifiers)],
        }
    )
    made = asn1.Certificate(
        {
            "tbs_certificate": body,
            "signature_algorithm": algorithm,
            "signature_value": core.OctetBitString(issuer_key.sign(body.dump())),
        }
    )
    return Certificate.from_der(made.dump())


def _extension(kind: x509.ExtensionType, critical: bool) -> asn1.Extension:
    value = core.ParsableOctetString(kind.public_bytes())
    return asn1.Extension({"extn_id": kind.oid.dotted_string, "critical": critical, "extn_value": value})


def _key_identifier(key: Sm2PrivateKey) -> bytes:
    """RFC 5280 §4.2.1.2, method 1: a name, nothing rests on it."""
    return sha1(key.point, usedforsecurity=False).digest()


def asn1_time(at: datetime) -> asn1.Time:
    """Time in whole seconds, in the form that its year asks for (RFC 5280 §4.1.2.5)."""
    kind = "utc_time" if at.year < 2050 else "general_time"
    return asn1.Time(kind, at.replace(microsecond=0))
